// SPDX-License-Identifier: Apache-2.0
// supernet.c - see supernet.h. Values: the layout's weights as they lie there, then the
// kernel matrices, then the classifier.
#include "worker/supernet/supernet.h"

#include "common/base/rng.h"
#include "worker/supernet/naming.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct supernet_tensor *add_tensor(struct supernet *s, int layout_index,
                                          int rank, const int64_t *shape)
{
    BUG_ON(s->n_tensors == SUPERNET_TENSORS_MAX);
    struct supernet_tensor *t = &s->tensors[s->n_tensors++];
    t->layout_index = layout_index;
    t->rank = rank;
    t->at = s->n_values;
    t->n_values = 1;
    for (int i = 0; i < rank; i++) {
        t->shape[i] = (int)shape[i];
        t->n_values *= (size_t)shape[i];
    }
    s->n_values += t->n_values;
    return t;
}

static void add_layout_tensors(struct supernet *s)
{
    for (int i = 0; i < s->layout.n_tensors; i++) {
        const struct layout_tensor *l = &s->layout.tensors[i];
        if (l->is_stat) {
            continue;
        }
        int64_t shape[3];
        int rank = naming_shape(l, shape);
        struct supernet_tensor *t = add_tensor(s, i, rank, shape);
        memcpy(t->name, l->name, sizeof(t->name));
        BUG_ON(t->at != l->at);
    }
    BUG_ON(s->n_values != s->layout.n_weights);
}

// "layer1.conv.conv.weight" -> "layer1.conv.k53". Returns its offset.
static size_t add_matrix(struct supernet *s, const struct layout_tensor *conv,
                         const char *leaf, int size)
{
    const int64_t shape[] = {size, size};
    struct supernet_tensor *t = add_tensor(s, -1, 2, shape);
    int prefix = (int)(strlen(conv->name) - strlen(".conv.weight"));
    int n = snprintf(t->name, sizeof(t->name), "%.*s.%s", prefix, conv->name, leaf);
    BUG_ON(n < 0 || (size_t)n >= sizeof(t->name));
    return t->at;
}

static void add_matrices(struct supernet *s)
{
    for (int i = 0; i < s->layout.n_tensors; i++) {
        const struct layout_tensor *l = &s->layout.tensors[i];
        bool is_elastic = l->is_elastic_kernel;
        s->k53_at[i] = is_elastic && l->taps == 5 ? add_matrix(s, l, "k53", 3)
                                                  : SUPERNET_NO_MATRIX;
        s->k31_at[i] = is_elastic && l->taps >= 3 ? add_matrix(s, l, "k31", 1)
                                                  : SUPERNET_NO_MATRIX;
    }
}

static void add_classifier(struct supernet *s)
{
    const int64_t shape[] = {s->layout.dims.n_embed, s->n_classes};
    struct supernet_tensor *t = add_tensor(s, -1, 2, shape);
    snprintf(t->name, sizeof(t->name), "aam.W");
    s->classifier_at = t->at;
}

static void fill(float *x, size_t n, float value)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = value;
    }
}

static void fill_uniform(float *x, size_t n, double bound, struct rng *r)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)rng_uniform(r, -bound, bound);
    }
}

static void init_layout_tensor(struct supernet *s, const struct supernet_tensor *t,
                               struct rng *r)
{
    const struct layout *l = &s->layout;
    const struct layout_tensor *of = &l->tensors[t->layout_index];
    float *x = s->values + t->at;
    switch (naming_role_of(l, of)) {
    case NAMING_CONV:
    case NAMING_LINEAR:
        fill_uniform(x, t->n_values, 1 / sqrt((double)of->in * of->taps), r);
        break;
    case NAMING_LINEAR_BIAS:
        fill_uniform(x, t->n_values,
                     1 / sqrt((double)naming_sibling(l, of, "weight")->in), r);
        break;
    case NAMING_BN_SCALE: fill(x, t->n_values, 1); break;
    case NAMING_BN_SHIFT: fill(x, t->n_values, 0); break;
    case NAMING_BN_MEAN:
    case NAMING_BN_VARIANCE: BUG_ON(true); // statistics are no supernet tensors
    }
}

static void init_classifier(struct supernet *s, struct rng *r)
{
    size_t n = (size_t)s->layout.dims.n_embed * (size_t)s->n_classes;
    double deviation = sqrt(2.0 / (s->layout.dims.n_embed + s->n_classes));
    for (size_t i = 0; i < n; i++) {
        s->values[s->classifier_at + i] = (float)(deviation * rng_normal(r));
    }
}

static void init_values(struct supernet *s, uint64_t seed)
{
    for (int i = 0; i < s->n_tensors; i++) {
        const struct supernet_tensor *t = &s->tensors[i];
        struct rng r = rng_stream(seed, RNG_INIT, (uint64_t)i, 0);
        if (t->layout_index >= 0) {
            init_layout_tensor(s, t, &r);
        } else if (t->at == s->classifier_at) {
            init_classifier(s, &r);
        } else { // the identity
            for (int k = 0; k < t->shape[0]; k++) {
                s->values[t->at + (size_t)(k * t->shape[0] + k)] = 1;
            }
        }
    }
}

static void init_stats(struct supernet *s)
{
    for (int i = 0; i < s->layout.n_tensors; i++) {
        const struct layout_tensor *t = &s->layout.tensors[i];
        if (t->is_stat) {
            bool is_mean = naming_role_of(&s->layout, t) == NAMING_BN_MEAN;
            fill(s->stats + t->at, (size_t)t->out, is_mean ? 0 : 1);
        }
    }
}

static void *zeros(size_t n, size_t size)
{
    void *p = calloc(n, size);
    BUG_ON(!p);
    return p;
}

struct supernet *supernet_create(const struct net_dims *d, int n_classes, uint64_t seed)
{
    BUG_ON(n_classes < 1);
    struct supernet *s = zeros(1, sizeof(*s));
    struct arch largest = arch_largest(d);
    layout_build(&s->layout, d, &largest);
    s->n_classes = n_classes;
    add_layout_tensors(s);
    add_matrices(s);
    add_classifier(s);
    s->values = zeros(s->n_values, sizeof(float));
    s->m = zeros(s->n_values, sizeof(float));
    s->v = zeros(s->n_values, sizeof(float));
    s->steps = zeros((size_t)s->n_tensors, sizeof(*s->steps));
    s->stats = zeros(s->layout.n_stats, sizeof(float));
    init_values(s, seed);
    init_stats(s);
    return s;
}

void supernet_destroy(struct supernet *s)
{
    if (!s) {
        return;
    }
    free(s->values);
    free(s->m);
    free(s->v);
    free(s->steps);
    free(s->stats);
    free(s);
}

static bool are_finite(const float *x, size_t n)
{
    double sum = 0; // of squares: infinite or NaN as soon as one of them is
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return isfinite(sum);
}

enum err supernet_check(const struct supernet *s, struct errinfo *why)
{
    for (int i = 0; i < s->n_tensors; i++) {
        const struct supernet_tensor *t = &s->tensors[i];
        if (!are_finite(s->values + t->at, t->n_values) ||
            !are_finite(s->m + t->at, t->n_values) ||
            !are_finite(s->v + t->at, t->n_values)) {
            return err_set(why, ERR_NUMERIC, "tensor %s is not finite", t->name);
        }
    }
    return are_finite(s->stats, s->layout.n_stats)
               ? ERR_OK
               : err_set(why, ERR_NUMERIC, "the BN statistics are not finite");
}

const struct supernet_tensor *supernet_find(const struct supernet *s, const char *name)
{
    for (int i = 0; i < s->n_tensors; i++) {
        if (strcmp(s->tensors[i].name, name) == 0) {
            return &s->tensors[i];
        }
    }
    return NULL;
}
