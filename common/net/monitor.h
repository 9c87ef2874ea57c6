// SPDX-License-Identifier: Apache-2.0
// monitor.h - handshakes of a socket that came to nothing: the only word of peers that
// never get as far as a message.
//
// Owns: its end of the monitor and a watcher. Borrows: the loop, the context and the
// watched socket, which must outlive it. Threads: loop thread.
#ifndef COMMON_NET_MONITOR_H
#define COMMON_NET_MONITOR_H

#include "common/base/err.h"

#include <uv.h>

enum monitor_failure {
    MONITOR_NOT_ADMITTED, // the coordinator does not know the key
    MONITOR_NO_PROTOCOL,  // no encryption where it is wanted, or wanted where it is not
    MONITOR_CUT_OFF,      // the peer went away in the middle: a wrong coordinator key
};

struct monitor;

typedef void monitor_fn(void *arg, enum monitor_failure failure);

// Starts at once. ERR_IO.
MUST_CHECK enum err monitor_create(void *zctx, uv_loop_t *loop, void *zsock,
                                   monitor_fn *fn, void *arg, struct monitor **out,
                                   struct errinfo *why);
void monitor_stop(
    struct monitor *m); // then run the loop until it is idle, then destroy
void monitor_destroy(
    struct monitor *m); // before the watched socket is closed; NULL is fine

#endif
