// SPDX-License-Identifier: Apache-2.0
// ask.c - see ask.h.
#include "coordinator/cli/ask.h"

#include "common/base/clock.h"
#include "coordinator/cli/client.h"

#include <signal.h>

#define ASK_MS      500  // a question may be lost: again
#define PATIENCE_MS 5000 // then there is no coordinator

struct question {
    struct msg *m;
    enum msg_kind wanted;
    uv_loop_t loop;
    uv_timer_t timer;
    struct client *client;
    int64_t end_ms;
    bool is_over;
    enum err code;
    struct errinfo *why;
};

static void end(struct question *q, enum err code)
{
    if (!q->is_over) {
        q->is_over = true;
        q->code = code;
        client_stop(q->client);
        uv_close((uv_handle_t *)&q->timer, NULL);
    }
}

static void on_answer(void *arg, const struct msg *answer)
{
    struct question *q = arg;
    if (q->is_over) {
        return; // the answer to the same question, asked again
    }
    if (answer->kind == q->wanted) {
        *q->m = *answer;
        end(q, ERR_OK);
    } else if (answer->kind == MSG_REFUSED) {
        end(q, err_set(q->why, answer->refused.code, "%s", answer->refused.text));
    }
}

static const char *silence(const struct client *c)
{
    enum monitor_failure failure;
    if (!client_failure(c, &failure)) {
        return "nobody answers there";
    }
    switch (failure) {
    case MONITOR_NOT_ADMITTED: return "our key is not on its allow-list for this";
    case MONITOR_NO_PROTOCOL:
        return "one side wants encrypted connections, the other does not: see "
               "--coordinator-key";
    default: return "it does not have the key that --coordinator-key says";
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct question *q = timer->data;
    if (clock_mono_ms() < q->end_ms) {
        client_say(q->client, q->m);
    } else {
        end(q, err_set(q->why, ERR_IO, "no answer within %d s: %s", PATIENCE_MS / 1000,
                       silence(q->client)));
    }
}

static enum err run(struct question *q, const struct access *to)
{
    BUG_ON(uv_loop_init(&q->loop) != 0);
    uv_timer_init(&q->loop, &q->timer);
    q->timer.data = q;
    q->end_ms = clock_mono_ms() + PATIENCE_MS;
    enum err e = client_create(&q->loop, &to->link, on_answer, q, &q->client, q->why);
    if (e == ERR_OK) {
        e = client_connect(q->client, to->endpoint, q->why);
    }
    if (e == ERR_OK) {
        uv_timer_start(&q->timer, on_timer, 0, ASK_MS);
    } else {
        end(q, e);
    }
    uv_run(&q->loop, UV_RUN_DEFAULT);
    client_destroy(q->client);
    BUG_ON(uv_loop_close(&q->loop) != 0);
    return q->code;
}

enum err ask(const struct access *to, struct msg *m, enum msg_kind wanted,
             struct errinfo *why)
{
    struct question q = {.m = m, .wanted = wanted, .why = why};
    signal(SIGPIPE, SIG_IGN);
    return run(&q, to);
}

enum err ask_with(const struct access_options *a, struct msg *m, enum msg_kind wanted,
                  struct errinfo *why)
{
    struct access access;
    enum err e = access_open(a, &access, why);
    if (e == ERR_OK) {
        e = ask(&access, m, wanted, why);
    }
    access_close(&access);
    return e;
}
