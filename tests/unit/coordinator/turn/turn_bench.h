// SPDX-License-Identifier: Apache-2.0
// turn_bench.h - a turn without sockets and in virtual time, and what workers say to
// it.
#ifndef TESTS_UNIT_COORDINATOR_TURN_TURN_BENCH_H
#define TESTS_UNIT_COORDINATOR_TURN_TURN_BENCH_H

#include "common/base/log.h"
#include "coordinator/turn.h"
#include "proto/wire.h"
#include "tests/unit/coordinator/store/store_fixture.h"
#include "tests/unit/coordinator/turn/fake_driver.h"

#define SENT_MAX   64
#define ROOM_BYTES 1000 // for artifacts, when the disk is full

static struct {
    struct turn *turn;
    bool has_keys; // connections are authenticated
    struct blob_store *blobs;
    struct turn_now now;
    char checkpoint[HASH_HEX_MAX]; // an artifact that is there
    size_t n_sent;
    struct route to[SENT_MAX];
    struct msg sent[SENT_MAX];
    struct msg m; // the message being made
    unsigned n_disk_full;
} bench;

static const struct route alice = {.bytes = {0, 1, 2, 3, 4}, .n = 5};
static const struct route bob = {.bytes = {0, 1, 2, 3, 5}, .n = 5};

// ---- the bench

static inline bool on_send(void *arg, const struct route *to, const void *bytes,
                           size_t n)
{
    (void)arg;
    ck_assert_uint_lt(bench.n_sent, SENT_MAX);
    ck_assert(!store_in_transaction(fixture.store)); // committed first
    bench.to[bench.n_sent] = *to;
    OK(wire_decode(bytes, n, &bench.sent[bench.n_sent++], &fixture.why));
    return true;
}

static inline void on_wake(void *arg)
{
    (void)arg;
}

static inline void on_disk_full(void *arg)
{
    (void)arg;
    bench.n_disk_full++;
}

static inline bool has_room(void *arg, uint64_t size_bytes)
{
    (void)arg;
    return size_bytes <= ROOM_BYTES;
}

// With keys: keys of ones are anna's, keys of twos bert's.
static inline const char *listed_as(void *arg, const struct curve_public *key)
{
    (void)arg;
    return key->bytes[0] == 1 ? "anna" : key->bytes[0] == 2 ? "bert" : NULL;
}

static inline struct route under_key(const struct route *at, uint8_t key)
{
    struct route r = *at;
    memset(r.key.bytes, key, sizeof(r.key.bytes));
    return r;
}

static inline void start(void)
{
    const struct turn_ports ports = {.send = on_send,
                                     .wake = on_wake,
                                     .listed_as = bench.has_keys ? listed_as : NULL,
                                     .disk_full = on_disk_full,
                                     .has_room = has_room};
    OK(turn_create(fixture.store, bench.blobs, &ports, bench.now, &bench.turn,
                   &fixture.why));
    turn_set_driver(bench.turn,
                    fake_driver_init(fixture.store, turn_driver_hooks(bench.turn)));
    turn_set_bulk_port(bench.turn, 20001);
    fake_driver.next_task = fixture_train_task();
}

static inline void setup(void)
{
    log_init("test", LOG_ERROR + 1);
    fixture_open();
    char path[128];
    snprintf(path, sizeof(path), "%s/blobs", fixture.dir);
    OK(blob_store_open(path, NULL, &bench.blobs, &fixture.why));
    OK(blob_put_bytes(bench.blobs, "weights", 7, bench.checkpoint, &fixture.why));
    bench.now = (struct turn_now){1000000, 1700000000000};
    start();
}

static inline void teardown(void)
{
    turn_destroy(bench.turn);
    blob_store_close(bench.blobs);
    fixture_close();
}

// kill -9 and a new start.
static inline void restart(void)
{
    turn_destroy(bench.turn);
    store_close(fixture.store);
    OK(store_open(fixture.dir, &fixture.store, &fixture.why));
    start();
}

static inline void stand_still(int64_t ms)
{
    bench.now.mono_ms += ms;
    bench.now.wall_ms += ms;
}

static inline void end(void)
{
    bench.n_sent = 0;
    turn_end(bench.turn, bench.now);
}

// The loop turns all the while.
static inline void pass(int64_t ms)
{
    const int64_t step_ms = 1000;
    for (; ms > step_ms; ms -= step_ms) {
        stand_still(step_ms);
        end();
    }
    stand_still(ms);
}

static inline void say_raw(const struct route *from, const void *bytes, size_t n)
{
    turn_message(bench.turn, from, bytes, n, bench.now);
}

// Says bench.m without ending the turn.
static inline void say(const struct route *from)
{
    struct buf b = BUF_INIT;
    wire_encode(&bench.m, &b);
    say_raw(from, b.data, b.len);
    buf_fini(&b);
}

// The last message of that kind in the turn that ended last; NULL if there was none.
static inline const struct msg *heard(enum msg_kind kind)
{
    for (size_t i = bench.n_sent; i > 0; i--) {
        if (bench.sent[i - 1].kind == kind) {
            return &bench.sent[i - 1];
        }
    }
    return NULL;
}

static inline size_t count(enum msg_kind kind, const struct route *to)
{
    size_t n = 0;
    for (size_t i = 0; i < bench.n_sent; i++) {
        n += bench.sent[i].kind == kind && route_equal(&bench.to[i], to);
    }
    return n;
}

// ---- what workers say

static inline void hello_as(const char *name, const struct route *from,
                            uint64_t session)
{
    bench.m.kind = MSG_HELLO;
    bench.m.hello =
        (struct msg_hello){.version_min = 1,
                           .version_max = 1,
                           .session = session,
                           .slots = 2,
                           .threads = 1,
                           .capabilities = 1u << TASK_TRAIN | 1u << TASK_EVALUATE,
                           .memory_bytes = 1 << 30};
    snprintf(bench.m.hello.name, sizeof(bench.m.hello.name), "%s", name);
    say(from);
}

static inline void hello(const struct route *from, uint64_t session)
{
    char name[32];
    snprintf(name, sizeof(name), "worker-%u", (unsigned)session);
    hello_as(name, from, session);
}

static inline void fetch(const struct route *from, uint64_t session, uint32_t slots)
{
    bench.m.kind = MSG_FETCH;
    bench.m.fetch = (struct msg_fetch){session, slots};
    say(from);
}

static inline void beat(const struct route *from, uint64_t session, uint64_t task,
                        uint64_t token, bool has_started)
{
    bench.m.kind = MSG_BEAT;
    bench.m.beat = (struct msg_beat){.session = session, .n_held = 1};
    bench.m.beat.held[0] =
        (struct held_task){.task_id = task, .token = token, .has_started = has_started};
    say(from);
}

static inline void result(const struct route *from, uint64_t session, uint64_t task,
                          uint64_t token, enum outcome outcome)
{
    bench.m.kind = MSG_RESULT;
    bench.m.result = (struct msg_result){
        .session = session, .task_id = task, .token = token, .outcome = outcome};
    if (outcome == OUTCOME_OK) {
        bench.m.result.result = fixture_train_result();
        memcpy(bench.m.result.result.train.checkpoint, bench.checkpoint, HASH_HEX_MAX);
    } else {
        snprintf(bench.m.result.error, sizeof(bench.m.result.error), "killed");
    }
    say(from);
}

static inline enum verdict verdict_of(uint64_t task, uint64_t token,
                                      enum outcome outcome)
{
    result(&alice, 7, task, token, outcome);
    end();
    const struct msg *m = heard(MSG_RESULT_REPLY);
    return m ? m->result_reply.verdict : 0;
}

// A worker that has said HELLO, and as many tasks.
static inline void with_worker(unsigned n_tasks)
{
    fake_driver.n_to_add = n_tasks;
    hello(&alice, 7);
    end();
    ck_assert_ptr_nonnull(heard(MSG_WELCOME));
}

static inline struct msg_lease lease_of(const struct route *from, uint64_t session)
{
    fetch(from, session, 1);
    end();
    const struct msg *m = heard(MSG_LEASE);
    ck_assert_ptr_nonnull(m);
    return m->lease;
}

static inline struct task_row stored(uint64_t id)
{
    struct task_row row;
    OK(task_get(fixture.store, id, &row));
    return row;
}

#endif
