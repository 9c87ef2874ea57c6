// SPDX-License-Identifier: Apache-2.0
// latency_quality.c - see latency_quality.h.
#include "common/space/latency_quality.h"

#include "common/base/agreement.h"

#include <math.h>
#include <stdlib.h>

struct latency_quality latency_quality_of(const struct latency_table *t,
                                          const struct net_dims *d,
                                          const struct arch *archs, const double *ms,
                                          size_t n)
{
    struct latency_quality q = {0};
    double *sums = malloc((3 * n + 1) * sizeof(*sums));
    BUG_ON(!sums);
    double *measured = sums + n;
    double *errors = sums + 2 * n;
    for (size_t i = 0; i < n; i++) {
        BUG_ON(!(ms[i] > 0));
        double sum;
        if (latency_of(t, &archs[i], d, &sum)) {
            sums[q.n_compared] = sum;
            measured[q.n_compared] = ms[i];
            errors[q.n_compared++] = fabs(sum - ms[i]) / ms[i];
        }
    }
    if (q.n_compared > 0) {
        q.spearman = agreement_spearman(sums, measured, q.n_compared);
        q.median_error = agreement_quantile(errors, q.n_compared, .5);
        q.p95_error = agreement_quantile(errors, q.n_compared, .95);
    }
    free(sums);
    return q;
}
