// SPDX-License-Identifier: Apache-2.0
// archive.c - see archive.h. Sorted by number: trials come nearly in that order.
#include "coordinator/search/archive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INSERTED_MAX 200 // beyond that many of the best, sorting all is faster

struct archive {
    const struct problem *problem;
    struct archive_row *rows;
    size_t len, cap;
    size_t n_measured;
    uint64_t version;
};

struct archive *archive_create(const struct problem *p)
{
    struct archive *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    a->problem = p;
    return a;
}

void archive_destroy(struct archive *a)
{
    if (a) {
        free(a->rows);
        free(a);
    }
}

// Where the row of that number is or belongs.
static size_t place_of(const struct archive *a, uint32_t number)
{
    size_t low = 0;
    size_t high = a->len;
    if (high == 0 || a->rows[high - 1].number < number) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->rows[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct archive_row *make_room(struct archive *a, size_t at)
{
    if (a->len == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 64;
        a->rows = realloc(a->rows, a->cap * sizeof(a->rows[0]));
        BUG_ON(!a->rows);
    }
    struct archive_row *row = &a->rows[at];
    memmove(row + 1, row, (a->len - at) * sizeof(*row));
    memset(row, 0, sizeof(*row));
    a->len++;
    return row;
}

// By how much measured values break their limits.
static double measured_excess(const struct problem *p, const double *values)
{
    double sum = 0;
    for (int i = 0; i < p->n_constraints; i++) {
        const struct constraint *c = &p->constraints[i];
        for (int j = 0; j < p->n_objectives && !objective_is_cost(&c->objective); j++) {
            if (objective_equal(&c->objective, &p->objectives[j])) {
                sum += problem_excess_of(c, values[j]);
            }
        }
    }
    return sum;
}

// False when a measured value is none.
static bool take_values(struct archive *a, struct archive_row *row,
                        const double *values)
{
    const struct problem *p = a->problem;
    for (int i = 0; i < p->n_objectives; i++) {
        if (!objective_is_cost(&p->objectives[i])) {
            if (isnan(values[i])) {
                return false;
            }
            row->values[i] = values[i];
        }
    }
    row->violation = problem_excess(p, &row->arch) + measured_excess(p, row->values);
    return true;
}

// What is known without an evaluation.
static void take_costs(struct archive *a, struct archive_row *row)
{
    const struct problem *p = a->problem;
    for (int i = 0; i < p->n_objectives; i++) {
        bool is_cost = objective_is_cost(&p->objectives[i]);
        row->values[i] = is_cost ? problem_cost(p, &p->objectives[i], &row->arch) : NAN;
    }
    row->violation = problem_excess(p, &row->arch);
}

void archive_put(struct archive *a, uint32_t number, const struct arch *arch,
                 enum archive_state state, const double *values)
{
    size_t at = place_of(a, number);
    bool is_new = at == a->len || a->rows[at].number != number;
    struct archive_row *row = is_new ? make_room(a, at) : &a->rows[at];
    bool was_measured = row->state == ARCHIVE_MEASURED && !is_new;
    if (is_new) {
        row->number = number;
        row->arch = *arch;
        take_costs(a, row);
    }
    BUG_ON(!arch_equal(&row->arch, arch));
    bool is_measured = state == ARCHIVE_MEASURED && take_values(a, row, values);
    row->state = is_measured                 ? ARCHIVE_MEASURED
                 : state == ARCHIVE_MEASURED ? ARCHIVE_FAILED
                                             : state;
    if (is_measured || was_measured) {
        a->n_measured += (size_t)is_measured - (size_t)was_measured;
        a->version++;
    }
}

size_t archive_count(const struct archive *a)
{
    return a->len;
}

const struct archive_row *archive_at(const struct archive *a, size_t i)
{
    BUG_ON(i >= a->len);
    return &a->rows[i];
}

size_t archive_n_measured(const struct archive *a)
{
    return a->n_measured;
}

uint64_t archive_version(const struct archive *a)
{
    return a->version;
}

bool archive_is_better(const struct archive_row *a, const struct archive_row *b)
{
    if (a->violation != b->violation) {
        return a->violation < b->violation;
    }
    if (a->values[0] != b->values[0]) {
        return a->values[0] < b->values[0];
    }
    return a->number < b->number;
}

struct entry {
    const struct archive_row *row;
};

static int compare_entries(const void *a, const void *b)
{
    const struct archive_row *x = ((const struct entry *)a)->row;
    const struct archive_row *y = ((const struct entry *)b)->row;
    return archive_is_better(x, y) ? -1 : archive_is_better(y, x);
}

static size_t best_by_sorting(const struct archive *a, size_t n, size_t *out)
{
    struct entry *entries = malloc((a->len + 1) * sizeof(*entries));
    BUG_ON(!entries);
    size_t n_rows = 0;
    for (size_t i = 0; i < a->len; i++) {
        if (a->rows[i].state == ARCHIVE_MEASURED) {
            entries[n_rows++].row = &a->rows[i];
        }
    }
    qsort(entries, n_rows, sizeof(entries[0]), compare_entries);
    n = n < n_rows ? n : n_rows;
    for (size_t i = 0; i < n; i++) {
        out[i] = (size_t)(entries[i].row - a->rows);
    }
    free(entries);
    return n;
}

// Few of many: most rows are compared once, with the last of the best so far.
static size_t best_by_inserting(const struct archive *a, size_t n, size_t *out)
{
    size_t n_out = 0;
    for (size_t i = 0; i < a->len && n > 0; i++) {
        const struct archive_row *row = &a->rows[i];
        bool is_full = n_out == n;
        if (row->state != ARCHIVE_MEASURED ||
            (is_full && !archive_is_better(row, &a->rows[out[n - 1]]))) {
            continue;
        }
        size_t at = is_full ? n - 1 : n_out++;
        for (; at > 0 && archive_is_better(row, &a->rows[out[at - 1]]); at--) {
            out[at] = out[at - 1];
        }
        out[at] = i;
    }
    return n_out;
}

size_t archive_best(const struct archive *a, size_t n, size_t *out)
{
    return n > INSERTED_MAX ? best_by_sorting(a, n, out) : best_by_inserting(a, n, out);
}
