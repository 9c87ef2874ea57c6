// SPDX-License-Identifier: Apache-2.0
// seen.h - a set of architectures: what was proposed before, measured or pending.
//
// Owns: copies of its members. Threads: one at a time.
#ifndef COORDINATOR_SEARCH_SEEN_H
#define COORDINATOR_SEARCH_SEEN_H

#include "common/space/arch.h"

struct seen;

struct seen *seen_create(void);
void seen_destroy(struct seen *s); // NULL is fine

// False when it was there already.
bool seen_add(struct seen *s, const struct arch *a);
bool seen_has(const struct seen *s, const struct arch *a);
size_t seen_count(const struct seen *s);

#endif
