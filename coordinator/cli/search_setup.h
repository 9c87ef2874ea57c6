// SPDX-License-Identifier: Apache-2.0
// search_setup.h - what the commands of `voxarch search` share: the options that say
// which problem is meant, and the problem made of them.
//
// Owns: a setup owns its predictor and tables; its problem points into it, so it stays
// where it is. Threads: main.
#ifndef COORDINATOR_CLI_SEARCH_SETUP_H
#define COORDINATOR_CLI_SEARCH_SETUP_H

#include "common/base/options.h"
#include "coordinator/predict/predictor.h"
#include "coordinator/search/problem.h"

struct search_options {
    const char *space;     // "coarse", "fine", or a file
    const char *predictor; // NULL: none
    struct option_list tables;
    struct option_list constraints;
    struct option_list objectives;
    long n_frames;
};

#define SEARCH_OPTIONS_INIT                               \
    {                                                     \
        "coarse", NULL, {{0}, 0}, {{0}, 0}, {{0}, 0}, 300 \
    }

// Rows of a command's table of options.
#define SEARCH_OPTIONS(o)                                                              \
    OPTION_AS_TEXT("space", "SPACE", &(o)->space,                                      \
                   "coarse (default) or fine, or a file with a `space:` part"),        \
        OPTION_AS_TEXT("predictor", "FILE", &(o)->predictor,                           \
                       "safetensors file of the predictor that tells the EER"),        \
        OPTION_AS_LIST("latency-table", "[DEVICE=]FILE", &(o)->tables,                 \
                       "CSV of a device's latencies; may be given for several"),       \
        OPTION_AS_LIST("constraint", "LIMIT", &(o)->constraints,                       \
                       "such as 'latency < 15ms', 'params <= 2.5M'; may be repeated"), \
        OPTION_AS_LIST("objective", "OBJECTIVE", &(o)->objectives,                     \
                       "eer (default), params, macs, bytes, latency[@DEVICE]; "        \
                       "several: the front"),                                          \
        OPTION_AS_NUMBER("frames", "N", &(o)->n_frames, 1, 1000000,                    \
                         "length of the utterance MACs are counted for (default 300)")

struct search_setup {
    struct space space;
    struct problem problem;      // has passed problem_check; at least one objective
    struct predictor *predictor; // NULL: none was named
    struct latency_table *tables[PROBLEM_DEVICES_MAX];
};

// Reads the files and checks the problem. What was opened is closed on failure.
MUST_CHECK enum err search_setup_open(struct search_setup *s,
                                      const struct search_options *o,
                                      struct errinfo *why);
void search_setup_close(struct search_setup *s);

#endif
