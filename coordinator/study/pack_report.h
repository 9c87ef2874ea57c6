// SPDX-License-Identifier: Apache-2.0
// pack_report.h - what `voxarch-worker data pack` says: its summary line, its errors.
//
// On success one line of key=value on stdout (train_utterances=, train_speakers=,
// trials=, ...); otherwise sentences on stderr.
//
// Owns: nothing; pure. Threads: any.
#ifndef COORDINATOR_STUDY_PACK_REPORT_H
#define COORDINATOR_STUDY_PACK_REPORT_H

#include "common/base/buf.h"

#include <stdint.h>

struct pack_counts {
    uint64_t n_train_utts;
    uint32_t n_speakers;
    uint64_t n_trials;
};

// Reads the summary. ERR_PROTO names the key that is missing or not a positive number.
MUST_CHECK enum err pack_report_parse(const char *text, struct pack_counts *out,
                                      struct errinfo *why);

// Takes the whole lines about progress ("data: 120 of 900 recordings read") out of what
// was said on stderr; the newest of them goes to `out`, without its prefix.
void pack_report_take_progress(struct buf *text, char *out, size_t cap);

// The last lines of `text` that fit `cap`, cut at a line's start, joined by "; ".
void pack_report_tail(const char *text, char *out, size_t cap);

#endif
