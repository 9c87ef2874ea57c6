// SPDX-License-Identifier: Apache-2.0
// rng.c - see rng.h.
#include "common/base/rng.h"

#include "common/base/err.h"

#include <math.h>

#define PHILOX_ROUNDS 10

static void philox_block(const uint32_t key[static 2], const uint32_t counter[static 4],
                         uint32_t out[static 4])
{
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];
    uint32_t x0 = counter[0];
    uint32_t x1 = counter[1];
    uint32_t x2 = counter[2];
    uint32_t x3 = counter[3];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * x0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * x2;
        uint32_t y0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0;
        uint32_t y2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
        x1 = (uint32_t)p1;
        x3 = (uint32_t)p0;
        x0 = y0;
        x2 = y2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

// SplitMix64's finaliser: spreads every input bit over the whole word.
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

struct rng rng_stream(uint64_t seed, enum rng_stream stream, uint64_t a, uint64_t b)
{
    uint64_t key = mix(seed + 0x9E3779B97F4A7C15u * (uint64_t)stream);
    key = mix(key ^ (a + 0xD1B54A32D192ED03u));
    struct rng r = {
        .key = {(uint32_t)key, (uint32_t)(key >> 32)},
        .counter = {0, 0, (uint32_t)b, (uint32_t)(b >> 32)},
        .used = 4,
    };
    return r;
}

uint32_t rng_u32(struct rng *r)
{
    if (r->used == 4) {
        philox_block(r->key, r->counter, r->block);
        r->used = 0;
        if (++r->counter[0] == 0) {
            r->counter[1]++;
        }
    }
    return r->block[r->used++];
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t high = rng_u32(r);
    return high << 32 | rng_u32(r);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    BUG_ON(n == 0);
    uint64_t x = rng_u64(r);
    while (x < n && x < (0 - n) % n) { // 2^64 mod n, which is below n
        x = rng_u64(r);
    }
    return x % n;
}

double rng_unit(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_uniform(struct rng *r, double low, double high)
{
    return low + (high - low) * rng_unit(r);
}

double rng_normal(struct rng *r)
{
    double u = 1.0 - rng_unit(r); // (0, 1]: the logarithm is finite
    double v = rng_unit(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void rng_permutation(struct rng *r, uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = (size_t)rng_below(r, i + 1);
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
}
