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

// What a strategy proposed. Guessed networks are measured already: no task fills them.
// When there were no more to propose, that is remembered in the tracked study.
MUST_CHECK enum err candidates_proposed(struct driver *d, struct tracked *t,
                                        const struct gathering *g,
                                        const struct propose_job *proposals,
                                        struct errinfo *why);

// The networks that a fit picked, PLAN_ADDED_MAX of those that are not there yet; then
// *n_left are still missing.
MUST_CHECK enum err candidates_of_fit(struct driver *d, struct tracked *t,
                                      const struct gathering *g, const struct fit *fit,
                                      size_t *n_left, struct errinfo *why);

// Up to n labels more. When there are none left, that is remembered as well.
MUST_CHECK enum err candidates_label(struct driver *d, struct tracked *t,
                                     const struct gathering *g, uint32_t n,
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
