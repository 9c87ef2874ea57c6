// SPDX-License-Identifier: Apache-2.0
// search_run.c - see search_run.h.
#include "coordinator/search/search_run.h"

#include <stdlib.h>

#define BATCH 50

struct search_run {
    struct strategy *strategy;
};

struct batch {
    struct proposal *proposals;
    struct arch *archs;
    search_run_values *values;
};

static struct batch batch_make(size_t n)
{
    struct batch b = {calloc(n, sizeof(*b.proposals)), calloc(n, sizeof(*b.archs)),
                      calloc(n, sizeof(*b.values))};
    BUG_ON(!b.proposals || !b.archs || !b.values);
    return b;
}

static void batch_free(struct batch *b)
{
    free(b->proposals);
    free(b->archs);
    free(b->values);
}

// How many were proposed and told.
static size_t run_batch(const struct search_run_setup *setup, struct strategy *s,
                        struct batch *b, size_t n)
{
    size_t n_new = strategy_ask(s, n, b->proposals);
    for (size_t i = 0; i < n_new; i++) {
        b->archs[i] = b->proposals[i].arch;
    }
    if (n_new > 0) {
        setup->evaluate(setup->arg, b->archs, n_new, b->values);
    }
    for (size_t i = 0; i < n_new; i++) {
        struct strategy_trial told = {.proposal = b->proposals[i],
                                      .state = ARCHIVE_MEASURED};
        for (int j = 0; j < setup->problem->n_objectives; j++) {
            told.values[j] = b->values[i][j];
        }
        strategy_tell(s, &told);
    }
    return n_new;
}

enum err search_run(const struct search_run_setup *setup, struct search_run **out,
                    struct errinfo *why)
{
    struct strategy *s = NULL;
    enum err e = strategy_create(setup->strategy, setup->problem, 1, setup->seed,
                                 &setup->settings, &s, why);
    if (e != ERR_OK) {
        return e;
    }
    size_t batch = setup->batch ? setup->batch : BATCH;
    struct batch b = batch_make(batch);
    size_t left = setup->n_evaluations;
    while (left > 0) {
        size_t n = run_batch(setup, s, &b, left < batch ? left : batch);
        if (n == 0) {
            break;
        }
        left -= n;
    }
    batch_free(&b);
    *out = malloc(sizeof(**out));
    BUG_ON(!*out);
    (*out)->strategy = s;
    return ERR_OK;
}

void search_run_destroy(struct search_run *r)
{
    if (r) {
        strategy_destroy(r->strategy);
        free(r);
    }
}

const struct archive *search_run_archive(const struct search_run *r)
{
    return strategy_archive(r->strategy, 0);
}

const struct archive_row *search_run_best(const struct search_run *r, size_t n)
{
    const struct archive *a = search_run_archive(r);
    const struct archive_row *best = NULL;
    for (size_t i = 0; i < archive_count(a) && i < n; i++) {
        const struct archive_row *row = archive_at(a, i);
        if (row->state == ARCHIVE_MEASURED && row->violation <= 0 &&
            (!best || archive_is_better(row, best))) {
            best = row;
        }
    }
    return best;
}
