// SPDX-License-Identifier: Apache-2.0
// turn_inside.h - what turn.c and the turn_*.c share; nobody else's.
//
// Every decision is written to the store at once and noted as an *effect*: what memory
// has to become when the transaction is committed. A rollback forgets the effects.
#ifndef COORDINATOR_TURN_INSIDE_H
#define COORDINATOR_TURN_INSIDE_H

#include "coordinator/fleet/quarantine.h"
#include "coordinator/fleet/refusals.h"
#include "coordinator/outbox.h"
#include "coordinator/sched/avoid.h"
#include "coordinator/sched/lease.h"
#include "coordinator/sched/queue.h"
#include "coordinator/store/standing_row.h"
#include "coordinator/turn.h"

enum effect_kind {
    EFFECT_READY,    // task: queue it
    EFFECT_LEASED,   // lease, session
    EFFECT_ENDED,    // lease: over
    EFFECT_ACCEPTED, // lease: its result counts
    EFFECT_JOINED,   // session, route, worker
    EFFECT_LEFT,     // session
    EFFECT_REPLACED, // session: another process has its name now
    EFFECT_REPORTED, // report: a worker ended an attempt
    EFFECT_STANDING, // standing: of a worker's name
    EFFECT_STUDY,    // study: its share of the workers
};

struct effect {
    enum effect_kind kind;
    uint64_t session;
    union {
        struct {
            struct queue_task task;
            uint64_t failed_by; // avoid_who of its last worker; 0 = nobody
        };
        struct lease lease;
        struct {
            uint64_t task_id, token;
            bool is_ok;
            char name[WORKER_NAME_MAX];
        } report;
        struct {
            uint64_t id;
            double weight;
            bool is_paused;
        } study;
        struct {
            enum standing standing;
            char name[WORKER_NAME_MAX];
            char reason[STANDING_REASON_MAX];
        } standing;
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
    struct quarantine *quarantine;
    struct avoid *avoid;
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
    enum err committed;         // how the last commit went
    bool has_cancelled;         // tasks that may be leased, of a study that goes on

    struct id_list dirty;  // studies to move on
    struct id_list kicked; // those a task of which was kicked, in the part at hand
    int64_t ended_ms;      // when the last turn was
    bool is_sick;          // the last turn that wrote could not
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
void turn_mark_kicked(struct turn *t, uint64_t study_id); // and dirty

// turn.c
void turn_note_study(struct turn *t, const struct study_row *row); // it is so now
// Adds it, or finds the one of that name. Inside a part.
MUST_CHECK enum err turn_take_study(struct turn *t, const struct study_conf *conf,
                                    uint64_t *id, struct errinfo *why);

// turn_effect.c: after the commit, and after a rollback.
void turn_apply_effects(struct turn *t);
void turn_forget_effects(struct turn *t);

// turn_message.c: decides on t->in.
void turn_decide(struct turn *t, const struct route *from);
void turn_refuse(struct turn *t, const struct route *to, enum refusal reason,
                 enum err code, const char *text);

// turn_fleet.c
MUST_CHECK enum err turn_fleet_rebuild(struct turn *t, struct errinfo *why);
bool turn_may_be_given(const struct turn *t, const struct session *s); // at all
struct place_offer turn_offer(const struct session *s);                // as it is now
bool turn_can_run(const struct session *s, const struct queue_task *task);
// Workers that may be given such a task, busy or not.
uint32_t turn_count_capable(const struct turn *t, const struct queue_task *task);
// How many names they have; 2 stands for more.
uint32_t turn_capable_names(const struct turn *t, const struct queue_task *task);
void turn_note_report(struct turn *t, const struct session *s, uint64_t task_id,
                      uint64_t token, bool is_ok);
void turn_apply_report(struct turn *t, const struct effect *f);
void turn_apply_standing(struct turn *t, const struct effect *f);
void turn_quarantine(struct turn *t); // of who is convicted, one a turn
// ERR_NOTFOUND: nobody was ever called that. Inside a part.
MUST_CHECK enum err turn_drain_worker(struct turn *t, const char *name,
                                      struct errinfo *why);
MUST_CHECK enum err turn_release_worker(struct turn *t, const char *name,
                                        struct errinfo *why);

// turn_explain.c
void turn_describe(const struct task_row *row, char out[static ARCH_STRING_MAX]);
void turn_worker_name(struct turn *t, uint64_t worker_id,
                      char out[static WORKER_NAME_MAX]); // "" = not known
MUST_CHECK enum err turn_explain(struct turn *t, const struct msg *in,
                                 struct msg *answer, struct errinfo *why);

// turn_task.c
// A buried task is READY again, its charges are forgotten; ERR_STALE when it is not
// buried or of no use to its study. Inside a part, with turn_studies_go_on at its end.
MUST_CHECK enum err turn_kick_task(struct turn *t, const struct task_row *row,
                                   struct errinfo *why);
// Studies of kicked tasks that have failed take up their work again.
MUST_CHECK enum err turn_studies_go_on(struct turn *t, struct errinfo *why);
// An attempt is over without a result: the task goes back or is buried. Inside a part.
struct turn_failure {
    enum outcome outcome;
    bool has_started;
    const char *error;
    const char *log_tail; // NULL = none
};
MUST_CHECK enum err turn_attempt_failed(struct turn *t, uint64_t task_id,
                                        uint64_t token, const struct turn_failure *how,
                                        struct errinfo *why);
MUST_CHECK enum err turn_attempt_succeeded(struct turn *t, uint64_t task_id,
                                           uint64_t token,
                                           const struct task_result *result,
                                           struct errinfo *why);
// The lease of that token is no more, whatever became of its task.
void turn_attempt_over(struct turn *t, uint64_t task_id, uint64_t token);
// A study that is over, or mends what it lost, cancelled what it still had out: its
// workers hear so by BEAT.
void turn_drop_cancelled(struct turn *t, uint64_t study_id);
void turn_expire(struct turn *t);
void turn_grant(struct turn *t);

#endif
