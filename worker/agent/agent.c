// SPDX-License-Identifier: Apache-2.0
// agent.c - see agent.h. Opens in order, closes in reverse; every event ends in a pump.
#include "worker/agent/agent.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/net/zsock.h"
#include "common/net/zwatch.h"
#include "proto/wire.h"
#include "worker/agent/bulk.h"
#include "worker/agent/work.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS      100 // deadlines; messages wake the loop by themselves
#define RECEIVES_MAX 64
#define N_SIGNALS    2
#define ALIVE_MS     5000 // between signs of life

struct agent {
    const struct agent_conf *conf;
    uv_loop_t loop;
    void *zctx;
    void *zsock;
    struct zwatch *watch;
    struct blob_store *blobs;
    struct session *session;
    struct bulk *bulk;
    struct works *works;
    uv_timer_t tick;
    uv_timer_t kick; // a pump as soon as the loop comes round
    uv_signal_t signals[N_SIGNALS];
    pid_t parent;
    uint32_t welcomes; // the last one that was acted on
    int64_t alive_ms;
    bool is_leaving;
    struct msg *message; // in and out, one at a time: struct msg is large
    struct buf out;
    char blob_dir[FILE_PATH_MAX];
    char alive_path[FILE_PATH_MAX];
};

// ---- one pump: say what is due, do what the slots ask for

static void send_due(struct agent *a)
{
    int64_t now_ms = clock_mono_ms();
    while (session_next(a->session, now_ms, a->message)) {
        buf_clear(&a->out);
        wire_encode(a->message, &a->out);
        const struct zframe body = {a->out.data, a->out.len};
        if (zsock_send(a->zsock, &body, 1) != ERR_OK) {
            return; // not connected: it stays due
        }
        session_sent(a->session, now_ms, a->message);
    }
}

// The bulk socket is at the coordinator's host unless the welcome says otherwise.
static enum err bulk_endpoint(const struct agent *a, const struct msg_welcome *w,
                              struct endpoint *out, struct errinfo *why)
{
    if (w->bulk_endpoint[0]) {
        return endpoint_parse(w->bulk_endpoint, out, why);
    }
    *out = a->conf->coordinator;
    out->port = (uint16_t)w->bulk_port;
    return ERR_OK;
}

static void follow_welcome(struct agent *a)
{
    uint32_t welcomes = 0;
    const struct msg_welcome *w = session_welcome(a->session, &welcomes);
    if (welcomes == a->welcomes) {
        return;
    }
    a->welcomes = welcomes;
    struct errinfo why = {0};
    struct endpoint at;
    enum err e = bulk_endpoint(a, w, &at, &why);
    if (e == ERR_OK) {
        e = bulk_connect(a->bulk, &at, &why);
    }
    if (e == ERR_OK) {
        log_info("coordinator.welcomed", "worker=%llu bulk_port=%u",
                 (unsigned long long)w->worker_id, at.port);
    } else {
        log_error("bulk.unreachable", "error=%s text=\"%s\"", err_name(e), why.text);
    }
}

static void leave_if_over(struct agent *a)
{
    if (a->is_leaving) {
        works_kill(a->works);
    }
    if (session_is_over(a->session, clock_mono_ms())) {
        works_kill(a->works);
        if (works_is_idle(a->works)) {
            uv_stop(&a->loop);
        }
    }
}

static void pump(struct agent *a)
{
    follow_welcome(a);
    works_look(a->works);
    send_due(a);
    leave_if_over(a);
}

// ---- events

static void show_alive(struct agent *a)
{
    int64_t now_ms = clock_mono_ms();
    if (a->alive_ms != 0 && now_ms - a->alive_ms < ALIVE_MS) {
        return;
    }
    a->alive_ms = now_ms;
    struct errinfo why = {0};
    char text[32];
    int n = snprintf(text, sizeof(text), "pid=%ld\n", (long)getpid());
    if (file_write(a->alive_path, text, (size_t)n, &why) != ERR_OK) {
        log_warn("alive.unwritten", "text=\"%s\"", why.text);
    }
}

static void take(struct agent *a, struct zmessage *z)
{
    struct errinfo why = {0};
    struct zframe body = zmessage_frame(z, 0);
    enum err e = wire_decode(body.bytes, body.n, a->message, &why);
    if (e != ERR_OK) {
        log_warn("message.refused", "socket=control error=%s text=\"%s\"", err_name(e),
                 why.text);
        return;
    }
    session_take(a->session, clock_mono_ms(), a->message);
    show_alive(a);
}

static void on_readable(void *arg)
{
    struct agent *a = arg;
    for (int i = 0; i < RECEIVES_MAX; i++) {
        struct zmessage z;
        enum err e = zsock_recv(a->zsock, &z);
        if (e == ERR_PROTO) {
            continue;
        }
        if (e != ERR_OK) {
            break;
        }
        take(a, &z);
        zmessage_fini(&z);
    }
    pump(a);
}

static void on_tick(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    if (a->conf->with_parent && getppid() != a->parent && !a->is_leaving) {
        log_warn("parent.gone", "pid=%ld", (long)a->parent);
        a->is_leaving = true;
        session_leave(a->session, clock_mono_ms());
    }
    pump(a);
}

static void on_kick(uv_timer_t *timer)
{
    pump(timer->data);
}

static void on_changed(void *arg)
{
    struct agent *a = arg;
    BUG_ON(uv_timer_start(&a->kick, on_kick, 0, 0) != 0);
}

static void on_moved(void *arg, const char *hash, enum err code, const char *text)
{
    struct agent *a = arg;
    works_moved(a->works, hash, code, text);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct agent *a = handle->data;
    log_info("signal.received", "number=%d", number);
    if (session_is_draining(a->session)) {
        a->is_leaving = true;
        session_leave(a->session, clock_mono_ms());
    } else {
        session_drain(a->session);
    }
    pump(a);
}

// ---- opening and closing

static enum err open_stored(struct agent *a, struct errinfo *why)
{
    enum err e =
        file_path(a->blob_dir, sizeof(a->blob_dir), why, "%s/blobs", a->conf->dir);
    if (e == ERR_OK) {
        e = file_path(a->alive_path, sizeof(a->alive_path), why, "%s/alive",
                      a->conf->dir);
    }
    return e == ERR_OK
               ? blob_store_open(a->blob_dir, a->conf->artifacts, &a->blobs, why)
               : e;
}

static enum err open_control(struct agent *a, struct errinfo *why)
{
    a->zctx = zmq_ctx_new();
    BUG_ON(!a->zctx);
    enum err e = zsock_open(a->zctx, ZMQ_DEALER, LIMIT_MESSAGE_BYTES, &a->zsock, why);
    return e == ERR_OK ? zsock_connect(a->zsock, &a->conf->coordinator, why) : e;
}

static void start_handles(struct agent *a)
{
    static const int numbers[N_SIGNALS] = {SIGTERM, SIGINT};
    BUG_ON(uv_timer_init(&a->loop, &a->tick) != 0);
    BUG_ON(uv_timer_init(&a->loop, &a->kick) != 0);
    a->tick.data = a->kick.data = a;
    BUG_ON(uv_timer_start(&a->tick, on_tick, 0, TICK_MS) != 0);
    for (int i = 0; i < N_SIGNALS; i++) {
        BUG_ON(uv_signal_init(&a->loop, &a->signals[i]) != 0);
        a->signals[i].data = a;
        BUG_ON(uv_signal_start(&a->signals[i], on_signal, numbers[i]) != 0);
    }
    a->watch = zwatch_create(&a->loop, a->zsock, on_readable, a);
    BUG_ON(!a->watch);
}

static void start_rooms(struct agent *a)
{
    struct session_conf session = a->conf->session;
    randombytes_buf(&session.id, sizeof(session.id));
    session.id |= 1; // never 0
    a->session = session_create(&session, clock_mono_ms());
    a->bulk = bulk_create(&a->loop, a->zctx, a->blobs, on_moved, a);
    const struct works_conf works = {
        .loop = &a->loop,
        .session = a->session,
        .bulk = a->bulk,
        .blobs = a->blobs,
        .program = a->conf->program,
        .blob_dir = a->blob_dir,
        .also_read = a->conf->artifacts ? a->conf->artifacts : "",
        .backend = a->conf->backend,
        .n_threads = a->conf->session.n_threads,
        .timeout_ms = a->conf->task_timeout_ms,
        .log_level = a->conf->log_level,
        .changed = on_changed,
        .arg = a,
    };
    a->works = works_create(&works);
}

static void run_loop(struct agent *a)
{
    BUG_ON(uv_loop_init(&a->loop) != 0);
    start_rooms(a);
    start_handles(a);
    log_info("worker.started", "name=%s slots=%u threads=%u backend=%s",
             a->conf->session.name, a->conf->session.n_slots,
             a->conf->session.n_threads, a->conf->backend);
    uv_run(&a->loop, UV_RUN_DEFAULT);
    zwatch_destroy(a->watch);
    bulk_stop(a->bulk);
    uv_close((uv_handle_t *)&a->tick, NULL);
    uv_close((uv_handle_t *)&a->kick, NULL);
    for (int i = 0; i < N_SIGNALS; i++) {
        uv_close((uv_handle_t *)&a->signals[i], NULL);
    }
    uv_run(&a->loop, UV_RUN_DEFAULT);
    BUG_ON(uv_loop_close(&a->loop) != 0);
}

enum err agent_run(const struct agent_conf *conf, struct errinfo *why)
{
    struct agent *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    a->message = calloc(1, sizeof(*a->message));
    BUG_ON(!a->message);
    a->conf = conf;
    a->parent = getppid();
    enum err e = open_stored(a, why);
    if (e == ERR_OK) {
        e = open_control(a, why);
    }
    if (e == ERR_OK) {
        run_loop(a);
        e = session_verdict(a->session, why);
        log_info("worker.left", "outcome=%s", err_name(e));
        unlink(a->alive_path);
    }
    works_destroy(a->works);
    bulk_destroy(a->bulk);
    session_destroy(a->session);
    zsock_close(a->zsock);
    if (a->zctx) {
        zmq_ctx_term(a->zctx);
    }
    blob_store_close(a->blobs);
    buf_fini(&a->out);
    free(a->message);
    free(a);
    return e;
}

int agent_health(const char *dir)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    if (file_path(path, sizeof(path), NULL, "%s/alive", dir) != ERR_OK ||
        stat(path, &st) != 0) {
        return 1;
    }
    int64_t age_ms = clock_wall_ms() - (int64_t)st.st_mtime * 1000;
    return age_ms <= LEASE_MS ? 0 : 1;
}
