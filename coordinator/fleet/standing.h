// SPDX-License-Identifier: Apache-2.0
// standing.h - whether a worker, by its name, is given tasks.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_FLEET_STANDING_H
#define COORDINATOR_FLEET_STANDING_H

#define STANDING_REASON_MAX 160

enum standing {
    STANDING_GOOD = 1,
    STANDING_QUARANTINED, // it failed what others did: waits for people
    STANDING_DRAINED,     // people sent it away: it finishes what it holds and exits
};

#endif
