// SPDX-License-Identifier: Apache-2.0
// progress.h - what a person sees while a study runs.
//
// On a terminal two lines are redrawn in place: where the study stands, and how well it
// goes. Elsewhere one plain line comes every few seconds and on each change of state.
// Sentences (progress_say) scroll by above. NO_COLOR and dumb terminals are respected.
//
// Owns: what it drew last. Threads: loop thread.
#ifndef COORDINATOR_CLI_PROGRESS_H
#define COORDINATOR_CLI_PROGRESS_H

#include "common/base/buf.h"
#include "proto/msg.h"

#include <stdio.h>

struct progress;

struct progress_view {
    const struct status_study *study; // NULL before the coordinator first answered
    unsigned n_busy, n_workers;
    const char *note; // in front of everything: "starting", "draining: ..."; "" = none
};

struct progress_style {
    int columns;
    bool has_colour;
    bool has_unicode;
};

// Draws to `to` (stderr); quiet: only sentences.
struct progress *progress_create(FILE *to, bool is_quiet);
void progress_destroy(struct progress *p); // leaves what was drawn; NULL is fine

void progress_show(struct progress *p, const struct progress_view *v, int64_t now_ms);
void progress_say(struct progress *p, const char *format, ...) PRINTF(2, 3);
void progress_erase(
    struct progress *p); // takes the live lines away, before other output

// The drawing itself, pure: two lines for a terminal (newline between), one for a file.
void progress_draw(const struct progress_view *v, const struct progress_style *style,
                   struct buf *out);
void progress_line(const struct progress_view *v, struct buf *out);

// "3h05m", "4m10s", "8s".
void progress_duration(double seconds, struct buf *out);
// 12345678 -> "12,345,678".
void progress_count(uint64_t n, struct buf *out);

#endif
