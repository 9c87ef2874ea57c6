// SPDX-License-Identifier: Apache-2.0
// scrub.c - see scrub.h.
#include "coordinator/keep/scrub.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/blob/retire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct known { // read, and right as of that time of the file
    char hash[HASH_HEX_MAX];
    int64_t modified_ns;
};

struct scrub {
    uv_loop_t *loop;
    char blob_dir[FILE_PATH_MAX];
    void *arg;
    void (*read)(void *arg, const char *hash, bool is_damaged);
    uv_timer_t timer;
    uv_work_t work;
    bool is_working, is_timer_closed, is_stopping;

    struct known *known;
    size_t n_known;
    struct map places; // of `known`, by the first bits of the hash

    char wants[SCRUB_WANTS_MAX][HASH_HEX_MAX];
    size_t n_wants;
    char (*pass)[HASH_HEX_MAX]; // what is left of the pass, from the end
    size_t n_pass;

    // Of the job in flight.
    struct known job; // hash "": lists the folder for a new pass
    bool is_wanted;
    int64_t began_ms;
    enum err code;
    struct errinfo why;
};

// ---- what is known

static uint64_t key_of(const char *hash)
{
    char digits[17];
    snprintf(digits, sizeof(digits), "%.16s", hash);
    return strtoull(digits, NULL, 16);
}

static struct known *find(const struct scrub *s, const char *hash)
{
    size_t at = 0;
    bool is_there = map_get(&s->places, key_of(hash), &at);
    return is_there && strcmp(s->known[at].hash, hash) == 0 ? &s->known[at] : NULL;
}

static void remember(struct scrub *s, const struct known *k)
{
    struct known *at = find(s, k->hash);
    if (!at) {
        s->known = realloc(s->known, (s->n_known + 1) * sizeof(*s->known));
        BUG_ON(!s->known);
        map_put(&s->places, key_of(k->hash), s->n_known);
        at = &s->known[s->n_known++];
    }
    *at = *k;
}

// 0: it is not there.
static int64_t time_of(const char *blob_dir, const char *hash)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    if (file_path(path, sizeof(path), NULL, "%s/%s", blob_dir, hash) != ERR_OK ||
        stat(path, &st) != 0) {
        return 0;
    }
    return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

bool scrub_is_verified(const struct scrub *s, const char *hash)
{
    const struct known *k = find(s, hash);
    return k && k->modified_ns == time_of(s->blob_dir, hash);
}

// ---- on the pool

static bool add_to_pass(void *arg, const struct blob_entry *entry)
{
    struct scrub *s = arg;
    s->pass = realloc(s->pass, (s->n_pass + 1) * sizeof(*s->pass));
    BUG_ON(!s->pass);
    memcpy(s->pass[s->n_pass++], entry->hash, HASH_HEX_MAX);
    return true;
}

// The time first: a file that changes meanwhile is read again later.
static enum err read_one(struct scrub *s, struct blob_store *blobs)
{
    s->job.modified_ns = time_of(s->blob_dir, s->job.hash);
    enum err e = blob_verify(blobs, s->job.hash, &s->why);
    if (e != ERR_CORRUPT) {
        return e;
    }
    struct errinfo why = {0};
    e = blob_quarantine(blobs, s->job.hash, &why);
    if (e != ERR_OK && e != ERR_NOTFOUND) {
        log_warn("artifact.in_the_way", "hash=%s why=\"%s\"", s->job.hash, why.text);
    }
    return ERR_CORRUPT;
}

static void on_pool(uv_work_t *work)
{
    struct scrub *s = work->data;
    struct blob_store *blobs = NULL;
    s->code = blob_store_open(s->blob_dir, NULL, &blobs, &s->why);
    if (s->code == ERR_OK) {
        s->code = s->job.hash[0] ? read_one(s, blobs)
                                 : blob_each(blobs, add_to_pass, s, &s->why);
    }
    blob_store_close(blobs);
}

// ---- on the loop

static void on_timer(uv_timer_t *timer);

static void wait_ms(struct scrub *s, int64_t ms)
{
    BUG_ON(uv_timer_start(&s->timer, on_timer, (uint64_t)ms, 0) != 0);
}

static void take_in(struct scrub *s)
{
    if (s->code == ERR_OK) {
        remember(s, &s->job);
    } else if (s->code == ERR_CORRUPT) {
        log_error("artifact.damaged", "hash=%s why=\"%s\"", s->job.hash, s->why.text);
    } else if (s->code != ERR_NOTFOUND) {
        log_warn("artifact.unread", "hash=%s code=%s why=\"%s\"", s->job.hash,
                 err_name(s->code), s->why.text);
    }
    if (s->code == ERR_CORRUPT || s->is_wanted) {
        s->read(s->arg, s->job.hash, s->code == ERR_CORRUPT);
    }
}

static void after_work(uv_work_t *work, int status)
{
    struct scrub *s = work->data;
    (void)status; // never cancelled
    s->is_working = false;
    if (s->is_stopping) {
        return;
    }
    if (s->job.hash[0]) {
        take_in(s);
    }
    int64_t worked_ms = clock_mono_ms() - s->began_ms;
    bool is_pass_over = s->n_pass == 0;
    wait_ms(s, s->n_wants > 0 ? 0
               : is_pass_over ? SCRUB_PASS_MS
                              : SCRUB_RESTS * (worked_ms + 1));
}

static void start(struct scrub *s, const char *hash, bool is_wanted)
{
    s->job = (struct known){0};
    snprintf(s->job.hash, sizeof(s->job.hash), "%s", hash);
    s->is_wanted = is_wanted;
    s->is_working = true;
    s->began_ms = clock_mono_ms();
    BUG_ON(uv_queue_work(s->loop, &s->work, on_pool, after_work) != 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct scrub *s = timer->data;
    if (s->is_working) {
        return;
    }
    if (s->n_wants > 0) {
        char hash[HASH_HEX_MAX];
        memcpy(hash, s->wants[0], sizeof(hash));
        memmove(s->wants[0], s->wants[1], --s->n_wants * sizeof(s->wants[0]));
        start(s, hash, true);
    } else if (s->n_pass > 0) {
        start(s, s->pass[--s->n_pass], false);
    } else {
        start(s, "", false);
    }
}

static bool is_waiting(const struct scrub *s, const char *hash)
{
    for (size_t i = 0; i < s->n_wants; i++) {
        if (strcmp(s->wants[i], hash) == 0) {
            return true;
        }
    }
    return s->is_working && s->is_wanted && strcmp(s->job.hash, hash) == 0;
}

bool scrub_want(struct scrub *s, const char *hash)
{
    if (is_waiting(s, hash)) {
        return true;
    }
    if (s->n_wants == SCRUB_WANTS_MAX) {
        return false;
    }
    snprintf(s->wants[s->n_wants++], HASH_HEX_MAX, "%s", hash);
    if (!s->is_working) {
        wait_ms(s, 0);
    }
    return true;
}

enum err scrub_create(const struct scrub_setup *setup, struct scrub **out,
                      struct errinfo *why)
{
    struct scrub *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    s->loop = setup->loop;
    s->arg = setup->arg;
    s->read = setup->read;
    s->places = (struct map)MAP_INIT;
    enum err e =
        file_path(s->blob_dir, sizeof(s->blob_dir), why, "%s", setup->blob_dir);
    if (e != ERR_OK) {
        free(s);
        return e;
    }
    BUG_ON(uv_timer_init(s->loop, &s->timer) != 0);
    s->timer.data = s->work.data = s;
    wait_ms(s, SCRUB_FIRST_MS);
    *out = s;
    return ERR_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    ((struct scrub *)handle->data)->is_timer_closed = true;
}

void scrub_destroy(struct scrub *s)
{
    if (!s) {
        return;
    }
    s->is_stopping = true;
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
    while (s->is_working || !s->is_timer_closed) {
        uv_run(s->loop, UV_RUN_ONCE);
    }
    map_fini(&s->places);
    free(s->known);
    free(s->pass);
    free(s);
}
