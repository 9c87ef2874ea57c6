// SPDX-License-Identifier: Apache-2.0
// test_failures.c - the n-th file call or allocation fails, for every n: the caller is
// told with a sentence, nothing is half done, and the next try works.
#include "common/base/file.h"
#include "common/blob/store.h"
#include "coordinator/store/db.h"
#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"
#include "proto/wire.h"
#include "tests/lib/check_main.h"
#include "tests/lib/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char root[64];
static char run_dir[96];
static char blob_dir[96];
static struct errinfo why;

#define OK(expression)                                                       \
    do {                                                                     \
        enum err e_ = (expression);                                          \
        ck_assert_msg(e_ == ERR_OK, "%s: %s: %s", #expression, err_name(e_), \
                      why.text);                                             \
    } while (0)

// How the disk fails.
static const struct {
    int number;
    bool for_good;
} failures[] = {{EIO, false}, {EIO, true}, {ENOSPC, false}, {ENOSPC, true}};
#define N_FAILURES (int)(sizeof(failures) / sizeof(failures[0]))

static void make_root(void)
{
    snprintf(root, sizeof(root), "/tmp/voxarch_fail_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(run_dir, sizeof(run_dir), "%s/run", root);
    snprintf(blob_dir, sizeof(blob_dir), "%s/blobs", root);
    disk_watch(root);
}

static void remove_root(void)
{
    disk_unwatch();
    disk_remove(root);
}

static void expect_a_sentence(enum err e, const char *doing, size_t n)
{
    ck_assert_msg(why.text[0] != '\0' && why.code == e,
                  "%s failed (%s) at %zu without a sentence", doing, err_name(e), n);
}

// ---- the database

static void fill_task(struct task_row *row)
{
    *row = (struct task_row){.study_id = 1, .stage = 1};
    row->spec.kind = TASK_TRAIN;
    memset(row->spec.study, 'a', HASH_HEX_LEN);
    memset(row->spec.pack, 'b', HASH_HEX_LEN);
    row->spec.train =
        (struct train_task){.n_shards = 1, .stride = 1, .n_steps = 1, .n_batches = 9};
}

// Opens a database with one study and no task.
static struct store *open_prepared(void)
{
    struct store *s = NULL;
    struct study_row study = {.name = "a", .state = STUDY_TRAINING};
    make_root();
    OK(store_open(run_dir, &s, &why));
    OK(store_begin(s, &why));
    OK(study_row_insert(s, &study, &why));
    OK(store_commit(s, &why));
    return s;
}

static enum err insert_and_settle(struct store *s)
{
    struct task_row row;
    uint64_t token = 0;
    struct task_result result = {.kind = TASK_TRAIN};
    memset(result.train.checkpoint, 'c', HASH_HEX_LEN);
    result.train.n_utterances = 1;
    fill_task(&row);
    enum err e = task_insert(s, &row, &why);
    if (e == ERR_OK) {
        e = task_grant(s, row.id, 1, &token, &why);
    }
    return e == ERR_OK ? task_settle(s, row.id, token, &result, &why) : e;
}

// One transaction of two parts; undone as a whole when any of it fails, as a turn does.
static enum err work(struct store *s)
{
    enum err e = ERR_OK;
    for (int i = 0; i < 2 && e == ERR_OK; i++) {
        e = store_part_begin(s, &why);
        if (e == ERR_OK) {
            e = insert_and_settle(s);
        }
        if (e == ERR_OK) {
            e = store_part_keep(s, &why);
        }
    }
    if (e == ERR_OK) {
        e = store_commit(s, &why);
    }
    if (e != ERR_OK) {
        store_rollback(s);
    }
    return e;
}

static uint32_t count_done(struct store *s)
{
    struct task_counts counts;
    OK(task_count(s, 1, &counts));
    ck_assert_uint_eq(counts.ready + counts.leased, 0); // never half a transaction
    return counts.done;
}

static void check_integrity(struct store *s)
{
    sqlite3_stmt *st = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(s->db, "PRAGMA integrity_check", -1, &st, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(st, 0), "ok");
    sqlite3_finalize(st);
}

// Fails the n-th call of a transaction; true once it passes.
static bool fail_transaction_at(size_t n, int number, bool for_good)
{
    struct store *s = open_prepared();
    why = (struct errinfo){0};
    disk_fail_at(n, number, for_good);
    enum err e = work(s);
    if (e != ERR_OK) {
        expect_a_sentence(e, "the transaction", n);
    }
    bool has_passed = disk_works();
    uint32_t done = count_done(s);
    ck_assert_uint_eq(done, e == ERR_OK ? 2 : 0);
    OK(work(s));
    ck_assert_uint_eq(count_done(s), done + 2);
    store_close(s);
    OK(store_open(run_dir, &s, &why));
    ck_assert_uint_eq(count_done(s), done + 2);
    check_integrity(s);
    store_close(s);
    remove_root();
    return has_passed;
}

START_TEST(a_transaction_survives_the_failure_of_any_file_call)
{
    for (int i = 0; i < N_FAILURES; i++) {
        size_t n = 1;
        while (!fail_transaction_at(n, failures[i].number, failures[i].for_good)) {
            n++;
        }
        ck_assert_uint_gt(n, 4); // frames, a sync, at least
    }
}
END_TEST

// Fails the n-th call of opening; what was there is there when it opens again.
static bool fail_open_at(size_t n, int number, bool for_good)
{
    struct store *s = open_prepared();
    OK(work(s));
    store_close(s);
    why = (struct errinfo){0};
    disk_fail_at(n, number, for_good);
    enum err e = store_open(run_dir, &s, &why);
    if (e != ERR_OK) {
        expect_a_sentence(e, "opening", n);
    }
    bool has_passed = disk_works();
    if (e != ERR_OK) {
        OK(store_open(run_dir, &s, &why));
    }
    ck_assert_uint_eq(count_done(s), 2);
    store_close(s);
    remove_root();
    return has_passed;
}

START_TEST(opening_survives_the_failure_of_any_file_call)
{
    for (int i = 0; i < N_FAILURES; i += 3) {
        size_t n = 1;
        while (!fail_open_at(n, failures[i].number, failures[i].for_good)) {
            n++;
        }
        ck_assert_uint_gt(n, 4);
    }
}
END_TEST

// Fails the n-th call of making a database; the next try makes it.
static bool fail_making_at(size_t n, int number, bool for_good)
{
    struct store *s = NULL;
    make_root();
    disk_fail_at(n, number, for_good);
    enum err e = store_open(run_dir, &s, &why);
    bool has_passed = disk_works();
    if (e != ERR_OK) {
        expect_a_sentence(e, "making", n);
        OK(store_open(run_dir, &s, &why));
    }
    check_integrity(s);
    store_close(s);
    remove_root();
    return has_passed;
}

START_TEST(a_database_is_made_whatever_failed_the_first_time)
{
    size_t n = 1;
    while (!fail_making_at(n, n % 2 ? EIO : ENOSPC, n % 3 == 0)) {
        n++;
    }
    ck_assert_uint_gt(n, 20);
}
END_TEST

// ---- artifacts and files

#define ARTIFACT "some bytes of an artifact"

static enum err put_bytes(struct blob_store *s, char hex[static HASH_HEX_MAX])
{
    return blob_put_bytes(s, ARTIFACT, sizeof(ARTIFACT), hex, &why);
}

static enum err take_file(struct blob_store *s, char hex[static HASH_HEX_MAX])
{
    char path[FILE_PATH_MAX];
    enum err e = blob_scratch_path(s, path, &why);
    if (e == ERR_OK) {
        e = file_write(path, ARTIFACT, sizeof(ARTIFACT), &why);
    }
    return e == ERR_OK ? blob_take_file(s, path, hex, NULL, &why) : e;
}

typedef enum err put_fn(struct blob_store *s, char hex[static HASH_HEX_MAX]);

static bool is_whole(void *arg, const struct blob_entry *entry)
{
    char path[FILE_PATH_MAX];
    char hex[HASH_HEX_MAX];
    OK(blob_path(arg, entry->hash, path, NULL, &why));
    OK(hash_file(path, hex, &why));
    ck_assert_str_eq(hex, entry->hash);
    return true;
}

static bool fail_put_at(put_fn *put, size_t n, int number, bool for_good)
{
    struct blob_store *s = NULL;
    char hex[HASH_HEX_MAX];
    make_root();
    disk_fail_at(n, number, for_good);
    enum err e = blob_store_open(blob_dir, NULL, &s, &why);
    if (e == ERR_OK) {
        e = put(s, hex);
    }
    if (e != ERR_OK) {
        expect_a_sentence(e, "putting in", n);
    }
    bool has_passed = disk_works();
    if (!s) {
        OK(blob_store_open(blob_dir, NULL, &s, &why));
    }
    OK(blob_each(s, is_whole, s, &why));
    OK(put(s, hex));
    ck_assert(blob_has(s, hex));
    blob_store_close(s);
    remove_root();
    return has_passed;
}

static void fail_every_call(put_fn *put)
{
    for (int i = 0; i < N_FAILURES; i++) {
        size_t n = 1;
        while (!fail_put_at(put, n, failures[i].number, failures[i].for_good)) {
            n++;
        }
        ck_assert_uint_gt(n, 8);
    }
}

START_TEST(putting_bytes_in_survives_the_failure_of_any_file_call)
{
    fail_every_call(put_bytes);
}
END_TEST

START_TEST(taking_a_file_in_survives_the_failure_of_any_file_call)
{
    fail_every_call(take_file);
}
END_TEST

START_TEST(a_file_that_cannot_be_replaced_stays_as_it_was)
{
    bool has_passed = false;
    for (size_t n = 1; !has_passed; n++) {
        char path[128];
        struct buf now = BUF_INIT;
        make_root();
        snprintf(path, sizeof(path), "%s/f", root);
        OK(file_write(path, "old", 3, &why));
        disk_fail_at(n, ENOSPC, n % 2 == 0);
        enum err e = file_write(path, "new", 3, &why);
        has_passed = disk_works();
        if (e != ERR_OK) {
            expect_a_sentence(e, "writing", n);
        }
        OK(file_read(path, 100, &now, &why));
        ck_assert(strcmp(now.data, "new") == 0 ||
                  (e != ERR_OK && strcmp(now.data, "old") == 0));
        OK(file_write(path, "new", 3, &why));
        buf_fini(&now);
        remove_root();
    }
}
END_TEST

// ---- SQLite's memory. Our own control structures abort without memory: see
// docs/architecture.md.

enum owner { SQLITES, THE_WIRES };

static sqlite3_mem_methods real_memory;
static enum owner who_is_short;
static size_t n_until_no_memory; // 0: there is enough
static bool was_short;

static bool is_short(enum owner owner)
{
    bool now =
        owner == who_is_short && n_until_no_memory > 0 && --n_until_no_memory == 0;
    was_short |= now;
    return now;
}

static void *short_malloc(int n)
{
    return is_short(SQLITES) ? NULL : real_memory.xMalloc(n);
}

static void *short_realloc(void *p, int n)
{
    return is_short(SQLITES) ? NULL : real_memory.xRealloc(p, n);
}

static void shorten_memory(void)
{
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    sqlite3_mem_methods methods = real_memory;
    methods.xMalloc = short_malloc;
    methods.xRealloc = short_realloc;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}

static void lack_memory_at(enum owner owner, size_t n)
{
    who_is_short = owner;
    was_short = false;
    n_until_no_memory = n;
    why = (struct errinfo){0};
}

static bool had_enough(void)
{
    n_until_no_memory = 0;
    return !was_short;
}

START_TEST(a_transaction_survives_the_failure_of_any_allocation)
{
    shorten_memory();
    bool has_passed = false;
    for (size_t n = 1; !has_passed; n++) {
        struct store *s = open_prepared();
        lack_memory_at(SQLITES, n);
        enum err e = work(s);
        has_passed = had_enough();
        if (e != ERR_OK) {
            ck_assert_int_eq(e, ERR_NOMEM);
            expect_a_sentence(e, "the transaction", n);
        }
        uint32_t done = count_done(s);
        ck_assert_uint_eq(done, e == ERR_OK ? 2 : 0);
        OK(work(s));
        ck_assert_uint_eq(count_done(s), done + 2);
        store_close(s);
        remove_root();
    }
}
END_TEST

// What is read is right, or an error: never an empty text for want of memory.
START_TEST(reading_survives_the_failure_of_any_allocation)
{
    shorten_memory();
    struct store *s = open_prepared();
    OK(work(s));
    bool has_passed = false;
    for (size_t n = 1; !has_passed; n++) {
        struct study_row study;
        struct task_row task;
        lack_memory_at(SQLITES, n);
        enum err e = study_row_by_name(s, "a", &study);
        enum err f = task_get(s, 1, &task);
        has_passed = had_enough();
        ck_assert(e == ERR_NOMEM || (e == ERR_OK && strcmp(study.name, "a") == 0));
        ck_assert(f == ERR_NOMEM || (f == ERR_OK && task.has_result));
    }
    store_close(s);
    remove_root();
}
END_TEST

// Opening allocates thousands of times: all of the first, then ever fewer.
START_TEST(opening_survives_the_failure_of_any_allocation)
{
    shorten_memory();
    struct store *s = open_prepared();
    OK(work(s));
    store_close(s);
    bool has_passed = false;
    for (size_t n = 1; !has_passed; n += 1 + n / 40) {
        lack_memory_at(SQLITES, n);
        enum err e = store_open(run_dir, &s, &why);
        has_passed = had_enough();
        if (e != ERR_OK) {
            ck_assert_int_eq(e, ERR_NOMEM);
            expect_a_sentence(e, "opening", n);
            OK(store_open(run_dir, &s, &why));
        }
        ck_assert_uint_eq(count_done(s), 2);
        store_close(s);
    }
    remove_root();
}
END_TEST

// ---- the wire's memory: malloc and calloc come through here (--wrap)

void *__real_malloc(size_t n);           // NOLINT: the linker's name
void *__real_calloc(size_t n, size_t m); // NOLINT
void *__wrap_malloc(size_t n);           // NOLINT
void *__wrap_calloc(size_t n, size_t m); // NOLINT

void *__wrap_malloc(size_t n) // NOLINT
{
    return is_short(THE_WIRES) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m) // NOLINT
{
    return is_short(THE_WIRES) ? NULL : __real_calloc(n, m);
}

// With more tasks than fit on the decoder's stack.
static void encode_hello(struct buf *out)
{
    static struct msg m = {.kind = MSG_HELLO};
    m.hello = (struct msg_hello){.version_min = 1,
                                 .version_max = 1,
                                 .session = 7,
                                 .name = "worker",
                                 .capabilities = 1u << TASK_TRAIN,
                                 .slots = 1,
                                 .threads = 1,
                                 .n_held = LIMIT_HELD_TASKS};
    for (uint32_t i = 0; i < LIMIT_HELD_TASKS; i++) {
        m.hello.held[i] = (struct held_task){.task_id = i + 1, .token = i + 2};
    }
    wire_encode(&m, out);
}

START_TEST(decoding_survives_the_failure_of_any_allocation)
{
    static struct msg m;
    struct buf bytes = BUF_INIT;
    encode_hello(&bytes);
    size_t n = 1;
    for (bool has_passed = false; !has_passed; n++) {
        m = (struct msg){.kind = MSG_NONE};
        lack_memory_at(THE_WIRES, n);
        enum err e = wire_decode(bytes.data, bytes.len, &m, &why);
        has_passed = had_enough();
        if (e != ERR_OK) {
            ck_assert_int_eq(e, ERR_NOMEM); // ours: the peer is not to blame
            expect_a_sentence(e, "decoding", n);
            ck_assert_int_eq(m.kind, MSG_NONE);
        }
        OK(wire_decode(bytes.data, bytes.len, &m, &why));
        ck_assert_str_eq(m.hello.name, "worker");
    }
    ck_assert_uint_gt(n, 4); // the message, what it holds, the plain struct
    buf_fini(&bytes);
}
END_TEST

TEST_SUITE(failures, a_transaction_survives_the_failure_of_any_file_call,
           opening_survives_the_failure_of_any_file_call,
           a_database_is_made_whatever_failed_the_first_time,
           putting_bytes_in_survives_the_failure_of_any_file_call,
           taking_a_file_in_survives_the_failure_of_any_file_call,
           a_file_that_cannot_be_replaced_stays_as_it_was,
           a_transaction_survives_the_failure_of_any_allocation,
           reading_survives_the_failure_of_any_allocation,
           opening_survives_the_failure_of_any_allocation,
           decoding_survives_the_failure_of_any_allocation)
