// SPDX-License-Identifier: Apache-2.0
// allow.h - the allow-list: which public keys there are, as what, under which name.
//
//   # comments
//   worker   1fe2...64 digits  gpu-1
//   operator 77a0...           anna
//   viewer   c3d4...           wallboard
//
// A key is listed once, a name too. The list is an immutable value: a change makes a
// new one, whole or not at all.
//
// Owns: its entries. Threads: reading from any.
#ifndef COORDINATOR_SERVE_ALLOW_H
#define COORDINATOR_SERVE_ALLOW_H

#include "common/net/curve.h"

#include <stddef.h>

#define ALLOW_NAME_MAX   32        // a worker's own name goes behind it
#define ALLOW_KEYS_MAX   16384     // four times the sessions a coordinator has
#define ALLOW_FILE_BYTES (4 << 20) // of it, with comments

enum role { ROLE_WORKER = 1, ROLE_OPERATOR = 2, ROLE_VIEWER = 4 };

struct allow_entry {
    struct curve_public key;
    enum role role;
    char name[ALLOW_NAME_MAX]; // letters, digits, - _ and .
    unsigned line;
};

struct allow;

// ERR_NOTFOUND, ERR_IO; ERR_LIMIT, ERR_INPUT name file and line, or the mode that lets
// others change the file.
MUST_CHECK enum err allow_load(const char *path, struct allow **out,
                               struct errinfo *why);
// The same of text in memory (zero-terminated); `path` is for sentences.
MUST_CHECK enum err allow_parse(const char *text, const char *path, struct allow **out,
                                struct errinfo *why);
void allow_destroy(struct allow *a); // NULL is fine

const struct allow_entry *allow_find(const struct allow *a,
                                     const struct curve_public *key); // or NULL
size_t allow_count(const struct allow *a);
const char *role_name(enum role r); // "worker", ...

#endif
