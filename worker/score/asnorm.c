// SPDX-License-Identifier: Apache-2.0
// asnorm.c - see asnorm.h.
#include "worker/score/asnorm.h"

#include "common/base/err.h"
#include "worker/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>

#define ROWS_MAX 256 // sides of one product: its result stays a few MiB

struct product {
    const struct kernels *k;
    struct stream *stream;
    struct memory *memory;
    struct linear op;
    float *rows;    // [ROWS_MAX][n_embed], on their way up
    float *cosines; // [ROWS_MAX][cohort], come back
};

static void to_float(const double *from, size_t n, float *to)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = (float)from[i];
    }
}

static void product_init(struct product *p, const struct kernels *k,
                         const struct asnorm_cohort *cohort)
{
    size_t n_weights = cohort->n * cohort->n_embed;
    size_t n_x = ROWS_MAX * cohort->n_embed;
    size_t n_y = ROWS_MAX * cohort->n;
    p->k = k;
    p->stream = k->stream_open();
    p->memory = k->memory_create(p->stream, n_weights + cohort->n + n_x + n_y);
    const struct place start = {p->memory, 0};
    p->op = (struct linear){
        .out = (int)cohort->n,
        .in = (int)cohort->n_embed,
        .weights = start,
        .bias = place_at(start, n_weights), // zeros
        .x = place_at(start, n_weights + cohort->n),
        .y = place_at(start, n_weights + cohort->n + n_x),
    };
    p->rows = malloc(n_x * sizeof(float));
    p->cosines = malloc((n_y > n_weights ? n_y : n_weights) * sizeof(float));
    BUG_ON(!p->rows || !p->cosines);
    to_float(cohort->voices, n_weights, p->cosines); // it is large enough, and free
    k->upload(p->stream, p->op.weights, p->cosines, n_weights);
}

static void product_fini(struct product *p)
{
    p->k->memory_destroy(p->stream, p->memory);
    p->k->stream_close(p->stream);
    free(p->rows);
    free(p->cosines);
}

static void product_run(struct product *p, const double *voices, size_t n)
{
    size_t n_x = n * (size_t)p->op.in;
    to_float(voices, n_x, p->rows);
    p->op.n_rows = (int)n;
    p->k->upload(p->stream, p->op.x, p->rows, n_x);
    p->k->linear(p->stream, &p->op);
    p->k->download(p->stream, p->op.y, p->cosines, n * (size_t)p->op.out);
}

static void swap(float *a, float *b)
{
    float kept = *a;
    *a = *b;
    *b = kept;
}

// Hoare's partition around the middle value: [0, result) >= pivot >= [result, n), with
// both parts smaller than the whole.
static size_t partition(float *x, size_t n)
{
    float pivot = x[(n - 1) / 2];
    size_t i = 0;
    size_t j = n - 1;
    for (;; i++, j--) {
        while (x[i] > pivot) {
            i++;
        }
        while (x[j] < pivot) {
            j--;
        }
        if (i >= j) {
            return j + 1;
        }
        swap(&x[i], &x[j]);
    }
}

// Moves the k highest of x[0..n) to its front; 0 < k <= n.
static void select_highest(float *x, size_t n, size_t k)
{
    while (n > k) {
        size_t n_front = partition(x, n);
        if (n_front >= k) {
            n = n_front;
        } else {
            x += n_front;
            n -= n_front;
            k -= n_front;
        }
    }
}

static struct asnorm_side side_of(float *cosines, size_t n, size_t top)
{
    size_t k = top < n ? top : n;
    double mean = 0;
    double square = 0;
    select_highest(cosines, n, k);
    for (size_t i = 0; i < k; i++) {
        mean += (double)cosines[i] / (double)k;
    }
    for (size_t i = 0; i < k; i++) {
        double d = (double)cosines[i] - mean;
        square += d * d / (double)k;
    }
    return (struct asnorm_side){mean, fmax(sqrt(square), ASNORM_SPREAD_MIN)};
}

void asnorm_sides(const struct kernels *k, const struct asnorm_cohort *cohort,
                  const double *voices, size_t n, struct asnorm_side *sides)
{
    BUG_ON(cohort->n < 2 || cohort->top < 2 || cohort->n_embed < 1);
    struct product p;
    product_init(&p, k, cohort);
    for (size_t first = 0; first < n; first += ROWS_MAX) {
        size_t n_rows = n - first < ROWS_MAX ? n - first : ROWS_MAX;
        product_run(&p, voices + first * cohort->n_embed, n_rows);
        for (size_t i = 0; i < n_rows; i++) {
            sides[first + i] =
                side_of(p.cosines + i * cohort->n, cohort->n, cohort->top);
        }
    }
    product_fini(&p);
}

double asnorm_score(double score, const struct asnorm_side *enroll,
                    const struct asnorm_side *test)
{
    return ((score - enroll->mean) / enroll->spread +
            (score - test->mean) / test->spread) /
           2;
}
