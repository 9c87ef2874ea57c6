// SPDX-License-Identifier: Apache-2.0
// health.h - asks a running coordinator how it is: for a container's health check.
//
// Owns: nothing. Threads: main.
#ifndef COORDINATOR_HEALTH_H
#define COORDINATOR_HEALTH_H

#include "common/base/err.h"

// ERR_OK when the coordinator of that directory answers within three seconds.
MUST_CHECK enum err health_check(const char *dir, struct errinfo *why);

#endif
