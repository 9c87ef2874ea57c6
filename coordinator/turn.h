// SPDX-License-Identifier: Apache-2.0
// turn.h - one turn of the coordinator's loop: receive, decide, commit, reply.
//
// The happy path: messages come in with turn_message and are decided on inside one
// transaction; turn_end looks after deadlines, moves studies on, grants tasks, commits,
// and only then changes what is kept in memory and sends the replies.
// The failures: a message that breaks the rules is counted and answered with REFUSED. A
// message or study whose part of the transaction fails is undone alone. A commit that
// fails (disk full) undoes the turn: memory is as before, peers repeat themselves, and
// nothing is granted until a commit succeeds again. While the disk is full (see
// reserve.h) nothing new is begun, but what is leased is settled.
//
// Owns: queue, leases, sessions. Borrows: store, blobs, driver. Threads: loop thread.
// No sockets and no clock in here: both are passed in.
#ifndef COORDINATOR_TURN_H
#define COORDINATOR_TURN_H

#include "coordinator/fleet/session.h"
#include "coordinator/study/driver.h"

#define TURN_MESSAGES_MAX 256     // messages, or
#define TURN_TIME_MAX_MS  5       // milliseconds of them, before a turn commits
#define TURN_GRANTS_MAX   256     // tasks granted in one turn: about 5 ms
#define TURN_RETRY_MS     1000    // pause after a failed turn before new decisions
#define TURN_FAILING_MS   12000   // peers repeat what is unanswered twice in that time
#define TURN_DEAF_MS      BEAT_MS // without a turn: we stood still, and heard nobody

struct turn;

struct turn_now {
    int64_t mono_ms;
    int64_t wall_ms;
};

struct turn_ports {
    void *arg;
    // Sends one message; false when it cannot go (it is lost then).
    bool (*send)(void *arg, const struct route *to, const void *bytes, size_t n);
    // Asks for a turn_end soon.
    void (*wake)(void *arg);
    // The name a key is listed under; NULL when it is not listed. May be NULL itself:
    // connections are not authenticated, and a worker is called what it says.
    const char *(*listed_as)(void *arg, const struct curve_public *key);
    // A write found the disk full. May be NULL.
    void (*disk_full)(void *arg);
    // Is there room for an artifact beside what settling needs? May be NULL: no.
    bool (*has_room)(void *arg, uint64_t size_bytes);
};

// Rebuilds the queue and the leases from the store; every lease gets a full period.
MUST_CHECK enum err turn_create(struct store *s, struct blob_store *blobs,
                                const struct turn_ports *ports, struct turn_now now,
                                struct turn **out, struct errinfo *why);
void turn_destroy(struct turn *t); // NULL is fine

// The driver is made with these hooks and then handed over (borrowed).
struct driver_hooks turn_driver_hooks(struct turn *t);
void turn_set_driver(struct turn *t, struct driver *d);
void turn_set_bulk_port(struct turn *t, uint16_t port); // what WELCOME tells

// Adds a study, or goes on with it, and commits. Errors as driver_add_study.
MUST_CHECK enum err turn_add_study(struct turn *t, const struct study_conf *conf,
                                   struct turn_now now, struct errinfo *why);

void turn_message(struct turn *t, const struct route *from, const void *bytes, size_t n,
                  struct turn_now now);
void turn_misframed(struct turn *t); // a message that was not one frame: counted
// A message of somebody who may not speak here.
void turn_denied(struct turn *t, const struct route *from, const char *text,
                 struct turn_now now);
void turn_end(struct turn *t, struct turn_now now);

// Grants nothing more and tells the workers so.
void turn_drain(struct turn *t);
bool turn_is_draining(const struct turn *t);
bool turn_is_quiet(const struct turn *t); // no task is leased

// Begins nothing new: grants no task, moves no study on, and takes artifacts only from
// those who hold a task. Results are taken as ever.
void turn_settle_only(struct turn *t, bool is_settling);
void turn_found_disk_full(struct turn *t); // outside of the turn: tells the port

// Writes have failed lately, again and again: nothing is promised meanwhile.
bool turn_is_failing(const struct turn *t);

struct turn_gauge { // what costs nothing to tell
    size_t n_workers, n_leased, n_waiting;
};
struct turn_gauge turn_gauge(const struct turn *t);

void turn_status(struct turn *t, struct msg_status_reply *out);

// May that key's workers store so many bytes more?
bool turn_may_store(const struct turn *t, const struct curve_public *key,
                    uint64_t size_bytes);

// What people ask and order. An order is carried out and committed before this returns;
// *answer is a reply of the question's kind, or ORDER_REPLY. ERR_NOTFOUND, ERR_STALE
// and the like with a sentence: nothing was done. BUG for other kinds.
bool turn_takes_order(enum msg_kind kind);
MUST_CHECK enum err turn_order(struct turn *t, const struct msg *in,
                               struct turn_now now, struct msg *answer,
                               struct errinfo *why);

// Is something made again that is missing now? Who asks for it is told to wait.
bool turn_is_mending(const struct turn *t);

// What a key's workers hold: any task, or one that names this artifact.
bool turn_holds_task(const struct turn *t, const struct curve_public *key);
bool turn_holds_artifact(const struct turn *t, const struct curve_public *key,
                         const char *hash);

#endif
