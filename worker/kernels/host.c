// SPDX-License-Identifier: Apache-2.0
// host.c - see host.h.
#include "worker/kernels/host.h"

#include "common/base/err.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_LINE_BYTES 64

static void *allocate(size_t n, size_t size_bytes)
{
    size_t bytes =
        (n * size_bytes + CACHE_LINE_BYTES - 1) & ~(size_t)(CACHE_LINE_BYTES - 1);
    void *p = aligned_alloc(CACHE_LINE_BYTES, bytes ? bytes : CACHE_LINE_BYTES);
    if (!p) {
        abort();
    }
    memset(p, 0, bytes);
    return p;
}

struct stream *host_stream_open(void)
{
    return allocate(1, sizeof(struct stream));
}

void host_stream_close(struct stream *s)
{
    if (s) {
        free(s->utts);
        free(s->sums);
        free(s->factors);
        free(s);
    }
}

void host_stream_reserve(struct stream *s, int max_utts, int max_channels)
{
    if (max_utts <= s->max_utts && max_channels <= s->max_channels) {
        return;
    }
    s->max_utts = max_utts > s->max_utts ? max_utts : s->max_utts;
    s->max_channels = max_channels > s->max_channels ? max_channels : s->max_channels;
    free(s->utts);
    free(s->sums);
    free(s->factors);
    size_t n = (size_t)s->max_utts * (size_t)s->max_channels;
    s->utts = allocate((size_t)s->max_utts, sizeof(s->utts[0]));
    s->sums = allocate(HOST_SUMS * n, sizeof(s->sums[0]));
    s->factors = allocate(HOST_FACTORS * n, sizeof(s->factors[0]));
    s->n_utts = 0;
}

void host_stream_batch(struct stream *s, int n_utts, const int *n_frames, int gap)
{
    BUG_ON(n_utts > s->max_utts);
    s->n_utts = n_utts;
    s->gap = gap;
    s->n_real = 0;
    int row = gap;
    for (int u = 0; u < n_utts; u++) {
        BUG_ON(n_frames[u] < 1);
        s->utts[u] = (struct span){.first = row, .n = n_frames[u]};
        s->n_real += n_frames[u];
        row += n_frames[u] + gap;
    }
    s->n_rows = row;
}

struct memory *host_memory_create(struct stream *s, size_t n)
{
    (void)s;
    struct memory *m = allocate(1, sizeof(*m));
    m->n = n;
    m->values = allocate(n, sizeof(m->values[0]));
    return m;
}

void host_memory_destroy(struct stream *s, struct memory *m)
{
    (void)s;
    if (m) {
        free(m->values);
        free(m);
    }
}

void host_upload(struct stream *s, struct place to, const float *from, size_t n)
{
    (void)s;
    BUG_ON(to.at + n > to.memory->n);
    memcpy(host_at(to), from, n * sizeof(*from));
}

void host_download(struct stream *s, struct place from, float *to, size_t n)
{
    (void)s;
    BUG_ON(from.at + n > from.memory->n);
    memcpy(to, host_at(from), n * sizeof(*to));
}

static void zero_rows(struct plane p, int first, int end, int n)
{
    for (int r = first; r < end; r++) {
        memset(host_row(p, r), 0, (size_t)n * sizeof(float));
    }
}

void host_zero_gaps(const struct stream *s, struct plane p, int n)
{
    zero_rows(p, 0, s->gap, n);
    for (int u = 0; u < s->n_utts; u++) {
        int end = s->utts[u].first + s->utts[u].n;
        zero_rows(p, end, end + s->gap, n);
    }
}

void host_load(struct stream *s, const float *frames, int n, struct plane to)
{
    for (int u = 0; u < s->n_utts; u++) {
        for (int t = 0; t < s->utts[u].n; t++) {
            memcpy(host_row(to, s->utts[u].first + t), frames,
                   (size_t)n * sizeof(float));
            frames += n;
        }
    }
    host_zero_gaps(s, to, n);
}

void host_copy(struct stream *s, struct plane from, struct plane to, int n)
{
    for (int r = 0; r < s->n_rows; r++) {
        memcpy(host_row(to, r), host_row(from, r), (size_t)n * sizeof(float));
    }
}

void host_adam(struct stream *s, const struct adam_factors *f, size_t n,
               const struct place wgmv[4])
{
    (void)s;
    adam_loop(f, n, host_at(wgmv[0]), host_at(wgmv[1]), host_at(wgmv[2]),
              host_at(wgmv[3]));
}
