// SPDX-License-Identifier: Apache-2.0
// access.h - how a command reaches a coordinator: where it is, and under which keys.
//
// --dir DIR: the run directory of a coordinator on this machine tells endpoint and
// public key. --connect ENDPOINT: any coordinator's admin socket; its public key is
// given by --coordinator-key or VOXARCH_COORDINATOR_KEY. The own key: --key,
// VOXARCH_KEY, ~/.config/voxarch/key, the first that is said or there.
//
// Owns: the keys of the link. Threads: main.
#ifndef COORDINATOR_CLI_ACCESS_H
#define COORDINATOR_CLI_ACCESS_H

#include "common/base/file.h"
#include "common/net/curve.h"
#include "common/net/endpoint.h"

struct access_options { // NULL = not said
    const char *dir, *connect;
    const char *key, *coordinator_key;
};

struct access {
    char endpoint[ENDPOINT_MAX]; // of the admin socket
    struct curve_link link;
};

// ERR_INPUT, ERR_NOTFOUND, or as keyfile_load.
MUST_CHECK enum err access_open(const struct access_options *o, struct access *out,
                                struct errinfo *why);
void access_close(struct access *a);

// $VOXARCH_KEY, or ~/.config/voxarch/key. ERR_INPUT without a home.
MUST_CHECK enum err access_default_key(char out[static FILE_PATH_MAX],
                                       struct errinfo *why);

#endif
