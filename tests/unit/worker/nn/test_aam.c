// SPDX-License-Identifier: Apache-2.0
// test_aam.c - AAM-softmax: the formula, both branches of the margin, slopes.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/nn/aam.h"

#include <math.h>

#define UTTS    6
#define EMBED   9
#define CLASSES 7
#define MARGIN  0.2
#define SCALE   30.0

struct input {
    float x[UTTS * EMBED];
    float w[EMBED * CLASSES];
    int32_t labels[UTTS];
};

struct output {
    float dx[UTTS * EMBED];
    float dw[EMBED * CLASSES];
    struct aam_report report;
};

// Utterance 0 points away from its class, so far that the margin's other branch holds.
static void make(struct input *in)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    for (int i = 0; i < UTTS * EMBED; i++) {
        in->x[i] = (float)rng_normal(&r);
    }
    for (int i = 0; i < EMBED * CLASSES; i++) {
        in->w[i] = (float)rng_normal(&r);
    }
    for (int u = 0; u < UTTS; u++) {
        in->labels[u] = (u * 5 + 2) % CLASSES;
    }
    for (int i = 0; i < EMBED; i++) {
        float w = in->w[i * CLASSES + in->labels[0]];
        in->x[i] = -2 * w + 0.02F * in->x[i];
    }
}

static double cosine_of(const struct input *in, int u, int j)
{
    double dot = 0;
    double xx = 0;
    double ww = 0;
    for (int i = 0; i < EMBED; i++) {
        double x = in->x[u * EMBED + i];
        double w = in->w[i * CLASSES + j];
        dot += x * w;
        xx += x * x;
        ww += w * w;
    }
    return dot / sqrt(xx * ww);
}

static double formula(const struct input *in)
{
    double loss = 0;
    for (int u = 0; u < UTTS; u++) {
        double sum = 0;
        double own = 0;
        for (int j = 0; j < CLASSES; j++) {
            double c = cosine_of(in, u, j);
            if (j == in->labels[u]) {
                double phi = c > cos(M_PI - MARGIN)
                                 ? c * cos(MARGIN) - sqrt(1 - c * c) * sin(MARGIN)
                                 : c - sin(M_PI - MARGIN) * MARGIN;
                own = c = phi;
            }
            sum += exp(SCALE * c);
        }
        loss += (log(sum) - SCALE * own) / UTTS;
    }
    return loss;
}

static void run(const char *backend, const struct input *in, struct output *out)
{
    struct aam *a =
        aam_create(backend_find(backend), EMBED, CLASSES, UTTS + 2, MARGIN, SCALE);
    struct aam_batch b = {UTTS, in->x, in->labels};
    ck_assert_int_eq(aam_loss(a, &b, in->w, out->dx, out->dw, &out->report), ERR_OK);
    aam_destroy(a);
}

START_TEST(the_loss_is_the_formulas)
{
    struct input in;
    make(&in);
    ck_assert_double_lt(cosine_of(&in, 0, in.labels[0]), cos(M_PI - MARGIN));
    for (size_t b = 0; backend_name_at(b); b++) {
        struct output out;
        run(backend_name_at(b), &in, &out);
        ck_assert_double_lt(fabs(out.report.loss / formula(&in) - 1), 2e-6);
    }
}
END_TEST

// In double, value by value: the formula above is smooth here.
static void check_slopes(struct input *in, float *values, int n, const float *gradient)
{
    for (int i = 0; i < n; i++) {
        float was = values[i];
        values[i] = was + 1e-3F;
        double up = formula(in);
        double width = values[i];
        values[i] = was - 1e-3F;
        double slope = (up - formula(in)) / (width - values[i]);
        values[i] = was;
        ck_assert_msg(fabs(slope - gradient[i]) < 1e-3 * (1 + fabs(slope)),
                      "value %d: slope %g, gradient %g", i, slope, gradient[i]);
    }
}

START_TEST(gradients_are_slopes_on_both_branches)
{
    struct input in;
    make(&in);
    for (size_t b = 0; backend_name_at(b); b++) {
        struct output out;
        run(backend_name_at(b), &in, &out);
        check_slopes(&in, in.x, UTTS * EMBED, out.dx);
        check_slopes(&in, in.w, EMBED * CLASSES, out.dw);
    }
}
END_TEST

// Far from its class and near another: the label's share is too small for a float.
START_TEST(a_hopeless_label_costs_all_that_the_scale_says)
{
    const float x[2] = {1, 0};
    const float w[2 * 2] = {-3, 2, 0, 0}; // cosines -1 and 1
    const int32_t label = 0;
    const double scale = 64;
    const double cost = scale * (1 - (-1 - sin(M_PI - MARGIN) * MARGIN));
    for (size_t i = 0; backend_name_at(i); i++) {
        struct aam *a =
            aam_create(backend_find(backend_name_at(i)), 2, 2, 1, MARGIN, scale);
        struct aam_batch b = {1, x, &label};
        float dx[2];
        float dw[2 * 2];
        struct aam_report report;
        ck_assert_int_eq(aam_loss(a, &b, w, dx, dw, &report), ERR_OK);
        ck_assert_double_lt(fabs(report.loss / cost - 1), 1e-6);
        ck_assert_int_eq(report.n_right, 0);
        aam_destroy(a);
    }
}
END_TEST

START_TEST(right_is_the_largest_cosine_whatever_the_margin)
{
    struct input in;
    make(&in);
    int n_right = 0;
    for (int u = 0; u < UTTS; u++) {
        int best = 0;
        for (int j = 1; j < CLASSES; j++) {
            best = cosine_of(&in, u, j) > cosine_of(&in, u, best) ? j : best;
        }
        if (u % 2) {
            in.labels[u] = best;
        }
        n_right += best == in.labels[u];
    }
    for (size_t b = 0; backend_name_at(b); b++) {
        struct output out;
        run(backend_name_at(b), &in, &out);
        ck_assert_int_eq(out.report.n_right, n_right);
    }
}
END_TEST

START_TEST(what_is_no_number_is_an_error)
{
    struct input in;
    struct output out;
    make(&in);
    in.x[3] = NAN;
    struct aam *a =
        aam_create(backend_find("blas"), EMBED, CLASSES, UTTS, MARGIN, SCALE);
    struct aam_batch b = {UTTS, in.x, in.labels};
    ck_assert_int_eq(aam_loss(a, &b, in.w, out.dx, out.dw, &out.report), ERR_NUMERIC);
    aam_destroy(a);
}
END_TEST

TEST_SUITE(aam, the_loss_is_the_formulas, gradients_are_slopes_on_both_branches,
           a_hopeless_label_costs_all_that_the_scale_says,
           right_is_the_largest_cosine_whatever_the_margin,
           what_is_no_number_is_an_error)
