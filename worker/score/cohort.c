// SPDX-License-Identifier: Apache-2.0
// cohort.c - see cohort.h.
#include "worker/score/cohort.h"

#include "common/base/rng.h"

#include <math.h>
#include <stdlib.h>

enum { DRAW_SPEAKERS, DRAW_RECORDINGS }; // keys of RNG_COHORT
#define NO_MEMBER UINT32_MAX

static uint32_t *draw_order(uint64_t seed, uint64_t what, size_t n)
{
    uint32_t *order = malloc((n + 1) * sizeof(*order));
    BUG_ON(!order);
    struct rng r = rng_stream(seed, RNG_COHORT, what, 0);
    rng_permutation(&r, order, n);
    return order;
}

// Which member each speaker is; returns how many there are.
static size_t draw_members(uint64_t seed, size_t n_wanted, size_t n_speakers,
                           uint32_t *member_of)
{
    uint32_t *order = draw_order(seed, DRAW_SPEAKERS, n_speakers);
    size_t n = n_wanted < n_speakers ? n_wanted : n_speakers;
    for (size_t i = 0; i < n_speakers; i++) {
        member_of[order[i]] = i < n ? (uint32_t)i : NO_MEMBER;
    }
    free(order);
    return n;
}

static void draw_recordings(struct cohort *c, const struct pack *pack, int n_each,
                            uint64_t seed, const uint32_t *member_of)
{
    size_t n = pack_count(pack, PACK_TRAIN);
    uint32_t *order = draw_order(seed, DRAW_RECORDINGS, n);
    int *n_of = calloc(c->n + 1, sizeof(*n_of));
    c->items = malloc((n + 1) * sizeof(*c->items));
    BUG_ON(!n_of || !c->items);
    for (size_t i = 0; i < n; i++) {
        uint32_t member = member_of[pack_utt_at(pack, PACK_TRAIN, order[i]).speaker];
        if (member != NO_MEMBER && n_of[member] < n_each) {
            n_of[member]++;
            c->items[c->n_items++] = (struct voices_item){order[i], member};
        }
    }
    free(n_of);
    free(order);
}

enum err cohort_draw(struct cohort *c, const struct pack *pack,
                     const struct study_asnorm *asnorm, uint64_t seed,
                     struct errinfo *why)
{
    *c = (struct cohort){0};
    size_t n_speakers = (size_t)pack_n_speakers(pack);
    if (n_speakers < 2) {
        return err_set(why, ERR_INPUT,
                       "scores cannot be normalised: a cohort takes two training "
                       "speakers, the pack has %zu",
                       n_speakers);
    }
    uint32_t *member_of = malloc(n_speakers * sizeof(*member_of));
    BUG_ON(!member_of);
    c->n = draw_members(seed, (size_t)asnorm->cohort, n_speakers, member_of);
    draw_recordings(c, pack, asnorm->utterances, seed, member_of);
    free(member_of);
    return ERR_OK;
}

static bool normalise(double *voice, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        square += voice[i] * voice[i];
    }
    for (size_t i = 0; i < n; i++) {
        voice[i] /= sqrt(square);
    }
    return square > 0;
}

enum err cohort_embed(struct cohort *c, struct net *net, const struct voices_work *work,
                      struct errinfo *why)
{
    size_t n_embed = (size_t)net_layout(net)->dims.n_embed;
    struct voices_work mine = *work;
    mine.part = PACK_TRAIN;
    mine.items = c->items;
    mine.n_items = c->n_items;
    free(c->voices);
    c->voices = calloc(c->n * n_embed, sizeof(double));
    BUG_ON(!c->voices);
    enum err e = voices_embed(net, &mine, c->voices, why);
    for (size_t i = 0; i < c->n && e == ERR_OK; i++) {
        if (!normalise(c->voices + i * n_embed, n_embed)) {
            e = err_set(why, ERR_NUMERIC,
                        "the embeddings of a speaker of the cohort cancel out");
        }
    }
    return e;
}

void cohort_fini(struct cohort *c)
{
    free(c->items);
    free(c->voices);
    *c = (struct cohort){0};
}
