// SPDX-License-Identifier: Apache-2.0
// metrics.c - see metrics.h.
#include "worker/score/metrics.h"

#include <math.h>
#include <stdlib.h>

struct scored {
    double score;
    bool is_target;
};

// One operating point: trials at or above a threshold are accepted.
struct point {
    double false_accept; // share of non-targets accepted
    double false_reject; // share of targets rejected
};

static int by_score_falling(const void *a, const void *b)
{
    double x = ((const struct scored *)a)->score;
    double y = ((const struct scored *)b)->score;
    return (x < y) - (x > y);
}

// Where false acceptance meets false rejection on the segment from a to b.
static double crossing(struct point a, struct point b)
{
    double gap_a = a.false_reject - a.false_accept; // > 0
    double gap_b = b.false_reject - b.false_accept; // <= 0
    double share = gap_a / (gap_a - gap_b);
    return a.false_accept + share * (b.false_accept - a.false_accept);
}

static double cost(struct point at, double p_target)
{
    double c = p_target * at.false_reject + (1.0 - p_target) * at.false_accept;
    return c / fmin(p_target, 1.0 - p_target);
}

// One pass over the sorted trials; equal scores are accepted together.
static void sweep(const struct scored *sorted, size_t n, struct metrics *m)
{
    struct point last = {0.0, 1.0};
    size_t n_accepted_targets = 0;
    size_t n_accepted_nontargets = 0;
    bool has_crossed = false;
    m->mindcf_p01 = cost(last, 0.01);
    m->mindcf_p05 = cost(last, 0.05);
    for (size_t i = 0; i < n;) {
        double threshold = sorted[i].score;
        for (; i < n && sorted[i].score == threshold; i++) {
            n_accepted_targets += sorted[i].is_target;
            n_accepted_nontargets += !sorted[i].is_target;
        }
        struct point now = {
            (double)n_accepted_nontargets / (double)m->n_nontargets,
            1.0 - (double)n_accepted_targets / (double)m->n_targets,
        };
        if (!has_crossed && now.false_accept >= now.false_reject) {
            m->eer_percent = 100.0 * crossing(last, now);
            has_crossed = true;
        }
        m->mindcf_p01 = fmin(m->mindcf_p01, cost(now, 0.01));
        m->mindcf_p05 = fmin(m->mindcf_p05, cost(now, 0.05));
        last = now;
    }
}

enum err metrics_compute(const double *scores, const bool *is_target, size_t n,
                         struct metrics *out, struct errinfo *why)
{
    struct metrics m = {0};
    for (size_t i = 0; i < n; i++) {
        m.n_targets += is_target[i];
        if (isnan(scores[i])) {
            return err_set(why, ERR_NUMERIC, "score %zu of %zu is not a number", i + 1,
                           n);
        }
    }
    m.n_nontargets = n - m.n_targets;
    if (m.n_targets == 0 || m.n_nontargets == 0) {
        return err_set(
            why, ERR_INPUT,
            "error rates need target and non-target trials: there are %zu and "
            "%zu",
            m.n_targets, m.n_nontargets);
    }
    struct scored *sorted = malloc(n * sizeof(*sorted));
    if (!sorted) {
        return err_set(why, ERR_NOMEM, "no memory for %zu trials", n);
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = (struct scored){scores[i], is_target[i]};
    }
    qsort(sorted, n, sizeof(*sorted), by_score_falling);
    sweep(sorted, n, &m);
    free(sorted);
    *out = m;
    return ERR_OK;
}
