// SPDX-License-Identifier: Apache-2.0
// cmd_measure.c - `measure`: latencies of networks on this machine, for a device that
// no coordinator reaches.
#include "common/base/options.h"
#include "common/conf/study.h"
#include "common/space/latency_cover.h"
#include "common/space/latency_fill.h"
#include "worker/cli/cmd.h"
#include "worker/kernels/backend.h"
#include "worker/probe/latency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND "voxarch-worker measure"

struct measuring {
    struct option_list archs;
    const char *space, *backend;
    long batch, frames, threads, seconds, budget_s;
    bool as_csv;
    struct net_dims dims;
    struct arch *networks;
    size_t n_networks;
    struct latency_setup setup;
    struct cpus cpus;
};

static const char examples[] =
    "  voxarch-worker measure --arch 3-512-512-512-512-5-3-3-3-1536\n"
    "  voxarch-worker measure --space study.yaml --budget 600 --csv > board.csv\n"
    "\n"
    "The second makes a latency table for a whole space: a study that names it under\n"
    "devices: {name: board, latency_table: board.csv} can bound latency@board.\n";

static bool read_options(int argc, char **argv, struct measuring *m, int *status)
{
    const struct option table[] = {
        OPTION_AS_LIST("arch", "A", &m->archs, "a network; may be given many times"),
        OPTION_AS_TEXT("space", "FILE", &m->space,
                       "networks that cover this space (a study or space file); also "
                       "the supernet that --arch is cut out of"),
        OPTION_AS_NUMBER("batch", "N", &m->batch, 1, LIMIT_MEASURE_BATCH,
                         "utterances in a pass (1)"),
        OPTION_AS_NUMBER("frames", "N", &m->frames, 10, LIMIT_MEASURE_FRAMES,
                         "frames of 10 ms of each (300)"),
        OPTION_AS_NUMBER("threads", "N", &m->threads, 1, LIMIT_MEASURE_THREADS,
                         "threads that compute (1)"),
        OPTION_AS_NUMBER("seconds", "S", &m->seconds, 1, 3600,
                         "for a network at most (5)"),
        OPTION_AS_NUMBER("budget", "S", &m->budget_s, 1, 604800,
                         "seconds for all networks of --space (600)"),
        OPTION_AS_TEXT("backend", "NAME", &m->backend, "blas (the default) or ref"),
        OPTION_AS_FLAG("csv", &m->as_csv, "print a latency table"),
    };
    const struct options options = {
        .command = COMMAND,
        .operands = "",
        .summary = "Measures how long networks take on this machine, and each of their "
                   "units.",
        .examples = examples,
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0]),
    };
    struct operands operands;
    return options_parse(&options, argc, argv, &operands, status);
}

// ---- which networks

static enum err parse_archs(struct measuring *m, struct errinfo *why)
{
    m->n_networks = m->archs.n;
    m->networks = calloc(m->n_networks, sizeof(*m->networks));
    BUG_ON(!m->networks);
    enum err e = ERR_OK;
    for (size_t i = 0; i < m->n_networks && e == ERR_OK; i++) {
        e = arch_parse(m->archs.items[i], &m->networks[i], why);
        if (e == ERR_OK) {
            e = arch_fits(&m->networks[i], &m->dims, why);
        }
        if (e != ERR_OK) {
            e = err_prefix(why, e, "--arch %s", m->archs.items[i]);
        }
    }
    return e;
}

// Each network's share of the budget, at most what was said for one.
static void cover(struct measuring *m, const struct space *s)
{
    m->n_networks = latency_cover_within(s, (size_t)m->budget_s, 1, &m->networks);
    int64_t share_ms = m->budget_s * 1000 / (int64_t)m->n_networks;
    if (share_ms < m->setup.budget_ms) {
        m->setup.budget_ms = share_ms > 0 ? share_ms : 1;
    }
}

static enum err choose(struct measuring *m, struct errinfo *why)
{
    m->dims = DIMS_PAPER;
    if (!m->space && m->archs.n == 0) {
        return err_set(why, ERR_INPUT, "nothing to measure: give --arch or --space");
    }
    struct space *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    enum err e = m->space ? study_load_space(m->space, s, &m->dims, why) : ERR_OK;
    if (e == ERR_OK && m->archs.n > 0) {
        e = parse_archs(m, why);
    } else if (e == ERR_OK) {
        cover(m, s);
    }
    free(s);
    return e;
}

// ---- what comes out

static void print_provenance(const struct measuring *m, const struct measure_result *r)
{
    printf("# batch: %ld\n# frames: %ld\n# threads: %ld\n", m->batch, m->frames,
           m->threads);
    for (const char *line = r->provenance; *line;) {
        int n = (int)strcspn(line, "\n");
        printf("# %.*s\n", n, line);
        line += n + (line[n] == '\n');
    }
}

static void print_timing(const char *name, int a, int b, int c, const struct timing *t)
{
    printf("  %-8s %6d %6d %6d %10.4f %10.4f %10.4f %6u\n", name, a, b, c, t->median_ms,
           t->p90_ms, t->spread_ms, t->n);
}

static void print_network(const struct measuring *m, const struct arch *a,
                          const struct measure_result *r)
{
    struct latency_unit units[LATENCY_UNITS_MAX];
    size_t n = latency_units_of(a, &m->dims, units);
    char text[ARCH_STRING_MAX];
    printf("%s%s\n", arch_print(a, text), r->is_noisy ? "  (noisy)" : "");
    printf("  %-8s %6s %6s %6s %10s %10s %10s %6s\n", "unit", "", "", "", "median ms",
           "p90 ms", "spread ms", "n");
    for (size_t i = 0; i < n; i++) {
        char name[LATENCY_NAME_MAX];
        print_timing(latency_unit_name(&units[i], name), units[i].a, units[i].b,
                     units[i].c, &r->units[i]);
    }
    print_timing("whole", 0, 0, 0, &r->whole);
}

static void collect(const struct measuring *m, const struct arch *a,
                    const struct measure_result *r, struct latency_fill *fill)
{
    struct latency_unit units[LATENCY_UNITS_MAX];
    size_t n = latency_units_of(a, &m->dims, units);
    for (size_t i = 0; i < n; i++) {
        latency_fill_add(fill, &units[i], r->units[i].median_ms, r->is_noisy);
    }
}

static void print_table(struct latency_fill *fill)
{
    struct latency_table *t = latency_fill_table(fill);
    struct buf csv = BUF_INIT;
    latency_table_print(t, &csv);
    fwrite(csv.data, 1, csv.len, stdout);
    buf_fini(&csv);
    latency_table_destroy(t);
}

static enum err measure_one(struct measuring *m, size_t i, struct latency_fill *fill,
                            struct errinfo *why)
{
    struct measure_result r;
    char text[ARCH_STRING_MAX];
    m->setup.arch = m->networks[i];
    enum err e = latency_measure(&m->setup, &r, why);
    if (e != ERR_OK) {
        return err_prefix(why, e, "%s", arch_print(&m->networks[i], text));
    }
    collect(m, &m->networks[i], &r, fill);
    if (i == 0) {
        print_provenance(m, &r);
    }
    if (m->as_csv) {
        fprintf(stderr, "%zu/%zu %s %.3f ms%s\n", i + 1, m->n_networks,
                arch_print(&m->networks[i], text), r.whole.median_ms,
                r.is_noisy ? " (noisy)" : "");
    } else {
        print_network(m, &m->networks[i], &r);
    }
    return ERR_OK;
}

static enum err measure_all(struct measuring *m, struct errinfo *why)
{
    struct latency_fill *fill = latency_fill_create();
    enum err e = ERR_OK;
    for (size_t i = 0; i < m->n_networks && e == ERR_OK; i++) {
        e = measure_one(m, i, fill, why);
    }
    if (e == ERR_OK && m->as_csv) {
        print_table(fill);
    }
    latency_fill_destroy(fill);
    return e;
}

static enum err prepare(struct measuring *m, struct errinfo *why)
{
    m->setup = (struct latency_setup){.kernels = backend_find(m->backend),
                                      .cpus = &m->cpus,
                                      .batch = (int)m->batch,
                                      .frames = (int)m->frames,
                                      .budget_ms = m->seconds * 1000};
    if (!m->setup.kernels) {
        return err_set(why, ERR_INPUT, "--backend %s is unknown; allowed: blas, ref",
                       m->backend);
    }
    if (m->batch * m->frames > LIMIT_MEASURE_ROWS) {
        return err_set(why, ERR_INPUT, "--batch times --frames is %ld; allowed: %d",
                       m->batch * m->frames, LIMIT_MEASURE_ROWS);
    }
    enum err e = choose(m, why);
    m->setup.dims = m->dims;
    return e == ERR_OK ? latency_open((int)m->threads, &m->cpus, why) : e;
}

int cmd_measure(int argc, char **argv)
{
    struct measuring m = {.backend = "blas",
                          .batch = 1,
                          .frames = 300,
                          .threads = 1,
                          .seconds = 5,
                          .budget_s = 600};
    int status = 0;
    if (!read_options(argc, argv, &m, &status)) {
        return status;
    }
    struct errinfo why = {0};
    enum err e = prepare(&m, &why);
    if (e == ERR_OK) {
        e = measure_all(&m, &why);
    }
    free(m.networks);
    if (e != ERR_OK) {
        why.code = e;
        return options_fail(COMMAND, &why);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
