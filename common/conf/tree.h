// SPDX-License-Identifier: Apache-2.0
// tree.h - a YAML document as a tree of maps, lists and scalars that know their line.
//
// Only the plain part of YAML is accepted: one document, text keys, each once in its
// map, no anchors, aliases or tags, bounded depth and size, printable text. Values
// given on the command line are put into the tree before anyone reads it; errors about
// them say "command line" where the others say file and line.
//
// Owns: its nodes and their text. Threads: one at a time.
#ifndef COMMON_CONF_TREE_H
#define COMMON_CONF_TREE_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define TREE_DEPTH_MAX 12
#define TREE_NODES_MAX 10000
#define TREE_KEY_MAX   64   // bytes of a key
#define TREE_TEXT_MAX  1024 // bytes of a scalar: no path or name is longer
#define TREE_PATH_MAX  896  // TREE_DEPTH_MAX keys with their dots and indices

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node {
    enum tree_kind kind;
    int line;                  // from 1, of the key in a map; 0: from the command line
    char *key;                 // in a map, else NULL
    char *text;                // of a scalar, else NULL
    bool is_quoted;            // scalar written in quotes or as a block
    int n_children;            // of a list or map
    int index;                 // among its parent's children
    struct tree_node *parent;  // NULL for the root
    struct tree_node *first;   // child
    struct tree_node *last;    // child
    struct tree_node *next;    // child of the same parent
    struct tree_node *created; // before this one; for freeing
};

struct tree;

// Parses a document whose root is a map. `name` stands for the file in errors.
// ERR_INPUT, ERR_LIMIT (too deep, too many nodes, too long a text).
MUST_CHECK enum err tree_parse(const char *yaml, size_t n, const char *name,
                               struct tree **out, struct errinfo *why);
void tree_destroy(struct tree *t); // NULL is fine

// Applies "key.sub=value" or "key.list[2].sub=value"; the value is YAML. Maps on the
// way are made where there are none, list items are not.
MUST_CHECK enum err tree_set(struct tree *t, const char *assignment,
                             struct errinfo *why);

const struct tree_node *tree_root(const struct tree *t);
// NULL when there is no such child, or no such parent.
const struct tree_node *tree_get(const struct tree_node *map, const char *key);
const struct tree_node *tree_item(const struct tree_node *list, int index);

// A scalar that says nothing: empty, ~ or null.
bool tree_is_empty(const struct tree_node *n);

// Valid UTF-8 without control characters and other code points that YAML or a terminal
// would change.
bool tree_text_is_clean(const char *text);

// Writes ERR_INPUT as "FILE:LINE: dotted.path: ..." (with .key appended when not NULL).
enum err tree_error(const struct tree *t, const struct tree_node *n, const char *key,
                    struct errinfo *why, const char *format, ...) PRINTF(5, 6);

// The same for a dotted path; the line is that of the deepest node on it.
enum err tree_error_at(const struct tree *t, const char *path, struct errinfo *why,
                       const char *format, ...) PRINTF(4, 5);

#endif
