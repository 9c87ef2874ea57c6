// SPDX-License-Identifier: Apache-2.0
// sampling.c - see sampling.h.
#include "worker/data/sampling.h"

#include "common/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sampling {
    uint64_t seed;
    uint32_t stage;
    size_t n;                  // utterances, and positions of an epoch
    double *weights, total;    // [n] and their sum; NULL: all alike
    uint32_t *order, *scratch; // [n]; scratch only with weights
    uint64_t epoch;            // of `order`
    bool has_order;
};

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);
    BUG_ON(!p);
    return p;
}

static void weigh(struct sampling *s, const struct pack *p, double balance)
{
    uint32_t *counts = allocate((size_t)pack_n_speakers(p), sizeof(*counts));
    for (size_t i = 0; i < s->n; i++) {
        counts[pack_utt_at(p, PACK_TRAIN, i).speaker]++;
    }
    s->weights = allocate(s->n, sizeof(*s->weights));
    for (size_t i = 0; i < s->n; i++) {
        int speaker = pack_utt_at(p, PACK_TRAIN, i).speaker;
        s->weights[i] = pow(counts[speaker], -balance);
        s->total += s->weights[i];
    }
    free(counts);
}

struct sampling *sampling_create(const struct pack *p, const struct study_conf *conf,
                                 uint32_t stage)
{
    struct sampling *s = allocate(1, sizeof(*s));
    s->seed = conf->seed;
    s->stage = stage;
    s->n = pack_count(p, PACK_TRAIN);
    BUG_ON(s->n == 0);
    s->order = allocate(s->n, sizeof(*s->order));
    if (conf->train.balance != 0.0) {
        s->scratch = allocate(s->n, sizeof(*s->scratch));
        weigh(s, p, conf->train.balance);
    }
    return s;
}

void sampling_destroy(struct sampling *s)
{
    if (s) {
        free(s->weights);
        free(s->order);
        free(s->scratch);
        free(s);
    }
}

// Lays the weights end to end in the order given and picks at n even distances; then
// shuffles what was picked.
static void pick(struct sampling *s, struct rng *r)
{
    double step = s->total / (double)s->n;
    double next = rng_unit(r) * step;
    double end = 0;
    size_t n_picked = 0;
    for (size_t i = 0; i < s->n && n_picked < s->n; i++) {
        end += s->weights[s->order[i]];
        bool is_last = i + 1 == s->n; // takes what rounding would have left over
        while (n_picked < s->n && (next < end || is_last)) {
            s->scratch[n_picked++] = s->order[i];
            next += step;
        }
    }
    for (size_t i = s->n; i > 1; i--) {
        size_t other = (size_t)rng_below(r, i);
        uint32_t utt = s->scratch[i - 1];
        s->scratch[i - 1] = s->scratch[other];
        s->scratch[other] = utt;
    }
    memcpy(s->order, s->scratch, s->n * sizeof(*s->order));
}

uint32_t sampling_utt_at(struct sampling *s, uint64_t position)
{
    uint64_t epoch = position / s->n;
    if (!s->has_order || s->epoch != epoch) {
        struct rng r = rng_stream(s->seed, RNG_EPOCH, s->stage, epoch);
        rng_permutation(&r, s->order, s->n);
        if (s->weights) {
            pick(s, &r);
        }
        s->epoch = epoch;
        s->has_order = true;
    }
    return s->order[position % s->n];
}
