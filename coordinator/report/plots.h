// SPDX-License-Identifier: Apache-2.0
// plots.h - which plots a study's results make, and what is on them.
//
// A plot for which nothing was measured yet is left out.
//
// Owns: a set owns its texts. Threads: any.
#ifndef COORDINATOR_REPORT_PLOTS_H
#define COORDINATOR_REPORT_PLOTS_H

#include "coordinator/study/results.h"

#define PLOTS_MAX (2 * STUDY_DEVICES_MAX + 4)

enum plot_kind { PLOT_FRONT, PLOT_PREDICTOR, PLOT_LATENCY, PLOT_LOSSES };

struct plot {
    enum plot_kind kind;
    char name[DEVICE_NAME_MAX + 16]; // of the file, without .svg
    char caption[160];
    struct buf svg;
};

struct plot_set {
    int n;
    struct plot plots[PLOTS_MAX];
};

// ERR_NOMEM; ERR_IO and ERR_CORRUPT from reading what devices measured.
MUST_CHECK enum err plots_draw(const struct results *r, struct plot_set *out,
                               struct errinfo *why);
void plots_fini(struct plot_set *s); // zeroed or drawn

#endif
