// SPDX-License-Identifier: Apache-2.0
// searcher.c - see searcher.h.
#include "coordinator/study/searcher.h"

#include "coordinator/study/explore.h"

#include <stdlib.h>

static struct strategy_trial told_of(const struct trial_row *row)
{
    return (struct strategy_trial){
        .proposal = {.number = row->proposal, .arch = row->arch},
        .state = row->is_measured  ? ARCHIVE_MEASURED
                 : row->has_failed ? ARCHIVE_FAILED
                                   : ARCHIVE_PENDING,
        .values = {row->result.eer_percent},
    };
}

// What the last stage had evaluated with the final weights, or labels, is a candidate
// already.
static void tell_all(struct strategy *strategy, const struct final_scope *scope)
{
    for (size_t i = 0; i < scope->n_trials; i++) {
        const struct trial_row *row = &scope->trials[i];
        if (row->origin == TRIAL_SEARCH) {
            const struct strategy_trial told = told_of(row);
            strategy_tell(strategy, &told);
        } else if (final_is_candidate(scope, row)) {
            strategy_avoid(strategy, &row->arch);
        }
    }
}

enum err searcher_create(const struct final_scope *scope, struct searcher **out,
                         struct errinfo *why)
{
    const struct study_search *search = &scope->conf->search;
    const struct strategy_settings settings = explore_settings(scope->conf);
    struct searcher *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    aims_of_targets(scope->conf, scope->tables, explore_serves_fronts(search->strategy),
                    &s->aims);
    enum err e = strategy_create(search->strategy, s->aims.problems, s->aims.n,
                                 scope->conf->seed, &settings, &s->strategy, why);
    if (e != ERR_OK) {
        searcher_destroy(s);
        return e;
    }
    tell_all(s->strategy, scope);
    *out = s;
    return ERR_OK;
}

void searcher_destroy(struct searcher *s)
{
    if (s) {
        strategy_destroy(s->strategy);
        free(s);
    }
}
