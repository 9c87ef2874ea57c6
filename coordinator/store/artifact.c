// SPDX-License-Identifier: Apache-2.0
// artifact.c - see artifact.h.
#include "coordinator/store/artifact.h"

#include "coordinator/store/db.h"
#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"

#include <stdlib.h>

struct visit {
    artifact_visit_fn *fn;
    void *arg;
    uint32_t keep_rounds;
    struct study_row *studies;
    size_t n_studies;
};

static void tell(const struct visit *v, const char *hash, enum artifact_need need)
{
    if (hash[0] != '\0') {
        v->fn(v->arg, hash, need);
    }
}

// ---- columns that name artifacts

static enum err each_named(struct store *s, const struct visit *v, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ARTIFACT_EACH_NAMED);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        char hash[HASH_HEX_MAX];
        db_column_text(st, 0, hash, sizeof(hash));
        tell(v, hash, ARTIFACT_NEEDED);
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}

// ---- tasks

static const struct study_row *study_of(const struct visit *v, uint64_t id)
{
    for (size_t i = 0; i < v->n_studies; i++) {
        if (v->studies[i].id == id) {
            return &v->studies[i];
        }
    }
    return NULL;
}

static bool is_recent_round(const struct visit *v, const struct task_row *row)
{
    const struct study_row *study = study_of(v, row->study_id);
    return study && row->stage == study->stage &&
           (uint64_t)row->round + v->keep_rounds >= study->round;
}

// A stage's first round begins with what the stage before it ended with.
static void tell_round(const struct visit *v, const struct task_row *row)
{
    bool is_recent = is_recent_round(v, row);
    bool is_first = row->round == 0;
    tell(v, row->spec.checkpoint,
         is_recent || is_first ? ARTIFACT_NEEDED : ARTIFACT_SUPERSEDED);
    if (row->has_result) {
        tell(v, row->result.train.checkpoint,
             is_recent ? ARTIFACT_NEEDED : ARTIFACT_SUPERSEDED);
    }
}

static bool tell_task(void *arg, const struct task_row *row)
{
    const struct visit *v = arg;
    bool is_open = row->state == TASK_READY || row->state == TASK_LEASED;
    if (is_open) {
        tell(v, row->spec.study, ARTIFACT_NEEDED);
        tell(v, row->spec.pack, ARTIFACT_NEEDED);
        tell(v, row->spec.checkpoint, ARTIFACT_NEEDED);
    }
    if (row->spec.kind == TASK_TRAIN) {
        tell_round(v, row);
    } else if (row->has_result && row->spec.kind == TASK_EVALUATE) {
        tell(v, row->result.evaluate.network, ARTIFACT_NEEDED);
    } else if (row->has_result && row->spec.kind == TASK_FINETUNE) {
        tell(v, row->result.finetune.evaluation.network, ARTIFACT_NEEDED);
    }
    return true;
}

static bool add_study(void *arg, const struct study_row *row)
{
    struct visit *v = arg;
    v->studies = realloc(v->studies, (v->n_studies + 1) * sizeof(*v->studies));
    BUG_ON(!v->studies); // a handful
    v->studies[v->n_studies++] = *row;
    return true;
}

static enum err each(struct store *s, struct visit *v, struct errinfo *why)
{
    enum err e = study_row_each(s, add_study, v, why);
    if (e == ERR_OK) {
        e = each_named(s, v, why);
    }
    return e == ERR_OK ? task_each(s, 0, 0, tell_task, v, why) : e;
}

// One transaction: rows of one moment, whatever a writer does meanwhile.
enum err artifact_each(struct store *s, uint32_t keep_rounds, artifact_visit_fn *fn,
                       void *arg, struct errinfo *why)
{
    struct visit v = {.fn = fn, .arg = arg, .keep_rounds = keep_rounds};
    bool is_inside = store_in_transaction(s);
    enum err e = is_inside ? ERR_OK : db_write(s, db_use(s, SQL_BEGIN_READING), why);
    if (e == ERR_OK) {
        e = each(s, &v, why);
    }
    if (!is_inside && !sqlite3_get_autocommit(s->db)) {
        enum err end = db_write(s, db_use(s, SQL_ROLLBACK), NULL);
        (void)end; // it read only
    }
    free(v.studies);
    return e;
}
