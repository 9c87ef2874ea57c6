// SPDX-License-Identifier: Apache-2.0
// task.h - rows of tasks and their attempts; one transition table, one move function.
//
// READY -> LEASED -> DONE, or back to READY (expiry, release, failed attempt), or
// BURIED, or CANCELLED; people bring back what was buried, and a study that goes on
// what it cancelled. The fencing token of a task grows with every grant and is durable;
// a result counts only under the token in force.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_TASK_H
#define COORDINATOR_STORE_TASK_H

#include "coordinator/store/store.h"
#include "proto/msg.h"

enum task_state { TASK_READY = 1, TASK_LEASED, TASK_DONE, TASK_BURIED, TASK_CANCELLED };
#define TASK_STATES 6
const char *task_state_name(enum task_state s);
// ERR_NOTFOUND: no state is called that.
MUST_CHECK enum err task_state_parse(const char *name, enum task_state *out);

enum task_event {
    TASK_EVENT_GRANT,  // a worker gets it
    TASK_EVENT_ACCEPT, // its result counts
    TASK_EVENT_RETRY,  // the attempt is over without one
    TASK_EVENT_BURY,   // the last attempt is
    TASK_EVENT_CANCEL, // its study needs it no more
    TASK_EVENT_KICK,   // somebody (or a worker's quarantine) says: try again
    TASK_EVENT_REVIVE, // its study goes on
    TASK_EVENTS
};
const char *task_event_name(enum task_event e);

// The transition table. False: that cannot happen in this state.
bool task_next(enum task_state from, enum task_event e, enum task_state *to);
bool task_may_move(enum task_state from, enum task_state to); // by any event

// MEASURE tasks lie among the rounds of training, behind the last possible stage, so
// that they too are found by them: their stage is this plus the device's place in the
// study file, their round 0 for the table's networks and 1 for held-out ones, their
// shard the network's place in its list.
#define TASK_MEASURE_STAGE 1000

struct task_row {
    uint64_t id;
    uint64_t study_id;
    struct task_spec spec;
    enum task_state state;
    uint64_t token;        // last granted; 0 = never
    uint64_t worker_id;    // holder while LEASED, winner when DONE
    uint32_t n_charged;    // attempts that started and failed
    int64_t not_before_ms; // wall clock: back-off
    // What the study wants it for.
    uint64_t trial_id;            // EVALUATE: the trial it fills; 0 otherwise
    uint32_t stage, round, shard; // TRAIN, MEASURE
    bool has_result;
    struct task_result result; // when DONE
};

// Inserts as READY; sets row->id. Inside a transaction.
MUST_CHECK enum err task_insert(struct store *s, struct task_row *row,
                                struct errinfo *why);
MUST_CHECK enum err task_get(struct store *s, uint64_t id, struct task_row *out);

// READY -> LEASED with the next token (returned): larger than any granted before, of
// this or any other task. ERR_STALE when it is not READY.
MUST_CHECK enum err task_grant(struct store *s, uint64_t id, uint64_t worker_id,
                               uint64_t *token, struct errinfo *why);
// LEASED -> DONE under the token in force. ERR_STALE otherwise, except that a token
// whose attempt was settled or failed before gets ERR_BUSY = "repeated".
MUST_CHECK enum err task_settle(struct store *s, uint64_t id, uint64_t token,
                                const struct task_result *result, struct errinfo *why);
// How an attempt ended without a result.
struct task_failure {
    enum outcome outcome; // 0: given back, no attempt to speak of
    const char *error;
    const char *log_tail; // what its runner said last; NULL = nothing
    bool is_charged;
    uint32_t bury_at;      // buried when so many attempts are charged,
    uint32_t bury_workers; // to workers of so many names; 0 = any
    int64_t not_before_ms; // otherwise READY from then on, wall clock
};
// LEASED -> READY or BURIED under the token in force; records the attempt. ERR_STALE
// and ERR_BUSY as task_settle.
MUST_CHECK enum err task_fail(struct store *s, uint64_t id, uint64_t token,
                              const struct task_failure *failure, enum task_state *now,
                              struct errinfo *why);
MUST_CHECK enum err task_cancel(struct store *s, uint64_t id, struct errinfo *why);

// BURIED -> READY with its charges forgotten; ERR_STALE in any other state.
MUST_CHECK enum err task_kick(struct store *s, uint64_t id, struct errinfo *why);
// CANCELLED (or BURIED) -> READY, charges forgotten: its study goes on.
MUST_CHECK enum err task_revive(struct store *s, uint64_t id, struct errinfo *why);
// That attempt's charge counts no more; the state stays.
MUST_CHECK enum err task_refund(struct store *s, uint64_t id, uint64_t token,
                                struct errinfo *why);

// Visits tasks in id order; the callback returns false to stop. state 0 = any,
// study_id 0 = any.
typedef bool task_visit_fn(void *arg, const struct task_row *row);
MUST_CHECK enum err task_each(struct store *s, uint64_t study_id, enum task_state state,
                              task_visit_fn *fn, void *arg, struct errinfo *why);
// TRAIN (or MEASURE) tasks of one round, by shard.
MUST_CHECK enum err task_each_of_round(struct store *s, uint64_t study_id,
                                       uint32_t stage, uint32_t round,
                                       task_visit_fn *fn, void *arg,
                                       struct errinfo *why);

// The same of ids in (after, last], so that a look at many tasks can be cut in pieces.
struct task_range {
    uint64_t study_id;
    enum task_state state;
    uint64_t after, last;
};
MUST_CHECK enum err task_each_in(struct store *s, const struct task_range *in,
                                 task_visit_fn *fn, void *arg, struct errinfo *why);
MUST_CHECK enum err task_last_id(struct store *s, uint64_t *out); // 0 = there is none

// Rounds of a stage that tasks were ever made for: the next number.
MUST_CHECK enum err task_count_rounds(struct store *s, uint64_t study_id,
                                      uint32_t stage, uint32_t *out,
                                      struct errinfo *why);

struct task_counts {
    uint32_t ready, leased, done, buried, cancelled;
};
MUST_CHECK enum err task_count(struct store *s, uint64_t study_id,
                               struct task_counts *out);
// Error sentence of the task's last failed attempt; "" when there is none.
MUST_CHECK enum err task_last_error(struct store *s, uint64_t id,
                                    char out[static LIMIT_TEXT]);

#endif
