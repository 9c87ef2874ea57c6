// SPDX-License-Identifier: Apache-2.0
// hypervolume.c - see hypervolume.h. A sweep over the front, one rectangle a point.
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
