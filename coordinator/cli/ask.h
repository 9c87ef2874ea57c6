// SPDX-License-Identifier: Apache-2.0
// ask.h - one question to a coordinator's admin socket, and its answer: what commands
// that speak to a coordinator share.
//
// A question may be lost and is asked again; who hears nothing for five seconds gives
// up, and says what is known of the reason.
//
// Owns: nothing between calls. Threads: main.
#ifndef COORDINATOR_CLI_ASK_H
#define COORDINATOR_CLI_ASK_H

#include "common/base/options.h"
#include "coordinator/cli/access.h"
#include "proto/msg.h"

// The options of every such command, for the start of its table.
#define ASK_OPTIONS(a)                                                            \
    OPTION_AS_TEXT("dir", "DIR", &(a)->dir, "a coordinator of this machine"),     \
        OPTION_AS_TEXT("connect", "ENDPOINT", &(a)->connect,                      \
                       "the admin endpoint of any, tcp://HOST:PORT"),             \
        OPTION_AS_TEXT("key", "FILE", &(a)->key,                                  \
                       "our key; default $VOXARCH_KEY or ~/.config/voxarch/key"), \
        OPTION_AS_TEXT("coordinator-key", "KEY", &(a)->coordinator_key,           \
                       "its public key, or a file with it; default "              \
                       "$VOXARCH_COORDINATOR_KEY, with --dir the one told there")

// *m is the question, and then its answer, which is of the kind `wanted`. ERR_IO
// without one; a refusal's own code.
MUST_CHECK enum err ask(const struct access *to, struct msg *m, enum msg_kind wanted,
                        struct errinfo *why);

// The same, with the access that the options give. Fails as access_open, too.
MUST_CHECK enum err ask_with(const struct access_options *a, struct msg *m,
                             enum msg_kind wanted, struct errinfo *why);

#endif
