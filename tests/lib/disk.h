// SPDX-License-Identifier: Apache-2.0
// disk.h - a disk that loses power, fails and fills up: the file calls of a test.
//
// Linked into a test, it stands between the program (SQLite included) and the kernel:
// every change below one folder is carried out and noted. Afterwards the folder can be
// made anew as a power cut after the first n changes would have left it. What a file
// or a folder was told before its last sync is there; of what came later, nothing, all
// of it, or some of it, in sectors of 512 bytes and in any order. A name is in its
// folder for good once that folder was synced, never before.
// Any call below the folder can be made to fail instead, once or from then on.
//
// Owns: its notes. Threads: one.
#ifndef TESTS_LIB_DISK_H
#define TESTS_LIB_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// From now on notes what happens below `root`: absolute, there, and empty.
void disk_watch(const char *root);
void disk_unwatch(void); // forgets everything
size_t disk_changes(void);

enum disk_loss { DISK_KEEPS_SYNCED, DISK_KEEPS_ALL, DISK_KEEPS_SOME };

// Makes what is left after the first n changes below `to` (there, and empty).
void disk_lose_power(size_t n, enum disk_loss loss, uint64_t seed, const char *to);

void disk_remove(const char *path); // rm -rf; not there is fine

// Syncs that say they worked and did nothing, to see that a test finds out.
void disk_ignore_syncs(bool of_files, bool of_folders);

// The n-th call from now on (from 1) fails with that errno: once, or it and all after
// it. A write that finds no space (ENOSPC) writes half. disk_works ends that; it tells
// whether a call has failed.
void disk_fail_at(size_t n, int number, bool for_good);
bool disk_works(void);

#endif
