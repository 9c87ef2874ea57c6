// SPDX-License-Identifier: Apache-2.0
// voices.c - see voices.h.
#include "worker/score/voices.h"

#include "worker/data/fbank.h"
#include "worker/data/features.h"
#include "worker/score/cosine.h"

#include <stdlib.h>

#define CROP_SAMPLES ((size_t)4 * PACK_SAMPLE_RATE)
#define MAX_SAMPLES  ((size_t)(VOICES_MAX_FRAMES - 1) * FBANK_HOP)
#define PIECES_MAX   2 // of one recording

// One stretch of an utterance; past the recording's end it goes on from its beginning.
struct piece {
    struct voices_item item;
    uint64_t start;
    uint32_t n_samples;
};

struct embedder {
    struct net *net;
    const struct voices_work *work;
    struct features *front_end;
    size_t n_mels, n_embed;
    struct piece *pieces;
    size_t n_pieces;
    uint64_t n_frames; // of all pieces
    double *voices;    // borrowed
    float *samples;    // [MAX_SAMPLES]
    float *features;   // [VOICES_MAX_FRAMES][n_mels]
    float *embeddings; // [VOICES_MAX_UTTS][n_embed]
};

static struct pack_utt utt_of(const struct embedder *m, const struct voices_item *item)
{
    return pack_utt_at(m->work->pack, m->work->part, item->utt);
}

static void add_piece(struct embedder *m, const struct voices_item *item,
                      uint64_t start, size_t n)
{
    m->pieces[m->n_pieces++] = (struct piece){*item, start, (uint32_t)n};
    m->n_frames += (uint64_t)fbank_n_frames(n);
}

static void cut_whole(struct embedder *m, const struct voices_item *item)
{
    uint64_t n = utt_of(m, item).n_samples;
    add_piece(m, item, 0, n < MAX_SAMPLES ? (size_t)n : MAX_SAMPLES);
}

static void cut_crops(struct embedder *m, const struct voices_item *item)
{
    uint64_t n = utt_of(m, item).n_samples;
    add_piece(m, item, 0, CROP_SAMPLES);
    add_piece(m, item, n > CROP_SAMPLES ? n - CROP_SAMPLES : 0, CROP_SAMPLES);
}

// By enum protocol.
static const struct cut {
    void (*cut)(struct embedder *m, const struct voices_item *item);
    double share; // of one piece in its voice
} cuts[] = {
    [PROTOCOL_FULL] = {cut_whole, 1.0},
    [PROTOCOL_CHEAP] = {cut_crops, 0.5},
};

static int longest_first(const void *a, const void *b)
{
    const struct piece *x = a;
    const struct piece *y = b;
    if (x->n_samples != y->n_samples) {
        return x->n_samples > y->n_samples ? -1 : 1;
    }
    if (x->item.utt != y->item.utt) {
        return x->item.utt < y->item.utt ? -1 : 1;
    }
    return (x->start > y->start) - (x->start < y->start);
}

static void plan_pieces(struct embedder *m)
{
    for (size_t i = 0; i < m->work->n_items; i++) {
        cuts[m->work->protocol].cut(m, &m->work->items[i]);
    }
    qsort(m->pieces, m->n_pieces, sizeof(*m->pieces), longest_first);
}

static void load_samples(struct embedder *m, const struct piece *piece)
{
    struct pack_utt u = utt_of(m, &piece->item);
    uint64_t at = piece->start;
    for (uint32_t i = 0; i < piece->n_samples; i++) {
        m->samples[i] = (float)u.samples[at] * 0x1p-15f;
        at = at + 1 == u.n_samples ? 0 : at + 1;
    }
}

// Embeds pieces first .. first + n - 1, n of them taken so that the batch fits.
static enum err embed_batch(struct embedder *m, size_t first, size_t *n,
                            uint64_t *frames, struct errinfo *why)
{
    int n_frames[VOICES_MAX_UTTS];
    size_t total = 0;
    for (*n = 0; *n < VOICES_MAX_UTTS && first + *n < m->n_pieces; ++*n) {
        const struct piece *piece = &m->pieces[first + *n];
        size_t each = (size_t)fbank_n_frames(piece->n_samples);
        if (total + each > VOICES_MAX_FRAMES) {
            break;
        }
        load_samples(m, piece);
        features_compute(m->front_end, m->samples, piece->n_samples,
                         m->features + total * m->n_mels);
        n_frames[*n] = (int)each;
        total += each;
    }
    struct net_batch batch = {(int)*n, n_frames, m->features};
    net_forward_eval(m->net, &batch, m->embeddings);
    for (size_t i = 0; i < *n; i++) {
        const struct voices_item *item = &m->pieces[first + i].item;
        enum err e = cosine_add(m->voices + item->voice * m->n_embed,
                                m->embeddings + i * m->n_embed, m->n_embed,
                                cuts[m->work->protocol].share);
        if (e != ERR_OK) {
            return err_set(why, e, "the embedding of %s is zero or not finite",
                           utt_of(m, item).id);
        }
    }
    *frames += total;
    return ERR_OK;
}

static enum err embed_all(struct embedder *m, struct errinfo *why)
{
    const struct voices_work *work = m->work;
    uint64_t frames = 0;
    size_t n = 0;
    for (size_t at = 0; at < m->n_pieces; at += n) {
        enum err e = embed_batch(m, at, &n, &frames, why);
        if (e != ERR_OK) {
            return e;
        }
        if (work->progress &&
            !work->progress(work->arg, (double)frames / (double)m->n_frames)) {
            return err_set(why, ERR_CANCELLED, "asked to stop while embedding");
        }
    }
    return ERR_OK;
}

enum err voices_embed(struct net *net, const struct voices_work *work, double *voices,
                      struct errinfo *why)
{
    const struct net_dims *dims = &net_layout(net)->dims;
    size_t n_mels = (size_t)dims->n_mels;
    size_t n_embed = (size_t)dims->n_embed;
    struct embedder m = {
        .net = net,
        .work = work,
        .front_end = features_create(dims),
        .n_mels = n_mels,
        .n_embed = n_embed,
        .pieces = malloc((PIECES_MAX * work->n_items + 1) * sizeof(*m.pieces)),
        .samples = malloc(MAX_SAMPLES * sizeof(float)),
        .features = malloc(VOICES_MAX_FRAMES * n_mels * sizeof(float)),
        .embeddings = malloc(VOICES_MAX_UTTS * n_embed * sizeof(float)),
    };
    m.voices = voices;
    BUG_ON(!m.pieces || !m.samples || !m.features || !m.embeddings);
    plan_pieces(&m);
    enum err e = embed_all(&m, why);
    features_destroy(m.front_end);
    free(m.pieces);
    free(m.samples);
    free(m.features);
    free(m.embeddings);
    return e;
}
