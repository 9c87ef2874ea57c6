// SPDX-License-Identifier: Apache-2.0
// objective.h - what a network is judged by, and the limits it must keep.
//
// Written `eer`, `mindcf`, `params`, `macs`, `bytes`, `latency@DEVICE`, or `latency`
// alone for the problem's only device. A constraint is `OBJECTIVE <= NUMBER[UNIT]` or
// with `<`: counts take K or k, M, G (powers of 1000), bytes also KiB, MiB, GiB,
// latencies us, ms (the default), s; eer and mindcf an optional %, which eer is in
// anyway.
//
// Owns: nothing; values. Threads: any.
#ifndef COMMON_CONF_OBJECTIVE_H
#define COMMON_CONF_OBJECTIVE_H

#include "common/base/err.h"

#include <stdbool.h>

#define DEVICE_NAME_MAX    32
#define OBJECTIVE_TEXT_MAX 96

enum objective_kind {
    OBJECTIVE_EER,    // percent
    OBJECTIVE_MINDCF, // at p_target .01
    OBJECTIVE_PARAMS,
    OBJECTIVE_MACS,
    OBJECTIVE_BYTES,
    OBJECTIVE_LATENCY, // milliseconds on a device
};
#define OBJECTIVE_KINDS 6

struct objective {
    enum objective_kind kind;
    char device[DEVICE_NAME_MAX]; // LATENCY: "" is the only one there is
};

struct constraint {
    struct objective objective;
    bool is_strict; // value < limit, else value <= limit
    double limit;   // in the objective's unit
};

// ERR_INPUT says which part is wrong and what is allowed.
MUST_CHECK enum err objective_parse(const char *text, struct objective *out,
                                    struct errinfo *why);
char *objective_print(const struct objective *o, char out[static OBJECTIVE_TEXT_MAX]);

// The same kind, and of the same device.
bool objective_equal(const struct objective *a, const struct objective *b);

// Known from the architecture (and a latency table) alone, without an evaluation.
bool objective_is_cost(const struct objective *o);

MUST_CHECK enum err constraint_parse(const char *text, struct constraint *out,
                                     struct errinfo *why);
char *constraint_print(const struct constraint *c, char out[static OBJECTIVE_TEXT_MAX]);
bool constraint_holds(const struct constraint *c, double value);

#endif
