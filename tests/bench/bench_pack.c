// SPDX-License-Identifier: Apache-2.0
// bench_pack.c - the modes that read recordings: front end, training with its data, one
// candidate's evaluation; see bench.h.
#include "common/base/clock.h"
#include "common/conf/study.h"
#include "tests/bench/bench.h"
#include "worker/data/batch.h"
#include "worker/data/fbank.h"
#include "worker/data/pack.h"
#include "worker/kernels/kernels.h"
#include "worker/score/embed.h"
#include "worker/supernet/recalibrate.h"

#include <stdio.h>
#include <stdlib.h>

struct frontend {
    struct fbank *fbank;
    size_t n_samples;
    float *samples, *features;
};

static void front_end(void *arg)
{
    struct frontend *f = arg;
    fbank_compute(f->fbank, f->samples, f->n_samples, f->features);
}

enum err bench_frontend(const struct kernels *k, const struct bench_options *o,
                        struct errinfo *why)
{
    (void)k;
    (void)why;
    struct net_dims dims = DIMS_PAPER;
    size_t n_samples = (size_t)(o->frames - 1) * FBANK_HOP + FBANK_MIN_SAMPLES;
    size_t n_frames = (size_t)fbank_n_frames(n_samples);
    struct frontend f = {fbank_create(dims.n_mels), n_samples,
                         bench_noise(n_samples, 0.3),
                         bench_noise(n_frames * (size_t)dims.n_mels, 0)};
    struct bench_times t = bench_measure(front_end, &f, o->repeats);
    double seconds = (double)n_samples / PACK_SAMPLE_RATE;
    printf("mode=frontend frames=%zu times_real_time=%.0f", n_frames,
           seconds * 1e3 / t.median_ms);
    bench_print_times(&t);
    fbank_destroy(f.fbank);
    free(f.samples);
    free(f.features);
    return ERR_OK;
}

struct inputs {
    struct study_conf *conf;
    struct pack *pack;
};

static void inputs_close(struct inputs *in)
{
    pack_close(in->pack);
    free(in->conf);
}

static enum err inputs_open(struct inputs *in, const struct bench_options *o,
                            struct errinfo *why)
{
    *in = (struct inputs){0};
    if (!o->study || !o->pack) {
        (void)err_set(why, ERR_INPUT, "mode %s needs --study and --pack", o->mode);
        return ERR_INPUT;
    }
    in->conf = calloc(1, sizeof(*in->conf));
    BUG_ON(!in->conf);
    enum err e = study_load(o->study, NULL, 0, in->conf, why);
    if (e == ERR_OK) {
        in->conf->train.batch = o->batch;
        e = pack_open(o->pack, &in->pack, why);
    }
    if (e != ERR_OK) {
        inputs_close(in);
    }
    return e;
}

struct fed {
    struct bench_net *net;
    struct batcher *batches;
};

static void train_on_next(void *arg)
{
    struct fed *f = arg;
    const struct batch *x = batcher_next(f->batches);
    struct net_batch batch = {x->n_utts, x->n_frames, x->features};
    bench_net_set_batch(f->net, &batch, x->labels);
    bench_net_train(f->net);
}

// The same steps without data and with: how much a prefetching batcher costs.
enum err bench_train_data(const struct kernels *k, const struct bench_options *o,
                          struct errinfo *why)
{
    struct inputs in;
    enum err e = inputs_open(&in, o, why);
    if (e != ERR_OK) {
        return e;
    }
    struct bench_options sized = *o;
    sized.frames = batch_crop_frames(in.conf, 0);
    sized.classes = study_n_classes(in.conf, pack_n_speakers(in.pack));
    struct fed fed = {.net = bench_net_create(k, &sized, true)};
    struct bench_times without = bench_measure(bench_net_train, fed.net, o->repeats);
    e = batcher_open(in.pack, in.conf, 0, 0, (uint64_t)o->repeats + 2, &fed.batches,
                     why);
    if (e == ERR_OK) {
        struct bench_times with = bench_measure(train_on_next, &fed, o->repeats);
        bench_print_options(&sized);
        printf(" without_mean_ms=%.2f with_mean_ms=%.2f ratio=%.3f", without.mean_ms,
               with.mean_ms, with.mean_ms / without.mean_ms);
        bench_print_times(&with);
    }
    batcher_close(fed.batches);
    bench_net_destroy(fed.net);
    inputs_close(&in);
    return e;
}

struct candidate {
    const struct kernels *k;
    struct inputs in;
    struct arch arch;
    float *weights, *stats;
};

// Batch statistics over the study's calibration crops.
static void recalibrate(struct candidate *c)
{
    const struct study_conf *conf = c->in.conf;
    int batch = conf->train.batch;
    int n_batches = conf->evaluate.recalibrate_utterances / batch;
    size_t max_frames = (size_t)batch * BATCH_CALIBRATION_FRAMES;
    struct net *net =
        net_create(c->k, &conf->supernet, &c->arch, batch, max_frames, true);
    struct bn_stats *merged = bn_stats_create(net_layout(net));
    float *features = bench_noise(max_frames * (size_t)conf->supernet.n_mels, 0);
    float *embeddings = bench_noise((size_t)batch * (size_t)conf->supernet.n_embed, 0);
    int *n_frames = calloc((size_t)batch, sizeof(int));
    BUG_ON(!n_frames);
    for (int i = 0; i < batch; i++) {
        n_frames[i] = BATCH_CALIBRATION_FRAMES;
    }
    c->weights = bench_noise(net_layout(net)->n_weights, 0.05);
    c->stats = bench_noise(net_layout(net)->n_stats, 0);
    net_load_weights(net, c->weights);
    for (int i = 0; i < (n_batches > 0 ? n_batches : 1); i++) {
        batch_calibration(c->in.pack, conf, (size_t)i * (size_t)batch, batch,
                          BATCH_CALIBRATION_FRAMES, features);
        net_forward_train(net, &(struct net_batch){batch, n_frames, features},
                          embeddings);
        bn_stats_add(merged, net);
    }
    bn_stats_write(merged, c->stats);
    free(features);
    free(embeddings);
    free(n_frames);
    bn_stats_destroy(merged);
    net_destroy(net);
}

static enum err score(struct candidate *c, struct metrics *m, struct errinfo *why)
{
    const struct study_conf *conf = c->in.conf;
    struct net *net = net_create(c->k, &conf->supernet, &c->arch, VOICES_MAX_UTTS,
                                 VOICES_MAX_FRAMES, false);
    net_load_weights(net, c->weights);
    net_load_stats(net, c->stats);
    const struct embed_work work = {.pack = c->in.pack,
                                    .protocol = conf->evaluate.protocol,
                                    .asnorm = &conf->evaluate.asnorm,
                                    .seed = conf->seed,
                                    .kernels = c->k};
    enum err e = embed_score_trials(net, &work, NULL, m, why);
    net_destroy(net);
    return e;
}

// Once: it takes seconds. The weights are random, so its scores are not printed.
enum err bench_evaluate(const struct kernels *k, const struct bench_options *o,
                        struct errinfo *why)
{
    struct candidate c = {.k = k};
    enum err e = arch_parse(o->arch, &c.arch, why);
    if (e == ERR_OK) {
        e = inputs_open(&c.in, o, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    int64_t start = clock_mono_ns();
    recalibrate(&c);
    double recalibrated_ms = (double)(clock_mono_ns() - start) * 1e-6;
    struct metrics m = {0};
    e = score(&c, &m, why);
    double all_ms = (double)(clock_mono_ns() - start) * 1e-6;
    if (e == ERR_OK) {
        struct bench_times t = {all_ms, all_ms, all_ms, 0};
        bench_print_options(o);
        printf(
            " calibration_utterances=%d trials=%zu recalibrate_ms=%.0f score_ms=%.0f",
            c.in.conf->evaluate.recalibrate_utterances, m.n_targets + m.n_nontargets,
            recalibrated_ms, all_ms - recalibrated_ms);
        bench_print_times(&t);
    }
    free(c.weights);
    free(c.stats);
    inputs_close(&c.in);
    return e;
}
