// SPDX-License-Identifier: Apache-2.0
// pack.c - see pack.h.
#include "worker/data/pack.h"

#include "worker/data/pack_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct pack {
    const uint8_t *map;
    uint64_t size;
    struct pack_disk_trailer trailer;
    const struct pack_disk_utt *utts; // in the map, as are the others
    const uint32_t *speakers;
    const struct pack_disk_trial *disk_trials;
    const char *names;
    size_t first[PACK_PARTS]; // of each part in utts
    struct pack_trial *trials;
};

static enum err corrupt(struct errinfo *why, const char *what)
{
    return err_set(why, ERR_CORRUPT, "not a whole pack: %s", what);
}

static enum err map_file(const char *path, struct pack *p, struct errinfo *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum err e = errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO;
        return err_set(why, e, "cannot open it: %m");
    }
    struct stat st;
    enum err e = ERR_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        e = corrupt(why, "not a regular file");
    } else if ((uint64_t)st.st_size < PACK_HEAD_SIZE + sizeof(p->trailer)) {
        e = corrupt(why, "too short");
    } else {
        p->size = (uint64_t)st.st_size;
        void *map = mmap(NULL, (size_t)p->size, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
            p->size = 0;
            e = err_set(why, ERR_IO, "cannot map it into memory");
        } else {
            p->map = map;
        }
    }
    close(fd);
    return e;
}

// Takes n items of `each` bytes from the index; false when they do not fit.
static bool take(uint64_t *at, uint64_t end, uint64_t n, uint64_t each)
{
    if (n > (end - *at) / each) {
        return false;
    }
    *at += n * each;
    return true;
}

static enum err place_tables(struct pack *p, struct errinfo *why)
{
    struct pack_disk_trailer *t = &p->trailer;
    BUG_ON(!p->map);
    uint64_t end = p->size - sizeof(*t);
    memcpy(t, p->map + end, sizeof(*t));
    if (memcmp(p->map, PACK_HEAD, sizeof(PACK_HEAD)) != 0) {
        return corrupt(why, "it does not begin like one");
    }
    if (memcmp(t->head, PACK_HEAD, sizeof(PACK_HEAD)) != 0 || t->file_size != p->size) {
        return corrupt(why, "its end is missing");
    }
    uint64_t at = t->index_at;
    if (at % 8 != 0 || at < PACK_HEAD_SIZE || at > end) {
        return corrupt(why, "the index lies outside the file");
    }
    p->utts = (const void *)(p->map + at);
    for (int part = 0; part < PACK_PARTS; part++) {
        p->first[part] = (size_t)((at - t->index_at) / sizeof(*p->utts));
        if (!take(&at, end, t->n_utts[part], sizeof(*p->utts))) {
            return corrupt(why, "more utterances than fit");
        }
    }
    p->speakers = (const void *)(p->map + at);
    if (t->n_speakers > INT32_MAX || !take(&at, end, t->n_speakers, sizeof(uint32_t))) {
        return corrupt(why, "more speakers than fit");
    }
    p->disk_trials = (const void *)(p->map + at);
    if (!take(&at, end, t->n_trials, sizeof(*p->disk_trials))) {
        return corrupt(why, "more trials than fit");
    }
    p->names = (const char *)(p->map + at);
    if (t->names_size != end - at || (t->names_size > 0 && p->map[end - 1] != 0)) {
        return corrupt(why, "the names do not end where the index does");
    }
    return ERR_OK;
}

// The names end with a zero, so each of them does.
static bool is_name(const struct pack *p, uint64_t at)
{
    BUG_ON(!p->names);
    return at < p->trailer.names_size && p->names[at] != '\0';
}

// Samples must lie one utterance after the other, without a gap, up to the index.
static enum err check_utts(const struct pack *p, struct errinfo *why)
{
    const struct pack_disk_trailer *t = &p->trailer;
    uint64_t n = t->n_utts[0] + t->n_utts[1] + t->n_utts[2];
    uint64_t at = PACK_HEAD_SIZE;
    BUG_ON(!p->utts);
    for (uint64_t i = 0; i < n; i++) {
        const struct pack_disk_utt *u = &p->utts[i];
        bool is_train = i < t->n_utts[PACK_TRAIN];
        bool is_class = u->speaker >= 0 && (uint64_t)u->speaker < t->n_speakers;
        if (u->samples_at != at || u->n_samples < PACK_MIN_SAMPLES ||
            u->n_samples > PACK_MAX_SAMPLES ||
            u->n_samples > (t->index_at - at) / sizeof(int16_t)) {
            return corrupt(why, "samples of an utterance lie where they should not");
        }
        if (!is_name(p, u->name_at) || (is_train ? !is_class : u->speaker != -1)) {
            return corrupt(why, "an utterance has no name or a wrong speaker");
        }
        at += u->n_samples * sizeof(int16_t);
    }
    if (t->index_at - at >= 8) {
        return corrupt(why, "bytes that belong to no utterance");
    }
    return ERR_OK;
}

static enum err check_speakers(const struct pack *p, struct errinfo *why)
{
    BUG_ON(!p->speakers);
    for (uint64_t i = 0; i < p->trailer.n_speakers; i++) {
        if (!is_name(p, p->speakers[i])) {
            return corrupt(why, "a speaker has no name");
        }
    }
    return ERR_OK;
}

static enum err copy_trials(struct pack *p, struct errinfo *why)
{
    uint64_t n = p->trailer.n_trials;
    uint64_t n_eval = p->trailer.n_utts[PACK_EVAL];
    p->trials = malloc((size_t)(n + 1) * sizeof(*p->trials));
    if (!p->trials) {
        return err_set(why, ERR_NOMEM, "no memory for %zu trials", (size_t)n);
    }
    BUG_ON(!p->disk_trials);
    for (uint64_t i = 0; i < n; i++) {
        struct pack_disk_trial t = p->disk_trials[i];
        if (t.enroll >= n_eval || t.test >= n_eval || t.is_target > 1) {
            return corrupt(why, "a trial names no utterance");
        }
        p->trials[i] = (struct pack_trial){t.enroll, t.test, t.is_target == 1};
    }
    return ERR_OK;
}

enum err pack_open(const char *path, struct pack **out, struct errinfo *why)
{
    *out = NULL;
    struct pack *p = calloc(1, sizeof(*p));
    BUG_ON(!p);
    enum err e = map_file(path, p, why);
    if (e == ERR_OK) {
        e = place_tables(p, why);
    }
    if (e == ERR_OK) {
        e = check_utts(p, why);
    }
    if (e == ERR_OK) {
        e = check_speakers(p, why);
    }
    if (e == ERR_OK) {
        e = copy_trials(p, why);
    }
    if (e != ERR_OK) {
        pack_close(p);
        return err_prefix(why, e, "%s", path);
    }
    *out = p;
    return ERR_OK;
}

void pack_close(struct pack *p)
{
    if (!p) {
        return;
    }
    if (p->map) {
        munmap((void *)p->map, (size_t)p->size);
    }
    free(p->trials);
    free(p);
}

size_t pack_count(const struct pack *p, enum pack_part part)
{
    return (size_t)p->trailer.n_utts[part];
}

struct pack_utt pack_utt_at(const struct pack *p, enum pack_part part, size_t i)
{
    BUG_ON(i >= p->trailer.n_utts[part]);
    const struct pack_disk_utt *u = &p->utts[p->first[part] + i];
    return (struct pack_utt){
        .id = p->names + u->name_at,
        .part = part,
        .speaker = u->speaker,
        .n_samples = u->n_samples,
        .samples = (const void *)(p->map + u->samples_at),
    };
}

int pack_n_speakers(const struct pack *p)
{
    return (int)p->trailer.n_speakers;
}

const char *pack_speaker_name(const struct pack *p, int speaker)
{
    BUG_ON(speaker < 0 || (uint64_t)speaker >= p->trailer.n_speakers);
    return p->names + p->speakers[speaker];
}

size_t pack_n_trials(const struct pack *p)
{
    return (size_t)p->trailer.n_trials;
}

const struct pack_trial *pack_trials(const struct pack *p)
{
    return p->trials;
}

uint64_t pack_size_bytes(const struct pack *p)
{
    return p->size;
}

enum err pack_verify(const struct pack *p, char hash[static HASH_HEX_MAX],
                     struct errinfo *why)
{
    struct hash_state whole;
    hash_init(&whole);
    hash_add(&whole, p->map, (size_t)(p->size - sizeof(p->trailer)));
    struct hash_state check = whole;
    struct pack_disk_trailer t = p->trailer;
    memset(t.check, 0, sizeof(t.check));
    hash_add(&check, &t, sizeof(t));
    char hex[HASH_HEX_MAX];
    hash_end(&check, hex);
    if (memcmp(hex, p->trailer.check, sizeof(t.check)) != 0) {
        return corrupt(why, "its contents differ from the hash inside");
    }
    hash_add(&whole, &p->trailer, sizeof(p->trailer));
    hash_end(&whole, hash);
    return ERR_OK;
}
