// SPDX-License-Identifier: Apache-2.0
// train.h - steps of supernet training: one path, one batch, one update.
//
// Step i of a shard: the path is drawn from (seed, RNG_PATH, stage, position), sliced,
// run forward and backward on its own dense weights, its gradients carried back by the
// adjoint, and Adam updates what the path reached; BN running statistics follow for the
// values the path used (momentum 0.1, unbiased variance). Nothing depends on anything
// but (supernet, study, position), so training can stop and go on anywhere.
//
// Owns: network, slice plan, gradients. Borrows: supernet, conf. Threads: one at a
// time.
#ifndef WORKER_SUPERNET_TRAIN_H
#define WORKER_SUPERNET_TRAIN_H

#include "common/conf/study.h"
#include "worker/nn/net.h"
#include "worker/supernet/supernet.h"

struct kernels;
struct trainer;

struct train_step {
    uint32_t stage;     // index into conf->train.stages
    uint64_t position;  // batches of the stage consumed before this step: path and rate
    uint64_t n_batches; // of the whole stage
};

struct train_report {
    double loss;
    int n_right;
    double lr;
    struct arch arch; // the path that was trained
};

// max_frames: sum over a batch.
struct trainer *trainer_create(const struct kernels *k, const struct study_conf *conf,
                               struct supernet *s, int max_utts, size_t max_frames);
void trainer_destroy(struct trainer *t); // NULL is fine

// labels in [0, n_classes). ERR_NUMERIC: loss or a gradient not finite, and the
// supernet is as it was.
MUST_CHECK enum err trainer_step(struct trainer *t, const struct train_step *at,
                                 const struct net_batch *b, const int32_t *labels,
                                 struct train_report *report);

// The same with the path and the learning rate given, and the full margin.
MUST_CHECK enum err trainer_step_on(struct trainer *t, const struct arch *a, double lr,
                                    const struct net_batch *b, const int32_t *labels,
                                    struct train_report *report);

// d_super of the last step [supernet n_values]: right where its path reached, stale
// elsewhere. For tests and diagnosis.
const float *trainer_gradient(const struct trainer *t);

#endif
