// SPDX-License-Identifier: Apache-2.0
// latency_table.h - what each unit of a network costs on one device; a network's
// latency is the sum over its units.
//
// CSV: `section,k1,k2,k3,ms` with `#` comment lines. Sections: layer1 (in, kernel,
// out), blocks (channels, kernel, mid) or blocks2 .. blocks9 (the same at that
// dilation, preferred where present), catconv (in, out, 0), pool (channels, 0, 0),
// embed (in, out, 0). Comments `# key: value` are the table's provenance. Between
// entries that differ in channels alone, values are interpolated (piecewise linear in
// the channels, first in the last of them, then in the first); outside of them a unit
// has no latency.
//
// Owns: its entries. Threads: reading from any.
#ifndef COMMON_SPACE_LATENCY_TABLE_H
#define COMMON_SPACE_LATENCY_TABLE_H

#include "common/base/buf.h"
#include "common/space/arch.h"

#include <stdbool.h>

enum latency_section {
    LATENCY_LAYER1,
    LATENCY_BLOCK,
    LATENCY_CATCONV,
    LATENCY_POOL,
    LATENCY_EMBED
};
#define LATENCY_SECTIONS 5

struct latency_unit {
    enum latency_section section;
    int dilation; // BLOCK: 2 .. 9, or 0 in a table that does not tell them apart
    int a, b, c;  // k1, k2, k3 of the section
};

#define LATENCY_UNITS_MAX  (ARCH_DEPTH_MAX + 4)
#define LATENCY_CSV_HEADER "section,k1,k2,k3,ms"

struct latency_entry {
    struct latency_unit unit;
    double ms;
};

struct latency_table;

struct latency_table *latency_table_create(void);
void latency_table_destroy(struct latency_table *t); // NULL is fine
// Adds or replaces. `ms` is finite and not negative.
void latency_table_set(struct latency_table *t, const struct latency_unit *u,
                       double ms);
size_t latency_table_count(const struct latency_table *t);
// All entries, in the order of a file: by section's name, then k1, k2, k3. The caller's
// to free().
struct latency_entry *latency_table_entries(const struct latency_table *t);

// Provenance. Neither holds a newline, the key no ':'; what stands under the same key
// is replaced. NULL when there is none.
void latency_table_note(struct latency_table *t, const char *key, const char *value);
const char *latency_table_noted(const struct latency_table *t, const char *key);

// The section's name in a file, "blocks3" for a block at dilation 3.
#define LATENCY_NAME_MAX 16
char *latency_unit_name(const struct latency_unit *u,
                        char out[static LATENCY_NAME_MAX]);

// ERR_NOTFOUND, ERR_LIMIT (too large a file), ERR_INPUT with file:line. What
// latency_table_print wrote is read back exactly, and printed again byte for byte.
MUST_CHECK enum err latency_table_load(const char *path, struct latency_table **out,
                                       struct errinfo *why);
MUST_CHECK enum err latency_table_parse(const char *csv, size_t n, const char *name,
                                        struct latency_table **out,
                                        struct errinfo *why);
void latency_table_print(const struct latency_table *t, struct buf *out);

// The units that `a` is made of, in order; returns how many.
size_t latency_units_of(const struct arch *a, const struct net_dims *d,
                        struct latency_unit out[static LATENCY_UNITS_MAX]);

// False when the table does not cover the unit, or the network.
bool latency_of_unit(const struct latency_table *t, const struct latency_unit *u,
                     double *ms);
bool latency_of(const struct latency_table *t, const struct arch *a,
                const struct net_dims *d, double *ms);

#endif
