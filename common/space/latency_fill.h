// SPDX-License-Identifier: Apache-2.0
// latency_fill.h - a latency table out of many measurements of the same units.
//
// A unit is measured in several networks. Its time is the median over those of a quiet
// machine; what was only ever measured on a noisy one counts as it is.
//
// Owns: its measurements. Threads: one at a time.
#ifndef COMMON_SPACE_LATENCY_FILL_H
#define COMMON_SPACE_LATENCY_FILL_H

#include "common/space/latency_table.h"

struct latency_fill;

struct latency_fill *latency_fill_create(void);
void latency_fill_destroy(struct latency_fill *f); // NULL is fine
void latency_fill_add(struct latency_fill *f, const struct latency_unit *u, double ms,
                      bool is_noisy);

// The caller's to destroy.
struct latency_table *latency_fill_table(struct latency_fill *f);

#endif
