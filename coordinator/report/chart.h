// SPDX-License-Identifier: Apache-2.0
// chart.h - one chart of points and lines, drawn by cairo as SVG.
//
// Axes take round numbers; a logarithmic one takes 1, 2 and 5 of each decade. Series
// have their colours by their place, told apart by people who see few of them, and a
// legend beside the plot.
//
// Owns: nothing; borrows the series' values. Threads: any.
#ifndef COORDINATOR_REPORT_CHART_H
#define COORDINATOR_REPORT_CHART_H

#include "common/base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define CHART_SERIES_MAX 8

enum chart_mark {
    CHART_DOTS,
    CHART_RINGS,
    CHART_STARS,
    CHART_LINE,
    CHART_STEPS,  // a front: what is best up to there
    CHART_DASHES, // the same, broken
};

struct chart_point {
    double x, y;
};

struct chart_series {
    const char *name;
    enum chart_mark mark;
    const struct chart_point *points;
    size_t n;
};

struct chart_axis {
    const char *label; // with the unit
    bool is_log;       // of positive values
};

struct chart {
    const char *title;
    struct chart_axis x, y;
    bool has_diagonal; // y = x, on axes of the same range: predicted against measured
    int n_series;
    struct chart_series series[CHART_SERIES_MAX];
};

// Adds a series; one without points is left out.
void chart_add(struct chart *c, const char *name, enum chart_mark mark,
               const struct chart_point *points, size_t n);

// Appends the chart as SVG. ERR_INPUT: there is nothing to draw; ERR_NOMEM.
MUST_CHECK enum err chart_svg(const struct chart *c, struct buf *out,
                              struct errinfo *why);

#endif
