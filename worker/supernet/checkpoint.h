// SPDX-License-Identifier: Apache-2.0
// checkpoint.h - supernets and dense networks as safetensors files.
//
// Tensor names are those of the authors' program: "weights.<name>" for values and BN
// statistics, "aam.W" for the classifier; ours add "adam.m.<name>", "adam.v.<name>",
// "adam.step.<name>". Metadata: format, dims, architecture, params, macs, study, stage,
// position, what made it. A dense network file has "weights.<name>" of the dense sizes
// and its architecture string.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_SUPERNET_CHECKPOINT_H
#define WORKER_SUPERNET_CHECKPOINT_H

#include "worker/supernet/supernet.h"

// Extra metadata for a file: what made it (may be empty, n = 0).
struct checkpoint_note {
    const char *key;
    const char *value;
};

MUST_CHECK enum err checkpoint_save(const struct supernet *s, const char *path,
                                    const struct checkpoint_note *notes, size_t n_notes,
                                    struct errinfo *why);

// Loads into a supernet of the same sizes. Moments and step counts default to zero when
// the file has none (a foreign checkpoint). ERR_CORRUPT names the tensor.
MUST_CHECK enum err checkpoint_load(struct supernet *s, const char *path,
                                    struct errinfo *why);

// A dense network ready to deploy: weights and recalibrated statistics of one layout.
MUST_CHECK enum err checkpoint_save_dense(const struct layout *l, const float *weights,
                                          const float *stats, const char *path,
                                          const struct checkpoint_note *notes,
                                          size_t n_notes, struct errinfo *why);
MUST_CHECK enum err checkpoint_load_dense(const char *path, struct layout *l,
                                          float **weights, float **stats,
                                          struct errinfo *why); // caller frees both

#endif
