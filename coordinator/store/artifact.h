// SPDX-License-Identifier: Apache-2.0
// artifact.h - which artifacts the rows speak of, and whether they still need them.
//
// Needed are: what studies and their devices name; what open tasks read; the weights
// and networks of trials; what finished tasks brought, except rounds of training that
// were superseded. Of those the newest stay (so that a merge can be made again), and
// the weights each stage ended with.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_ARTIFACT_H
#define COORDINATOR_STORE_ARTIFACT_H

#include "coordinator/store/store.h"

enum artifact_need { ARTIFACT_SUPERSEDED, ARTIFACT_NEEDED };

// In no order, and the same artifact many times: needed once is needed.
typedef void artifact_visit_fn(void *arg, const char *hash, enum artifact_need need);

// keep_rounds: how many rounds before the current one of each study stay.
MUST_CHECK enum err artifact_each(struct store *s, uint32_t keep_rounds,
                                  artifact_visit_fn *fn, void *arg,
                                  struct errinfo *why);

#endif
