// SPDX-License-Identifier: Apache-2.0
// samples.c - see samples.h.
#include "worker/probe/samples.h"

#include <math.h>
#include <stdlib.h>

struct samples {
    size_t n_columns, n_rows, max_rows;
    double *rows;
    double *sorted; // [max_rows]
};

struct samples *samples_create(size_t n_columns, size_t max_rows)
{
    struct samples *s = calloc(1, sizeof(*s));
    BUG_ON(!s || n_columns < 1 || max_rows < 1);
    s->n_columns = n_columns;
    s->max_rows = max_rows;
    s->rows = calloc(n_columns * max_rows, sizeof(*s->rows));
    s->sorted = calloc(max_rows, sizeof(*s->sorted));
    BUG_ON(!s->rows || !s->sorted);
    return s;
}

void samples_destroy(struct samples *s)
{
    if (s) {
        free(s->rows);
        free(s->sorted);
        free(s);
    }
}

double *samples_next(struct samples *s)
{
    return s->n_rows < s->max_rows ? s->rows + s->n_rows * s->n_columns : NULL;
}

void samples_keep(struct samples *s)
{
    BUG_ON(s->n_rows == s->max_rows);
    s->n_rows++;
}

void samples_clear(struct samples *s)
{
    s->n_rows = 0;
}

size_t samples_count(const struct samples *s)
{
    return s->n_rows;
}

static int compare(const void *x, const void *y)
{
    double a = *(const double *)x;
    double b = *(const double *)y;
    return (a > b) - (a < b);
}

// Between the two values around that rank.
static double quantile(const double *sorted, size_t n, double q)
{
    double rank = q * (double)(n - 1);
    size_t below = (size_t)rank;
    size_t above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (rank - (double)below) * (sorted[above] - sorted[below]);
}

struct timing samples_timing(struct samples *s, size_t column)
{
    BUG_ON(column >= s->n_columns || s->n_rows == 0);
    for (size_t i = 0; i < s->n_rows; i++) {
        s->sorted[i] = s->rows[i * s->n_columns + column];
    }
    qsort(s->sorted, s->n_rows, sizeof(*s->sorted), compare);
    return (struct timing){
        .median_ms = quantile(s->sorted, s->n_rows, 0.5),
        .p90_ms = quantile(s->sorted, s->n_rows, 0.9),
        .spread_ms =
            quantile(s->sorted, s->n_rows, 0.75) - quantile(s->sorted, s->n_rows, 0.25),
        .n = (uint32_t)s->n_rows,
    };
}

double samples_spread(const struct timing *t)
{
    return t->median_ms > 0 ? t->spread_ms / t->median_ms : 0;
}

double samples_error(const struct timing *t)
{
    return 0.93 * samples_spread(t) / sqrt((double)t->n);
}
