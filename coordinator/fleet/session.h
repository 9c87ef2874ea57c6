// SPDX-License-Identifier: Apache-2.0
// session.h - the workers that speak to us: who they are and where to answer them.
//
// A session is one run of one worker process, named by its random 64-bit number; it is
// answered at the routing id that last spoke for it. A session silent for three beats
// is lost: nothing is granted to it, its leases end by themselves, and it is found
// again with its next word. Long silent ones are forgotten (then they have to say
// HELLO). One whose name another process took is taken for lost at once. Where
// connections are authenticated, a session is its key's: nobody else speaks for it.
//
// Owns: the sessions; pointers are valid until the next session_put or session_forget.
// Borrows: nothing. Threads: loop thread only.
#ifndef COORDINATOR_FLEET_SESSION_H
#define COORDINATOR_FLEET_SESSION_H

#include "common/net/curve.h"
#include "coordinator/fleet/worker.h"

#include <stddef.h>

#define SESSION_MAX       4096 // workers a coordinator serves; 4 MiB with their tasks
#define SESSION_LOST_MS   (INT64_C(3) * BEAT_MS)
#define SESSION_FORGET_MS 3600000 // an hour

struct route {        // where a peer is answered, and who it proved to be
    uint8_t bytes[8]; // ROUTER makes 5; those that peers choose are refused
    uint8_t n;
    struct curve_public key; // zeros where connections are not authenticated
};

bool route_equal(const struct route *a, const struct route *b);

struct session {
    uint64_t number;
    struct route route;
    struct worker worker;
    uint32_t credit;  // slots free by its last FETCH, and what came and went since
    bool has_fetched; // and is owed an answer in this turn
    bool is_lost;
    bool is_replaced; // and forgotten sooner; not heard since
    int64_t heard_ms; // monotonic clock
};

struct session_table;

struct session_table *session_table_create(void);
void session_table_destroy(struct session_table *t); // NULL is fine

struct session *session_find(struct session_table *t, uint64_t number); // or NULL
struct session *session_at_route(struct session_table *t, const struct route *r);
bool session_has_room(const struct session_table *t, uint64_t number);

// Adds the session or replaces what is known of it. BUG without room.
struct session *session_put(struct session_table *t, uint64_t number,
                            const struct route *route, const struct worker *worker,
                            int64_t now_ms);
void session_forget(struct session_table *t, uint64_t number); // unknown is fine

// It spoke: from here, now.
void session_heard(struct session *s, const struct route *route, int64_t now_ms);

// Another process says that it is this worker now. Should it be wrong, the next word of
// this one finds the session again.
void session_replaced(struct session *s);

// We could not hear for `deaf_ms`: that is nobody's silence.
void session_excuse_all(struct session_table *t, int64_t deaf_ms, int64_t now_ms);

// Marks the silent ones lost and forgets the long silent. Returns how many were lost
// now.
size_t session_sweep(struct session_table *t, int64_t now_ms);

size_t session_count(const struct session_table *t);
struct session *session_at(struct session_table *t, size_t i);
uint32_t session_count_capable(const struct session_table *t, enum task_kind kind);

#endif
