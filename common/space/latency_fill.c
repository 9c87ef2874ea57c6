// SPDX-License-Identifier: Apache-2.0
// latency_fill.c - see latency_fill.h. Measurements are sorted once; each unit is then
// a run of them, the quiet ones first and by time.
#include "common/space/latency_fill.h"

#include <stdlib.h>

struct measured {
    struct latency_unit unit;
    bool is_noisy;
    double ms;
};

struct latency_fill {
    struct measured *items;
    size_t n, cap;
};

struct latency_fill *latency_fill_create(void)
{
    struct latency_fill *f = calloc(1, sizeof(*f));
    BUG_ON(!f);
    return f;
}

void latency_fill_destroy(struct latency_fill *f)
{
    if (f) {
        free(f->items);
        free(f);
    }
}

void latency_fill_add(struct latency_fill *f, const struct latency_unit *u, double ms,
                      bool is_noisy)
{
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 256;
        f->items = realloc(f->items, f->cap * sizeof(*f->items));
        BUG_ON(!f->items);
    }
    f->items[f->n++] = (struct measured){*u, is_noisy, ms};
}

static int compare_units(const struct latency_unit *a, const struct latency_unit *b)
{
    const int left[] = {(int)a->section, a->dilation, a->a, a->b, a->c};
    const int right[] = {(int)b->section, b->dilation, b->a, b->b, b->c};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

static int compare(const void *x, const void *y)
{
    const struct measured *a = x;
    const struct measured *b = y;
    int order = compare_units(&a->unit, &b->unit);
    if (order == 0) {
        order = (int)a->is_noisy - (int)b->is_noisy;
    }
    return order != 0 ? order : (a->ms > b->ms) - (a->ms < b->ms);
}

// Of a run of one unit.
static double median_ms(const struct measured *run, size_t n)
{
    size_t n_quiet = 0;
    while (n_quiet < n && !run[n_quiet].is_noisy) {
        n_quiet++;
    }
    size_t m = n_quiet > 0 ? n_quiet : n;
    return (run[(m - 1) / 2].ms + run[m / 2].ms) / 2;
}

struct latency_table *latency_fill_table(struct latency_fill *f)
{
    struct latency_table *t = latency_table_create();
    if (f->n > 0) {
        qsort(f->items, f->n, sizeof(*f->items), compare);
    }
    size_t end = 0;
    for (size_t at = 0; at < f->n; at = end) {
        const struct latency_unit *unit = &f->items[at].unit;
        for (end = at + 1; end < f->n && !compare_units(&f->items[end].unit, unit);) {
            end++;
        }
        latency_table_set(t, unit, median_ms(&f->items[at], end - at));
    }
    return t;
}
