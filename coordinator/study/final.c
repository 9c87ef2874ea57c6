// SPDX-License-Identifier: Apache-2.0
// final.c - see final.h.
#include "coordinator/study/final.h"

#include <stdlib.h>
#include <string.h>

static bool has_final_weights(const struct final_scope *s, const struct trial_row *t)
{
    return strcmp(t->checkpoint, s->checkpoint) == 0 &&
           t->protocol == (uint32_t)s->conf->evaluate.protocol;
}

bool final_is_candidate(const struct final_scope *s, const struct trial_row *t)
{
    return t->origin != TRIAL_FINAL && t->origin != TRIAL_FINETUNE &&
           has_final_weights(s, t);
}

static const struct trial_row *find(const struct final_scope *s,
                                    enum trial_origin origin, const struct arch *a)
{
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *t = &s->trials[i];
        if (t->origin == origin && has_final_weights(s, t) && arch_equal(&t->arch, a)) {
            return t;
        }
    }
    return NULL;
}

const struct trial_row *final_tuned(const struct final_scope *s, const struct arch *a)
{
    const struct trial_row *t = find(s, TRIAL_FINETUNE, a);
    return t && t->is_measured ? t : NULL;
}

static bool is_better(const struct trial_row *a, const struct trial_row *b)
{
    if (a->result.eer_percent != b->result.eer_percent) {
        return a->result.eer_percent < b->result.eer_percent;
    }
    return a->complexity.macs < b->complexity.macs;
}

const struct trial_row *final_inherited(const struct final_scope *s,
                                        const struct arch *a)
{
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *t = &s->trials[i];
        if (t->is_measured && final_is_candidate(s, t) && arch_equal(&t->arch, a)) {
            return t;
        }
    }
    return NULL;
}

// The better of a candidate's two networks; the inherited one when they are as good.
static struct final_choice choice_of(const struct final_scope *s,
                                     const struct study_target *target,
                                     const struct trial_row *candidate)
{
    struct final_choice c = {.target = *target,
                             .inherited = candidate,
                             .tuned = final_tuned(s, &candidate->arch)};
    bool is_tuned_better = c.tuned && is_better(c.tuned, candidate);
    c.winner = is_tuned_better ? c.tuned : candidate;
    c.exported = is_tuned_better ? c.tuned : find(s, TRIAL_FINAL, &candidate->arch);
    return c;
}

static bool is_within(const struct study_target *target, const struct problem *aim,
                      const struct trial_row *t)
{
    return study_target_admits(target, &t->complexity) &&
           aims_accept(aim, &t->arch, t->result.eer_percent, t->result.mindcf_p01);
}

// Before a search ends, and where it only guesses, there is nothing to look for beside
// each of thousands of candidates.
static bool has_later_trials(const struct final_scope *s)
{
    for (size_t i = 0; i < s->n_trials; i++) {
        enum trial_origin origin = s->trials[i].origin;
        if (origin == TRIAL_FINAL || origin == TRIAL_FINETUNE) {
            return true;
        }
    }
    return false;
}

static struct final_choice choose(const struct final_scope *s,
                                  const struct study_target *target,
                                  const struct problem *aim)
{
    struct final_choice best = {.target = *target};
    bool has_later = has_later_trials(s);
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *t = &s->trials[i];
        if (!t->is_measured || !final_is_candidate(s, t)) {
            continue;
        }
        struct final_choice c = {.target = *target, .inherited = t, .winner = t};
        if (has_later) {
            c = choice_of(s, target, t);
        }
        bool is_kept = !c.exported || !c.exported->has_failed;
        if (is_kept && is_within(target, aim, c.winner) &&
            (!best.winner || is_better(c.winner, best.winner))) {
            best = c;
        }
    }
    return best;
}

// ---- targets and their problems

struct final_aims {
    struct aims aims;
    const struct study_target *targets;
    size_t n;
};

static struct final_aims *aims_create(const struct final_scope *s)
{
    static const struct study_target any = {.name = "any"};
    static const struct aims_tables no_tables;
    struct final_aims *a = malloc(sizeof(*a)); // large for a stack
    BUG_ON(!a);
    aims_of_targets(s->conf, s->tables ? s->tables : &no_tables, false, &a->aims);
    bool has_targets = s->conf->n_targets > 0;
    a->targets = has_targets ? s->conf->targets : &any;
    a->n = has_targets ? (size_t)s->conf->n_targets : 1;
    return a;
}

size_t final_choose(const struct final_scope *s,
                    struct final_choice out[static STUDY_TARGETS_MAX])
{
    struct final_aims *a = aims_create(s);
    size_t n = a->n;
    for (size_t i = 0; i < n; i++) {
        out[i] = choose(s, &a->targets[i], &a->aims.problems[i]);
    }
    free(a);
    return n;
}

static bool holds(const struct trial_row *const *list, size_t n, const struct arch *a)
{
    for (size_t i = 0; i < n; i++) {
        if (arch_equal(&list[i]->arch, a)) {
            return true;
        }
    }
    return false;
}

size_t final_missing(const struct final_scope *s,
                     const struct trial_row *out[static STUDY_TARGETS_MAX])
{
    struct final_choice choices[STUDY_TARGETS_MAX];
    size_t n_choices = final_choose(s, choices);
    size_t n = 0;
    for (size_t i = 0; i < n_choices; i++) {
        const struct final_choice *c = &choices[i];
        if (c->winner && !c->exported && !holds(out, n, &c->winner->arch)) {
            out[n++] = c->winner;
        }
    }
    return n;
}

// ---- what is fine-tuned

static bool is_behind(const struct trial_row *t, const struct trial_row *other)
{
    return is_better(other, t) || (!is_better(t, other) && t->id > other->id);
}

// The next best candidate of a target behind `after`, or the best; NULL: no more.
static const struct trial_row *next_best(const struct final_scope *s,
                                         const struct study_target *target,
                                         const struct problem *aim,
                                         const struct trial_row *after)
{
    const struct trial_row *best = NULL;
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *t = &s->trials[i];
        if (t->is_measured && final_is_candidate(s, t) &&
            (!after || is_behind(t, after)) &&
            study_target_admits(target, &t->complexity) &&
            aims_accept(aim, &t->arch, 0, 0) && (!best || is_better(t, best))) {
            best = t;
        }
    }
    return best;
}

size_t final_untuned(const struct final_scope *s,
                     const struct trial_row *out[static FINAL_TUNED_MAX])
{
    struct final_aims *a = aims_create(s);
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct trial_row *t = NULL;
        for (uint64_t rank = 0; rank < s->conf->finetune.networks; rank++) {
            t = next_best(s, &a->targets[i], &a->aims.problems[i], t);
            if (!t) {
                break;
            }
            if (!find(s, TRIAL_FINETUNE, &t->arch) && !holds(out, n, &t->arch)) {
                out[n++] = t;
            }
        }
    }
    free(a);
    return n;
}
