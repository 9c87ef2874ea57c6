// SPDX-License-Identifier: Apache-2.0
// candidates.h - inserts trials, each with the EVALUATE or FINETUNE task that fills it.
//
// Owns: nothing. Threads: loop thread, inside a transaction.
#ifndef COORDINATOR_STUDY_CANDIDATES_H
#define COORDINATOR_STUDY_CANDIDATES_H

#include "coordinator/study/gather.h"

// The stage's largest and smallest architecture with its final weights.
MUST_CHECK enum err candidates_of_stage(struct driver *d, struct tracked *t,
                                        const struct study_row *study,
                                        struct errinfo *why);

// Asks the strategy for up to n proposals. When it has none left, that is remembered in
// the tracked study.
MUST_CHECK enum err candidates_propose(struct driver *d, struct tracked *t,
                                       const struct gathering *g, uint32_t n,
                                       struct errinfo *why);

// The networks that a fit picked, all of them.
MUST_CHECK enum err candidates_of_fit(struct driver *d, struct tracked *t,
                                      const struct gathering *g, const struct fit *fit,
                                      struct errinfo *why);

// Up to n labels more. When there are none left, that is remembered as well.
MUST_CHECK enum err candidates_label(struct driver *d, struct tracked *t,
                                     const struct gathering *g, uint32_t n,
                                     struct errinfo *why);

// Trials of what was guessed, with their results: no task fills them.
MUST_CHECK enum err candidates_guessed(struct driver *d, struct tracked *t,
                                       const struct gathering *g,
                                       const struct guess_job *guesses,
                                       struct errinfo *why);

// Fine-tuning trials of the targets' best that have none.
MUST_CHECK enum err candidates_finetune(struct driver *d, struct tracked *t,
                                        const struct gathering *g, struct errinfo *why);

// Exporting trials of the winners that lack one.
MUST_CHECK enum err candidates_export(struct driver *d, struct tracked *t,
                                      const struct gathering *g, struct errinfo *why);

// For a study that failed, and with that cancelled all it had out: each trial that has
// no result gets a task anew.
MUST_CHECK enum err candidates_again(struct driver *d, const struct study_conf *conf,
                                     const struct study_row *study,
                                     struct errinfo *why);

#endif
