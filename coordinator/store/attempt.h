// SPDX-License-Identifier: Apache-2.0
// attempt.h - rows of attempts that failed, for people: who tried what, and why not.
//
// Attempts are written by task.h, with the transitions of their tasks; here they are
// only read.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_ATTEMPT_H
#define COORDINATOR_STORE_ATTEMPT_H

#include "coordinator/store/store.h"
#include "proto/msg.h"

struct attempt_row {
    uint64_t token;
    uint64_t task_id;
    uint64_t worker_id;
    char worker[64]; // its name; "" when its row is missing
    enum outcome outcome;
    bool is_charged;
    int64_t ended_ms; // wall clock
    char error[LIMIT_TEXT];
    char log_tail[LIMIT_LOG_TAIL]; // what its runner said last
};

// Visits the failed attempts at a study's tasks, the last one first; the callback
// returns false to stop.
typedef bool attempt_visit_fn(void *arg, const struct attempt_row *row);
MUST_CHECK enum err attempt_each_failed(struct store *s, uint64_t study_id,
                                        attempt_visit_fn *fn, void *arg,
                                        struct errinfo *why);
// Those that workers themselves ended, by a result or a failure, granted after that
// token, in the order of the grants (without sentences).
MUST_CHECK enum err attempt_each_reported(struct store *s, uint64_t after,
                                          attempt_visit_fn *fn, void *arg,
                                          struct errinfo *why);
// Those that are charged to workers of that name, granted from that token on.
MUST_CHECK enum err attempt_each_charged_to(struct store *s, const char *worker,
                                            uint64_t from, attempt_visit_fn *fn,
                                            void *arg, struct errinfo *why);
// ERR_NOTFOUND: none of the task's failed.
MUST_CHECK enum err attempt_last_failed(struct store *s, uint64_t task_id,
                                        struct attempt_row *out);
MUST_CHECK enum err attempt_last_token(struct store *s, uint64_t *out); // 0 = none yet

#endif
