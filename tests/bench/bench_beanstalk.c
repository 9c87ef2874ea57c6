// SPDX-License-Identifier: Apache-2.0
// bench_beanstalk.c - the life of a job in beanstalkd, over its text protocol: put,
// reserve, delete, each answered before the next is said, on so many connections.
//
// Prints key=value: jobs a second that were deleted.
#include "common/base/clock.h"
#include "common/base/options.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROGRAM         "bench_beanstalk"
#define CONNECTIONS_MAX 1024
#define ANSWER_MAX      4096

struct arguments {
    long port, connections, bytes, seconds, warm_up;
};

enum said { SAID_PUT, SAID_RESERVE, SAID_DELETE };

struct connection {
    int fd;
    enum said said;
    size_t n;
    char answer[ANSWER_MAX];
};

static struct {
    struct arguments a;
    struct connection connections[CONNECTIONS_MAX];
    struct pollfd polls[CONNECTIONS_MAX];
    char put[ANSWER_MAX];
    size_t put_bytes;
    unsigned long n_deleted;
} bench;

static void say(struct connection *c, enum said said, const char *text, size_t n)
{
    c->said = said;
    c->n = 0;
    BUG_ON(write(c->fd, text, n) != (ssize_t)n); // a few hundred bytes
}

static void say_put(struct connection *c)
{
    say(c, SAID_PUT, bench.put, bench.put_bytes);
}

static void say_delete(struct connection *c)
{
    unsigned long long id = 0;
    char text[64];
    BUG_ON(sscanf(c->answer, "RESERVED %llu", &id) != 1); // NOLINT(cert-err34-c)
    int n = snprintf(text, sizeof(text), "delete %llu\r\n", id);
    say(c, SAID_DELETE, text, (size_t)n);
}

static bool is_whole(const struct connection *c)
{
    const char *line = memchr(c->answer, '\n', c->n);
    if (!line) {
        return false;
    }
    size_t body = c->said == SAID_RESERVE ? (size_t)bench.a.bytes + 2 : 0;
    return c->n >= (size_t)(line - c->answer) + 1 + body;
}

static void go_on(struct connection *c)
{
    switch (c->said) {
    case SAID_PUT: say(c, SAID_RESERVE, "reserve\r\n", 9); break;
    case SAID_RESERVE: say_delete(c); break;
    case SAID_DELETE:
        bench.n_deleted++;
        say_put(c);
        break;
    default: BUG_ON(true);
    }
}

static void hear(struct connection *c)
{
    ssize_t n = read(c->fd, c->answer + c->n, sizeof(c->answer) - 1 - c->n);
    BUG_ON(n <= 0);
    c->n += (size_t)n;
    c->answer[c->n] = '\0';
    if (is_whole(c)) {
        go_on(c);
    }
}

static void run_for(long seconds)
{
    int64_t end_ms = clock_mono_ms() + seconds * 1000;
    while (clock_mono_ms() < end_ms) {
        BUG_ON(poll(bench.polls, (nfds_t)bench.a.connections, 1000) < 0);
        for (long i = 0; i < bench.a.connections; i++) {
            if (bench.polls[i].revents) {
                hear(&bench.connections[i]);
            }
        }
    }
}

static void open_all(void)
{
    int n =
        snprintf(bench.put, sizeof(bench.put), "put 0 0 120 %ld\r\n", bench.a.bytes);
    memset(bench.put + n, 'x', (size_t)bench.a.bytes);
    memcpy(bench.put + n + bench.a.bytes, "\r\n", 2);
    bench.put_bytes = (size_t)n + (size_t)bench.a.bytes + 2;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)bench.a.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int one = 1;
    for (long i = 0; i < bench.a.connections; i++) {
        struct connection *c = &bench.connections[i];
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        BUG_ON(c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0);
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        bench.polls[i] = (struct pollfd){.fd = c->fd, .events = POLLIN};
        say_put(c);
    }
}

int main(int argc, char **argv)
{
    struct arguments *a = &bench.a;
    *a = (struct arguments){
        .port = 11300, .connections = 8, .bytes = 256, .seconds = 5, .warm_up = 1};
    const struct option table[] = {
        OPTION_AS_NUMBER("port", "N", &a->port, 1, 65535, "default 11300"),
        OPTION_AS_NUMBER("connections", "N", &a->connections, 1, CONNECTIONS_MAX,
                         "jobs in flight; default 8"),
        OPTION_AS_NUMBER("bytes", "N", &a->bytes, 1, 2048, "of a job; default 256"),
        OPTION_AS_NUMBER("warm-up", "SECONDS", &a->warm_up, 0, 600, "default 1"),
        OPTION_AS_NUMBER("seconds", "N", &a->seconds, 1, 3600, "measured; default 5"),
    };
    const struct options o = {.command = PROGRAM,
                              .operands = "",
                              .summary = "Jobs through a beanstalkd on this machine.",
                              .examples = NULL,
                              .table = table,
                              .n_options = sizeof(table) / sizeof(table[0])};
    struct operands operands;
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    open_all();
    run_for(a->warm_up);
    bench.n_deleted = 0;
    int64_t start_ns = clock_mono_ns();
    run_for(a->seconds);
    double seconds = (double)(clock_mono_ns() - start_ns) / 1e9;
    printf("connections=%ld jobs_per_s=%.0f\n", a->connections,
           (double)bench.n_deleted / seconds);
    return 0;
}
