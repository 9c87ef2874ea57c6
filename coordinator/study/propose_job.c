// SPDX-License-Identifier: Apache-2.0
// propose_job.c - see propose_job.h.
#include "coordinator/study/propose_job.h"

#include "coordinator/predict/predictor.h"
#include "coordinator/study/searcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 50 // networks between two questions to the strategy

// What a measurement would have scattered: the same for a network each time.
static double scatter(const struct study_conf *conf, const struct arch *a)
{
    double spread = conf->evaluate.surrogate.spread;
    struct rng rng = rng_stream(conf->seed, RNG_GUESS, 0, arch_hash(a));
    return spread > 0 ? spread * rng_normal(&rng) : 0;
}

static void guess(const struct study_conf *conf, const struct predictor *p,
                  struct proposed *items, size_t n)
{
    struct arch archs[BATCH];
    double values[BATCH];
    for (size_t i = 0; i < n; i++) {
        archs[i] = items[i].proposal.arch;
    }
    predictor_predict(p, archs, n, values, NULL);
    for (size_t i = 0; i < n; i++) {
        double eer = values[i] + scatter(conf, &archs[i]);
        items[i].eer = eer > 0 ? eer : 0;
    }
}

static void tell(struct strategy *s, const struct proposed *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct strategy_trial told = {.proposal = items[i].proposal,
                                            .state = ARCHIVE_MEASURED,
                                            .values = {items[i].eer}};
        strategy_tell(s, &told);
    }
}

// Up to n more; predictor NULL: nothing is known of them yet.
static size_t ask(struct propose_job *p, struct strategy *s, size_t n,
                  const struct predictor *predictor)
{
    struct proposal proposals[BATCH];
    struct proposed *items = p->items + p->n;
    n = strategy_ask(s, n < BATCH ? n : BATCH, proposals);
    for (size_t i = 0; i < n; i++) {
        items[i] = (struct proposed){.proposal = proposals[i]};
    }
    if (predictor) {
        guess(p->scope.conf, predictor, items, n);
        tell(s, items, n);
    }
    return n;
}

static enum err propose_job_run(struct job *j, struct errinfo *why)
{
    struct propose_job *p = (struct propose_job *)j;
    struct predictor *predictor = NULL;
    struct searcher *searcher = NULL;
    enum err e =
        p->is_guessing ? predictor_load(p->predictor_path, &predictor, why) : ERR_OK;
    if (e == ERR_OK) {
        e = searcher_create(&p->scope, &searcher, why);
    }
    if (e == ERR_OK) {
        struct strategy *s = searcher->strategy;
        while (p->n < p->n_wanted && !strategy_is_exhausted(s)) {
            p->n += ask(p, s, p->n_wanted - p->n, predictor);
        }
        p->is_exhausted = strategy_is_exhausted(s);
    }
    searcher_destroy(searcher);
    predictor_destroy(predictor);
    return e;
}

struct propose_job *propose_job_create(const struct final_scope *scope,
                                       const char *predictor_path, size_t n_wanted)
{
    struct propose_job *p = calloc(1, sizeof(*p));
    BUG_ON(!p);
    p->job.run = propose_job_run;
    p->n_wanted = n_wanted;
    p->items = calloc(n_wanted + 1, sizeof(*p->items));
    p->trials = calloc(scope->n_trials + 1, sizeof(*p->trials));
    BUG_ON(!p->items || !p->trials);
    if (scope->n_trials > 0) {
        memcpy(p->trials, scope->trials, scope->n_trials * sizeof(*p->trials));
    }
    snprintf(p->checkpoint, sizeof(p->checkpoint), "%s", scope->checkpoint);
    p->scope = *scope;
    p->scope.trials = p->trials;
    p->scope.checkpoint = p->checkpoint;
    p->is_guessing = predictor_path != NULL;
    snprintf(p->predictor_path, sizeof(p->predictor_path), "%s",
             predictor_path ? predictor_path : "");
    return p;
}

void propose_job_destroy(struct propose_job *p)
{
    if (!p) {
        return;
    }
    free(p->trials);
    free(p->items);
    free(p);
}
