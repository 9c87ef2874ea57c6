// SPDX-License-Identifier: Apache-2.0
// hypervolume.c - see hypervolume.h. A sweep over the front, one rectangle a point;
// with more objectives, slices between the values of the last one.
#include "coordinator/pareto/hypervolume.h"

#include "common/base/err.h"

#include <stdlib.h>

double hypervolume_2d(const struct front_point *points, size_t n,
                      const double reference[static 2])
{
    size_t *front = malloc((n + 1) * sizeof(*front));
    BUG_ON(!front);
    size_t n_front = front_find(points, n, front);
    double area = 0;
    double ceiling = reference[1]; // everything above is covered already
    for (size_t i = 0; i < n_front; i++) {
        const struct front_point *p = &points[front[i]];
        BUG_ON(p->n_objectives != 2);
        double width = reference[0] - p->objective[0];
        double height = ceiling - p->objective[1];
        if (width > 0 && height > 0) {
            area += width * height;
            ceiling = p->objective[1];
        }
    }
    free(front);
    return area;
}

static int compare_last(const void *a, const void *b)
{
    const struct front_point *x = a;
    const struct front_point *y = b;
    double u = x->objective[x->n_objectives - 1];
    double v = y->objective[y->n_objectives - 1];
    return u < v ? -1 : u > v;
}

// The first n points without their last objective, for the caller to free.
static struct front_point *project(const struct front_point *points, size_t n)
{
    struct front_point *out = malloc((n + 1) * sizeof(*out));
    BUG_ON(!out);
    for (size_t i = 0; i < n; i++) {
        out[i] = points[i];
        out[i].n_objectives--;
    }
    return out;
}

// Between two values of the last objective, the points below cover what they cover in
// the other objectives.
static double sum_slices(const struct front_point *sorted, size_t n,
                         const double *reference)
{
    int last = sorted[0].n_objectives - 1;
    double volume = 0;
    for (size_t i = 0; i < n; i++) {
        double end = i + 1 < n ? sorted[i + 1].objective[last] : reference[last];
        end = end < reference[last] ? end : reference[last];
        double height = end - sorted[i].objective[last];
        if (height > 0) {
            struct front_point *below = project(sorted, i + 1);
            volume += height * hypervolume(below, i + 1, reference);
            free(below);
        }
    }
    return volume;
}

static double extent(const struct front_point *points, size_t n, double reference)
{
    double best = reference;
    for (size_t i = 0; i < n; i++) {
        best = points[i].objective[0] < best ? points[i].objective[0] : best;
    }
    return reference - best;
}

double hypervolume(const struct front_point *points, size_t n, const double *reference)
{
    if (n == 0 || points[0].n_objectives == 1) {
        return n == 0 ? 0 : extent(points, n, reference[0]);
    }
    if (points[0].n_objectives == 2) {
        return hypervolume_2d(points, n, reference);
    }
    size_t *front = malloc((n + 1) * sizeof(*front));
    struct front_point *sorted = malloc((n + 1) * sizeof(*sorted));
    BUG_ON(!front || !sorted);
    size_t n_front = front_find(points, n, front);
    for (size_t i = 0; i < n_front; i++) {
        sorted[i] = points[front[i]];
    }
    qsort(sorted, n_front, sizeof(sorted[0]), compare_last);
    double volume = n_front > 0 ? sum_slices(sorted, n_front, reference) : 0;
    free(sorted);
    free(front);
    return volume;
}
