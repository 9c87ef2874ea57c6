// SPDX-License-Identifier: Apache-2.0
// slice.c - see slice.h. cut.h says where a tensor lies, kernelmix.h how its kernel
// shrinks; here both are applied: outwards, backwards, and for the update.
#include "worker/supernet/slice.h"

#include "worker/supernet/cut.h"
#include "worker/supernet/kernelmix.h"

#include <stdlib.h>
#include <string.h>

struct slice {
    struct layout largest; // the supernet's
    // By layout tensor of the supernet: the supernet tensors it is trained as; -1 =
    // none.
    int tensor[LAYOUT_TENSORS_MAX];
    int k53_tensor[LAYOUT_TENSORS_MAX], k31_tensor[LAYOUT_TENSORS_MAX];
    int classifier;
    struct layout dense;
    int n_cuts; // one per tensor of the dense layout
    struct cut cuts[LAYOUT_TENSORS_MAX];
    int largest_index[LAYOUT_TENSORS_MAX]; // cut -> layout tensor of the supernet
};

static int tensor_at(const struct supernet *s, size_t at)
{
    for (int i = 0; i < s->n_tensors; i++) {
        if (s->tensors[i].at == at) {
            return i;
        }
    }
    return -1;
}

struct slice *slice_create(const struct supernet *s)
{
    struct slice *p = calloc(1, sizeof(*p));
    BUG_ON(!p);
    p->largest = s->layout;
    for (int i = 0; i < s->layout.n_tensors; i++) {
        const struct layout_tensor *t = &s->layout.tensors[i];
        p->tensor[i] = t->is_stat ? -1 : tensor_at(s, t->at);
        p->k53_tensor[i] = tensor_at(s, s->k53_at[i]);
        p->k31_tensor[i] = tensor_at(s, s->k31_at[i]);
    }
    p->classifier = tensor_at(s, s->classifier_at);
    return p;
}

void slice_destroy(struct slice *p)
{
    free(p);
}

const struct layout *slice_layout(const struct slice *p)
{
    return &p->dense;
}

// The supernet's layout tensor of that name, at `from` or behind it.
static int largest_from(const struct slice *p, int from, const char *name)
{
    int i = from;
    while (i < p->largest.n_tensors && strcmp(p->largest.tensors[i].name, name) != 0) {
        i++;
    }
    BUG_ON(i == p->largest.n_tensors);
    return i;
}

void slice_plan(struct slice *p, const struct arch *a)
{
    layout_build(&p->dense, &p->largest.dims, a);
    p->n_cuts = p->dense.n_tensors;
    int j = -1; // both tables are in the same order; the dense one lacks whole blocks
    for (int i = 0; i < p->n_cuts; i++) {
        j = largest_from(p, j + 1, p->dense.tensors[i].name);
        p->cuts[i] = cut_make(&p->dense, &p->dense.tensors[i], &p->largest.tensors[j]);
        p->largest_index[i] = j;
    }
}

static bool is_mixed(const struct cut *c)
{
    return c->n_dense_taps < c->n_super_taps;
}

static const float *matrix(const float *values, size_t at)
{
    return at == SUPERNET_NO_MATRIX ? NULL : values + at;
}

static struct kernelmix mix_of(const struct slice *p, const struct supernet *s, int i)
{
    const struct cut *c = &p->cuts[i];
    int j = p->largest_index[i];
    return kernelmix_make(c->n_dense_taps, c->n_super_taps,
                          matrix(s->values, s->k53_at[j]),
                          matrix(s->values, s->k31_at[j]));
}

// ---------------------------------------------------------------- outwards

struct reading {
    const struct cut *cut;
    const struct kernelmix *mix; // NULL: the same number of taps
    const float *super;
    float *dense;
};

static void read_run(void *arg, size_t dense, size_t super, size_t n)
{
    const struct reading *r = arg;
    for (int t = 0; t < r->cut->n_dense_taps; t++) {
        memcpy(r->dense + (size_t)t * r->cut->dense_tap + dense,
               r->super + (size_t)t * r->cut->super_tap + super, n * sizeof(float));
    }
}

static void read_mixed_run(void *arg, size_t dense, size_t super, size_t n)
{
    const struct reading *r = arg;
    const struct kernelmix *m = r->mix;
    for (int d = 0; d < m->n_dense; d++) {
        float *to = r->dense + (size_t)d * r->cut->dense_tap + dense;
        memset(to, 0, n * sizeof(float));
        for (int s = 0; s < m->n_super; s++) {
            const float *from =
                r->super + (size_t)(m->first + s) * r->cut->super_tap + super;
            for (size_t i = 0; i < n; i++) {
                to[i] += m->weight[d][s] * from[i];
            }
        }
    }
}

void slice_weights(const struct slice *p, const struct supernet *s, float *dense)
{
    for (int i = 0; i < p->n_cuts; i++) {
        const struct cut *c = &p->cuts[i];
        if (c->is_stat) {
            continue;
        }
        float *to = dense + c->dense_at;
        struct reading r = {c, NULL, s->values + c->super_at, to};
        if (!is_mixed(c)) {
            cut_each_run(c, read_run, &r);
            continue;
        }
        struct kernelmix mix = mix_of(p, s, i);
        r.mix = &mix;
        cut_each_run(c, read_mixed_run, &r);
    }
}

void slice_stats(const struct slice *p, const struct supernet *s, float *dense)
{
    for (int i = 0; i < p->n_cuts; i++) {
        const struct cut *c = &p->cuts[i];
        if (c->is_stat) {
            float *to = dense + c->dense_at;
            struct reading r = {c, NULL, s->stats + c->super_at, to};
            cut_each_run(c, read_run, &r);
        }
    }
}

// ---------------------------------------------------------------- backwards

struct writing {
    const struct cut *cut;
    const struct kernelmix *mix;
    const float *d_dense;
    const float *super; // the weights, for the gradient of the mix
    float *d_super;
    double d_mix[KERNELMIX_TAPS][KERNELMIX_TAPS];
};

static void write_run(void *arg, size_t dense, size_t super, size_t n)
{
    const struct writing *w = arg;
    for (int t = 0; t < w->cut->n_dense_taps; t++) {
        memcpy(w->d_super + (size_t)t * w->cut->super_tap + super,
               w->d_dense + (size_t)t * w->cut->dense_tap + dense, n * sizeof(float));
    }
}

static void write_mixed_run(void *arg, size_t dense, size_t super, size_t n)
{
    struct writing *w = arg;
    const struct kernelmix *m = w->mix;
    for (int s = 0; s < m->n_super; s++) {
        size_t at = (size_t)(m->first + s) * w->cut->super_tap + super;
        float *to = w->d_super + at;
        const float *weights = w->super + at;
        memset(to, 0, n * sizeof(float));
        for (int d = 0; d < m->n_dense; d++) {
            const float *from = w->d_dense + (size_t)d * w->cut->dense_tap + dense;
            double dot = 0;
            for (size_t i = 0; i < n; i++) {
                to[i] += m->weight[d][s] * from[i];
                dot += (double)weights[i] * (double)from[i];
            }
            w->d_mix[d][s] += dot;
        }
    }
}

static void write_mixed(const struct slice *p, const struct supernet *s, int i,
                        struct writing *w, float *d_super)
{
    struct kernelmix mix = mix_of(p, s, i);
    w->mix = &mix;
    cut_each_run(w->cut, write_mixed_run, w);
    size_t k53 = s->k53_at[p->largest_index[i]];
    size_t k31 = s->k31_at[p->largest_index[i]];
    kernelmix_adjoint(&mix, matrix(s->values, k53), matrix(s->values, k31), w->d_mix,
                      mix.uses_k53 ? d_super + k53 : NULL,
                      mix.uses_k31 ? d_super + k31 : NULL);
}

void slice_adjoint(const struct slice *p, const struct supernet *s,
                   const float *d_dense, float *d_super)
{
    for (int i = 0; i < p->n_cuts; i++) {
        const struct cut *c = &p->cuts[i];
        if (c->is_stat) {
            continue;
        }
        struct writing w = {.cut = c,
                            .d_dense = d_dense + c->dense_at,
                            .super = s->values + c->super_at,
                            .d_super = d_super + c->super_at};
        if (is_mixed(c)) {
            write_mixed(p, s, i, &w, d_super);
        } else {
            cut_each_run(c, write_run, &w);
        }
    }
}

// ---------------------------------------------------------------- the update

struct updating {
    const struct cut *cut;
    int first_tap, n_taps; // of the supernet's
    struct adam_factors factors;
    const float *d_super;
    float *values, *m, *v; // from the tensor's first value on
};

static void update_run(void *arg, size_t dense, size_t super, size_t n)
{
    (void)dense;
    const struct updating *u = arg;
    for (int t = u->first_tap; t < u->first_tap + u->n_taps; t++) {
        size_t at = (size_t)t * u->cut->super_tap + super;
        adam_update(&u->factors, n, u->values + at, u->d_super + at, u->m + at,
                    u->v + at);
    }
}

// A whole tensor: the classifier, or a kernel matrix.
static void update_tensor(struct supernet *s, int index, const struct adam *adam,
                          double lr, const float *d_super)
{
    const struct supernet_tensor *t = &s->tensors[index];
    struct adam_factors f = adam_at(adam, lr, ++s->steps[index]);
    adam_update(&f, t->n_values, s->values + t->at, d_super + t->at, s->m + t->at,
                s->v + t->at);
}

static void update_matrices(const struct slice *p, struct supernet *s, int i,
                            const struct adam *adam, double lr, const float *d_super)
{
    struct kernelmix mix = mix_of(p, s, i);
    if (mix.uses_k53) {
        update_tensor(s, p->k53_tensor[p->largest_index[i]], adam, lr, d_super);
    }
    if (mix.uses_k31) {
        update_tensor(s, p->k31_tensor[p->largest_index[i]], adam, lr, d_super);
    }
}

static void update_cut(const struct slice *p, struct supernet *s, int i,
                       const struct adam *adam, double lr, const float *d_super)
{
    const struct cut *c = &p->cuts[i];
    struct updating u = {
        .cut = c,
        .n_taps = c->n_super_taps,
        .factors = adam_at(adam, lr, ++s->steps[p->tensor[p->largest_index[i]]]),
        .d_super = d_super + c->super_at,
        .values = s->values + c->super_at,
        .m = s->m + c->super_at,
        .v = s->v + c->super_at};
    if (is_mixed(c)) {
        struct kernelmix mix = mix_of(p, s, i);
        u.first_tap = mix.first;
        u.n_taps = mix.n_super;
    }
    cut_each_run(c, update_run, &u);
}

void slice_adam(const struct slice *p, struct supernet *s, const struct adam *adam,
                double lr, const float *d_super)
{
    for (int i = 0; i < p->n_cuts; i++) {
        const struct cut *c = &p->cuts[i];
        if (c->is_stat) {
            continue;
        }
        update_cut(p, s, i, adam, lr, d_super);
        if (is_mixed(c)) {
            update_matrices(p, s, i, adam, lr, d_super);
        }
    }
    update_tensor(s, p->classifier, adam, lr, d_super);
}

struct averaging {
    const float *dense;
    float *super;
    float momentum;
};

static void average_run(void *arg, size_t dense, size_t super, size_t n)
{
    const struct averaging *a = arg;
    for (size_t i = 0; i < n; i++) {
        float old = a->super[super + i];
        a->super[super + i] = old + a->momentum * (a->dense[dense + i] - old);
    }
}

void slice_average_stats(const struct slice *p, struct supernet *s, const float *dense,
                         double momentum)
{
    for (int i = 0; i < p->n_cuts; i++) {
        const struct cut *c = &p->cuts[i];
        if (c->is_stat) {
            struct averaging a = {dense + c->dense_at, s->stats + c->super_at,
                                  (float)momentum};
            cut_each_run(c, average_run, &a);
        }
    }
}
