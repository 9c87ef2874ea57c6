// SPDX-License-Identifier: Apache-2.0
// archive.h - all trials of a search as one of its problems sees them.
//
// Rows are kept by proposal number. Each has the values of the problem's objectives
// (costs filled in) and says by how much it breaks the problem's limits: those on
// costs, and those on what is measured. Equal sets of told trials make equal archives,
// whatever the order they were told in.
//
// Owns: its rows. Borrows: the problem. Threads: one at a time.
#ifndef COORDINATOR_SEARCH_ARCHIVE_H
#define COORDINATOR_SEARCH_ARCHIVE_H

#include "coordinator/search/problem.h"

#include <stddef.h>
#include <stdint.h>

enum archive_state { ARCHIVE_PENDING, ARCHIVE_FAILED, ARCHIVE_MEASURED };

struct archive_row {
    uint32_t number;
    enum archive_state state;
    struct arch arch;
    double values[PROBLEM_OBJECTIVES_MAX]; // by objective; measured ones when MEASURED
    double violation; // 0: all limits that can be judged hold, else the sum of the
                      // relative excesses
};

struct archive;

struct archive *archive_create(const struct problem *p);
void archive_destroy(struct archive *a); // NULL is fine

// Adds the row of that number, or changes its state and values. A MEASURED row with a
// NaN among its values becomes a FAILED one.
void archive_put(struct archive *a, uint32_t number, const struct arch *arch,
                 enum archive_state state, const double *values);

size_t archive_count(const struct archive *a);
const struct archive_row *archive_at(const struct archive *a, size_t i); // by number

size_t archive_n_measured(const struct archive *a);
// Grows whenever something is measured: what was derived from measured rows at an
// earlier version is out of date.
uint64_t archive_version(const struct archive *a);

// The order of single-objective strategies: smaller violation first, then the smaller
// first value, then the lower number.
bool archive_is_better(const struct archive_row *a, const struct archive_row *b);

// Writes the indices of the best n measured rows, best first; returns how many.
size_t archive_best(const struct archive *a, size_t n, size_t *out);

#endif
