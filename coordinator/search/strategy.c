// SPDX-License-Identifier: Apache-2.0
// strategy.c - see strategy.h. What all strategies share: numbers, targets, no repeats.
#include "coordinator/search/strategy.h"

#include <stdlib.h>

struct strategy {
    const struct strategy_type *type;
    void *state;
    struct seen *seen;
    struct strategy_context context;
    uint32_t next; // number of the next proposal
    bool is_exhausted;
};

enum err strategy_create(const struct study_conf *conf, struct strategy **out,
                         struct errinfo *why)
{
    const struct strategy_type *type = strategy_type_find(conf->search.strategy);
    if (!type) {
        return err_set(why, ERR_INPUT, "there is no search strategy \"%s\"",
                       conf->search.strategy);
    }
    struct strategy *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    s->type = type;
    s->seen = seen_create();
    s->context = (struct strategy_context){conf, s->seen};
    s->state = type->create(&s->context);
    *out = s;
    return ERR_OK;
}

void strategy_destroy(struct strategy *s)
{
    if (s) {
        s->type->destroy(s->state);
        seen_destroy(s->seen);
        free(s);
    }
}

void strategy_avoid(struct strategy *s, const struct arch *a)
{
    seen_add(s->seen, a);
}

void strategy_tell(struct strategy *s, const struct strategy_trial *t)
{
    seen_add(s->seen, &t->proposal.arch);
    if (t->proposal.number >= s->next) {
        s->next = t->proposal.number + 1;
    }
    if (s->type->tell) {
        s->type->tell(s->state, t);
    }
}

static int n_turns(const struct study_conf *conf)
{
    return conf->n_targets > 0 ? conf->n_targets : 1;
}

// The next number whose target has something left. When all targets in a row have
// nothing, it is over. A rebuilt strategy passes over the same numbers again: what is
// seen only grows.
static bool next_proposal(struct strategy *s, struct proposal *out)
{
    for (int i = 0; i < n_turns(s->context.conf); i++) {
        out->number = s->next++;
        if (s->type->propose(s->state, out->number, &out->arch)) {
            return true;
        }
    }
    s->is_exhausted = true;
    return false;
}

size_t strategy_ask(struct strategy *s, size_t n, struct proposal *out)
{
    size_t n_out = 0;
    while (n_out < n && !s->is_exhausted && next_proposal(s, &out[n_out])) {
        bool is_new = seen_add(s->seen, &out[n_out].arch);
        BUG_ON(!is_new);
        n_out++;
    }
    return n_out;
}

bool strategy_is_exhausted(const struct strategy *s)
{
    return s->is_exhausted;
}

bool strategy_admits(const struct study_conf *conf, uint32_t number,
                     const struct arch *a)
{
    if (conf->n_targets == 0) {
        return true;
    }
    const struct study_target *target =
        &conf->targets[number % (uint32_t)conf->n_targets];
    struct complexity c = complexity_of(a, &conf->supernet, conf->evaluate.frames);
    return study_target_admits(target, &c);
}
