// SPDX-License-Identifier: Apache-2.0
// batch.c - see batch.h.
#include "worker/data/batch.h"

#include "common/base/rng.h"
#include "common/conf/stage_batches.h"
#include "worker/data/augment.h"
#include "worker/data/fbank.h"
#include "worker/data/features.h"
#include "worker/data/sampling.h"
#include "worker/data/speed.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RING            3 // one computed on, one ready, one in the making
#define CALIBRATE_ORDER 1 // keys of RNG_CALIBRATE: the permutation ...
#define CALIBRATE_CROP  0 // ... and the crops

struct ring_slot {
    float *features;
    int32_t *labels;
};

// Training utterances by speaker: those of speaker s are utts[first[s] .. first[s +
// 1]).
struct by_speaker {
    size_t *first;
    uint32_t *utts;
};

// What is cut out of every recording of a batch.
struct crop_kind {
    size_t n_samples;
    int n_frames;
    int *frame_counts; // [utterances of a batch], all n_frames
    struct augment *augment;
};

enum { CROP_USUAL, CROP_TUNING, CROP_KINDS };

struct batcher {
    const struct pack *pack;
    const struct study_conf *conf;
    uint32_t stage;
    uint64_t first, n;   // batches to make
    uint64_t n_of_stage; // batches of the whole stage
    size_t n_utts;       // of a batch
    struct crop_kind crops[CROP_KINDS];
    int n_kinds; // of crops: CROP_TUNING only where the stage is tuned
    struct by_speaker by_speaker;
    struct ring_slot ring[RING];
    struct batch current;

    // The thread's own.
    pthread_t thread;
    struct features *front_end;
    struct sampling *sampling;
    struct speed *speeds[STUDY_SPEEDS_MAX];
    float *crop; // of the longest kind
    float *tape; // what is played faster or slower; NULL when nothing is

    pthread_mutex_t lock; // guards the rest
    pthread_cond_t moved;
    uint64_t n_made, n_freed; // batches
    bool is_stopping;
};

static int count_kinds(const struct study_conf *conf, uint32_t stage)
{
    return conf->train.stages[stage].tune > 0 ? CROP_KINDS : CROP_TUNING;
}

static size_t crop_samples(const struct study_conf *conf, uint32_t stage, int kind)
{
    const struct study_stage *s = &conf->train.stages[stage];
    double seconds = kind == CROP_TUNING ? s->tune_crop_s : s->crop_s;
    return (size_t)llrint(seconds * PACK_SAMPLE_RATE);
}

static size_t longest_samples(const struct study_conf *conf, uint32_t stage)
{
    size_t longest = 0;
    for (int kind = 0; kind < count_kinds(conf, stage); kind++) {
        size_t n = crop_samples(conf, stage, kind);
        longest = n > longest ? n : longest;
    }
    return longest;
}

int batch_crop_frames(const struct study_conf *conf, uint32_t stage)
{
    return fbank_n_frames(longest_samples(conf, stage));
}

uint64_t batch_count(const struct study_conf *conf, uint32_t stage, size_t n_train_utts)
{
    return study_stage_batches(conf, stage, n_train_utts);
}

static void by_speaker_init(struct by_speaker *b, const struct pack *p)
{
    size_t n = pack_count(p, PACK_TRAIN);
    size_t n_speakers = (size_t)pack_n_speakers(p);
    b->first = calloc(n_speakers + 2, sizeof(*b->first));
    b->utts = malloc((n + 1) * sizeof(*b->utts));
    BUG_ON(!b->first || !b->utts);
    size_t *next = b->first + 1; // counting sort: first[s + 1] runs up to its end
    for (size_t i = 0; i < n; i++) {
        next[pack_utt_at(p, PACK_TRAIN, i).speaker + 1]++;
    }
    for (size_t s = 0; s < n_speakers; s++) {
        next[s + 1] += next[s];
    }
    for (size_t i = 0; i < n; i++) {
        b->utts[next[pack_utt_at(p, PACK_TRAIN, i).speaker]++] = (uint32_t)i;
    }
}

static void by_speaker_fini(struct by_speaker *b)
{
    free(b->first);
    free(b->utts);
}

// What fills up a crop behind a recording: another of the speaker, itself if it is
// alone.
static struct pack_utt draw_filler(const struct pack *p, const struct by_speaker *b,
                                   uint32_t utt, int speaker, struct rng *r)
{
    const uint32_t *mine = b->utts + b->first[speaker];
    size_t n = b->first[speaker + 1] - b->first[speaker];
    if (n == 1) {
        return pack_utt_at(p, PACK_TRAIN, utt);
    }
    size_t i = (size_t)rng_below(r, n - 1);
    return pack_utt_at(p, PACK_TRAIN, mine[i] == utt ? mine[n - 1] : mine[i]);
}

static void to_float(const int16_t *samples, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)samples[i] * 0x1p-15f;
    }
}

static void draw_crop(const struct pack *p, const struct by_speaker *b, uint32_t utt,
                      struct rng *r, float *out, size_t n)
{
    struct pack_utt u = pack_utt_at(p, PACK_TRAIN, utt);
    if (u.n_samples >= n) {
        size_t start = (size_t)rng_below(r, u.n_samples - n + 1);
        to_float(u.samples + start, n, out);
        return;
    }
    to_float(u.samples, (size_t)u.n_samples, out);
    for (size_t at = (size_t)u.n_samples; at < n;) {
        struct pack_utt more = draw_filler(p, b, utt, u.speaker, r);
        size_t take = more.n_samples < n - at ? (size_t)more.n_samples : n - at;
        to_float(more.samples, take, out + at);
        at += take;
    }
}

// Fills b->crop with n samples of the utterance, at one of the speeds. Returns which: 0
// is as it was spoken.
static int draw_played(struct batcher *b, uint32_t utt, uint64_t position, size_t n)
{
    struct rng crop = rng_stream(b->conf->seed, RNG_CROP, b->stage, position);
    struct rng speed = rng_stream(b->conf->seed, RNG_SPEED, b->stage, position);
    uint64_t n_speeds = 1 + (uint64_t)b->conf->train.augment.n_speeds;
    int which = (int)rng_below(&speed, n_speeds);
    if (which == 0) {
        draw_crop(b->pack, &b->by_speaker, utt, &crop, b->crop, n);
        return 0;
    }
    const struct speed *s = b->speeds[which - 1];
    size_t n_in = speed_n_in(s, n);
    draw_crop(b->pack, &b->by_speaker, utt, &crop, b->tape, n_in);
    speed_change(s, b->tape, b->crop, n);
    return which;
}

static int32_t label_of(const struct batcher *b, uint32_t utt, int which_speed)
{
    int speaker = pack_utt_at(b->pack, PACK_TRAIN, utt).speaker;
    bool is_new = !b->conf->train.augment.speeds_keep_speaker;
    return speaker + (is_new ? which_speed * pack_n_speakers(b->pack) : 0);
}

static void make_utt(struct batcher *b, const struct crop_kind *kind, uint64_t position,
                     float *features, int32_t *label)
{
    int n_mels = b->conf->supernet.n_mels;
    uint32_t utt = sampling_utt_at(b->sampling, position);
    int which_speed = draw_played(b, utt, position, kind->n_samples);
    struct rng augment = rng_stream(b->conf->seed, RNG_AUGMENT, b->stage, position);
    augment_samples(kind->augment, &augment, b->crop);
    features_compute(b->front_end, b->crop, kind->n_samples, features);
    augment_features(kind->augment, &augment, features, kind->n_frames, n_mels);
    *label = label_of(b, utt, which_speed);
}

static const struct crop_kind *kind_of(const struct batcher *b, uint64_t number)
{
    bool is_tuning = study_stage_tunes(b->conf, b->stage, number, b->n_of_stage);
    return &b->crops[is_tuning && b->n_kinds > CROP_TUNING ? CROP_TUNING : CROP_USUAL];
}

static bool is_stopping(struct batcher *b)
{
    pthread_mutex_lock(&b->lock);
    bool is = b->is_stopping;
    pthread_mutex_unlock(&b->lock);
    return is;
}

// False when asked to stop on the way.
static bool make_batch(struct batcher *b, uint64_t number, struct ring_slot *slot)
{
    const struct crop_kind *kind = kind_of(b, number);
    size_t n_each = (size_t)kind->n_frames * (size_t)b->conf->supernet.n_mels;
    for (size_t i = 0; i < b->n_utts; i++) {
        if (is_stopping(b)) {
            return false;
        }
        make_utt(b, kind, number * b->n_utts + i, slot->features + i * n_each,
                 &slot->labels[i]);
    }
    return true;
}

// Waits until a slot is free for batch number `made`; false when asked to stop.
static bool wait_for_slot(struct batcher *b, uint64_t made)
{
    pthread_mutex_lock(&b->lock);
    while (!b->is_stopping && made - b->n_freed >= RING) {
        pthread_cond_wait(&b->moved, &b->lock);
    }
    bool go_on = !b->is_stopping;
    pthread_mutex_unlock(&b->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct batcher *b = arg;
    for (uint64_t i = 0; i < b->n; i++) {
        if (!wait_for_slot(b, i) || !make_batch(b, b->first + i, &b->ring[i % RING])) {
            break;
        }
        pthread_mutex_lock(&b->lock);
        b->n_made = i + 1;
        pthread_cond_broadcast(&b->moved);
        pthread_mutex_unlock(&b->lock);
    }
    return NULL;
}

static enum err check_opening(const struct pack *p, const struct study_conf *conf,
                              uint32_t stage, struct errinfo *why)
{
    BUG_ON(stage >= (uint32_t)conf->train.n_stages || conf->train.batch < 1);
    if (pack_count(p, PACK_TRAIN) == 0) {
        return err_set(why, ERR_INPUT, "the pack holds no training utterances");
    }
    for (int kind = 0; kind < count_kinds(conf, stage); kind++) {
        size_t n = crop_samples(conf, stage, kind);
        if (n < PACK_MIN_SAMPLES) {
            return err_set(why, ERR_INPUT,
                           "crops of %g s are too short; %g s is the least",
                           (double)n / PACK_SAMPLE_RATE,
                           (double)PACK_MIN_SAMPLES / PACK_SAMPLE_RATE);
        }
    }
    return ERR_OK;
}

static void allocate_kind(struct batcher *b, int kind)
{
    struct crop_kind *c = &b->crops[kind];
    c->n_samples = crop_samples(b->conf, b->stage, kind);
    c->n_frames = fbank_n_frames(c->n_samples);
    c->augment = augment_create(&b->conf->train.augment, b->pack, c->n_samples);
    c->frame_counts = malloc(b->n_utts * sizeof(int));
    BUG_ON(!c->frame_counts);
    for (size_t i = 0; i < b->n_utts; i++) {
        c->frame_counts[i] = c->n_frames;
    }
}

static void allocate_speeds(struct batcher *b, size_t n_samples)
{
    const struct study_augment *a = &b->conf->train.augment;
    size_t n_tape = 0;
    for (int i = 0; i < a->n_speeds; i++) {
        b->speeds[i] = speed_create(a->speeds[i]);
        n_tape = speed_n_in(b->speeds[i], n_samples); // the last is the fastest
    }
    if (n_tape > 0) {
        b->tape = malloc(n_tape * sizeof(float));
        BUG_ON(!b->tape);
    }
}

static void allocate(struct batcher *b)
{
    size_t n_samples = longest_samples(b->conf, b->stage);
    size_t n_floats = b->n_utts * (size_t)fbank_n_frames(n_samples) *
                      (size_t)b->conf->supernet.n_mels;
    BUG_ON(n_samples == 0); // the study's crops are longer
    b->crop = malloc(n_samples * sizeof(float));
    BUG_ON(!b->crop);
    for (int kind = 0; kind < b->n_kinds; kind++) {
        allocate_kind(b, kind);
    }
    for (size_t i = 0; i < RING; i++) {
        b->ring[i].features = malloc(n_floats * sizeof(float));
        b->ring[i].labels = malloc(b->n_utts * sizeof(int32_t));
        BUG_ON(!b->ring[i].features || !b->ring[i].labels);
    }
    by_speaker_init(&b->by_speaker, b->pack);
    b->sampling = sampling_create(b->pack, b->conf, b->stage);
    allocate_speeds(b, n_samples);
    b->front_end = features_create(&b->conf->supernet);
}

static void release(struct batcher *b)
{
    pthread_cond_destroy(&b->moved);
    pthread_mutex_destroy(&b->lock);
    for (int kind = 0; kind < CROP_KINDS; kind++) {
        augment_destroy(b->crops[kind].augment);
        free(b->crops[kind].frame_counts);
    }
    features_destroy(b->front_end);
    by_speaker_fini(&b->by_speaker);
    sampling_destroy(b->sampling);
    for (int i = 0; i < STUDY_SPEEDS_MAX; i++) {
        speed_destroy(b->speeds[i]);
    }
    for (size_t i = 0; i < RING; i++) {
        free(b->ring[i].features);
        free(b->ring[i].labels);
    }
    free(b->crop);
    free(b->tape);
    free(b);
}

enum err batcher_open(const struct pack *p, const struct study_conf *conf,
                      uint32_t stage, uint64_t first, uint64_t n, struct batcher **out,
                      struct errinfo *why)
{
    *out = NULL;
    enum err e = check_opening(p, conf, stage, why);
    if (e != ERR_OK) {
        return e;
    }
    struct batcher *b = calloc(1, sizeof(*b));
    BUG_ON(!b);
    b->pack = p;
    b->conf = conf;
    b->stage = stage;
    b->first = first;
    b->n = n;
    b->n_utts = (size_t)conf->train.batch;
    b->n_of_stage = batch_count(conf, stage, pack_count(p, PACK_TRAIN));
    b->n_kinds = count_kinds(conf, stage);
    allocate(b);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->moved, NULL);
    if (pthread_create(&b->thread, NULL, run, b) != 0) {
        release(b);
        return err_set(why, ERR_IO, "cannot start a thread to make batches");
    }
    *out = b;
    return ERR_OK;
}

void batcher_close(struct batcher *b)
{
    if (!b) {
        return;
    }
    pthread_mutex_lock(&b->lock);
    b->is_stopping = true;
    pthread_cond_broadcast(&b->moved);
    pthread_mutex_unlock(&b->lock);
    pthread_join(b->thread, NULL);
    release(b);
}

const struct batch *batcher_next(struct batcher *b)
{
    pthread_mutex_lock(&b->lock);
    bool has_current = b->current.n_utts > 0;
    b->n_freed += has_current;
    uint64_t number = b->n_freed;
    b->current.n_utts = 0;
    pthread_cond_broadcast(&b->moved);
    while (number < b->n && b->n_made <= number) {
        pthread_cond_wait(&b->moved, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    if (number >= b->n) {
        return NULL;
    }
    const struct ring_slot *slot = &b->ring[number % RING];
    const struct crop_kind *kind = kind_of(b, b->first + number);
    b->current = (struct batch){
        .n_utts = (int)b->n_utts,
        .n_frames_each = kind->n_frames,
        .n_frames = kind->frame_counts,
        .features = slot->features,
        .labels = slot->labels,
    };
    return &b->current;
}

void batch_calibration(const struct pack *p, const struct study_conf *conf,
                       size_t first, int n_utts, int n_frames_each, float *features)
{
    size_t n = pack_count(p, PACK_TRAIN);
    BUG_ON(n == 0 || n_frames_each < 1 + FBANK_MIN_SAMPLES / FBANK_HOP + 1);
    size_t n_samples = (size_t)(n_frames_each - 1) * FBANK_HOP;
    size_t stride = (size_t)n_frames_each * (size_t)conf->supernet.n_mels;
    struct by_speaker by_speaker;
    by_speaker_init(&by_speaker, p);
    struct features *front_end = features_create(&conf->supernet);
    uint32_t *order = malloc(n * sizeof(*order));
    float *crop = malloc(n_samples * sizeof(*crop));
    BUG_ON(!order || !crop);
    struct rng r = rng_stream(conf->seed, RNG_CALIBRATE, CALIBRATE_ORDER, 0);
    rng_permutation(&r, order, n);
    for (int i = 0; i < n_utts; i++) {
        size_t position = first + (size_t)i;
        r = rng_stream(conf->seed, RNG_CALIBRATE, CALIBRATE_CROP, position);
        draw_crop(p, &by_speaker, order[position % n], &r, crop, n_samples);
        features_compute(front_end, crop, n_samples, features + (size_t)i * stride);
    }
    by_speaker_fini(&by_speaker);
    features_destroy(front_end);
    free(order);
    free(crop);
}
