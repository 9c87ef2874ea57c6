// SPDX-License-Identifier: Apache-2.0
// keyfile.h - keys in files: a pair that is its owner's alone, a public key anybody's.
//
//   # comments
//   public 1fe2...
//   secret 09ab...      in files of pairs only
//
// A file with a secret key that others may read, or that is another user's, is refused,
// and the sentence says the command that puts it right.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_NET_KEYFILE_H
#define COMMON_NET_KEYFILE_H

#include "common/base/file.h"
#include "common/net/curve.h"

// Never over an existing file; mode 0600. ERR_BUSY: it exists. ERR_IO.
MUST_CHECK enum err keyfile_write(const char *path, const struct curve_key *k,
                                  struct errinfo *why);

// ERR_NOTFOUND, ERR_IO; ERR_INPUT: mode, owner, or what is in it (file and line).
MUST_CHECK enum err keyfile_load(const char *path, struct curve_key **out,
                                 struct errinfo *why);

// `text` is a public key, or a file with one. A file that holds a secret key is refused
// (ERR_INPUT): it should not be here.
MUST_CHECK enum err keyfile_public(const char *text, struct curve_public *out,
                                   struct errinfo *why);

// What a client was told on its command line; NULL = not told. Both or none.
MUST_CHECK enum err keyfile_link(const char *key_path, const char *coordinator_key,
                                 struct curve_link *out, struct errinfo *why);

#endif
