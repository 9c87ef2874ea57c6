// SPDX-License-Identifier: Apache-2.0
// plots.c - see plots.h.
#include "coordinator/report/plots.h"

#include "coordinator/pareto/front.h"
#include "coordinator/report/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEASURED_MAX_BYTES (16u << 20) // a row of CSV per measured network

struct points {
    struct chart_point *items;
    size_t n, cap;
};

static void add_point(struct points *p, double x, double y)
{
    if (!isfinite(x) || !isfinite(y)) {
        return;
    }
    if (p->n == p->cap) {
        p->cap = p->cap > 0 ? 2 * p->cap : 64;
        p->items = realloc(p->items, p->cap * sizeof(*p->items));
        BUG_ON(!p->items);
    }
    p->items[p->n++] = (struct chart_point){x, y};
}

static void add_series(struct chart *c, const char *name, enum chart_mark mark,
                       const struct points *p)
{
    chart_add(c, name, mark, p->items, p->n);
}

static enum err add_plot(struct plot_set *s, enum plot_kind kind, const char *name,
                         const char *suffix, const struct chart *c, struct errinfo *why)
{
    if (c->n_series == 0) {
        return ERR_OK;
    }
    BUG_ON(s->n == PLOTS_MAX);
    struct plot *p = &s->plots[s->n++];
    p->kind = kind;
    snprintf(p->name, sizeof(p->name), "%s%s", name, suffix);
    snprintf(p->caption, sizeof(p->caption), "%s", c->title);
    return chart_svg(c, &p->svg, why);
}

// ---- fronts

// MACs in millions (-1) or milliseconds of a table.
static double cost_of(const struct results *r, int table, const struct trial_row *t)
{
    return table < 0 ? (double)t->complexity.macs / 1e6
                     : results_latency(r, table, &t->arch);
}

// The front of points alone, as steps.
static struct points front_of(const struct points *all)
{
    struct points front = {0};
    if (all->n == 0) {
        return front;
    }
    struct front_point *points = calloc(all->n, sizeof(*points));
    size_t *found = calloc(all->n, sizeof(*found));
    BUG_ON(!points || !found);
    for (size_t i = 0; i < all->n; i++) {
        points[i] =
            (struct front_point){.id = i,
                                 .n_objectives = 2,
                                 .objective = {all->items[i].x, all->items[i].y}};
    }
    size_t n = front_find(points, all->n, found);
    for (size_t i = 0; i < n; i++) {
        const struct front_point *at = &points[found[i]];
        add_point(&front, at->objective[0], at->objective[1]);
    }
    free(points);
    free(found);
    return front;
}

enum { SET_SEARCH, SET_LABELS, SET_STAGES, SET_WINNERS, SETS };

static void sort_trials(const struct results *r, int table, struct points *sets)
{
    const struct final_scope scope = results_scope(r);
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        double cost = cost_of(r, table, t);
        if (!t->is_measured) {
            continue;
        }
        if (t->origin == TRIAL_LABEL) {
            add_point(&sets[SET_LABELS], cost, t->result.eer_percent);
        } else if (final_is_candidate(&scope, t)) {
            add_point(&sets[t->origin == TRIAL_SEARCH ? SET_SEARCH : SET_STAGES], cost,
                      t->result.eer_percent);
        }
    }
    struct final_choice choices[STUDY_TARGETS_MAX];
    size_t n = final_choose(&scope, choices);
    for (size_t i = 0; i < n; i++) {
        const struct trial_row *t = choices[i].winner;
        if (t) {
            add_point(&sets[SET_WINNERS], cost_of(r, table, t), t->result.eer_percent);
        }
    }
}

static enum err draw_front(const struct results *r, int table, struct plot_set *s,
                           struct errinfo *why)
{
    bool is_macs = table < 0;
    const char *device = is_macs ? "" : r->tables.devices[table].name;
    bool is_cheap = r->conf.evaluate.protocol == PROTOCOL_CHEAP;
    char title[128];
    char label[64];
    snprintf(title, sizeof(title),
             is_macs ? "EER against MACs" : "EER against latency on %s", device);
    snprintf(label, sizeof(label),
             is_macs ? "MACs for %d frames (millions)" : "latency (ms)",
             r->conf.evaluate.frames);
    struct points sets[SETS] = {{0}};
    sort_trials(r, table, sets);
    struct points all = {0};
    for (size_t i = 0; i < sets[SET_SEARCH].n; i++) {
        add_point(&all, sets[SET_SEARCH].items[i].x, sets[SET_SEARCH].items[i].y);
    }
    struct points front = front_of(&all);
    struct points baseline = front_of(&sets[SET_LABELS]);
    struct chart c = {.title = title, .x = {.label = label}, .y = {.label = "EER (%)"}};
    add_series(&c, "found by the search", CHART_DOTS, &sets[SET_SEARCH]);
    add_series(&c, is_cheap ? "random sample" : "random sample (cheap)", CHART_DOTS,
               &sets[SET_LABELS]);
    add_series(&c, "front of the search", CHART_STEPS, &front);
    add_series(&c, "front of the sample", CHART_DASHES, &baseline);
    add_series(&c, "ends of the space", CHART_RINGS, &sets[SET_STAGES]);
    add_series(&c, "the targets' winners", CHART_STARS, &sets[SET_WINNERS]);
    enum err e =
        add_plot(s, PLOT_FRONT, is_macs ? "front-macs" : "front-", device, &c, why);
    for (int i = 0; i < SETS; i++) {
        free(sets[i].items);
    }
    free(all.items);
    free(front.items);
    free(baseline.items);
    return e;
}

static enum err draw_fronts(const struct results *r, struct plot_set *s,
                            struct errinfo *why)
{
    enum err e = ERR_OK;
    for (int i = 0; i < r->tables.n && e == ERR_OK; i++) {
        e = draw_front(r, i, s, why);
    }
    return e == ERR_OK ? draw_front(r, -1, s, why) : e;
}

// ---- the predictor

static enum err draw_predictor(const struct results *r, struct plot_set *s,
                               struct errinfo *why)
{
    struct points held_out = {0};
    struct points picked = {0};
    for (size_t i = 0; i < r->fit.n_labels; i++) {
        add_point(&held_out, r->fit.labels[i].measured, r->fit.labels[i].predicted);
    }
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        double predicted;
        if (t->is_measured && t->origin == TRIAL_SEARCH &&
            fit_predicted(&r->fit, &t->arch, &predicted)) {
            add_point(&picked, t->result.eer_percent, predicted);
        }
    }
    struct chart c = {.title = "Predicted against measured EER",
                      .x = {.label = "measured EER (%)"},
                      .y = {.label = "predicted EER (%)"},
                      .has_diagonal = true};
    add_series(&c, "labels, held out", CHART_DOTS, &held_out);
    add_series(&c, "evaluated candidates", CHART_RINGS, &picked);
    enum err e = add_plot(s, PLOT_PREDICTOR, "predictor", "", &c, why);
    free(held_out.items);
    free(picked.items);
    return e;
}

// ---- latencies

// `part,architecture,median_ms,...,table_ms`: columns 0, 2 and the last.
static void add_measured(const char *line, struct points *cover, struct points *holdout)
{
    const char *last = strrchr(line, ',');
    const char *second = strchr(line, ',');
    const char *third = second ? strchr(second + 1, ',') : NULL;
    if (!third || !last || last == third) {
        return;
    }
    char *end = NULL;
    double measured = strtod(third + 1, &end);
    double predicted = strtod(last + 1, NULL);
    if (end == third + 1 || !(measured > 0) || !(predicted > 0)) {
        return; // given up, or not covered
    }
    add_point(strncmp(line, "held-out,", 9) == 0 ? holdout : cover, measured,
              predicted);
}

static void read_measured(char *csv, struct points *cover, struct points *holdout)
{
    for (char *line = csv; line && *line;) {
        char *end = strchr(line, '\n');
        if (end) {
            *end = '\0';
        }
        add_measured(line, cover, holdout);
        line = end ? end + 1 : NULL;
    }
}

static enum err draw_latency(const struct results_device *d, struct plot_set *s,
                             struct errinfo *why)
{
    struct buf csv = BUF_INIT;
    struct points cover = {0};
    struct points holdout = {0};
    enum err e = file_read(d->measured_path, MEASURED_MAX_BYTES, &csv, why);
    if (e == ERR_OK && csv.data) {
        read_measured(csv.data, &cover, &holdout);
        char title[128];
        snprintf(title, sizeof(title), "Table against measured latency on %s",
                 d->row.name);
        struct chart c = {.title = title,
                          .x = {.label = "measured latency (ms)"},
                          .y = {.label = "latency from the table (ms)"},
                          .has_diagonal = true};
        add_series(&c, "made the table", CHART_DOTS, &cover);
        add_series(&c, "held out", CHART_RINGS, &holdout);
        e = add_plot(s, PLOT_LATENCY, "latency-", d->row.name, &c, why);
    }
    buf_fini(&csv);
    free(cover.items);
    free(holdout.items);
    return e;
}

static enum err draw_latencies(const struct results *r, struct plot_set *s,
                               struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < r->devices.n && e == ERR_OK; i++) {
        if (r->devices.items[i].measured_path[0]) {
            e = draw_latency(&r->devices.items[i], s, why);
        }
    }
    return e;
}

// ---- losses

// Stages one after the other; of a round, the mean of its shards.
static void add_losses(const struct results *r, struct points *stages)
{
    uint64_t base = 0;
    uint64_t last = 0;
    for (size_t i = 0; i < r->history.n_losses;) {
        const struct loss_row *first = &r->history.losses[i];
        double sum = 0;
        size_t n = 0;
        for (; i < r->history.n_losses; i++, n++) {
            const struct loss_row *l = &r->history.losses[i];
            if (l->stage != first->stage || l->round != first->round) {
                break;
            }
            sum += l->loss;
        }
        if (first->position == 0 && first->round == 0) {
            base = last;
        }
        last = base + first->position + 1;
        add_point(&stages[first->stage], (double)last, sum / (double)n);
    }
}

static enum err draw_losses(const struct results *r, struct plot_set *s,
                            struct errinfo *why)
{
    struct points stages[STAGE_KINDS] = {{0}};
    struct chart c = {.title = "Training loss",
                      .x = {.label = "batches, all stages together"},
                      .y = {.label = "loss (nats)"}};
    add_losses(r, stages);
    for (int i = 0; i < r->conf.train.n_stages; i++) {
        add_series(&c, stage_name(r->conf.train.stages[i].kind), CHART_LINE,
                   &stages[i]);
    }
    enum err e = add_plot(s, PLOT_LOSSES, "losses", "", &c, why);
    for (int i = 0; i < STAGE_KINDS; i++) {
        free(stages[i].items);
    }
    return e;
}

// ---- all of them

enum err plots_draw(const struct results *r, struct plot_set *out, struct errinfo *why)
{
    static enum err (*const all[])(const struct results *, struct plot_set *,
                                   struct errinfo *) = {draw_fronts, draw_predictor,
                                                        draw_latencies, draw_losses};
    *out = (struct plot_set){.n = 0};
    enum err e = ERR_OK;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && e == ERR_OK; i++) {
        e = all[i](r, out, why);
    }
    if (e != ERR_OK) {
        plots_fini(out);
    }
    return e;
}

void plots_fini(struct plot_set *s)
{
    for (int i = 0; i < s->n; i++) {
        buf_fini(&s->plots[i].svg);
    }
    s->n = 0;
}
