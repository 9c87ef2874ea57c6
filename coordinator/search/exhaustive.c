// SPDX-License-Identifier: Apache-2.0
// exhaustive.c - see exhaustive.h. Threads take chunks of the space in turn; what a
// chunk gives depends on nothing else, so neither does the sum.
#include "coordinator/search/exhaustive.h"

#include "coordinator/pareto/front.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK       4096
#define HELD_FIRST  32768 // room for points before they are thinned out
#define PROGRESS_MS 100
#define NS_PER_MS   1000000L
#define NS_PER_S    1000000000L

struct search {
    const struct problem *problem;
    const struct predictor *predictor;
    bool needs_eer;
    uint64_t n_networks;
    atomic_uint_fast64_t next; // first index nobody has taken
    atomic_uint_fast64_t n_done;
    atomic_bool is_stopped;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int n_running;
};

// What one thread works with; `held` are the points nothing it saw has beaten.
struct share {
    struct search *search;
    pthread_t thread;
    uint64_t n_admitted;
    struct arch *archs; // [CHUNK]: of the chunk, those within the limits
    uint64_t *indices;  // [CHUNK]
    double *eers;       // [CHUNK]
    struct front_point *held;
    size_t n_held, cap_held;
};

// ---------------------------------------------------------------- one thread's share

// Leaves what is on the front of the points; of one objective, the first of the best.
static size_t keep_front(struct front_point *points, size_t n)
{
    if (n == 0) {
        return 0;
    }
    if (points[0].n_objectives == 1) {
        size_t best = front_best(points, n, NULL, NULL);
        if (best == n) {
            return 0; // nothing comparable
        }
        points[0] = points[best];
        return 1;
    }
    size_t *front = malloc(n * sizeof(*front));
    BUG_ON(!front);
    size_t n_front = front_find(points, n, front);
    struct front_point *kept = malloc((n_front + 1) * sizeof(*kept));
    BUG_ON(!kept);
    for (size_t i = 0; i < n_front; i++) {
        kept[i] = points[front[i]];
    }
    memcpy(points, kept, n_front * sizeof(*kept));
    free(kept);
    free(front);
    return n_front;
}

// Room for a chunk more. A front that is large itself (costs against each other) gets
// twice its size, so that thinning out stays rare.
static void make_room(struct share *w)
{
    if (w->n_held + CHUNK <= w->cap_held) {
        return;
    }
    w->n_held = keep_front(w->held, w->n_held);
    if (w->n_held > w->cap_held / 2 || w->cap_held == 0) {
        w->cap_held = w->cap_held ? 2 * w->cap_held : HELD_FIRST;
        w->held = realloc(w->held, w->cap_held * sizeof(*w->held));
        BUG_ON(!w->held);
    }
}

static double value_of(const struct search *s, const struct objective *o,
                       const struct arch *a, double eer)
{
    return o->kind == OBJECTIVE_EER ? eer : problem_cost(s->problem, o, a);
}

static bool keeps_eer_limits(const struct problem *p, double eer)
{
    for (int i = 0; i < p->n_constraints; i++) {
        if (p->constraints[i].objective.kind == OBJECTIVE_EER &&
            !constraint_holds(&p->constraints[i], eer)) {
            return false;
        }
    }
    return true;
}

static void hold(struct share *w, size_t i)
{
    const struct search *s = w->search;
    const struct problem *p = s->problem;
    if (!keeps_eer_limits(p, w->eers[i])) {
        return;
    }
    struct front_point *point = &w->held[w->n_held++];
    *point = (struct front_point){.id = w->indices[i], .n_objectives = p->n_objectives};
    for (int o = 0; o < p->n_objectives; o++) {
        point->objective[o] = value_of(s, &p->objectives[o], &w->archs[i], w->eers[i]);
    }
}

static void do_chunk(struct share *w, uint64_t first, uint64_t end)
{
    const struct search *s = w->search;
    size_t n = 0;
    for (uint64_t i = first; i < end; i++) {
        w->archs[n] = space_at(s->problem->space, i);
        w->indices[n] = i;
        n += problem_admits(s->problem, &w->archs[n]);
    }
    if (s->needs_eer) {
        predictor_predict(s->predictor, w->archs, n, w->eers, NULL);
    }
    make_room(w);
    for (size_t i = 0; i < n; i++) {
        hold(w, i);
    }
    w->n_admitted += n;
}

static void *work(void *share)
{
    struct share *w = share;
    struct search *s = w->search;
    while (!atomic_load(&s->is_stopped)) {
        uint64_t first = atomic_fetch_add(&s->next, CHUNK);
        if (first >= s->n_networks) {
            break;
        }
        uint64_t end = first + CHUNK < s->n_networks ? first + CHUNK : s->n_networks;
        do_chunk(w, first, end);
        atomic_fetch_add(&s->n_done, end - first);
    }
    pthread_mutex_lock(&s->lock);
    s->n_running--;
    pthread_cond_signal(&s->ended);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

// ---------------------------------------------------------------- all of them

static void share_init(struct share *w, struct search *s)
{
    *w = (struct share){.search = s,
                        .archs = malloc(CHUNK * sizeof(*w->archs)),
                        .indices = malloc(CHUNK * sizeof(*w->indices)),
                        .eers = calloc(CHUNK, sizeof(*w->eers))};
    BUG_ON(!w->archs || !w->indices || !w->eers);
}

static void share_fini(struct share *w)
{
    free(w->archs);
    free(w->indices);
    free(w->eers);
    free(w->held);
}

static void start(struct search *s, struct share *shares, int n)
{
    s->n_running = n;
    for (int i = 0; i < n; i++) {
        BUG_ON(pthread_create(&shares[i].thread, NULL, work, &shares[i]) != 0);
    }
}

static struct timespec soon(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += PROGRESS_MS * NS_PER_MS;
    if (t.tv_nsec >= NS_PER_S) {
        t.tv_nsec -= NS_PER_S;
        t.tv_sec++;
    }
    return t;
}

static void watch(struct search *s, const struct exhaustive_how *how)
{
    pthread_mutex_lock(&s->lock);
    while (s->n_running > 0) {
        const struct timespec until = soon();
        if (pthread_cond_timedwait(&s->ended, &s->lock, &until) == ETIMEDOUT &&
            how->progress && !how->progress(how->arg, s->n_done, s->n_networks)) {
            atomic_store(&s->is_stopped, true);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static struct exhaustive_point point_of(const struct problem *p,
                                        const struct front_point *from)
{
    struct exhaustive_point point = {.arch = space_at(p->space, from->id)};
    memcpy(point.objective, from->objective, sizeof(point.objective));
    return point;
}

static void gather(const struct search *s, const struct share *shares, int n,
                   struct exhaustive_found *out)
{
    struct share all = {0};
    for (int i = 0; i < n; i++) {
        all.n_held += shares[i].n_held;
        out->n_admitted += shares[i].n_admitted;
    }
    all.held = malloc((all.n_held + 1) * sizeof(*all.held));
    BUG_ON(!all.held);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        for (size_t j = 0; j < shares[i].n_held; j++) {
            all.held[at++] = shares[i].held[j];
        }
    }
    out->n_points = keep_front(all.held, all.n_held);
    out->points = malloc((out->n_points + 1) * sizeof(*out->points));
    BUG_ON(!out->points);
    for (size_t i = 0; i < out->n_points; i++) {
        out->points[i] = point_of(s->problem, &all.held[i]);
    }
    free(all.held);
}

static void run(struct search *s, const struct exhaustive_how *how,
                struct exhaustive_found *out)
{
    BUG_ON(how->n_threads < 1 || how->n_threads > EXHAUSTIVE_THREADS_MAX);
    uint64_t n_chunks = (s->n_networks + CHUNK - 1) / CHUNK;
    int n = (uint64_t)how->n_threads < n_chunks ? how->n_threads : (int)n_chunks;
    struct share *shares = calloc((size_t)n, sizeof(*shares));
    BUG_ON(!shares);
    for (int i = 0; i < n; i++) {
        share_init(&shares[i], s);
    }
    start(s, shares, n);
    watch(s, how);
    for (int i = 0; i < n; i++) {
        pthread_join(shares[i].thread, NULL);
    }
    gather(s, shares, n, out);
    for (int i = 0; i < n; i++) {
        share_fini(&shares[i]);
    }
    free(shares);
}

// ---------------------------------------------------------------- before

static enum err check_kind(const struct objective *o, const struct predictor *predictor,
                           bool *needs_eer, struct errinfo *why)
{
    if (objective_is_cost(o)) {
        return ERR_OK;
    }
    char text[OBJECTIVE_TEXT_MAX];
    if (o->kind != OBJECTIVE_EER) {
        return err_set(
            why, ERR_INPUT,
            "nothing predicts %s; allowed: eer, params, macs, bytes, latency",
            objective_print(o, text));
    }
    *needs_eer = true;
    return predictor
               ? ERR_OK
               : err_set(why, ERR_INPUT, "eer needs a predictor, and there is none");
}

static enum err check(struct search *s, struct errinfo *why)
{
    const struct problem *p = s->problem;
    BUG_ON(p->n_objectives < 1);
    enum err e = ERR_OK;
    for (int i = 0; e == ERR_OK && i < p->n_objectives; i++) {
        e = check_kind(&p->objectives[i], s->predictor, &s->needs_eer, why);
    }
    for (int i = 0; e == ERR_OK && i < p->n_constraints; i++) {
        e = check_kind(&p->constraints[i].objective, s->predictor, &s->needs_eer, why);
    }
    if (e == ERR_OK && s->needs_eer) {
        e = predictor_covers(s->predictor, p->space, why);
    }
    return e;
}

static enum err count(const struct space *space, uint64_t *n, struct errinfo *why)
{
    if (space_count(space, n) != ERR_OK) {
        return err_set(why, ERR_LIMIT,
                       "the space has more than 2^64 networks; at most %" PRIu64
                       " can be looked at one by one",
                       EXHAUSTIVE_NETWORKS_MAX);
    }
    if (*n > EXHAUSTIVE_NETWORKS_MAX) {
        return err_set(why, ERR_LIMIT,
                       "the space has %" PRIu64 " networks; at most %" PRIu64
                       " can be looked at one by one",
                       *n, EXHAUSTIVE_NETWORKS_MAX);
    }
    return ERR_OK;
}

enum err exhaustive_search(const struct problem *p, const struct predictor *predictor,
                           const struct exhaustive_how *how,
                           struct exhaustive_found *out, struct errinfo *why)
{
    *out = (struct exhaustive_found){0};
    struct search s = {.problem = p, .predictor = predictor};
    enum err e = check(&s, why);
    if (e == ERR_OK) {
        e = count(p->space, &s.n_networks, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    out->n_networks = s.n_networks;
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.ended, NULL);
    run(&s, how, out);
    pthread_cond_destroy(&s.ended);
    pthread_mutex_destroy(&s.lock);
    if (atomic_load(&s.is_stopped)) {
        free(out->points);
        *out = (struct exhaustive_found){0};
        return err_set(why, ERR_CANCELLED, "stopped before the end");
    }
    return ERR_OK;
}
