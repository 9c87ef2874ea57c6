// SPDX-License-Identifier: Apache-2.0
// display.h - what a person sees while a study runs.
//
// On a terminal two lines are redrawn in place: where the study stands, and how well it
// goes. Elsewhere one plain line comes every few seconds and on each change of state.
// Sentences (display_say) scroll by above. NO_COLOR and dumb terminals are respected.
//
// Owns: what it drew last. Threads: loop thread.
#ifndef COORDINATOR_CLI_DISPLAY_H
#define COORDINATOR_CLI_DISPLAY_H

#include "common/base/buf.h"
#include "proto/msg.h"

#include <stdio.h>

struct display;

struct display_view {
    const struct status_study *study; // NULL before the coordinator first answered
    unsigned n_busy, n_workers;
    const char *note; // in front of everything: "starting", "draining: ..."; "" = none
};

struct display_style {
    int columns;
    bool has_colour;
    bool has_unicode;
};

// Draws to `to` (stderr); quiet: only sentences.
struct display *display_create(FILE *to, bool is_quiet);
void display_destroy(struct display *p); // leaves what was drawn; NULL is fine

void display_show(struct display *p, const struct display_view *v, int64_t now_ms);
void display_say(struct display *p, const char *format, ...) PRINTF(2, 3);
void display_erase(struct display *p); // takes the live lines away, before other output

// The drawing itself, pure: two lines for a terminal (newline between), one for a file.
void display_draw(const struct display_view *v, const struct display_style *style,
                  struct buf *out);
void display_line(const struct display_view *v, struct buf *out);

// "3h05m", "4m10s", "8s".
void display_duration(double seconds, struct buf *out);
// 12345678 -> "12,345,678".
void display_count(uint64_t n, struct buf *out);
// What workers and packers said, on one line: each control character is a space.
void display_words(const char *text, struct buf *out);

#endif
