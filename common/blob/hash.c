// SPDX-License-Identifier: Apache-2.0
// hash.c - see hash.h.
#include "common/blob/hash.h"

#include "common/blob/oserr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HASH_BYTES (HASH_HEX_LEN / 2)

void hash_init(struct hash_state *h)
{
    BUG_ON(sodium_init() < 0); // idempotent; picks the fastest implementation
    BUG_ON(crypto_generichash_init(&h->state, NULL, 0, HASH_BYTES) != 0);
}

void hash_add(struct hash_state *h, const void *bytes, size_t n)
{
    BUG_ON(crypto_generichash_update(&h->state, bytes, n) != 0);
}

void hash_end(struct hash_state *h, char hex[static HASH_HEX_MAX])
{
    unsigned char digest[HASH_BYTES];
    BUG_ON(crypto_generichash_final(&h->state, digest, sizeof(digest)) != 0);
    sodium_bin2hex(hex, HASH_HEX_MAX, digest, sizeof(digest));
}

void hash_bytes(const void *bytes, size_t n, char hex[static HASH_HEX_MAX])
{
    struct hash_state h;
    hash_init(&h);
    hash_add(&h, bytes, n);
    hash_end(&h, hex);
}

enum err hash_file(const char *path, char hex[static HASH_HEX_MAX], struct errinfo *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return oserr(why, "open", path);
    }
    struct hash_state h;
    hash_init(&h);
    char block[65536];
    ssize_t n = 0;
    do {
        n = read(fd, block, sizeof(block));
        if (n > 0) {
            hash_add(&h, block, (size_t)n);
        }
    } while (n > 0 || (n < 0 && errno == EINTR));
    enum err e = n < 0 ? oserr(why, "read", path) : ERR_OK;
    close(fd);
    hash_end(&h, hex);
    return e;
}

bool hash_is_valid(const char *hex)
{
    return strspn(hex, "0123456789abcdef") == HASH_HEX_LEN && hex[HASH_HEX_LEN] == '\0';
}
