// SPDX-License-Identifier: Apache-2.0
// test_sockets.c - the three sockets over loopback, spoken to by scripted peers.
#include "common/base/clock.h"
#include "common/base/log.h"
#include "coordinator/serve/admin_socket.h"
#include "coordinator/serve/bulk_socket.h"
#include "coordinator/serve/router.h"
#include "coordinator/serve/uploads.h"
#include "coordinator/serve/worker_socket.h"
#include "proto/wire.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/store/store_fixture.h"
#include "tests/unit/coordinator/turn/fake_driver.h"

#include <unistd.h>

#define PATIENCE_MS 5000
#define CHUNK       ((size_t)LIMIT_CHUNK_BYTES)

static struct {
    uv_loop_t loop;
    void *zctx;
    struct blob_store *blobs;
    struct turn *turn;
    struct worker_socket *worker;
    struct bulk_socket *bulk;
    struct admin_socket *admin;
    struct endpoint worker_at, bulk_at, admin_at;
    bool was_drained;
    bool is_unread;    // artifacts have to be read before they are handed out
    struct msg m;      // what is said
    struct msg answer; // what was heard last
    struct buf payload;
} bench;

// ---- the coordinator's side

static bool on_send(void *arg, const struct route *to, const void *bytes, size_t n)
{
    (void)arg;
    return worker_socket_send(bench.worker, to, bytes, n);
}

static void on_wake(void *arg)
{
    (void)arg;
}

static void on_status(void *arg, struct msg_status_reply *out)
{
    (void)arg;
    turn_status(bench.turn, out);
}

static enum err on_order(void *arg, const struct msg *in, struct msg *out,
                         struct errinfo *why)
{
    (void)arg;
    return turn_order(bench.turn, in, worker_socket_now(), out, why);
}

static void on_drain(void *arg)
{
    (void)arg;
    bench.was_drained = true;
}

static bool is_verified(void *arg, const char *hash)
{
    (void)arg;
    (void)hash;
    return !bench.is_unread;
}

static void setup(void)
{
    log_init("test", LOG_ERROR);
    fixture_open();
    char path[128];
    snprintf(path, sizeof(path), "%s/blobs", fixture.dir);
    OK(blob_store_open(path, NULL, &bench.blobs, &fixture.why));
    ck_assert_int_eq(uv_loop_init(&bench.loop), 0);
    bench.zctx = zmq_ctx_new();
    bench.worker_at = bench.bulk_at = bench.admin_at =
        (struct endpoint){.host = "127.0.0.1"};
    OK(worker_socket_open(bench.zctx, NULL, &bench.worker_at, &bench.worker,
                          &fixture.why));
    OK(bulk_socket_open(bench.zctx, NULL, &bench.bulk_at, &bench.bulk, &fixture.why));
    OK(admin_socket_open(bench.zctx, NULL, &bench.admin_at, &bench.admin,
                         &fixture.why));
    const struct turn_ports ports = {.send = on_send, .wake = on_wake};
    OK(turn_create(fixture.store, bench.blobs, &ports, worker_socket_now(), &bench.turn,
                   &fixture.why));
    turn_set_driver(bench.turn,
                    fake_driver_init(fixture.store, turn_driver_hooks(bench.turn)));
    turn_set_bulk_port(bench.turn, bench.bulk_at.port);
    fake_driver.next_task = fixture_train_task();
    const struct admin_hooks hooks = {.status = on_status,
                                      .drain = on_drain,
                                      .takes_order = turn_takes_order,
                                      .order = on_order};
    OK(worker_socket_start(bench.worker, &bench.loop, bench.turn, &fixture.why));
    const struct bulk_keeper keeper = {.is_verified = is_verified};
    OK(bulk_socket_start(bench.bulk, &bench.loop, bench.blobs, &keeper, bench.turn,
                         &fixture.why));
    OK(admin_socket_start(bench.admin, &bench.loop, &hooks, &fixture.why));
}

static void teardown(void)
{
    worker_socket_stop(bench.worker);
    bulk_socket_stop(bench.bulk);
    admin_socket_stop(bench.admin);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&bench.loop), 0);
    worker_socket_close(bench.worker);
    bulk_socket_close(bench.bulk);
    admin_socket_close(bench.admin);
    zmq_ctx_term(bench.zctx);
    turn_destroy(bench.turn);
    blob_store_close(bench.blobs);
    buf_fini(&bench.payload);
    fixture_close();
}

// ---- a peer's side

static void *connect_to(const struct endpoint *at)
{
    void *peer = NULL;
    OK(zsock_open(bench.zctx, ZMQ_DEALER, LIMIT_BULK_MESSAGE_BYTES, &peer,
                  &fixture.why));
    OK(zsock_connect(peer, at, &fixture.why));
    return peer;
}

static void turn_loop(void)
{
    uv_run(&bench.loop, UV_RUN_NOWAIT);
    struct timespec pause = {.tv_nsec = 1000000};
    nanosleep(&pause, NULL);
}

static void say_frames(void *peer, const struct zframe *frames, size_t n)
{
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    enum err e = ERR_BUSY;
    while (e == ERR_BUSY && clock_mono_ms() < end_ms) {
        e = zsock_send(peer, frames, n);
        turn_loop();
    }
    ck_assert_int_eq(e, ERR_OK);
}

// Says bench.m, with a payload when there is one.
static void say(void *peer, const void *payload, size_t n)
{
    struct buf b = BUF_INIT;
    wire_encode(&bench.m, &b);
    const struct zframe frames[] = {{b.data, b.len}, {payload, n}};
    say_frames(peer, frames, payload ? 2 : 1);
    buf_fini(&b);
}

// Waits for the next message; its kind, and itself in bench.answer.
static enum msg_kind hear(void *peer)
{
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    struct zmessage m;
    while (zsock_recv(peer, &m) != ERR_OK) {
        ck_assert_msg(clock_mono_ms() < end_ms, "no answer");
        turn_loop();
    }
    struct zframe body = zmessage_frame(&m, 0);
    OK(wire_decode(body.bytes, body.n, &bench.answer, &fixture.why));
    if (m.n == 2) {
        buf_clear(&bench.payload);
        buf_add(&bench.payload, zmessage_frame(&m, 1).bytes, zmessage_frame(&m, 1).n);
    }
    zmessage_fini(&m);
    return bench.answer.kind;
}

static void say_hello(void *peer, uint64_t session)
{
    bench.m.kind = MSG_HELLO;
    bench.m.hello = (struct msg_hello){.version_min = 1,
                                       .version_max = 1,
                                       .name = "w",
                                       .session = session,
                                       .slots = 1,
                                       .threads = 1,
                                       .capabilities = 1u << TASK_TRAIN,
                                       .memory_bytes = 1 << 30};
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_WELCOME);
}

static enum verdict say_result(void *peer, const struct msg_lease *lease,
                               const char *checkpoint)
{
    bench.m.kind = MSG_RESULT;
    bench.m.result = (struct msg_result){.session = 7,
                                         .task_id = lease->task_id,
                                         .token = lease->token,
                                         .outcome = OUTCOME_OK,
                                         .result = fixture_train_result()};
    snprintf(bench.m.result.result.train.checkpoint, HASH_HEX_MAX, "%s", checkpoint);
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_RESULT_REPLY);
    return bench.answer.result_reply.verdict;
}

// ---- bulk, as a client would

static void say_put(void *peer, const char *hash, uint64_t total)
{
    bench.m.kind = MSG_BLOB_PUT;
    bench.m.blob_put = (struct msg_blob_put){.total_bytes = total};
    snprintf(bench.m.blob_put.hash, HASH_HEX_MAX, "%s", hash);
    say(peer, NULL, 0);
}

static void say_chunk(void *peer, const char *hash, const char *bytes, uint64_t total,
                      uint64_t offset)
{
    uint64_t left = total - offset;
    uint32_t n = left < CHUNK ? (uint32_t)left : LIMIT_CHUNK_BYTES;
    bench.m.kind = MSG_BLOB_CHUNK;
    bench.m.blob_chunk =
        (struct msg_blob_chunk){.offset = offset, .total_bytes = total, .n_bytes = n};
    snprintf(bench.m.blob_chunk.hash, HASH_HEX_MAX, "%s", hash);
    say(peer, bytes + offset, n);
}

// Announces and sends everything; the code of BLOB_DONE.
static enum err put_all(void *peer, const char *hash, const char *bytes, uint64_t total)
{
    say_put(peer, hash, total);
    ck_assert_int_eq(hear(peer), MSG_BLOB_CREDIT);
    ck_assert_uint_eq(bench.answer.blob_credit.credit, LIMIT_CREDIT_CHUNKS);
    for (uint64_t at = 0; at < total; at += CHUNK) {
        say_chunk(peer, hash, bytes, total, at);
    }
    while (hear(peer) == MSG_BLOB_CREDIT) {
    }
    ck_assert_int_eq(bench.answer.kind, MSG_BLOB_DONE);
    return bench.answer.blob_done.code;
}

static void say_get(void *peer, const char *hash, uint64_t offset, uint32_t credit)
{
    bench.m.kind = MSG_BLOB_GET;
    bench.m.blob_get = (struct msg_blob_get){.offset = offset, .credit = credit};
    snprintf(bench.m.blob_get.hash, HASH_HEX_MAX, "%s", hash);
    say(peer, NULL, 0);
}

static char *some_bytes(size_t n, char hash[static HASH_HEX_MAX])
{
    char *bytes = malloc(n);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (char)(i * 2654435761u >> 13);
    }
    hash_bytes(bytes, n, hash);
    return bytes;
}

// ---- tests

START_TEST(a_scripted_worker_lives_its_life)
{
    setup();
    void *worker = connect_to(&bench.worker_at);
    void *bulk = connect_to(&bench.bulk_at);
    fake_driver.n_to_add = 1;
    say_hello(worker, 7);
    ck_assert_uint_eq(bench.answer.welcome.bulk_port, bench.bulk_at.port);
    bench.m.kind = MSG_FETCH;
    bench.m.fetch = (struct msg_fetch){7, 1};
    say(worker, NULL, 0);
    ck_assert_int_eq(hear(worker), MSG_LEASE);
    struct msg_lease lease = bench.answer.lease;
    char hash[HASH_HEX_MAX];
    char *bytes = some_bytes(1000, hash);
    ck_assert_int_eq(put_all(bulk, hash, bytes, 1000), ERR_OK);
    free(bytes);
    ck_assert_int_eq(say_result(worker, &lease, hash), VERDICT_ACCEPTED);
    ck_assert_int_eq(say_result(worker, &lease, hash), VERDICT_REPEATED);
    lease.token++;
    ck_assert_int_eq(say_result(worker, &lease, hash), VERDICT_STALE);
    zsock_close(worker);
    zsock_close(bulk);
    teardown();
}
END_TEST

START_TEST(garbage_and_wrong_frames_do_not_disturb_the_others)
{
    setup();
    void *worker = connect_to(&bench.worker_at);
    void *rude = connect_to(&bench.worker_at);
    const struct zframe garbage[] = {{"\x08\xff garbage", 10}, {"", 0}, {"x", 1}};
    say_frames(rude, garbage, 1);
    ck_assert_int_eq(hear(rude), MSG_REFUSED);
    say_frames(rude, garbage, 2); // two frames where one belongs: counted only
    say_frames(rude, garbage, 3);
    say_hello(worker, 7);
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_uint_ge(bench.m.status_reply.messages_refused, 1);
    zsock_close(worker);
    zsock_close(rude);
    teardown();
}
END_TEST

START_TEST(an_oversized_message_is_counted_and_its_sender_hears_so)
{
    setup();
    static char large[LIMIT_MESSAGE_BYTES + 1];
    const struct zframe frame = {large, sizeof(large)};
    const struct endpoint *at[] = {&bench.worker_at, &bench.bulk_at};
    for (int i = 0; i < 2; i++) {
        void *rude = connect_to(at[i]);
        say_frames(rude, &frame, 1);
        ck_assert_int_eq(hear(rude), MSG_REFUSED);
        ck_assert_int_eq(bench.answer.refused.code, ERR_LIMIT);
        zsock_close(rude);
    }
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_uint_eq(bench.m.status_reply.messages_refused, 1);
    ck_assert_uint_eq(refusals_messages(bulk_socket_refusals(bench.bulk)), 1);
    teardown();
}
END_TEST

START_TEST(one_far_too_large_costs_its_sender_the_connection_and_nothing_else)
{
    setup();
    void *worker = connect_to(&bench.worker_at);
    void *rude = connect_to(&bench.worker_at);
    static char large[ROUTER_READ_FACTOR * LIMIT_MESSAGE_BYTES + 1];
    const struct zframe frame = {large, sizeof(large)};
    say_frames(rude, &frame, 1);
    say_hello(worker, 7);
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_uint_eq(bench.m.status_reply.n_workers, 1);
    zsock_close(worker);
    zsock_close(rude);
    teardown();
}
END_TEST

START_TEST(what_has_to_be_read_first_is_sent_once_it_was)
{
    setup();
    void *peer = connect_to(&bench.bulk_at);
    char hash[HASH_HEX_MAX];
    char *bytes = some_bytes(777, hash);
    ck_assert_int_eq(put_all(peer, hash, bytes, 777), ERR_OK);
    bench.is_unread = true;
    say_get(peer, hash, 0, 8);
    say_get(peer, hash, 0, 8); // impatient: it is told once
    say_put(peer, hash, 777);
    ck_assert_int_eq(hear(peer), MSG_BLOB_DONE); // of the PUT: the GETs have no answer
    bulk_socket_read(bench.bulk, hash);
    ck_assert_int_eq(hear(peer), MSG_BLOB_CHUNK);
    ck_assert_int_eq(memcmp(bench.payload.data, bytes, 777), 0);
    bench.is_unread = false;
    bulk_socket_look(bench.bulk); // nobody waits any more
    say_put(peer, hash, 777);
    ck_assert_int_eq(hear(peer), MSG_BLOB_DONE);
    free(bytes);
    zsock_close(peer);
    teardown();
}
END_TEST

START_TEST(what_was_uploaded_can_be_downloaded)
{
    setup();
    void *peer = connect_to(&bench.bulk_at);
    const size_t n = 2 * CHUNK + 777;
    char hash[HASH_HEX_MAX];
    char *bytes = some_bytes(n, hash);
    ck_assert_int_eq(put_all(peer, hash, bytes, n), ERR_OK);
    ck_assert(blob_has(bench.blobs, hash));
    say_get(peer, hash, 0, 8);
    for (size_t at = 0; at < n; at += bench.payload.len) {
        ck_assert_int_eq(hear(peer), MSG_BLOB_CHUNK);
        ck_assert_uint_eq(bench.answer.blob_chunk.offset, at);
        ck_assert_uint_eq(bench.answer.blob_chunk.total_bytes, n);
        ck_assert_int_eq(memcmp(bench.payload.data, bytes + at, bench.payload.len), 0);
    }
    say_put(peer, hash, n); // it is there already
    ck_assert_int_eq(hear(peer), MSG_BLOB_DONE);
    ck_assert_int_eq(bench.answer.blob_done.code, ERR_OK);
    free(bytes);
    zsock_close(peer);
    teardown();
}
END_TEST

START_TEST(a_broken_upload_goes_on_where_it_was)
{
    setup();
    void *peer = connect_to(&bench.bulk_at);
    const size_t n = 2 * CHUNK + 1;
    char hash[HASH_HEX_MAX];
    char *bytes = some_bytes(n, hash);
    say_put(peer, hash, n);
    ck_assert_int_eq(hear(peer), MSG_BLOB_CREDIT);
    say_chunk(peer, hash, bytes, n, 0);
    say_chunk(peer, hash, bytes, n, 2 * CHUNK); // one was lost: dropped
    say_chunk(peer, hash, bytes, n, 0);         // repeated: dropped
    say_put(peer, hash, n);
    ck_assert_int_eq(hear(peer), MSG_BLOB_CREDIT);
    ck_assert_uint_eq(bench.answer.blob_credit.offset, CHUNK);
    say_chunk(peer, hash, bytes, n, CHUNK);
    say_chunk(peer, hash, bytes, n, 2 * CHUNK);
    ck_assert_int_eq(hear(peer), MSG_BLOB_DONE);
    ck_assert_int_eq(bench.answer.blob_done.code, ERR_OK);
    free(bytes);
    zsock_close(peer);
    teardown();
}
END_TEST

START_TEST(an_upload_that_is_not_what_it_says_is_corrupt_and_leaves_nothing)
{
    setup();
    void *peer = connect_to(&bench.bulk_at);
    char hash[HASH_HEX_MAX];
    char *bytes = some_bytes(1000, hash);
    bytes[500]++;
    ck_assert_int_eq(put_all(peer, hash, bytes, 1000), ERR_CORRUPT);
    ck_assert(!blob_has(bench.blobs, hash));
    bytes[500]--;
    ck_assert_int_eq(put_all(peer, hash, bytes, 1000), ERR_OK);
    free(bytes);
    zsock_close(peer);
    teardown();
}
END_TEST

START_TEST(what_is_not_there_cannot_be_had)
{
    setup();
    void *peer = connect_to(&bench.bulk_at);
    char hash[HASH_HEX_MAX];
    fixture_hash(hash, 'e');
    say_get(peer, hash, 0, 8);
    ck_assert_int_eq(hear(peer), MSG_BLOB_DONE);
    ck_assert_int_eq(bench.answer.blob_done.code, ERR_NOTFOUND);
    zsock_close(peer);
    teardown();
}
END_TEST

START_TEST(what_is_too_large_to_be_sent_cannot_be_had)
{
    setup();
    void *peer = connect_to(&bench.bulk_at);
    char hash[HASH_HEX_MAX];
    fixture_hash(hash, 'e');
    char path[256];
    snprintf(path, sizeof(path), "%s/blobs/%s", fixture.dir, hash);
    OK(file_write(path, "", 0, &fixture.why));
    ck_assert_int_eq(truncate(path, (off_t)LIMIT_ARTIFACT_BYTES + 1), 0); // a hole
    say_get(peer, hash, 0, 8);
    ck_assert_int_eq(hear(peer), MSG_BLOB_DONE);
    ck_assert_int_eq(bench.answer.blob_done.code, ERR_LIMIT);
    zsock_close(peer);
    teardown();
}
END_TEST

START_TEST(a_peer_has_so_many_uploads_at_once)
{
    setup();
    void *peer = connect_to(&bench.bulk_at);
    char hash[HASH_HEX_MAX];
    for (int i = 0; i < UPLOADS_PEER_MAX; i++) {
        fixture_hash(hash, "0123456789"[i]);
        say_put(peer, hash, 10);
        ck_assert_int_eq(hear(peer), MSG_BLOB_CREDIT);
    }
    fixture_hash(hash, 'a');
    say_put(peer, hash, 10);
    ck_assert_int_eq(hear(peer), MSG_BLOB_DONE);
    ck_assert_int_eq(bench.answer.blob_done.code, ERR_BUSY);
    zsock_close(peer);
    teardown();
}
END_TEST

START_TEST(the_bulk_socket_refuses_what_is_not_for_it)
{
    setup();
    void *peer = connect_to(&bench.bulk_at);
    const struct zframe garbage[] = {{"garbage", 7}, {"x", 1}};
    say_frames(peer, garbage, 2);
    ck_assert_int_eq(hear(peer), MSG_REFUSED);
    bench.m.kind = MSG_FETCH;
    bench.m.fetch = (struct msg_fetch){7, 1};
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_REFUSED);
    char hash[HASH_HEX_MAX];
    fixture_hash(hash, 'e');
    bench.m.kind = MSG_BLOB_CHUNK; // without its payload
    bench.m.blob_chunk = (struct msg_blob_chunk){.total_bytes = 10, .n_bytes = 10};
    memcpy(bench.m.blob_chunk.hash, hash, sizeof(hash));
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_REFUSED);
    ck_assert_uint_eq(refusals_messages(bulk_socket_refusals(bench.bulk)), 3);
    zsock_close(peer);
    teardown();
}
END_TEST

START_TEST(the_admin_socket_tells_how_things_stand_and_drains)
{
    setup();
    void *peer = connect_to(&bench.admin_at);
    bench.m.kind = MSG_STATUS;
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_STATUS_REPLY);
    ck_assert_uint_eq(bench.answer.status_reply.n_studies, 1);
    bench.m.kind = MSG_FETCH;
    bench.m.fetch = (struct msg_fetch){7, 1};
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_REFUSED);
    bench.m.kind = MSG_EXPLAIN;
    bench.m.explain = (struct msg_explain){.task_id = 99};
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_REFUSED);
    ck_assert_int_eq(bench.answer.refused.code, ERR_NOTFOUND);
    ck_assert_uint_eq(refusals_messages(admin_socket_refusals(bench.admin)), 1);
    bench.m.kind = MSG_TASK_KICK;
    bench.m.task_kick = (struct msg_task_kick){.n_ids = 1, .ids = {99}};
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_ORDER_REPLY);
    ck_assert_uint_eq(bench.answer.order_reply.n, 0);
    bench.m.kind = MSG_DRAIN;
    say(peer, NULL, 0);
    ck_assert_int_eq(hear(peer), MSG_DRAIN_REPLY);
    ck_assert(bench.was_drained);
    zsock_close(peer);
    teardown();
}
END_TEST

TEST_SUITE(sockets, a_scripted_worker_lives_its_life,
           garbage_and_wrong_frames_do_not_disturb_the_others,
           an_oversized_message_is_counted_and_its_sender_hears_so,
           one_far_too_large_costs_its_sender_the_connection_and_nothing_else,
           what_has_to_be_read_first_is_sent_once_it_was,
           what_was_uploaded_can_be_downloaded, a_broken_upload_goes_on_where_it_was,
           an_upload_that_is_not_what_it_says_is_corrupt_and_leaves_nothing,
           what_is_not_there_cannot_be_had, what_is_too_large_to_be_sent_cannot_be_had,
           a_peer_has_so_many_uploads_at_once,
           the_bulk_socket_refuses_what_is_not_for_it,
           the_admin_socket_tells_how_things_stand_and_drains)
