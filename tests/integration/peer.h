// SPDX-License-Identifier: Apache-2.0
// peer.h - what the tests' own peers share: a DEALER, in the open or under keys.
#ifndef TESTS_INTEGRATION_PEER_H
#define TESTS_INTEGRATION_PEER_H

#include "common/net/keyfile.h"

#include <zmq.h>

#include <stdio.h>

// key_path NULL: in the open. NULL when it cannot be; says so on stderr.
static inline void *peer_open(void *context, const char *endpoint, const char *key_path,
                              const char *coordinator_key, int wait_ms)
{
    struct curve_link link = {.mine = NULL};
    struct errinfo why = {0};
    void *socket = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &wait_ms, sizeof(wait_ms));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    zmq_setsockopt(socket, ZMQ_LINGER, &wait_ms, sizeof(wait_ms));
    bool ok = keyfile_link(key_path, coordinator_key, &link, &why) == ERR_OK &&
              curve_join(socket, &link, &why) == ERR_OK &&
              zmq_connect(socket, endpoint) == 0;
    curve_key_destroy(link.mine);
    if (!ok) {
        fprintf(stderr, "%s: %s\n", endpoint, why.text);
        zmq_close(socket);
        return NULL;
    }
    return socket;
}

#endif
