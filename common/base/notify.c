// SPDX-License-Identifier: Apache-2.0
// notify.c - see notify.h.
#include "common/base/notify.h"

#include "common/base/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATUS_MAX 160

struct notify {
    int fd;
    struct sockaddr_un to;
    socklen_t to_bytes;
    int64_t watchdog_ms; // 0 = none
    int64_t alive_ms;    // last told
    char status[STATUS_MAX];
};

// "/run/systemd/notify", or "@name" for an abstract one.
static bool read_address(const char *text, struct notify *n)
{
    size_t len = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || len < 2 ||
        len >= sizeof(n->to.sun_path)) {
        return false;
    }
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, text, len + 1);
    n->to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    if (text[0] == '@') {
        n->to.sun_path[0] = '\0';
        n->to_bytes--; // its name ends with its length
    }
    return true;
}

// NOLINTBEGIN(concurrency-mt-unsafe): before there are other threads
static int64_t watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    bool is_ours = !pid || strtol(pid, NULL, 10) == (long)getpid();
    return usec && is_ours ? (int64_t)(strtoull(usec, NULL, 10) / 1000) : 0;
}

struct notify *notify_open(void)
{
    const char *socket_name = getenv("NOTIFY_SOCKET");
    struct notify *n = socket_name ? calloc(1, sizeof(*n)) : NULL;
    BUG_ON(socket_name && !n);
    if (n && !read_address(socket_name, n)) {
        log_warn("notify.unknown", "socket=\"%s\"", socket_name);
        free(n);
        n = NULL;
    }
    if (n) {
        n->watchdog_ms = watchdog_ms();
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return n;
}
// NOLINTEND(concurrency-mt-unsafe)

void notify_close(struct notify *n)
{
    if (n && n->fd >= 0) {
        close(n->fd);
    }
    free(n);
}

// Never waits: a manager that does not read is not to stop us.
static bool tell(const struct notify *n, const char *text)
{
    ssize_t done = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
                          (const struct sockaddr *)&n->to, n->to_bytes);
    if (done < 0) {
        log_debug("notify.unsent", "errno=%d", errno);
    }
    return done >= 0;
}

void notify_ready(struct notify *n)
{
    if (n) {
        tell(n, "READY=1");
    }
}

void notify_stopping(struct notify *n)
{
    if (n) {
        tell(n, "STOPPING=1");
    }
}

void notify_status(struct notify *n, const char *text)
{
    if (!n || strncmp(n->status, text, sizeof(n->status) - 1) == 0) {
        return;
    }
    char line[STATUS_MAX + sizeof("STATUS=")];
    snprintf(n->status, sizeof(n->status), "%s", text);
    snprintf(line, sizeof(line), "STATUS=%s", n->status);
    for (char *p = line; *p; p++) {
        if (*p == '\n') { // it would begin a variable of its own
            *p = ' ';
        }
    }
    tell(n, line);
}

int64_t notify_due_ms(const struct notify *n)
{
    return n && n->watchdog_ms > 0 ? n->alive_ms + n->watchdog_ms / 2 : INT64_MAX;
}

void notify_alive(struct notify *n, int64_t now_ms)
{
    if (now_ms >= notify_due_ms(n) && tell(n, "WATCHDOG=1")) {
        n->alive_ms = now_ms;
    }
}
