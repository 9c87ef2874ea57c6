// SPDX-License-Identifier: Apache-2.0
// bayes.c - Bayesian optimisation, for few and expensive evaluations.
//
// A Gaussian process (kriging.h) over the genes and the logarithms of the costs says
// what to expect of a network; proposed is the one within the limits that promises the
// largest expected improvement. Pending networks are taken to turn out as expected, so
// that a batch spreads out. The process is of the first measured objective. Where the
// objective to lower is a cost, improvement is certain and weighed with the probability
// that the limits on what is measured hold.
//
// Source: Jones et al., "Efficient global optimization of expensive black-box
// functions", J. Global Optim. 13, 1998; Ginsbourger et al., "Kriging is well-suited to
// parallelize optimization", 2010, for pending ones.
#include "coordinator/search/draw.h"
#include "coordinator/search/features.h"
#include "coordinator/search/kriging.h"
#include "coordinator/search/vary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The time of a proposal grows with the cube of these.
#define PROCESS_MAX 600 // measured networks the process is made of
#define PENDING_MAX 100
#define LEARN_MAX   200 // of which its shape is learnt
#define LEARN_EVERY 10  // measured networks

// Where the largest expected improvement is looked for; some milliseconds.
#define PARENTS 10
#define DRAWN   100
#define BRED    300
#define REFINED 200
#define POOL    5
#define STEPS   3 // genes changed at once, at most

struct bayes {
    const struct strategy_context *context;
    struct features features;
    int modelled; // the objective that the process is of

    // What the process was made of, and of what its shape was learnt.
    uint64_t version;
    size_t n_rows;
    uint64_t learnt_from;
    struct kriging_shape shape;
    struct kriging *process;

    size_t n_parents;
    size_t parents[PARENTS]; // indices into the archive, best first
};

// The best networks known to promise an improvement, best first.
struct pool {
    int n;
    struct {
        struct arch arch;
        double score;
    } items[POOL];
};

static int find_modelled(const struct problem *p)
{
    for (int i = 0; i < p->n_objectives; i++) {
        if (!objective_is_cost(&p->objectives[i])) {
            return i;
        }
    }
    return 0;
}

static void *bayes_create(const struct strategy_context *c)
{
    _Static_assert(FEATURES_MAX <= KRIGING_INPUTS_MAX, "all features are inputs");
    struct bayes *b = calloc(1, sizeof(*b));
    BUG_ON(!b);
    b->context = c;
    b->modelled = find_modelled(c->problem);
    features_init(&b->features, c->problem);
    return b;
}

static void bayes_destroy(void *state)
{
    struct bayes *b = state;
    kriging_destroy(b->process);
    free(b);
}

// ---- the process ----

struct sample {
    double *x; // [n_measured + n_pending, n features]
    double *y; // [n_measured]
    size_t n_measured, n_pending;
    uint64_t digest; // of what its shape is learnt from
    size_t n_learn;
};

// Of too many measured networks the best half and the youngest.
static void choose_rows(const struct archive *a, bool *is_chosen)
{
    size_t n = archive_count(a);
    size_t best[PROCESS_MAX / 2];
    size_t n_chosen = archive_best(a, PROCESS_MAX / 2, best);
    for (size_t i = 0; i < n_chosen; i++) {
        is_chosen[best[i]] = true;
    }
    size_t n_pending = 0;
    for (size_t i = n; i-- > 0;) {
        enum archive_state state = archive_at(a, i)->state;
        if (state == ARCHIVE_PENDING && n_pending < PENDING_MAX) {
            is_chosen[i] = true;
            n_pending++;
        } else if (state == ARCHIVE_MEASURED && !is_chosen[i] &&
                   n_chosen < PROCESS_MAX) {
            is_chosen[i] = true;
            n_chosen++;
        }
    }
}

static void add_measured(const struct bayes *b, const struct archive_row *row,
                         struct sample *s)
{
    features_of(&b->features, &row->arch, &s->x[s->n_measured * b->features.n]);
    s->y[s->n_measured++] = row->values[b->modelled];
}

static void add_pending(const struct bayes *b, const struct archive_row *row,
                        struct sample *s)
{
    size_t at = s->n_measured + s->n_pending++;
    features_of(&b->features, &row->arch, &s->x[at * b->features.n]);
}

static void add_rows(const struct bayes *b, const bool *is_chosen,
                     enum archive_state state, struct sample *s)
{
    const struct archive *a = b->context->archive;
    for (size_t i = 0; i < archive_count(a); i++) {
        const struct archive_row *row = archive_at(a, i);
        if (!is_chosen[i] || row->state != state) {
            continue;
        }
        if (state == ARCHIVE_MEASURED) {
            add_measured(b, row, s);
        } else {
            add_pending(b, row, s);
        }
    }
}

static uint64_t digest_of(const void *data, size_t n, uint64_t hash)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u; // FNV-1a
    }
    return hash;
}

static struct sample sample_make(const struct bayes *b)
{
    size_t n = archive_count(b->context->archive);
    bool *is_chosen = calloc(n + 1, sizeof(*is_chosen));
    struct sample s = {.x = malloc((n + 1) * b->features.n * sizeof(double)),
                       .y = malloc((n + 1) * sizeof(double))};
    BUG_ON(!is_chosen || !s.x || !s.y);
    choose_rows(b->context->archive, is_chosen);
    add_rows(b, is_chosen, ARCHIVE_MEASURED, &s);
    add_rows(b, is_chosen, ARCHIVE_PENDING, &s);
    free(is_chosen);
    size_t n_learn = s.n_measured < LEARN_MAX ? s.n_measured : LEARN_MAX;
    s.n_learn = n_learn < LEARN_EVERY ? n_learn : n_learn - n_learn % LEARN_EVERY;
    uint64_t digest = digest_of(s.y, s.n_learn * sizeof(double), 0xcbf29ce484222325u);
    s.digest = digest_of(s.x, s.n_learn * b->features.n * sizeof(double), digest);
    return s;
}

// The process for the archive as it is. A shape is learnt anew only where what it is
// learnt from has changed, which is the same as learning it every time.
static void renew(struct bayes *b)
{
    const struct archive *a = b->context->archive;
    if (b->process && b->version == archive_version(a) &&
        b->n_rows == archive_count(a)) {
        return;
    }
    struct sample s = sample_make(b);
    if (!b->process || b->learnt_from != s.digest) {
        b->shape = kriging_learn(s.x, s.y, s.n_learn, b->features.n);
        b->learnt_from = s.digest;
    }
    kriging_destroy(b->process);
    b->process =
        kriging_create(&b->shape, s.x, s.y, s.n_measured, s.n_pending, b->features.n);
    b->version = archive_version(a);
    b->n_rows = archive_count(a);
    b->n_parents = archive_best(a, PARENTS, b->parents);
    free(s.x);
    free(s.y);
}

// ---- what a network promises ----

static double normal_cdf(double z)
{
    return .5 * erfc(-z * M_SQRT1_2);
}

static double expected_improvement(double best, double mean, double spread)
{
    double improvement = best - mean;
    if (spread <= 0) {
        return improvement > 0 ? improvement : 0;
    }
    double z = improvement / spread;
    double density = exp(-z * z / 2) / sqrt(2 * M_PI);
    return improvement * normal_cdf(z) + spread * density;
}

// That the limits on the modelled objective hold.
static double probability_within(const struct bayes *b, double mean, double spread)
{
    const struct problem *p = b->context->problem;
    double probability = 1;
    for (int i = 0; i < p->n_constraints; i++) {
        const struct constraint *c = &p->constraints[i];
        if (objective_equal(&c->objective, &p->objectives[b->modelled]) &&
            !objective_is_cost(&c->objective)) {
            double room = c->limit - mean;
            probability *= spread > 0 ? normal_cdf(room / spread) : room >= 0;
        }
    }
    return probability;
}

static double score(const struct bayes *b, const struct arch *a)
{
    const struct problem *p = b->context->problem;
    const struct archive_row *best = archive_at(b->context->archive, b->parents[0]);
    double x[FEATURES_MAX];
    double mean;
    double spread;
    features_of(&b->features, a, x);
    kriging_predict(b->process, x, &mean, &spread);
    if (b->modelled == 0) {
        return expected_improvement(best->values[0], mean, spread);
    }
    double gain = 1; // anything within the limits will do at first
    if (best->violation <= 0) {
        gain = best->values[0] - problem_cost(p, &p->objectives[0], a);
    }
    return gain > 0 ? gain * probability_within(b, mean, spread) : 0;
}

// ---- looking for the largest promise ----

static void pool_insert(struct pool *pool, const struct arch *a, double score)
{
    int at = pool->n < POOL ? pool->n++ : POOL - 1;
    for (; at > 0 && score > pool->items[at - 1].score; at--) {
        pool->items[at] = pool->items[at - 1];
    }
    pool->items[at].arch = *a;
    pool->items[at].score = score;
}

// Lowered to the limits where it is beyond; left out where it is known already.
static void pool_offer(struct pool *pool, const struct bayes *b, struct arch *a,
                       struct rng *r)
{
    const struct strategy_context *c = b->context;
    if (!vary_repair(c->problem, a, r) || seen_has(c->seen, a)) {
        return;
    }
    for (int i = 0; i < pool->n; i++) {
        if (arch_equal(&pool->items[i].arch, a)) {
            return;
        }
    }
    double promise = score(b, a);
    if (pool->n < POOL || promise > pool->items[POOL - 1].score) {
        pool_insert(pool, a, promise);
    }
}

static void take_steps(const struct bayes *b, struct arch *a, struct rng *r)
{
    int n = 1 + (int)rng_below(r, STEPS);
    for (int i = 0; i < n; i++) {
        vary_step(b->context->problem->space, a, r);
    }
}

static const struct arch *parent(const struct bayes *b, struct rng *r)
{
    size_t i = b->parents[rng_below(r, b->n_parents)];
    return &archive_at(b->context->archive, i)->arch;
}

static struct arch child(const struct bayes *b, struct rng *r)
{
    struct arch a = *parent(b, r);
    if (rng_below(r, 3) == 0) {
        a = vary_cross(b->context->problem->space, &a, parent(b, r), r);
    }
    take_steps(b, &a, r);
    return a;
}

static void search(const struct bayes *b, struct rng *r, struct pool *pool)
{
    for (int i = 0; i < DRAWN; i++) {
        struct arch a = space_draw(b->context->problem->space, r);
        pool_offer(pool, b, &a, r);
    }
    for (int i = 0; i < BRED; i++) {
        struct arch a = child(b, r);
        pool_offer(pool, b, &a, r);
    }
    for (int i = 0; i < REFINED && pool->n > 0; i++) {
        struct arch a = pool->items[rng_below(r, (uint64_t)pool->n)].arch;
        take_steps(b, &a, r);
        pool_offer(pool, b, &a, r);
    }
}

static bool bayes_propose(void *state, uint32_t number, struct arch *out)
{
    struct bayes *b = state;
    const struct strategy_context *c = b->context;
    struct rng r = draw_stream(c, strategy_bayes.id, number);
    if (archive_count(c->archive) < (size_t)c->settings.population ||
        archive_n_measured(c->archive) < 2) {
        return draw_start(c, &r, out);
    }
    renew(b);
    struct pool pool = {0};
    search(b, &r, &pool);
    if (pool.n == 0) {
        return draw_start(c, &r, out);
    }
    *out = pool.items[0].arch;
    return true;
}

const struct strategy_type strategy_bayes = {
    .name = "bayes",
    .summary = "Bayesian optimisation, for few and expensive evaluations",
    .id = 5,
    .defaults = {.population = 20, .mutation = .1, .tournament = 1},
    .create = bayes_create,
    .propose = bayes_propose,
    .destroy = bayes_destroy,
};
