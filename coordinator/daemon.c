// SPDX-License-Identifier: Apache-2.0
// daemon.c - see daemon.h. Opens in order, closes in reverse; the tick decides the end.
#include "coordinator/daemon.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/notify.h"
#include "coordinator/keep/collector.h"
#include "coordinator/keep/reserve.h"
#include "coordinator/keep/scrub.h"
#include "coordinator/report/report.h"
#include "coordinator/serve/admin_socket.h"
#include "coordinator/serve/bulk_socket.h"
#include "coordinator/serve/worker_socket.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS   100 // deadlines, back-offs, the end; a turn without work costs nothing
#define HURRY_S   2
#define N_SIGNALS 3

struct daemon {
    const struct daemon_conf *conf;
    struct notify *notify; // NULL: nobody wants to know
    struct reserve *reserve;
    struct store *store;
    struct blob_store *blobs;
    void *zctx;
    struct gate *gate; // NULL: open
    uv_loop_t loop;
    bool has_loop;
    struct worker_socket *worker;
    struct bulk_socket *bulk;
    struct admin_socket *admin;
    struct turn *turn;
    struct driver *driver;
    struct collector *collector;
    struct scrub *scrub;
    uv_timer_t tick;
    uv_timer_t kick; // a turn as soon as the loop comes round
    uv_signal_t signals[N_SIGNALS];
    bool is_running; // its handles are open
    pid_t parent;
    int64_t drain_end_ms; // 0 = not draining
};

// ---- the end

static void leave(struct daemon *d, const char *reason)
{
    log_info("coordinator.leaving", "reason=\"%s\"", reason);
    notify_stopping(d->notify);
    uv_stop(&d->loop);
}

static void on_hurry_over(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

// Now means now: what computes beside the loop is not waited for. Nothing is lost that
// was acknowledged, as with any other death.
static void leave_now(struct daemon *d)
{
    signal(SIGALRM, on_hurry_over);
    alarm(HURRY_S);
    leave(d, "told twice");
}

static void drain(void *arg)
{
    struct daemon *d = arg;
    if (d->drain_end_ms == 0) {
        d->drain_end_ms = clock_mono_ms() + DRAIN_MS;
        turn_drain(d->turn);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;
    log_info("signal.received", "number=%d", number);
    if (number == SIGHUP) {
        gate_reload(d->gate);
        return;
    }
    if (d->drain_end_ms != 0) {
        leave_now(d);
    } else {
        drain(d);
    }
}

static void check_end(struct daemon *d)
{
    if (d->conf->with_parent && getppid() != d->parent) {
        leave(d, "the parent process is gone");
    } else if (d->drain_end_ms != 0) {
        if (turn_is_quiet(d->turn)) {
            leave(d, "drained");
        } else if (clock_mono_ms() >= d->drain_end_ms) {
            leave(d, "drained for long enough");
        }
    } else if (d->conf->exit_when_done && turn_is_quiet(d->turn) &&
               driver_is_idle(d->driver)) {
        drain(d); // tells the workers; the next tick leaves
    }
}

// ---- on the loop

static void settle_if_full(struct daemon *d)
{
    bool is_full = reserve_is_spent(d->reserve);
    turn_settle_only(d->turn, is_full);
    if (d->collector) {
        collector_hurry(d->collector, is_full);
    }
}

// For systemctl status.
static void show_status(const struct daemon *d)
{
    const struct turn_gauge g = turn_gauge(d->turn);
    char text[128];
    snprintf(text, sizeof(text), "%s%zu workers, %zu tasks leased, %zu waiting",
             d->drain_end_ms != 0           ? "draining; "
             : reserve_is_spent(d->reserve) ? "the disk is full: settles only; "
             : turn_is_failing(d->turn)     ? "cannot write; "
                                            : "",
             g.n_workers, g.n_leased, g.n_waiting);
    notify_status(d->notify, text);
}

// The watchdog is to start us again where that may help: the loop stands still, or the
// database does not take what we write. A full disk it does not make larger.
static void be_alive(const struct daemon *d)
{
    show_status(d);
    if (!turn_is_failing(d->turn) || reserve_is_spent(d->reserve)) {
        notify_alive(d->notify, clock_mono_ms());
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    if (reserve_tick(d->reserve, clock_mono_ms())) {
        settle_if_full(d);
    }
    bulk_socket_look(d->bulk);
    turn_end(d->turn, worker_socket_now());
    be_alive(d);
    check_end(d);
}

static void on_kick(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    turn_end(d->turn, worker_socket_now());
}

static void wake(void *arg)
{
    struct daemon *d = arg;
    BUG_ON(uv_timer_start(&d->kick, on_kick, 0, 0) != 0);
}

static bool send_to_worker(void *arg, const struct route *to, const void *bytes,
                           size_t n)
{
    struct daemon *d = arg;
    return worker_socket_send(d->worker, to, bytes, n);
}

static void fill_status(void *arg, struct msg_status_reply *out)
{
    struct daemon *d = arg;
    turn_status(d->turn, out);
    const struct refusals *others[] = {bulk_socket_refusals(d->bulk),
                                       admin_socket_refusals(d->admin),
                                       d->gate ? gate_refusals(d->gate) : NULL};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && others[i]; i++) {
        out->messages_refused += refusals_messages(others[i]);
        refusals_add_to(others[i], out->refusals);
    }
}

static void on_disk_full(void *arg)
{
    struct daemon *d = arg;
    reserve_spend(d->reserve, clock_mono_ms());
    settle_if_full(d);
}

static bool has_room(void *arg, uint64_t size_bytes)
{
    const struct daemon *d = arg;
    return reserve_has_room(d->reserve, size_bytes);
}

static enum err on_order(void *arg, const struct msg *in, struct msg *out,
                         struct errinfo *why)
{
    const struct daemon *d = arg;
    return turn_order(d->turn, in, worker_socket_now(), out, why);
}

static const char *listed_as(void *arg, const struct curve_public *key)
{
    const struct daemon *d = arg;
    return gate_name(d->gate, key);
}

// ---- opening

// A disk that is full to the brim has no room for the database's log: the reserve is
// there for that, too.
static enum err open_store(struct daemon *d, struct errinfo *why)
{
    enum err e = store_open(d->conf->dir, &d->store, why);
    if (e == ERR_FULL && !reserve_is_spent(d->reserve)) {
        reserve_spend(d->reserve, clock_mono_ms());
        e = store_open(d->conf->dir, &d->store, why);
    }
    return e;
}

static enum err open_stored(struct daemon *d, struct errinfo *why)
{
    enum err e = reserve_open(d->conf->dir, d->conf->reserve_bytes, clock_mono_ms(),
                              &d->reserve, why);
    if (e == ERR_OK) {
        e = open_store(d, why);
    }
    char path[FILE_PATH_MAX];
    if (e == ERR_OK) {
        e = file_path(path, sizeof(path), why, "%s/blobs", d->conf->dir);
    }
    return e == ERR_OK ? blob_store_open(path, NULL, &d->blobs, why) : e;
}

typedef enum err open_fn(struct daemon *d, struct endpoint *at, struct errinfo *why);

static enum err open_worker(struct daemon *d, struct endpoint *at, struct errinfo *why)
{
    return worker_socket_open(d->zctx, d->gate, at, &d->worker, why);
}

static enum err open_bulk(struct daemon *d, struct endpoint *at, struct errinfo *why)
{
    return bulk_socket_open(d->zctx, d->gate, at, &d->bulk, why);
}

static enum err open_admin(struct daemon *d, struct endpoint *at, struct errinfo *why)
{
    return admin_socket_open(d->zctx, d->gate, at, &d->admin, why);
}

// The port of the last run again, so that its workers find us; another one when that is
// taken meanwhile.
static enum err open_remembered(struct daemon *d, open_fn *open_at, const char *key,
                                struct endpoint *at, struct errinfo *why)
{
    char text[ENDPOINT_MAX];
    struct endpoint last;
    if (store_meta_get(d->store, key, text, sizeof(text)) == ERR_OK &&
        endpoint_parse(text, &last, NULL) == ERR_OK && !strcmp(last.host, at->host)) {
        at->port = last.port;
        enum err e = open_at(d, at, why);
        if (e != ERR_BUSY) {
            return e;
        }
        log_warn("port.taken", "socket=%s endpoint=%s", key, text);
        at->port = 0;
    }
    return open_at(d, at, why);
}

static enum err open_socket(struct daemon *d, open_fn *open_at, const char *key,
                            struct endpoint *at, struct errinfo *why)
{
    enum err e =
        at->port != 0 ? open_at(d, at, why) : open_remembered(d, open_at, key, at, why);
    if (e != ERR_OK) {
        return err_prefix(why, e, "%s", key);
    }
    char text[ENDPOINT_MAX];
    return store_meta_set(d->store, key, endpoint_print(at, text));
}

struct bound {
    struct endpoint worker, bulk, admin;
};

// Before any socket: whom it does not know, no socket hears.
static enum err open_gate(struct daemon *d, struct errinfo *why)
{
    if (!d->conf->key) {
        return ERR_OK;
    }
    const struct gate_conf conf = {.key = d->conf->key,
                                   .allow_path = d->conf->allow_path};
    return gate_open(d->zctx, &conf, &d->gate, why);
}

static enum err open_sockets(struct daemon *d, struct bound *at, struct errinfo *why)
{
    d->zctx = zmq_ctx_new();
    BUG_ON(!d->zctx);
    *at = (struct bound){d->conf->worker, d->conf->bulk, d->conf->admin};
    enum err e = open_gate(d, why);
    if (e == ERR_OK) {
        e = open_socket(d, open_worker, "worker_endpoint", &at->worker, why);
    }
    if (e == ERR_OK) {
        e = open_socket(d, open_bulk, "bulk_endpoint", &at->bulk, why);
    }
    if (e == ERR_OK) {
        e = open_socket(d, open_admin, "admin_endpoint", &at->admin, why);
    }
    return e;
}

static void start_signal(struct daemon *d, uv_signal_t *handle, int number)
{
    BUG_ON(uv_signal_init(&d->loop, handle) != 0);
    handle->data = d;
    if (number != SIGHUP || d->gate) { // without a list it ends us, as ever
        BUG_ON(uv_signal_start(handle, on_signal, number) != 0);
    }
}

static void start_handles(struct daemon *d)
{
    static const int numbers[N_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    BUG_ON(uv_timer_init(&d->loop, &d->tick) != 0);
    BUG_ON(uv_timer_init(&d->loop, &d->kick) != 0);
    d->tick.data = d->kick.data = d;
    BUG_ON(uv_timer_start(&d->tick, on_tick, TICK_MS, TICK_MS) != 0);
    for (int i = 0; i < N_SIGNALS; i++) {
        start_signal(d, &d->signals[i], numbers[i]);
    }
    d->is_running = true;
}

static enum err open_deciders(struct daemon *d, const struct bound *at,
                              struct errinfo *why)
{
    BUG_ON(uv_loop_init(&d->loop) != 0);
    d->has_loop = true;
    start_handles(d);
    const struct turn_ports ports = {.arg = d,
                                     .send = send_to_worker,
                                     .wake = wake,
                                     .listed_as = d->gate ? listed_as : NULL,
                                     .disk_full = on_disk_full,
                                     .has_room = has_room};
    enum err e =
        turn_create(d->store, d->blobs, &ports, worker_socket_now(), &d->turn, why);
    if (e != ERR_OK) {
        return e;
    }
    turn_set_bulk_port(d->turn, at->bulk.port);
    turn_settle_only(d->turn, reserve_is_spent(d->reserve));
    const struct driver_setup setup = {
        .loop = &d->loop,
        .store = d->store,
        .blobs = d->blobs,
        .dir = d->conf->dir,
        .worker_program = d->conf->worker_program,
        .hooks = turn_driver_hooks(d->turn),
        .report = report_write,
    };
    e = driver_create(&setup, &d->driver, why);
    if (e != ERR_OK) {
        return e;
    }
    turn_set_driver(d->turn, d->driver);
    for (size_t i = 0; i < d->conf->n_studies && e == ERR_OK; i++) {
        e = turn_add_study(d->turn, d->conf->studies[i], worker_socket_now(), why);
    }
    return e;
}

static bool is_in_use(void *arg, const char *hash)
{
    const struct daemon *d = arg;
    return driver_uses(d->driver, hash) || bulk_socket_uses(d->bulk, hash);
}

static bool is_verified(void *arg, const char *hash)
{
    struct daemon *d = arg;
    return scrub_is_verified(d->scrub, hash) || (scrub_want(d->scrub, hash), false);
}

static void on_read(void *arg, const char *hash, bool is_damaged)
{
    struct daemon *d = arg;
    if (is_damaged) {
        driver_artifact_lost(d->driver);
    }
    bulk_socket_read(d->bulk, hash);
}

static enum err start_scrub(struct daemon *d, struct errinfo *why)
{
    const struct scrub_setup setup = {.loop = &d->loop,
                                      .blob_dir = blob_store_dir(d->blobs),
                                      .arg = d,
                                      .read = on_read};
    return scrub_create(&setup, &d->scrub, why);
}

static enum err start_collector(struct daemon *d, struct errinfo *why)
{
    const struct collector_setup setup = {
        .loop = &d->loop,
        .dir = d->conf->dir,
        .blob_dir = blob_store_dir(d->blobs),
        .rules = {.keep_rounds = d->conf->keep_rounds,
                  .superseded_ms = COLLECTOR_SUPERSEDED_MS,
                  .orphan_ms = COLLECTOR_ORPHAN_MS},
        .arg = d,
        .is_in_use = is_in_use,
    };
    enum err e = collector_create(&setup, &d->collector, why);
    if (e == ERR_OK) {
        collector_hurry(d->collector, reserve_is_spent(d->reserve));
    }
    return e;
}

static enum err start_sockets(struct daemon *d, struct errinfo *why)
{
    const struct admin_hooks hooks = {.arg = d,
                                      .status = fill_status,
                                      .drain = drain,
                                      .takes_order = turn_takes_order,
                                      .order = on_order};
    enum err e = d->gate ? gate_start(d->gate, &d->loop, why) : ERR_OK;
    if (e == ERR_OK) {
        e = worker_socket_start(d->worker, &d->loop, d->turn, why);
    }
    if (e == ERR_OK) {
        const struct bulk_keeper keeper = {.arg = d, .is_verified = is_verified};
        e = bulk_socket_start(d->bulk, &d->loop, d->blobs, &keeper, d->turn, why);
    }
    return e == ERR_OK ? admin_socket_start(d->admin, &d->loop, &hooks, why) : e;
}

// A wildcard is where we listen, not where one connects to.
static void print_reachable(struct buf *out, const char *key, struct endpoint at)
{
    if (strcmp(at.host, "*") == 0 || strcmp(at.host, "0.0.0.0") == 0) {
        memcpy(at.host, "127.0.0.1", sizeof("127.0.0.1"));
    } else if (strcmp(at.host, "[::]") == 0) {
        memcpy(at.host, "[::1]", sizeof("[::1]"));
    }
    char text[ENDPOINT_MAX];
    buf_addf(out, "%s=%s\n", key, endpoint_print(&at, text));
}

static enum err write_endpoints(const struct daemon *d, const struct bound *at,
                                struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_path(path, sizeof(path), why, "%s/endpoints", d->conf->dir);
    if (e != ERR_OK) {
        return e;
    }
    struct buf text = BUF_INIT;
    print_reachable(&text, "worker", at->worker);
    print_reachable(&text, "bulk", at->bulk);
    print_reachable(&text, "admin", at->admin);
    if (d->conf->key) {
        char hex[CURVE_HEX_MAX];
        buf_addf(&text, "public=%s\n",
                 curve_public_print(curve_key_public(d->conf->key), hex));
    }
    buf_addf(&text, "pid=%ld\n", (long)getpid());
    e = file_write(path, text.data, text.len, why);
    buf_fini(&text);
    return e;
}

static void remove_endpoints(const struct daemon *d)
{
    char path[FILE_PATH_MAX];
    if (file_path(path, sizeof(path), NULL, "%s/endpoints", d->conf->dir) == ERR_OK) {
        unlink(path);
    }
}

static enum err open_all(struct daemon *d, struct errinfo *why)
{
    struct bound at;
    enum err e = open_stored(d, why);
    if (e != ERR_OK) {
        return e;
    }
    remove_endpoints(d); // of a process that was killed: they mean nothing any more
    e = open_sockets(d, &at, why);
    if (e == ERR_OK) {
        e = open_deciders(d, &at, why);
    }
    if (e == ERR_OK) {
        e = start_scrub(d, why);
    }
    if (e == ERR_OK) {
        e = start_sockets(d, why);
    }
    if (e == ERR_OK) {
        e = start_collector(d, why);
    }
    if (e == ERR_OK) {
        e = write_endpoints(d, &at, why);
    }
    if (e == ERR_OK) {
        char text[ENDPOINT_MAX];
        log_info("coordinator.listening", "worker=%s bulk_port=%u admin_port=%u",
                 endpoint_print(&at.worker, text), at.bulk.port, at.admin.port);
    }
    return e;
}

// ---- closing

static void stop_handles(struct daemon *d)
{
    uv_close((uv_handle_t *)&d->tick, NULL);
    uv_close((uv_handle_t *)&d->kick, NULL);
    for (int i = 0; i < N_SIGNALS; i++) {
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    }
}

static void stop_sockets(struct daemon *d)
{
    gate_stop(d->gate);
    if (d->worker) {
        worker_socket_stop(d->worker);
    }
    if (d->admin) {
        admin_socket_stop(d->admin);
    }
    if (d->bulk) {
        bulk_socket_stop(d->bulk);
    }
}

// Whatever is open, in an order in which nothing is used after it was closed.
static void close_all(struct daemon *d)
{
    if (d->is_running) {
        stop_handles(d);
    }
    stop_sockets(d);
    scrub_destroy(d->scrub);
    collector_destroy(d->collector);
    driver_destroy(d->driver);
    if (d->has_loop) {
        uv_run(&d->loop, UV_RUN_DEFAULT);
        BUG_ON(uv_loop_close(&d->loop) != 0);
    }
    turn_destroy(d->turn);
    worker_socket_close(d->worker);
    bulk_socket_close(d->bulk);
    admin_socket_close(d->admin);
    gate_close(d->gate);
    if (d->zctx) {
        zmq_ctx_term(d->zctx);
    }
    blob_store_close(d->blobs);
    store_close(d->store);
    reserve_close(d->reserve);
}

static bool note_failed(void *arg, const struct study_row *row)
{
    bool *has_failed = arg;
    *has_failed |= row->state == STUDY_FAILED || row->state == STUDY_CANCELLED;
    return !*has_failed;
}

enum err daemon_run(const struct daemon_conf *conf, bool *has_failed,
                    struct errinfo *why)
{
    struct daemon *d = calloc(1, sizeof(*d));
    BUG_ON(!d);
    d->conf = conf;
    d->parent = getppid();
    d->notify = notify_open();
    *has_failed = false;
    enum err e = open_all(d, why);
    if (e == ERR_OK) {
        notify_ready(d->notify);
        uv_run(&d->loop, UV_RUN_DEFAULT);
        remove_endpoints(d);
        e = study_row_each(d->store, note_failed, has_failed, why);
    }
    close_all(d);
    notify_close(d->notify);
    free(d);
    return e;
}
