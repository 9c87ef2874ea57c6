// SPDX-License-Identifier: Apache-2.0
// corpus.h - the lists of a study, read, put together and checked against each other.
//
// What will be packed and in which order: training recordings in list order, evaluation
// recordings in the order trials first name them, noise files by name. Trials name
// recordings of the evaluation list; without one, rows of the training list outside its
// split, else files under the evaluation root. No audio is read here, and no list that
// disagrees with another gets past here: unknown names, speakers or files on both
// sides.
//
// Owns: all lists. Threads: reading from any.
#ifndef WORKER_DATA_CORPUS_H
#define WORKER_DATA_CORPUS_H

#include "worker/data/pack.h"
#include "worker/data/recordings.h"
#include "worker/data/trials.h"

struct corpus_item {
    const char *id;
    const char *speaker;     // of training recordings, else NULL
    const char *root, *file; // recordings_path
    enum pack_part part;
};

struct corpus {
    struct recordings train_list, eval_list; // the second may be empty
    struct trial_list trial_list;
    char eval_root[FILE_PATH_MAX];
    char noise_root[FILE_PATH_MAX];
    char **noise_files;
    struct corpus_item *items; // train, eval, noise
    size_t n_train, n_eval, n_noise;
    struct pack_trial *trials; // [trial_list.n], enroll/test among the n_eval
};

// ERR_NOTFOUND, ERR_LIMIT, ERR_INPUT; the sentence names file, line or speakers.
MUST_CHECK enum err corpus_open(struct corpus *c, const struct study_data *data,
                                struct errinfo *why);
void corpus_close(struct corpus *c);

size_t corpus_n_items(const struct corpus *c);

#endif
