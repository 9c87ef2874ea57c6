// SPDX-License-Identifier: Apache-2.0
// test_parity.c - the supernet against numbers computed by the method's authors'
// program.
//
// Reads supernet_parity.safetensors in the folder VOXARCH_FIXTURES names; sizes and
// cases come from the file. For every case and compute backend: embeddings in both
// modes, loss, every gradient, complexity; then eight Adam steps.
#include "common/blob/tensorfile.h"
#include "common/space/complexity.h"
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/nn/aam.h"
#include "worker/supernet/checkpoint.h"
#include "worker/supernet/slice.h"
#include "worker/supernet/train.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CASES_MAX       64
#define ADAM_LR         1e-3
#define ADAM_DECAY      2e-5
#define EMBED_TOLERANCE 1e-4
#define SHIFT_TOLERANCE 1e-3
#define LOSS_TOLERANCE  1e-5
#define GRAD_TOLERANCE  1e-3
#define ADAM_TOLERANCE  1e-4
// Gradients that all but vanish in exact arithmetic (a bias in front of a BN, the scale
// K31 in front of one) are rounding noise on both sides: they are compared with the
// size of the whole gradient instead.
#define GRAD_NOISE      1e-6

struct parity {
    char path[512];
    struct tensor_reader *reader;
    struct net_dims dims;
    int n_cases;
    struct arch cases[CASES_MAX];
    double margin, scale;
    int n_speakers;
    int n_utts;
    int *n_frames;
    float *features; // [n_utts * n_frames][n_mels]
    int32_t *labels;
    struct supernet *supernet;
};

// ---------------------------------------------------------------- the file

static int json_int(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "no number %s", key);
    return (int)json_integer_value(value);
}

static json_t *meta_json(const struct parity *p, const char *key)
{
    const char *text = tensor_reader_meta(p->reader, key);
    ck_assert_msg(text != NULL, "no metadata %s", key);
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(value != NULL, "metadata %s is no JSON", key);
    return value;
}

static void read_dims(struct parity *p)
{
    json_t *s = meta_json(p, "supernet");
    p->dims = (struct net_dims){
        .n_mels = json_int(s, "in_feats"),
        .max_depth = json_int(s, "blocks"),
        .max_width = json_int(s, "channels"),
        .max_kernel = json_int(s, "kernel"),
        .max_cat = json_int(s, "cat"),
        .n_embed = json_int(s, "embed"),
        .res2_scale = json_int(s, "res2_scale"),
        .se_reduction = json_int(s, "se_reduction"),
        .pool_bottleneck = json_int(s, "pool_bottleneck"),
    };
    json_decref(s);
    struct errinfo why = {0};
    ck_assert_msg(dims_check(&p->dims, &why) == ERR_OK, "%s", why.text);
}

static void read_list(const json_t *object, const char *key, int n, int *out)
{
    const json_t *list = json_object_get(object, key);
    ck_assert_uint_eq(json_array_size(list), n);
    for (int i = 0; i < n; i++) {
        out[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
    }
}

static void read_cases(struct parity *p)
{
    json_t *cases = meta_json(p, "cases");
    ck_assert_uint_le(json_array_size(cases), CASES_MAX);
    p->n_cases = (int)json_array_size(cases);
    for (int i = 0; i < p->n_cases; i++) {
        const json_t *c = json_array_get(cases, (size_t)i);
        struct arch *a = &p->cases[i];
        a->depth = json_int(c, "depth");
        ck_assert_int_le(a->depth, ARCH_DEPTH_MAX);
        read_list(c, "widths", a->depth + 1, a->width);
        read_list(c, "kernels", a->depth + 1, a->kernel);
        a->cat = json_int(c, "cat");
        struct errinfo why = {0};
        ck_assert_msg(arch_fits(a, &p->dims, &why) == ERR_OK, "%s", why.text);
    }
    json_decref(cases);
}

static float *read_floats(const struct parity *p, const char *name, size_t *n)
{
    const struct tensor *t = tensor_reader_find(p->reader, name);
    ck_assert_msg(t != NULL, "no tensor %s", name);
    float *x = calloc(t->n_values + 1, sizeof(*x));
    ck_assert_int_eq(tensor_read_f32(p->reader, name, x, t->n_values, NULL), ERR_OK);
    *n = t->n_values;
    return x;
}

// The file's [utterance][mel][frame] becomes [utterance][frame][mel].
static void read_batch(struct parity *p)
{
    const struct tensor *t = tensor_reader_find(p->reader, "input");
    ck_assert(t != NULL && t->rank == 3 && t->shape[1] == p->dims.n_mels);
    size_t n = 0;
    float *from = read_floats(p, "input", &n);
    float *labels = read_floats(p, "labels", &n);
    size_t n_mels = (size_t)t->shape[1];
    size_t n_frames = (size_t)t->shape[2];
    p->n_utts = (int)t->shape[0];
    ck_assert_uint_eq(n, p->n_utts);
    p->features = calloc(t->n_values, sizeof(float));
    p->n_frames = calloc(n, sizeof(int));
    p->labels = calloc(n, sizeof(int32_t));
    for (size_t u = 0; u < n; u++) {
        p->labels[u] = (int32_t)labels[u];
        p->n_frames[u] = (int)n_frames;
        for (size_t i = 0; i < n_frames * n_mels; i++) {
            size_t at = (u * n_mels + i % n_mels) * n_frames + i / n_mels;
            p->features[u * n_frames * n_mels + i] = from[at];
        }
    }
    free(from);
    free(labels);
}

static struct net_batch batch_of(const struct parity *p)
{
    return (struct net_batch){p->n_utts, p->n_frames, p->features};
}

static size_t total_frames(const struct parity *p)
{
    return (size_t)p->n_utts * (size_t)p->n_frames[0];
}

static void load_supernet(struct parity *p)
{
    struct errinfo why = {0};
    supernet_destroy(p->supernet);
    p->supernet = supernet_create(&p->dims, p->n_speakers, 0);
    ck_assert_msg(checkpoint_load(p->supernet, p->path, &why) == ERR_OK, "%s",
                  why.text);
}

// NULL, and a line that says so, where there are no fixtures.
static struct parity *parity_open(void)
{
    const char *dir = getenv("VOXARCH_FIXTURES"); // NOLINT(concurrency-mt-unsafe)
    struct parity *p = calloc(1, sizeof(*p));
    snprintf(p->path, sizeof(p->path), "%s/supernet_parity.safetensors",
             dir ? dir : "/nonexistent");
    struct errinfo why = {0};
    enum err e = tensor_reader_open(p->path, &p->reader, &why);
    if (!dir || e == ERR_NOTFOUND) {
        printf("skipped: no supernet_parity.safetensors in VOXARCH_FIXTURES\n");
        free(p);
        return NULL;
    }
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    read_dims(p);
    read_cases(p);
    p->margin = strtod(tensor_reader_meta(p->reader, "margin"), NULL);
    p->scale = strtod(tensor_reader_meta(p->reader, "scale"), NULL);
    p->n_speakers = (int)tensor_reader_find(p->reader, "aam.W")->shape[1];
    read_batch(p);
    load_supernet(p);
    return p;
}

static void parity_close(struct parity *p)
{
    tensor_reader_close(p->reader);
    supernet_destroy(p->supernet);
    free(p->n_frames);
    free(p->features);
    free(p->labels);
    free(p);
}

// ---------------------------------------------------------------- comparing

static double norm(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return sqrt(sum);
}

static double distance(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double off = (double)a[i] - (double)b[i];
        sum += off * off;
    }
    return sqrt(sum);
}

static void assert_rows(const char *name, const float *got, const float *expected,
                        size_t n, size_t n_embed, double tolerance)
{
    for (size_t at = 0; at < n; at += n_embed) {
        double off =
            distance(got + at, expected + at, n_embed) / norm(expected + at, n_embed);
        ck_assert_msg(off <= tolerance, "%s: utterance %zu is off by %.2e", name,
                      at / n_embed, off);
    }
}

static void assert_embeddings(const struct parity *p, const char *name,
                              const float *got)
{
    size_t n = 0;
    float *expected = read_floats(p, name, &n);
    ck_assert_uint_eq(n, (size_t)p->n_utts * (size_t)p->dims.n_embed);
    assert_rows(name, got, expected, n, (size_t)p->dims.n_embed, EMBED_TOLERANCE);
    free(expected);
}

// Takes the mean over utterances out of each column.
static void centre(float *x, size_t n_rows, size_t n_columns)
{
    for (size_t c = 0; c < n_columns; c++) {
        float mean = 0;
        for (size_t r = 0; r < n_rows; r++) {
            mean += x[r * n_columns + c] / (float)n_rows;
        }
        for (size_t r = 0; r < n_rows; r++) {
            x[r * n_columns + c] -= mean;
        }
    }
}

// After training. Two biases lie in front of a BN without anything between: in training
// they have no effect, so their gradient is rounding noise, which Adam nevertheless
// makes into steps of full size. In evaluation they shift every embedding alike; so
// closely compared is what differs between utterances.
static void assert_trained_embeddings(const struct parity *p, const char *name,
                                      float *got)
{
    size_t n = 0;
    float *expected = read_floats(p, name, &n);
    size_t n_embed = (size_t)p->dims.n_embed;
    ck_assert_uint_eq(n, (size_t)p->n_utts * n_embed);
    assert_rows(name, got, expected, n, n_embed, SHIFT_TOLERANCE);
    centre(got, (size_t)p->n_utts, n_embed);
    centre(expected, (size_t)p->n_utts, n_embed);
    assert_rows(name, got, expected, n, n_embed, EMBED_TOLERANCE);
    free(expected);
}

static void assert_number(const struct parity *p, const char *name, size_t at,
                          double got, double tolerance)
{
    size_t n = 0;
    float *expected = read_floats(p, name, &n);
    double off = fabs(got - (double)expected[at]) / fabs((double)expected[at]);
    ck_assert_uint_lt(at, n);
    ck_assert_msg(off <= tolerance, "%s[%zu] is %.9g, not %.9g", name, at, got,
                  (double)expected[at]);
    free(expected);
}

// Adam's first steps go by the sign of a gradient, and among this many values the first
// gradient of one is zero to the last bit: changing the input by one unit in its last
// place already moves a small later loss by 3e-4 of itself. So small losses are
// compared absolutely, and within 1e-3 of themselves.
static void assert_adam_loss(const struct parity *p, const char *name, size_t at,
                             double got)
{
    size_t n = 0;
    float *expected = read_floats(p, name, &n);
    double size = fabs((double)expected[at]);
    double off = fabs(got - (double)expected[at]);
    double bound = fmin(ADAM_TOLERANCE * fmax(size, 1), 10 * ADAM_TOLERANCE * size);
    ck_assert_msg(off <= bound, "%s[%zu] is %.9g, not %.9g", name, at, got,
                  (double)expected[at]);
    free(expected);
}

static void assert_params_macs(const struct parity *p, int i)
{
    char name[64];
    snprintf(name, sizeof(name), "case%d.params_macs", i);
    const struct tensor *t = tensor_reader_find(p->reader, name);
    ck_assert(t != NULL && t->type == TENSOR_F64 && t->n_values == 2);
    double expected[2];
    memcpy(expected, t->data, sizeof(expected));
    struct complexity c = complexity_of(&p->cases[i], &p->dims, p->n_frames[0]);
    ck_assert_uint_eq(c.params, (uint64_t)expected[0]);
    ck_assert_uint_eq(c.macs, (uint64_t)expected[1]);
}

// ---------------------------------------------------------------- one path

// One path of the supernet, planned on one backend.
struct run {
    struct parity *p;
    struct slice *slice;
    struct net *net;
    struct aam *aam;
    float *dense; // weights, then gradients
    float *stats;
    float *embeddings; // [n_utts][n_embed]
    float *d_embeddings;
    float *d_super; // zero where the path does not reach
};

static void run_begin(struct run *r, struct parity *p, const struct kernels *k,
                      const struct arch *a)
{
    const struct supernet *s = p->supernet;
    size_t n_embedded = (size_t)p->n_utts * (size_t)p->dims.n_embed;
    *r = (struct run){
        .p = p,
        .slice = slice_create(s),
        .net = net_create(k, &p->dims, a, p->n_utts, total_frames(p), true),
        .aam = aam_create(k, p->dims.n_embed, p->n_speakers, p->n_utts, p->margin,
                          p->scale),
        .dense = calloc(s->layout.n_weights, sizeof(float)),
        .stats = calloc(s->layout.n_stats, sizeof(float)),
        .embeddings = calloc(n_embedded, sizeof(float)),
        .d_embeddings = calloc(n_embedded, sizeof(float)),
        .d_super = calloc(s->n_values, sizeof(float)),
    };
    slice_plan(r->slice, a);
    slice_weights(r->slice, s, r->dense);
    slice_stats(r->slice, s, r->stats);
    net_load_weights(r->net, r->dense);
    net_load_stats(r->net, r->stats);
}

static void run_end(struct run *r)
{
    slice_destroy(r->slice);
    net_destroy(r->net);
    aam_destroy(r->aam);
    free(r->dense);
    free(r->stats);
    free(r->embeddings);
    free(r->d_embeddings);
    free(r->d_super);
}

static double run_gradient(struct run *r)
{
    const struct supernet *s = r->p->supernet;
    struct net_batch b = batch_of(r->p);
    struct aam_batch embedded = {r->p->n_utts, r->embeddings, r->p->labels};
    struct aam_report report;
    net_forward_train(r->net, &b, r->embeddings);
    enum err e = aam_loss(r->aam, &embedded, s->values + s->classifier_at,
                          r->d_embeddings, r->d_super + s->classifier_at, &report);
    ck_assert_int_eq(e, ERR_OK);
    net_backward(r->net, r->d_embeddings);
    net_read_grads(r->net, r->dense);
    slice_adjoint(r->slice, s, r->dense, r->d_super);
    return report.loss;
}

// [taps][out * in] -> [out * in][taps].
static float *file_order(const float *x, const struct supernet_tensor *t)
{
    size_t n_taps = t->rank == 3 ? (size_t)t->shape[2] : 1;
    size_t n_rows = t->n_values / n_taps;
    float *out = calloc(t->n_values, sizeof(float));
    for (size_t i = 0; i < t->n_values; i++) {
        out[i] = x[i % n_taps * n_rows + i / n_taps];
    }
    return out;
}

static void assert_gradients(const struct run *r, int i)
{
    const struct supernet *s = r->p->supernet;
    double noise = GRAD_NOISE * norm(r->d_super, s->n_values);
    for (int j = 0; j < s->n_tensors; j++) {
        const struct supernet_tensor *t = &s->tensors[j];
        char name[TENSOR_NAME_MAX];
        snprintf(name, sizeof(name), "case%d.grad.%s", i, t->name);
        size_t n = t->n_values;
        float *expected = tensor_reader_find(r->p->reader, name)
                              ? read_floats(r->p, name, &n)
                              : calloc(n, sizeof(float)); // outside the path
        float *got = file_order(r->d_super + t->at, t);
        ck_assert_uint_eq(n, t->n_values);
        double off = distance(got, expected, n);
        double size = norm(expected, n);
        ck_assert_msg(off <= fmax(GRAD_TOLERANCE * size, noise),
                      "%s is off by %.2e of %.2e (gradient %.2e)", name, off, size,
                      noise / GRAD_NOISE);
        free(got);
        free(expected);
    }
}

static void check_case(struct parity *p, const struct kernels *k, int i)
{
    struct run r;
    char name[64];
    struct net_batch b = batch_of(p);
    run_begin(&r, p, k, &p->cases[i]);
    net_forward_eval(r.net, &b, r.embeddings);
    snprintf(name, sizeof(name), "case%d.embedding_eval", i);
    assert_embeddings(p, name, r.embeddings);
    double loss = run_gradient(&r);
    snprintf(name, sizeof(name), "case%d.embedding_train", i);
    assert_embeddings(p, name, r.embeddings);
    snprintf(name, sizeof(name), "case%d.loss", i);
    assert_number(p, name, 0, loss, LOSS_TOLERANCE);
    assert_gradients(&r, i);
    run_end(&r);
}

static void check_adam(struct parity *p, const struct kernels *k, int i,
                       const char *losses)
{
    struct study_conf *conf = calloc(1, sizeof(*conf));
    conf->train.weight_decay = ADAM_DECAY;
    conf->train.aam_margin = p->margin;
    conf->train.aam_scale = p->scale;
    load_supernet(p);
    struct trainer *t =
        trainer_create(k, conf, p->supernet, p->n_utts, total_frames(p));
    struct net_batch b = batch_of(p);
    size_t n_steps = tensor_reader_find(p->reader, losses)->n_values;
    for (size_t step = 0; step < n_steps; step++) {
        struct train_report report;
        ck_assert_int_eq(
            trainer_step_on(t, &p->cases[i], ADAM_LR, &b, p->labels, &report), ERR_OK);
        assert_adam_loss(p, losses, step, report.loss);
    }
    trainer_destroy(t);
    free(conf);
    struct run r;
    char name[64];
    run_begin(&r, p, k, &p->cases[i]);
    net_forward_eval(r.net, &b, r.embeddings);
    snprintf(name, sizeof(name), "adam_embedding_eval.case%d", i);
    assert_trained_embeddings(p, name, r.embeddings);
    run_end(&r);
    load_supernet(p);
}

// ---------------------------------------------------------------- tests

START_TEST(complexity_is_exact)
{
    struct parity *p = parity_open();
    for (int i = 0; p && i < p->n_cases; i++) {
        assert_params_macs(p, i);
    }
    if (p) {
        parity_close(p);
    }
}
END_TEST

START_TEST(embeddings_loss_and_gradients_agree)
{
    struct parity *p = parity_open();
    if (!p) {
        return;
    }
    const char *backend = NULL;
    for (size_t k = 0; (backend = backend_name_at(k)); k++) {
        for (int i = 0; i < p->n_cases; i++) {
            check_case(p, backend_find(backend), i);
        }
    }
    parity_close(p);
}
END_TEST

START_TEST(adam_steps_agree)
{
    struct parity *p = parity_open();
    if (!p) {
        return;
    }
    const char *backend = NULL;
    for (size_t k = 0; (backend = backend_name_at(k)); k++) {
        for (int i = 0; i < p->n_cases; i++) {
            char losses[64];
            snprintf(losses, sizeof(losses), "adam_losses.case%d", i);
            if (tensor_reader_find(p->reader, losses)) {
                check_adam(p, backend_find(backend), i, losses);
            }
        }
    }
    parity_close(p);
}
END_TEST

TEST_SUITE(parity, complexity_is_exact, embeddings_loss_and_gradients_agree,
           adam_steps_agree)
