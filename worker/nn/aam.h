// SPDX-License-Identifier: Apache-2.0
// aam.h - additive angular margin softmax: the training loss.
//
// cos = x/|x| . w/|w|; at the label phi = cos cos m - sin sin m, or cos - sin(pi - m) m
// where cos <= cos(pi - m); logits = s (phi at the label, cos elsewhere); mean
// cross-entropy. Source: Deng et al., "ArcFace", CVPR 2019, eq. 3, easy_margin off.
//
// Owns: workspace for one batch size. Threads: one at a time.
#ifndef WORKER_NN_AAM_H
#define WORKER_NN_AAM_H

#include "common/base/err.h"

#include <stdint.h>

struct kernels;
struct aam;

struct aam *aam_create(const struct kernels *k, int n_embed, int n_classes,
                       int max_utts, double margin, double scale);
void aam_destroy(struct aam *a); // NULL is fine

struct aam_batch {
    int n_utts;
    const float *x;        // [n_utts][n_embed]
    const int32_t *labels; // [n_utts], in [0, n_classes)
};

struct aam_report {
    double loss;
    int n_right; // utterances whose largest *cosine* is their label's
};

// The margin of the losses to come.
void aam_set_margin(struct aam *a, double margin);

// w [n_embed][n_classes]. Writes dx (as x) and dw (as w) and the report. No allocation.
// ERR_NUMERIC when the loss is not finite: dx and dw are left alone.
MUST_CHECK enum err aam_loss(struct aam *a, const struct aam_batch *b, const float *w,
                             float *dx, float *dw, struct aam_report *report);

#endif
