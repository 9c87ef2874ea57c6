// SPDX-License-Identifier: Apache-2.0
// test_collect.c - nothing that is needed is ever removed, and what nothing needs goes
// in the end: random lives of studies against a plain model of who names what.
#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/blob/retire.h"
#include "coordinator/keep/collect.h"
#include "coordinator/store/trial.h"
#include "tests/lib/check_main.h"
#include "tests/lib/disk.h"
#include "tests/unit/coordinator/store/store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#define STUDIES     3
#define SHARDS      2
#define BLOBS_MAX   2000
#define OPERATIONS  200
#define READERS_MAX 6
#define KEEP        1
#define MINUTE_NS   60000000000LL

static const struct collect_rules rules = {
    .keep_rounds = KEEP, .superseded_ms = 60000, .orphan_ms = 3600000};

// ---- the model: every artifact ever stored, and where a study stands

enum role { ORPHAN, PINNED, ROUND };

struct model_blob {
    char hash[HASH_HEX_MAX];
    enum role role;
    size_t study;
    uint32_t stage, round; // ROUND: made in that round (merged: for the one after it)
    bool is_last_of_stage;
    bool is_merged;
    int64_t stored_ns;
    unsigned n_readers; // open tasks that read it
    bool is_gone;
};

struct model_study {
    uint64_t id;
    struct study_row row;
    uint64_t tasks[SHARDS];
    char start[HASH_HEX_MAX]; // the round's
};

struct reader {    // an open task that is none of a round
    uint64_t task; // 0: none
    struct model_blob *blob;
};

static struct {
    struct blob_store *blobs;
    struct rng r;
    int64_t now_ns;
    struct model_blob all[BLOBS_MAX];
    size_t n;
    struct model_study studies[STUDIES];
    size_t n_trials;
    struct reader readers[READERS_MAX];
} w;

static void set_time(const char *hash, int64_t ns)
{
    char path[FILE_PATH_MAX];
    OK(blob_path(w.blobs, hash, path, NULL, &fixture.why));
    const struct timespec at = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    const struct timespec both[2] = {at, at};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, both, 0), 0);
}

static struct model_blob *store_blob(enum role role, size_t study)
{
    ck_assert_uint_lt(w.n, BLOBS_MAX);
    struct model_blob *b = &w.all[w.n++];
    *b = (struct model_blob){.role = role, .study = study, .stored_ns = w.now_ns};
    OK(blob_put_bytes(w.blobs, &w.n, sizeof(w.n), b->hash, &fixture.why));
    set_time(b->hash, w.now_ns);
    if (role == ROUND) {
        b->stage = w.studies[study].row.stage;
        b->round = w.studies[study].row.round;
    }
    return b;
}

// A round's shards stay while it, or one of the KEEP after it, is the current one; the
// weights it started from as long as its tasks need them.
static bool is_needed(const struct model_blob *b)
{
    const struct study_row *row = &w.studies[b->study].row;
    if (b->role != ROUND || b->n_readers > 0) {
        return b->role == PINNED || b->n_readers > 0;
    }
    uint32_t used_until = b->round + KEEP + b->is_merged;
    return b->is_last_of_stage || strcmp(row->checkpoint, b->hash) == 0 ||
           (b->stage == row->stage && used_until >= row->round);
}

// ---- what happens to studies

static void add_round(size_t i)
{
    struct model_study *m = &w.studies[i];
    memcpy(m->start, m->row.checkpoint, sizeof(m->start));
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        struct task_row row = fixture_train_task();
        row.study_id = m->id;
        row.stage = m->row.stage;
        row.round = m->row.round;
        row.shard = shard;
        memcpy(row.spec.study, m->row.conf, HASH_HEX_MAX);
        memcpy(row.spec.pack, m->row.pack, HASH_HEX_MAX);
        memcpy(row.spec.checkpoint, m->start, HASH_HEX_MAX);
        OK(task_insert(fixture.store, &row, &fixture.why));
        m->tasks[shard] = row.id;
    }
}

static void add_study(size_t i)
{
    struct model_study *m = &w.studies[i];
    m->row = (struct study_row){.state = STUDY_TRAINING};
    snprintf(m->row.name, sizeof(m->row.name), "s%zu", i);
    memcpy(m->row.conf, store_blob(PINNED, i)->hash, HASH_HEX_MAX);
    memcpy(m->row.pack, store_blob(PINNED, i)->hash, HASH_HEX_MAX);
    OK(study_row_insert(fixture.store, &m->row, &fixture.why));
    m->id = m->row.id;
    add_round(i);
}

static void settle(uint64_t task, const char *hash)
{
    uint64_t token = 0;
    struct task_result result = fixture_train_result();
    memcpy(result.train.checkpoint, hash, HASH_HEX_MAX);
    OK(task_grant(fixture.store, task, 1, &token, &fixture.why));
    OK(task_settle(fixture.store, task, token, &result, &fixture.why));
}

static struct model_blob *model_of(const char *hash)
{
    size_t i = 0;
    while (strcmp(w.all[i].hash, hash) != 0) {
        i++;
    }
    return &w.all[i];
}

static void add_trial(size_t i)
{
    struct trial_row row = {.study_id = w.studies[i].id, .origin = TRIAL_STAGE};
    char text[64];
    snprintf(text, sizeof(text), "2-128-128-128-3-3-3-%zu", 384 + 8 * w.n_trials++);
    OK(arch_parse(text, &row.arch, &fixture.why));
    memcpy(row.checkpoint, w.studies[i].row.checkpoint, HASH_HEX_MAX);
    OK(trial_insert(fixture.store, &row, &fixture.why));
    struct evaluate_result result = {.eer_percent = 5, .n_trials = 9};
    memcpy(result.network, store_blob(PINNED, i)->hash, HASH_HEX_MAX);
    OK(trial_measured(fixture.store, row.id, &result, &fixture.why));
    model_of(row.checkpoint)->role = PINNED;
}

// A task that reads the newest weights is handed out, or one of those comes back.
static void change_reader(size_t i)
{
    struct reader *r = &w.readers[rng_below(&w.r, READERS_MAX)];
    uint64_t token = 0;
    if (r->task != 0) {
        const struct task_failure failure = {
            .outcome = OUTCOME_CRASH, .error = "x", .is_charged = true, .bury_at = 1};
        enum task_state now;
        OK(task_grant(fixture.store, r->task, 1, &token, &fixture.why));
        OK(task_fail(fixture.store, r->task, token, &failure, &now, &fixture.why));
        r->blob->n_readers--;
        r->task = 0;
    } else if (w.studies[i].row.checkpoint[0]) {
        struct task_row row = {.study_id = w.studies[i].id, .trial_id = 1};
        row.spec.kind = TASK_EVALUATE;
        memcpy(row.spec.study, w.studies[i].row.conf, HASH_HEX_MAX);
        memcpy(row.spec.pack, w.studies[i].row.pack, HASH_HEX_MAX);
        memcpy(row.spec.checkpoint, w.studies[i].row.checkpoint, HASH_HEX_MAX);
        snprintf(row.spec.evaluate.architecture, sizeof(row.spec.evaluate.architecture),
                 "2-128-128-128-3-3-3-384");
        OK(task_insert(fixture.store, &row, &fixture.why));
        r->task = row.id;
        r->blob = model_of(row.spec.checkpoint);
        r->blob->n_readers++;
    }
}

// The round's shards come back and are merged; sometimes that ends the stage.
static void end_round(size_t i)
{
    struct model_study *m = &w.studies[i];
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        settle(m->tasks[shard], store_blob(ROUND, i)->hash);
    }
    struct model_blob *merged = store_blob(ROUND, i);
    merged->is_merged = true;
    memcpy(m->row.checkpoint, merged->hash, HASH_HEX_MAX);
    m->row.round++;
    if (rng_below(&w.r, 4) == 0) {
        merged->is_last_of_stage = true;
        m->row.stage++;
        m->row.round = 0;
    }
    OK(study_row_update(fixture.store, &m->row, &fixture.why));
    add_round(i);
}

static void one_operation(void)
{
    size_t i = (size_t)rng_below(&w.r, STUDIES);
    OK(store_begin(fixture.store, &fixture.why));
    switch (rng_below(&w.r, 8)) {
    case 0: store_blob(ORPHAN, i); break;
    case 2:
    case 3: change_reader(i); break;
    case 1:
        if (w.studies[i].row.checkpoint[0]) {
            add_trial(i);
        }
        break;
    default: end_round(i); break;
    }
    OK(store_commit(fixture.store, &fixture.why));
    w.now_ns += (int64_t)rng_below(&w.r, 3) * MINUTE_NS;
}

// ---- collecting, and the oracle

static void collect(void)
{
    struct collect_list list = {0};
    OK(collect_find(fixture.store, w.blobs, &rules, w.now_ns, &list, &fixture.why));
    for (size_t i = 0; i < list.n; i++) {
        OK(blob_retire(w.blobs, list.items[i].hash, list.items[i].modified_ns,
                       &fixture.why));
    }
    collect_list_fini(&list);
}

static bool is_due(const struct model_blob *b)
{
    int64_t rest_ns = b->role == ORPHAN ? 60 * MINUTE_NS : MINUTE_NS;
    return !is_needed(b) && w.now_ns - b->stored_ns > rest_ns;
}

static void compare(void)
{
    for (size_t i = 0; i < w.n; i++) {
        struct model_blob *b = &w.all[i];
        b->is_gone |= is_due(b);
        ck_assert_msg(!b->is_gone || !is_needed(b), "the model is wrong");
        ck_assert_msg(blob_has(w.blobs, b->hash) == !b->is_gone,
                      "artifact %zu (role %d, round %u.%u, merged %d) is %s", i,
                      (int)b->role, b->stage, b->round, b->is_merged,
                      b->is_gone ? "still there" : "gone");
    }
}

static void open_world(void)
{
    fixture_open();
    char path[128];
    memset(&w, 0, sizeof(w));
    snprintf(path, sizeof(path), "%s/blobs", fixture.dir);
    OK(file_make_dirs(path, &fixture.why));
    disk_watch(path); // its syncs take no time
    OK(blob_store_open(path, NULL, &w.blobs, &fixture.why));
    w.r = rng_stream(5, RNG_TEST, 0, 0);
    w.now_ns = 1700000000LL * 1000000000;
}

static void close_world(void)
{
    blob_store_close(w.blobs);
    disk_unwatch();
    fixture_close();
}

START_TEST(nothing_needed_vanishes_and_everything_else_goes_in_time)
{
    open_world();
    OK(store_begin(fixture.store, &fixture.why));
    for (size_t i = 0; i < STUDIES; i++) {
        add_study(i);
    }
    OK(store_commit(fixture.store, &fixture.why));
    for (int n = 0; n < OPERATIONS; n++) {
        one_operation();
        if (rng_below(&w.r, 4) == 0) {
            collect();
            compare();
        }
    }
    size_t n_gone = 0;
    for (size_t i = 0; i < w.n; i++) {
        n_gone += w.all[i].is_gone;
    }
    ck_assert_uint_gt(n_gone, w.n / 2); // it did something
    close_world();
}
END_TEST

START_TEST(what_was_touched_or_stored_again_stays)
{
    open_world();
    struct model_blob *b = store_blob(ORPHAN, 0);
    int64_t old_ns = b->stored_ns;
    OK(blob_touch(w.blobs, b->hash, &fixture.why)); // after it was listed
    ck_assert_int_eq(blob_retire(w.blobs, b->hash, old_ns, NULL), ERR_STALE);
    ck_assert(blob_has(w.blobs, b->hash));
    set_time(b->hash, old_ns);
    OK(blob_retire(w.blobs, b->hash, old_ns, &fixture.why));
    ck_assert(!blob_has(w.blobs, b->hash));
    ck_assert_int_eq(blob_retire(w.blobs, b->hash, old_ns, NULL), ERR_NOTFOUND);
    ck_assert_int_eq(blob_touch(w.blobs, b->hash, NULL), ERR_NOTFOUND);
    close_world();
}
END_TEST

TEST_SUITE(collect, nothing_needed_vanishes_and_everything_else_goes_in_time,
           what_was_touched_or_stored_again_stays)
