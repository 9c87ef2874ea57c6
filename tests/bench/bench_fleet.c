// SPDX-License-Identifier: Apache-2.0
// bench_fleet.c - simulated workers against a real coordinator: real sessions of
// agents, real sockets and keys, one connection a worker; the work is waiting, or
// nothing.
//
// Prints key=value: tasks a second that were accepted, and how long it took from asking
// for a task (FETCH, or the RESULT before it) to its LEASE.
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/net/keyfile.h"
#include "common/net/zsock.h"
#include "proto/wire.h"
#include "worker/agent/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM     "bench_fleet"
#define WORKERS_MAX 2000
#define SAMPLES_MAX (1 << 22)
#define POLL_MS     50
#define BURST       64 // messages of one worker before the others have their turn

struct arguments {
    const char *connect, *key, *coordinator_key;
    long workers, slots, seconds, warm_up, work_ms;
};

struct worker {
    struct session *session;
    void *zsock;
    int64_t due_ms;
    int64_t asked_ns; // since when it waits for a lease; 0 = does not
    int64_t done_ms[LIMIT_HELD_TASKS];
    uint64_t token[LIMIT_HELD_TASKS];
};

static struct {
    struct arguments a;
    void *zctx;
    struct curve_link link;
    struct worker workers[WORKERS_MAX];
    zmq_pollitem_t items[WORKERS_MAX];
    struct msg in, out;
    struct msg_result result;
    struct buf bytes;
    bool is_measuring;
    uint64_t n_accepted;
    uint32_t *waits_us;
    size_t n_waits;
    size_t result_bytes;
} fleet;

static int fail(const struct errinfo *why)
{
    return options_fail(PROGRAM, why);
}

// ---- one worker

static enum err join(struct worker *w, long number, const struct endpoint *to,
                     struct errinfo *why)
{
    struct session_conf conf = {.n_slots = (uint32_t)fleet.a.slots,
                                .n_threads = 1,
                                .capabilities = 1u << TASK_TRAIN | 1u << TASK_EVALUATE,
                                .memory_bytes = 1 << 30};
    snprintf(conf.name, sizeof(conf.name), "bench-%ld", number);
    conf.id = ((uint64_t)clock_mono_ns() << 16) + (uint64_t)number + 1;
    w->session = session_create(&conf, clock_mono_ms());
    enum err e =
        zsock_open(fleet.zctx, ZMQ_DEALER, LIMIT_MESSAGE_BYTES, &w->zsock, why);
    if (e == ERR_OK && fleet.link.mine) {
        e = curve_join(w->zsock, &fleet.link, why);
    }
    return e == ERR_OK ? zsock_connect(w->zsock, to, why) : e;
}

static void note_asked(struct worker *w)
{
    bool asks = fleet.out.kind == MSG_FETCH || fleet.out.kind == MSG_RESULT;
    if (asks && w->asked_ns == 0) {
        w->asked_ns = clock_mono_ns();
    }
}

static void note_leased(struct worker *w)
{
    if (w->asked_ns != 0 && fleet.is_measuring && fleet.n_waits < SAMPLES_MAX) {
        int64_t ns = clock_mono_ns() - w->asked_ns;
        fleet.waits_us[fleet.n_waits++] = (uint32_t)(ns / 1000);
    }
    w->asked_ns = 0;
}

static void speak(struct worker *w, int64_t now_ms)
{
    while (session_next(w->session, now_ms, &fleet.out)) {
        buf_clear(&fleet.bytes);
        wire_encode(&fleet.out, &fleet.bytes);
        const struct zframe frame = {fleet.bytes.data, fleet.bytes.len};
        if (zsock_send(w->zsock, &frame, 1) != ERR_OK) {
            break; // not connected yet: it stays due
        }
        if (fleet.out.kind == MSG_RESULT) {
            fleet.result_bytes = fleet.bytes.len;
        }
        note_asked(w);
        session_sent(w->session, now_ms, &fleet.out);
    }
}

static void finish(struct worker *w, uint32_t i, int64_t now_ms)
{
    struct evaluate_result *r = &fleet.result.result.evaluate;
    fleet.result.outcome = OUTCOME_OK;
    fleet.result.result.kind = TASK_EVALUATE;
    *r = (struct evaluate_result){.eer_percent = 3.14159,
                                  .mindcf_p01 = 0.271828,
                                  .mindcf_p05 = 0.141421,
                                  .n_trials = 37720,
                                  .seconds = 12.345};
    memset(r->network, 'd', HASH_HEX_LEN);
    session_finish(w->session, i, now_ms, &fleet.result);
}

static void work(struct worker *w, int64_t now_ms)
{
    for (uint32_t i = 0; i < session_n_slots(w->session); i++) {
        const struct slot *slot = session_slot(w->session, i);
        if (slot->state == SLOT_STOPPING) {
            session_forget(w->session, i, now_ms);
        } else if (slot->state == SLOT_HELD) {
            if (w->token[i] != slot->token) {
                w->token[i] = slot->token;
                w->done_ms[i] = now_ms + fleet.a.work_ms;
            }
            if (now_ms >= w->done_ms[i]) {
                finish(w, i, now_ms);
            } else if (w->done_ms[i] < w->due_ms) {
                w->due_ms = w->done_ms[i];
            }
        }
    }
}

static void step(struct worker *w, int64_t now_ms)
{
    w->due_ms = INT64_MAX;
    work(w, now_ms);
    speak(w, now_ms);
    int64_t due_ms = session_due_ms(w->session);
    w->due_ms = due_ms < w->due_ms ? due_ms : w->due_ms;
}

static void take(struct worker *w, int64_t now_ms)
{
    if (fleet.in.kind == MSG_LEASE) {
        note_leased(w);
    } else if (fleet.in.kind == MSG_RESULT_REPLY) {
        fleet.n_accepted += fleet.in.result_reply.verdict == VERDICT_ACCEPTED;
    }
    session_take(w->session, now_ms, &fleet.in);
}

static void listen(struct worker *w, int64_t now_ms)
{
    for (int i = 0; i < BURST; i++) {
        struct zmessage m;
        if (zsock_recv(w->zsock, &m) != ERR_OK) {
            return;
        }
        struct zframe body = zmessage_frame(&m, 0);
        if (wire_decode(body.bytes, body.n, &fleet.in, NULL) == ERR_OK) {
            take(w, now_ms);
        }
        zmessage_fini(&m);
    }
}

// ---- all of them

static int64_t run_once(int64_t due_ms)
{
    int64_t wait_ms = due_ms - clock_mono_ms();
    wait_ms = wait_ms < 0 ? 0 : wait_ms < POLL_MS ? wait_ms : POLL_MS;
    zmq_poll(fleet.items, (int)fleet.a.workers, wait_ms);
    int64_t now_ms = clock_mono_ms();
    int64_t next_ms = INT64_MAX;
    for (long i = 0; i < fleet.a.workers; i++) {
        struct worker *w = &fleet.workers[i];
        bool has_heard = fleet.items[i].revents & ZMQ_POLLIN;
        if (has_heard) {
            listen(w, now_ms);
        }
        if (has_heard || w->due_ms <= now_ms) {
            step(w, now_ms);
        }
        next_ms = w->due_ms < next_ms ? w->due_ms : next_ms;
    }
    return next_ms;
}

static void run_for(long seconds)
{
    int64_t end_ms = clock_mono_ms() + seconds * 1000;
    int64_t due_ms = 0;
    while (clock_mono_ms() < end_ms) {
        due_ms = run_once(due_ms);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double wait_ms_at(double quantile)
{
    size_t at = (size_t)(quantile * (double)fleet.n_waits);
    return fleet.n_waits == 0 ? 0 : fleet.waits_us[at] / 1000.0;
}

static uint32_t count_live(void)
{
    uint32_t n = 0;
    for (long i = 0; i < fleet.a.workers; i++) {
        n += session_is_live(fleet.workers[i].session);
    }
    return n;
}

static void measure(void)
{
    run_for(fleet.a.warm_up);
    fleet.is_measuring = true;
    fleet.n_accepted = 0;
    int64_t start_ns = clock_mono_ns();
    run_for(fleet.a.seconds);
    double seconds = (double)(clock_mono_ns() - start_ns) / 1e9;
    qsort(fleet.waits_us, fleet.n_waits, sizeof(*fleet.waits_us), compare);
    printf("workers=%ld live=%u slots=%ld tasks_per_s=%.0f grant_ms_p50=%.2f "
           "grant_ms_p99=%.2f result_bytes=%zu\n",
           fleet.a.workers, count_live(), fleet.a.slots,
           (double)fleet.n_accepted / seconds, wait_ms_at(0.5), wait_ms_at(0.99),
           fleet.result_bytes);
}

static enum err open_all(struct errinfo *why)
{
    struct endpoint to;
    enum err e = endpoint_parse(fleet.a.connect, &to, why);
    if (e == ERR_OK && fleet.a.key) {
        e = keyfile_link(fleet.a.key, fleet.a.coordinator_key, &fleet.link, why);
    }
    fleet.zctx = zmq_ctx_new();
    fleet.waits_us = calloc(SAMPLES_MAX, sizeof(*fleet.waits_us));
    BUG_ON(!fleet.zctx || !fleet.waits_us);
    BUG_ON(zmq_ctx_set(fleet.zctx, ZMQ_MAX_SOCKETS, WORKERS_MAX + 16) != 0);
    for (long i = 0; i < fleet.a.workers && e == ERR_OK; i++) {
        e = join(&fleet.workers[i], i, &to, why);
        fleet.items[i] = (zmq_pollitem_t){fleet.workers[i].zsock, 0, ZMQ_POLLIN, 0};
    }
    return e;
}

static void close_all(void)
{
    for (long i = 0; i < fleet.a.workers; i++) {
        session_destroy(fleet.workers[i].session);
        zsock_close(fleet.workers[i].zsock);
    }
    zmq_ctx_term(fleet.zctx);
    curve_key_destroy(fleet.link.mine);
    free(fleet.waits_us);
    buf_fini(&fleet.bytes);
}

static bool parse(int argc, char **argv, int *status)
{
    struct arguments *a = &fleet.a;
    const struct option table[] = {
        OPTION_AS_TEXT("connect", "ENDPOINT", &a->connect,
                       "the worker socket (needed)"),
        OPTION_AS_TEXT("key", "FILE", &a->key, "the workers' key pair"),
        OPTION_AS_TEXT("coordinator-key", "KEY", &a->coordinator_key,
                       "the coordinator's public key, or a file with it"),
        OPTION_AS_NUMBER("workers", "N", &a->workers, 1, WORKERS_MAX, "default 8"),
        OPTION_AS_NUMBER("slots", "N", &a->slots, 1, LIMIT_HELD_TASKS,
                         "tasks in flight a worker; default 1"),
        OPTION_AS_NUMBER("work-ms", "N", &a->work_ms, 0, 100000,
                         "what a task takes; default 0"),
        OPTION_AS_NUMBER("warm-up", "SECONDS", &a->warm_up, 0, 600, "default 1"),
        OPTION_AS_NUMBER("seconds", "N", &a->seconds, 1, 3600, "measured; default 5"),
    };
    const struct options o = {.command = PROGRAM,
                              .operands = "",
                              .summary = "Many workers that compute nothing.",
                              .examples = "  bench_fleet --connect "
                                          "tcp://127.0.0.1:20500 --workers 8\n",
                              .table = table,
                              .n_options = sizeof(table) / sizeof(table[0])};
    struct operands operands;
    return options_parse(&o, argc, argv, &operands, status);
}

int main(int argc, char **argv)
{
    fleet.a = (struct arguments){.workers = 8, .slots = 1, .seconds = 5, .warm_up = 1};
    int status = 0;
    if (!parse(argc, argv, &status)) {
        return status;
    }
    log_init(PROGRAM, LOG_WARN);
    struct errinfo why = {0};
    if (!fleet.a.connect) {
        err_set(&why, ERR_INPUT, "--connect ENDPOINT is needed");
        return fail(&why);
    }
    if (open_all(&why) != ERR_OK) {
        return fail(&why);
    }
    measure();
    close_all();
    return 0;
}
