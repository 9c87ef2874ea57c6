// SPDX-License-Identifier: Apache-2.0
// gate.h - who may connect and who may say what: keys, the allow-list, the handshakes.
//
// The happy path: sockets are guarded before they are bound; a peer under a listed key
// is let in to the sockets of its role, and each of its messages is looked at again
// under the list of that moment: a key that was taken off has no say from its next
// message on. The failures: unknown keys and peers that do not encrypt are refused in
// the handshake and counted. The list is read again when the file changes (looked at
// every second) or on gate_reload; a file with a flaw in it is refused whole, and the
// list in force stays.
//
// The coordinator's own key counts as a viewer's, for its health check.
//
// A NULL gate is an open one: everybody may say everything (this machine alone).
//
// Owns: list, handler, watchers. Borrows: key, loop, context. Threads: loop thread.
#ifndef COORDINATOR_SERVE_GATE_H
#define COORDINATOR_SERVE_GATE_H

#include "coordinator/fleet/refusals.h"
#include "coordinator/serve/rights.h"

#include <uv.h>

struct gate;

struct gate_conf {
    const struct curve_key *key;
    const char *allow_path;
};

// Before any socket. Errors as allow_load and zap_open.
MUST_CHECK enum err gate_open(void *zctx, const struct gate_conf *conf,
                              struct gate **out, struct errinfo *why);
MUST_CHECK enum err gate_start(struct gate *g, uv_loop_t *loop, struct errinfo *why);
void gate_stop(struct gate *g);  // NULL is fine; then run the loop, then close
void gate_close(struct gate *g); // after the sockets; NULL is fine

// The socket serves under our key from now on; before it is bound.
MUST_CHECK enum err gate_guard(const struct gate *g, void *zsock, enum rights_socket s,
                               struct errinfo *why);

// May this key speak at the socket; may it say that. NULL gate: yes.
bool gate_admits(const struct gate *g, const struct curve_public *key,
                 enum rights_socket s);
bool gate_allows(const struct gate *g, const struct curve_public *key, enum msg_kind k);
// What the key is listed as; 0 when it is not.
unsigned gate_role(const struct gate *g, const struct curve_public *key);
const char *gate_name(const struct gate *g,
                      const struct curve_public *key); // or NULL

void gate_reload(struct gate *g); // reads the file again, now

// A handshake at some socket came to nothing.
void gate_note_handshake(struct gate *g);
const struct refusals *gate_refusals(const struct gate *g);

#endif
