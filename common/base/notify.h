// SPDX-License-Identifier: Apache-2.0
// notify.h - what a service manager is told: ready, alive, stopping, and a line for
// people. The protocol of sd_notify(3): datagrams to the socket in $NOTIFY_SOCKET.
//
// Written out here because it is this small; libsystemd would bring four compressors
// along. NULL stands for "nobody wants to know", and is fine everywhere.
//
// Owns: its socket. Threads: one at a time.
#ifndef COMMON_BASE_NOTIFY_H
#define COMMON_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify;

// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that
// no child speaks for us. NULL when there is no such socket.
struct notify *notify_open(void);
void notify_close(struct notify *n);

void notify_ready(struct notify *n);
void notify_stopping(struct notify *n);
void notify_status(struct notify *n, const char *text); // sent when it changed

// The caller's loop has turned and does its work: tells the watchdog so, twice as often
// as it has to hear it.
void notify_alive(struct notify *n, int64_t now_ms);
int64_t
notify_due_ms(const struct notify *n); // when to be alive next; INT64_MAX = never

#endif
