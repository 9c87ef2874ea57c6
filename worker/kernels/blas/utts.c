// SPDX-License-Identifier: Apache-2.0
// utts.c - sharing the utterances of a batch out to the team; see blas.h.
#include "worker/kernels/blas/blas.h"
#include "worker/kernels/blas/team.h"

// Values a pass goes over below which a second thread does not pay: about 10 us of one.
#define MIN_SHARED_VALUES 40000

struct shared {
    utts_fn *fn;
    const struct utts_work *work;
};

static void run_part(const void *work, int part, int n_parts)
{
    const struct shared *shared = work;
    int n = shared->work->s->n_utts;
    shared->fn(shared->work, (struct utts){team_share(n, 1, part, n_parts),
                                           team_share(n, 1, part + 1, n_parts), part});
}

int blas_each_utts(utts_fn *fn, const struct utts_work *w)
{
    bool is_worth = (long long)w->s->n_real * w->n >= MIN_SHARED_VALUES;
    int n_parts = is_worth ? team_size() : 1;
    n_parts = n_parts < w->s->n_utts ? n_parts : w->s->n_utts;
    team_run(run_part, &(struct shared){fn, w}, n_parts);
    return n_parts;
}

void blas_add_parts(double *sums, int n_parts, int n)
{
    for (int part = 1; part < n_parts; part++) {
        const double *more = sums + (size_t)part * (size_t)n;
        for (int i = 0; i < n; i++) {
            sums[i] += more[i];
        }
    }
}
