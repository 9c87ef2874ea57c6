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
    return t->origin != TRIAL_FINAL && has_final_weights(s, t);
}

// The exporting trial of a candidate's architecture; NULL when there is none.
static const struct trial_row *export_of(const struct final_scope *s,
                                         const struct trial_row *candidate)
{
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *t = &s->trials[i];
        if (t->origin == TRIAL_FINAL && has_final_weights(s, t) &&
            arch_equal(&t->arch, &candidate->arch)) {
            return t;
        }
    }
    return NULL;
}

static bool is_better(const struct trial_row *a, const struct trial_row *b)
{
    if (a->result.eer_percent != b->result.eer_percent) {
        return a->result.eer_percent < b->result.eer_percent;
    }
    return a->complexity.macs < b->complexity.macs;
}

static struct final_choice choose(const struct final_scope *s,
                                  const struct study_target *target,
                                  const struct problem *aim)
{
    struct final_choice c = {.target = *target};
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *t = &s->trials[i];
        if (!t->is_measured || !final_is_candidate(s, t) ||
            !study_target_admits(target, &t->complexity) ||
            !aims_accept(aim, &t->arch, t->result.eer_percent, t->result.mindcf_p01) ||
            (c.winner && !is_better(t, c.winner))) {
            continue;
        }
        const struct trial_row *exported = export_of(s, t);
        if (!exported || !exported->has_failed) {
            c.winner = t;
            c.exported = exported;
        }
    }
    return c;
}

size_t final_choose(const struct final_scope *s,
                    struct final_choice out[static STUDY_TARGETS_MAX])
{
    static const struct study_target any = {.name = "any"};
    static const struct aims_tables no_tables;
    struct aims *aims = malloc(sizeof(*aims));
    BUG_ON(!aims);
    aims_of_targets(s->conf, s->tables ? s->tables : &no_tables, false, aims);
    const struct study_target *targets = s->conf->targets;
    size_t n = (size_t)s->conf->n_targets;
    if (n == 0) {
        targets = &any;
        n = 1;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = choose(s, &targets[i], &aims->problems[i]);
    }
    free(aims);
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
