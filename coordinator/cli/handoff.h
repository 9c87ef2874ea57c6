// SPDX-License-Identifier: Apache-2.0
// handoff.h - the other programs, found beside this one, and becoming one of them.
//
// Owns: nothing. Threads: any; handoff_exec only before others were started.
#ifndef COORDINATOR_CLI_HANDOFF_H
#define COORDINATOR_CLI_HANDOFF_H

#include "common/base/file.h"

// Path of a program in the folder this program lies in. ERR_NOTFOUND.
MUST_CHECK enum err handoff_find(const char *program, char out[static FILE_PATH_MAX],
                                 struct errinfo *why);

// Becomes `program`, found as above, with argv[0..argc) as its arguments after its
// name. Returns only on failure, with what to exit with, having told it on stderr.
int handoff_exec(const char *program, int argc, char **argv);

#endif
