// SPDX-License-Identifier: Apache-2.0
// voices.h - embeddings of many recordings, gathered into voices.
//
// PROTOCOL_FULL hears the whole recording (its first two minutes), PROTOCOL_CHEAP two
// crops of 4 s, the first and the last (shorter recordings wrap). What is heard is
// sorted by length and cut into batches, the longest first, so that memory and the
// estimate of the time left are right early. A voice is a sum of unit vectors over the
// recordings given to it; each recording has a share of 1, its crops share alike.
//
// Owns: nothing beyond a call. Threads: one at a time per network.
#ifndef WORKER_SCORE_VOICES_H
#define WORKER_SCORE_VOICES_H

#include "common/conf/study.h"
#include "worker/data/pack.h"
#include "worker/nn/net.h"

#define VOICES_MAX_FRAMES 12000 // two minutes: longer recordings are cut there
#define VOICES_MAX_UTTS   16

struct voices_item {
    uint32_t utt;   // of the part
    uint32_t voice; // that it is added to
};

// Called now and then with the share done; a false return cancels (ERR_CANCELLED).
typedef bool voices_progress_fn(void *arg, double fraction);

struct voices_work {
    const struct pack *pack;
    enum pack_part part;
    enum protocol protocol;
    const struct voices_item *items;
    size_t n_items;
    voices_progress_fn *progress; // NULL: nobody is told
    void *arg;
};

// Adds to voices [..][n_embed]. The network must hold recalibrated statistics and be
// planned for VOICES_MAX_UTTS utterances and VOICES_MAX_FRAMES frames in sum.
// ERR_NUMERIC names a recording whose embedding points nowhere.
MUST_CHECK enum err voices_embed(struct net *net, const struct voices_work *work,
                                 double *voices, struct errinfo *why);

#endif
