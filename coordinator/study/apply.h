// SPDX-License-Identifier: Apache-2.0
// apply.h - carries out one decision of plan.h in the transaction at hand.
//
// Owns: nothing. Threads: loop thread, inside a transaction.
#ifndef COORDINATOR_STUDY_APPLY_H
#define COORDINATOR_STUDY_APPLY_H

#include "coordinator/study/gather.h"

MUST_CHECK enum err apply_decision(struct driver *d, struct tracked *t,
                                   struct gathering *g,
                                   const struct plan_decision *decision,
                                   struct errinfo *why);

// The study has failed: its open tasks are cancelled, what was measured stays.
MUST_CHECK enum err apply_failure(struct driver *d, struct study_row *study,
                                  const char *error, struct errinfo *why);

// Cancels what the study still had to do.
MUST_CHECK enum err apply_cancel_tasks(struct driver *d, uint64_t study_id,
                                       struct errinfo *why);

#endif
