// SPDX-License-Identifier: Apache-2.0
// test_zsock.c - sockets never wait, and refuse what is too much.
#include "common/net/zsock.h"
#include "tests/lib/check_main.h"

#include <string.h>

struct pair {
    void *ctx, *router, *dealer;
};

static struct pair pair_open(void)
{
    struct pair p = {.ctx = zmq_ctx_new()};
    struct endpoint at = {.host = "127.0.0.1"};
    ck_assert_int_eq(zsock_open(p.ctx, ZMQ_ROUTER, 1000, &p.router, NULL), ERR_OK);
    ck_assert_int_eq(zsock_open(p.ctx, ZMQ_DEALER, 1000, &p.dealer, NULL), ERR_OK);
    ck_assert_int_eq(zsock_bind(p.router, &at, NULL), ERR_OK);
    ck_assert_uint_ge(at.port, ENDPOINT_PORT_FIRST);
    ck_assert_uint_le(at.port, ENDPOINT_PORT_LAST);
    ck_assert_int_eq(zsock_connect(p.dealer, &at, NULL), ERR_OK);
    return p;
}

static void pair_close(struct pair *p)
{
    zsock_close(p->router);
    zsock_close(p->dealer);
    zmq_ctx_term(p->ctx);
}

static enum err recv_soon(void *zsock, struct zmessage *m)
{
    zmq_pollitem_t item = {.socket = zsock, .events = ZMQ_POLLIN};
    zmq_poll(&item, 1, 2000);
    return zsock_recv(zsock, m);
}

static void send_soon(void *zsock, const struct zframe *frames, size_t n)
{
    zmq_pollitem_t item = {.socket = zsock, .events = ZMQ_POLLOUT};
    zmq_poll(&item, 1, 2000);
    ck_assert_int_eq(zsock_send(zsock, frames, n), ERR_OK);
}

START_TEST(frames_arrive_together_behind_the_routing_id)
{
    struct pair p = pair_open();
    struct zmessage m;
    ck_assert_int_eq(zsock_recv(p.router, &m), ERR_BUSY);
    send_soon(p.dealer, (struct zframe[]){{"body", 4}, {"payload", 7}}, 2);
    ck_assert_int_eq(recv_soon(p.router, &m), ERR_OK);
    ck_assert_uint_eq(m.n, 3);
    ck_assert_mem_eq(zmessage_frame(&m, 2).bytes, "payload", 7);
    struct zframe reply[] = {zmessage_frame(&m, 0), {"answer", 6}};
    ck_assert_int_eq(zsock_send(p.router, reply, 2), ERR_OK);
    zmessage_fini(&m);
    ck_assert_int_eq(recv_soon(p.dealer, &m), ERR_OK);
    ck_assert_uint_eq(m.n, 1);
    zmessage_fini(&m);
    pair_close(&p);
}
END_TEST

START_TEST(a_message_of_too_many_frames_is_dropped_alone)
{
    struct pair p = pair_open();
    struct zmessage m;
    struct zframe f = {"x", 1};
    send_soon(p.dealer, (struct zframe[]){f, f, f, f}, 4);
    send_soon(p.dealer, &f, 1);
    ck_assert_int_eq(recv_soon(p.router, &m), ERR_PROTO);
    ck_assert_int_eq(recv_soon(p.router, &m), ERR_OK);
    ck_assert_uint_eq(m.n, 2);
    zmessage_fini(&m);
    pair_close(&p);
}
END_TEST

START_TEST(sending_to_nobody_fails_at_once)
{
    struct pair p = pair_open();
    void *alone = NULL;
    struct zframe f = {"x", 1};
    struct zframe routed[] = {{"nobody", 6}, f};
    ck_assert_int_eq(zsock_open(p.ctx, ZMQ_DEALER, 1000, &alone, NULL), ERR_OK);
    ck_assert_int_eq(zsock_send(alone, &f, 1), ERR_BUSY);
    ck_assert_int_eq(zsock_send(p.router, routed, 2), ERR_NOTFOUND);
    zsock_close(alone);
    pair_close(&p);
}
END_TEST

START_TEST(a_taken_port_is_busy)
{
    void *ctx = zmq_ctx_new();
    void *a = NULL;
    void *b = NULL;
    struct endpoint at = {.host = "127.0.0.1"};
    ck_assert_int_eq(zsock_open(ctx, ZMQ_ROUTER, 1000, &a, NULL), ERR_OK);
    ck_assert_int_eq(zsock_open(ctx, ZMQ_ROUTER, 1000, &b, NULL), ERR_OK);
    ck_assert_int_eq(zsock_bind(a, &at, NULL), ERR_OK);
    struct endpoint same = at;
    ck_assert_int_eq(zsock_bind(b, &same, NULL), ERR_BUSY);
    zsock_close(a);
    zsock_close(b);
    zmq_ctx_term(ctx);
}
END_TEST

TEST_SUITE(zsock, frames_arrive_together_behind_the_routing_id,
           a_message_of_too_many_frames_is_dropped_alone,
           sending_to_nobody_fails_at_once, a_taken_port_is_busy)
