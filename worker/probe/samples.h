// SPDX-License-Identifier: Apache-2.0
// samples.h - times of many passes, column by column, and what they come to.
//
// Medians and quartiles, since times have a long upper tail: what interrupts a pass
// only ever makes it slower.
//
// Owns: its rows. Threads: one at a time.
#ifndef WORKER_PROBE_SAMPLES_H
#define WORKER_PROBE_SAMPLES_H

#include "proto/msg.h"

#include <stddef.h>

struct samples;

// Rows of n_columns times. Memory comes up front: a row costs nothing when it is timed.
struct samples *samples_create(size_t n_columns, size_t max_rows);
void samples_destroy(struct samples *s); // NULL is fine

// The next row, to be filled in; it counts once samples_keep is called. NULL when full.
double *samples_next(struct samples *s);
void samples_keep(struct samples *s);
void samples_clear(struct samples *s);
size_t samples_count(const struct samples *s);

// Of one column; there is at least one row.
struct timing samples_timing(struct samples *s, size_t column);

// The relative standard error of a median, were the times normal: 0.93 of the
// interquartile range over the root of n.
double samples_error(const struct timing *t);
double samples_spread(const struct timing *t); // interquartile range over the median

#endif
