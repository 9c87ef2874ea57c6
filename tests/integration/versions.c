// SPDX-License-Identifier: Apache-2.0
// versions.c - peers of other versions of the protocol: `versions hello ENDPOINT MIN
// MAX` says HELLO to a coordinator and prints what it hears; `versions serve REPLY` is
// a coordinator that answers HELLO as one of a later version would ("refuse", or
// "welcome" in version 2), and prints its endpoint first.
#include "proto/wire.h"

#include <zmq.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 5000

static struct msg message;

static bool send_message(void *socket)
{
    struct buf bytes = BUF_INIT;
    wire_encode(&message, &bytes);
    bool ok = zmq_send(socket, bytes.data, bytes.len, 0) >= 0;
    buf_fini(&bytes);
    return ok;
}

static bool receive_message(void *socket)
{
    char bytes[LIMIT_MESSAGE_BYTES];
    int n = zmq_recv(socket, bytes, sizeof(bytes), 0);
    return n >= 0 && n <= (int)sizeof(bytes) &&
           wire_decode(bytes, (size_t)n, &message, NULL) == ERR_OK;
}

static int say_hello(void *socket, const char *endpoint, const char *min,
                     const char *max)
{
    message.kind = MSG_HELLO;
    message.hello = (struct msg_hello){.version_min = (uint32_t)strtoul(min, NULL, 10),
                                       .version_max = (uint32_t)strtoul(max, NULL, 10),
                                       .name = "later",
                                       .session = 7,
                                       .slots = 1,
                                       .threads = 1};
    if (zmq_connect(socket, endpoint) != 0 || !send_message(socket) ||
        !receive_message(socket)) {
        return 1;
    }
    if (message.kind == MSG_WELCOME) {
        printf("welcome version=%u\n", message.welcome.version);
    } else {
        printf("refused code=%s %s\n", err_name(message.refused.code),
               message.refused.text);
    }
    return message.kind == MSG_WELCOME || message.kind == MSG_REFUSED ? 0 : 1;
}

static void fill_answer(const char *reply)
{
    message = (struct msg){.kind = MSG_REFUSED};
    if (strcmp(reply, "refuse") == 0) {
        message.refused.code = ERR_PROTO;
        snprintf(message.refused.text, sizeof(message.refused.text),
                 "protocol 1..1: this coordinator speaks 2..3");
        return;
    }
    message.kind = MSG_WELCOME;
    message.welcome = (struct msg_welcome){.version = 2,
                                           .worker_id = 1,
                                           .lease_ms = LEASE_MS,
                                           .beat_ms = BEAT_MS,
                                           .bulk_port = 20999};
}

static int serve(void *socket, const char *reply)
{
    char endpoint[128];
    size_t n = sizeof(endpoint);
    if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &n) != 0) {
        return 1;
    }
    printf("%s\n", endpoint);
    fflush(stdout);
    char id[256];
    int id_bytes = zmq_recv(socket, id, sizeof(id), 0);
    while (id_bytes >= 0 && receive_message(socket) && message.kind == MSG_HELLO) {
        fill_answer(reply);
        if (zmq_send(socket, id, (size_t)id_bytes, ZMQ_SNDMORE) < 0 ||
            !send_message(socket)) {
            return 1;
        }
        id_bytes = zmq_recv(socket, id, sizeof(id), 0);
    }
    return 0; // nobody asked for a while
}

int main(int argc, char **argv)
{
    const int wait_ms = WAIT_MS;
    void *context = zmq_ctx_new();
    int status = 2;
    bool is_hello = argc == 5 && strcmp(argv[1], "hello") == 0;
    void *socket = zmq_socket(context, is_hello ? ZMQ_DEALER : ZMQ_ROUTER);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    if (is_hello) {
        status = say_hello(socket, argv[2], argv[3], argv[4]);
    } else if (argc == 3 && strcmp(argv[1], "serve") == 0) {
        status = serve(socket, argv[2]);
    } else {
        fprintf(stderr, "usage: versions hello ENDPOINT MIN MAX | serve REPLY\n");
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return status;
}
