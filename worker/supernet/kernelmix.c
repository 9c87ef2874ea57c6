// SPDX-License-Identifier: Apache-2.0
// kernelmix.c - see kernelmix.h.
#include "worker/supernet/kernelmix.h"

#include "common/base/err.h"

#include <string.h>

struct kernelmix kernelmix_make(int n_dense_taps, int n_super_taps, const float *k53,
                                const float *k31)
{
    BUG_ON(n_dense_taps >= n_super_taps);
    struct kernelmix m = {
        .n_dense = n_dense_taps,
        .first = 1,
        .n_super = n_super_taps - 2,
        .uses_k53 = n_super_taps == 5,
        .uses_k31 = n_dense_taps == 1,
    };
    for (int s = 0; s < m.n_super; s++) {
        if (!m.uses_k31) {
            for (int d = 0; d < m.n_dense; d++) {
                m.weight[d][s] = k53[3 * s + d];
            }
        } else {
            m.weight[0][s] = m.uses_k53 ? k53[3 * s + 1] * k31[0] : k31[0];
        }
    }
    return m;
}

void kernelmix_adjoint(const struct kernelmix *m, const float *k53, const float *k31,
                       double d_weight[KERNELMIX_TAPS][KERNELMIX_TAPS], float *d_k53,
                       float *d_k31)
{
    if (m->uses_k53) {
        memset(d_k53, 0, sizeof(float) * KERNELMIX_TAPS * KERNELMIX_TAPS);
    }
    double sum = 0; // gradient of K31
    for (int s = 0; s < m->n_super; s++) {
        if (!m->uses_k31) {
            for (int d = 0; d < m->n_dense; d++) {
                d_k53[3 * s + d] = (float)d_weight[d][s];
            }
            continue;
        }
        sum += m->uses_k53 ? d_weight[0][s] * k53[3 * s + 1] : d_weight[0][s];
        if (m->uses_k53) {
            d_k53[3 * s + 1] = (float)(d_weight[0][s] * k31[0]);
        }
    }
    if (m->uses_k31) {
        d_k31[0] = (float)sum;
    }
}
