// SPDX-License-Identifier: Apache-2.0
// axis.h - an axis of a chart: its range, its round numbers, where a value lies on it.
//
// Owns: nothing; a value. Threads: any.
#ifndef COORDINATOR_REPORT_AXIS_H
#define COORDINATOR_REPORT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

#define AXIS_TICKS_MAX 32
#define AXIS_TEXT_MAX  16

struct axis {
    bool is_log;
    double low, high; // low < high; above 0 when logarithmic
    int n_ticks;
    double ticks[AXIS_TICKS_MAX];
};

// An axis that holds the values from low to high, with some room around them.
struct axis axis_make(double low, double high, bool is_log);

// 0 at the low end, 1 at the high end.
double axis_place(const struct axis *a, double value);

// A tick's number, as short as its neighbours allow; returns `out`.
char *axis_print(const struct axis *a, double tick, char out[static AXIS_TEXT_MAX]);

#endif
