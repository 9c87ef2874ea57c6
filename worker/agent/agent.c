// SPDX-License-Identifier: Apache-2.0
// agent.c - see agent.h. Sockets, signals and the clock; decisions are elsewhere.
#include "worker/agent/agent.h"

#include "common/base/clock.h"
#include "common/base/notify.h"
#include "common/net/zwatch.h"
#include "proto/wire.h"
#include "worker/agent/dial.h"
#include "worker/agent/heard.h"
#include "worker/agent/link.h"
#include "worker/agent/works.h"
#include "worker/exec/strays.h"

#include <uv.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TURN_MESSAGES 64   // before the loop looks at its other sources
#define STEP_MAX_MS   1000 // a step at least as often: waits that nothing ends
#define STEP_MIN_MS   5
#define STUCK_MS      100  // until sending is tried again
#define BYE_MS        500  // for the last messages to leave
#define ALIVE_MS      5000 // between signs of life in DIR/alive

struct agent {
    const struct agent_conf *conf;
    struct notify *notify; // NULL: nobody wants to know
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[2];
    int n_signals;
    bool is_ending; // the loop runs only to close what is open
    void *ctx;
    struct dial *control, *bulk;
    struct zwatch *control_watch, *bulk_watch;
    uint32_t welcomes; // seen
    struct blob_store *store;
    struct session *session;
    struct fetcher *fetcher;
    struct deliverer *deliverer;
    struct works *works;
    struct msg *in, *out;
    int lock_fd;
    pid_t parent;
    int64_t alive_ms; // last sign of life
    char alive_path[FILE_PATH_MAX];
};

static void step(struct agent *a);

// ---- sending

static void log_send_error(const struct msg *m, enum err e)
{
    log_error("message.unsent", "kind=%s error=%s", msg_kind_name(m->kind),
              err_name(e));
}

// False when the socket takes no more now.
static bool send_out(struct agent *a, const struct dial *to)
{
    enum err e = link_send(dial_socket(to), a->out);
    if (e == ERR_OK) {
        log_debug("message.sent", "kind=%s", msg_kind_name(a->out->kind));
    } else if (e != ERR_BUSY) {
        log_send_error(a->out, e);
    }
    return e == ERR_OK;
}

static bool pump_control(struct agent *a, int64_t now_ms)
{
    while (session_next(a->session, now_ms, a->out)) {
        if (!send_out(a, a->control)) {
            return false;
        }
        session_sent(a->session, now_ms, a->out);
    }
    return true;
}

static bool pump_fetcher(struct agent *a, int64_t now_ms)
{
    while (fetcher_next(a->fetcher, now_ms, a->out)) {
        if (!send_out(a, a->bulk)) {
            return false;
        }
        fetcher_sent(a->fetcher, now_ms, a->out);
    }
    return true;
}

static bool pump_deliverer(struct agent *a, int64_t now_ms)
{
    while (deliverer_next(a->deliverer, now_ms, a->out)) {
        if (!send_out(a, a->bulk)) {
            return false;
        }
        deliverer_sent(a->deliverer, now_ms, a->out);
    }
    return true;
}

// ---- the bulk socket goes where the last WELCOME says

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
    log_info("session.welcome", "worker=%" PRIu64 " stale=%u", w->worker_id,
             w->n_stale);
    struct endpoint to;
    struct errinfo why = {0};
    enum err e = bulk_endpoint(a, w, &to, &why);
    if (e == ERR_OK) {
        e = dial_to(a->bulk, &to, &why);
    }
    if (e != ERR_OK) {
        log_error("bulk.unreachable", "error=\"%s\"", why.text);
    }
}

// ---- one step: do what can be done, say what is due, sleep until more is

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void leave(struct agent *a)
{
    works_kill(a->works);
    session_leave(a->session, clock_mono_ms());
}

static void on_timer(uv_timer_t *t)
{
    struct agent *a = t->data;
    if (a->conf->with_parent && getppid() != a->parent) {
        log_warn("agent.leaving", "reason=\"the parent process is gone\"");
        a->parent = getppid(); // said once
        leave(a);
    }
    step(a);
}

// For systemctl status.
static void show_status(const struct agent *a)
{
    uint32_t n_held = 0;
    for (uint32_t i = 0; i < session_n_slots(a->session); i++) {
        n_held += session_slot(a->session, i)->state != SLOT_FREE;
    }
    char at[ENDPOINT_MAX];
    char text[ENDPOINT_MAX + 64];
    snprintf(text, sizeof(text), "%s%s %s, holds %u tasks",
             session_is_draining(a->session) ? "draining; " : "",
             session_is_live(a->session) ? "works for" : "waits for",
             endpoint_print(&a->conf->coordinator, at), n_held);
    notify_status(a->notify, text);
}

static void arm(struct agent *a, int64_t now_ms, bool is_stuck)
{
    int64_t due_ms = session_due_ms(a->session);
    due_ms = earlier(due_ms, fetcher_due_ms(a->fetcher));
    due_ms = earlier(due_ms, deliverer_due_ms(a->deliverer));
    due_ms = earlier(due_ms, notify_due_ms(a->notify));
    int64_t wait_ms = earlier(due_ms - now_ms, STEP_MAX_MS);
    const int64_t least_ms = is_stuck ? STUCK_MS : STEP_MIN_MS;
    wait_ms = wait_ms < least_ms ? least_ms : wait_ms;
    uv_timer_start(&a->timer, on_timer, (uint64_t)wait_ms, 0);
}

static void step(struct agent *a)
{
    int64_t now_ms = clock_mono_ms();
    follow_welcome(a);
    if (!session_is_live(a->session)) {
        fetcher_excuse(a->fetcher, now_ms);
        deliverer_excuse(a->deliverer, now_ms);
    }
    dial_step(a->control, now_ms);
    dial_step(a->bulk, now_ms);
    works_step(a->works, now_ms);
    bool is_stuck = !pump_control(a, now_ms);
    is_stuck = !pump_fetcher(a, now_ms) || is_stuck;
    is_stuck = !pump_deliverer(a, now_ms) || is_stuck;
    if (session_is_over(a->session, now_ms)) {
        uv_stop(&a->loop);
        return;
    }
    show_status(a);
    notify_alive(a->notify, now_ms);
    arm(a, now_ms, is_stuck);
}

static void wake(void *arg)
{
    struct agent *a = arg;
    if (!a->is_ending) {
        step(a);
    }
}

// ---- receiving

// False when nothing waits. MSG_NONE: one was dropped, nothing is held.
static bool receive(struct agent *a, const struct dial *from, struct zmessage *held)
{
    struct errinfo why = {0};
    enum err e = link_recv(dial_socket(from), a->in, held, &why);
    if (e == ERR_BUSY || e == ERR_IO) {
        return false;
    }
    if (e != ERR_OK) {
        log_warn("message.refused", "error=\"%s\"", why.text);
        a->in->kind = MSG_NONE;
    } else {
        log_debug("message.received", "kind=%s", msg_kind_name(a->in->kind));
    }
    return true;
}

// For health checks: the age of the file says when the coordinator was last heard.
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
        log_warn("alive.unwritten", "error=\"%s\"", why.text);
    }
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

static void on_control(void *arg)
{
    struct agent *a = arg;
    struct zmessage held;
    for (int i = 0; i < TURN_MESSAGES && receive(a, a->control, &held); i++) {
        heard_log(a->session, a->in);
        session_take(a->session, clock_mono_ms(), a->in);
        show_alive(a);
        zmessage_fini(&held);
    }
    step(a);
}

static void on_bulk(void *arg)
{
    struct agent *a = arg;
    struct zmessage held;
    for (int i = 0; i < TURN_MESSAGES && receive(a, a->bulk, &held); i++) {
        int64_t now_ms = clock_mono_ms();
        switch (a->in->kind) {
        case MSG_NONE: continue;
        case MSG_BLOB_CHUNK: fetcher_take(a->fetcher, now_ms, a->in); break;
        case MSG_BLOB_CREDIT: deliverer_take(a->deliverer, now_ms, a->in); break;
        case MSG_BLOB_DONE: // of either direction
            fetcher_take(a->fetcher, now_ms, a->in);
            deliverer_take(a->deliverer, now_ms, a->in);
            break;
        default: heard_log(a->session, a->in);
        }
        zmessage_fini(&held);
    }
    step(a);
}

// ---- signals

static void on_signal(uv_signal_t *h, int number)
{
    struct agent *a = h->data;
    a->n_signals++;
    if (a->n_signals == 1) {
        log_info("agent.draining", "signal=%d", number);
        session_drain(a->session);
    } else {
        log_info("agent.leaving", "signal=%d", number);
        leave(a);
    }
    step(a);
}

// ---- life

static enum err lock_dir(struct agent *a, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_make_dirs(a->conf->dir, why);
    if (e == ERR_OK) {
        e = file_path(path, sizeof(path), why, "%s/agent.lock", a->conf->dir);
    }
    if (e == ERR_OK) {
        e = file_path(a->alive_path, sizeof(a->alive_path), why, "%s/alive",
                      a->conf->dir);
    }
    if (e != ERR_OK) {
        return e;
    }
    a->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (a->lock_fd < 0) {
        return err_set(why, ERR_IO, "cannot create %s", path);
    }
    if (flock(a->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        close(a->lock_fd);
        a->lock_fd = -1;
        return err_set(why, ERR_BUSY, "another worker uses the folder %s",
                       a->conf->dir);
    }
    return ERR_OK;
}

static enum err open_store(struct agent *a, char dir[static FILE_PATH_MAX],
                           struct errinfo *why)
{
    enum err e = file_path(dir, FILE_PATH_MAX, why, "%s/blobs", a->conf->dir);
    return e == ERR_OK ? blob_store_open(dir, a->conf->artifacts, &a->store, why) : e;
}

static enum err open_sockets(struct agent *a, struct errinfo *why)
{
    a->ctx = zmq_ctx_new();
    BUG_ON(!a->ctx);
    struct dial_conf conf = {.zctx = a->ctx,
                             .loop = &a->loop,
                             .max_frame_bytes = LIMIT_MESSAGE_BYTES,
                             .link = &a->conf->link};
    enum err e = dial_open(&conf, &a->control, why);
    if (e == ERR_OK) {
        conf.max_frame_bytes = LIMIT_BULK_MESSAGE_BYTES;
        e = dial_open(&conf, &a->bulk, why);
    }
    if (e == ERR_OK) {
        e = dial_to(a->control, &a->conf->coordinator, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    a->control_watch = zwatch_create(&a->loop, dial_socket(a->control), on_control, a);
    a->bulk_watch = zwatch_create(&a->loop, dial_socket(a->bulk), on_bulk, a);
    return a->control_watch && a->bulk_watch
               ? ERR_OK
               : err_set(why, ERR_IO, "cannot watch a socket");
}

static void create_session(struct agent *a)
{
    struct session_conf conf = a->conf->session;
    do {
        randombytes_buf(&conf.id, sizeof(conf.id));
    } while (conf.id == 0);
    a->session = session_create(&conf, clock_mono_ms());
}

static void create_parts(struct agent *a, const char *blob_dir)
{
    create_session(a);
    a->fetcher = fetcher_create(a->store);
    a->deliverer = deliverer_create(a->store);
    struct works_conf *conf = calloc(1, sizeof(*conf));
    BUG_ON(!conf);
    *conf = (struct works_conf){
        .loop = &a->loop,
        .session = a->session,
        .store = a->store,
        .fetcher = a->fetcher,
        .deliverer = a->deliverer,
        .program = a->conf->program,
        .job = {.n_threads = a->conf->session.n_threads,
                .log_level = a->conf->log_level},
        .memory_bytes = a->conf->session.memory_bytes,
        .silence_ms = a->conf->silence_ms,
        .wake = wake,
        .arg = a,
    };
    snprintf(conf->job.blob_dir, sizeof(conf->job.blob_dir), "%s", blob_dir);
    snprintf(conf->job.also_read, sizeof(conf->job.also_read), "%s",
             a->conf->artifacts ? a->conf->artifacts : "");
    snprintf(conf->job.backend, sizeof(conf->job.backend), "%s", a->conf->backend);
    a->works = works_create(conf);
    free(conf);
}

static void start_signals(struct agent *a)
{
    static const int numbers[2] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&a->loop, &a->signals[i]);
        a->signals[i].data = a;
        uv_signal_start(&a->signals[i], on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
}

static enum err start(struct agent *a, struct errinfo *why)
{
    char blob_dir[FILE_PATH_MAX];
    enum err e = lock_dir(a, why);
    if (e == ERR_OK) {
        e = open_store(a, blob_dir, why);
    }
    if (e == ERR_OK) {
        e = open_sockets(a, why);
    }
    if (e == ERR_OK) {
        create_parts(a, blob_dir);
    }
    return e;
}

static void close_handles(struct agent *a)
{
    zwatch_destroy(a->control_watch);
    zwatch_destroy(a->bulk_watch);
    dial_stop(a->control);
    dial_stop(a->bulk);
    uv_close((uv_handle_t *)&a->timer, NULL);
    uv_close((uv_handle_t *)&a->signals[0], NULL);
    uv_close((uv_handle_t *)&a->signals[1], NULL);
}

static void finish(struct agent *a)
{
    a->is_ending = true;
    close_handles(a);
    if (a->works) {
        works_kill(a->works);
    }
    uv_run(&a->loop, UV_RUN_DEFAULT); // until the runners are gone and all is closed
    BUG_ON(uv_loop_close(&a->loop) != 0);
    dial_close(a->control, BYE_MS);
    dial_close(a->bulk, 0);
    if (a->ctx) {
        zmq_ctx_term(a->ctx);
    }
    works_destroy(a->works);
    fetcher_destroy(a->fetcher);
    deliverer_destroy(a->deliverer);
    session_destroy(a->session);
    blob_store_close(a->store);
    if (a->lock_fd >= 0) {
        unlink(a->alive_path);
        close(a->lock_fd);
    }
    notify_close(a->notify);
    free(a->in);
    free(a->out);
}

enum err agent_run(const struct agent_conf *conf, struct errinfo *why)
{
    struct agent *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    a->conf = conf;
    a->lock_fd = -1;
    a->parent = getppid();
    a->notify = notify_open();
    a->in = calloc(1, sizeof(*a->in));
    a->out = calloc(1, sizeof(*a->out));
    BUG_ON(!a->in || !a->out || uv_loop_init(&a->loop) != 0);
    uv_timer_init(&a->loop, &a->timer);
    a->timer.data = a;
    start_signals(a);
    strays_adopt();
    enum err e = start(a, why);
    if (e == ERR_OK) {
        char text[ENDPOINT_MAX];
        log_info("agent.started", "name=\"%s\" coordinator=%s slots=%u threads=%u",
                 conf->session.name, endpoint_print(&conf->coordinator, text),
                 conf->session.n_slots, conf->session.n_threads);
        notify_ready(a->notify);
        step(a);
        uv_run(&a->loop, UV_RUN_DEFAULT);
        notify_stopping(a->notify);
        e = session_verdict(a->session, why);
        log_info("agent.ended", "name=\"%s\"", conf->session.name);
    }
    finish(a);
    free(a);
    return e;
}
