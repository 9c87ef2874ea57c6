// SPDX-License-Identifier: Apache-2.0
// curve.h - key pairs, and sockets that speak only under them (CURVE, ZMTP 3.1).
//
// A coordinator's socket serves under its own key, in a ZAP domain that is enforced: a
// peer is let in by the handler of zap.h or not at all. A client joins under its own
// key and knows the coordinator's public key beforehand. Keys are written as 64
// lower-case hexadecimal digits.
//
// Owns: a key pair lies in guarded memory that is wiped when it is destroyed. (ZeroMQ
// keeps a copy of its own in each socket.) Threads: any.
#ifndef COMMON_NET_CURVE_H
#define COMMON_NET_CURVE_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CURVE_KEY_BYTES 32
#define CURVE_HEX_MAX   (2 * CURVE_KEY_BYTES + 1)

struct curve_public { // all zeros: no key at all
    uint8_t bytes[CURVE_KEY_BYTES];
};

bool curve_public_equal(const struct curve_public *a, const struct curve_public *b);
bool curve_public_is_set(const struct curve_public *p);
// `n` characters of text. False unless they are 64 hexadecimal digits, not all zero.
bool curve_public_parse(const char *text, size_t n, struct curve_public *out);
char *curve_public_print(const struct curve_public *p, char out[static CURVE_HEX_MAX]);

struct curve_key; // a pair: public and secret

// A new pair. ERR_IO without a source of random numbers.
MUST_CHECK enum err curve_key_create(struct curve_key **out, struct errinfo *why);
// The pair of a secret key; wipes `secret`. ERR_IO as above, ERR_INPUT: no key.
MUST_CHECK enum err curve_key_take(uint8_t secret[static CURVE_KEY_BYTES],
                                   struct curve_key **out, struct errinfo *why);
void curve_key_destroy(struct curve_key *k); // NULL is fine
const struct curve_public *curve_key_public(const struct curve_key *k);
const uint8_t *curve_key_secret(const struct curve_key *k); // CURVE_KEY_BYTES of it

// What a client needs: its own key, and whom it means to speak to.
struct curve_link {
    struct curve_key *mine; // NULL: neither encryption nor authentication
    struct curve_public theirs;
};

// Before bind. ERR_IO when this ZeroMQ cannot.
MUST_CHECK enum err curve_serve(void *zsock, const struct curve_key *mine,
                                const char *domain, struct errinfo *why);
// Before connect; nothing to do without a key. ERR_IO when this ZeroMQ cannot.
MUST_CHECK enum err curve_join(void *zsock, const struct curve_link *link,
                               struct errinfo *why);

#endif
