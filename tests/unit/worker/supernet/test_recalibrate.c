// SPDX-License-Identifier: Apache-2.0
// test_recalibrate.c - merging batch statistics: exact, in any order, in any grouping.
#include "tests/lib/check_main.h"
#include "tests/unit/worker/supernet/toy.h"
#include "worker/supernet/naming.h"
#include "worker/supernet/recalibrate.h"

#include <math.h>
#include <string.h>

#define N_BATCHES 9
#define N_VALUES  40 // of each channel and batch, at most

// Batches of real values for every channel, and the statistics of each.
struct data {
    struct layout l;
    double *values[N_BATCHES]; // [n_stats][N_VALUES], rows of means only are used
    int n[N_BATCHES];
    float *stats[N_BATCHES];
    double *counts[N_BATCHES];
};

static const struct layout_tensor *variance_of(const struct layout *l, int i)
{
    const struct layout_tensor *t = &l->tensors[i];
    bool is_mean = t->is_stat && naming_role_of(l, t) == NAMING_BN_MEAN;
    return is_mean ? naming_sibling(l, t, "running_var") : NULL;
}

static void make_channel(struct data *d, int batch, size_t mean_at, size_t variance_at,
                         struct rng *r)
{
    double *x = d->values[batch] + mean_at * N_VALUES;
    int n = d->n[batch];
    double mean = 0;
    double square = 0;
    double center = 5 * rng_normal(r);
    for (int i = 0; i < n; i++) {
        x[i] = center + rng_normal(r);
        mean += x[i] / n;
    }
    for (int i = 0; i < n; i++) {
        square += (x[i] - mean) * (x[i] - mean) / n;
    }
    d->stats[batch][mean_at] = (float)mean;
    d->stats[batch][variance_at] = (float)square;
    d->counts[batch][mean_at] = n;
    d->counts[batch][variance_at] = n;
}

static struct data *make_data(void)
{
    struct data *d = calloc(1, sizeof(*d));
    struct net_dims dims = TOY_DIMS;
    struct arch a = toy_arch(5, 4);
    layout_build(&d->l, &dims, &a);
    struct rng r = rng_stream(5, RNG_TEST, 0, 0);
    for (int b = 0; b < N_BATCHES; b++) {
        d->n[b] = 2 + (int)rng_below(&r, N_VALUES - 2);
        d->values[b] = calloc(d->l.n_stats * N_VALUES, sizeof(double));
        d->stats[b] = calloc(d->l.n_stats, sizeof(float));
        d->counts[b] = calloc(d->l.n_stats, sizeof(double));
        for (int i = 0; i < d->l.n_tensors; i++) {
            const struct layout_tensor *t = &d->l.tensors[i];
            const struct layout_tensor *v = variance_of(&d->l, i);
            for (size_t c = 0; v && c < (size_t)t->out; c++) {
                make_channel(d, b, t->at + c, v->at + c, &r);
            }
        }
    }
    return d;
}

static void free_data(struct data *d)
{
    for (int b = 0; b < N_BATCHES; b++) {
        free(d->values[b]);
        free(d->stats[b]);
        free(d->counts[b]);
    }
    free(d);
}

static void assert_close(const double *got, const double *expected, size_t n,
                         double tolerance)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(got[i] - expected[i]) <= tolerance * (fabs(expected[i]) + 1e-3))) {
            ck_abort_msg("entry %zu: %.12g, not %.12g", i, got[i], expected[i]);
        }
    }
}

START_TEST(order_and_grouping_do_not_matter)
{
    struct data *d = make_data();
    struct bn_stats *forward = bn_stats_create(&d->l);
    struct bn_stats *left = bn_stats_create(&d->l);
    struct bn_stats *right = bn_stats_create(&d->l);
    for (int b = 0; b < N_BATCHES; b++) {
        bn_stats_add_batch(forward, d->stats[b], d->counts[b]);
        int other = N_BATCHES - 1 - b;
        bn_stats_add_batch(b % 3 == 0 ? left : right, d->stats[other],
                           d->counts[other]);
    }
    bn_stats_merge(right, left);
    double *a = calloc(d->l.n_stats, sizeof(double));
    double *b = calloc(d->l.n_stats, sizeof(double));
    bn_stats_read(forward, a);
    bn_stats_read(right, b);
    assert_close(a, b, d->l.n_stats, 1e-12);
    free(a);
    free(b);
    bn_stats_destroy(forward);
    bn_stats_destroy(left);
    bn_stats_destroy(right);
    free_data(d);
}
END_TEST

// The same from the batch statistics in one pass over sums and sums of squares.
static void from_sums(const struct data *d, size_t mean_at, size_t variance_at,
                      double *expected)
{
    double n = 0;
    double sum = 0;
    double square = 0;
    for (int b = 0; b < N_BATCHES; b++) {
        double mean = (double)d->stats[b][mean_at];
        n += d->n[b];
        sum += d->n[b] * mean;
        square += d->n[b] * ((double)d->stats[b][variance_at] + mean * mean);
    }
    expected[mean_at] = sum / n;
    expected[variance_at] = (square - sum * sum / n) / (n - 1);
}

START_TEST(merged_batches_equal_one_pass_over_their_statistics)
{
    struct data *d = make_data();
    struct bn_stats *s = bn_stats_create(&d->l);
    for (int b = 0; b < N_BATCHES; b++) {
        bn_stats_add_batch(s, d->stats[b], d->counts[b]);
    }
    double *got = calloc(d->l.n_stats, sizeof(double));
    double *expected = calloc(d->l.n_stats, sizeof(double));
    bn_stats_read(s, got);
    for (int i = 0; i < d->l.n_tensors; i++) {
        const struct layout_tensor *v = variance_of(&d->l, i);
        for (size_t c = 0; v && c < (size_t)v->out; c++) {
            from_sums(d, d->l.tensors[i].at + c, v->at + c, expected);
        }
    }
    assert_close(got, expected, d->l.n_stats, 1e-9);
    free(got);
    free(expected);
    bn_stats_destroy(s);
    free_data(d);
}
END_TEST

// Mean and unbiased variance of one channel over all its values, in two passes.
static void whole(const struct data *d, size_t mean_at, double *mean, double *variance)
{
    double n = 0;
    *mean = 0;
    *variance = 0;
    for (int b = 0; b < N_BATCHES; b++) {
        for (int i = 0; i < d->n[b]; i++) {
            *mean += d->values[b][mean_at * N_VALUES + (size_t)i];
        }
        n += d->n[b];
    }
    *mean /= n;
    for (int b = 0; b < N_BATCHES; b++) {
        for (int i = 0; i < d->n[b]; i++) {
            double off = d->values[b][mean_at * N_VALUES + (size_t)i] - *mean;
            *variance += off * off / (n - 1);
        }
    }
}

START_TEST(merged_batches_equal_one_pass_over_all_values)
{
    struct data *d = make_data();
    struct bn_stats *s = bn_stats_create(&d->l);
    for (int b = 0; b < N_BATCHES; b++) {
        bn_stats_add_batch(s, d->stats[b], d->counts[b]);
    }
    double *got = calloc(d->l.n_stats, sizeof(double));
    double *expected = calloc(d->l.n_stats, sizeof(double));
    bn_stats_read(s, got);
    for (int i = 0; i < d->l.n_tensors; i++) {
        const struct layout_tensor *t = &d->l.tensors[i];
        const struct layout_tensor *v = variance_of(&d->l, i);
        for (size_t c = 0; v && c < (size_t)t->out; c++) {
            double mean = 0;
            double variance = 0;
            whole(d, t->at + c, &mean, &variance);
            expected[t->at + c] = mean;
            expected[v->at + c] = variance;
        }
    }
    assert_close(got, expected, d->l.n_stats, 1e-5); // batches were rounded to floats
    free(got);
    free(expected);
    bn_stats_destroy(s);
    free_data(d);
}
END_TEST

START_TEST(one_batch_gives_its_unbiased_variance)
{
    struct data *d = make_data();
    struct bn_stats *s = bn_stats_create(&d->l);
    bn_stats_add_batch(s, d->stats[0], d->counts[0]);
    float *got = calloc(d->l.n_stats, sizeof(float));
    bn_stats_write(s, got);
    bn_stats_unbias(&d->l, d->stats[0], d->counts[0]);
    for (size_t i = 0; i < d->l.n_stats; i++) {
        float expected = d->stats[0][i];
        ck_assert_float_eq_tol(got[i], expected, 1e-6f * fabsf(expected));
    }
    free(got);
    bn_stats_destroy(s);
    free_data(d);
}
END_TEST

START_TEST(no_calibration_batch_is_of_one_utterance)
{
    for (size_t batch = 2; batch <= 40; batch++) {
        for (size_t n = 2; n <= 200; n++) {
            struct bn_cut cut = bn_cut_of(n, batch);
            size_t end = 0;
            size_t largest = 0;
            for (size_t i = 0; i < cut.n_batches; i++) {
                ck_assert_uint_eq(bn_cut_start(&cut, i), end);
                end = bn_cut_start(&cut, i + 1);
                size_t size = end - bn_cut_start(&cut, i);
                ck_assert_uint_ge(size, 2);
                largest = size > largest ? size : largest;
            }
            ck_assert_uint_eq(end, n);
            ck_assert_uint_eq(largest, cut.largest);
            ck_assert_uint_le(largest, batch == 2 ? 3 : batch);
            ck_assert_uint_ge(cut.n_batches, n / batch);
        }
    }
}
END_TEST

TEST_SUITE(recalibrate, order_and_grouping_do_not_matter,
           merged_batches_equal_one_pass_over_their_statistics,
           merged_batches_equal_one_pass_over_all_values,
           one_batch_gives_its_unbiased_variance,
           no_calibration_batch_is_of_one_utterance)
