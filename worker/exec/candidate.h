// SPDX-License-Identifier: Apache-2.0
// candidate.h - one architecture with the supernet's weights: cut out, measured, kept.
//
// Happy path: open plans the dense network inside the supernet of the inputs; measure
// cuts it out, sets its BN statistics from training utterances and scores the trials;
// export keeps what was measured as an artifact.
//
// Owns: the dense weights and statistics. Borrows: runner, inputs. Threads: one at a
// time.
#ifndef WORKER_EXEC_CANDIDATE_H
#define WORKER_EXEC_CANDIDATE_H

#include "worker/exec/task_inputs.h"
#include "worker/supernet/slice.h"

struct candidate {
    struct runner *runner;
    const struct task_inputs *in;
    // Of the whole task, for progress: where this work begins, and how much it is.
    double done_before, share;
    struct arch arch;
    struct slice *slice;
    const struct layout *layout; // of the slice
    float *weights;              // [layout->n_weights]
    float *stats;                // [layout->n_stats]
};

// ERR_INPUT: not an architecture of the study's supernet. Closed on failure.
MUST_CHECK enum err candidate_open(struct candidate *c, struct runner *runner,
                                   const struct task_inputs *in,
                                   const char *architecture, struct errinfo *why);
void candidate_close(struct candidate *c);

// With the supernet's weights of this moment: recalibrates and scores. All of *out but
// network ("") and seconds. ERR_INPUT (no such protocol), ERR_NUMERIC, ERR_CANCELLED.
MUST_CHECK enum err candidate_measure(struct candidate *c, uint32_t protocol,
                                      struct evaluate_result *out, struct errinfo *why);

// Stores the measured network; `supernet` is the checkpoint it came from, `made_by`
// NULL or what else was done with it.
MUST_CHECK enum err candidate_export(const struct candidate *c, const char *supernet,
                                     const char *made_by,
                                     char hash[static HASH_HEX_MAX],
                                     struct errinfo *why);

#endif
