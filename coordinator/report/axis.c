// SPDX-License-Identifier: Apache-2.0
// axis.c - see axis.h.
#include "coordinator/report/axis.h"

#include <math.h>
#include <stdio.h>

#define WANTED_TICKS 6
#define ROOM         0.04 // of the range, at either end

// The 1, 2 or 5 times a power of ten that is nearest above.
static double round_step(double step)
{
    double power = pow(10, floor(log10(step)));
    double factor = step / power;
    return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

static void add_tick(struct axis *a, double tick)
{
    if (tick >= a->low && tick <= a->high && a->n_ticks < AXIS_TICKS_MAX) {
        a->ticks[a->n_ticks++] = tick;
    }
}

static void add_linear_ticks(struct axis *a)
{
    double step = round_step((a->high - a->low) / WANTED_TICKS);
    double first = ceil(a->low / step);
    for (int i = 0; i < AXIS_TICKS_MAX; i++) {
        add_tick(a, (first + i) * step);
    }
}

static void add_log_ticks(struct axis *a)
{
    static const double factors[] = {1, 2, 5};
    int first = (int)floor(log10(a->low));
    int last = (int)ceil(log10(a->high));
    for (int power = first; power <= last; power++) {
        for (int i = 0; i < 3; i++) {
            add_tick(a, factors[i] * pow(10, power));
        }
    }
}

struct axis axis_make(double low, double high, bool is_log)
{
    if (!(high > low)) { // one value only
        double half = low != 0 ? fabs(low) * 0.1 : 1;
        low -= half;
        high = low + 2 * half;
    }
    struct axis a = {.is_log = is_log};
    if (is_log) {
        double room = pow(high / low, ROOM);
        a.low = low / room;
        a.high = high * room;
        add_log_ticks(&a);
    }
    if (a.n_ticks < 3) { // a narrow range holds more round numbers than decades
        double room = ROOM * (high - low);
        a.low = is_log ? a.low : low >= 0 && low < room ? 0 : low - room;
        a.high = is_log ? a.high : high + room;
        a.n_ticks = 0;
        add_linear_ticks(&a);
    }
    return a;
}

double axis_place(const struct axis *a, double value)
{
    if (a->is_log) {
        return log(value / a->low) / log(a->high / a->low);
    }
    return (value - a->low) / (a->high - a->low);
}

char *axis_print(const struct axis *a, double tick, char out[static AXIS_TEXT_MAX])
{
    double step = a->n_ticks > 1 ? a->ticks[1] - a->ticks[0] : 1;
    int digits = a->is_log ? 0 : (int)fmax(0, ceil(-log10(step) - 1e-9));
    if (a->is_log && tick < 1) {
        digits = (int)ceil(-log10(tick) - 1e-9);
    }
    if (fabs(tick) >= 1e7) {
        snprintf(out, AXIS_TEXT_MAX, "%g", tick);
    } else {
        snprintf(out, AXIS_TEXT_MAX, "%.*f", digits < 9 ? digits : 9, tick);
    }
    return out;
}
