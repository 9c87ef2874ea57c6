// zwatch.c - see zwatch.h.
#include "common/net/zwatch.h"

#include <zmq.h>

#include <stdbool.h>
#include <stdlib.h>

struct zwatch {
    void *zsock;
    zwatch_cb *cb;
    void *arg;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    int open_handles;
};

static bool readable(void *zsock)
{
    int events = 0;
    size_t size = sizeof(events);
    return zmq_getsockopt(zsock, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLIN);
}

// The fd and the idle handle exist only to make uv_run return from its wait.
static void on_poll(uv_poll_t *h, int status, int events)
{
    (void)h;
    (void)status;
    (void)events;
}

static void on_idle(uv_idle_t *h)
{
    (void)h;
}

static void on_prepare(uv_prepare_t *h)
{
    struct zwatch *w = h->data;
    if (readable(w->zsock)) {
        uv_idle_start(&w->idle, on_idle); // messages wait: do not sleep
    }
}

static void on_check(uv_check_t *h)
{
    struct zwatch *w = h->data;
    uv_idle_stop(&w->idle);
    if (readable(w->zsock)) {
        w->cb(w->arg);
    }
}

static void on_close(uv_handle_t *h)
{
    struct zwatch *w = h->data;
    if (--w->open_handles == 0) {
        free(w);
    }
}

struct zwatch *zwatch_create(uv_loop_t *loop, void *zsock, zwatch_cb *cb, void *arg)
{
    int fd = -1;
    size_t size = sizeof(fd);
    if (zmq_getsockopt(zsock, ZMQ_FD, &fd, &size) != 0) {
        return NULL;
    }
    struct zwatch *w = calloc(1, sizeof(*w));
    if (!w) {
        abort();
    }
    if (uv_poll_init(loop, &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    w->zsock = zsock;
    w->cb = cb;
    w->arg = arg;
    w->open_handles = 4;
    w->poll.data = w->prepare.data = w->check.data = w->idle.data = w;
    uv_prepare_init(loop, &w->prepare);
    uv_check_init(loop, &w->check);
    uv_idle_init(loop, &w->idle);
    uv_poll_start(&w->poll, UV_READABLE, on_poll);
    uv_prepare_start(&w->prepare, on_prepare);
    uv_check_start(&w->check, on_check);
    return w;
}

void zwatch_destroy(struct zwatch *w)
{
    if (!w) {
        return;
    }
    uv_close((uv_handle_t *)&w->poll, on_close);
    uv_close((uv_handle_t *)&w->prepare, on_close);
    uv_close((uv_handle_t *)&w->check, on_close);
    uv_close((uv_handle_t *)&w->idle, on_close);
}
