// SPDX-License-Identifier: Apache-2.0
// log.c - see log.h.
#include "common/base/log.h"

#include "common/base/clock.h"
#include "common/base/logfmt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048

static const char *log_program = "voxarch";
static long log_pid;
static enum log_level log_threshold = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_init(const char *program, enum log_level level)
{
    log_program = program;
    log_pid = (long)getpid();
    log_threshold = level;
}

enum err log_level_parse(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return ERR_OK;
        }
    }
    return ERR_INPUT;
}

// A calendar is not consulted for every one of the thousand lines of a second.
static const char *stamp_of(time_t seconds)
{
    static _Thread_local char stamp[32];
    static _Thread_local time_t stamped = -1;
    if (seconds != stamped) {
        struct tm utc;
        gmtime_r(&seconds, &utc);
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
        stamped = seconds;
    }
    return stamp;
}

static size_t write_head(char *line, enum log_level level, const char *event)
{
    int64_t now_ms = clock_wall_ms();
    int n =
        snprintf(line, LOG_LINE_MAX, "ts=%s.%03dZ level=%s prog=%s pid=%ld event=%s ",
                 stamp_of((time_t)(now_ms / 1000)), (int)(now_ms % 1000),
                 level_names[level], log_program, log_pid, event);
    return n < 0 ? 0 : (size_t)n;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < log_threshold) {
        return;
    }
    char line[LOG_LINE_MAX + 1];
    size_t at = write_head(line, level, event);
    va_list ap;
    va_start(ap, format);
    size_t len = at + logfmt_print(line + at, LOG_LINE_MAX - at, format, ap);
    va_end(ap);
    line[len] = '\n';
    ssize_t done = write(STDERR_FILENO, line, len + 1);
    (void)done; // nobody is left to tell
}

bool log_relay(const char *line)
{
    size_t n = strlen(line);
    if (n >= LOG_LINE_MAX || strncmp(line, "ts=", 3) != 0 || !logfmt_is_line(line, n)) {
        return false;
    }
    char newline = '\n';
    const struct iovec whole[] = {{(void *)line, n}, {&newline, 1}};
    ssize_t done = writev(STDERR_FILENO, whole, 2);
    (void)done;
    return true;
}
