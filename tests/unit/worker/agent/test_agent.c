// SPDX-License-Identifier: Apache-2.0
// test_agent.c - a whole agent on loopback, with runners that behave or do not, and a
// coordinator of a few lines.
#include "common/base/clock.h"
#include "common/blob/reception.h"
#include "common/blob/store.h"
#include "common/net/zsock.h"
#include "proto/wire.h"
#include "tests/lib/check_main.h"
#include "worker/agent/agent.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEAT           200
#define DEADLINE_MS    20000
#define STUDY_BYTES    (3 * LIMIT_CHUNK_BYTES + 5)
#define SILENT_RESTART 100 // ms without a coordinator

static const struct transfer_window window = {LIMIT_CHUNK_BYTES, LIMIT_CREDIT_CHUNKS};

struct stage {
    char dir[64];
    void *ctx, *control, *bulk;
    struct endpoint control_at, bulk_at;
    struct msg *m, *out;
    struct blob_store *blobs;
    struct task_spec spec;
    struct reception reception; // of the one upload there may be
    struct blob_writer *writer;
    pid_t agent;
    int64_t end_ms;

    uint64_t task_to_lease; // on the next FETCH; 0 = none
    uint64_t task_to_cancel;
    bool is_forgetful; // knows no session until the next HELLO
    bool is_draining;
    int n_heard[MSG_KINDS];
    int n_results_ignored; // RESULTs to leave without an answer
    bool was_stored;       // an upload was before the last RESULT
    struct msg_beat beat;
    struct msg_result result; // the last one
};

// ---- the coordinator

static void bind_sockets(struct stage *t)
{
    enum err e = zsock_open(t->ctx, ZMQ_ROUTER, LIMIT_MESSAGE_BYTES, &t->control, NULL);
    ck_assert_int_eq(e, ERR_OK);
    e = zsock_open(t->ctx, ZMQ_ROUTER, LIMIT_BULK_MESSAGE_BYTES, &t->bulk, NULL);
    ck_assert_int_eq(e, ERR_OK);
    int64_t until_ms = clock_mono_ms() + 2000; // a port is free again after a moment
    do {
        e = zsock_bind(t->control, &t->control_at, NULL);
    } while (e != ERR_OK && clock_mono_ms() < until_ms);
    ck_assert_int_eq(e, ERR_OK);
    ck_assert_int_eq(zsock_bind(t->bulk, &t->bulk_at, NULL), ERR_OK);
}

static void reply(const struct stage *t, void *zsock, struct zmessage *z)
{
    struct buf body = BUF_INIT;
    wire_encode(t->out, &body);
    const struct zframe frames[3] = {
        zmessage_frame(z, 0),
        {body.data, body.len},
        {t->out->blob_chunk.bytes, t->out->blob_chunk.n_bytes}};
    size_t n = t->out->kind == MSG_BLOB_CHUNK ? 3 : 2;
    enum err e = zsock_send(zsock, frames, n);
    ck_assert(e == ERR_OK || e == ERR_NOTFOUND); // it reconnects, and asks again
    buf_fini(&body);
}

static void refuse(struct stage *t)
{
    t->out->kind = MSG_REFUSED;
    t->out->refused = (struct msg_refused){.code = ERR_STALE};
}

static bool answer_hello(struct stage *t)
{
    t->is_forgetful = false;
    t->out->kind = MSG_WELCOME;
    t->out->welcome = (struct msg_welcome){.version = 1,
                                           .worker_id = 1,
                                           .lease_ms = 3 * BEAT,
                                           .beat_ms = BEAT,
                                           .bulk_port = t->bulk_at.port};
    return true;
}

static bool answer_fetch(struct stage *t)
{
    if (t->task_to_lease == 0) {
        t->out->kind = MSG_NO_TASK;
        t->out->no_task = (struct msg_no_task){50, t->is_draining};
        return true;
    }
    t->out->kind = MSG_LEASE;
    t->out->lease = (struct msg_lease){
        .task_id = t->task_to_lease, .token = 9, .lease_ms = 1000, .spec = t->spec};
    t->task_to_lease = 0;
    return true;
}

static bool answer_beat(struct stage *t)
{
    t->beat = t->m->beat;
    t->out->kind = MSG_BEAT_REPLY;
    t->out->beat_reply = (struct msg_beat_reply){.n_cancelled = 0};
    if (t->task_to_cancel != 0) {
        t->out->beat_reply.n_cancelled = 1;
        t->out->beat_reply.cancelled[0] = t->task_to_cancel;
    }
    return true;
}

static bool answer_result(struct stage *t)
{
    t->result = t->m->result;
    t->out->kind = MSG_RESULT_REPLY;
    t->out->result_reply = (struct msg_result_reply){
        t->m->result.task_id, t->m->result.token, VERDICT_ACCEPTED};
    return t->n_results_ignored-- <= 0;
}

static bool (*const answers[MSG_KINDS])(struct stage *) = {
    [MSG_HELLO] = answer_hello,
    [MSG_FETCH] = answer_fetch,
    [MSG_BEAT] = answer_beat,
    [MSG_RESULT] = answer_result,
};

static void serve_control(struct stage *t, struct zmessage *z)
{
    enum msg_kind kind = t->m->kind;
    t->n_heard[kind]++;
    if (t->is_forgetful && kind != MSG_HELLO) {
        refuse(t);
        reply(t, t->control, z);
    } else if (answers[kind] && answers[kind](t)) {
        reply(t, t->control, z);
    }
}

static void send_done(struct stage *t, struct zmessage *z, const char *hash,
                      enum err code)
{
    t->out->kind = MSG_BLOB_DONE;
    t->out->blob_done = (struct msg_blob_done){.code = code, .text = "it is gone"};
    snprintf(t->out->blob_done.hash, HASH_HEX_MAX, "%s", hash);
    reply(t, t->bulk, z);
}

static void send_chunks(struct stage *t, struct zmessage *z)
{
    const struct msg_blob_get get = t->m->blob_get;
    const struct transfer_credit credit = {get.offset, get.credit};
    char path[FILE_PATH_MAX];
    struct buf all = BUF_INIT;
    struct transfer_chunk c;
    if (blob_path(t->blobs, get.hash, path, NULL, NULL) != ERR_OK) {
        send_done(t, z, get.hash, ERR_NOTFOUND);
        return;
    }
    ck_assert_int_eq(file_read(path, 1 << 24, &all, NULL), ERR_OK);
    for (uint32_t i = 0; transfer_chunk_at(window, all.len, &credit, i, &c); i++) {
        t->out->kind = MSG_BLOB_CHUNK;
        t->out->blob_chunk = (struct msg_blob_chunk){
            .offset = c.offset, .total_bytes = c.total, .n_bytes = c.n};
        t->out->blob_chunk.bytes = all.data + c.offset;
        memcpy(t->out->blob_chunk.hash, get.hash, HASH_HEX_MAX);
        reply(t, t->bulk, z);
    }
    buf_fini(&all);
}

static void take_put(struct stage *t, struct zmessage *z)
{
    const struct msg_blob_put put = t->m->blob_put;
    blob_writer_abort(t->writer);
    ck_assert_int_eq(
        blob_writer_begin(t->blobs, put.hash, put.total_bytes, &t->writer, NULL),
        ERR_OK);
    reception_init(&t->reception, window, put.total_bytes, clock_mono_ms());
    const struct transfer_credit c =
        reception_announced(&t->reception, clock_mono_ms());
    t->out->kind = MSG_BLOB_CREDIT;
    t->out->blob_credit =
        (struct msg_blob_credit){.offset = c.offset, .credit = c.credit};
    memcpy(t->out->blob_credit.hash, put.hash, HASH_HEX_MAX);
    reply(t, t->bulk, z);
}

static void take_chunk(struct stage *t, struct zmessage *z)
{
    const struct zframe payload = zmessage_frame(z, 2);
    ck_assert_int_eq(wire_attach_payload(t->m, payload.bytes, payload.n, NULL), ERR_OK);
    const struct msg_blob_chunk *m = &t->m->blob_chunk;
    const struct transfer_chunk c = {m->offset, m->total_bytes, m->n_bytes};
    ck_assert_int_eq(reception_chunk(&t->reception, clock_mono_ms(), &c), CHUNK_TAKE);
    ck_assert_int_eq(blob_writer_add(t->writer, m->bytes, m->n_bytes, NULL), ERR_OK);
    if (!reception_is_whole(&t->reception)) {
        return;
    }
    t->out->kind = MSG_BLOB_DONE;
    t->out->blob_done =
        (struct msg_blob_done){.code = blob_writer_commit(t->writer, NULL)};
    t->writer = NULL;
    t->was_stored = t->n_heard[MSG_RESULT] == 0;
    memcpy(t->out->blob_done.hash, m->hash, HASH_HEX_MAX);
    reply(t, t->bulk, z);
}

static void serve_bulk(struct stage *t, struct zmessage *z)
{
    t->n_heard[t->m->kind]++;
    switch (t->m->kind) {
    case MSG_BLOB_GET: send_chunks(t, z); break;
    case MSG_BLOB_PUT: take_put(t, z); break;
    case MSG_BLOB_CHUNK: take_chunk(t, z); break;
    default: ck_abort_msg("%s on the bulk socket", msg_kind_name(t->m->kind));
    }
}

static void receive(struct stage *t, void *zsock,
                    void (*serve)(struct stage *, struct zmessage *))
{
    struct zmessage z;
    while (zsock_recv(zsock, &z) == ERR_OK) {
        struct errinfo why = {0};
        struct zframe body = zmessage_frame(&z, 1);
        enum err e = wire_decode(body.bytes, body.n, t->m, &why);
        ck_assert_msg(e == ERR_OK, "%s", why.text);
        serve(t, &z);
        zmessage_fini(&z);
    }
}

static void turn(struct stage *t)
{
    ck_assert_msg(clock_mono_ms() < t->end_ms, "nothing more happens");
    zmq_pollitem_t items[2] = {{.socket = t->control, .events = ZMQ_POLLIN},
                               {.socket = t->bulk, .events = ZMQ_POLLIN}};
    zmq_poll(items, 2, 20);
    receive(t, t->control, serve_control);
    receive(t, t->bulk, serve_bulk);
}

static void until_heard(struct stage *t, enum msg_kind kind, int n)
{
    while (t->n_heard[kind] < n) {
        turn(t);
    }
}

// ---- the agent, as a child

_Noreturn static void run_agent(const struct stage *t, const char *way)
{
    char dir[FILE_PATH_MAX];
    char outputs[FILE_PATH_MAX];
    snprintf(dir, sizeof(dir), "%s/worker", t->dir);
    snprintf(outputs, sizeof(outputs), "%s/outputs", t->dir);
    const struct agent_conf conf = {
        .coordinator = t->control_at,
        .program = strcmp(way, "absent") == 0 ? "/nonexistent/runner" : FAKE_RUNNER,
        .dir = dir,
        .artifacts = outputs,
        .backend = way,
        .silence_ms = 10000,
        .log_level = LOG_WARN,
        .session = {.name = "w",
                    .n_slots = 1,
                    .n_threads = 1,
                    .capabilities = 1u << TASK_TRAIN | 1u << TASK_EVALUATE},
    };
    log_init("agent", LOG_WARN);
    enum err e = agent_run(&conf, NULL);
    _exit(e == ERR_OK ? 0 : 1);
}

// The empty artifact that the fake runner says it made.
static void make_output(const struct stage *t)
{
    char path[FILE_PATH_MAX];
    char hash[HASH_HEX_MAX];
    struct blob_store *s = NULL;
    snprintf(path, sizeof(path), "%s/outputs", t->dir);
    ck_assert_int_eq(blob_store_open(path, NULL, &s, NULL), ERR_OK);
    ck_assert_int_eq(blob_put_bytes(s, "", 0, hash, NULL), ERR_OK);
    blob_store_close(s);
}

static void make_spec(struct stage *t, enum task_kind kind)
{
    char *study = calloc(1, STUDY_BYTES);
    t->spec.kind = kind;
    ck_assert_int_eq(blob_put_bytes(t->blobs, study, STUDY_BYTES, t->spec.study, NULL),
                     ERR_OK);
    ck_assert_int_eq(blob_put_bytes(t->blobs, "pack", 4, t->spec.pack, NULL), ERR_OK);
    free(study);
    if (kind == TASK_TRAIN) {
        t->spec.train = (struct train_task){
            .n_shards = 1, .stride = 1, .n_steps = 1, .n_batches = 1};
    } else {
        snprintf(t->spec.evaluate.architecture, ARCH_STRING_MAX, "1-8-8-1-1-8");
    }
}

static struct stage *stage_open(const char *way, enum task_kind kind)
{
    struct stage *t = calloc(1, sizeof(*t));
    char path[128];
    snprintf(t->dir, sizeof(t->dir), "/tmp/voxarch-agent-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t->dir));
    snprintf(path, sizeof(path), "%s/blobs", t->dir);
    ck_assert_int_eq(blob_store_open(path, NULL, &t->blobs, NULL), ERR_OK);
    make_output(t);
    make_spec(t, kind);
    t->m = calloc(1, sizeof(*t->m));
    t->out = calloc(1, sizeof(*t->out));
    t->control_at = t->bulk_at = (struct endpoint){.host = "127.0.0.1"};
    t->end_ms = clock_mono_ms() + DEADLINE_MS;
    void *ctx = zmq_ctx_new(); // only to find ports: no context lives over the fork
    t->ctx = ctx;
    bind_sockets(t);
    zsock_close(t->control);
    zsock_close(t->bulk);
    zmq_ctx_term(ctx);
    t->agent = fork();
    if (t->agent == 0) {
        run_agent(t, way);
    }
    t->ctx = zmq_ctx_new();
    bind_sockets(t);
    t->task_to_lease = 5;
    return t;
}

static int wait_for_exit(struct stage *t)
{
    int status = 0;
    while (waitpid(t->agent, &status, WNOHANG) == 0) {
        turn(t);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void stage_free(struct stage *t)
{
    char command[128];
    blob_writer_abort(t->writer);
    zsock_close(t->control);
    zsock_close(t->bulk);
    zmq_ctx_term(t->ctx);
    blob_store_close(t->blobs);
    snprintf(command, sizeof(command), "rm -rf %s", t->dir);
    ck_assert_int_eq(system(command), 0); // NOLINT: fixed, one thread
    free(t->m);
    free(t->out);
    free(t);
}

// The agent is told to drain; it must leave in order.
static void stage_close(struct stage *t)
{
    ck_assert_int_eq(kill(t->agent, SIGTERM), 0);
    ck_assert_int_eq(wait_for_exit(t), 0);
    stage_free(t);
}

START_TEST(a_task_is_fetched_computed_and_reported)
{
    struct stage *t = stage_open("well", TASK_EVALUATE);
    until_heard(t, MSG_RESULT, 1);
    ck_assert_int_eq(t->result.outcome, OUTCOME_OK);
    ck_assert_uint_eq(t->result.task_id, 5);
    ck_assert_uint_eq(t->result.token, 9);
    ck_assert_double_eq(t->result.result.evaluate.eer_percent, 12.5);
    ck_assert_int_ge(t->n_heard[MSG_BLOB_GET], 2);
    int n_gets = t->n_heard[MSG_BLOB_GET];
    t->task_to_lease = 6; // the same inputs: they are here
    until_heard(t, MSG_RESULT, 2);
    ck_assert_int_eq(t->n_heard[MSG_BLOB_GET], n_gets);
    stage_close(t);
}
END_TEST

START_TEST(what_was_made_is_stored_before_it_is_reported)
{
    struct stage *t = stage_open("well", TASK_TRAIN);
    until_heard(t, MSG_RESULT, 1);
    ck_assert_int_eq(t->result.outcome, OUTCOME_OK);
    ck_assert(t->was_stored);
    ck_assert(blob_has(t->blobs, t->result.result.train.checkpoint));
    stage_close(t);
}
END_TEST

START_TEST(a_crash_costs_one_attempt_and_not_the_agent)
{
    struct stage *t = stage_open("crash", TASK_EVALUATE);
    until_heard(t, MSG_RESULT, 1);
    ck_assert_int_eq(t->result.outcome, OUTCOME_CRASH);
    ck_assert_ptr_nonnull(strstr(t->result.log_tail, "about to crash"));
    t->task_to_lease = 6;
    until_heard(t, MSG_RESULT, 2);
    ck_assert_uint_eq(t->result.task_id, 6);
    stage_close(t);
}
END_TEST

START_TEST(a_cancelled_task_is_killed_without_a_result)
{
    struct stage *t = stage_open("hang", TASK_EVALUATE);
    while (t->beat.n_held == 0 || !t->beat.held[0].has_started) {
        turn(t);
    }
    t->task_to_cancel = 5;
    until_heard(t, MSG_FETCH, t->n_heard[MSG_FETCH] + 1);
    ck_assert_int_eq(t->n_heard[MSG_RESULT], 0);
    stage_close(t);
}
END_TEST

START_TEST(a_result_survives_a_coordinator_that_comes_back_without_memory)
{
    struct stage *t = stage_open("well", TASK_EVALUATE);
    t->n_results_ignored = 1;
    until_heard(t, MSG_RESULT, 1);
    zsock_close(t->control);
    zsock_close(t->bulk);
    zmq_ctx_term(t->ctx);
    usleep(SILENT_RESTART * 1000);
    t->ctx = zmq_ctx_new();
    bind_sockets(t);
    t->is_forgetful = true;
    until_heard(t, MSG_RESULT, 2);
    ck_assert_int_eq(t->n_heard[MSG_HELLO], 2);
    ck_assert_uint_eq(t->result.task_id, 5);
    stage_close(t);
}
END_TEST

START_TEST(a_bulk_socket_that_moved_is_found)
{
    struct stage *t = stage_open("well", TASK_EVALUATE);
    const struct endpoint old = t->bulk_at;
    zsock_close(t->bulk);
    t->bulk_at.port = 0;
    ck_assert_int_eq(
        zsock_open(t->ctx, ZMQ_ROUTER, LIMIT_BULK_MESSAGE_BYTES, &t->bulk, NULL),
        ERR_OK);
    ck_assert_int_eq(zsock_bind(t->bulk, &t->bulk_at, NULL), ERR_OK);
    const struct endpoint moved = t->bulk_at;
    t->bulk_at = old; // what WELCOME tells, and nobody is there
    while (t->beat.n_held == 0) {
        turn(t);
    }
    ck_assert_int_eq(t->n_heard[MSG_BLOB_GET], 0);
    t->bulk_at = moved;
    t->is_forgetful = true; // a new coordinator
    until_heard(t, MSG_RESULT, 1);
    ck_assert_int_eq(t->result.outcome, OUTCOME_OK);
    stage_close(t);
}
END_TEST

START_TEST(an_artifact_that_is_gone_fails_the_attempt_with_the_reason)
{
    struct stage *t = stage_open("well", TASK_EVALUATE);
    hash_bytes("no such pack", 12, t->spec.pack);
    until_heard(t, MSG_RESULT, 1);
    ck_assert_int_eq(t->result.outcome, OUTCOME_ERROR);
    ck_assert_msg(strstr(t->result.error, "it is gone") != NULL, "%s", t->result.error);
    stage_close(t);
}
END_TEST

START_TEST(a_runner_that_cannot_start_gives_its_task_back)
{
    struct stage *t = stage_open("absent", TASK_EVALUATE);
    until_heard(t, MSG_RELEASE, 1);
    int n_fetches = t->n_heard[MSG_FETCH];
    until_heard(t, MSG_BEAT, t->n_heard[MSG_BEAT] + 3);
    ck_assert_int_eq(t->n_heard[MSG_FETCH], n_fetches); // it rests
    ck_assert_int_eq(t->n_heard[MSG_RESULT], 0);
    stage_close(t);
}
END_TEST

START_TEST(the_second_signal_gives_back_what_is_held)
{
    struct stage *t = stage_open("hang", TASK_EVALUATE);
    while (t->beat.n_held == 0 || !t->beat.held[0].has_started) {
        turn(t);
    }
    ck_assert_int_eq(kill(t->agent, SIGTERM), 0);
    for (int i = 0; i < 10; i++) {
        turn(t);
    }
    ck_assert_int_eq(t->n_heard[MSG_RELEASE] + t->n_heard[MSG_BYE], 0); // drains
    ck_assert_int_eq(kill(t->agent, SIGTERM), 0);
    ck_assert_int_eq(wait_for_exit(t), 0);
    ck_assert_int_eq(t->n_heard[MSG_RELEASE], 1);
    stage_free(t);
}
END_TEST

START_TEST(a_draining_coordinator_sends_its_workers_home)
{
    struct stage *t = stage_open("well", TASK_EVALUATE);
    until_heard(t, MSG_RESULT, 1);
    t->is_draining = true;
    ck_assert_int_eq(wait_for_exit(t), 0);
    ck_assert_int_eq(t->n_heard[MSG_BYE], 1);
    stage_free(t);
}
END_TEST

TEST_SUITE(agent, a_task_is_fetched_computed_and_reported,
           what_was_made_is_stored_before_it_is_reported,
           a_crash_costs_one_attempt_and_not_the_agent,
           a_cancelled_task_is_killed_without_a_result,
           a_result_survives_a_coordinator_that_comes_back_without_memory,
           a_bulk_socket_that_moved_is_found,
           an_artifact_that_is_gone_fails_the_attempt_with_the_reason,
           a_runner_that_cannot_start_gives_its_task_back,
           the_second_signal_gives_back_what_is_held,
           a_draining_coordinator_sends_its_workers_home)
