// SPDX-License-Identifier: Apache-2.0
// test_slice.c - slicing against an index-by-index twin, its adjoint, and the update.
#include "tests/lib/check_main.h"
#include "tests/unit/worker/supernet/toy.h"
#include "worker/supernet/slice.h"

#include <math.h>
#include <string.h>

#define N_PATHS   24
#define N_KERNELS 3
static const int kernels[N_KERNELS] = {5, 3, 1}; // the supernet's largest

struct fixture {
    struct supernet *s;
    struct slice *p;
    const struct layout *l;
    float *dense; // [n_weights]
    float *super; // [n_values]
};

static struct fixture setup_path(int max_kernel, uint64_t path)
{
    struct fixture f = {.s = toy_supernet(max_kernel)};
    struct arch a = toy_arch(max_kernel, path);
    f.p = slice_create(f.s);
    slice_plan(f.p, &a);
    f.l = slice_layout(f.p);
    f.dense = calloc(f.s->layout.n_weights, sizeof(float));
    f.super = calloc(f.s->n_values, sizeof(float));
    return f;
}

static void teardown_path(struct fixture *f)
{
    free(f->dense);
    free(f->super);
    slice_destroy(f->p);
    supernet_destroy(f->s);
}

// ---------------------------------------------------------------- the twin

// Taps of one (out, in) pair as supernet.md writes it: W3 = W5[1:4] K53, W1 = W3[1]
// K31.
static void twin_taps(const struct supernet *s, int at, const double *w, int n_super,
                      int n_dense, double *out)
{
    double w3[3] = {0};
    memcpy(out, w, sizeof(*out) * (size_t)(n_dense == n_super ? n_dense : 0));
    if (n_dense == n_super) {
        return;
    }
    for (int j = 0; j < 3; j++) {
        if (n_super == 3) {
            w3[j] = w[j];
            continue;
        }
        for (int i = 0; i < 3; i++) {
            w3[j] += w[1 + i] * (double)s->values[s->k53_at[at] + (size_t)(3 * i + j)];
        }
    }
    memcpy(out, w3, sizeof(w3));
    if (n_dense == 1) {
        out[0] = w3[1] * (double)s->values[s->k31_at[at]];
    }
}

// One (out, in) pair: all its taps.
static void twin_pair(const struct fixture *f, const struct layout_tensor *t, int o,
                      int i, const float *got)
{
    const struct layout *large = &f->s->layout;
    const struct layout_tensor *of = layout_find(large, t->name);
    const float *from = t->is_stat ? f->s->stats : f->s->values;
    int so = toy_twin_index(t->out_axis, o, t->out, f->l);
    int si = toy_twin_index(t->in_axis, i, t->in, f->l);
    double w[5] = {0};
    double expected[5];
    for (int tap = 0; tap < of->taps; tap++) {
        w[tap] = (double)from[toy_place(of, tap, so, si)];
    }
    twin_taps(f->s, (int)(of - large->tensors), w, of->taps, t->taps, expected);
    for (int tap = 0; tap < t->taps; tap++) {
        double x = (double)got[toy_place(t, tap, o, i)];
        if (!(fabs(x - expected[tap]) <= 1e-5)) { // asserting each is slow
            ck_abort_msg("%s [%d][%d][%d]: %g, not %g", t->name, o, i, tap, x,
                         expected[tap]);
        }
    }
}

static void twin_tensor(const struct fixture *f, const struct layout_tensor *t,
                        const float *got)
{
    for (int o = 0; o < t->out; o++) {
        for (int i = 0; i < t->in; i++) {
            twin_pair(f, t, o, i, got);
        }
    }
}

static void check_twin(int path)
{
    int max_kernel = kernels[path % N_KERNELS];
    struct fixture f = setup_path(max_kernel, (uint64_t)path);
    float *stats = calloc(f.s->layout.n_stats, sizeof(float));
    slice_weights(f.p, f.s, f.dense);
    slice_stats(f.p, f.s, stats);
    for (int i = 0; i < f.l->n_tensors; i++) {
        const struct layout_tensor *t = &f.l->tensors[i];
        twin_tensor(&f, t, t->is_stat ? stats : f.dense);
    }
    free(stats);
    teardown_path(&f);
}

START_TEST(a_cut_equals_its_index_by_index_twin)
{
    for (int i = 0; i < N_PATHS; i++) {
        check_twin(i);
    }
}
END_TEST

START_TEST(the_largest_path_is_the_supernet_itself)
{
    struct fixture f = setup_path(5, 0);
    slice_plan(f.p, &f.s->layout.arch);
    slice_weights(f.p, f.s, f.dense);
    ck_assert_mem_eq(f.dense, f.s->values, f.s->layout.n_weights * sizeof(float));
    teardown_path(&f);
}
END_TEST

// ---------------------------------------------------------------- the adjoint

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

// <slice(x), y> = <x, adjoint(y)> over the weights, the matrices being fixed.
static void check_transpose(int path)
{
    struct fixture f = setup_path(kernels[path % N_KERNELS], (uint64_t)path);
    float *y = calloc(f.l->n_weights, sizeof(float));
    toy_fill(y, f.l->n_weights, 1);
    slice_weights(f.p, f.s, f.dense);
    slice_adjoint(f.p, f.s, y, f.super);
    double left = dot(f.dense, y, f.l->n_weights);
    double right = dot(f.s->values, f.super, f.s->layout.n_weights);
    ck_assert_double_eq_tol(left, right, 1e-4 * (fabs(left) + 1));
    free(y);
    teardown_path(&f);
}

START_TEST(the_adjoint_is_the_transpose)
{
    for (int i = 0; i < N_PATHS; i++) {
        check_transpose(i);
    }
}
END_TEST

// Central difference of <slice(values), y> in one value; exact but for rounding.
static double slope(struct fixture *f, const float *y, size_t at)
{
    const float step = 0.0625f;
    float old = f->s->values[at];
    f->s->values[at] = old + step;
    slice_weights(f->p, f->s, f->dense);
    double up = dot(f->dense, y, f->l->n_weights);
    f->s->values[at] = old - step;
    slice_weights(f->p, f->s, f->dense);
    double down = dot(f->dense, y, f->l->n_weights);
    f->s->values[at] = old;
    return (up - down) / (2 * (double)step);
}

static void check_slopes(int path)
{
    struct fixture f = setup_path(kernels[path % N_KERNELS], (uint64_t)path);
    float *y = calloc(f.l->n_weights, sizeof(float));
    toy_fill(y, f.l->n_weights, 2);
    slice_adjoint(f.p, f.s, y, f.super);
    for (int i = 0; i < f.s->n_tensors; i++) {
        const struct supernet_tensor *t = &f.s->tensors[i];
        bool is_matrix = t->layout_index < 0 && t->at != f.s->classifier_at;
        size_t stride = is_matrix ? 1 : t->n_values / 7 + 1;
        for (size_t at = t->at; at < t->at + t->n_values; at += stride) {
            double expected = slope(&f, y, at);
            ck_assert_double_eq_tol((double)f.super[at], expected,
                                    2e-4 * (fabs(expected) + 1));
        }
    }
    free(y);
    teardown_path(&f);
}

START_TEST(gradients_of_weights_and_matrices_equal_finite_differences)
{
    for (int i = 0; i < N_KERNELS; i++) {
        check_slopes(i);
    }
}
END_TEST

// ---------------------------------------------------------------- the update

// What changes when slices of a marked supernet are compared: the values a path
// reaches.
static bool *reached(struct fixture *f)
{
    bool *is_reached = calloc(f->s->n_values, sizeof(bool));
    float *y = calloc(f->l->n_weights, sizeof(float));
    toy_fill(y, f->l->n_weights, 3);
    for (size_t i = 0; i < f->s->n_values; i++) {
        f->super[i] = 777;
    }
    slice_adjoint(f->p, f->s, y, f->super);
    for (size_t i = 0; i < f->s->n_values; i++) {
        bool is_classifier = i >= f->s->classifier_at;
        is_reached[i] = is_classifier || f->super[i] != 777;
    }
    free(y);
    return is_reached;
}

static void check_update(int path)
{
    struct fixture f = setup_path(kernels[path % N_KERNELS], (uint64_t)path);
    bool *is_reached = reached(&f);
    float *before = calloc(f.s->n_values, sizeof(float));
    memcpy(before, f.s->values, f.s->n_values * sizeof(float));
    toy_fill(f.super, f.s->n_values, 4);
    struct adam adam = ADAM_DEFAULT(0.0);
    slice_adam(f.p, f.s, &adam, 0.01, f.super);
    for (int i = 0; i < f.s->n_tensors; i++) {
        const struct supernet_tensor *t = &f.s->tensors[i];
        bool is_touched = false;
        for (size_t at = t->at; at < t->at + t->n_values; at++) {
            if ((f.s->values[at] != before[at]) != is_reached[at]) {
                ck_abort_msg("%s: value %zu", t->name, at - t->at);
            }
            is_touched = is_touched || is_reached[at];
        }
        ck_assert_uint_eq(f.s->steps[i], is_touched ? 1 : 0);
    }
    free(before);
    free(is_reached);
    teardown_path(&f);
}

START_TEST(the_update_touches_exactly_what_the_path_reaches)
{
    for (int i = 0; i < N_PATHS; i++) {
        check_update(i);
    }
}
END_TEST

START_TEST(the_first_update_moves_each_value_by_the_learning_rate)
{
    struct fixture f = setup_path(5, 1);
    float before = f.s->values[f.s->classifier_at];
    toy_fill(f.super, f.s->n_values, 5);
    struct adam adam = ADAM_DEFAULT(0.0);
    slice_adam(f.p, f.s, &adam, 0.01, f.super);
    float moved = fabsf(f.s->values[f.s->classifier_at] - before);
    ck_assert_float_eq_tol(moved, 0.01f, 1e-6f); // m / sqrt(v) = +-1 at step 1
    teardown_path(&f);
}
END_TEST

START_TEST(running_statistics_follow_where_the_path_is_and_nowhere_else)
{
    struct fixture f = setup_path(5, 2);
    size_t n = f.s->layout.n_stats;
    float *before = calloc(n, sizeof(float));
    float *batch = calloc(n, sizeof(float));
    float *after = calloc(n, sizeof(float));
    memcpy(before, f.s->stats, n * sizeof(float));
    slice_stats(f.p, f.s, batch);
    for (size_t i = 0; i < f.l->n_stats; i++) {
        batch[i] += 10;
    }
    slice_average_stats(f.p, f.s, batch, 0.1);
    slice_stats(f.p, f.s, after);
    for (size_t i = 0; i < f.l->n_stats; i++) {
        ck_assert_float_eq_tol(after[i], batch[i] - 9, 1e-5f);
    }
    size_t n_changed = 0;
    for (size_t i = 0; i < n; i++) {
        n_changed += f.s->stats[i] != before[i];
    }
    ck_assert_uint_eq(n_changed, f.l->n_stats);
    free(before);
    free(batch);
    free(after);
    teardown_path(&f);
}
END_TEST

TEST_SUITE(slice, a_cut_equals_its_index_by_index_twin,
           the_largest_path_is_the_supernet_itself, the_adjoint_is_the_transpose,
           gradients_of_weights_and_matrices_equal_finite_differences,
           the_update_touches_exactly_what_the_path_reaches,
           the_first_update_moves_each_value_by_the_learning_rate,
           running_statistics_follow_where_the_path_is_and_nowhere_else)
