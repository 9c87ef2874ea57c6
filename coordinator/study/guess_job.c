// SPDX-License-Identifier: Apache-2.0
// guess_job.c - see guess_job.h.
#include "coordinator/study/guess_job.h"

#include "coordinator/predict/predictor.h"
#include "coordinator/study/searcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 50 // networks guessed between two questions to the strategy

// What a measurement would have scattered: the same for a network each time.
static double scatter(const struct study_conf *conf, const struct arch *a)
{
    double spread = conf->evaluate.surrogate.spread;
    struct rng rng = rng_stream(conf->seed, RNG_GUESS, 0, arch_hash(a));
    return spread > 0 ? spread * rng_normal(&rng) : 0;
}

static void guess(const struct study_conf *conf, const struct predictor *p,
                  const struct proposal *proposals, size_t n, struct guess *out)
{
    struct arch archs[BATCH];
    double values[BATCH];
    for (size_t i = 0; i < n; i++) {
        archs[i] = proposals[i].arch;
    }
    predictor_predict(p, archs, n, values, NULL);
    for (size_t i = 0; i < n; i++) {
        double eer = values[i] + scatter(conf, &archs[i]);
        out[i] = (struct guess){proposals[i], eer > 0 ? eer : 0};
    }
}

static void search(struct guess_job *g, const struct predictor *p,
                   struct strategy *strategy)
{
    while (g->n_guesses < g->n_wanted && !strategy_is_exhausted(strategy)) {
        struct proposal proposals[BATCH];
        struct guess *guesses = g->guesses + g->n_guesses;
        size_t left = g->n_wanted - g->n_guesses;
        size_t n = strategy_ask(strategy, left < BATCH ? left : BATCH, proposals);
        guess(g->scope.conf, p, proposals, n, guesses);
        for (size_t i = 0; i < n; i++) {
            strategy_tell(strategy,
                          &(struct strategy_trial){.proposal = proposals[i],
                                                   .state = ARCHIVE_MEASURED,
                                                   .values = {guesses[i].eer}});
        }
        g->n_guesses += n;
    }
    g->is_exhausted = strategy_is_exhausted(strategy);
}

static enum err guess_job_run(struct job *j, struct errinfo *why)
{
    struct guess_job *g = (struct guess_job *)j;
    struct predictor *predictor = NULL;
    struct searcher *searcher = NULL;
    enum err e = predictor_load(g->predictor_path, &predictor, why);
    if (e == ERR_OK) {
        e = searcher_create(&g->scope, &searcher, why);
    }
    if (e == ERR_OK) {
        search(g, predictor, searcher->strategy);
    }
    searcher_destroy(searcher);
    predictor_destroy(predictor);
    return e;
}

struct guess_job *guess_job_create(const struct final_scope *scope,
                                   const char *predictor_path, size_t n_wanted)
{
    struct guess_job *g = calloc(1, sizeof(*g));
    BUG_ON(!g);
    g->job.run = guess_job_run;
    g->n_wanted = n_wanted;
    g->guesses = calloc(n_wanted + 1, sizeof(*g->guesses));
    g->trials = calloc(scope->n_trials + 1, sizeof(*g->trials));
    BUG_ON(!g->guesses || !g->trials);
    if (scope->n_trials > 0) {
        memcpy(g->trials, scope->trials, scope->n_trials * sizeof(*g->trials));
    }
    snprintf(g->checkpoint, sizeof(g->checkpoint), "%s", scope->checkpoint);
    g->scope = *scope;
    g->scope.trials = g->trials;
    g->scope.checkpoint = g->checkpoint;
    snprintf(g->predictor_path, sizeof(g->predictor_path), "%s", predictor_path);
    return g;
}

void guess_job_destroy(struct guess_job *g)
{
    if (!g) {
        return;
    }
    free(g->trials);
    free(g->guesses);
    free(g);
}
