// SPDX-License-Identifier: Apache-2.0
// sweep.c - see sweep.h.
#include "coordinator/study/sweep.h"

#include "common/base/log.h"
#include "coordinator/store/trial.h"

#include <stdlib.h>
#include <string.h>

struct hash_list {
    char (*hashes)[HASH_HEX_MAX];
    size_t n, cap;
};

static bool holds(const struct hash_list *l, const char *hash)
{
    // From the end: neighbours in the store mostly have the same weights.
    for (size_t i = l->n; i-- > 0;) {
        if (strcmp(l->hashes[i], hash) == 0) {
            return true;
        }
    }
    return false;
}

static void add(struct hash_list *l, const char *hash)
{
    if (hash[0] == '\0' || holds(l, hash)) {
        return;
    }
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->hashes = realloc(l->hashes, l->cap * sizeof(*l->hashes));
        BUG_ON(!l->hashes);
    }
    memcpy(l->hashes[l->n++], hash, HASH_HEX_MAX);
}

static bool add_of_task(void *arg, const struct task_row *row)
{
    add(arg, row->spec.checkpoint);
    if (row->has_result) {
        add(arg, row->result.train.checkpoint);
    }
    return true;
}

static bool add_of_trial(void *arg, const struct trial_row *row)
{
    add(arg, row->checkpoint);
    return true;
}

// ---- what is over

static bool is_before(const struct tracked *t, const struct study_row *study)
{
    return t->swept_stage < study->stage ||
           (t->swept_stage == study->stage && t->swept_round < study->round);
}

// A stage without a round of that number has ended: on to the next one.
static enum err collect_ended(struct driver *d, struct tracked *t,
                              const struct study_row *study, struct hash_list *old,
                              struct errinfo *why)
{
    while (is_before(t, study)) {
        struct hash_list round = {0};
        enum err e = task_each_of_round(d->store, study->id, t->swept_stage,
                                        t->swept_round, add_of_task, &round, why);
        for (size_t i = 0; i < round.n; i++) {
            add(old, round.hashes[i]);
        }
        free(round.hashes);
        if (e != ERR_OK) {
            return e;
        }
        if (round.n > 0 || t->swept_stage == study->stage) {
            t->swept_round++;
        } else {
            t->swept_stage++;
            t->swept_round = 0;
        }
    }
    return ERR_OK;
}

// ---- what is needed

struct study_list {
    struct study_row *rows;
    size_t n;
};

static bool add_study(void *arg, const struct study_row *row)
{
    struct study_list *l = arg;
    l->rows = realloc(l->rows, (l->n + 1) * sizeof(*l->rows)); // a handful
    BUG_ON(!l->rows);
    l->rows[l->n++] = *row;
    return true;
}

static enum err collect_needed_by(struct driver *d, const struct study_row *study,
                                  struct hash_list *needed, struct errinfo *why)
{
    add(needed, study->checkpoint);
    enum err e = trial_each(d->store, study->id, 0, add_of_trial, needed, why);
    if (e == ERR_OK) {
        e = task_each_of_round(d->store, study->id, study->stage, study->round,
                               add_of_task, needed, why);
    }
    return e;
}

// Of all studies: two that are configured alike may have the very same weights.
static enum err collect_needed(struct driver *d, struct hash_list *needed,
                               struct errinfo *why)
{
    struct study_list studies = {0};
    enum err e = study_row_each(d->store, add_study, &studies, why);
    for (size_t i = 0; i < studies.n && e == ERR_OK; i++) {
        e = collect_needed_by(d, &studies.rows[i], needed, why);
    }
    free(studies.rows);
    return e;
}

static void remove_all(struct driver *d, const struct hash_list *old,
                       const struct hash_list *needed)
{
    for (size_t i = 0; i < old->n; i++) {
        if (holds(needed, old->hashes[i])) {
            continue;
        }
        struct errinfo why = {0};
        enum err e = blob_remove(d->blobs, old->hashes[i], &why);
        if (e == ERR_OK) {
            log_debug("checkpoint.removed", "hash=%s", old->hashes[i]);
        } else if (e != ERR_NOTFOUND) { // costs disk, nothing else
            log_warn("checkpoint.kept", "hash=%s error=\"%s\"", old->hashes[i],
                     why.text);
        }
    }
}

enum err sweep_study(struct driver *d, struct tracked *t, struct errinfo *why)
{
    BUG_ON(store_in_transaction(d->store));
    struct study_row study;
    enum err e = study_row_get(d->store, t->id, &study);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read study %llu", (unsigned long long)t->id);
    }
    struct hash_list old = {0};
    struct hash_list needed = {0};
    e = collect_ended(d, t, &study, &old, why);
    if (e == ERR_OK && old.n > 0) {
        e = collect_needed(d, &needed, why);
    }
    if (e == ERR_OK) {
        remove_all(d, &old, &needed);
    }
    free(old.hashes);
    free(needed.hashes);
    return e;
}
