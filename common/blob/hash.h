// SPDX-License-Identifier: Apache-2.0
// hash.h - content hashes: BLAKE2b-256 (libsodium), printed as 64 hex digits.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_BLOB_HASH_H
#define COMMON_BLOB_HASH_H

#include "common/base/err.h"

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>

#define HASH_HEX_LEN 64
#define HASH_HEX_MAX (HASH_HEX_LEN + 1)

struct hash_state {
    crypto_generichash_state state;
};

void hash_init(struct hash_state *h);
void hash_add(struct hash_state *h, const void *bytes, size_t n);
void hash_end(struct hash_state *h, char hex[static HASH_HEX_MAX]);

void hash_bytes(const void *bytes, size_t n, char hex[static HASH_HEX_MAX]);
MUST_CHECK enum err hash_file(const char *path, char hex[static HASH_HEX_MAX],
                              struct errinfo *why);

bool hash_is_valid(const char *hex); // 64 lower-case hex digits, then the end

#endif
