// SPDX-License-Identifier: Apache-2.0
// kaldi.c - see kaldi.h.
#include "worker/data/kaldi.h"

#include "worker/data/lines.h"

#include <string.h>

// "speech.ark:1234": an offset into an archive.
static bool is_archive_place(const char *file)
{
    const char *colon = strrchr(file, ':');
    return colon && colon[1] && colon[1 + strspn(colon + 1, "0123456789")] == '\0';
}

static enum err check_file(const struct lines *l, const char *utt, const char *file,
                           struct errinfo *why)
{
    size_t n = strlen(file);
    if (file[n - 1] == '|' || file[0] == '|') {
        return err_set(
            why, ERR_INPUT,
            "%s:%u: %s is a command (\"%.80s\"): commands are not run; write "
            "the audio to a file and name that",
            l->path, l->number, utt, file);
    }
    if (is_archive_place(file)) {
        return err_set(
            why, ERR_INPUT,
            "%s:%u: %s is a place in an archive (\"%.80s\"): archives are not "
            "read; write the audio to a file and name that",
            l->path, l->number, utt, file);
    }
    if (strcmp(file, "-") == 0) {
        return err_set(why, ERR_INPUT,
                       "%s:%u: %s is the standard input (\"-\"): name a file", l->path,
                       l->number, utt);
    }
    return ERR_OK;
}

static enum err read_wav_scp(struct recordings *r, struct errinfo *why)
{
    struct lines l = {0};
    enum err e = lines_open(&l, r->path, &r->text[0], why);
    for (char *line; e == ERR_OK && (line = lines_next(&l));) {
        char *fields[2];
        if (lines_split_blanks(line, fields, 2) != 2) {
            return err_set(
                why, ERR_INPUT,
                "%s:%u: expected \"utterance file\", there is one field only", l.path,
                l.number);
        }
        e = check_file(&l, fields[0], fields[1], why);
        if (e == ERR_OK) {
            struct recording item = {
                .id = fields[0], .file = fields[1], .split = "", .line = l.number};
            e = recordings_add(r, &item, why);
        }
    }
    if (e == ERR_OK && r->n == 0) {
        e = err_set(why, ERR_INPUT, "%s: lists no recordings", r->path);
    }
    return e;
}

static enum err set_speaker(struct recordings *r, const struct lines *l,
                            const char *const fields[static 2], struct errinfo *why)
{
    // recordings_find lends a constant view of what is ours to change.
    const struct recording *found = recordings_find(r, fields[0]);
    if (!found) {
        return err_set(why, ERR_INPUT, "%s:%u: utterance %s is not in %s", l->path,
                       l->number, fields[0], r->path);
    }
    struct recording *item = &r->items[found - r->items];
    if (item->speaker) {
        return err_set(why, ERR_INPUT,
                       "%s:%u: utterance %s is listed twice; each may be listed once",
                       l->path, l->number, fields[0]);
    }
    item->speaker = fields[1];
    return ERR_OK;
}

static enum err read_utt2spk(struct recordings *r, const char *path,
                             struct errinfo *why)
{
    struct lines l = {0};
    enum err e = lines_open(&l, path, &r->text[1], why);
    for (char *line; e == ERR_OK && (line = lines_next(&l));) {
        char *fields[3];
        if (lines_split_blanks(line, fields, 3) != 2) {
            return err_set(why, ERR_INPUT,
                           "%s:%u: expected two fields, \"utterance speaker\"", l.path,
                           l.number);
        }
        const char *const pair[2] = {fields[0], fields[1]};
        e = set_speaker(r, &l, pair, why);
    }
    for (size_t i = 0; i < r->n && e == ERR_OK; i++) {
        if (!r->items[i].speaker) {
            e = err_set(why, ERR_INPUT, "%s:%u: utterance %s is not in %s", r->path,
                        r->items[i].line, r->items[i].id, path);
        }
    }
    return e;
}

static enum err refuse_segments(const char *dir, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_path(path, sizeof(path), why, "%s/segments", dir);
    if (e == ERR_OK && file_exists(path)) {
        e = err_set(why, ERR_INPUT,
                    "%s: segments are not read; cut the recordings into one file an "
                    "utterance",
                    path);
    }
    return e;
}

enum err kaldi_read(struct recordings *r, const char *dir, struct errinfo *why)
{
    char utt2spk[FILE_PATH_MAX];
    enum err e = file_path(r->path, sizeof(r->path), why, "%s/wav.scp", dir);
    if (e == ERR_OK) {
        e = file_path(utt2spk, sizeof(utt2spk), why, "%s/utt2spk", dir);
    }
    if (e == ERR_OK) {
        e = file_path(r->root, sizeof(r->root), why, "%s", dir);
    }
    if (e == ERR_OK) {
        e = refuse_segments(dir, why);
    }
    if (e == ERR_OK) {
        e = read_wav_scp(r, why);
    }
    if (e == ERR_OK) {
        e = recordings_index(r, why);
    }
    return e == ERR_OK ? read_utt2spk(r, utt2spk, why) : e;
}
