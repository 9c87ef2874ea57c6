// SPDX-License-Identifier: Apache-2.0
// test_power_loss.c - the power fails anywhere in a workload: what was acknowledged is
// there, nothing is there by halves, and what does not sync is found out.
#include "common/base/file.h"
#include "common/base/rng.h"
#include "common/blob/store.h"
#include "coordinator/store/db.h"
#include "coordinator/store/loss.h"
#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"
#include "coordinator/store/trial.h"
#include "tests/lib/check_main.h"
#include "tests/lib/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRANSACTIONS 50
#define ACKS_MAX     (TRANSACTIONS + 1)
#define CRASHES      80 // of each kind, spread over the workload
#define ARTIFACTS    12

static char root[64];
static char scratch[96]; // what a power cut left
static struct errinfo why;

#define OK(expression)                                                       \
    do {                                                                     \
        enum err e_ = (expression);                                          \
        ck_assert_msg(e_ == ERR_OK, "%s: %s: %s", #expression, err_name(e_), \
                      why.text);                                             \
    } while (0)

static void begin_watch(void)
{
    snprintf(root, sizeof(root), "/tmp/voxarch_power_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(scratch, sizeof(scratch), "%s.left", root);
    disk_watch(root);
}

static void end_watch(void)
{
    disk_unwatch();
    disk_remove(root);
}

// The folder as the power cut left it, in `scratch`.
static void cut_power(size_t n, enum disk_loss loss)
{
    OK(file_make_dirs(scratch, &why));
    disk_lose_power(n, loss, n, scratch);
}

// Crash points: all of a short workload, or so many spread evenly over a long one.
static size_t crash_point(size_t i)
{
    size_t n = disk_changes();
    return n <= CRASHES ? i : i * n / CRASHES;
}

static size_t n_crash_points(void)
{
    return disk_changes() < CRASHES ? disk_changes() + 1 : CRASHES + 1;
}

// ---- the database: what it says, as one hash

static void hash_row(struct hash_state *h, sqlite3_stmt *st)
{
    for (int i = 0; i < sqlite3_column_count(st); i++) {
        int type = sqlite3_column_type(st, i);
        const void *bytes = sqlite3_column_blob(st, i);
        int n = sqlite3_column_bytes(st, i);
        hash_add(h, &type, sizeof(type));
        hash_add(h, &n, sizeof(n));
        hash_add(h, bytes ? bytes : "", (size_t)n);
    }
}

static void hash_table(struct hash_state *h, sqlite3 *db, const char *name)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1, 2", name);
    sqlite3_stmt *st = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        hash_row(h, st);
    }
    ck_assert_int_eq(sqlite3_finalize(st), SQLITE_OK);
}

static void digest(struct store *s, char out[static HASH_HEX_MAX])
{
    static const char *const tables[] = {"study", "task", "attempt", "trial",
                                         "loss",  "meta", "worker",  "sqlite_sequence"};
    struct hash_state h;
    hash_init(&h);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        hash_table(&h, s->db, tables[i]);
    }
    hash_end(&h, out);
}

// ---- the workload: random transactions as the coordinator writes them

struct ack {
    size_t at; // changes of the disk when it was acknowledged
    char digest[HASH_HEX_MAX];
};

struct work {
    struct store *store;
    struct rng r;
    uint64_t n_studies, n_tasks;
    size_t n_trials;
    struct ack acks[ACKS_MAX];
    size_t n_acks;
};

static void open_work(struct work *w)
{
    char dir[96];
    snprintf(dir, sizeof(dir), "%s/run", root);
    OK(store_open(dir, &w->store, &why));
    // Small, so that checkpoints happen in the middle.
    ck_assert_int_eq(
        sqlite3_exec(w->store->db, "PRAGMA wal_autocheckpoint = 12", 0, 0, 0), 0);
}

static void acknowledge(struct work *w)
{
    struct ack *a = &w->acks[w->n_acks++];
    a->at = disk_changes();
    digest(w->store, a->digest);
}

static void add_study(struct work *w)
{
    struct study_row row = {.state = STUDY_TRAINING};
    snprintf(row.name, sizeof(row.name), "s%llu", (unsigned long long)w->n_studies++);
    OK(study_row_insert(w->store, &row, &why));
}

static void add_task(struct work *w)
{
    struct task_row row = {.study_id = 1, .stage = 1};
    row.spec.kind = TASK_TRAIN;
    memset(row.spec.study, 'a', HASH_HEX_LEN);
    memset(row.spec.pack, 'b', HASH_HEX_LEN);
    row.spec.train =
        (struct train_task){.n_shards = 1, .stride = 1, .n_steps = 1, .n_batches = 9};
    OK(task_insert(w->store, &row, &why));
    w->n_tasks++;
}

// Whatever it does, or refuses: the same happens after a power cut, or nothing.
static void move_task(struct work *w)
{
    uint64_t id = 1 + rng_below(&w->r, w->n_tasks + 1);
    struct task_row row;
    uint64_t token = 0;
    if (task_get(w->store, id, &row) != ERR_OK) {
        return;
    }
    if (row.state == TASK_READY) {
        OK(task_grant(w->store, id, 1, &token, &why));
        return;
    }
    struct task_result result = {.kind = TASK_TRAIN};
    memset(result.train.checkpoint, 'c', HASH_HEX_LEN);
    result.train.n_utterances = 1;
    const struct task_failure failure = {
        .outcome = OUTCOME_CRASH, .error = "x", .is_charged = true, .bury_at = 2};
    enum task_state now;
    enum err e = rng_below(&w->r, 3)
                     ? task_settle(w->store, id, row.token, &result, &why)
                     : task_fail(w->store, id, row.token, &failure, &now, &why);
    ck_assert(e == ERR_OK || row.state != TASK_LEASED);
}

static void add_trial(struct work *w)
{
    struct trial_row row = {.study_id = 1, .origin = TRIAL_SEARCH};
    char text[64];
    snprintf(text, sizeof(text), "2-128-128-128-3-3-3-%zu", 384 + 8 * w->n_trials++);
    OK(arch_parse(text, &row.arch, &why));
    memset(row.checkpoint, 'd', HASH_HEX_LEN);
    OK(trial_insert(w->store, &row, &why));
    const struct evaluate_result result = {.eer_percent = 5, .n_trials = 9};
    OK(trial_measured(w->store, row.id, &result, &why));
}

static void one_write(struct work *w)
{
    switch (rng_below(&w->r, 8)) {
    case 0: add_study(w); return;
    case 1:
    case 2: add_task(w); return;
    case 3: add_trial(w); return;
    default: move_task(w); return;
    }
}

static void one_transaction(struct work *w)
{
    OK(store_begin(w->store, &why));
    uint64_t n = 1 + rng_below(&w->r, 6);
    for (uint64_t i = 0; i < n; i++) {
        OK(store_part_begin(w->store, &why));
        one_write(w);
        if (rng_below(&w->r, 8) == 0) {
            store_part_undo(w->store);
        } else {
            OK(store_part_keep(w->store, &why));
        }
    }
    if (rng_below(&w->r, 8) == 0) {
        store_rollback(w->store);
    }
    OK(store_commit(w->store, &why));
    acknowledge(w);
    if (rng_below(&w->r, 16) == 0) {
        store_close(w->store);
        open_work(w);
    }
}

static void do_work(struct work *w, const char *pragma)
{
    *w = (struct work){.r = rng_stream(11, RNG_TEST, 0, 0)};
    open_work(w);
    ck_assert_int_eq(sqlite3_exec(w->store->db, pragma, 0, 0, 0), SQLITE_OK);
    OK(store_begin(w->store, &why));
    add_study(w);
    OK(store_commit(w->store, &why));
    acknowledge(w);
    for (int i = 0; i < TRANSACTIONS - 1; i++) {
        one_transaction(w);
    }
    store_close(w->store);
}

// ---- the oracle

static bool is_intact(struct store *s)
{
    sqlite3_stmt *st = NULL;
    bool is_ok = sqlite3_prepare_v2(s->db, "PRAGMA integrity_check", -1, &st, NULL) ==
                     SQLITE_OK &&
                 sqlite3_step(st) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
    sqlite3_finalize(st);
    return is_ok;
}

// NULL, or what is wrong with the database that was left after n changes.
static const char *judge(const struct work *w, size_t n)
{
    size_t acked = 0;
    while (acked < w->n_acks && w->acks[acked].at <= n) {
        acked++;
    }
    char dir[128];
    snprintf(dir, sizeof(dir), "%s/run", scratch);
    struct store *s = NULL;
    if (store_open(dir, &s, &why) != ERR_OK) {
        return why.text;
    }
    char now[HASH_HEX_MAX];
    digest(s, now);
    const char *flaw = is_intact(s) ? NULL : "it is damaged";
    store_close(s);
    // With nothing acknowledged there may be nothing, or the first transaction.
    bool is_last = acked > 0 && strcmp(now, w->acks[acked - 1].digest) == 0;
    bool is_next = acked < w->n_acks && strcmp(now, w->acks[acked].digest) == 0;
    bool is_right = is_last || is_next || acked == 0;
    return flaw ? flaw : is_right ? NULL : "an acknowledged transaction is not there";
}

static const char *find_flaw(const struct work *w, enum disk_loss loss, size_t *at)
{
    const char *flaw = NULL;
    for (size_t i = 0; i < n_crash_points() && !flaw; i++) {
        *at = crash_point(i);
        cut_power(*at, loss);
        flaw = judge(w, *at);
        disk_remove(scratch);
    }
    return flaw;
}

START_TEST(every_committed_transaction_survives_a_power_cut_anywhere)
{
    static const enum disk_loss losses[] = {DISK_KEEPS_SYNCED, DISK_KEEPS_ALL,
                                            DISK_KEEPS_SOME};
    struct work w;
    begin_watch();
    do_work(&w, "");
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        size_t at = 0;
        const char *flaw = find_flaw(&w, losses[i], &at);
        ck_assert_msg(!flaw, "power cut %d after change %zu of %zu: %s", (int)losses[i],
                      at, disk_changes(), flaw);
    }
    end_watch();
}
END_TEST

START_TEST(a_database_that_does_not_sync_is_found_out)
{
    struct work w;
    size_t at = 0;
    begin_watch();
    do_work(&w, "PRAGMA synchronous = OFF");
    ck_assert_ptr_nonnull(find_flaw(&w, DISK_KEEPS_SYNCED, &at));
    end_watch();
}
END_TEST

// ---- artifacts

struct shelf {
    size_t acked_at[ARTIFACTS];
    char hashes[ARTIFACTS][HASH_HEX_MAX];
};

// As uploads come (streamed), as results are put in, and as packs are taken in.
static void put_one(struct blob_store *s, int i, char hex[static HASH_HEX_MAX])
{
    char bytes[3000];
    char path[FILE_PATH_MAX];
    memset(bytes, 'a' + i, sizeof(bytes));
    if (i % 3 == 0) {
        OK(blob_scratch_path(s, path, &why));
        OK(file_write(path, bytes, sizeof(bytes), &why));
        OK(blob_take_file(s, path, hex, NULL, &why));
        return;
    }
    if (i % 3 == 1) {
        OK(blob_put_bytes(s, bytes, sizeof(bytes), hex, &why));
        return;
    }
    struct blob_writer *w = NULL;
    hash_bytes(bytes, sizeof(bytes), hex);
    OK(blob_writer_begin(s, hex, sizeof(bytes), &w, &why));
    OK(blob_writer_add(w, bytes, 1000, &why));
    OK(blob_writer_add(w, bytes + 1000, sizeof(bytes) - 1000, &why));
    OK(blob_writer_commit(w, &why));
}

static void fill_shelf(struct shelf *shelf)
{
    char dir[96];
    struct blob_store *s = NULL;
    snprintf(dir, sizeof(dir), "%s/run/blobs", root);
    OK(blob_store_open(dir, NULL, &s, &why));
    for (int i = 0; i < ARTIFACTS; i++) {
        put_one(s, i, shelf->hashes[i]);
        shelf->acked_at[i] = disk_changes();
    }
    blob_store_close(s);
}

// Whatever has a final name is whole; what was acknowledged has one.
static bool is_whole(void *arg, const struct blob_entry *entry)
{
    char path[FILE_PATH_MAX];
    char hex[HASH_HEX_MAX];
    snprintf(path, sizeof(path), "%s/run/blobs/%s", scratch, entry->hash);
    OK(hash_file(path, hex, &why));
    *(bool *)arg &= strcmp(hex, entry->hash) == 0;
    return true;
}

static const char *judge_shelf(const struct shelf *shelf, size_t n)
{
    char dir[128];
    struct blob_store *s = NULL;
    snprintf(dir, sizeof(dir), "%s/run/blobs", scratch);
    OK(blob_store_open(dir, NULL, &s, &why)); // makes what is not there
    bool all_whole = true;
    OK(blob_each(s, is_whole, &all_whole, &why));
    const char *flaw = all_whole ? NULL : "half an artifact is there";
    for (int i = 0; i < ARTIFACTS && !flaw; i++) {
        bool is_lost = shelf->acked_at[i] <= n && !blob_has(s, shelf->hashes[i]);
        flaw = is_lost ? "an acknowledged artifact is lost" : NULL;
    }
    blob_store_close(s);
    return flaw;
}

static const char *find_shelf_flaw(const struct shelf *shelf, enum disk_loss loss,
                                   size_t *at)
{
    const char *flaw = NULL;
    for (*at = 0; *at <= disk_changes() && !flaw; ++*at) {
        cut_power(*at, loss);
        flaw = judge_shelf(shelf, *at);
        disk_remove(scratch);
    }
    return flaw;
}

START_TEST(every_acknowledged_artifact_survives_a_power_cut_anywhere)
{
    struct shelf shelf;
    size_t at = 0;
    begin_watch();
    fill_shelf(&shelf);
    for (int loss = DISK_KEEPS_SYNCED; loss <= DISK_KEEPS_SOME; loss++) {
        const char *flaw = find_shelf_flaw(&shelf, (enum disk_loss)loss, &at);
        ck_assert_msg(!flaw, "power cut %d after change %zu: %s", loss, at - 1, flaw);
    }
    end_watch();
}
END_TEST

static void expect_shelf_flaw(bool of_files, bool of_folders)
{
    struct shelf shelf;
    size_t at = 0;
    begin_watch();
    disk_ignore_syncs(of_files, of_folders);
    fill_shelf(&shelf);
    ck_assert_ptr_nonnull(find_shelf_flaw(&shelf, DISK_KEEPS_SYNCED, &at));
    end_watch();
}

START_TEST(an_artifact_whose_bytes_are_not_synced_is_found_out)
{
    expect_shelf_flaw(true, false);
}
END_TEST

START_TEST(an_artifact_whose_name_is_not_synced_is_found_out)
{
    expect_shelf_flaw(false, true);
}
END_TEST

TEST_SUITE(power_loss, every_committed_transaction_survives_a_power_cut_anywhere,
           a_database_that_does_not_sync_is_found_out,
           every_acknowledged_artifact_survives_a_power_cut_anywhere,
           an_artifact_whose_bytes_are_not_synced_is_found_out,
           an_artifact_whose_name_is_not_synced_is_found_out)
