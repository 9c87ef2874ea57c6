// SPDX-License-Identifier: Apache-2.0
// turn_inside.h - what turn.c and the turn_*.c share; nobody else's.
//
// Every decision is written to the store at once and noted as an *effect*: what memory
// has to become when the transaction is committed. A rollback forgets the effects.
#ifndef COORDINATOR_TURN_INSIDE_H
#define COORDINATOR_TURN_INSIDE_H

#include "coordinator/fleet/refusals.h"
#include "coordinator/outbox.h"
#include "coordinator/sched/lease.h"
#include "coordinator/sched/queue.h"
#include "coordinator/turn.h"

enum effect_kind {
    EFFECT_READY,    // task: queue it
    EFFECT_LEASED,   // lease, session
    EFFECT_ENDED,    // lease: over
    EFFECT_ACCEPTED, // lease: its result counts
    EFFECT_JOINED,   // session, route, worker
    EFFECT_LEFT,     // session
    EFFECT_REPLACED, // session: another process has its name now
};

struct effect {
    enum effect_kind kind;
    uint64_t session;
    union {
        struct queue_task task;
        struct lease lease;
        struct {
            struct route route;
            struct worker worker;
        };
    };
};

struct effects {
    struct effect *items;
    size_t len;
    size_t cap;
};

struct id_list {
    uint64_t *ids;
    size_t len;
    size_t cap;
};

struct turn_counters {
    uint64_t accepted, repeated, stale;
};

struct turn {
    struct store *store;
    struct blob_store *blobs;
    struct driver *driver;
    struct turn_ports ports;
    uint16_t bulk_port;
    bool is_draining;
    bool is_settling; // the disk is full: nothing new is begun

    struct queue *queue;
    struct lease_table *leases;
    struct session_table *sessions;
    struct turn_counters counters;
    struct refusals refusals;
    size_t first_session; // where the next round of grants starts

    // Of the turn in progress.
    struct turn_now now;
    struct effects effects;
    struct outbox after_commit; // replies that promise something
    struct outbox any_case;     // replies that do not
    bool has_failed;            // the environment refused a part of it
    bool has_kept;              // a part of it is to be committed

    struct id_list dirty; // studies to move on
    int64_t ended_ms;     // when the last turn was
    bool is_sick;         // the last turn that wrote could not
    int64_t retry_ms;

    struct msg in; // large: once each
    struct msg out;
};

struct part {
    size_t n_effects;
    size_t outbox;
};

// A part of the transaction: what fails in it is undone alone. turn_part_end returns
// `e`, or why it could not be kept.
MUST_CHECK enum err turn_part_begin(struct turn *t, struct part *p,
                                    struct errinfo *why);
MUST_CHECK enum err turn_part_end(struct turn *t, const struct part *p, enum err e,
                                  struct errinfo *why);

// What the queue is told of a task, and a lease of it.
struct queue_task turn_queue_task(const struct task_row *row, int64_t ready_ms);
struct lease turn_lease(const struct task_row *row, uint64_t token, uint64_t worker_id,
                        int64_t deadline_ms);

struct effect *turn_add_effect(struct turn *t, enum effect_kind kind);
void turn_mark_dirty(struct turn *t, uint64_t study_id);

// turn_effect.c: after the commit, and after a rollback.
void turn_apply_effects(struct turn *t);
void turn_forget_effects(struct turn *t);

// turn_message.c: decides on t->in.
void turn_decide(struct turn *t, const struct route *from);
void turn_refuse(struct turn *t, const struct route *to, enum refusal reason,
                 enum err code, const char *text);

// turn_task.c
// An attempt is over without a result: the task goes back or is buried. Inside a part.
MUST_CHECK enum err turn_attempt_failed(struct turn *t, uint64_t task_id,
                                        uint64_t token, enum outcome outcome,
                                        bool has_started, const char *error,
                                        const char *log_tail, struct errinfo *why);
MUST_CHECK enum err turn_attempt_succeeded(struct turn *t, uint64_t task_id,
                                           uint64_t token,
                                           const struct task_result *result,
                                           struct errinfo *why);
// The lease of that token is no more, whatever became of its task.
void turn_attempt_over(struct turn *t, uint64_t task_id, uint64_t token);
// A study that is over cancelled what it still had out: its workers hear so by BEAT.
void turn_drop_cancelled(struct turn *t, uint64_t study_id);
void turn_expire(struct turn *t);
void turn_grant(struct turn *t);

#endif
