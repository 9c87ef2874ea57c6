// SPDX-License-Identifier: Apache-2.0
// report_text.h - a report as tables for people.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_CLI_REPORT_TEXT_H
#define COORDINATOR_CLI_REPORT_TEXT_H

#include "coordinator/cli/report.h"

#include <stdio.h>

// What a search came to: the front, the targets' winners, where everything is.
void report_text_result(const struct report *r, FILE *to);

// Everything: configuration, stages, tasks, failures, trials, front, targets.
void report_text_all(const struct report *r, FILE *to);

#endif
