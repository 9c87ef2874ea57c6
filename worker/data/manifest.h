// SPDX-License-Identifier: Apache-2.0
// manifest.h - tab-separated lists of recordings with a header line.
//
// The header names the columns: `file` and `speaker` are needed, `split` is optional,
// others are for people. A file's name is what trial lists call it.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_DATA_MANIFEST_H
#define WORKER_DATA_MANIFEST_H

#include "worker/data/recordings.h"

// Fills items, text, index, path, and root with the manifest's own folder.
// ERR_NOTFOUND, ERR_LIMIT, ERR_INPUT naming file and line. Use recordings_load.
MUST_CHECK enum err manifest_read(struct recordings *r, const char *path,
                                  struct errinfo *why);

#endif
