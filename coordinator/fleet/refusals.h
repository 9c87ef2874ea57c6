// SPDX-License-Identifier: Apache-2.0
// refusals.h - what was refused, counted by reason; said in the log at a pace that no
// peer can set.
//
// Owns: nothing; struct refusals is a value, zeros are none. Threads: loop thread.
#ifndef COORDINATOR_FLEET_REFUSALS_H
#define COORDINATOR_FLEET_REFUSALS_H

#include "proto/msg.h"

#define REFUSALS_LOG_MS 1000 // at most one line of a reason in this time

struct refusals {
    uint64_t n[REFUSAL_REASONS];
    int64_t logged_ms[REFUSAL_REASONS]; // 0 = never
};

// `text` says what was wrong; it comes from us, not from the peer.
void refusals_note(struct refusals *r, enum refusal reason, int64_t now_ms,
                   const char *text);
void refusals_add_to(const struct refusals *r, uint64_t n[static REFUSAL_REASONS]);
uint64_t refusals_messages(const struct refusals *r); // without failed handshakes

#endif
