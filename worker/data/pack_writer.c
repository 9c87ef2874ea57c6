// SPDX-License-Identifier: Apache-2.0
// pack_writer.c - see pack_writer.h.
#include "worker/data/pack_writer.h"

#include "common/base/file.h"
#include "worker/data/pack_format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pack_writer {
    struct hash_state hash; // aligned to 64 bytes: first
    char path[FILE_PATH_MAX];
    char tmp[FILE_PATH_MAX];
    FILE *file;
    uint64_t at; // bytes written
    uint64_t n_utts[PACK_PARTS];
    enum pack_part part;     // of the last utterance: they only go up
    struct buf utts;         // struct pack_disk_utt, their speaker still open
    struct buf speaker_at;   // uint32_t per training utterance, into speaker_text
    struct buf speaker_text; // the speaker's name again for every utterance
    struct buf trials;       // struct pack_disk_trial
    struct buf names;        // as on disk
};

// A speaker on the way to its number.
struct class_name {
    const char *name;
    size_t utt; // one utterance of this speaker
};

static enum err write_error(struct pack_writer *w, struct errinfo *why)
{
    char text[128];
    if (strerror_r(errno, text, sizeof(text)) != 0) {
        snprintf(text, sizeof(text), "errno %d", errno);
    }
    return err_set(why, ERR_IO, "cannot write %s: %s", w->tmp, text);
}

static enum err put(struct pack_writer *w, const void *bytes, size_t n,
                    struct errinfo *why)
{
    if (n > 0 && fwrite(bytes, 1, n, w->file) != n) {
        return write_error(w, why);
    }
    hash_add(&w->hash, bytes, n);
    w->at += n;
    return ERR_OK;
}

enum err pack_writer_open(const char *path, struct pack_writer **out,
                          struct errinfo *why)
{
    *out = NULL;
    struct pack_writer *w = calloc(1, sizeof(*w));
    BUG_ON(!w);
    enum err e = file_path(w->path, sizeof(w->path), why, "%s", path);
    if (e == ERR_OK) {
        e = file_path(w->tmp, sizeof(w->tmp), why, "%s.tmp.%ld", path, (long)getpid());
    }
    if (e != ERR_OK) {
        free(w);
        return e;
    }
    w->file = fopen(w->tmp, "wbe");
    if (!w->file) {
        e = write_error(w, why);
        free(w);
        return e;
    }
    hash_init(&w->hash);
    char head[PACK_HEAD_SIZE] = PACK_HEAD;
    e = put(w, head, sizeof(head), why);
    if (e != ERR_OK) {
        pack_writer_abort(w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

static enum err add_name(struct buf *names, const char *name, uint32_t *at,
                         struct errinfo *why)
{
    size_t n = strlen(name) + 1;
    if (names->len + n > UINT32_MAX) {
        return err_set(why, ERR_LIMIT, "the names in a pack exceed 4 GiB");
    }
    *at = (uint32_t)names->len;
    buf_add(names, name, n);
    return ERR_OK;
}

enum err pack_writer_add(struct pack_writer *w, enum pack_part part, const char *id,
                         const char *speaker, const int16_t *samples,
                         uint64_t n_samples, struct errinfo *why)
{
    BUG_ON(part < w->part || (part == PACK_TRAIN) != (speaker != NULL));
    w->part = part;
    struct pack_disk_utt utt = {
        .samples_at = w->at, .n_samples = n_samples, .speaker = -1};
    uint32_t speaker_at = 0;
    enum err e = add_name(&w->names, id, &utt.name_at, why);
    if (e == ERR_OK && speaker) {
        e = add_name(&w->speaker_text, speaker, &speaker_at, why);
        buf_add(&w->speaker_at, &speaker_at, sizeof(speaker_at));
    }
    if (e == ERR_OK) {
        e = put(w, samples, n_samples * sizeof(*samples), why);
    }
    if (e == ERR_OK) {
        buf_add(&w->utts, &utt, sizeof(utt));
        w->n_utts[part]++;
    }
    return e;
}

void pack_writer_add_trial(struct pack_writer *w, uint32_t enroll, uint32_t test,
                           bool is_target)
{
    struct pack_disk_trial t = {enroll, test, is_target};
    buf_add(&w->trials, &t, sizeof(t));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct class_name *)a)->name,
                  ((const struct class_name *)b)->name);
}

static struct class_name *sorted_classes(const struct pack_writer *w, size_t n)
{
    struct class_name *classes = malloc((n + 1) * sizeof(*classes));
    BUG_ON(!classes);
    const uint32_t *at = (const void *)w->speaker_at.data;
    for (size_t i = 0; i < n; i++) {
        classes[i] = (struct class_name){w->speaker_text.data + at[i], i};
    }
    qsort(classes, n, sizeof(*classes), by_name);
    return classes;
}

// Gives every training utterance its class; appends the name_at of each class to
// `speakers`, in the order of the numbers.
static enum err number_speakers(struct pack_writer *w, struct buf *speakers,
                                struct errinfo *why)
{
    size_t n = (size_t)w->n_utts[PACK_TRAIN]; // they come first
    struct class_name *classes = sorted_classes(w, n);
    struct pack_disk_utt *utts = (void *)w->utts.data;
    int32_t number = -1;
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        if (i == 0 || strcmp(classes[i].name, classes[i - 1].name) != 0) {
            uint32_t name_at = 0;
            e = add_name(&w->names, classes[i].name, &name_at, why);
            buf_add(speakers, &name_at, sizeof(name_at));
            number++;
        }
        utts[classes[i].utt].speaker = number;
    }
    free(classes);
    return e;
}

static enum err put_index(struct pack_writer *w, const struct buf *speakers,
                          struct errinfo *why)
{
    static const char zeros[8];
    enum err e = put(w, zeros, (8 - w->at % 8) % 8, why);
    struct pack_disk_trailer t = {
        .n_utts = {w->n_utts[0], w->n_utts[1], w->n_utts[2]},
        .n_speakers = speakers->len / sizeof(uint32_t),
        .n_trials = w->trials.len / sizeof(struct pack_disk_trial),
        .names_size = w->names.len,
        .index_at = w->at,
        .head = PACK_HEAD,
    };
    const struct buf *const tables[] = {&w->utts, speakers, &w->trials, &w->names};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && e == ERR_OK; i++) {
        e = put(w, tables[i]->data, tables[i]->len, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    t.file_size = w->at + sizeof(t);
    struct hash_state check = w->hash;
    hash_add(&check, &t, sizeof(t));
    char hex[HASH_HEX_MAX];
    hash_end(&check, hex);
    memcpy(t.check, hex, sizeof(t.check));
    return put(w, &t, sizeof(t), why);
}

static enum err finish(struct pack_writer *w, struct errinfo *why)
{
    bool ok = fflush(w->file) == 0 && fsync(fileno(w->file)) == 0;
    if (fclose(w->file) != 0) {
        ok = false;
    }
    w->file = NULL;
    if (!ok || rename(w->tmp, w->path) != 0) {
        return write_error(w, why);
    }
    w->tmp[0] = '\0';
    char *slash = strrchr(w->path, '/');
    if (!slash) {
        return file_sync_dir(".", why);
    }
    slash[slash == w->path] = '\0'; // keeps the root's own slash
    return file_sync_dir(w->path, why);
}

enum err pack_writer_commit(struct pack_writer *w, char hash[static HASH_HEX_MAX],
                            uint64_t *size_bytes, struct errinfo *why)
{
    struct buf speakers = BUF_INIT;
    enum err e = number_speakers(w, &speakers, why);
    if (e == ERR_OK) {
        e = put_index(w, &speakers, why);
    }
    buf_fini(&speakers);
    if (e == ERR_OK) {
        hash_end(&w->hash, hash);
        *size_bytes = w->at;
        e = finish(w, why);
    }
    pack_writer_abort(w); // frees; the file has its final name, or goes
    return e;
}

void pack_writer_abort(struct pack_writer *w)
{
    if (!w) {
        return;
    }
    if (w->file) {
        fclose(w->file);
    }
    if (w->tmp[0]) {
        unlink(w->tmp);
    }
    buf_fini(&w->utts);
    buf_fini(&w->speaker_at);
    buf_fini(&w->speaker_text);
    buf_fini(&w->trials);
    buf_fini(&w->names);
    free(w);
}
