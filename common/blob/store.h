// SPDX-License-Identifier: Apache-2.0
// store.h - a folder of artifacts, each a file named by its content hash.
//
// A file appears under its final name only when it is complete, synced and its hash was
// checked (write-then-rename), so what is there is right. Reading may name further
// folders to look in first (a shared file system): those are never written.
//
// Files in the making live in tmp/ID/ inside the folder; each open store holds a lock
// on tmp/ID.lock, so that several processes may share a folder and what a crash left is
// recognised (nobody holds its lock) and removed by the next one that opens.
//
// Owns: its paths, its lock and open partial files. Threads: any, one struct per
// thread.
#ifndef COMMON_BLOB_STORE_H
#define COMMON_BLOB_STORE_H

#include "common/base/file.h"
#include "common/blob/hash.h"

#include <stdbool.h>
#include <stdint.h>

struct blob_store;
struct blob_writer;

// Makes the folder when it is missing and removes what a crash left in the making.
// `also_read` (may be NULL) is a second folder to read from. ERR_IO.
MUST_CHECK enum err blob_store_open(const char *dir, const char *also_read,
                                    struct blob_store **out, struct errinfo *why);
void blob_store_close(struct blob_store *s); // NULL is fine
// Its folder, to open the same store once more on another thread.
const char *blob_store_dir(const struct blob_store *s);

// Path of a complete artifact. ERR_NOTFOUND, ERR_INPUT when the name is no hash.
MUST_CHECK enum err blob_path(const struct blob_store *s, const char *hex,
                              char out[static FILE_PATH_MAX], uint64_t *size_bytes,
                              struct errinfo *why);
bool blob_has(const struct blob_store *s, const char *hex);

// Removes an artifact from the store's own folder. ERR_NOTFOUND, ERR_IO.
MUST_CHECK enum err blob_remove(struct blob_store *s, const char *hex,
                                struct errinfo *why);

// Visits the artifacts of the store's own folder, in no order; false stops. ERR_IO.
struct blob_entry {
    char hash[HASH_HEX_MAX];
    uint64_t size_bytes;
    int64_t modified_ns; // wall clock
};
typedef bool blob_visit_fn(void *arg, const struct blob_entry *entry);
MUST_CHECK enum err blob_each(const struct blob_store *s, blob_visit_fn *fn, void *arg,
                              struct errinfo *why);

// Takes in a finished file by moving (same file system) or copying it. This, and what
// else writes: ERR_FULL when the disk is, ERR_IO.
MUST_CHECK enum err blob_take_file(struct blob_store *s, const char *path,
                                   char hex[static HASH_HEX_MAX], uint64_t *size_bytes,
                                   struct errinfo *why);
MUST_CHECK enum err blob_put_bytes(struct blob_store *s, const void *bytes, size_t n,
                                   char hex[static HASH_HEX_MAX], struct errinfo *why);

// A private path inside the store's folder for a file being made elsewhere in this
// process (then blob_take_file). Unique per call.
MUST_CHECK enum err blob_scratch_path(struct blob_store *s,
                                      char out[static FILE_PATH_MAX],
                                      struct errinfo *why);

// Streaming: begin, any number of adds in order, then commit (checks size and hash:
// ERR_CORRUPT leaves nothing) or abort. The writer is freed by commit and abort.
MUST_CHECK enum err blob_writer_begin(struct blob_store *s, const char *hex,
                                      uint64_t size_bytes, struct blob_writer **out,
                                      struct errinfo *why);
MUST_CHECK enum err blob_writer_add(struct blob_writer *w, const void *bytes, size_t n,
                                    struct errinfo *why);
uint64_t blob_writer_at(const struct blob_writer *w); // bytes so far
MUST_CHECK enum err blob_writer_commit(struct blob_writer *w, struct errinfo *why);
void blob_writer_abort(struct blob_writer *w); // NULL is fine

#endif
