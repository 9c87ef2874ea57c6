// SPDX-License-Identifier: Apache-2.0
// embed.h - embeddings of many recordings, and the scores of trials between them.
//
// PROTOCOL_FULL: one embedding of the whole utterance, cosine. PROTOCOL_CHEAP: two
// crops of 4 s (first and last; shorter recordings wrap), mean of the 2 x 2 cosines.
// Recordings are grouped by length into batches.
//
// Owns: nothing beyond a call. Threads: one at a time per network.
#ifndef WORKER_SCORE_EMBED_H
#define WORKER_SCORE_EMBED_H

#include "common/conf/study.h"
#include "worker/data/pack.h"
#include "worker/nn/net.h"
#include "worker/score/metrics.h"

// Called now and then with the share done; a false return cancels (ERR_CANCELLED).
typedef bool embed_progress_fn(void *arg, double fraction);

// Embeds every PACK_EVAL utterance that a trial names and scores all trials.
// The network must hold recalibrated statistics and be planned for at least 16
// utterances and EMBED_MAX_FRAMES frames in sum. scores may be NULL, else
// [pack_n_trials].
MUST_CHECK enum err embed_score_trials(struct net *net, const struct pack *pack,
                                       enum protocol protocol,
                                       embed_progress_fn *progress, void *arg,
                                       double *scores, struct metrics *out,
                                       struct errinfo *why);

#define EMBED_MAX_FRAMES 12000 // two minutes: longer recordings are cut there
#define EMBED_MAX_UTTS   16

#endif
