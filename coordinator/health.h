// SPDX-License-Identifier: Apache-2.0
// health.h - asks a running coordinator how it is: for a container's health check.
//
// Owns: nothing. Threads: main.
#ifndef COORDINATOR_HEALTH_H
#define COORDINATOR_HEALTH_H

#include "common/base/err.h"

// ERR_OK when the coordinator of that directory answers within three seconds. One that
// runs with keys wants its own key file; NULL otherwise.
MUST_CHECK enum err health_check(const char *dir, const char *key_path,
                                 struct errinfo *why);

#endif
