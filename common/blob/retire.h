// SPDX-License-Identifier: Apache-2.0
// retire.h - artifacts that are used again, removed, copied, or found to be damaged.
//
// An artifact that is unneeded now may be wanted again at any moment: the same bytes
// have the same name. So whoever finds it in place says so by its time (blob_touch),
// and whoever removes it takes it aside first and looks at its time again.
//
// Owns: nothing. Threads: any, as struct blob_store.
#ifndef COMMON_BLOB_RETIRE_H
#define COMMON_BLOB_RETIRE_H

#include "common/blob/store.h"

// It is there, in the store's own folder, and used as of now. ERR_NOTFOUND, ERR_IO.
MUST_CHECK enum err blob_touch(struct blob_store *s, const char *hex,
                               struct errinfo *why);

// Removes it unless it was touched, or stored again, since its time was read: ERR_STALE
// then. ERR_NOTFOUND, ERR_IO.
MUST_CHECK enum err blob_retire(struct blob_store *s, const char *hex,
                                int64_t modified_ns, struct errinfo *why);

// Reads it and compares: ERR_CORRUPT when its bytes are not what its name says.
// ERR_NOTFOUND, ERR_IO.
MUST_CHECK enum err blob_verify(const struct blob_store *s, const char *hex,
                                struct errinfo *why);

// Takes a damaged one out of the way, to DIR/corrupt/HASH. ERR_NOTFOUND, ERR_IO.
MUST_CHECK enum err blob_quarantine(struct blob_store *s, const char *hex,
                                    struct errinfo *why);

// The same artifact in another store: a second link where both are on one file system,
// a copy otherwise; verified either way. There already is fine. ERR_CORRUPT,
// ERR_NOTFOUND, ERR_FULL, ERR_IO.
MUST_CHECK enum err blob_copy(const struct blob_store *from, struct blob_store *to,
                              const char *hex, uint64_t *size_bytes,
                              struct errinfo *why);

#endif
