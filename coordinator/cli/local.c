// SPDX-License-Identifier: Apache-2.0
// local.c - see local.h.
#include "coordinator/cli/local.h"

#include "common/base/clock.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/display.h"
#include "coordinator/cli/handoff.h"
#include "coordinator/cli/report.h"
#include "coordinator/cli/rundir.h"
#include "coordinator/cli/supervise.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS        100   // looks for the endpoints file, redraws
#define STATUS_MS      1000  // asks how things stand
#define SILENCE_MS     5000  // without an answer: say so
#define STOP_GRACE_MS  10000 // from SIGTERM to SIGKILL once nothing is left to do
#define LOG_TAIL_LINES 12

#define COORDINATOR 0 // its number among the children; workers are 1..n

enum phase { PHASE_RUNNING, PHASE_DRAINING, PHASE_STOPPING };

struct local {
    const struct local_conf *conf;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_signal_t signals[3];
    struct supervise *children;
    struct client *client;
    struct display *display;
    char coordinator_program[FILE_PATH_MAX];
    char worker_program[FILE_PATH_MAX]; // empty where no worker is wanted

    enum phase phase;
    bool is_connected; // endpoints are those of the coordinator that runs now
    struct rundir_endpoints endpoints;
    int64_t ask_ms;      // when to ask for status next
    int64_t answered_ms; // when an answer last came
    bool has_status;
    struct msg_status_reply *status;
    int64_t kill_ms;                      // PHASE_STOPPING: when patience ends
    bool has_left[LOCAL_WORKERS_MAX + 1]; // workers that said goodbye: exit status 0
    int64_t failed_before_ms;             // the study, in an earlier run; 0: it has not

    enum local_end end;
    enum err error; // why the run ends early
    struct errinfo *why;
};

static unsigned n_children(const struct local *l)
{
    return l->conf->n_workers + 1;
}

static void signal_workers(struct local *l, int signal)
{
    for (unsigned i = 1; i < n_children(l); i++) {
        supervise_signal(l->children, i, signal);
    }
}

static void close_all(struct local *l)
{
    uv_close((uv_handle_t *)&l->tick, NULL);
    for (size_t i = 0; i < 3; i++) {
        uv_close((uv_handle_t *)&l->signals[i], NULL);
    }
    client_stop(l->client);
}

// Nothing more is to come: everybody leaves. The loop ends when the last child did.
static void stop(struct local *l, int signal)
{
    if (l->phase != PHASE_STOPPING) {
        l->phase = PHASE_STOPPING;
        l->kill_ms = clock_mono_ms() + STOP_GRACE_MS;
        supervise_stop(l->children);
    }
    signal_workers(l, signal);
    supervise_signal(l->children, COORDINATOR, signal);
}

// A process of ours does not come back: the run fails with what it said last.
static void fail_with_log(struct local *l, unsigned child, enum err e, const char *what)
{
    char path[FILE_PATH_MAX];
    struct buf tail = BUF_INIT;
    supervise_log_path(l->children, child, path);
    rundir_tail(path, LOG_TAIL_LINES, &tail);
    if (!l->conf->is_quiet && tail.len) {
        display_say(l->display, "%s ends with:\n%.*s", path, (int)tail.len - 1,
                    tail.data);
    }
    buf_fini(&tail);
    if (!l->error) {
        l->error = err_set(l->why, e, "%s %s; see %s",
                           supervise_name_of(l->children, child), what, path);
    }
    stop(l, SIGTERM);
}

static void coordinator_command(struct local *l, struct supervise_args *args)
{
    supervise_arg(args, "%s", l->coordinator_program);
    supervise_arg(args, "--dir");
    supervise_arg(args, "%s", l->conf->dir);
    supervise_arg(args, "--study");
    supervise_arg(args, "%s", l->conf->study);
    if (*l->worker_program) {
        supervise_arg(args, "--worker-program");
        supervise_arg(args, "%s", l->worker_program);
    }
    supervise_arg(args, "--with-parent");
    supervise_arg(args, "--exit-when-done");
}

static void worker_command(struct local *l, unsigned child, struct supervise_args *args)
{
    supervise_arg(args, "%s", l->worker_program);
    supervise_arg(args, "--connect");
    supervise_arg(args, "%s", l->endpoints.worker);
    supervise_arg(args, "--dir");
    supervise_arg(args, "%s/workers/%u", l->conf->dir, child);
    supervise_arg(args, "--artifacts");
    supervise_arg(args, "%s/blobs", l->conf->dir);
    supervise_arg(args, "--threads");
    supervise_arg(args, "%u", l->conf->n_threads);
    supervise_arg(args, "--name");
    supervise_arg(args, "%s", supervise_name_of(l->children, child));
    if (l->conf->device && child == 1) { // two at once would time each other
        supervise_arg(args, "--device");
        supervise_arg(args, "%s", l->conf->device);
    }
    supervise_arg(args, "--with-parent");
}

static void on_command(void *arg, unsigned child, struct supervise_args *args)
{
    struct local *l = arg;
    if (child == COORDINATOR) {
        l->is_connected = false;
        coordinator_command(l, args);
    } else {
        worker_command(l, child, args);
    }
}

// When the study last failed, by its row; 0 when it has not.
static int64_t failed_ms(const struct local *l)
{
    struct study_row row;
    bool has_failed = report_peek(l->conf->dir, l->conf->name, &row, NULL) == ERR_OK &&
                      (row.state == STUDY_FAILED || row.state == STUDY_CANCELLED);
    return has_failed ? row.updated_ms : 0;
}

// A coordinator whose study failed exits with a status; that is no crash. A failure
// from before this run is none of its: it ended for another reason, before it could try
// again.
static bool has_study_failed(const struct local *l)
{
    int64_t now_ms = failed_ms(l);
    return now_ms != 0 && now_ms != l->failed_before_ms;
}

static bool coordinator_ended(struct local *l, const struct supervise_end *end)
{
    if (!end->signal && (end->exit_status == 0 || has_study_failed(l))) {
        stop(l, SIGTERM);
        return false;
    }
    if (!end->signal && end->exit_status == 2) {
        fail_with_log(l, COORDINATOR, ERR_INPUT, "refused its input");
        return false;
    }
    if (l->phase == PHASE_DRAINING) {
        stop(l, SIGTERM);
        return false;
    }
    return true;
}

// After a drain the workers are the first to go, then the coordinator.
static void end_drain(struct local *l)
{
    bool has_workers = supervise_count_running(l->children) >
                       supervise_is_running(l->children, COORDINATOR);
    if (l->phase == PHASE_DRAINING && !has_workers) {
        stop(l, SIGTERM);
    }
}

static bool on_ended(void *arg, unsigned child, const struct supervise_end *end)
{
    struct local *l = arg;
    bool again = false;
    if (child == COORDINATOR) {
        again = coordinator_ended(l, end);
    } else if (!end->signal && end->exit_status == 2) {
        fail_with_log(l, child, ERR_INPUT, "refused its command line");
    } else if (!end->signal && end->exit_status == 0) {
        l->has_left[child] = true; // told to, perhaps: the next answer tells
    } else {
        again = l->phase == PHASE_RUNNING;
    }
    end_drain(l);
    return again;
}

static bool has_other_worker(const struct local *l, unsigned child)
{
    for (unsigned i = 1; i < n_children(l); i++) {
        if (i != child && supervise_is_running(l->children, i)) {
            return true;
        }
    }
    return false;
}

static void on_again(void *arg, unsigned child, const struct supervise_end *end,
                     int64_t wait_ms)
{
    struct local *l = arg;
    char how[64];
    const char *name = supervise_name_of(l->children, child);
    snprintf(how, sizeof(how), "%s %d", end->signal ? "signal" : "exit status",
             end->signal ? end->signal : (int)end->exit_status);
    if (wait_ms < 0 && (child == COORDINATOR || !has_other_worker(l, child))) {
        fail_with_log(l, child, ERR_IO, "died too often");
    } else if (wait_ms < 0) {
        display_say(l->display, "%s died (%s) too often and is left out; see %s/logs",
                    name, how, l->conf->dir);
    } else if (!l->conf->is_quiet) {
        display_say(l->display, "%s died (%s); it starts again in %.1f s", name, how,
                    (double)wait_ms / 1e3);
    }
}

static void start_workers(struct local *l)
{
    for (unsigned i = 1; i < n_children(l); i++) {
        enum err e = supervise_start(l->children, i, l->why);
        if (e) {
            l->error = e;
            stop(l, SIGTERM);
            return;
        }
    }
}

// The coordinator that runs now has said where it listens.
static void connect_to(struct local *l, const struct rundir_endpoints *at)
{
    bool is_first = !*l->endpoints.worker;
    bool has_moved = !is_first && strcmp(l->endpoints.worker, at->worker) != 0;
    l->endpoints = *at;
    l->is_connected = true;
    l->answered_ms = clock_mono_ms();
    enum err e = client_connect(l->client, at->admin, l->why);
    if (e) {
        l->error = e;
        stop(l, SIGTERM);
    } else if (is_first) {
        start_workers(l);
    } else if (has_moved) {
        signal_workers(l, SIGKILL); // they start again with the new endpoint
    }
}

static void look_for_endpoints(struct local *l)
{
    struct rundir_endpoints at = {.pid = 0};
    long pid = supervise_pid(l->children, COORDINATOR);
    if (pid && !rundir_endpoints(l->conf->dir, &at, NULL) && at.pid == pid) {
        connect_to(l, &at);
    }
}

static unsigned count_workers(const struct local *l, const char *state)
{
    unsigned n = 0;
    for (uint32_t i = 0; l->has_status && i < l->status->n_workers; i++) {
        n += !strcmp(l->status->workers[i].state, state);
    }
    return n;
}

static void note(const struct local *l, int64_t now_ms, struct buf *out)
{
    buf_addf(out, "%s", "");
    if (l->phase == PHASE_DRAINING) {
        unsigned n = count_workers(l, "busy") + count_workers(l, "draining");
        if (n) {
            buf_addf(out, "draining: finishing %u task%s; ", n, n == 1 ? "" : "s");
        } else {
            buf_addf(out, "draining; ");
        }
        buf_addf(out, "Ctrl-C again to stop now");
    } else if (l->phase == PHASE_STOPPING) {
        buf_addf(out, "stopping");
    } else if (!l->is_connected) {
        buf_addf(out, "starting");
    } else if (now_ms - l->answered_ms > SILENCE_MS) {
        buf_addf(out, "the coordinator has not answered for %d s",
                 (int)((now_ms - l->answered_ms) / 1000));
    } else if (l->has_status && l->status->is_disk_full) {
        buf_addf(out, "the disk of %s is full: waiting for room", l->conf->dir);
    }
}

static void show(struct local *l, int64_t now_ms)
{
    struct buf text = BUF_INIT;
    note(l, now_ms, &text);
    bool has_study = l->has_status && l->status->n_studies;
    struct display_view view = {
        .study = has_study ? &l->status->studies[0] : NULL,
        .n_busy = count_workers(l, "busy"),
        .n_workers = l->conf->n_workers,
        .note = text.data,
    };
    if (view.study || *view.note) {
        display_show(l->display, &view, now_ms);
    }
    buf_fini(&text);
}

static void on_tick(uv_timer_t *t)
{
    struct local *l = t->data;
    int64_t now_ms = clock_mono_ms();
    if (!l->is_connected && l->phase != PHASE_STOPPING) {
        look_for_endpoints(l);
    }
    if (l->is_connected && now_ms >= l->ask_ms) {
        client_ask(l->client, MSG_STATUS);
        l->ask_ms = now_ms + STATUS_MS;
        show(l, now_ms);
    }
    if (l->phase == PHASE_STOPPING && now_ms >= l->kill_ms) {
        stop(l, SIGKILL);
    }
    if (l->phase == PHASE_STOPPING && supervise_count_running(l->children) == 0) {
        close_all(l);
    }
}

// Workers leave when the coordinator drains. One that does not drain wants them back.
static void call_back(struct local *l)
{
    bool is_wanted = l->phase == PHASE_RUNNING && !l->status->is_draining;
    for (unsigned i = 1; is_wanted && i < n_children(l); i++) {
        if (l->has_left[i] && supervise_start(l->children, i, NULL) == ERR_OK) {
            l->has_left[i] = false;
        }
    }
}

static void on_answer(void *arg, const struct msg *answer)
{
    struct local *l = arg;
    if (answer->kind == MSG_STATUS_REPLY) {
        *l->status = answer->status_reply;
        l->has_status = true;
        l->answered_ms = clock_mono_ms();
        call_back(l);
        show(l, l->answered_ms);
    }
}

static void on_signal(uv_signal_t *h, int signal)
{
    struct local *l = h->data;
    (void)signal;
    if (l->phase != PHASE_RUNNING) {
        l->end = l->end == LOCAL_DRAINED ? LOCAL_KILLED : l->end;
        stop(l, SIGKILL);
        return;
    }
    l->phase = PHASE_DRAINING;
    l->end = LOCAL_DRAINED;
    supervise_stop(l->children);
    client_ask(l->client, MSG_DRAIN);
    signal_workers(l, SIGTERM);
    show(l, clock_mono_ms());
    end_drain(l);
    if (!supervise_is_running(l->children, COORDINATOR)) {
        stop(l, SIGTERM); // no one is there to take results
    }
}

static void watch_signals(struct local *l)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < 3; i++) {
        uv_signal_init(&l->loop, &l->signals[i]);
        l->signals[i].data = l;
        uv_signal_start(&l->signals[i], on_signal, numbers[i]);
    }
}

static enum err set_up(struct local *l)
{
    static const struct curve_link in_the_open = {.mine = NULL}; // this machine alone
    char logs[FILE_PATH_MAX];
    const struct supervise_hooks hooks = {l, on_command, on_ended, on_again};
    enum err e = handoff_find("voxarch-coordinator", l->coordinator_program, l->why);
    if (!e && l->conf->n_workers > 0) {
        e = handoff_find("voxarch-worker", l->worker_program, l->why);
    }
    if (!e) {
        e = file_path(logs, sizeof(logs), l->why, "%s/logs", l->conf->dir);
    }
    if (!e) {
        e = file_make_dirs(logs, l->why);
    }
    if (!e) {
        e = client_create(&l->loop, &in_the_open, on_answer, l, &l->client, l->why);
    }
    if (e) {
        return e;
    }
    l->children = supervise_create(&l->loop, n_children(l), logs, &hooks);
    supervise_name(l->children, COORDINATOR, "coordinator");
    for (unsigned i = 1; i < n_children(l); i++) {
        char name[32];
        snprintf(name, sizeof(name), "worker-%u", i);
        supervise_name(l->children, i, name);
    }
    watch_signals(l);
    uv_timer_init(&l->loop, &l->tick);
    l->tick.data = l;
    uv_timer_start(&l->tick, on_tick, 0, TICK_MS);
    return ERR_OK;
}

enum err local_run(const struct local_conf *conf, enum local_end *end,
                   struct errinfo *why)
{
    BUG_ON(conf->n_workers > LOCAL_WORKERS_MAX);
    struct local *l = calloc(1, sizeof(*l));
    BUG_ON(!l);
    l->conf = conf;
    l->why = why;
    l->status = calloc(1, sizeof(*l->status));
    BUG_ON(!l->status || uv_loop_init(&l->loop));
    signal(SIGPIPE, SIG_IGN); // a terminal that went away must not end a search
    l->display = display_create(stderr, conf->is_quiet);
    enum err e = set_up(l);
    if (!e) {
        l->failed_before_ms = failed_ms(l);
        e = supervise_start(l->children, COORDINATOR, why);
        if (e) {
            stop(l, SIGTERM);
        }
    }
    uv_run(&l->loop, UV_RUN_DEFAULT);
    display_erase(l->display);
    client_destroy(l->client);
    supervise_destroy(l->children);
    display_destroy(l->display);
    BUG_ON(uv_loop_close(&l->loop));
    *end = l->end;
    e = e ? e : l->error;
    free(l->status);
    free(l);
    return e;
}
