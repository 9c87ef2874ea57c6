// SPDX-License-Identifier: Apache-2.0
// dial.h - one of the two sockets to the coordinator, kept connected.
//
// ZeroMQ connects again by itself when a connection breaks, but for good gives up an
// address where the handshake was refused. Keys get listed and coordinators get keys
// while workers wait, so such an address is dialled again; the log says why it has to.
//
// Owns: the socket and its monitor. Borrows: context and loop. Threads: loop thread.
#ifndef WORKER_AGENT_DIAL_H
#define WORKER_AGENT_DIAL_H

#include "common/net/curve.h"
#include "common/net/endpoint.h"

#include <uv.h>

#include <stdint.h>

#define DIAL_AGAIN_MS 5000

struct dial;

struct dial_conf {
    void *zctx;
    uv_loop_t *loop;
    size_t max_frame_bytes;
    const struct curve_link *link;
};

// ERR_IO.
MUST_CHECK enum err dial_open(const struct dial_conf *conf, struct dial **out,
                              struct errinfo *why);
void *dial_socket(const struct dial *d);
// Leaves where it was for this endpoint; the same one again changes nothing.
MUST_CHECK enum err dial_to(struct dial *d, const struct endpoint *to,
                            struct errinfo *why);
void dial_step(struct dial *d, int64_t now_ms); // about once a second
void dial_stop(struct dial *d); // then run the loop until it is idle, then close
// The context then waits that long for what was not sent yet. NULL is fine.
void dial_close(struct dial *d, int patience_ms);

#endif
