// SPDX-License-Identifier: Apache-2.0
// embed.c - see embed.h.
//
// The pieces to embed (whole utterances, or two crops of each) are sorted by length and
// cut into batches of at most EMBED_MAX_UTTS pieces and EMBED_MAX_FRAMES frames, the
// longest first, so that memory and the estimate of the time left are right early.
#include "worker/score/embed.h"

#include "worker/data/fbank.h"
#include "worker/data/features.h"
#include "worker/score/cosine.h"

#include <stdlib.h>
#include <string.h>

#define CROP_SAMPLES ((size_t)4 * PACK_SAMPLE_RATE)
#define MAX_SAMPLES  ((size_t)(EMBED_MAX_FRAMES - 1) * FBANK_HOP)

// One stretch of an utterance; past the recording's end it goes on from its beginning.
struct piece {
    uint32_t utt;
    uint64_t start;
    uint32_t n_samples;
};

struct embedder {
    struct net *net;
    const struct pack *pack;
    struct features *front_end;
    size_t n_mels, n_embed;
    struct piece *pieces;
    size_t n_pieces;
    double share;      // of one piece in its voice
    uint64_t n_frames; // of all pieces
    double *voices;    // [PACK_EVAL utterances][n_embed]
    float *samples;    // [MAX_SAMPLES]
    float *features;   // [EMBED_MAX_FRAMES][n_mels]
    float *embeddings; // [EMBED_MAX_UTTS][n_embed]
};

static void add_piece(struct embedder *m, uint32_t utt, uint64_t start, size_t n)
{
    m->pieces[m->n_pieces++] = (struct piece){utt, start, (uint32_t)n};
    m->n_frames += (uint64_t)fbank_n_frames(n);
}

static void cut_whole(struct embedder *m, uint32_t utt)
{
    uint64_t n = pack_utt_at(m->pack, PACK_EVAL, utt).n_samples;
    add_piece(m, utt, 0, n < MAX_SAMPLES ? (size_t)n : MAX_SAMPLES);
}

static void cut_crops(struct embedder *m, uint32_t utt)
{
    uint64_t n = pack_utt_at(m->pack, PACK_EVAL, utt).n_samples;
    add_piece(m, utt, 0, CROP_SAMPLES);
    add_piece(m, utt, n > CROP_SAMPLES ? n - CROP_SAMPLES : 0, CROP_SAMPLES);
}

// By enum protocol.
static const struct cut {
    void (*cut)(struct embedder *m, uint32_t utt);
    double share;
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
    if (x->utt != y->utt) {
        return x->utt < y->utt ? -1 : 1;
    }
    return (x->start > y->start) - (x->start < y->start);
}

// Pieces of every utterance that a trial names.
static void plan_pieces(struct embedder *m, enum protocol protocol)
{
    size_t n = pack_count(m->pack, PACK_EVAL);
    const struct pack_trial *trials = pack_trials(m->pack);
    bool *is_named = calloc(n + 1, sizeof(*is_named));
    m->pieces = malloc((2 * n + 1) * sizeof(*m->pieces));
    BUG_ON(!is_named || !m->pieces);
    for (size_t i = 0; i < pack_n_trials(m->pack); i++) {
        is_named[trials[i].enroll] = true;
        is_named[trials[i].test] = true;
    }
    m->share = cuts[protocol].share;
    for (size_t i = 0; i < n; i++) {
        if (is_named[i]) {
            cuts[protocol].cut(m, (uint32_t)i);
        }
    }
    free(is_named);
    qsort(m->pieces, m->n_pieces, sizeof(*m->pieces), longest_first);
}

static void load_samples(struct embedder *m, const struct piece *piece)
{
    struct pack_utt u = pack_utt_at(m->pack, PACK_EVAL, piece->utt);
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
    int n_frames[EMBED_MAX_UTTS];
    size_t total = 0;
    for (*n = 0; *n < EMBED_MAX_UTTS && first + *n < m->n_pieces; ++*n) {
        const struct piece *piece = &m->pieces[first + *n];
        size_t each = (size_t)fbank_n_frames(piece->n_samples);
        if (total + each > EMBED_MAX_FRAMES) {
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
        uint32_t utt = m->pieces[first + i].utt;
        enum err e = cosine_add(m->voices + utt * m->n_embed,
                                m->embeddings + i * m->n_embed, m->n_embed, m->share);
        if (e != ERR_OK) {
            return err_set(why, e, "the embedding of %s is zero or not finite",
                           pack_utt_at(m->pack, PACK_EVAL, utt).id);
        }
    }
    *frames += total;
    return ERR_OK;
}

static enum err embed_all(struct embedder *m, embed_progress_fn *progress, void *arg,
                          struct errinfo *why)
{
    uint64_t frames = 0;
    size_t n = 0;
    for (size_t at = 0; at < m->n_pieces; at += n) {
        enum err e = embed_batch(m, at, &n, &frames, why);
        if (e != ERR_OK) {
            return e;
        }
        if (progress && !progress(arg, (double)frames / (double)m->n_frames)) {
            return err_set(why, ERR_CANCELLED, "asked to stop while embedding");
        }
    }
    return ERR_OK;
}

static enum err score_all(const struct embedder *m, double *scores, struct metrics *out,
                          struct errinfo *why)
{
    size_t n = pack_n_trials(m->pack);
    const struct pack_trial *trials = pack_trials(m->pack);
    double *all = scores ? scores : malloc((n + 1) * sizeof(*all));
    bool *is_target = malloc((n + 1) * sizeof(*is_target));
    BUG_ON(!all || !is_target);
    for (size_t i = 0; i < n; i++) {
        all[i] = cosine_score(m->voices + trials[i].enroll * m->n_embed,
                              m->voices + trials[i].test * m->n_embed, m->n_embed);
        is_target[i] = trials[i].is_target;
    }
    enum err e = metrics_compute(all, is_target, n, out, why);
    free(is_target);
    if (!scores) {
        free(all);
    }
    return e;
}

static void embedder_init(struct embedder *m, struct net *net, const struct pack *pack)
{
    const struct net_dims *dims = &net_layout(net)->dims;
    size_t n_mels = (size_t)dims->n_mels;
    size_t n_embed = (size_t)dims->n_embed;
    *m = (struct embedder){
        .net = net,
        .pack = pack,
        .front_end = features_create(dims),
        .n_mels = n_mels,
        .n_embed = n_embed,
        .voices = calloc(pack_count(pack, PACK_EVAL) * n_embed + 1, sizeof(double)),
        .samples = malloc(MAX_SAMPLES * sizeof(float)),
        .features = malloc(EMBED_MAX_FRAMES * n_mels * sizeof(float)),
        .embeddings = malloc(EMBED_MAX_UTTS * n_embed * sizeof(float)),
    };
    BUG_ON(!m->voices || !m->samples || !m->features || !m->embeddings);
}

static void embedder_fini(struct embedder *m)
{
    features_destroy(m->front_end);
    free(m->pieces);
    free(m->voices);
    free(m->samples);
    free(m->features);
    free(m->embeddings);
}

// NOLINTNEXTLINE(readability-function-size): a callback counts as two
enum err embed_score_trials(struct net *net, const struct pack *pack,
                            enum protocol protocol, embed_progress_fn *progress,
                            void *arg, double *scores, struct metrics *out,
                            struct errinfo *why)
{
    if (pack_n_trials(pack) == 0) {
        return err_set(why, ERR_INPUT, "the pack holds no trials to score");
    }
    struct embedder m;
    embedder_init(&m, net, pack);
    plan_pieces(&m, protocol);
    enum err e = embed_all(&m, progress, arg, why);
    if (e == ERR_OK) {
        e = score_all(&m, scores, out, why);
    }
    embedder_fini(&m);
    return e;
}
