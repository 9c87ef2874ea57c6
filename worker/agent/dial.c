// SPDX-License-Identifier: Apache-2.0
// dial.c - see dial.h.
#include "worker/agent/dial.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/monitor.h"
#include "common/net/zsock.h"

#include <stdlib.h>
#include <string.h>

#define LOG_MS 30000 // between words about connections that fail

struct dial {
    void *zsock;
    struct monitor *monitor;
    struct endpoint at; // port 0: nowhere yet
    int64_t again_ms;   // when to dial again; 0 = no need
    int64_t logged_ms;  // 0 = never
};

static void on_failure(void *arg, enum monitor_failure failure)
{
    static const char *const texts[] = {
        [MONITOR_NOT_ADMITTED] = "the coordinator does not list our key as a worker's",
        [MONITOR_NO_PROTOCOL] = ("one side wants encrypted connections, the other does "
                                 "not: see --key and --coordinator-key"),
        [MONITOR_CUT_OFF] = "the coordinator broke off: is --coordinator-key its key?",
    };
    struct dial *d = arg;
    int64_t now_ms = clock_mono_ms();
    if (failure != MONITOR_CUT_OFF) { // ZeroMQ goes on trying after that one
        d->again_ms = now_ms + DIAL_AGAIN_MS;
    }
    if (d->logged_ms == 0 || now_ms - d->logged_ms >= LOG_MS) {
        d->logged_ms = now_ms;
        log_error("coordinator.unreachable", "why=\"%s\"", texts[failure]);
    }
}

enum err dial_open(const struct dial_conf *conf, struct dial **out, struct errinfo *why)
{
    struct dial *d = calloc(1, sizeof(*d));
    BUG_ON(!d);
    enum err e =
        zsock_open(conf->zctx, ZMQ_DEALER, conf->max_frame_bytes, &d->zsock, why);
    if (e == ERR_OK) {
        e = curve_join(d->zsock, conf->link, why);
    }
    if (e == ERR_OK) {
        e = monitor_create(conf->zctx, conf->loop, d->zsock, on_failure, d, &d->monitor,
                           why);
    }
    if (e != ERR_OK) {
        dial_close(d, 0);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void *dial_socket(const struct dial *d)
{
    return d->zsock;
}

enum err dial_to(struct dial *d, const struct endpoint *to, struct errinfo *why)
{
    if (d->at.port == to->port && strcmp(d->at.host, to->host) == 0) {
        return ERR_OK;
    }
    if (d->at.port != 0) {
        zsock_disconnect(d->zsock, &d->at);
    }
    d->at = *to;
    d->again_ms = 0;
    return zsock_connect(d->zsock, to, why);
}

void dial_step(struct dial *d, int64_t now_ms)
{
    if (d->again_ms == 0 || now_ms < d->again_ms) {
        return;
    }
    struct errinfo why = {0};
    d->again_ms = 0;
    zsock_disconnect(d->zsock, &d->at); // may be gone already
    if (zsock_connect(d->zsock, &d->at, &why) != ERR_OK) {
        log_error("coordinator.unreachable", "why=\"%s\"", why.text);
        d->again_ms = now_ms + DIAL_AGAIN_MS;
    }
}

void dial_stop(struct dial *d)
{
    if (d) {
        monitor_stop(d->monitor);
    }
}

void dial_close(struct dial *d, int patience_ms)
{
    if (d) {
        monitor_destroy(d->monitor);
        zsock_close_flushed(d->zsock, patience_ms);
        free(d);
    }
}
