// SPDX-License-Identifier: Apache-2.0
// front.c - see front.h. Sorted by objectives, a point can only be dominated by one
// before it, and then also by one of the front so far.
#include "coordinator/pareto/front.h"

#include "common/base/err.h"

#include <math.h>
#include <stdlib.h>

bool front_dominates(const struct front_point *a, const struct front_point *b)
{
    bool is_better = false;
    for (int i = 0; i < a->n_objectives; i++) {
        if (!(a->objective[i] <= b->objective[i])) {
            return false;
        }
        is_better |= a->objective[i] < b->objective[i];
    }
    return is_better;
}

static int compare(const struct front_point *a, const struct front_point *b)
{
    for (int i = 0; i < a->n_objectives; i++) {
        if (a->objective[i] != b->objective[i]) {
            return a->objective[i] < b->objective[i] ? -1 : 1;
        }
    }
    return a->id == b->id ? 0 : a->id < b->id ? -1 : 1;
}

struct entry {
    const struct front_point *point;
};

static int compare_entries(const void *a, const void *b)
{
    return compare(((const struct entry *)a)->point, ((const struct entry *)b)->point);
}

static bool has_nan(const struct front_point *p)
{
    for (int i = 0; i < p->n_objectives; i++) {
        if (isnan(p->objective[i])) {
            return true;
        }
    }
    return false;
}

// The comparable points, sorted; returns how many.
static size_t sort_points(const struct front_point *points, size_t n,
                          struct entry *sorted)
{
    size_t n_sorted = 0;
    for (size_t i = 0; i < n; i++) {
        BUG_ON(points[i].n_objectives < 1 ||
               points[i].n_objectives > FRONT_OBJECTIVES_MAX ||
               points[i].n_objectives != points[0].n_objectives);
        if (!has_nan(&points[i])) {
            sorted[n_sorted++].point = &points[i];
        }
    }
    qsort(sorted, n_sorted, sizeof(sorted[0]), compare_entries);
    return n_sorted;
}

// With 2 objectives the front's newest point has the lowest second objective so far:
// if any point dominates, it does.
static bool is_dominated(const struct front_point *p, const struct front_point *points,
                         const size_t *front, size_t n_front)
{
    size_t first = p->n_objectives <= 2 && n_front > 0 ? n_front - 1 : 0;
    for (size_t i = first; i < n_front; i++) {
        if (front_dominates(&points[front[i]], p)) {
            return true;
        }
    }
    return false;
}

size_t front_find(const struct front_point *points, size_t n, size_t *front)
{
    struct entry *sorted = malloc((n + 1) * sizeof(*sorted));
    BUG_ON(!sorted);
    size_t n_sorted = sort_points(points, n, sorted);
    size_t n_front = 0;
    for (size_t i = 0; i < n_sorted; i++) {
        if (!is_dominated(sorted[i].point, points, front, n_front)) {
            front[n_front++] = (size_t)(sorted[i].point - points);
        }
    }
    free(sorted);
    return n_front;
}

size_t front_best(const struct front_point *points, size_t n,
                  bool (*admits)(const void *arg, size_t i), const void *arg)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        if (has_nan(&points[i]) || (admits && !admits(arg, i))) {
            continue;
        }
        if (best == n || compare(&points[i], &points[best]) < 0) {
            best = i;
        }
    }
    return best;
}
