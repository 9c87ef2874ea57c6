// SPDX-License-Identifier: Apache-2.0
// ask.c - asks a coordinator's admin socket how it is: `ask ENDPOINT` prints key=value.
//
// Exit status 1 when no answer comes within five seconds.
#include "proto/wire.h"

#include <zmq.h>

#include <inttypes.h>
#include <stdio.h>

static struct msg message;

static void print_status(const struct msg_status_reply *s)
{
    printf("messages_refused=%" PRIu64 "\nresults_accepted=%" PRIu64
           "\nresults_repeated=%" PRIu64 "\nresults_stale=%" PRIu64 "\nworkers=%u\n",
           s->messages_refused, s->results_accepted, s->results_repeated,
           s->results_stale, s->n_workers);
    for (uint32_t i = 0; i < s->n_workers; i++) {
        printf("worker=%s state=%s task=%" PRIu64 "\n", s->workers[i].name,
               s->workers[i].state, s->workers[i].task_id);
    }
    for (uint32_t i = 0; i < s->n_studies; i++) {
        printf("study=%s state=%s trials=%u\n", s->studies[i].name, s->studies[i].state,
               s->studies[i].trials_done);
    }
}

static int ask(void *socket, const char *endpoint)
{
    struct buf question = BUF_INIT;
    zmq_msg_t answer;
    int wait_ms = 5000;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    zmq_setsockopt(socket, ZMQ_LINGER, &(int){0}, sizeof(int));
    message.kind = MSG_STATUS;
    wire_encode(&message, &question);
    zmq_msg_init(&answer);
    bool ok = zmq_connect(socket, endpoint) == 0 &&
              zmq_send(socket, question.data, question.len, 0) >= 0 &&
              zmq_msg_recv(&answer, socket, 0) >= 0 &&
              wire_decode(zmq_msg_data(&answer), zmq_msg_size(&answer), &message,
                          NULL) == ERR_OK &&
              message.kind == MSG_STATUS_REPLY;
    if (ok) {
        print_status(&message.status_reply);
    }
    zmq_msg_close(&answer);
    buf_fini(&question);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: ask ENDPOINT\n");
        return 2;
    }
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int status = ask(socket, argv[1]);
    zmq_close(socket);
    zmq_ctx_term(context);
    return status;
}
