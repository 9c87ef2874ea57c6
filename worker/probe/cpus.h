// SPDX-License-Identifier: Apache-2.0
// cpus.h - processors to ourselves: pinning, and who else was on them.
//
// The least busy of the processors we may use are taken, so that several measurements
// on one machine keep out of each other's way. Where the kernel does not tell (no
// /proc), nothing is known of others and the spread of the times alone has to say it.
//
// Owns: nothing; values. Threads: the process's main one.
#ifndef WORKER_PROBE_CPUS_H
#define WORKER_PROBE_CPUS_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CPUS_MAX     1024
#define CPUS_TAKEN   64 // as many threads as a measurement may have
#define CPUS_TEXT    64
#define CPUS_BITS    (8 * sizeof(unsigned long))
#define CPUS_LOOK_MS 100 // how long processors are watched before some are taken

struct cpus {
    int n;
    int ids[CPUS_TAKEN];
};

// Takes n processors for all threads of this process, and those it will start.
// ERR_INPUT: there are not as many. ERR_IO.
MUST_CHECK enum err cpus_pin(int n, struct cpus *out, struct errinfo *why);

char *cpus_print(const struct cpus *c, char out[static CPUS_TEXT]); // "0,1"

// Where time went: reading it twice tells what happened between.
struct cpus_time {
    bool is_known;
    int64_t wall_ns;
    int64_t own_ns;      // processor time of this process
    double taken_s;      // that the taken processors worked, for anyone
    double stolen_s;     // that their hypervisor gave to others
    double others_s;     // that the remaining processors worked
    int n_taken, n_rest; // processors
};
void cpus_time_read(const struct cpus *c, struct cpus_time *out);

struct cpus_use {     // shares of time between two readings, 0..1
    double foreign;   // of the taken processors, by other processes
    double stolen;    // of the taken processors, by other machines
    double elsewhere; // that the remaining processors were busy
};
struct cpus_use cpus_use_between(const struct cpus_time *a, const struct cpus_time *b);

#endif
