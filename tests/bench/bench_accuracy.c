// SPDX-License-Identifier: Apache-2.0
// bench_accuracy.c - trains a study's first stage in one process and scores the largest
// network: what the numeric core reaches on real speech, without daemons around it.
//
//   bench_accuracy STUDY.yaml PACK [--threads N] [--backend blas] [--set key=value]...
//
// Prints a key=value line an epoch and one at the end. The same study, seed and thread
// count give the same figures.
#include "common/base/clock.h"
#include "worker/data/batch.h"
#include "worker/data/pack.h"
#include "worker/kernels/backend.h"
#include "worker/score/embed.h"
#include "worker/supernet/recalibrate.h"
#include "worker/supernet/slice.h"
#include "worker/supernet/train.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SETS_MAX 64

struct bench {
    const char *study_path, *pack_path, *backend;
    int n_threads;
    const char *sets[SETS_MAX];
    size_t n_sets;
    struct study_conf *conf;
    struct pack *pack;
    struct supernet *supernet;
    const struct kernels *kernels;
};

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);
    BUG_ON(!p);
    return p;
}

// Processor time of the whole process: what a loaded machine does not change.
static double cpu_seconds(void)
{
    struct rusage u;
    BUG_ON(getrusage(RUSAGE_SELF, &u) != 0);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int parse_options(struct bench *b, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--threads") == 0 && has_value) {
            b->n_threads = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--backend") == 0 && has_value) {
            b->backend = argv[++i];
        } else if (strcmp(argv[i], "--set") == 0 && has_value && b->n_sets < SETS_MAX) {
            b->sets[b->n_sets++] = argv[++i];
        } else if (!b->study_path) {
            b->study_path = argv[i];
        } else if (!b->pack_path) {
            b->pack_path = argv[i];
        } else {
            return 2;
        }
    }
    return b->pack_path && b->n_threads > 0 ? 0 : 2;
}

static enum err open_inputs(struct bench *b, struct errinfo *why)
{
    b->conf = allocate(1, sizeof(*b->conf));
    enum err e = study_load(b->study_path, b->sets, b->n_sets, b->conf, why);
    if (e == ERR_OK) {
        e = pack_open(b->pack_path, &b->pack, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    backend_set_threads(b->n_threads);
    b->kernels = backend_find(b->backend);
    if (!b->kernels) {
        return err_set(why, ERR_INPUT, "no backend %s", b->backend);
    }
    int n_classes = study_n_classes(b->conf, pack_n_speakers(b->pack));
    b->supernet = supernet_create(&b->conf->supernet, n_classes, b->conf->seed);
    return ERR_OK;
}

static enum err train_stage(struct bench *b, struct errinfo *why)
{
    size_t n_utts = pack_count(b->pack, PACK_TRAIN);
    uint64_t n_batches = batch_count(b->conf, 0, n_utts);
    uint64_t per_epoch = n_utts / (size_t)b->conf->train.batch;
    struct batcher *batches = NULL;
    enum err e = batcher_open(b->pack, b->conf, 0, 0, n_batches, &batches, why);
    if (e != ERR_OK) {
        return e;
    }
    size_t max_frames =
        (size_t)b->conf->train.batch * (size_t)batch_crop_frames(b->conf, 0);
    struct trainer *t = trainer_create(b->kernels, b->conf, b->supernet,
                                       b->conf->train.batch, max_frames);
    int64_t started_ms = clock_mono_ms();
    double loss = 0;
    uint64_t right = 0, utts = 0, since = 0;
    for (uint64_t i = 0; e == ERR_OK && i < n_batches; i++) {
        const struct batch *x = batcher_next(batches);
        struct net_batch batch = {x->n_utts, x->n_frames, x->features};
        struct train_report r;
        e = trainer_step(t, &(struct train_step){0, i, n_batches}, &batch, x->labels,
                         &r);
        loss += r.loss;
        right += (uint64_t)r.n_right;
        utts += (uint64_t)x->n_utts;
        since++;
        if (since == per_epoch || i + 1 == n_batches) {
            double seconds = (double)(clock_mono_ms() - started_ms) / 1000;
            printf("step=%" PRIu64 " of=%" PRIu64
                   " loss=%.4f accuracy=%.4f utterances_per_s=%.1f seconds=%.1f "
                   "cpu_seconds=%.1f\n",
                   i + 1, n_batches, loss / (double)since,
                   (double)right / (double)(since * (uint64_t)b->conf->train.batch),
                   (double)utts / seconds, seconds, cpu_seconds());
            fflush(stdout);
            loss = 0;
            right = since = 0;
        }
    }
    trainer_destroy(t);
    batcher_close(batches);
    return e;
}

static void recalibrate(struct bench *b, const struct layout *l, const float *weights,
                        float *stats)
{
    int batch = b->conf->train.batch;
    size_t max_frames = (size_t)batch * BATCH_CALIBRATION_FRAMES;
    struct net *net =
        net_create(b->kernels, &b->conf->supernet, &l->arch, batch, max_frames, true);
    struct bn_stats *merged = bn_stats_create(l);
    float *features = allocate(max_frames * (size_t)b->conf->supernet.n_mels, 4);
    float *embeddings = allocate((size_t)batch * (size_t)b->conf->supernet.n_embed, 4);
    int *n_frames = allocate((size_t)batch, sizeof(int));
    for (int i = 0; i < batch; i++) {
        n_frames[i] = BATCH_CALIBRATION_FRAMES;
    }
    net_load_weights(net, weights);
    int n_batches = b->conf->evaluate.recalibrate_utterances / batch;
    for (int i = 0; i < (n_batches > 0 ? n_batches : 1); i++) {
        batch_calibration(b->pack, b->conf, (size_t)i * (size_t)batch, batch,
                          BATCH_CALIBRATION_FRAMES, features);
        net_forward_train(net, &(struct net_batch){batch, n_frames, features},
                          embeddings);
        bn_stats_add(merged, net);
    }
    bn_stats_write(merged, stats);
    free(features);
    free(embeddings);
    free(n_frames);
    bn_stats_destroy(merged);
    net_destroy(net);
}

// A study that normalises scores is scored both ways, to compare.
static enum err print_scores(const struct bench *b, struct net *net,
                             const struct study_asnorm *asnorm, struct errinfo *why)
{
    int64_t started_ms = clock_mono_ms();
    const struct embed_work work = {.pack = b->pack,
                                    .protocol = b->conf->evaluate.protocol,
                                    .asnorm = asnorm,
                                    .seed = b->conf->seed,
                                    .kernels = b->kernels};
    struct metrics m = {0};
    enum err e = embed_score_trials(net, &work, NULL, &m, why);
    printf("asnorm_cohort=%d eer_percent=%.4f mindcf_p0.01=%.4f mindcf_p0.05=%.4f "
           "trials=%zu score_seconds=%.1f\n",
           asnorm ? (int)asnorm->cohort : 0, m.eer_percent, m.mindcf_p01, m.mindcf_p05,
           m.n_targets + m.n_nontargets, (double)(clock_mono_ms() - started_ms) / 1000);
    return e;
}

static enum err score_largest(struct bench *b, struct errinfo *why)
{
    struct arch largest = space_largest(&b->conf->space);
    struct slice *cut = slice_create(b->supernet);
    slice_plan(cut, &largest);
    const struct layout *l = slice_layout(cut);
    float *weights = allocate(l->n_weights, sizeof(float));
    float *stats = allocate(l->n_stats, sizeof(float));
    slice_weights(cut, b->supernet, weights);
    recalibrate(b, l, weights, stats);
    struct net *net = net_create(b->kernels, &b->conf->supernet, &largest,
                                 VOICES_MAX_UTTS, VOICES_MAX_FRAMES, false);
    net_load_weights(net, weights);
    net_load_stats(net, stats);
    char text[ARCH_STRING_MAX];
    printf("architecture=%s\n", arch_print(&largest, text));
    enum err e = print_scores(b, net, NULL, why);
    if (e == ERR_OK && b->conf->evaluate.asnorm.cohort > 0) {
        e = print_scores(b, net, &b->conf->evaluate.asnorm, why);
    }
    net_destroy(net);
    slice_destroy(cut);
    free(weights);
    free(stats);
    return e;
}

int main(int argc, char **argv)
{
    struct bench b = {.n_threads = 1, .backend = "blas"};
    if (parse_options(&b, argc, argv) != 0) {
        fprintf(stderr, "usage: bench_accuracy STUDY.yaml PACK [--threads N] "
                        "[--backend NAME] [--set key=value]...\n");
        return 2;
    }
    struct errinfo why = {0};
    enum err e = open_inputs(&b, &why);
    if (e == ERR_OK) {
        e = train_stage(&b, &why);
    }
    if (e == ERR_OK) {
        e = score_largest(&b, &why);
    }
    if (e != ERR_OK) {
        fprintf(stderr, "bench_accuracy: %s\n", why.text);
    }
    supernet_destroy(b.supernet);
    pack_close(b.pack);
    free(b.conf);
    return err_exit_status(e);
}
