// SPDX-License-Identifier: Apache-2.0
// curve.c - see curve.h.
#include "common/net/curve.h"

#include <zmq.h>

#include <sodium.h>
#include <string.h>

// libzmq takes it in every build, its header shows it in builds with drafts alone.
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#    define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

#define OVERHEAD_BYTES 64 // of an encrypted frame: command name, nonce, MAC, flags

_Static_assert(CURVE_KEY_BYTES == crypto_box_PUBLICKEYBYTES, "CURVE is crypto_box");
_Static_assert(CURVE_KEY_BYTES == crypto_box_SECRETKEYBYTES, "CURVE is crypto_box");

struct curve_key {
    struct curve_public open;
    uint8_t secret[CURVE_KEY_BYTES];
};

bool curve_public_equal(const struct curve_public *a, const struct curve_public *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool curve_public_is_set(const struct curve_public *p)
{
    return !sodium_is_zero(p->bytes, sizeof(p->bytes));
}

bool curve_public_parse(const char *text, size_t n, struct curve_public *out)
{
    struct curve_public p;
    size_t n_bytes = 0;
    if (n != CURVE_HEX_MAX - 1 ||
        sodium_hex2bin(p.bytes, sizeof(p.bytes), text, n, NULL, &n_bytes, NULL) != 0 ||
        n_bytes != sizeof(p.bytes) || !curve_public_is_set(&p)) {
        return false;
    }
    *out = p;
    return true;
}

char *curve_public_print(const struct curve_public *p, char out[static CURVE_HEX_MAX])
{
    return sodium_bin2hex(out, CURVE_HEX_MAX, p->bytes, sizeof(p->bytes));
}

// NULL without a source of random numbers.
static struct curve_key *allocate(struct errinfo *why)
{
    if (sodium_init() < 0) {
        err_set(why, ERR_IO, "no source of random numbers");
        return NULL;
    }
    struct curve_key *k = sodium_malloc(sizeof(*k));
    BUG_ON(!k);
    return k;
}

enum err curve_key_create(struct curve_key **out, struct errinfo *why)
{
    struct curve_key *k = allocate(why);
    if (!k) {
        return ERR_IO;
    }
    BUG_ON(crypto_box_keypair(k->open.bytes, k->secret) != 0);
    *out = k;
    return ERR_OK;
}

enum err curve_key_take(uint8_t secret[static CURVE_KEY_BYTES], struct curve_key **out,
                        struct errinfo *why)
{
    struct curve_key *k = allocate(why);
    if (!k) {
        sodium_memzero(secret, CURVE_KEY_BYTES);
        return ERR_IO;
    }
    memcpy(k->secret, secret, sizeof(k->secret));
    sodium_memzero(secret, CURVE_KEY_BYTES);
    if (sodium_is_zero(k->secret, sizeof(k->secret)) ||
        crypto_scalarmult_base(k->open.bytes, k->secret) != 0) {
        curve_key_destroy(k);
        return err_set(why, ERR_INPUT, "zeros are no secret key");
    }
    *out = k;
    return ERR_OK;
}

void curve_key_destroy(struct curve_key *k)
{
    sodium_free(k); // wipes it
}

const struct curve_public *curve_key_public(const struct curve_key *k)
{
    return &k->open;
}

const uint8_t *curve_key_secret(const struct curve_key *k)
{
    return k->secret;
}

static bool set_int(void *zsock, int option, int value)
{
    return zmq_setsockopt(zsock, option, &value, sizeof(value)) == 0;
}

static bool set_key(void *zsock, int option, const uint8_t *key)
{
    return zmq_setsockopt(zsock, option, key, CURVE_KEY_BYTES) == 0;
}

// The limit is on what was said, not on what it is wrapped in.
static bool allow_overhead(void *zsock)
{
    int64_t max_bytes = 0;
    size_t size = sizeof(max_bytes);
    if (zmq_getsockopt(zsock, ZMQ_MAXMSGSIZE, &max_bytes, &size) != 0) {
        return false;
    }
    if (max_bytes < 0) {
        return true; // no limit
    }
    max_bytes += OVERHEAD_BYTES;
    return zmq_setsockopt(zsock, ZMQ_MAXMSGSIZE, &max_bytes, sizeof(max_bytes)) == 0;
}

static enum err refused_by_zmq(struct errinfo *why)
{
    return err_set(why, ERR_IO, "this ZeroMQ cannot encrypt (CURVE): %s",
                   zmq_strerror(zmq_errno()));
}

enum err curve_serve(void *zsock, const struct curve_key *mine, const char *domain,
                     struct errinfo *why)
{
    // Without a domain that is enforced, a missing handler would let everybody in.
    bool ok = set_int(zsock, ZMQ_CURVE_SERVER, 1) &&
              set_key(zsock, ZMQ_CURVE_SECRETKEY, mine->secret) &&
              zmq_setsockopt(zsock, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0 &&
              set_int(zsock, ZMQ_ZAP_ENFORCE_DOMAIN, 1) && allow_overhead(zsock);
    return ok ? ERR_OK : refused_by_zmq(why);
}

enum err curve_join(void *zsock, const struct curve_link *link, struct errinfo *why)
{
    if (!link->mine) {
        return ERR_OK;
    }
    bool ok = set_key(zsock, ZMQ_CURVE_PUBLICKEY, link->mine->open.bytes) &&
              set_key(zsock, ZMQ_CURVE_SECRETKEY, link->mine->secret) &&
              set_key(zsock, ZMQ_CURVE_SERVERKEY, link->theirs.bytes) &&
              allow_overhead(zsock);
    return ok ? ERR_OK : refused_by_zmq(why);
}
