// SPDX-License-Identifier: Apache-2.0
// file.h - whole files: read with a limit, written so that a crash leaves old or new.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_BASE_FILE_H
#define COMMON_BASE_FILE_H

#include "common/base/buf.h"

#include <stdbool.h>

// Appends the file to `out`. ERR_NOTFOUND, ERR_LIMIT over max_bytes, ERR_IO.
MUST_CHECK enum err file_read(const char *path, size_t max_bytes, struct buf *out,
                              struct errinfo *why);

// Writes path.tmp, syncs it, renames it over path, syncs the directory. ERR_FULL when
// the disk is, ERR_IO.
MUST_CHECK enum err file_write(const char *path, const void *bytes, size_t n,
                               struct errinfo *why);

// mkdir -p; what is new is synced into the folder above it. ERR_FULL, ERR_IO.
MUST_CHECK enum err file_make_dirs(const char *path, struct errinfo *why);

// fsync of a directory, so that a rename inside it is durable. ERR_IO.
MUST_CHECK enum err file_sync_dir(const char *path, struct errinfo *why);

// The same of the directory that holds `path`. ERR_IO.
MUST_CHECK enum err file_sync_parent(const char *path, struct errinfo *why);

bool file_exists(const char *path);

// snprintf into a path buffer; ERR_LIMIT when it does not fit.
MUST_CHECK enum err file_path(char *out, size_t cap, struct errinfo *why,
                              const char *format, ...) PRINTF(4, 5);

#define FILE_PATH_MAX 1024

#endif
