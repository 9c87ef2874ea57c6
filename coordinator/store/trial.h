// SPDX-License-Identifier: Apache-2.0
// trial.h - rows of trials: an architecture with its measured objectives.
//
// A trial is keyed by (study, architecture, checkpoint, protocol, origin): its result
// is a function of these and the seed, so a pair is evaluated at most once for a stage
// or the search, once more when it is exported, and once when it is fine-tuned.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_TRIAL_H
#define COORDINATOR_STORE_TRIAL_H

#include "common/space/complexity.h"
#include "coordinator/store/store.h"
#include "proto/msg.h"

// LABEL: for a predictor to learn from. FINETUNE: trained on by itself, then measured.
enum trial_origin {
    TRIAL_STAGE = 1,
    TRIAL_SEARCH,
    TRIAL_FINAL,
    TRIAL_LABEL,
    TRIAL_FINETUNE,
    TRIAL_ORIGINS
};
const char *trial_origin_name(enum trial_origin o);

struct trial_row {
    uint64_t id;
    uint64_t study_id;
    enum trial_origin origin;
    uint32_t stage;    // the stage whose checkpoint it was evaluated with
    uint32_t proposal; // search: which proposal; label: which label; else 0
    struct arch arch;
    char checkpoint[HASH_HEX_MAX];
    uint32_t protocol;
    struct complexity complexity;
    bool is_measured;
    bool has_failed;               // its task was buried
    struct evaluate_result result; // when measured
    double loss_first, loss_last;  // of a measured FINETUNE
};

// ERR_BUSY when the key is there already (id of that row is set). Inside a transaction.
MUST_CHECK enum err trial_insert(struct store *s, struct trial_row *row,
                                 struct errinfo *why);
MUST_CHECK enum err trial_get(struct store *s, uint64_t id, struct trial_row *out);
MUST_CHECK enum err trial_measured(struct store *s, uint64_t id,
                                   const struct evaluate_result *r,
                                   struct errinfo *why);
MUST_CHECK enum err trial_finetuned(struct store *s, uint64_t id,
                                    const struct finetune_result *r,
                                    struct errinfo *why);
MUST_CHECK enum err trial_failed(struct store *s, uint64_t id, struct errinfo *why);
// A failed trial is to be evaluated after all. ERR_NOTFOUND: it has not failed.
MUST_CHECK enum err trial_reopened(struct store *s, uint64_t id, struct errinfo *why);
typedef bool trial_visit_fn(void *arg, const struct trial_row *row);
// In id order; origin 0 = any.
MUST_CHECK enum err trial_each(struct store *s, uint64_t study_id,
                               enum trial_origin origin, trial_visit_fn *fn, void *arg,
                               struct errinfo *why);

#endif
