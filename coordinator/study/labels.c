// SPDX-License-Identifier: Apache-2.0
// labels.c - see labels.h.
#include "coordinator/study/labels.h"

#include <stdlib.h>

#define N_SAMPLED 2000 // networks that the strata are cut from
#define DRAWS_MAX 400  // 40 times what a stratum takes on average
#define SCAN_MAX  20000

// Streams of RNG_LABEL; never reuse a number.
enum { STREAM_STRATA, STREAM_LABEL };

static double macs_of(const struct study_conf *conf, const struct arch *a)
{
    return (double)complexity_of(a, &conf->supernet, conf->evaluate.frames).macs;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct label_strata labels_cut(const struct study_conf *conf)
{
    double *macs = calloc(N_SAMPLED, sizeof(*macs));
    BUG_ON(!macs);
    struct rng rng = rng_stream(conf->seed, RNG_LABEL, STREAM_STRATA, 0);
    for (int i = 0; i < N_SAMPLED; i++) {
        struct arch a = space_draw(&conf->space, &rng);
        macs[i] = macs_of(conf, &a);
    }
    qsort(macs, N_SAMPLED, sizeof(*macs), by_value);
    struct label_strata s;
    for (int i = 0; i + 1 < LABELS_STRATA; i++) {
        s.edges[i] = macs[(i + 1) * N_SAMPLED / LABELS_STRATA];
    }
    free(macs);
    return s;
}

int labels_stratum_of(const struct label_strata *s, double macs)
{
    int i = 0;
    while (i + 1 < LABELS_STRATA && macs >= s->edges[i]) {
        i++;
    }
    return i;
}

// Every network once, from a random one on; only of small spaces.
static bool scan(const struct study_conf *conf, const struct seen *seen,
                 struct rng *rng, struct arch *out)
{
    uint64_t n = 0;
    if (space_count(&conf->space, &n) != ERR_OK || n > SCAN_MAX) {
        return false;
    }
    uint64_t start = rng_below(rng, n);
    for (uint64_t i = 0; i < n; i++) {
        *out = space_at(&conf->space, (start + i) % n);
        if (!seen_has(seen, out)) {
            return true;
        }
    }
    return false;
}

bool labels_draw(const struct study_conf *conf, const struct label_strata *s,
                 uint32_t number, const struct seen *seen, struct arch *out)
{
    struct rng rng = rng_stream(conf->seed, RNG_LABEL, STREAM_LABEL, number);
    int wanted = (int)(number % LABELS_STRATA);
    struct arch other;
    bool has_other = false;
    for (int i = 0; i < DRAWS_MAX; i++) {
        struct arch a = space_draw(&conf->space, &rng);
        if (seen_has(seen, &a)) {
            continue;
        }
        if (labels_stratum_of(s, macs_of(conf, &a)) == wanted) {
            *out = a;
            return true;
        }
        other = a;
        has_other = true;
    }
    if (has_other) {
        *out = other;
        return true;
    }
    return scan(conf, seen, &rng, out);
}
