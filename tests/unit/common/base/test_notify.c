// SPDX-License-Identifier: Apache-2.0
// test_notify.c - a service manager hears what it should, and no more.
#include "common/base/notify.h"
#include "tests/lib/check_main.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// NOLINTBEGIN(concurrency-mt-unsafe): the environment of one thread

static struct {
    int fd;
    char name[64];
    char heard[512];
} manager;

static void listen_at(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", name);
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    at.sun_path[0] = (char)(name[0] == '@' ? '\0' : name[0]);
    manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(
        bind(manager.fd, (const struct sockaddr *)&at, n + (name[0] == '/')), 0);
    setenv("NOTIFY_SOCKET", name, 1);
}

// The next datagram; "" when there is none.
static const char *heard(void)
{
    ssize_t n = recv(manager.fd, manager.heard, sizeof(manager.heard) - 1, 0);
    manager.heard[n < 0 ? 0 : n] = '\0';
    return manager.heard;
}

static struct notify *open_at_path(const char *watchdog_usec)
{
    snprintf(manager.name, sizeof(manager.name), "/tmp/voxarch_notify_%d",
             (int)getpid());
    listen_at(manager.name);
    if (watchdog_usec) {
        setenv("WATCHDOG_USEC", watchdog_usec, 1);
    }
    struct notify *n = notify_open();
    ck_assert_ptr_nonnull(n);
    return n;
}

static void close_all(struct notify *n)
{
    notify_close(n);
    close(manager.fd);
    unlink(manager.name);
}

START_TEST(a_life_is_told_in_order)
{
    struct notify *n = open_at_path(NULL);
    notify_ready(n);
    notify_status(n, "serves 2 workers");
    notify_status(n, "serves 2 workers");
    notify_status(n, "one\nREADY=0");
    notify_stopping(n);
    ck_assert_str_eq(heard(), "READY=1");
    ck_assert_str_eq(heard(), "STATUS=serves 2 workers");
    ck_assert_str_eq(heard(), "STATUS=one READY=0"); // no variable of its own
    ck_assert_str_eq(heard(), "STOPPING=1");
    ck_assert_str_eq(heard(), "");
    close_all(n);
}
END_TEST

START_TEST(the_watchdog_hears_of_us_twice_in_its_period)
{
    struct notify *n = open_at_path("3000000");
    notify_alive(n, 100000);
    ck_assert_str_eq(heard(), "WATCHDOG=1");
    ck_assert_int_eq(notify_due_ms(n), 101500);
    notify_alive(n, 101499);
    ck_assert_str_eq(heard(), "");
    notify_alive(n, 101500);
    ck_assert_str_eq(heard(), "WATCHDOG=1");
    close_all(n);
}
END_TEST

START_TEST(without_a_watchdog_nobody_is_told)
{
    struct notify *n = open_at_path(NULL);
    notify_alive(n, 100000);
    ck_assert_int_eq(notify_due_ms(n), INT64_MAX);
    ck_assert_str_eq(heard(), "");
    close_all(n);
}
END_TEST

START_TEST(anothers_watchdog_is_not_ours)
{
    setenv("WATCHDOG_PID", "1", 1);
    struct notify *n = open_at_path("3000000");
    notify_alive(n, 100000);
    ck_assert_str_eq(heard(), "");
    close_all(n);
}
END_TEST

START_TEST(an_abstract_socket_is_found)
{
    snprintf(manager.name, sizeof(manager.name), "@voxarch_notify_%d", (int)getpid());
    listen_at(manager.name);
    struct notify *n = notify_open();
    notify_ready(n);
    ck_assert_str_eq(heard(), "READY=1");
    notify_close(n);
    close(manager.fd);
}
END_TEST

START_TEST(children_inherit_nothing_of_it)
{
    setenv("WATCHDOG_PID", "1", 1);
    struct notify *n = open_at_path("3000000");
    ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
    ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
    ck_assert_ptr_null(getenv("WATCHDOG_PID"));
    close_all(n);
}
END_TEST

START_TEST(a_manager_that_does_not_read_stops_nobody)
{
    struct notify *n = open_at_path("2000");
    for (int i = 0; i < 2000; i++) { // more than the socket holds
        notify_alive(n, 1000 + i);
    }
    while (heard()[0]) {
    }
    notify_alive(n, 10000); // and is told again when there is room
    ck_assert_str_eq(heard(), "WATCHDOG=1");
    close_all(n);
}
END_TEST

START_TEST(without_a_manager_all_of_it_is_nothing)
{
    unsetenv("NOTIFY_SOCKET");
    struct notify *n = notify_open();
    ck_assert_ptr_null(n);
    notify_ready(n);
    notify_status(n, "x");
    notify_alive(n, 1);
    notify_stopping(n);
    notify_close(n);
    setenv("NOTIFY_SOCKET", "vsock:2:1", 1); // a kind we do not speak
    ck_assert_ptr_null(notify_open());
}
END_TEST

// NOLINTEND(concurrency-mt-unsafe)

TEST_SUITE(notify, a_life_is_told_in_order,
           the_watchdog_hears_of_us_twice_in_its_period,
           without_a_watchdog_nobody_is_told, anothers_watchdog_is_not_ours,
           an_abstract_socket_is_found, children_inherit_nothing_of_it,
           a_manager_that_does_not_read_stops_nobody,
           without_a_manager_all_of_it_is_nothing)
