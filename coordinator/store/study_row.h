// SPDX-License-Identifier: Apache-2.0
// study_row.h - rows of studies: configuration, where they stand, and their rounds.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_STUDY_ROW_H
#define COORDINATOR_STORE_STUDY_ROW_H

#include "coordinator/store/store.h"
#include "proto/msg.h"

enum study_state {
    STUDY_PACKING = 1, // recordings are being read into a pack
    STUDY_TRAINING,    // rounds of the stages
    STUDY_LABELLING,   // networks that a predictor learns from are being evaluated
    STUDY_FITTING,     // predictors are fitted, the best of them is searched
    STUDY_SEARCHING,   // candidates are being evaluated
    STUDY_TUNING,      // the best of them are fine-tuned
    STUDY_EXPORTING,   // winners are written out
    STUDY_DONE,
    STUDY_FAILED,
    STUDY_CANCELLED, // by people
};
const char *study_state_name(enum study_state s); // as in struct status_study
bool study_state_is_over(enum study_state s);     // done, failed or cancelled

struct study_row {
    uint64_t id;
    char name[64];
    char conf[HASH_HEX_MAX]; // resolved study artifact
    char pack[HASH_HEX_MAX]; // "" until packed
    uint32_t n_speakers;
    uint64_t n_train_utts;
    uint64_t n_trials; // verification trials in the pack
    enum study_state state;
    uint32_t stage;    // current, index into the study's stages
    uint32_t round;    // current in the stage
    uint64_t position; // batches of the stage merged so far
    // What candidates are evaluated with: the newest merged weights, "" = initial ones;
    // of a study that guesses, its predictor.
    char checkpoint[HASH_HEX_MAX];
    char predictor[HASH_HEX_MAX]; // fitted or given; "" = none yet
    char fit[HASH_HEX_MAX]; // how well it was fitted, what it found; "" = none yet
    char error[LIMIT_TEXT];
    double weight;                  // its share of the workers, beside other studies
    bool is_paused;                 // its tasks wait
    int64_t created_ms, updated_ms; // wall clock
};

MUST_CHECK enum err study_row_insert(struct store *s, struct study_row *row,
                                     struct errinfo *why);
MUST_CHECK enum err study_row_get(struct store *s, uint64_t id, struct study_row *out);
MUST_CHECK enum err study_row_by_name(struct store *s, const char *name,
                                      struct study_row *out);
MUST_CHECK enum err study_row_update(struct store *s, const struct study_row *row,
                                     struct errinfo *why); // all but id and created_ms
typedef bool study_visit_fn(void *arg, const struct study_row *row);
MUST_CHECK enum err study_row_each(struct store *s, study_visit_fn *fn, void *arg,
                                   struct errinfo *why);

#endif
