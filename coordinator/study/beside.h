// SPDX-License-Identifier: Apache-2.0
// beside.h - starts what runs beside the loop for a study, and takes in how it ended.
//
// Disk or memory that is short, and a packer that somebody killed, are tried again
// after DRIVER_RETRY_MS; anything else fails the job for good, for plan.h to see. Every
// end is announced by the study_changed hook.
//
// Owns: jobs in flight. Threads: loop thread.
#ifndef COORDINATOR_STUDY_BESIDE_H
#define COORDINATOR_STUDY_BESIDE_H

#include "coordinator/study/gather.h"

// A job that cannot even be started has failed: there is no error to return.
void beside_pack(struct driver *d, struct tracked *t, const struct gathering *g);
// The pack of a study that has one is gone: it must come out the same.
void beside_pack_again(struct driver *d, struct tracked *t,
                       const struct study_row *study);
// Of a study that guesses: its predictor is checked and taken into the store.
void beside_take_predictor(struct driver *d, struct tracked *t,
                           const struct gathering *g);
void beside_merge(struct driver *d, struct tracked *t, const struct gathering *g);
void beside_fit(struct driver *d, struct tracked *t, const struct gathering *g);
// Up to n networks of the strategy, guessed where the study guesses.
void beside_propose(struct driver *d, struct tracked *t, const struct gathering *g,
                    uint32_t n);
// The final results with the winners' networks.
void beside_write(struct driver *d, struct tracked *t, const struct gathering *g);

// The results so far, when something was measured since the last writing and that is a
// while ago, or the study is over.
// ERR_IO, ERR_CORRUPT from reading the store.
MUST_CHECK enum err beside_refresh(struct driver *d, struct tracked *t,
                                   struct errinfo *why);

#endif
