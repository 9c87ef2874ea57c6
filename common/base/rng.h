// SPDX-License-Identifier: Apache-2.0
// rng.h - counter-based random numbers (Philox4x32-10): a pure function of its key.
//
// A stream is named by (seed, stream, a, b), for instance (study seed, RNG_PATH,
// stage, step). Any process on any machine that names the same stream draws the same
// numbers, with no state to save and no message to send.
//
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// Owns: nothing; struct rng is a value. Threads: any, one struct rng per thread.
#ifndef COMMON_BASE_RNG_H
#define COMMON_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

// What the numbers are for. Values are part of what makes a run reproducible: append
// only.
enum rng_stream {
    RNG_PATH = 1,      // (stage, step): which sub-network trains
    RNG_INIT = 2,      // (tensor, 0): initial weights
    RNG_EPOCH = 3,     // (stage, epoch): order of the utterances
    RNG_CROP = 4,      // (stage, position): where a crop starts, what fills it
    RNG_AUGMENT = 5,   // (stage, position)
    RNG_CALIBRATE = 6, // (0, position): recalibration utterances
    RNG_SEARCH = 7,    // (strategy, proposal)
    RNG_JITTER = 8,    // (task, attempt): retry back-off
    RNG_TEST = 9,
    RNG_SPEED = 10,    // (stage, position): how fast a crop is played
    RNG_FIT = 11,      // (what of a predictor's fit, its number)
    RNG_LABEL = 12,    // (what of the labels, its number): networks to learn from
    RNG_GUESS = 13,    // (0, network): what is added to a surrogate's guess
    RNG_MEASURE = 14,  // (0 cover or 1 held out, 0): networks whose latency is measured
    RNG_COHORT = 15,   // (0 speakers or 1 recordings, 0): who scores are normalised by
    RNG_FINETUNE = 16, // (0, 0): the seed of what fine-tuning draws
};

struct rng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    unsigned used; // words of `block` already handed out
};

struct rng rng_stream(uint64_t seed, enum rng_stream stream, uint64_t a, uint64_t b);

uint32_t rng_u32(struct rng *r);
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); // uniform in [0, n), unbiased; n > 0
double rng_unit(struct rng *r);                // uniform in [0, 1)
double rng_uniform(struct rng *r, double low, double high);
double rng_normal(struct rng *r); // mean 0, variance 1 (Box-Muller, cosine half)

// Fills order[0..n) with a uniform permutation of 0..n-1 (Fisher-Yates).
void rng_permutation(struct rng *r, uint32_t *order, size_t n);

#endif
