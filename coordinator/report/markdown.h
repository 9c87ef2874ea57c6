// SPDX-License-Identifier: Apache-2.0
// markdown.h - the text of a study's report.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_REPORT_MARKDOWN_H
#define COORDINATOR_REPORT_MARKDOWN_H

#include "coordinator/report/plots.h"

void markdown_print(const struct results *r, const struct plot_set *plots,
                    struct buf *out);

#endif
