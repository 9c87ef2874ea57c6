// SPDX-License-Identifier: Apache-2.0
// endpoint.h - where a socket is: tcp://HOST:PORT, checked, and free ports to bind.
//
// HOST is a name, an IPv4 address, an IPv6 address in brackets, or * (bind only).
//
// Owns: nothing; struct endpoint is a value. Threads: any.
#ifndef COMMON_NET_ENDPOINT_H
#define COMMON_NET_ENDPOINT_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_MAX      128
#define ENDPOINT_HOST_MAX 112

// Below the ephemeral range: a reconnect to a dead loopback port inside that range can
// end up connected to itself.
#define ENDPOINT_PORT_FIRST 20000
#define ENDPOINT_PORT_LAST  31999

struct endpoint {
    char host[ENDPOINT_HOST_MAX]; // as written, brackets included
    uint16_t port;
};

// ERR_INPUT says what is wrong and what is allowed.
MUST_CHECK enum err endpoint_parse(const char *text, struct endpoint *out,
                                   struct errinfo *why);
// Reached from this machine alone: 127.*, [::1] or localhost.
bool endpoint_is_loopback(const struct endpoint *e);
char *endpoint_print(const struct endpoint *e, char out[static ENDPOINT_MAX]);

#endif
