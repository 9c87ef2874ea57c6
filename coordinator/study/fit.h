// SPDX-License-Identifier: Apache-2.0
// fit.h - what fitting predictors to a study's labels came to, and what they found.
//
// Kept as an artifact (JSON), so that reports can be made of it at any time and a
// restarted coordinator does not fit again. Made from the same labels it is the same,
// byte for byte.
//
// Owns: its lists. Threads: any, one at a time.
#ifndef COORDINATOR_STUDY_FIT_H
#define COORDINATOR_STUDY_FIT_H

#include "common/base/buf.h"
#include "common/blob/hash.h"
#include "coordinator/study/explore.h"

#define FIT_KINDS_MAX 8
#define FIT_MAX_BYTES (64u << 20) // read back: 100,000 labels are 15 MB

struct fit_kind { // how a kind did in cross-validation
    char kind[16];
    double kendall_tau; // of held-out predictions against labels, mean over the folds
    double rmse;        // EER points
};

struct fit_label {
    struct arch arch;
    double measured;
    double predicted; // by the chosen kind fitted without its fold
};

struct fit_key { // for finding predictions
    uint64_t hash;
    double predicted;
};

struct fit {
    char predictor[HASH_HEX_MAX]; // the chosen kind fitted to all labels
    char kind[16];
    int n_folds;
    int n_kinds;
    struct fit_kind kinds[FIT_KINDS_MAX];
    size_t n_labels;
    struct fit_label *labels;
    size_t n_picks;
    struct pick *picks; // what to evaluate, in this order
    size_t n_keys;
    struct fit_key *keys; // of picks and labels, by hash; made by fit_parse
};

void fit_fini(struct fit *f); // zeroed or filled; leaves it empty

// The prediction for that network among the picks and labels; false when it has none.
// Of a fit that was read.
bool fit_predicted(const struct fit *f, const struct arch *a, double *predicted);

void fit_print(const struct fit *f, struct buf *out);
// ERR_CORRUPT: not what fit_print writes.
MUST_CHECK enum err fit_parse(const char *json, size_t n, struct fit *out,
                              struct errinfo *why);
MUST_CHECK enum err fit_load(const char *path, struct fit *out, struct errinfo *why);

#endif
