// SPDX-License-Identifier: Apache-2.0
// scrub.h - reads artifacts again and compares them with their names.
//
// An artifact is right when it gets its name; disks forget. So it is read once more
// before this process first hands it out (scrub_is_verified, scrub_want), again when
// its file changed, and in slow passes over all of them. What is damaged is taken out
// of the way, to DIR/corrupt, and told: it is missing from then on.
//
// Owns: what it knows to be right, its timer, the job in flight. Borrows: loop.
// Threads: loop thread; reads on the thread pool, one artifact at a time.
#ifndef COORDINATOR_KEEP_SCRUB_H
#define COORDINATOR_KEEP_SCRUB_H

#include "common/blob/store.h"

#include <uv.h>

#define SCRUB_PASS_MS   21600000 // from the end of a pass to the next: six hours
#define SCRUB_FIRST_MS  5000     // the first pass waits until a start is over
#define SCRUB_RESTS     10       // between artifacts: so many times as long as it read
#define SCRUB_WANTS_MAX 64

struct scrub;

struct scrub_setup {
    uv_loop_t *loop;
    const char *blob_dir; // copied
    void *arg;
    // It was read: right (is_damaged false), or taken out of the way.
    void (*read)(void *arg, const char *hash, bool is_damaged);
};

// ERR_LIMIT: the path is too long.
MUST_CHECK enum err scrub_create(const struct scrub_setup *setup, struct scrub **out,
                                 struct errinfo *why);
// Waits for the job in flight; turns the loop, so not from inside a callback. NULL is
// fine.
void scrub_destroy(struct scrub *s);

// Known to be right, and the file is the same since. False for what is not there.
bool scrub_is_verified(const struct scrub *s, const char *hash);

// Reads it soon, before whatever a pass would read next. False when too many wait.
bool scrub_want(struct scrub *s, const char *hash);

#endif
