// SPDX-License-Identifier: Apache-2.0
// cohort.h - the training speakers that scores are normalised by.
//
// As many as the study asks for, or all there are, drawn by the study's seed; of each
// up to some recordings, drawn as well. A member is the direction of the mean of the
// unit vectors of its recordings' embeddings, as is usual in the field (speaker-wise
// averages of length-normalised embeddings). The draw depends on pack, settings and
// seed alone, so all networks of a study are measured by the same cohort.
//
// Owns: a cohort owns its lists and voices. Threads: one at a time.
#ifndef WORKER_SCORE_COHORT_H
#define WORKER_SCORE_COHORT_H

#include "worker/score/voices.h"

struct cohort {
    size_t n; // members
    struct voices_item *items;
    size_t n_items;
    double *voices; // [n][n_embed], unit vectors once embedded
};

// ERR_INPUT: the pack has fewer than two training speakers.
MUST_CHECK enum err cohort_draw(struct cohort *c, const struct pack *pack,
                                const struct study_asnorm *asnorm, uint64_t seed,
                                struct errinfo *why);
// `work` says how (all but the items and their part). As voices_embed; ERR_NUMERIC also
// for a member whose recordings cancel each other out.
MUST_CHECK enum err cohort_embed(struct cohort *c, struct net *net,
                                 const struct voices_work *work, struct errinfo *why);
void cohort_fini(struct cohort *c);

#endif
