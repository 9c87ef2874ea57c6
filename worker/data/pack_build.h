// SPDX-License-Identifier: Apache-2.0
// pack_build.h - from the lists of a study to a pack: decode, check, write.
//
// Recordings that cannot be used are all looked at before anything is decided: by
// default the first 20 are named and the build fails; where the study says skip, each
// is named and left out, with the trials that speak of it.
//
// Owns: nothing beyond a call. Threads: any.
#ifndef WORKER_DATA_PACK_BUILD_H
#define WORKER_DATA_PACK_BUILD_H

#include "common/blob/hash.h"
#include "common/conf/study.h"

// What goes on, for a person: one line without its end.
typedef void pack_say_fn(void *arg, const char *line);
// Called after every recording.
typedef void pack_progress_fn(void *arg, size_t n_done, size_t n_all);

struct pack_build_options {
    int n_threads;              // 0: as many as there are CPUs
    pack_say_fn *say;           // NULL: nobody listens
    pack_progress_fn *progress; // NULL: nobody looks
    void *arg;                  // of both
};

struct pack_report {
    size_t n_train_utts, n_train_speakers, n_eval_utts, n_trials, n_noise;
    size_t n_bad_files, n_dropped_trials;
    double seconds;          // of audio
    uint64_t size_bytes;     // of the file; 0 when none was written
    char hash[HASH_HEX_MAX]; // "" when none was written
};

// `path` NULL: everything is read and checked, nothing is written. ERR_NOTFOUND,
// ERR_LIMIT, ERR_INPUT: a list or a recording; ERR_IO: writing.
MUST_CHECK enum err pack_build(const struct study_data *data, const char *path,
                               const struct pack_build_options *options,
                               struct pack_report *report, struct errinfo *why);

#endif
