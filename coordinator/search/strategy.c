// SPDX-License-Identifier: Apache-2.0
// strategy.c - see strategy.h. What all strategies share: numbers, turns, no repeats.
#include "coordinator/search/strategy.h"

#include <stdlib.h>

struct turn { // one problem's part
    struct strategy_context context;
    struct archive *archive;
    void *state;
};

struct strategy {
    const struct strategy_type *type;
    struct seen *seen;
    int n_turns;
    struct turn turns[STRATEGY_PROBLEMS_MAX];
    uint32_t next; // number of the next proposal
    bool is_exhausted;
};

static const struct strategy_settings limits = {
    .population = 100000, .mutation = 1, .tournament = 1000};

static enum err check_settings(const struct strategy_settings *s, struct errinfo *why)
{
    if (s->population < 0 || s->population > limits.population) {
        return err_set(why, ERR_INPUT, "population is %d; allowed: 1 to %d",
                       s->population, limits.population);
    }
    if (!(s->mutation >= 0 && s->mutation <= limits.mutation)) {
        return err_set(why, ERR_INPUT, "mutation is %g; allowed: above 0, up to 1",
                       s->mutation);
    }
    if (s->tournament < 0 || s->tournament > limits.tournament) {
        return err_set(why, ERR_INPUT, "tournament is %d; allowed: 1 to %d",
                       s->tournament, limits.tournament);
    }
    return ERR_OK;
}

static struct strategy_settings settle(const struct strategy_type *type,
                                       const struct strategy_settings *given)
{
    const struct strategy_settings *own = &type->defaults;
    if (!given) {
        return *own;
    }
    return (struct strategy_settings){
        .population = given->population ? given->population : own->population,
        .mutation = given->mutation > 0 ? given->mutation : own->mutation,
        .tournament = given->tournament ? given->tournament : own->tournament,
    };
}

static enum err check(const char *name, const struct problem *problems, int n_problems,
                      const struct strategy_settings *settings, struct errinfo *why)
{
    const struct strategy_type *type = strategy_type_find(name);
    if (!type) {
        return err_set(why, ERR_INPUT, "there is no search strategy \"%s\"", name);
    }
    BUG_ON(n_problems < 1 || n_problems > STRATEGY_PROBLEMS_MAX);
    for (int i = 0; i < n_problems; i++) {
        enum err e = problem_check(&problems[i], why);
        if (e != ERR_OK) {
            return e;
        }
        BUG_ON(problems[i].n_objectives != problems[0].n_objectives);
        if (problems[i].n_objectives < 1) {
            return err_set(why, ERR_INPUT, "a search needs an objective");
        }
    }
    return settings ? check_settings(settings, why) : ERR_OK;
}

enum err strategy_create(const char *name, const struct problem *problems,
                         int n_problems, uint64_t seed,
                         const struct strategy_settings *settings,
                         struct strategy **out, struct errinfo *why)
{
    enum err e = check(name, problems, n_problems, settings, why);
    if (e != ERR_OK) {
        return e;
    }
    struct strategy *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    s->type = strategy_type_find(name);
    s->seen = seen_create();
    s->n_turns = n_problems;
    for (int i = 0; i < n_problems; i++) {
        struct turn *turn = &s->turns[i];
        turn->archive = archive_create(&problems[i]);
        turn->context = (struct strategy_context){
            .problem = &problems[i],
            .settings = settle(s->type, settings),
            .seed = seed,
            .seen = s->seen,
            .archive = turn->archive,
        };
        turn->state = s->type->create(&turn->context);
    }
    *out = s;
    return ERR_OK;
}

void strategy_destroy(struct strategy *s)
{
    if (!s) {
        return;
    }
    for (int i = 0; i < s->n_turns; i++) {
        s->type->destroy(s->turns[i].state);
        archive_destroy(s->turns[i].archive);
    }
    seen_destroy(s->seen);
    free(s);
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
    for (int i = 0; i < s->n_turns; i++) {
        archive_put(s->turns[i].archive, t->proposal.number, &t->proposal.arch,
                    t->state, t->values);
    }
}

// The next number whose problem has something left. When all in a row have nothing, it
// is over. A rebuilt strategy passes over the same numbers again: what is seen only
// grows.
static bool next_proposal(struct strategy *s, struct proposal *out)
{
    for (int i = 0; i < s->n_turns; i++) {
        out->number = s->next++;
        struct turn *turn = &s->turns[out->number % (uint32_t)s->n_turns];
        if (s->type->propose(turn->state, out->number, &out->arch)) {
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
        BUG_ON(seen_has(s->seen, &out[n_out].arch));
        strategy_tell(s, &(struct strategy_trial){.proposal = out[n_out],
                                                  .state = ARCHIVE_PENDING});
        n_out++;
    }
    return n_out;
}

bool strategy_is_exhausted(const struct strategy *s)
{
    return s->is_exhausted;
}

const struct archive *strategy_archive(const struct strategy *s, int i)
{
    BUG_ON(i < 0 || i >= s->n_turns);
    return s->turns[i].archive;
}
