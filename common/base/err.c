// SPDX-License-Identifier: Apache-2.0
// err.c - see err.h.
#include "common/base/err.h"

#include "common/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [ERR_OK] = "ok",
    [ERR_INPUT] = "input",
    [ERR_LIMIT] = "limit",
    [ERR_PROTO] = "proto",
    [ERR_AUTH] = "auth",
    [ERR_STALE] = "stale",
    [ERR_NOTFOUND] = "notfound",
    [ERR_BUSY] = "busy",
    [ERR_IO] = "io",
    [ERR_CORRUPT] = "corrupt",
    [ERR_NUMERIC] = "numeric",
    [ERR_NOMEM] = "nomem",
    [ERR_CANCELLED] = "cancelled",
    [ERR_FULL] = "full",
};

static void (*on_bug)(void);

const char *err_name(enum err e)
{
    size_t i = (size_t)e;
    return i < sizeof(names) / sizeof(names[0]) ? names[i] : "unknown";
}

enum err err_set(struct errinfo *why, enum err e, const char *format, ...)
{
    if (why) {
        va_list ap;
        va_start(ap, format);
        vsnprintf(why->text, sizeof(why->text), format, ap);
        va_end(ap);
        why->code = e;
    }
    return e;
}

enum err err_prefix(struct errinfo *why, enum err e, const char *format, ...)
{
    if (why) {
        char rest[ERRINFO_MAX];
        memcpy(rest, why->text, sizeof(rest));
        va_list ap;
        va_start(ap, format);
        int n = vsnprintf(why->text, sizeof(why->text), format, ap);
        va_end(ap);
        size_t at = n < 0 ? 0 : (size_t)n;
        if (at < sizeof(why->text)) {
            snprintf(why->text + at, sizeof(why->text) - at, ": %.*s",
                     (int)(sizeof(rest) - 1), rest);
        }
        why->code = e;
    }
    return e;
}

int err_exit_status(enum err e)
{
    if (e == ERR_OK) {
        return 0;
    }
    return e == ERR_INPUT || e == ERR_LIMIT || e == ERR_NOTFOUND ? 2 : 1;
}

void err_on_bug(void (*hook)(void))
{
    on_bug = hook;
}

_Noreturn void err_bug(const char *file, int line, const char *what)
{
    const int number = errno; // for the hook, whatever printing does
    log_error("bug.found", "at=%s:%d what=\"%s\"", file, line, what);
    errno = number;
    if (on_bug) {
        on_bug();
    }
    abort();
}
