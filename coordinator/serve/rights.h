// SPDX-License-Identifier: Apache-2.0
// rights.h - who may say what where: one table, socket by socket, kind by kind.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_SERVE_RIGHTS_H
#define COORDINATOR_SERVE_RIGHTS_H

#include "coordinator/serve/allow.h"
#include "proto/msg.h"

enum rights_socket { SOCKET_CONTROL, SOCKET_BULK, SOCKET_ADMIN, RIGHTS_SOCKETS };

const char *rights_domain(enum rights_socket s); // "control", "bulk", "admin"
bool rights_may_connect(enum role r, enum rights_socket s);
bool rights_may_say(enum role r, enum msg_kind k); // false: also for what nobody says

#endif
