// SPDX-License-Identifier: Apache-2.0
// recordings.h - a list of recordings with their speakers, read from a manifest or a
// Kaldi folder.
//
// manifest.c reads TSV files, kaldi.c reads wav.scp and utt2spk; both fill this struct.
// Every entry keeps the line it came from, for errors.
//
// Owns: the text of the files; strings point into it. Threads: reading from any.
#ifndef WORKER_DATA_RECORDINGS_H
#define WORKER_DATA_RECORDINGS_H

#include "common/base/file.h"
#include "common/conf/study.h"

#include <stdint.h>

#define LIST_FILE_MAX_BYTES ((size_t)512 << 20)
#define RECORDINGS_MAX      ((size_t)50 << 20)

struct recording {
    const char *id;   // what trials call it: manifest file name, Kaldi utterance
    const char *file; // as written
    const char *speaker;
    const char *split; // "" when the list has no such column
    uint32_t line;
};

struct recordings {
    char path[FILE_PATH_MAX]; // of the list, for errors
    char root[FILE_PATH_MAX]; // in front of relative files
    char *text[2];
    struct recording *items;
    size_t n, cap;
    uint32_t *by_id; // indices in the order of the ids
};

// Reads whichever list `from` names (exactly one). ERR_NOTFOUND, ERR_LIMIT, ERR_INPUT.
MUST_CHECK enum err recordings_load(struct recordings *r,
                                    const struct study_recordings *from,
                                    struct errinfo *why);
void recordings_fini(struct recordings *r);

// NULL when there is none.
const struct recording *recordings_find(const struct recordings *r, const char *id);

// The file to open: `file` as it is when absolute, else under `root`. ERR_LIMIT.
MUST_CHECK enum err recordings_path(const char *root, const char *file,
                                    char out[static FILE_PATH_MAX],
                                    struct errinfo *why);

// For the readers. ERR_LIMIT over RECORDINGS_MAX.
MUST_CHECK enum err recordings_add(struct recordings *r, const struct recording *item,
                                   struct errinfo *why);
// Sorts by id; the same id twice is ERR_INPUT.
MUST_CHECK enum err recordings_index(struct recordings *r, struct errinfo *why);

#endif
