// SPDX-License-Identifier: Apache-2.0
// rank.c - see rank.h. Fronts are peeled off one after the other.
#include "coordinator/pareto/rank.h"

#include "common/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    double value;
    uint64_t id;
    struct rank *rank;
};

static int compare_values(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    if (x->value != y->value) {
        return x->value < y->value ? -1 : 1;
    }
    return x->id < y->id ? -1 : x->id > y->id;
}

// Adds the gaps between neighbours in one objective.
static void add_gaps(struct entry *sorted, size_t n)
{
    double extent = sorted[n - 1].value - sorted[0].value;
    if (!(extent > 0 && isfinite(extent))) {
        return;
    }
    sorted[0].rank->crowding = INFINITY;
    sorted[n - 1].rank->crowding = INFINITY;
    for (size_t i = 1; i + 1 < n; i++) {
        sorted[i].rank->crowding +=
            (sorted[i + 1].value - sorted[i - 1].value) / extent;
    }
}

void rank_crowding(const struct front_point *points, struct rank *front, size_t n)
{
    struct entry *sorted = malloc((n + 1) * sizeof(*sorted));
    BUG_ON(!sorted);
    for (size_t i = 0; i < n; i++) {
        front[i].crowding = 0;
    }
    for (int o = 0; n > 0 && o < points[front[0].index].n_objectives; o++) {
        for (size_t i = 0; i < n; i++) {
            const struct front_point *p = &points[front[i].index];
            sorted[i] = (struct entry){p->objective[o], p->id, &front[i]};
        }
        qsort(sorted, n, sizeof(sorted[0]), compare_values);
        add_gaps(sorted, n);
    }
    free(sorted);
}

// By crowding, the loneliest first; `value` is set to minus the distance.
static void sort_by_crowding(const struct front_point *points, struct rank *front,
                             size_t n)
{
    struct entry *sorted = malloc((n + 1) * sizeof(*sorted));
    struct rank *copy = malloc((n + 1) * sizeof(*copy));
    BUG_ON(!sorted || !copy);
    memcpy(copy, front, n * sizeof(*front));
    for (size_t i = 0; i < n; i++) {
        sorted[i] =
            (struct entry){-front[i].crowding, points[front[i].index].id, &copy[i]};
    }
    qsort(sorted, n, sizeof(sorted[0]), compare_values);
    for (size_t i = 0; i < n; i++) {
        front[i] = *sorted[i].rank;
    }
    free(copy);
    free(sorted);
}

// What is left once the points of a front are taken out; both by index of `points`.
static size_t take_out(const struct front_point *points, struct front_point *left,
                       size_t *origin, size_t n_left, const struct rank *front,
                       size_t n_front, bool *is_taken)
{
    for (size_t i = 0; i < n_front; i++) {
        is_taken[front[i].index] = true;
    }
    size_t n = 0;
    for (size_t i = 0; i < n_left; i++) {
        if (!is_taken[origin[i]]) {
            left[n] = points[origin[i]];
            origin[n++] = origin[i];
        }
    }
    return n;
}

struct peeling {
    struct front_point *left;
    size_t *origin; // of each that is left, among the points
    size_t *front;  // as found among what is left
    bool *is_taken; // of the points
};

static struct peeling peeling_make(const struct front_point *points, size_t n)
{
    struct peeling p = {
        .left = malloc((n + 1) * sizeof(*p.left)),
        .origin = malloc((n + 1) * sizeof(*p.origin)),
        .front = malloc((n + 1) * sizeof(*p.front)),
        .is_taken = calloc(n + 1, sizeof(*p.is_taken)),
    };
    BUG_ON(!p.left || !p.origin || !p.front || !p.is_taken);
    for (size_t i = 0; i < n; i++) {
        p.left[i] = points[i];
        p.origin[i] = i;
    }
    return p;
}

static void peeling_free(struct peeling *p)
{
    free(p->left);
    free(p->origin);
    free(p->front);
    free(p->is_taken);
}

size_t rank_best(const struct front_point *points, size_t n, size_t n_wanted,
                 struct rank *out)
{
    struct peeling p = peeling_make(points, n);
    size_t n_out = 0;
    size_t n_left = n;
    for (size_t f = 0; n_out < n_wanted && n_left > 0; f++) {
        size_t n_front = front_find(p.left, n_left, p.front);
        if (n_front == 0) {
            break; // only points with a NaN are left
        }
        struct rank *front = &out[n_out];
        for (size_t i = 0; i < n_front; i++) {
            front[i] = (struct rank){.index = p.origin[p.front[i]], .front = f};
        }
        rank_crowding(points, front, n_front);
        sort_by_crowding(points, front, n_front);
        n_out += n_front;
        n_left = take_out(points, p.left, p.origin, n_left, front, n_front, p.is_taken);
    }
    peeling_free(&p);
    return n_out < n_wanted ? n_out : n_wanted;
}
