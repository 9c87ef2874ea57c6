// SPDX-License-Identifier: Apache-2.0
// labels.h - which networks a predictor learns from: drawn evenly over their cost.
//
// Drawing paths at random gives many networks of middling size and hardly any small
// ones, which is where the targets are. So the range of MACs is cut into strata of
// equal probability, which label i takes in turn, i modulo their number, and within a
// stratum a path is drawn at random. Label i is a function of (space, seed, i) and of
// which networks are labels already: a restarted coordinator draws the same ones.
//
// Owns: nothing; a value. Threads: any.
#ifndef COORDINATOR_STUDY_LABELS_H
#define COORDINATOR_STUDY_LABELS_H

#include "common/conf/study.h"
#include "coordinator/search/seen.h"

#define LABELS_STRATA 10

struct label_strata {
    double edges[LABELS_STRATA - 1]; // MACs, increasing
};

struct label_strata labels_cut(const struct study_conf *conf);

int labels_stratum_of(const struct label_strata *s, double macs);

// Draws label `number`, which `seen` does not hold. One of another stratum when its own
// has hardly any left; false when nothing new is found at all.
bool labels_draw(const struct study_conf *conf, const struct label_strata *s,
                 uint32_t number, const struct seen *seen, struct arch *out);

#endif
