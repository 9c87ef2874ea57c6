// SPDX-License-Identifier: Apache-2.0
// schema.h - a table of keys that reads a YAML map into a plain struct, and prints it.
//
// Each key says its type, where its value lies in the struct and what is allowed. The
// struct is filled with the defaults beforehand; keys that are absent leave them alone.
// An error names file, line, dotted key, what is wrong and what is allowed. Reading
// what was printed gives the same struct and prints the same bytes.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_CONF_SCHEMA_H
#define COMMON_CONF_SCHEMA_H

#include "common/base/buf.h"
#include "common/conf/tree.h"
#include "common/space/arch.h"

enum schema_type {
    SCHEMA_NAME,   // char[size]: letters, digits - _ . and no . in front
    SCHEMA_TEXT,   // char[size], not empty
    SCHEMA_PATH,   // char[size], made absolute
    SCHEMA_CHOICE, // char[size]: one of `words`
    SCHEMA_WORD,   // int: index of one of `words`
    SCHEMA_FLAG,   // bool: index of one of two `words`
    SCHEMA_INT,    // int
    SCHEMA_REAL,   // double
    SCHEMA_COUNT,  // uint64_t below 2^63, with k, M, G, KiB, MiB or GiB if so wished
    SCHEMA_RANGE,  // double[2]: [low, high]
    SCHEMA_REALS,  // double[size], increasing; how many there are at count_offset
    SCHEMA_VALUES, // struct value_list: [a, b, ...] or {from, to, step}
    SCHEMA_LIMITS, // struct constraint[size]; how many there are at count_offset
    SCHEMA_MAP,    // `keys`, from `offset` on
    SCHEMA_LIST,   // of maps with `keys`, each an element of an array
    SCHEMA_SKIP,   // known, but not looked at
};

enum schema_flags {
    SCHEMA_REQUIRED = 1,
    SCHEMA_HIDDEN = 2, // not printed: only a default for what is
    SCHEMA_WHOLE = 4,  // a map that is there, and printed, with its required keys only
};

struct schema_key {
    const char *name; // NULL ends a table
    enum schema_type type;
    unsigned flags;
    size_t offset;            // of the value, from the map's struct
    size_t size;              // of text; of one element of a list; most reals, limits
    double min, max;          // of numbers (counts: min); max elements of a list
    const char *const *words; // NULL-terminated
    enum gene_kind gene;      // of values
    const struct schema_key *keys; // of a map or a list's elements
    size_t count_offset;           // list, reals, limits: int, number of elements
    size_t preset_offset;          // list: struct that elements start from; 0 = zeros
};

struct schema {
    const struct tree *tree;
    const char *dir; // where relative paths start: absolute, no symbolic links
    struct errinfo *why;
};

// Reads the tree's root into `base`. ERR_INPUT, ERR_LIMIT.
MUST_CHECK enum err schema_read(const struct schema *s, const struct schema_key *keys,
                                void *base);

// Appends the map as YAML. Empty texts, maps and lists, and counts of zero are left
// out.
void schema_print(const struct schema_key *keys, const void *base, struct buf *out);

#endif
