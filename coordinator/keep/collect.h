// SPDX-License-Identifier: Apache-2.0
// collect.h - finds artifacts that nothing needs any more.
//
// Two kinds: weights of rounds that later ones superseded, as the rows say, and orphans
// that no row speaks of (uploads whose result never came, packs of a failed start).
// Each must have been left alone for a while, because what was just stored, or found in
// place by somebody who wants it, is spoken of a moment later.
//
// Owns: nothing. Threads: any, with a store and a blob store of its own.
#ifndef COORDINATOR_KEEP_COLLECT_H
#define COORDINATOR_KEEP_COLLECT_H

#include "common/blob/store.h"
#include "coordinator/store/store.h"

struct collect_rules {
    uint32_t keep_rounds;  // see artifact.h
    int64_t superseded_ms; // left alone so long: they go
    int64_t orphan_ms;
};

struct collect_list {
    struct blob_entry *items;
    size_t n, cap;
};

// Appends what may go as of now_ns (wall clock). ERR_IO, ERR_NOMEM, ERR_CORRUPT.
MUST_CHECK enum err collect_find(struct store *s, const struct blob_store *blobs,
                                 const struct collect_rules *rules, int64_t now_ns,
                                 struct collect_list *out, struct errinfo *why);
void collect_list_fini(struct collect_list *l); // leaves it empty and usable

#endif
