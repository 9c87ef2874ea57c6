// SPDX-License-Identifier: Apache-2.0
// lines.h - a list file in memory, line by line, split into fields in place.
//
// Accepts a byte-order mark, CR LF and a last line without an end; skips blank lines.
//
// Owns: nothing; fields point into the text. Threads: one at a time.
#ifndef WORKER_DATA_LINES_H
#define WORKER_DATA_LINES_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lines {
    const char *path; // for errors
    char *at, *end;
    uint32_t number; // of the current line, from 1
};

// Reads the file into *text, which the caller frees after using the fields.
// ERR_NOTFOUND, ERR_LIMIT, ERR_INPUT for a zero byte (not text), ERR_IO.
MUST_CHECK enum err lines_open(struct lines *l, const char *path, char **text,
                               struct errinfo *why);

// The next line that is not blank, zero-terminated; NULL at the end.
char *lines_next(struct lines *l);

// Splits at runs of blanks; with `max` fields found, the last takes the rest of the
// line (its own end trimmed). Returns how many there are.
size_t lines_split_blanks(char *line, char **fields, size_t max);

// Splits at every tab. Returns how many there are, which may be over `max`.
size_t lines_split_tabs(char *line, char **fields, size_t max);

#endif
