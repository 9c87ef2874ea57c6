// SPDX-License-Identifier: Apache-2.0
// cost.h - an architecture and what it costs, as arch info and space info print it.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_CLI_COST_H
#define COORDINATOR_CLI_COST_H

#include "common/space/complexity.h"

#include <jansson.h>
#include <stdio.h>

#define COST_FRAMES_DEFAULT 300
#define COST_FRAMES_MAX     1000000

// 26: the digits of 2^64 and their commas.
#define COST_GROUPED_MAX 28

// 5789760 -> "5,789,760".
const char *cost_grouped(uint64_t value, char out[static COST_GROUPED_MAX]);

// {architecture, params, macs, bytes, frames}
json_t *cost_json(const struct arch *a, const struct net_dims *d, int n_frames);
void cost_print(const struct arch *a, const struct net_dims *d, int n_frames,
                const char *indent, FILE *to);

// Prints the object on stdout and lets go of it; the exit status.
int cost_dump(json_t *root);

#endif
