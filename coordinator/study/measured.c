// SPDX-License-Identifier: Apache-2.0
// measured.c - see measured.h.
#include "coordinator/study/measured.h"

#include "common/space/latency_fill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the list

static void reserve(struct measured_list *l, size_t n)
{
    if (n <= l->n) {
        return;
    }
    l->items = realloc(l->items, n * sizeof(*l->items)); // rows come in order
    BUG_ON(!l->items);
    memset(l->items + l->n, 0, (n - l->n) * sizeof(*l->items));
    l->n = n;
}

void measured_add(struct measured_list *l, const struct task_row *row)
{
    BUG_ON(row->spec.kind != TASK_MEASURE);
    reserve(l, (size_t)row->shard + 1);
    struct measured *m = &l->items[row->shard];
    if (m->state == TASK_DONE ||
        arch_parse(row->spec.measure.architecture, &m->arch, NULL) != ERR_OK) {
        return; // tried again for nothing, or written by nobody here
    }
    m->task_id = row->id;
    m->state = row->state;
    m->worker_id = row->worker_id;
    if (row->state == TASK_DONE) {
        m->result = row->result.measure;
    }
}

void measured_count(struct measured_list *l)
{
    l->n_open = l->n_done = 0;
    for (size_t i = 0; i < l->n; i++) {
        l->n_open +=
            l->items[i].state == TASK_READY || l->items[i].state == TASK_LEASED;
        l->n_done += l->items[i].state == TASK_DONE;
    }
}

void measured_fini(struct measured_list *l)
{
    free(l->items);
    *l = (struct measured_list){0};
}

// ---- the table

static void add_units(struct latency_fill *fill, const struct measured *m,
                      const struct net_dims *dims)
{
    struct latency_unit units[LATENCY_UNITS_MAX];
    size_t n = latency_units_of(&m->arch, dims, units);
    BUG_ON(n != m->result.n_units); // the turn takes no other
    for (size_t i = 0; i < n; i++) {
        latency_fill_add(fill, &units[i], m->result.units[i].median_ms,
                         m->result.is_noisy);
    }
}

static void note_number(struct latency_table *t, const char *key, const char *format,
                        double value)
{
    char text[64];
    // NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): ours, right below
    snprintf(text, sizeof(text), format, value);
    latency_table_note(t, key, text);
}

// "key: value" lines, as a worker writes them. What is not one is left out.
static void note_lines(struct latency_table *t, const char *lines)
{
    for (const char *line = lines; *line;) {
        size_t n = strcspn(line, "\n");
        char text[LIMIT_PROVENANCE];
        snprintf(text, sizeof(text), "%.*s", (int)n, line);
        char *colon = strstr(text, ": ");
        if (colon && colon > text) {
            *colon = '\0';
            latency_table_note(t, text, colon + 2);
        }
        line += n + (line[n] == '\n');
    }
}

static void note_origin(struct latency_table *t, const struct study_device *device,
                        const struct device_row *row, const char *provenance)
{
    const struct study_measure *m = &device->measure;
    latency_table_note(t, "device", device->name);
    note_number(t, "batch", "%.0f", (double)m->batch);
    note_number(t, "frames", "%.0f", (double)m->frames);
    note_number(t, "threads", "%.0f", (double)m->threads);
    note_number(t, "networks", "%.0f", row->n_networks);
    note_number(t, "networks on a noisy machine", "%.0f", row->n_noisy);
    note_number(t, "networks that failed", "%.0f", row->n_failed);
    note_lines(t, provenance);
}

struct latency_table *measured_table(const struct measured_list *l,
                                     const struct study_device *device,
                                     const struct net_dims *dims,
                                     struct device_row *row)
{
    struct latency_fill *fill = latency_fill_create();
    const char *provenance = "";
    row->n_networks = row->n_noisy = row->n_failed = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct measured *m = &l->items[i];
        if (m->state != TASK_DONE) {
            row->n_failed++;
            continue;
        }
        row->n_networks++;
        row->n_noisy += m->result.is_noisy;
        provenance = m->result.provenance;
        add_units(fill, m, dims);
    }
    struct latency_table *t = latency_fill_table(fill);
    latency_fill_destroy(fill);
    row->n_units = (uint32_t)latency_table_count(t);
    note_origin(t, device, row, provenance);
    return t;
}

// ---- its quality

void measured_check(const struct measured_list *holdout, struct latency_table *t,
                    const struct net_dims *dims, struct device_row *row)
{
    struct arch *archs = calloc(holdout->n + 1, sizeof(*archs));
    double *ms = calloc(holdout->n + 1, sizeof(*ms));
    BUG_ON(!archs || !ms);
    size_t n = 0;
    for (size_t i = 0; i < holdout->n; i++) {
        const struct measured *m = &holdout->items[i];
        if (m->state == TASK_DONE) {
            archs[n] = m->arch;
            ms[n++] = m->result.whole.median_ms;
        }
    }
    struct latency_quality q = latency_quality_of(t, dims, archs, ms, n);
    free(archs);
    free(ms);
    row->n_holdout = (uint32_t)q.n_compared;
    row->spearman = q.spearman;
    row->median_error = q.median_error;
    row->p95_error = q.p95_error;
    note_number(t, "held-out networks", "%.0f", row->n_holdout);
    note_number(t, "held-out Spearman", "%.4f", q.spearman);
    note_number(t, "held-out median error, %", "%.2f", 100 * q.median_error);
    note_number(t, "held-out p95 error, %", "%.2f", 100 * q.p95_error);
}

static void print_part(const char *part, const struct measured_list *l,
                       const struct latency_table *t, const struct net_dims *dims,
                       struct buf *out)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct measured *m = &l->items[i];
        const struct timing *whole = &m->result.whole;
        char arch[ARCH_STRING_MAX];
        double sum_ms = 0;
        if (m->state != TASK_DONE) {
            continue;
        }
        buf_addf(out, "%s,%s,%.6f,%.6f,%.6f,%u,%d,%" PRIu64 ",", part,
                 arch_print(&m->arch, arch), whole->median_ms, whole->p90_ms,
                 whole->spread_ms, whole->n, m->result.is_noisy, m->worker_id);
        if (latency_of(t, &m->arch, dims, &sum_ms)) {
            buf_addf(out, "%.6f", sum_ms);
        }
        buf_addf(out, "\n");
    }
}

void measured_print(const struct measured_list *cover,
                    const struct measured_list *holdout, const struct latency_table *t,
                    const struct net_dims *dims, struct buf *out)
{
    buf_addf(out, "part,architecture,median_ms,p90_ms,spread_ms,passes,is_noisy,worker,"
                  "table_ms\n");
    print_part("table", cover, t, dims, out);
    print_part("held-out", holdout, t, dims, out);
}
