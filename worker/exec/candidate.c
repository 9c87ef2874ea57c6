// SPDX-License-Identifier: Apache-2.0
// candidate.c - see candidate.h.
#include "worker/exec/candidate.h"

#include "worker/data/batch.h"
#include "worker/score/embed.h"
#include "worker/supernet/checkpoint.h"
#include "worker/supernet/recalibrate.h"

#include <stdlib.h>

// Of a measurement, for progress: recalibration forwards fewer, longer batches.
#define RECALIBRATE_SHARE 0.4

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);
    BUG_ON(!p);
    return p;
}

enum err candidate_open(struct candidate *c, struct runner *runner,
                        const struct task_inputs *in, const char *architecture,
                        struct errinfo *why)
{
    *c = (struct candidate){.runner = runner, .in = in, .share = 1};
    enum err e = arch_parse(architecture, &c->arch, why);
    if (e == ERR_OK) {
        e = arch_fits(&c->arch, &in->conf->supernet, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    c->slice = slice_create(in->supernet);
    slice_plan(c->slice, &c->arch);
    c->layout = slice_layout(c->slice);
    c->weights = allocate(c->layout->n_weights, sizeof(float));
    c->stats = allocate(c->layout->n_stats, sizeof(float));
    return ERR_OK;
}

void candidate_close(struct candidate *c)
{
    slice_destroy(c->slice);
    free(c->weights);
    free(c->stats);
    *c = (struct candidate){0};
}

static bool tell_progress(void *arg, double fraction)
{
    const struct candidate *c = arg;
    struct task_progress p = {.fraction = c->done_before + c->share * fraction};
    return runner_progress(c->runner, &p);
}

static bool tell_scoring(void *arg, double fraction)
{
    return tell_progress(arg, RECALIBRATE_SHARE + (1 - RECALIBRATE_SHARE) * fraction);
}

static enum err forward_batches(struct candidate *c, const struct bn_cut *cut,
                                struct net *net, struct bn_stats *merged,
                                struct errinfo *why)
{
    const struct study_conf *conf = c->in->conf;
    int *n_frames = allocate(cut->largest, sizeof(int));
    float *embeddings =
        allocate(cut->largest * (size_t)conf->supernet.n_embed, sizeof(float));
    float *features = allocate(cut->largest * BATCH_CALIBRATION_FRAMES *
                                   (size_t)conf->supernet.n_mels,
                               sizeof(float));
    for (size_t i = 0; i < cut->largest; i++) {
        n_frames[i] = BATCH_CALIBRATION_FRAMES;
    }
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < cut->n_batches; i++) {
        size_t first = bn_cut_start(cut, i);
        int n_utts = (int)(bn_cut_start(cut, i + 1) - first);
        struct net_batch b = {n_utts, n_frames, features};
        batch_calibration(c->in->pack, conf, first, n_utts, BATCH_CALIBRATION_FRAMES,
                          features);
        net_forward_train(net, &b, embeddings);
        bn_stats_add(merged, net);
        if (!tell_progress(c, RECALIBRATE_SHARE * (double)(i + 1) /
                                  (double)cut->n_batches)) {
            e = err_set(why, ERR_CANCELLED, "cancelled while recalibrating");
        }
    }
    free(n_frames);
    free(embeddings);
    free(features);
    return e;
}

static enum err recalibrate(struct candidate *c, struct errinfo *why)
{
    const struct study_conf *conf = c->in->conf;
    const struct bn_cut cut = bn_cut_of((size_t)conf->evaluate.recalibrate_utterances,
                                        (size_t)conf->train.batch);
    struct net *net =
        net_create(c->in->kernels, &conf->supernet, &c->arch, (int)cut.largest,
                   cut.largest * BATCH_CALIBRATION_FRAMES, true);
    struct bn_stats *merged = bn_stats_create(c->layout);
    net_load_weights(net, c->weights);
    enum err e = forward_batches(c, &cut, net, merged, why);
    if (e == ERR_OK) {
        bn_stats_write(merged, c->stats);
    }
    bn_stats_destroy(merged);
    net_destroy(net);
    return e;
}

static enum err score(struct candidate *c, enum protocol protocol,
                      struct evaluate_result *out, struct errinfo *why)
{
    const struct study_conf *conf = c->in->conf;
    const struct embed_work work = {.pack = c->in->pack,
                                    .protocol = protocol,
                                    .asnorm = &conf->evaluate.asnorm,
                                    .seed = conf->seed,
                                    .kernels = c->in->kernels,
                                    .progress = tell_scoring,
                                    .arg = c};
    struct net *net = net_create(c->in->kernels, &conf->supernet, &c->arch,
                                 VOICES_MAX_UTTS, VOICES_MAX_FRAMES, false);
    net_load_weights(net, c->weights);
    net_load_stats(net, c->stats);
    struct metrics m;
    enum err e = embed_score_trials(net, &work, NULL, &m, why);
    net_destroy(net);
    if (e != ERR_OK) {
        return e;
    }
    out->eer_percent = m.eer_percent;
    out->mindcf_p01 = m.mindcf_p01;
    out->mindcf_p05 = m.mindcf_p05;
    out->n_trials = m.n_targets + m.n_nontargets;
    return ERR_OK;
}

enum err candidate_measure(struct candidate *c, uint32_t protocol,
                           struct evaluate_result *out, struct errinfo *why)
{
    if (protocol > PROTOCOL_CHEAP) {
        return err_set(why, ERR_INPUT, "no scoring protocol %u", protocol);
    }
    out->network[0] = '\0';
    slice_weights(c->slice, c->in->supernet, c->weights);
    enum err e = recalibrate(c, why);
    return e == ERR_OK ? score(c, (enum protocol)protocol, out, why) : e;
}

enum err candidate_export(const struct candidate *c, const char *supernet,
                          const char *made_by, char hash[static HASH_HEX_MAX],
                          struct errinfo *why)
{
    const struct checkpoint_note notes[] = {
        {"study", c->in->conf->name},
        {"supernet", supernet},
        {"finetuned", made_by},
    };
    size_t n_notes = sizeof(notes) / sizeof(notes[0]) - (made_by ? 0 : 1);
    char path[FILE_PATH_MAX];
    uint64_t size_bytes = 0;
    enum err e = blob_scratch_path(runner_blobs(c->runner), path, why);
    if (e == ERR_OK) {
        e = checkpoint_save_dense(c->layout, c->weights, c->stats, path, notes, n_notes,
                                  why);
    }
    if (e == ERR_OK) {
        e = blob_take_file(runner_blobs(c->runner), path, hash, &size_bytes, why);
    }
    return e;
}
