// SPDX-License-Identifier: Apache-2.0
// report_json.h - a report as JSON, for programs.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_CLI_REPORT_JSON_H
#define COORDINATOR_CLI_REPORT_JSON_H

#include "coordinator/cli/report.h"

#include <jansson.h>

json_t *report_json_brief(const struct report *r); // a row of `study ls`; the caller's
json_t *report_json_all(const struct report *r);   // the caller's

#endif
