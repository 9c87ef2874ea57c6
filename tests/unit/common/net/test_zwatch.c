// SPDX-License-Identifier: Apache-2.0
// test_zwatch.c - no message is left behind in a watched socket.
#include "common/net/zwatch.h"
#include "tests/lib/check_main.h"

#include <zmq.h>

struct sink {
    void *zsock;
    uv_loop_t *loop;
    int got;
    int want;
    int budget;
};

static void take_some(void *arg)
{
    struct sink *s = arg;
    char c;
    for (int i = 0; i < s->budget && zmq_recv(s->zsock, &c, 1, ZMQ_DONTWAIT) == 1;
         i++) {
        s->got++;
        // A send swallows the edge of whatever arrives next; zwatch must not care.
        zmq_send(s->zsock, &c, 1, ZMQ_DONTWAIT);
    }
    if (s->got >= s->want) {
        uv_stop(s->loop);
    }
}

static void on_deadline(uv_timer_t *t)
{
    uv_stop(t->loop);
}

START_TEST(no_message_is_stranded_when_the_budget_is_small)
{
    void *ctx = zmq_ctx_new();
    void *a = zmq_socket(ctx, ZMQ_PAIR);
    void *b = zmq_socket(ctx, ZMQ_PAIR);
    ck_assert_int_eq(zmq_bind(a, "inproc://t"), 0);
    ck_assert_int_eq(zmq_connect(b, "inproc://t"), 0);
    for (int i = 0; i < 500; i++) {
        ck_assert_int_eq(zmq_send(b, "x", 1, 0), 1);
    }
    uv_loop_t loop;
    uv_timer_t deadline;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &deadline);
    uv_timer_start(&deadline, on_deadline, 3000, 0);
    struct sink s = {.zsock = a, .loop = &loop, .want = 500, .budget = 7};
    struct zwatch *w = zwatch_create(&loop, a, take_some, &s);
    ck_assert_ptr_nonnull(w);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(s.got, 500);
    zwatch_destroy(w);
    uv_close((uv_handle_t *)&deadline, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    zmq_close(a);
    zmq_close(b);
    zmq_ctx_term(ctx);
}
END_TEST

TEST_SUITE(zwatch, no_message_is_stranded_when_the_budget_is_small)
