// SPDX-License-Identifier: Apache-2.0
// embed.h - a network's scores of all trials, and what they are worth.
//
// PROTOCOL_FULL: one embedding of the whole utterance, cosine. PROTOCOL_CHEAP: two
// crops of 4 s (first and last; shorter recordings wrap), mean of the 2 x 2 cosines.
// Either may be normalised by a cohort (asnorm.h).
//
// Owns: nothing beyond a call. Threads: one at a time per network.
#ifndef WORKER_SCORE_EMBED_H
#define WORKER_SCORE_EMBED_H

#include "worker/score/metrics.h"
#include "worker/score/voices.h"

struct kernels;

struct embed_work {
    const struct pack *pack;
    enum protocol protocol;
    const struct study_asnorm *asnorm; // NULL, or a cohort of 0: as they are
    uint64_t seed;                     // the study's: draws the cohort
    const struct kernels *kernels;     // normalise
    voices_progress_fn *progress;      // NULL: nobody is told
    void *arg;
};

// Embeds every PACK_EVAL utterance that a trial names and scores all trials.
// The network must hold recalibrated statistics and be planned for VOICES_MAX_UTTS
// utterances and VOICES_MAX_FRAMES frames in sum. scores may be NULL, else
// [pack_n_trials].
MUST_CHECK enum err embed_score_trials(struct net *net, const struct embed_work *work,
                                       double *scores, struct metrics *out,
                                       struct errinfo *why);

#endif
