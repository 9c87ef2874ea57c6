// SPDX-License-Identifier: Apache-2.0
// embed.c - see embed.h.
#include "worker/score/embed.h"

#include "worker/score/asnorm.h"
#include "worker/score/cohort.h"
#include "worker/score/cosine.h"

#include <stdlib.h>

// One scoring under way. Utterance i of the trials is voice i.
struct scoring {
    struct net *net;
    const struct embed_work *work;
    size_t n_utts, n_embed;
    struct voices_item *items; // that a trial names
    size_t n_items;
    double *voices; // [n_utts][n_embed]
    struct cohort cohort;
    struct asnorm_side *sides; // [n_utts]; NULL: scores stay as they are
    size_t n_done;             // recordings of what was embedded before
};

static void plan_items(struct scoring *s)
{
    const struct pack *pack = s->work->pack;
    const struct pack_trial *trials = pack_trials(pack);
    bool *is_named = calloc(s->n_utts + 1, sizeof(*is_named));
    BUG_ON(!is_named);
    for (size_t i = 0; i < pack_n_trials(pack); i++) {
        is_named[trials[i].enroll] = true;
        is_named[trials[i].test] = true;
    }
    for (size_t i = 0; i < s->n_utts; i++) {
        if (is_named[i]) {
            s->items[s->n_items++] = (struct voices_item){(uint32_t)i, (uint32_t)i};
        }
    }
    free(is_named);
}

static void scoring_init(struct scoring *s, struct net *net,
                         const struct embed_work *work)
{
    size_t n_utts = pack_count(work->pack, PACK_EVAL);
    size_t n_embed = (size_t)net_layout(net)->dims.n_embed;
    *s = (struct scoring){
        .net = net,
        .work = work,
        .n_utts = n_utts,
        .n_embed = n_embed,
        .items = malloc((n_utts + 1) * sizeof(*s->items)),
        .voices = calloc(n_utts * n_embed + 1, sizeof(double)),
    };
    BUG_ON(!s->items || !s->voices);
    plan_items(s);
}

static void scoring_fini(struct scoring *s)
{
    cohort_fini(&s->cohort);
    free(s->items);
    free(s->voices);
    free(s->sides);
}

// Both parts as one, by how many recordings they have.
static bool tell_progress(void *arg, double fraction)
{
    const struct scoring *s = arg;
    size_t n_all = s->n_items + s->cohort.n_items;
    size_t n_part = s->n_done > 0 ? s->cohort.n_items : s->n_items;
    double n = (double)s->n_done + fraction * (double)n_part;
    return s->work->progress(s->work->arg, n / (double)n_all);
}

static struct voices_work voices_of(struct scoring *s)
{
    return (struct voices_work){
        .pack = s->work->pack,
        .part = PACK_EVAL,
        .protocol = s->work->protocol,
        .items = s->items,
        .n_items = s->n_items,
        .progress = s->work->progress ? tell_progress : NULL,
        .arg = s,
    };
}

static enum err normalise(struct scoring *s, struct errinfo *why)
{
    const struct voices_work work = voices_of(s);
    s->n_done = s->n_items;
    enum err e = cohort_embed(&s->cohort, s->net, &work, why);
    if (e != ERR_OK) {
        return e;
    }
    const struct asnorm_cohort cohort = {s->cohort.voices, s->cohort.n, s->n_embed,
                                         (size_t)s->work->asnorm->top};
    s->sides = calloc(s->n_utts + 1, sizeof(*s->sides));
    BUG_ON(!s->sides);
    asnorm_sides(s->work->kernels, &cohort, s->voices, s->n_utts, s->sides);
    return ERR_OK;
}

static double score(const struct scoring *s, const struct pack_trial *t)
{
    double cosine = cosine_score(s->voices + t->enroll * s->n_embed,
                                 s->voices + t->test * s->n_embed, s->n_embed);
    return s->sides ? asnorm_score(cosine, &s->sides[t->enroll], &s->sides[t->test])
                    : cosine;
}

static enum err score_all(const struct scoring *s, double *scores, struct metrics *out,
                          struct errinfo *why)
{
    size_t n = pack_n_trials(s->work->pack);
    const struct pack_trial *trials = pack_trials(s->work->pack);
    double *all = scores ? scores : malloc((n + 1) * sizeof(*all));
    bool *is_target = malloc((n + 1) * sizeof(*is_target));
    BUG_ON(!all || !is_target);
    for (size_t i = 0; i < n; i++) {
        all[i] = score(s, &trials[i]);
        is_target[i] = trials[i].is_target;
    }
    enum err e = metrics_compute(all, is_target, n, out, why);
    free(is_target);
    if (!scores) {
        free(all);
    }
    return e;
}

enum err embed_score_trials(struct net *net, const struct embed_work *work,
                            double *scores, struct metrics *out, struct errinfo *why)
{
    if (pack_n_trials(work->pack) == 0) {
        return err_set(why, ERR_INPUT, "the pack holds no trials to score");
    }
    struct scoring s;
    scoring_init(&s, net, work);
    bool is_normalised = work->asnorm && work->asnorm->cohort > 0;
    enum err e = ERR_OK;
    if (is_normalised) {
        e = cohort_draw(&s.cohort, work->pack, work->asnorm, work->seed, why);
    }
    if (e == ERR_OK) {
        const struct voices_work voices = voices_of(&s);
        e = voices_embed(net, &voices, s.voices, why);
    }
    if (e == ERR_OK && is_normalised) {
        e = normalise(&s, why);
    }
    if (e == ERR_OK) {
        e = score_all(&s, scores, out, why);
    }
    scoring_fini(&s);
    return e;
}
