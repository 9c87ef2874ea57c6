// SPDX-License-Identifier: Apache-2.0
// session.h - what a worker says to its coordinator and when: the protocol, pure.
//
// Happy path: HELLO, WELCOME, then FETCH while slots are free, LEASEs fill them, BEATs
// keep them, RESULTs end them. A MEASURE task has all slots to itself: nothing is
// fetched beside it, and a LEASE that would run beside it is given back. The failures:
// no answer to anything for three beats, or REFUSED{STALE}: HELLO again with all that
// is held; a lost RESULT is sent again until a verdict comes; tasks named in
// WELCOME.stale or BEAT_REPLY.cancelled are to be stopped. Draining: no more FETCH,
// then BYE when nothing is held.
//
// The caller looks at the slots after every message and acts on their states; sockets,
// processes and the clock are the caller's.
//
// Owns: the slots. Borrows: nothing. Threads: loop thread.
#ifndef WORKER_AGENT_SESSION_H
#define WORKER_AGENT_SESSION_H

#include "proto/msg.h"

enum slot_state {
    SLOT_FREE,
    SLOT_HELD,      // leased to us: to be computed
    SLOT_REPORTING, // done: RESULT on its way, no verdict yet
    SLOT_STOPPING,  // no longer ours: stop computing, then session_forget
};

struct slot {
    enum slot_state state;
    uint64_t task_id;
    uint64_t token;
    struct task_spec spec;
    bool has_started;
    struct task_progress progress;
    bool was_named;        // in the last HELLO or BEAT, under this token
    int64_t report_due_ms; // REPORTING: when RESULT goes out (again)
    bool has_asked;        // REPORTING: RESULT asked for the next task
    struct msg_result result;
};

struct session_conf {
    uint64_t id; // random, not 0
    char name[64];
    uint32_t n_slots; // 1..LIMIT_HELD_TASKS
    uint32_t n_threads;
    uint32_t capabilities;
    char device[LIMIT_DEVICE_NAME]; // what it measures for; "" = nothing
    uint64_t memory_bytes;          // that each task may allocate
};

struct session;

struct session *session_create(const struct session_conf *conf, int64_t now_ms);
void session_destroy(struct session *s); // NULL is fine

// The message that is due now, if any; session_sent says that it went out. Call again
// until false. A message that could not go out stays due.
bool session_next(struct session *s, int64_t now_ms, struct msg *out);
void session_sent(struct session *s, int64_t now_ms, const struct msg *m);
int64_t session_due_ms(const struct session *s); // when session_next has more to say

// Messages that make no sense now change nothing.
void session_take(struct session *s, int64_t now_ms, const struct msg *m);

uint32_t session_n_slots(const struct session *s);
const struct slot *session_slot(const struct session *s, uint32_t i);
void session_started(struct session *s, uint32_t i); // HELD
void session_progress(struct session *s, uint32_t i, const struct task_progress *p);
// HELD -> REPORTING. Outcome, result, error and log_tail are taken from *r.
void session_finish(struct session *s, uint32_t i, int64_t now_ms,
                    const struct msg_result *r);
// HELD -> FREE: not to be done here. Nothing new is fetched for a while, so that what
// is wrong with this machine does not go round in circles with every task.
void session_release(struct session *s, uint32_t i, int64_t now_ms);
void session_forget(struct session *s, uint32_t i, int64_t now_ms); // STOPPING -> FREE

void session_drain(struct session *s); // finish what is held, then BYE
// Gives everything back, then BYE; the caller has stopped computing.
void session_leave(struct session *s, int64_t now_ms);
// Welcomed, and heard of lately.
bool session_is_live(const struct session *s);
bool session_is_draining(const struct session *s);
bool session_is_over(const struct session *s, int64_t now_ms);

// Where the bulk socket is: valid after the first WELCOME, changes with `welcomes`.
const struct msg_welcome *session_welcome(const struct session *s, uint32_t *welcomes);

// ERR_PROTO or ERR_AUTH when the coordinator will not have us; then it is over.
MUST_CHECK enum err session_verdict(const struct session *s, struct errinfo *why);

#endif
