// SPDX-License-Identifier: Apache-2.0
// replay.c - listens in on an encrypted conversation and says it again, byte by byte.
//
// replay ENDPOINT KEYFILE COORDINATORKEY drives a STATUS through a proxy of its own,
// with a key that may ask, then sends what the client sent to the coordinator once
// more. It exits 0 when the first was answered and the second was not: not one byte
// beyond the handshake's greeting and welcome, and the connection was cut.
#include "common/net/endpoint.h"
#include "proto/wire.h"
#include "tests/integration/peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS     5000
#define RECORD_MAX  65536
#define ANSWER_MAX  65536
#define HANDSHAKE_N (64 + 170) // greeting; WELCOME command with its frame header

static struct {
    int listener;
    struct sockaddr_in coordinator;
    char record[RECORD_MAX];
    size_t n;
} tape;

static int dial(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

// False when one side is gone.
static bool pass_on(int from, int to, bool is_taped)
{
    char bytes[4096];
    ssize_t n = read(from, bytes, sizeof(bytes));
    if (n <= 0) {
        return false;
    }
    if (is_taped && tape.n + (size_t)n <= RECORD_MAX) {
        memcpy(tape.record + tape.n, bytes, (size_t)n);
        tape.n += (size_t)n;
    }
    return write(to, bytes, (size_t)n) == n;
}

static void *proxy(void *arg)
{
    (void)arg;
    int client = accept(tape.listener, NULL, NULL);
    int server = dial(&tape.coordinator);
    bool goes_on = client >= 0 && server >= 0;
    while (goes_on) {
        struct pollfd fds[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
        goes_on = poll(fds, 2, WAIT_MS) > 0;
        if (goes_on && fds[0].revents) {
            goes_on = pass_on(client, server, true);
        }
        if (goes_on && fds[1].revents) {
            goes_on = pass_on(server, client, false);
        }
    }
    close(client);
    close(server);
    return NULL;
}

static bool ask(char **argv, uint16_t port)
{
    char endpoint[64];
    struct buf question = BUF_INIT;
    static struct msg m;
    zmq_msg_t answer;
    void *context = zmq_ctx_new();
    snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", (unsigned)port);
    void *socket = peer_open(context, endpoint, argv[2], argv[3], WAIT_MS);
    m.kind = MSG_STATUS;
    wire_encode(&m, &question);
    zmq_msg_init(&answer);
    bool ok = socket && zmq_send(socket, question.data, question.len, 0) >= 0 &&
              zmq_msg_recv(&answer, socket, 0) >= 0;
    zmq_msg_close(&answer);
    buf_fini(&question);
    if (socket) {
        zmq_close(socket);
    }
    zmq_ctx_term(context);
    return ok;
}

// How many bytes the replay was answered with before the connection was cut; -1: it was
// not cut.
static long say_again(void)
{
    char bytes[4096];
    long n_bytes = 0;
    int fd = dial(&tape.coordinator);
    if (fd < 0 || write(fd, tape.record, tape.n) != (ssize_t)tape.n) {
        return -1;
    }
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, 2 * WAIT_MS) <= 0) {
            n_bytes = -1;
            break;
        }
        ssize_t n = read(fd, bytes, sizeof(bytes));
        if (n <= 0) {
            break;
        }
        n_bytes += n;
    }
    close(fd);
    return n_bytes;
}

static bool listen_somewhere(uint16_t *port)
{
    tape.listener = socket(AF_INET, SOCK_STREAM, 0);
    for (uint16_t p = ENDPOINT_PORT_FIRST; p < ENDPOINT_PORT_LAST; p++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(p)};
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (bind(tape.listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
            listen(tape.listener, 1) == 0) {
            *port = p;
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    struct endpoint to;
    struct errinfo why = {0};
    pthread_t thread;
    uint16_t port = 0;
    if (argc != 4 || endpoint_parse(argv[1], &to, &why) != ERR_OK) {
        fprintf(stderr, "usage: replay ENDPOINT KEYFILE COORDINATORKEY\n");
        return 2;
    }
    tape.coordinator =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(to.port)};
    if (inet_pton(AF_INET, to.host, &tape.coordinator.sin_addr) != 1 ||
        !listen_somewhere(&port) || pthread_create(&thread, NULL, proxy, NULL) != 0) {
        fprintf(stderr, "replay: cannot set up\n");
        return 2;
    }
    bool is_answered = ask(argv, port);
    pthread_join(thread, NULL);
    long n = say_again();
    printf("answered=%d taped=%zu replayed_bytes=%ld\n", is_answered, tape.n, n);
    return is_answered && n >= 0 && n <= HANDSHAKE_N ? 0 : 1;
}
