// SPDX-License-Identifier: Apache-2.0
// predictor_file.c - predictors as safetensors files; see predictor.h. The metadata
// holds the kind, one tensor `space.GENE` per gene its values; the rest is the kind's.
#include "common/space/named.h"
#include "coordinator/predict/predictor_type.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND_KEY   "kind"
#define FORMAT_KEY "format"
#define FORMAT     "voxarch predictor 1"

_Static_assert(sizeof(int) == sizeof(int32_t), "genes' values are written in place");

static const char *tensor_name(enum gene_kind kind, int layer,
                               char out[static TENSOR_NAME_MAX])
{
    if (gene_kind_is_per_layer(kind)) {
        snprintf(out, TENSOR_NAME_MAX, "space.%s%d", gene_kind_name(kind), layer);
    } else {
        snprintf(out, TENSOR_NAME_MAX, "space.%s", gene_kind_name(kind));
    }
    return out;
}

// ---------------------------------------------------------------- writing

static void add_space(const struct space *s, struct tensor_writer *w)
{
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        char name[TENSOR_NAME_MAX];
        const int64_t shape[] = {g->n_values};
        tensor_writer_add(w, tensor_name(g->kind, g->layer, name), TENSOR_I32, 1, shape,
                          g->values);
    }
}

enum err predictor_save(const struct predictor *p, const char *path,
                        struct errinfo *why)
{
    struct tensor_writer *w = tensor_writer_create();
    tensor_writer_meta(w, FORMAT_KEY, FORMAT);
    tensor_writer_meta(w, KIND_KEY, p->type->name);
    add_space(&p->space, w);
    p->type->save(p->state, w);
    enum err e = tensor_writer_save(w, path, why);
    tensor_writer_destroy(w);
    return e;
}

// ---------------------------------------------------------------- reading

static enum err read_gene(const struct tensor_reader *r, const struct tensor *t,
                          struct gene *g, struct errinfo *why)
{
    float values[SPACE_VALUES_MAX]; // exact: no value is above 8192
    if (t->n_values < 1 || t->n_values > SPACE_VALUES_MAX) {
        return err_set(why, ERR_CORRUPT, "%s has %zu values, not 1 to %d", t->name,
                       t->n_values, SPACE_VALUES_MAX);
    }
    enum err e = tensor_read_f32(r, t->name, values, t->n_values, why);
    if (e != ERR_OK) {
        return e;
    }
    for (size_t i = 0; i < t->n_values; i++) {
        bool is_whole =
            values[i] >= 1 && values[i] <= 8192 && floorf(values[i]) == values[i];
        int value = is_whole ? (int)values[i] : 0;
        if (!gene_kind_allows(g->kind, value) || (i > 0 && value <= g->values[i - 1])) {
            return err_set(
                why, ERR_CORRUPT,
                "%s: value %g is not possible there; allowed, increasing: %s", t->name,
                (double)values[i], gene_kind_allowed(g->kind));
        }
        g->values[i] = value;
    }
    g->n_values = (int)t->n_values;
    return ERR_OK;
}

static enum err add_gene(const struct tensor_reader *r, enum gene_kind kind, int layer,
                         struct space *s, struct errinfo *why)
{
    char name[TENSOR_NAME_MAX];
    const struct tensor *t = tensor_reader_find(r, tensor_name(kind, layer, name));
    if (!t) {
        return err_set(why, ERR_CORRUPT, "no tensor %s", name);
    }
    struct gene *g = &s->genes[s->n_genes++];
    g->kind = kind;
    g->layer = layer;
    snprintf(g->name, sizeof(g->name), "%s", name + strlen("space."));
    return read_gene(r, t, g, why);
}

static enum err read_space(const struct tensor_reader *r, struct space *s,
                           struct errinfo *why)
{
    memset(s, 0, sizeof(*s));
    enum err e = ERR_OK;
    for (int kind = 0; kind < GENE_KINDS; kind++) {
        const struct gene *depths = &s->genes[0]; // GENE_DEPTH comes first
        int last = gene_kind_is_per_layer((enum gene_kind)kind)
                       ? depths->values[depths->n_values - 1]
                       : 0;
        for (int layer = 0; e == ERR_OK && layer <= last; layer++) {
            e = add_gene(r, (enum gene_kind)kind, layer, s, why);
        }
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

// The published predictor's file says neither its kind nor, to a program, its space.
static enum err read_head(const struct tensor_reader *r, struct predictor *p,
                          struct errinfo *why)
{
    const char *kind = tensor_reader_meta(r, KIND_KEY);
    const char *format = tensor_reader_meta(r, FORMAT_KEY);
    if (!format) {
        p->type = &predictor_mlp;
        BUG_ON(!named_space("coarse", &p->space));
        return ERR_OK;
    }
    if (strcmp(format, FORMAT) != 0) {
        return err_set(why, ERR_INPUT, "format is \"%.60s\"; this program reads \"%s\"",
                       format, FORMAT);
    }
    p->type = predictor_type_find(kind ? kind : "");
    if (!p->type) {
        return err_set(why, ERR_INPUT, "there is no predictor \"%.40s\"; allowed: %s",
                       kind ? kind : "", predictor_type_names());
    }
    return read_space(r, &p->space, why);
}

static enum err read_predictor(const struct tensor_reader *r, struct predictor *p,
                               struct errinfo *why)
{
    enum err e = read_head(r, p, why);
    if (e != ERR_OK) {
        return e;
    }
    BUG_ON(!p->type);
    return p->type->load(r, &p->space, &p->state, why);
}

enum err predictor_load(const char *path, struct predictor **out, struct errinfo *why)
{
    *out = NULL;
    struct tensor_reader *r = NULL;
    enum err e = tensor_reader_open(path, &r, why);
    if (e != ERR_OK) {
        return e;
    }
    struct predictor *p = calloc(1, sizeof(*p));
    BUG_ON(!p);
    e = read_predictor(r, p, why);
    tensor_reader_close(r);
    if (e != ERR_OK) {
        free(p);
        return err_prefix(why, e, "%s", path);
    }
    *out = p;
    return ERR_OK;
}
