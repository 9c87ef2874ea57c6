// SPDX-License-Identifier: Apache-2.0
// host.h - memory and streams of the backends that compute on this machine's CPU.
//
// Owns: what it creates. Threads: one at a time per stream.
#ifndef WORKER_KERNELS_HOST_H
#define WORKER_KERNELS_HOST_H

#include "worker/kernels/kernels.h"

#define NORM_EPS          1e-5
#define POOL_MIN_VARIANCE 1e-9

#define HOST_SUMS    4 // arrays of scratch per stream
#define HOST_FACTORS 5

struct memory {
    size_t n;
    float *values; // aligned to a cache line
};

// One utterance's rows in the planes of the current batch.
struct span {
    int first;
    int n;
};

// Scratch, by purpose; each array has room for stream_reserve's limits.
struct stream {
    int n_utts;
    int n_rows; // gaps included
    int gap;
    int n_real; // frames
    struct span *utts;
    int max_utts;
    int max_channels;
    double *sums;   // [HOST_SUMS][max_utts][max_channels]
    float *factors; // [HOST_FACTORS][max_utts][max_channels]
};

struct stream *host_stream_open(void);
void host_stream_close(struct stream *s);
void host_stream_reserve(struct stream *s, int max_utts, int max_channels);
void host_stream_batch(struct stream *s, int n_utts, const int *n_frames, int gap);
struct memory *host_memory_create(struct stream *s, size_t n);
void host_memory_destroy(struct stream *s, struct memory *m);
void host_upload(struct stream *s, struct place to, const float *from, size_t n);
void host_download(struct stream *s, struct place from, float *to, size_t n);
void host_load(struct stream *s, const float *frames, int n, struct plane to);
void host_copy(struct stream *s, struct plane from, struct plane to, int n);
void host_adam(struct stream *s, const struct adam_factors *f, size_t n,
               const struct place wgmv[4]);

// Zeroes n channels of every gap row.
void host_zero_gaps(const struct stream *s, struct plane p, int n);

static inline float *host_at(struct place p)
{
    return p.memory->values + p.at;
}

// NULL for a plane that does not exist.
static inline float *host_row(struct plane p, int row)
{
    return p.place.memory ? host_at(p.place) + (ptrdiff_t)row * p.ld : NULL;
}

static inline double *host_sums(struct stream *s, int which)
{
    return s->sums + (size_t)which * (size_t)s->max_utts * (size_t)s->max_channels;
}

static inline float *host_factors(struct stream *s, int which)
{
    return s->factors + (size_t)which * (size_t)s->max_utts * (size_t)s->max_channels;
}

#endif
