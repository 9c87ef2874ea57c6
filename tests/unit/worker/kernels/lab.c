// SPDX-License-Identifier: Apache-2.0
// lab.c - see lab.h.
#include "tests/unit/worker/kernels/lab.h"

#include "worker/kernels/backend.h"

#include <check.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_FLOATS (1 << 18)
// Small, so that few values cross the kink of a ReLU within it.
#define STEP          1e-4

static float *floats(size_t n)
{
    float *x = calloc(n + 1, sizeof(*x));
    ck_assert_ptr_nonnull(x);
    return x;
}

void lab_init(struct lab *l, const struct kernels *k, int n_utts, const int *n_frames)
{
    memset(l, 0, sizeof(*l));
    l->k = k;
    l->s = k->stream_open();
    l->memory = k->memory_create(l->s, MEMORY_FLOATS);
    l->rng = rng_stream(11, RNG_TEST, 0, 0);
    l->n_utts = n_utts;
    l->n_frames = n_frames;
    k->stream_reserve(l->s, n_utts, 64);
    k->stream_batch(l->s, n_utts, n_frames, LAB_GAP);
}

void lab_fini(struct lab *l)
{
    l->k->memory_destroy(l->s, l->memory);
    l->k->stream_close(l->s);
}

static int add(struct lab *l, struct lab_tensor t, size_t n_floats)
{
    ck_assert_int_lt(l->n_tensors, LAB_TENSORS_MAX);
    t.plane.place = (struct place){l->memory, l->used};
    t.gradient = -1;
    l->used += n_floats;
    ck_assert_uint_le(l->used, MEMORY_FLOATS);
    l->tensors[l->n_tensors] = t;
    return l->n_tensors++;
}

static void fill(struct lab *l, int tensor, double scale)
{
    size_t n = lab_size(l, tensor);
    float *values = floats(n);
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)(scale * rng_normal(&l->rng));
    }
    lab_write(l, tensor, values);
    free(values);
}

static int count_frames(const struct lab *l)
{
    int n = 0;
    for (int u = 0; u < l->n_utts; u++) {
        n += l->n_frames[u];
    }
    return n;
}

int lab_frames(struct lab *l, int n, int margin, double scale)
{
    int n_frames = count_frames(l);
    size_t rows = rows_needed(l->n_utts, (size_t)n_frames, LAB_GAP);
    struct lab_tensor t = {
        .is_frames = true, .n_rows = n_frames, .n = n, .plane.ld = n + margin};
    int index = add(l, t, rows * (size_t)(n + margin));
    fill(l, index, scale);
    return index;
}

int lab_vectors(struct lab *l, int n_rows, int n, double scale)
{
    struct lab_tensor t = {.n_rows = n_rows, .n = n, .plane.ld = n};
    int index = add(l, t, (size_t)n_rows * (size_t)n);
    fill(l, index, scale);
    return index;
}

static int with_gradient(struct lab *l, int tensor, enum lab_role role, double scale)
{
    struct lab_tensor *t = &l->tensors[tensor];
    t->role = role;
    t->gradient = t->is_frames ? lab_frames(l, t->n, t->plane.ld - t->n, scale)
                               : lab_vectors(l, t->n_rows, t->n, scale);
    return tensor;
}

int lab_input_frames(struct lab *l, int n, int margin, double scale)
{
    return with_gradient(l, lab_frames(l, n, margin, scale), LAB_INPUT, 0);
}

int lab_input_vectors(struct lab *l, int n_rows, int n, double scale)
{
    return with_gradient(l, lab_vectors(l, n_rows, n, scale), LAB_INPUT, 0);
}

int lab_output_frames(struct lab *l, int n, int margin)
{
    return with_gradient(l, lab_frames(l, n, margin, 0), LAB_OUTPUT, 1);
}

int lab_output_vectors(struct lab *l, int n_rows, int n)
{
    return with_gradient(l, lab_vectors(l, n_rows, n, 0), LAB_OUTPUT, 1);
}

struct plane lab_plane(const struct lab *l, int tensor)
{
    return l->tensors[tensor].plane;
}

struct place lab_place(const struct lab *l, int tensor)
{
    return l->tensors[tensor].plane.place;
}

struct plane lab_d_plane(const struct lab *l, int tensor)
{
    return lab_plane(l, l->tensors[tensor].gradient);
}

struct place lab_d_place(const struct lab *l, int tensor)
{
    return lab_place(l, l->tensors[tensor].gradient);
}

size_t lab_size(const struct lab *l, int tensor)
{
    return (size_t)l->tensors[tensor].n_rows * (size_t)l->tensors[tensor].n;
}

// Where real row `row` of a tensor lies.
static struct place row_place(const struct lab *l, const struct lab_tensor *t, int row)
{
    int at = row;
    if (t->is_frames) {
        at += LAB_GAP;
        for (int u = 0, end = l->n_frames[0]; row >= end; end += l->n_frames[++u]) {
            at += LAB_GAP;
        }
    }
    return place_at(t->plane.place, (size_t)at * (size_t)t->plane.ld);
}

void lab_read(const struct lab *l, int tensor, float *out)
{
    const struct lab_tensor *t = &l->tensors[tensor];
    for (int r = 0; r < t->n_rows; r++) {
        l->k->download(l->s, row_place(l, t, r), out + (size_t)r * (size_t)t->n,
                       (size_t)t->n);
    }
}

void lab_write(const struct lab *l, int tensor, const float *values)
{
    const struct lab_tensor *t = &l->tensors[tensor];
    for (int r = 0; r < t->n_rows; r++) {
        l->k->upload(l->s, row_place(l, t, r), values + (size_t)r * (size_t)t->n,
                     (size_t)t->n);
    }
}

static float *snapshot(const struct lab *l, int tensor)
{
    float *values = floats(lab_size(l, tensor));
    lab_read(l, tensor, values);
    return values;
}

static double norm_of(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double d = a[i] - (b ? (double)b[i] : 0);
        sum += d * d;
    }
    return sqrt(sum);
}

static void run_on(struct lab *l, const struct lab_case *c, const char *backend)
{
    lab_init(l, backend_find(backend), c->n_utts, c->n_frames);
    c->setup(l, c->arg);
    c->forward(l);
    if (c->backward) {
        c->backward(l);
    }
}

void lab_compare(const struct lab_case *c, double tolerance)
{
    struct lab first;
    run_on(&first, c, backend_name_at(0));
    for (size_t b = 1; backend_name_at(b); b++) {
        struct lab other;
        run_on(&other, c, backend_name_at(b));
        ck_assert_int_eq(first.n_tensors, other.n_tensors);
        for (int i = 0; i < first.n_tensors; i++) {
            float *want = snapshot(&first, i);
            float *got = snapshot(&other, i);
            size_t n = lab_size(&first, i);
            double limit = tolerance * (norm_of(want, NULL, n) + 1e-3);
            ck_assert_msg(norm_of(got, want, n) <= limit,
                          "%s tensor %d: off by %g of %g", other.k->name, i,
                          norm_of(got, want, n), norm_of(want, NULL, n));
            free(want);
            free(got);
        }
        free(other.op);
        lab_fini(&other);
    }
    free(first.op);
    lab_fini(&first);
}

// All inputs and the outputs' gradients as they were before a run, which may change
// them.
static void save(const struct lab *l, float *saved[LAB_TENSORS_MAX])
{
    for (int i = 0; i < l->n_tensors; i++) {
        saved[i] = snapshot(l, i);
    }
}

static void restore(const struct lab *l, float *const saved[LAB_TENSORS_MAX])
{
    for (int i = 0; i < l->n_tensors; i++) {
        lab_write(l, i, saved[i]);
    }
}

static double loss_of(struct lab *l, const struct lab_case *c,
                      float *const saved[LAB_TENSORS_MAX])
{
    double loss = 0;
    c->forward(l);
    for (int i = 0; i < l->n_tensors; i++) {
        if (l->tensors[i].role == LAB_OUTPUT) {
            float *y = snapshot(l, i);
            const float *weights = saved[l->tensors[i].gradient];
            for (size_t j = 0; j < lab_size(l, i); j++) {
                loss += (double)y[j] * weights[j];
            }
            free(y);
        }
    }
    return loss;
}

// (loss(x + h d) - loss(x - h d)) / 2h
static double slope_along(struct lab *l, const struct lab_case *c,
                          float *const saved[LAB_TENSORS_MAX], int tensor,
                          const float *direction, double step)
{
    size_t n = lab_size(l, tensor);
    ck_assert_ptr_nonnull(saved[tensor]);
    float *moved = floats(n);
    double loss[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
        restore(l, saved);
        for (size_t i = 0; i < n; i++) {
            moved[i] = saved[tensor][i] + (float)((side ? -step : step) * direction[i]);
        }
        lab_write(l, tensor, moved);
        loss[side] = loss_of(l, c, saved);
    }
    free(moved);
    return (loss[0] - loss[1]) / (2 * step);
}

static void check_tensor(struct lab *l, const struct lab_case *c,
                         float *const saved[LAB_TENSORS_MAX], int tensor,
                         const float *gradient, double tolerance)
{
    size_t n = lab_size(l, tensor);
    float *direction = floats(n);
    double along = 0;
    for (size_t i = 0; i < n; i++) {
        direction[i] = (float)rng_normal(&l->rng);
        along += (double)gradient[i] * direction[i];
    }
    // A step that carries some value over the kink of a ReLU is off: one of them is
    // not.
    static const double steps[] = {3e-4, 1e-4, 3e-5, 1e-5};
    double size = norm_of(gradient, NULL, n) + 0.1;
    double slope = INFINITY;
    for (int i = 0; i < 4 && fabs(slope - along) > tolerance * size; i++) {
        slope = slope_along(l, c, saved, tensor, direction, steps[i]);
    }
    ck_assert_msg(
        fabs(slope - along) <= tolerance * size,
        "%s tensor %d of %zu values: slope %g, by the gradient %g, of norm %g",
        l->k->name, tensor, n, slope, along, size);
    free(direction);
}

static void differentiate_on(const struct lab_case *c, const char *backend,
                             double tolerance)
{
    struct lab l;
    float *saved[LAB_TENSORS_MAX] = {NULL};
    float *gradients[LAB_TENSORS_MAX] = {NULL};
    lab_init(&l, backend_find(backend), c->n_utts, c->n_frames);
    c->setup(&l, c->arg);
    save(&l, saved);
    c->forward(&l);
    c->backward(&l);
    for (int i = 0; i < l.n_tensors; i++) {
        if (l.tensors[i].role == LAB_INPUT) {
            gradients[i] = snapshot(&l, l.tensors[i].gradient);
        }
    }
    for (int i = 0; i < l.n_tensors; i++) {
        if (gradients[i]) {
            check_tensor(&l, c, saved, i, gradients[i], tolerance);
        }
    }
    for (int i = 0; i < LAB_TENSORS_MAX; i++) {
        free(saved[i]);
        free(gradients[i]);
    }
    free(l.op);
    lab_fini(&l);
}

void lab_differentiate(const struct lab_case *c, double tolerance)
{
    for (size_t b = 0; backend_name_at(b); b++) {
        differentiate_on(c, backend_name_at(b), tolerance);
    }
}
