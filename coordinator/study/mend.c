// SPDX-License-Identifier: Apache-2.0
// mend.c - see mend.h.
#include "coordinator/study/mend.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "coordinator/study/beside.h"
#include "coordinator/study/train_round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mending {
    struct driver *d;
    struct tracked *t;
    struct study_row row;
    char *error; // LIMIT_TEXT bytes
    bool has_acted;
    struct errinfo *why;
};

static bool is_missing(const struct driver *d, const char *hash)
{
    return hash[0] != '\0' && !blob_has(d->blobs, hash);
}

static enum err give_up(struct mending *m, const char *what, const char *hash,
                        const char *reason)
{
    snprintf(
        m->error, LIMIT_TEXT,
        "%s is damaged or missing and cannot be made again (%s): restore %s/%s from "
        "a backup, then add the study again",
        what, reason, blob_store_dir(m->d->blobs), hash);
    return ERR_OK;
}

// It is being made again.
static void note_lost(struct mending *m, const char *hash)
{
    m->has_acted = true;
    memcpy(m->t->lost, hash, sizeof(m->t->lost));
}

// ---- settings, pack

static enum err mend_conf(struct mending *m)
{
    char hash[HASH_HEX_MAX];
    struct buf yaml = BUF_INIT;
    study_print(m->t->conf, &yaml);
    enum err e = blob_put_bytes(m->d->blobs, yaml.data, yaml.len, hash, m->why);
    buf_fini(&yaml);
    if (e == ERR_OK && strcmp(hash, m->row.conf) != 0) {
        return give_up(m, "the resolved study file", m->row.conf,
                       "an earlier version wrote it");
    }
    if (e == ERR_OK) {
        log_warn("study.mended", "study=%s what=settings", m->row.name);
    }
    return e;
}

// Starts the packer, or takes in how it ended.
static enum err mend_pack(struct mending *m)
{
    struct tracked *t = m->t;
    note_lost(m, m->row.pack);
    if (t->pack_again[0]) {
        return give_up(m, "the pack of recordings", m->row.pack, t->pack_again);
    }
    bool is_resting = t->slot.retry_at_ms > clock_mono_ms();
    if (t->slot.state != PLAN_JOB_RUNNING && !is_resting) {
        log_warn("study.mending", "study=%s what=pack", m->row.name);
        beside_pack_again(m->d, t, &m->row);
    }
    return ERR_OK;
}

// ---- weights

struct round {
    struct task_row *shards;
    uint32_t n;
};

static enum err load_round(struct mending *m, uint32_t stage, uint32_t round,
                           struct round *out)
{
    struct study_row at = m->row;
    at.stage = stage;
    at.round = round;
    return gather_shards(m->d, &at, &out->shards, &out->n, m->why);
}

static bool is_whole(const struct round *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->shards[i].state != TASK_DONE) {
            return false;
        }
    }
    return r->n > 0;
}

static bool has_made(const struct study_row *row, const struct round *r)
{
    const struct task_row *first = &r->shards[0];
    return first->stage != row->stage ||
           train_round_end(&first->spec.train) == row->position;
}

// The round that made the newest weights: the last one before the present round all of
// whose shards came back, and that ended where the study stands. n 0: none.
static enum err find_maker(struct mending *m, struct round *out)
{
    uint32_t stage = m->row.stage;
    uint32_t end = m->row.round;
    for (;;) {
        while (end > 0) {
            enum err e = load_round(m, stage, --end, out);
            if (e != ERR_OK || (is_whole(out) && has_made(&m->row, out))) {
                return e;
            }
            free(out->shards);
            *out = (struct round){0};
        }
        if (stage-- == 0) {
            return ERR_OK;
        }
        enum err e = task_count_rounds(m->d->store, m->row.id, stage, &end, m->why);
        if (e != ERR_OK) {
            return e;
        }
    }
}

static bool all_there(const struct mending *m, const struct round *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (is_missing(m->d, r->shards[i].result.train.checkpoint)) {
            return false;
        }
    }
    return true;
}

// Back to where that round began, under a number.
static enum err go_back(struct mending *m, const struct task_row *first, uint32_t round)
{
    m->row.state = STUDY_TRAINING;
    m->row.stage = first->stage;
    m->row.round = round;
    m->row.position = first->spec.train.position;
    memcpy(m->row.checkpoint, first->spec.checkpoint, sizeof(m->row.checkpoint));
    return study_row_update(m->d->store, &m->row, m->why);
}

struct open_rounds {
    uint64_t ids[STUDY_SHARDS_MAX];
    size_t n;
};

static bool add_open_round(void *arg, const struct task_row *row)
{
    struct open_rounds *open = arg;
    bool is_open = row->state == TASK_READY || row->state == TASK_LEASED;
    if (is_open && row->spec.kind == TASK_TRAIN) {
        BUG_ON(open->n >= STUDY_SHARDS_MAX);
        open->ids[open->n++] = row->id;
    }
    return true;
}

// What the present round still has out is of no use any more.
static enum err cancel_round(struct mending *m)
{
    struct open_rounds open = {.n = 0};
    enum err e = task_each_of_round(m->d->store, m->row.id, m->row.stage, m->row.round,
                                    add_open_round, &open, m->why);
    for (size_t i = 0; i < open.n && e == ERR_OK; i++) {
        e = task_cancel(m->d->store, open.ids[i], m->why);
    }
    if (open.n > 0 && m->d->hooks.tasks_cancelled) {
        m->d->hooks.tasks_cancelled(m->d->hooks.arg);
    }
    return e;
}

// Under the stage's next number, so that what is stored of that round stays as it is.
static enum err train_again(struct mending *m, const struct task_row *first)
{
    uint32_t round = 0;
    enum err e = cancel_round(m);
    if (e == ERR_OK) {
        e = task_count_rounds(m->d->store, m->row.id, first->stage, &round, m->why);
    }
    return e == ERR_OK ? go_back(m, first, round) : e;
}

// The merge gives the very same weights, so tasks that wait for them stay; where a
// stage ends in between, it is begun anew.
static enum err merge_again(struct mending *m, const struct task_row *first)
{
    enum err e = first->stage == m->row.stage ? ERR_OK : cancel_round(m);
    return e == ERR_OK ? go_back(m, first, first->round) : e;
}

static bool is_round_before(const struct study_row *row, const struct task_row *first)
{
    return first->stage != row->stage || first->round + 1 == row->round;
}

static enum err mend_from(struct mending *m, const struct round *maker)
{
    const struct task_row *first = maker->n > 0 ? &maker->shards[0] : NULL;
    if (!first || is_missing(m->d, first->spec.checkpoint)) {
        return give_up(m, "the newest weights", m->row.checkpoint,
                       "what they were made from is gone, too");
    }
    bool is_merged_again =
        maker->n > 1 && all_there(m, maker) && is_round_before(&m->row, first);
    log_warn("study.mending", "study=%s what=weights stage=%u round=%u by=%s",
             m->row.name, first->stage, first->round,
             is_merged_again ? "merging" : "training");
    note_lost(m, m->row.checkpoint);
    return is_merged_again ? merge_again(m, first) : train_again(m, first);
}

static enum err mend_checkpoint(struct mending *m)
{
    struct round maker = {0};
    enum err e = find_maker(m, &maker);
    if (e == ERR_OK) {
        e = mend_from(m, &maker);
    }
    free(maker.shards);
    return e;
}

// Shards of the present round that came back and are gone.
static enum err mend_shards(struct mending *m)
{
    struct round now = {0};
    enum err e = load_round(m, m->row.stage, m->row.round, &now);
    bool is_lost = false;
    for (uint32_t i = 0; i < now.n; i++) {
        is_lost |= now.shards[i].has_result &&
                   is_missing(m->d, now.shards[i].result.train.checkpoint);
    }
    if (e == ERR_OK && is_lost) {
        log_warn("study.mending", "study=%s what=shards stage=%u round=%u by=training",
                 m->row.name, m->row.stage, m->row.round);
        m->has_acted = true;
        e = train_again(m, &now.shards[0]);
    }
    free(now.shards);
    return e;
}

// ---- all of it

static bool has_weights(const struct study_row *row, const struct study_conf *conf)
{
    return !study_is_surrogate(conf) && row->state != STUDY_PACKING;
}

static enum err mend_row(struct mending *m)
{
    const struct study_row *row = &m->row;
    if (is_missing(m->d, row->conf)) {
        enum err e = mend_conf(m);
        if (e != ERR_OK || m->error[0]) {
            return e;
        }
    }
    if (!has_weights(row, m->t->conf)) {
        return is_missing(m->d, row->predictor)
                   ? give_up(m, "the predictor", row->predictor, "it was given")
                   : ERR_OK;
    }
    if (is_missing(m->d, row->pack)) {
        return mend_pack(m);
    }
    if (is_missing(m->d, row->checkpoint)) {
        return mend_checkpoint(m);
    }
    return row->state == STUDY_TRAINING ? mend_shards(m) : ERR_OK;
}

bool mend_is_due(const struct driver *d, const struct tracked *t)
{
    return t->is_suspect || is_missing(d, t->lost);
}

enum err mend_study(struct driver *d, struct tracked *t, char error[static LIMIT_TEXT],
                    struct errinfo *why)
{
    struct mending m = {.d = d, .t = t, .error = error, .why = why};
    error[0] = '\0';
    enum err e = study_row_get(d->store, t->id, &m.row);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read study %llu", (unsigned long long)t->id);
    }
    if (t->slot.state == PLAN_JOB_DONE && is_missing(d, t->slot.artifact)) {
        tracked_reset_slot(t); // what the job brought is lost before it was adopted
    }
    if (!tracked_is_over(m.row.state)) {
        e = mend_row(&m);
    }
    // What was done may yet be rolled back: it looks again until there is nothing to
    // do.
    t->is_suspect = e != ERR_OK || m.has_acted;
    return e;
}
