// SPDX-License-Identifier: Apache-2.0
// chart.c - see chart.h. All lengths are in points of the picture.
#include "coordinator/report/chart.h"

#include "coordinator/report/axis.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>

#define WIDTH       820
#define HEIGHT      480
#define LEFT        76
#define RIGHT       230 // the legend's
#define TOP         44
#define BOTTOM      62
#define TITLE_SIZE  16
#define TEXT_SIZE   13
#define TICK_LENGTH 5
#define LEGEND_STEP 22
#define FONT        "sans-serif"

// What fontconfig keeps of the fonts it found looks like a leak to the sanitizer.
#ifdef __SANITIZE_ADDRESS__
const char *__lsan_default_suppressions(void); // NOLINT(bugprone-reserved-identifier)
const char *__lsan_default_suppressions(void)  // NOLINT(bugprone-reserved-identifier)
{
    return "leak:libfontconfig";
}
const char *__lsan_default_options(void); // NOLINT(bugprone-reserved-identifier)
const char *__lsan_default_options(void)  // NOLINT(bugprone-reserved-identifier)
{
    return "print_suppressions=0";
}
#endif

struct colour {
    double r, g, b;
};

// Okabe and Ito's, which most people can tell apart.
static const struct colour colours[CHART_SERIES_MAX] = {
    {0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
    {0.34, 0.71, 0.91}, {0.90, 0.62, 0.00}, {0.35, 0.35, 0.35}, {0.94, 0.89, 0.26},
};

struct canvas {
    const struct chart *chart;
    cairo_t *cr;
    struct axis x, y;
};

void chart_add(struct chart *c, const char *name, enum chart_mark mark,
               const struct chart_point *points, size_t n)
{
    if (n > 0) {
        BUG_ON(c->n_series == CHART_SERIES_MAX);
        c->series[c->n_series++] = (struct chart_series){name, mark, points, n};
    }
}

// ---- ranges

struct range {
    double low, high;
};

static void widen(struct range *r, double value)
{
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

static void find_ranges(const struct chart *c, struct range *x, struct range *y)
{
    *x = *y = (struct range){INFINITY, -INFINITY};
    for (int i = 0; i < c->n_series; i++) {
        for (size_t j = 0; j < c->series[i].n; j++) {
            widen(x, c->series[i].points[j].x);
            widen(y, c->series[i].points[j].y);
        }
    }
    if (c->has_diagonal) {
        widen(x, y->low);
        widen(x, y->high);
        *y = *x;
    }
}

static double place_x(const struct canvas *k, double x)
{
    return LEFT + axis_place(&k->x, x) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const struct canvas *k, double y)
{
    return HEIGHT - BOTTOM - axis_place(&k->y, y) * (HEIGHT - TOP - BOTTOM);
}

// ---- text and axes

enum align { ALIGN_LEFT, ALIGN_CENTRE, ALIGN_RIGHT };

static void text(cairo_t *cr, double x, double y, enum align align, const char *string)
{
    cairo_text_extents_t size;
    cairo_text_extents(cr, string, &size);
    double shift = align == ALIGN_LEFT     ? 0
                   : align == ALIGN_CENTRE ? size.x_advance / 2
                                           : size.x_advance;
    cairo_move_to(cr, x - shift, y);
    cairo_show_text(cr, string);
}

static void grey(cairo_t *cr, double level)
{
    cairo_set_source_rgb(cr, level, level, level);
}

static void line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

static void draw_x_axis(const struct canvas *k)
{
    cairo_t *cr = k->cr;
    double bottom = HEIGHT - BOTTOM;
    for (int i = 0; i < k->x.n_ticks; i++) {
        char number[AXIS_TEXT_MAX];
        double x = place_x(k, k->x.ticks[i]);
        grey(cr, 0.9);
        line(cr, x, TOP, x, bottom);
        grey(cr, 0.2);
        line(cr, x, bottom, x, bottom + TICK_LENGTH);
        text(cr, x, bottom + TICK_LENGTH + TEXT_SIZE, ALIGN_CENTRE,
             axis_print(&k->x, k->x.ticks[i], number));
    }
    text(cr, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 14, ALIGN_CENTRE,
         k->chart->x.label);
}

static void draw_y_axis(const struct canvas *k)
{
    cairo_t *cr = k->cr;
    for (int i = 0; i < k->y.n_ticks; i++) {
        char number[AXIS_TEXT_MAX];
        double y = place_y(k, k->y.ticks[i]);
        grey(cr, 0.9);
        line(cr, LEFT, y, WIDTH - RIGHT, y);
        grey(cr, 0.2);
        line(cr, LEFT - TICK_LENGTH, y, LEFT, y);
        text(cr, LEFT - TICK_LENGTH - 4, y + TEXT_SIZE * 0.35, ALIGN_RIGHT,
             axis_print(&k->y, k->y.ticks[i], number));
    }
    cairo_save(cr);
    cairo_translate(cr, 20, (TOP + HEIGHT - BOTTOM) / 2.0);
    cairo_rotate(cr, -acos(0));
    text(cr, 0, 0, ALIGN_CENTRE, k->chart->y.label);
    cairo_restore(cr);
}

static void draw_frame(const struct canvas *k)
{
    cairo_t *cr = k->cr;
    cairo_select_font_face(cr, FONT, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(cr, TITLE_SIZE);
    grey(cr, 0.1);
    text(cr, LEFT, TOP - 18, ALIGN_LEFT, k->chart->title);
    cairo_select_font_face(cr, FONT, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, TEXT_SIZE);
    cairo_set_line_width(cr, 1);
    draw_x_axis(k);
    draw_y_axis(k);
    grey(cr, 0.2);
    cairo_rectangle(cr, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    cairo_stroke(cr);
}

// ---- series

static void colour(cairo_t *cr, int series, double alpha)
{
    const struct colour *c = &colours[series];
    cairo_set_source_rgba(cr, c->r, c->g, c->b, alpha);
}

static void draw_dot(cairo_t *cr, double x, double y)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, x, y, 2.6, 0, 4 * acos(0));
    cairo_fill(cr);
}

static void draw_ring(cairo_t *cr, double x, double y)
{
    cairo_set_line_width(cr, 1.6);
    cairo_new_sub_path(cr);
    cairo_arc(cr, x, y, 4.5, 0, 4 * acos(0));
    cairo_stroke(cr);
}

static void draw_star(cairo_t *cr, double x, double y)
{
    cairo_new_path(cr);
    for (int i = 0; i < 10; i++) {
        double radius = i % 2 == 0 ? 8 : 3.4;
        double angle = (i - 2.5) * 4 * acos(0) / 10;
        cairo_line_to(cr, x + radius * cos(angle), y + radius * sin(angle));
    }
    cairo_close_path(cr);
    cairo_fill(cr);
}

static void draw_line(const struct canvas *k, const struct chart_series *s)
{
    static const double dashes[] = {6, 4};
    double y = 0;
    cairo_set_line_width(k->cr, 1.8);
    cairo_set_dash(k->cr, dashes, s->mark == CHART_DASHES ? 2 : 0, 0);
    for (size_t i = 0; i < s->n; i++) {
        double x = place_x(k, s->points[i].x);
        if (s->mark != CHART_LINE && i > 0) {
            cairo_line_to(k->cr, x, y);
        }
        y = place_y(k, s->points[i].y);
        cairo_line_to(k->cr, x, y);
    }
    cairo_stroke(k->cr);
    cairo_set_dash(k->cr, NULL, 0, 0);
}

static void (*const markers[])(cairo_t *, double, double) = {
    [CHART_DOTS] = draw_dot, [CHART_RINGS] = draw_ring, [CHART_STARS] = draw_star,
    [CHART_LINE] = NULL,     [CHART_STEPS] = NULL,      [CHART_DASHES] = NULL,
};

static void draw_series(const struct canvas *k, int i)
{
    const struct chart_series *s = &k->chart->series[i];
    colour(k->cr, i, s->mark == CHART_DOTS ? 0.65 : 1);
    if (!markers[s->mark]) {
        draw_line(k, s);
        return;
    }
    for (size_t j = 0; j < s->n; j++) {
        markers[s->mark](k->cr, place_x(k, s->points[j].x), place_y(k, s->points[j].y));
    }
}

static void draw_all_series(const struct canvas *k)
{
    cairo_save(k->cr);
    cairo_rectangle(k->cr, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    cairo_clip(k->cr);
    if (k->chart->has_diagonal) {
        grey(k->cr, 0.6);
        line(k->cr, place_x(k, k->x.low), place_y(k, k->y.low), place_x(k, k->x.high),
             place_y(k, k->y.high));
    }
    for (int i = 0; i < k->chart->n_series; i++) {
        draw_series(k, i);
    }
    cairo_restore(k->cr);
}

static void draw_legend_mark(const struct canvas *k, int i, double x, double y)
{
    static const double dashes[] = {6, 4};
    const struct chart_series *s = &k->chart->series[i];
    colour(k->cr, i, 1);
    if (markers[s->mark]) {
        markers[s->mark](k->cr, x, y);
        return;
    }
    cairo_set_line_width(k->cr, 1.8);
    cairo_set_dash(k->cr, dashes, s->mark == CHART_DASHES ? 2 : 0, 0);
    line(k->cr, x - 9, y, x + 9, y);
    cairo_set_dash(k->cr, NULL, 0, 0);
}

static void draw_legend(const struct canvas *k)
{
    double x = WIDTH - RIGHT + 24;
    double y = TOP + 10;
    for (int i = 0; i < k->chart->n_series; i++) {
        draw_legend_mark(k, i, x, y);
        grey(k->cr, 0.1);
        text(k->cr, x + 16, y + TEXT_SIZE * 0.35, ALIGN_LEFT, k->chart->series[i].name);
        y += LEGEND_STEP;
    }
    if (k->chart->has_diagonal) {
        grey(k->cr, 0.6);
        cairo_set_line_width(k->cr, 1);
        line(k->cr, x - 9, y + 6, x + 9, y - 6);
        grey(k->cr, 0.1);
        text(k->cr, x + 16, y + TEXT_SIZE * 0.35, ALIGN_LEFT, "predicted = measured");
    }
}

// ---- the picture

static cairo_status_t append(void *out, const unsigned char *bytes, unsigned n)
{
    buf_add(out, bytes, n);
    return CAIRO_STATUS_SUCCESS;
}

static void draw(const struct chart *c, cairo_t *cr)
{
    struct range x;
    struct range y;
    find_ranges(c, &x, &y);
    const struct canvas k = {
        .chart = c,
        .cr = cr,
        .x = axis_make(x.low, x.high, c->x.is_log),
        .y = axis_make(y.low, y.high, c->y.is_log),
    };
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    draw_frame(&k);
    draw_all_series(&k);
    draw_legend(&k);
}

enum err chart_svg(const struct chart *c, struct buf *out, struct errinfo *why)
{
    if (c->n_series == 0) {
        return err_set(why, ERR_INPUT, "chart \"%s\" has no points", c->title);
    }
    cairo_surface_t *surface =
        cairo_svg_surface_create_for_stream(append, out, WIDTH, HEIGHT);
    cairo_t *cr = cairo_create(surface);
    draw(c, cr);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    status = status == CAIRO_STATUS_SUCCESS ? cairo_surface_status(surface) : status;
    cairo_surface_destroy(surface);
    return status == CAIRO_STATUS_SUCCESS
               ? ERR_OK
               : err_set(why, ERR_NOMEM, "chart \"%s\": %s", c->title,
                         cairo_status_to_string(status));
}
