// SPDX-License-Identifier: Apache-2.0
// report.h - a study's results for people: plots and a Markdown summary.
//
// DIR/plots/*.svg and DIR/report.md, which shows the plots, beside the tables that
// results.h lists. Each file is replaced as a whole.
//
// Owns: nothing. Threads: any; made for the thread pool.
#ifndef COORDINATOR_REPORT_REPORT_H
#define COORDINATOR_REPORT_REPORT_H

#include "coordinator/study/results.h"

// After results_write. ERR_IO, ERR_NOMEM, ERR_CORRUPT.
MUST_CHECK enum err report_write(const struct results *r, struct errinfo *why);

#endif
