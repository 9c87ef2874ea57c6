// SPDX-License-Identifier: Apache-2.0
// supervise.c - see supervise.h.
#include "coordinator/cli/supervise.h"

#include "common/base/clock.h"
#include "coordinator/cli/backoff.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct child {
    struct supervise *owner;
    unsigned number;
    char name[32];
    bool is_running;
    uv_process_t process;
    struct supervise_end end;
    uv_timer_t timer; // until it starts again
    struct backoff backoff;
};

struct supervise {
    uv_loop_t *loop;
    char log_dir[FILE_PATH_MAX];
    struct supervise_hooks hooks;
    bool is_stopped;
    unsigned n;
    struct child children[];
};

void supervise_arg(struct supervise_args *args, const char *format, ...)
{
    BUG_ON(args->n == SUPERVISE_ARGS_MAX);
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(args->text[args->n++], FILE_PATH_MAX, format, ap);
    va_end(ap);
    BUG_ON(n < 0 || n >= FILE_PATH_MAX);
}

struct supervise *supervise_create(uv_loop_t *loop, unsigned n, const char *log_dir,
                                   const struct supervise_hooks *hooks)
{
    struct supervise *s = calloc(1, sizeof(*s) + n * sizeof(s->children[0]));
    BUG_ON(!s);
    s->loop = loop;
    snprintf(s->log_dir, sizeof(s->log_dir), "%s", log_dir);
    s->hooks = *hooks;
    s->n = n;
    for (unsigned i = 0; i < n; i++) {
        struct child *c = &s->children[i];
        c->owner = s;
        c->number = i;
        c->process.data = c->timer.data = c;
        uv_timer_init(loop, &c->timer);
    }
    return s;
}

void supervise_destroy(struct supervise *s)
{
    free(s);
}

void supervise_name(struct supervise *s, unsigned child, const char *name)
{
    BUG_ON(child >= s->n);
    snprintf(s->children[child].name, sizeof(s->children[child].name), "%s", name);
}

const char *supervise_name_of(const struct supervise *s, unsigned child)
{
    BUG_ON(child >= s->n);
    return s->children[child].name;
}

void supervise_log_path(const struct supervise *s, unsigned child,
                        char out[static FILE_PATH_MAX])
{
    BUG_ON(child >= s->n);
    snprintf(out, FILE_PATH_MAX, "%s/%s.log", s->log_dir, s->children[child].name);
}

static void on_timer(uv_timer_t *t);

static void start_again(struct child *c)
{
    struct supervise *s = c->owner;
    int64_t wait_ms = backoff_died(&c->backoff, clock_mono_ms());
    if (wait_ms >= 0) {
        uv_timer_start(&c->timer, on_timer, (uint64_t)wait_ms, 0);
    }
    s->hooks.again(s->hooks.arg, c->number, &c->end, wait_ms);
}

static void on_process_closed(uv_handle_t *h)
{
    struct child *c = h->data;
    struct supervise *s = c->owner;
    bool again = s->hooks.ended(s->hooks.arg, c->number, &c->end);
    if (!again || s->is_stopped) {
        return;
    }
    start_again(c);
}

static void on_process_exit(uv_process_t *p, int64_t exit_status, int signal)
{
    struct child *c = p->data;
    c->is_running = false;
    c->end = (struct supervise_end){exit_status, signal};
    uv_close((uv_handle_t *)p, on_process_closed);
}

// A start that fails (no memory for a process, say) counts as a death.
static void on_timer(uv_timer_t *t)
{
    struct child *c = t->data;
    struct supervise *s = c->owner;
    if (supervise_start(s, c->number, NULL)) {
        start_again(c);
    }
}

static int spawn(struct child *c, int log_fd)
{
    struct supervise *s = c->owner;
    struct supervise_args *args = calloc(1, sizeof(*args));
    BUG_ON(!args);
    s->hooks.command(s->hooks.arg, c->number, args);
    char *argv[SUPERVISE_ARGS_MAX + 1] = {NULL};
    for (size_t i = 0; i < args->n; i++) {
        argv[i] = args->text[i];
    }
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    for (int i = 1; i < 3; i++) {
        stdio[i].flags = UV_INHERIT_FD;
        stdio[i].data.fd = log_fd;
    }
    uv_process_options_t options = {
        .exit_cb = on_process_exit,
        .file = argv[0],
        .args = argv,
        .flags = UV_PROCESS_DETACHED, // a session of its own
        .stdio_count = 3,
        .stdio = stdio,
    };
    int rc = uv_spawn(s->loop, &c->process, &options);
    c->process.data = c;
    free(args);
    return rc;
}

enum err supervise_start(struct supervise *s, unsigned child, struct errinfo *why)
{
    BUG_ON(child >= s->n || s->children[child].is_running);
    struct child *c = &s->children[child];
    char path[FILE_PATH_MAX];
    supervise_log_path(s, child, path);
    int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log_fd < 0) {
        return err_set(why, ERR_IO, "cannot write %s: %m", path);
    }
    int rc = spawn(c, log_fd);
    close(log_fd);
    if (rc) {
        uv_close((uv_handle_t *)&c->process, NULL);
        return err_set(why, ERR_IO, "cannot start %s: %s", c->name, uv_strerror(rc));
    }
    c->is_running = true;
    return ERR_OK;
}

void supervise_signal(struct supervise *s, unsigned child, int signal)
{
    BUG_ON(child >= s->n);
    if (s->children[child].is_running) {
        uv_process_kill(&s->children[child].process, signal);
    }
}

bool supervise_is_running(const struct supervise *s, unsigned child)
{
    BUG_ON(child >= s->n);
    return s->children[child].is_running;
}

long supervise_pid(const struct supervise *s, unsigned child)
{
    return supervise_is_running(s, child) ? (long)s->children[child].process.pid : 0;
}

unsigned supervise_count_running(const struct supervise *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->n; i++) {
        n += s->children[i].is_running;
    }
    return n;
}

void supervise_stop(struct supervise *s)
{
    if (s->is_stopped) {
        return;
    }
    s->is_stopped = true;
    for (unsigned i = 0; i < s->n; i++) {
        uv_close((uv_handle_t *)&s->children[i].timer, NULL);
    }
}
