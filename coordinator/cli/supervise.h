// SPDX-License-Identifier: Apache-2.0
// supervise.h - child processes: started with a log, told of, started again.
//
// Each child has a number, a name and a log file its output is appended to. When one
// ends, the owner is asked what to do: leave it, or start it again after a wait that
// grows (backoff.h). Children get a session of their own, so that Ctrl-C on the
// terminal reaches only the owner, who decides.
//
// Owns: its processes' handles and timers. Borrows: the loop. Threads: loop thread.
#ifndef COORDINATOR_CLI_SUPERVISE_H
#define COORDINATOR_CLI_SUPERVISE_H

#include "common/base/file.h"

#include <uv.h>

#include <stdbool.h>

#define SUPERVISE_ARGS_MAX 24

struct supervise;

struct supervise_args { // of one start; [0] is the program's path
    size_t n;
    char text[SUPERVISE_ARGS_MAX][FILE_PATH_MAX];
};
void supervise_arg(struct supervise_args *args, const char *format, ...) PRINTF(2, 3);

struct supervise_end {
    int64_t exit_status;
    int signal; // 0 = it exited
};

struct supervise_hooks {
    void *arg;
    // Fills the command line, before each start.
    void (*command)(void *arg, unsigned child, struct supervise_args *args);
    // It ended. True: start it again when the back-off allows.
    bool (*ended)(void *arg, unsigned child, const struct supervise_end *end);
    // Having ended so, it starts again in wait_ms; negative: too often, it will not.
    void (*again)(void *arg, unsigned child, const struct supervise_end *end,
                  int64_t wait_ms);
};

// For children 0..n-1; logs go to log_dir/NAME.log once named.
struct supervise *supervise_create(uv_loop_t *loop, unsigned n, const char *log_dir,
                                   const struct supervise_hooks *hooks);
// After supervise_stop and a loop that ran until idle. NULL is fine.
void supervise_destroy(struct supervise *s);

void supervise_name(struct supervise *s, unsigned child, const char *name);
const char *supervise_name_of(const struct supervise *s, unsigned child);
void supervise_log_path(const struct supervise *s, unsigned child,
                        char out[static FILE_PATH_MAX]);

MUST_CHECK enum err supervise_start(struct supervise *s, unsigned child,
                                    struct errinfo *why);
void supervise_signal(struct supervise *s, unsigned child, int signal);
bool supervise_is_running(const struct supervise *s, unsigned child);
long supervise_pid(const struct supervise *s, unsigned child); // 0 = not running
unsigned supervise_count_running(const struct supervise *s);

// No child starts again from now on; those that run go on running.
void supervise_stop(struct supervise *s);

#endif
