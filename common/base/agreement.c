// SPDX-License-Identifier: Apache-2.0
// agreement.c - see agreement.h.
#include "common/base/agreement.h"

#include "common/base/err.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    double x, y;
};

static int compare_doubles(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_x_then_y(const void *a, const void *b)
{
    const struct pair *p = a;
    const struct pair *q = b;
    int order = compare_doubles(p->x, q->x);
    return order ? order : compare_doubles(p->y, q->y);
}

static int by_value(const void *a, const void *b)
{
    return compare_doubles(*(const double *)a, *(const double *)b);
}

static double n_pairs(size_t n)
{
    return (double)n * ((double)n - 1) / 2;
}

// Sorts y by merging and returns how many pairs were out of order.
static double count_swaps(double *y, double *scratch, size_t n)
{
    if (n < 2) {
        return 0;
    }
    size_t half = n / 2;
    double swaps =
        count_swaps(y, scratch, half) + count_swaps(y + half, scratch, n - half);
    size_t left = 0;
    size_t right = half;
    for (size_t i = 0; i < n; i++) {
        if (right == n || (left < half && y[left] <= y[right])) {
            scratch[i] = y[left++];
        } else {
            scratch[i] = y[right++];
            swaps += (double)(half - left);
        }
    }
    memcpy(y, scratch, n * sizeof(*y));
    return swaps;
}

// Pairs that are equal, in lists where equal values stand together.
static double equal_in_both(const struct pair *p, size_t n)
{
    double equal = 0;
    for (size_t i = 0, end = 0; i < n; i = end) {
        while (end < n && p[end].x == p[i].x && p[end].y == p[i].y) {
            end++;
        }
        equal += n_pairs(end - i);
    }
    return equal;
}

static double equal_in_x(const struct pair *p, size_t n)
{
    double equal = 0;
    for (size_t i = 0, end = 0; i < n; i = end) {
        while (end < n && p[end].x == p[i].x) {
            end++;
        }
        equal += n_pairs(end - i);
    }
    return equal;
}

static double equal_in_list(const double *sorted, size_t n)
{
    double equal = 0;
    for (size_t i = 0, end = 0; i < n; i = end) {
        while (end < n && sorted[end] == sorted[i]) {
            end++;
        }
        equal += n_pairs(end - i);
    }
    return equal;
}

double agreement_kendall(const double *x, const double *y, size_t n)
{
    struct pair *pairs = malloc((n + 1) * sizeof(*pairs));
    double *ys = malloc((2 * n + 1) * sizeof(*ys));
    BUG_ON(!pairs || !ys);
    for (size_t i = 0; i < n; i++) {
        pairs[i] = (struct pair){x[i], y[i]};
    }
    qsort(pairs, n, sizeof(*pairs), by_x_then_y);
    for (size_t i = 0; i < n; i++) {
        ys[i] = pairs[i].y;
    }
    double swaps = count_swaps(ys, ys + n, n);
    double all = n_pairs(n);
    double x_equal = equal_in_x(pairs, n);
    double y_equal = equal_in_list(ys, n);
    double difference = all - x_equal - y_equal + equal_in_both(pairs, n) - 2 * swaps;
    double scale = sqrt((all - x_equal) * (all - y_equal));
    free(pairs);
    free(ys);
    return scale > 0 ? difference / scale : 0;
}

struct place {
    double value;
    size_t index;
};

static int by_place(const void *a, const void *b)
{
    return compare_doubles(((const struct place *)a)->value,
                           ((const struct place *)b)->value);
}

static void rank(const double *x, size_t n, double *ranks)
{
    struct place *places = malloc((n + 1) * sizeof(*places));
    BUG_ON(!places);
    for (size_t i = 0; i < n; i++) {
        places[i] = (struct place){x[i], i};
    }
    qsort(places, n, sizeof(*places), by_place);
    for (size_t i = 0, end = 0; i < n; i = end) {
        while (end < n && places[end].value == places[i].value) {
            end++;
        }
        for (size_t j = i; j < end; j++) {
            ranks[places[j].index] = (double)(i + end - 1) / 2;
        }
    }
    free(places);
}

double agreement_spearman(const double *x, const double *y, size_t n)
{
    double *ranks = malloc((2 * n + 1) * sizeof(*ranks));
    BUG_ON(!ranks);
    rank(x, n, ranks);
    rank(y, n, ranks + n);
    double middle = ((double)n - 1) / 2;
    double xx = 0;
    double yy = 0;
    double xy = 0;
    for (size_t i = 0; i < n; i++) {
        double dx = ranks[i] - middle;
        double dy = ranks[n + i] - middle;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    free(ranks);
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

double agreement_rmse(const double *x, const double *y, size_t n)
{
    BUG_ON(n == 0);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (x[i] - y[i]) * (x[i] - y[i]);
    }
    return sqrt(sum / (double)n);
}

double agreement_quantile(double *values, size_t n, double part)
{
    BUG_ON(n == 0 || !(part >= 0 && part <= 1));
    qsort(values, n, sizeof(*values), by_value);
    double at = part * (double)(n - 1);
    size_t low = (size_t)at;
    size_t high = low + 1 < n ? low + 1 : low;
    return values[low] + (at - (double)low) * (values[high] - values[low]);
}
