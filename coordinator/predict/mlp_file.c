// SPDX-License-Identifier: Apache-2.0
// mlp_file.c - the MLP's tensors, named as in the published predictor's file.
#include "coordinator/predict/mlp.h"
#include "coordinator/predict/onehot.h"

#include <math.h>
#include <stdio.h>

// Modules of the published network: batch norm 0, then each linear layer and its ReLU.
static const char *const layer_names[MLP_LAYERS] = {"1", "3", "5", "7"};

struct field { // one tensor
    char name[24];
    float *values;
    int rank;
    int64_t shape[2];
};

#define N_FIELDS (4 + 2 * MLP_LAYERS + 4)

static void list_norm(struct mlp *m, struct field *out)
{
    const struct {
        const char *name;
        float *x;
        float *y;
    } norms[] = {
        {"weight", m->bn_weight, &m->y_weight},
        {"bias", m->bn_bias, &m->y_bias},
        {"running_mean", m->bn_mean, &m->y_mean},
        {"running_var", m->bn_var, &m->y_var},
    };
    for (int i = 0; i < 4; i++) {
        out[i] = (struct field){.values = norms[i].x, .rank = 1};
        out[i].shape[0] = (int64_t)m->n_in;
        snprintf(out[i].name, sizeof(out[i].name), "0.%s", norms[i].name);
        out[4 + i] = (struct field){.values = norms[i].y, .rank = 1, .shape = {1}};
        snprintf(out[4 + i].name, sizeof(out[i].name), "ynorm.%s", norms[i].name);
    }
}

static void list_layer(const struct mlp_layer *l, const char *name, struct field *out)
{
    out[0] = (struct field){
        .values = l->weight, .rank = 2, .shape = {(int64_t)l->out, (int64_t)l->in}};
    out[1] = (struct field){.values = l->bias, .rank = 1, .shape = {(int64_t)l->out}};
    snprintf(out[0].name, sizeof(out[0].name), "%s.weight", name);
    snprintf(out[1].name, sizeof(out[1].name), "%s.bias", name);
}

static void list_fields(struct mlp *m, struct field out[static N_FIELDS])
{
    list_norm(m, out);
    for (size_t i = 0; i < MLP_LAYERS; i++) {
        list_layer(&m->layers[i], layer_names[i], out + 8 + 2 * i);
    }
}

void mlp_save(const void *mlp, struct tensor_writer *w)
{
    struct mlp m = *(const struct mlp *)mlp; // the list wants to write
    const struct mlp *kept = mlp;
    struct field fields[N_FIELDS];
    list_fields(&m, fields);
    const float *y[] = {&kept->y_weight, &kept->y_bias, &kept->y_mean, &kept->y_var};
    for (int i = 0; i < N_FIELDS; i++) {
        const struct field *f = &fields[i];
        const float *values = i >= 4 && i < 8 ? y[i - 4] : f->values;
        tensor_writer_add(w, f->name, TENSOR_F32, f->rank, f->shape, values);
    }
}

static enum err read_field(const struct tensor_reader *r, const struct field *f,
                           struct errinfo *why)
{
    size_t n = 1;
    const struct tensor *t = tensor_reader_find(r, f->name);
    for (int i = 0; i < f->rank; i++) {
        n *= (size_t)f->shape[i];
        if (t && (t->rank != f->rank || t->shape[i] != f->shape[i])) {
            return err_set(why, ERR_CORRUPT,
                           "tensor %s does not have the shape its neighbours and the "
                           "space ask for",
                           f->name);
        }
    }
    enum err e = tensor_read_f32(r, f->name, f->values, n, why);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        if (!isfinite(f->values[i])) {
            e = err_set(why, ERR_CORRUPT, "tensor %s holds a value that is not finite",
                        f->name);
        }
    }
    return e;
}

static enum err read_hidden(const struct tensor_reader *r,
                            size_t hidden[static MLP_LAYERS - 1], struct errinfo *why)
{
    for (int i = 0; i < MLP_LAYERS - 1; i++) {
        char name[24];
        snprintf(name, sizeof(name), "%s.bias", layer_names[i]);
        const struct tensor *t = tensor_reader_find(r, name);
        if (!t) {
            return err_set(why, ERR_CORRUPT, "no tensor %s", name);
        }
        if (t->n_values < 1 || t->n_values > MLP_HIDDEN_MAX) {
            return err_set(why, ERR_CORRUPT,
                           "tensor %s has %zu values; allowed: 1 to %d", name,
                           t->n_values, MLP_HIDDEN_MAX);
        }
        hidden[i] = t->n_values;
    }
    return ERR_OK;
}

static enum err check_norms(const struct mlp *m, struct errinfo *why)
{
    for (size_t i = 0; i < m->n_in; i++) {
        if (m->bn_var[i] < 0) {
            return err_set(why, ERR_CORRUPT, "0.running_var[%zu] is negative", i);
        }
    }
    if (m->y_var < 0 || fabs(m->y_weight + MLP_EPS) < 1e-12) {
        return err_set(why, ERR_CORRUPT, "ynorm cannot be inverted");
    }
    return ERR_OK;
}

static enum err read_fields(const struct tensor_reader *r, struct mlp *m,
                            struct errinfo *why)
{
    struct field fields[N_FIELDS];
    list_fields(m, fields);
    for (int i = 0; i < N_FIELDS; i++) {
        enum err e = read_field(r, &fields[i], why);
        if (e != ERR_OK) {
            return e;
        }
    }
    return check_norms(m, why);
}

enum err mlp_load(const struct tensor_reader *r, const struct space *s, void **state,
                  struct errinfo *why)
{
    size_t hidden[MLP_LAYERS - 1];
    enum err e = read_hidden(r, hidden, why);
    if (e != ERR_OK) {
        return e;
    }
    struct mlp *m = mlp_create(onehot_size(s), hidden);
    e = read_fields(r, m, why);
    if (e != ERR_OK) {
        mlp_destroy(m);
        return e;
    }
    mlp_fold(m);
    *state = m;
    return ERR_OK;
}
