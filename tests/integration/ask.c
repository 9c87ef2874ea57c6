// SPDX-License-Identifier: Apache-2.0
// ask.c - asks a coordinator's admin socket how it is: `ask ENDPOINT [KEYFILE
// COORDINATORKEY]` prints key=value.
//
// Exit status 1 when no answer comes within five seconds.
#include "proto/wire.h"
#include "tests/integration/peer.h"

#include <inttypes.h>
#include <stdio.h>

#define WAIT_MS 5000

static struct msg message;

static void print_status(const struct msg_status_reply *s)
{
    printf("messages_refused=%" PRIu64 "\nresults_accepted=%" PRIu64
           "\nresults_repeated=%" PRIu64 "\nresults_stale=%" PRIu64 "\nworkers=%u\n",
           s->messages_refused, s->results_accepted, s->results_repeated,
           s->results_stale, s->n_workers);
    printf("refused_malformed=%" PRIu64 "\nrefused_rights=%" PRIu64
           "\nrefused_owner=%" PRIu64 "\nrefused_keys=%" PRIu64
           "\nrefused_handshakes=%" PRIu64 "\n",
           s->refusals[REFUSAL_MALFORMED], s->refusals[REFUSAL_RIGHTS],
           s->refusals[REFUSAL_OWNER], s->refusals[REFUSAL_KEY],
           s->refusals[REFUSAL_HANDSHAKE]);
    for (uint32_t i = 0; i < s->n_workers; i++) {
        printf("worker=%s state=%s task=%" PRIu64 "\n", s->workers[i].name,
               s->workers[i].state, s->workers[i].task_id);
    }
    for (uint32_t i = 0; i < s->n_studies; i++) {
        printf("study=%s state=%s trials=%u\n", s->studies[i].name, s->studies[i].state,
               s->studies[i].trials_done);
    }
}

static int ask(void *socket)
{
    struct buf question = BUF_INIT;
    zmq_msg_t answer;
    message.kind = MSG_STATUS;
    wire_encode(&message, &question);
    zmq_msg_init(&answer);
    bool ok = zmq_send(socket, question.data, question.len, 0) >= 0 &&
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
    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: ask ENDPOINT [KEYFILE COORDINATORKEY]\n");
        return 2;
    }
    void *context = zmq_ctx_new();
    void *socket = peer_open(context, argv[1], argc == 4 ? argv[2] : NULL,
                             argc == 4 ? argv[3] : NULL, WAIT_MS);
    int status = socket ? ask(socket) : 2;
    if (socket) {
        zmq_close(socket);
    }
    zmq_ctx_term(context);
    return status;
}
