// SPDX-License-Identifier: Apache-2.0
// link.h - messages over a socket to the coordinator, as structs.
//
// Owns: nothing. Borrows: the socket. Threads: the socket's.
#ifndef WORKER_AGENT_LINK_H
#define WORKER_AGENT_LINK_H

#include "common/net/zsock.h"
#include "proto/msg.h"

// ERR_BUSY: not connected or queue full, try later. ERR_IO.
MUST_CHECK enum err link_send(void *zsock, const struct msg *m);

// ERR_OK: *out is valid until `held` is ended with zmessage_fini (a chunk's bytes lie
// there). ERR_BUSY: nothing waits. ERR_PROTO, ERR_LIMIT, ERR_NOMEM: one message was
// dropped, go on. ERR_IO.
MUST_CHECK enum err link_recv(void *zsock, struct msg *out, struct zmessage *held,
                              struct errinfo *why);

#endif
