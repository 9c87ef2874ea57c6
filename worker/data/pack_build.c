// SPDX-License-Identifier: Apache-2.0
// pack_build.c - see pack_build.h.
#include "worker/data/pack_build.h"

#include "worker/data/corpus.h"
#include "worker/data/decode.h"
#include "worker/data/pack_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD_NAMED_MAX 20
#define DROPPED       UINT32_MAX

struct build {
    const struct study_data *data;
    const struct pack_build_options *options;
    struct corpus corpus;
    struct pack_writer *writer; // NULL when only checking
    uint32_t *eval_number;      // [n_eval]: place in the pack, or DROPPED
    uint64_t n_samples;
    const char **speakers; // of the training utterances kept, to count them
    struct errinfo first_bad;
    struct pack_report *report;
};

PRINTF(2, 3) static void say(const struct build *b, const char *format, ...)
{
    if (!b->options->say) {
        return;
    }
    char line[ERRINFO_MAX + FILE_PATH_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    b->options->say(b->options->arg, line);
}

// The count goes up; what becomes of it is decided when all were looked at.
static void note_bad(struct build *b, const struct corpus_item *item,
                     const struct errinfo *reason)
{
    size_t n = ++b->report->n_bad_files;
    if (n == 1) {
        err_set(&b->first_bad, reason->code, "%s: %s", item->id, reason->text);
    }
    if (b->data->skip_bad_files) {
        say(b, "skipped %s: %s", item->id, reason->text);
    } else if (n <= BAD_NAMED_MAX) {
        say(b, "bad file %s: %s", item->id, reason->text);
    } else if (n == BAD_NAMED_MAX + 1) {
        say(b, "and more");
    }
}

static void count_kept(struct build *b, size_t i, size_t n_samples)
{
    struct pack_report *r = b->report;
    const struct corpus_item *item = &b->corpus.items[i];
    switch (item->part) {
    case PACK_TRAIN: b->speakers[r->n_train_utts++] = item->speaker; break;
    case PACK_EVAL:
        b->eval_number[i - b->corpus.n_train] = (uint32_t)r->n_eval_utts++;
        break;
    case PACK_NOISE: r->n_noise++; break;
    }
    b->n_samples += n_samples;
}

// With bad files that may not be skipped, the rest is still looked at but not written.
static enum err keep(struct build *b, size_t i, const struct audio *audio,
                     struct errinfo *why)
{
    const struct corpus_item *item = &b->corpus.items[i];
    count_kept(b, i, audio->n_samples);
    bool is_lost = b->report->n_bad_files > 0 && !b->data->skip_bad_files;
    if (!b->writer || is_lost) {
        return ERR_OK;
    }
    return pack_writer_add(b->writer, item->part, item->id, item->speaker,
                           audio->samples, audio->n_samples, why);
}

// What is wrong with one file; the rest (no memory, a failing disk) ends the build.
static bool is_bad_file(enum err e)
{
    return e == ERR_INPUT || e == ERR_LIMIT || e == ERR_NOTFOUND || e == ERR_IO;
}

static enum err decode_all(struct build *b, struct errinfo *why)
{
    size_t n = corpus_n_items(&b->corpus);
    struct decoder_pool *pool = NULL;
    enum err e = decoder_pool_start(&b->corpus, b->options->n_threads, &pool, why);
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        struct audio audio;
        struct errinfo reason = {0};
        e = decoder_pool_next(pool, &audio, &reason);
        if (e == ERR_OK) {
            e = keep(b, i, &audio, why);
        } else if (is_bad_file(e)) {
            note_bad(b, &b->corpus.items[i], &reason);
            e = ERR_OK;
        } else {
            e = err_set(why, e, "%s: %s", b->corpus.items[i].id, reason.text);
        }
        audio_fini(&audio);
        if (b->options->progress) {
            b->options->progress(b->options->arg, i + 1, n);
        }
    }
    decoder_pool_stop(pool);
    return e;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_speakers(const char **speakers, size_t n)
{
    qsort(speakers, n, sizeof(*speakers), by_bytes);
    size_t n_different = n > 0;
    for (size_t i = 1; i < n; i++) {
        n_different += strcmp(speakers[i], speakers[i - 1]) != 0;
    }
    return n_different;
}

// Trials whose two recordings were kept; counts both kinds of them.
static void take_trials(struct build *b, size_t n_of_kind[static 2])
{
    n_of_kind[0] = n_of_kind[1] = 0;
    for (size_t i = 0; i < b->corpus.trial_list.n; i++) {
        const struct pack_trial *t = &b->corpus.trials[i];
        uint32_t enroll = b->eval_number[t->enroll];
        uint32_t test = b->eval_number[t->test];
        if (enroll == DROPPED || test == DROPPED) {
            b->report->n_dropped_trials++;
            continue;
        }
        n_of_kind[t->is_target]++;
        if (b->writer) {
            pack_writer_add_trial(b->writer, enroll, test, t->is_target);
        }
    }
    b->report->n_trials = n_of_kind[0] + n_of_kind[1];
}

// Everything was decoded: is what is left enough?
static enum err settle(struct build *b, struct errinfo *why)
{
    struct pack_report *r = b->report;
    if (r->n_bad_files > 0 && !b->data->skip_bad_files) {
        return err_set(
            why, ERR_INPUT,
            "%zu of %zu files cannot be used, the first is %s (bad_files: skip "
            "leaves such files out)",
            r->n_bad_files, corpus_n_items(&b->corpus), b->first_bad.text);
    }
    size_t n_of_kind[2];
    take_trials(b, n_of_kind);
    if (r->n_dropped_trials > 0) {
        say(b, "dropped %zu of %zu trials that name skipped files", r->n_dropped_trials,
            b->corpus.trial_list.n);
    }
    bool has_trials = b->corpus.trial_list.n > 0;
    if (has_trials && (n_of_kind[0] == 0 || n_of_kind[1] == 0)) {
        return err_set(why, ERR_INPUT,
                       "%s: without the skipped files %zu target and %zu non-target "
                       "trials are left; error rates need both",
                       b->corpus.trial_list.path, n_of_kind[1], n_of_kind[0]);
    }
    r->n_train_speakers = count_speakers(b->speakers, r->n_train_utts);
    if (r->n_train_speakers < 2) {
        return err_set(why, ERR_INPUT,
                       "without the skipped files %zu training speakers are left; "
                       "training needs two or more",
                       r->n_train_speakers);
    }
    r->seconds = (double)b->n_samples / PACK_SAMPLE_RATE;
    return ERR_OK;
}

static enum err build(struct build *b, const char *path, struct errinfo *why)
{
    b->eval_number = malloc((b->corpus.n_eval + 1) * sizeof(*b->eval_number));
    b->speakers = malloc((b->corpus.n_train + 1) * sizeof(*b->speakers));
    BUG_ON(!b->eval_number || !b->speakers);
    for (size_t i = 0; i < b->corpus.n_eval; i++) {
        b->eval_number[i] = DROPPED;
    }
    enum err e = ERR_OK;
    if (path) {
        e = pack_writer_open(path, &b->writer, why);
    }
    if (e == ERR_OK) {
        e = decode_all(b, why);
    }
    if (e == ERR_OK) {
        e = settle(b, why);
    }
    if (e == ERR_OK && b->writer) {
        struct pack_writer *w = b->writer;
        b->writer = NULL;
        e = pack_writer_commit(w, b->report->hash, &b->report->size_bytes, why);
    }
    return e;
}

enum err pack_build(const struct study_data *data, const char *path,
                    const struct pack_build_options *options,
                    struct pack_report *report, struct errinfo *why)
{
    *report = (struct pack_report){0};
    struct build b = {.data = data, .options = options, .report = report};
    enum err e = corpus_open(&b.corpus, data, why);
    if (e != ERR_OK) {
        return e;
    }
    e = build(&b, path, why);
    pack_writer_abort(b.writer);
    free(b.eval_number);
    free(b.speakers);
    corpus_close(&b.corpus);
    return e;
}
