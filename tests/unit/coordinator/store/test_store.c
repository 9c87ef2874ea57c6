// SPDX-License-Identifier: Apache-2.0
// test_store.c - opening, the lock, transactions and their parts, a full disk.
#include "common/base/file.h"
#include "coordinator/store/attempt.h"
#include "coordinator/store/db.h"
#include "coordinator/store/schema_sql.h"
#include "coordinator/store/study_row.h"
#include "proto/wire.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/store/store_fixture.h"

#include <unistd.h>

START_TEST(what_was_committed_is_there_after_reopening)
{
    fixture_open();
    uint64_t id = fixture_add_task();
    store_close(fixture.store);
    OK(store_open(fixture.dir, &fixture.store, &fixture.why));
    struct task_row row;
    OK(task_get(fixture.store, id, &row));
    ck_assert_int_eq(row.state, TASK_READY);
    ck_assert_uint_eq(row.spec.train.n_steps, 10);
    fixture_close();
}
END_TEST

START_TEST(what_was_not_committed_is_gone)
{
    fixture_open();
    OK(store_begin(fixture.store, &fixture.why));
    uint64_t id = fixture_add_task();
    ck_assert(store_in_transaction(fixture.store));
    store_rollback(fixture.store);
    struct task_row row;
    ck_assert_int_eq(task_get(fixture.store, id, &row), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

START_TEST(an_undone_part_leaves_the_rest_of_the_transaction)
{
    fixture_open();
    OK(store_part_begin(fixture.store, &fixture.why));
    uint64_t kept = fixture_add_task();
    OK(store_part_keep(fixture.store, &fixture.why));
    OK(store_part_begin(fixture.store, &fixture.why));
    uint64_t undone = fixture_add_task();
    store_part_undo(fixture.store);
    OK(store_commit(fixture.store, &fixture.why));
    struct task_row row;
    OK(task_get(fixture.store, kept, &row));
    ck_assert_int_eq(task_get(fixture.store, undone, &row), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

START_TEST(a_second_writer_is_kept_out_and_told_by_whom)
{
    fixture_open();
    struct store *second = NULL;
    struct errinfo why = {0};
    ck_assert_int_eq(store_open(fixture.dir, &second, &why), ERR_BUSY);
    char pid[32];
    snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    ck_assert_ptr_nonnull(strstr(why.text, pid));
    fixture_close();
}
END_TEST

START_TEST(a_reader_works_beside_the_writer_and_without_it)
{
    fixture_open();
    uint64_t id = fixture_add_task();
    struct store *reader = NULL;
    OK(store_open_readonly(fixture.dir, &reader, &fixture.why));
    struct task_row row;
    OK(task_get(reader, id, &row));
    uint64_t later = fixture_add_task();
    OK(task_get(reader, later, &row));
    ck_assert_int_ne(store_meta_set(reader, "a", "b"), ERR_OK);
    store_close(reader);
    store_close(fixture.store);
    OK(store_open_readonly(fixture.dir, &reader, &fixture.why));
    OK(task_get(reader, id, &row));
    store_close(reader);
    OK(store_open(fixture.dir, &fixture.store, &fixture.why));
    fixture_close();
}
END_TEST

START_TEST(a_reader_needs_a_database_to_read)
{
    struct store *reader = NULL;
    struct errinfo why = {0};
    ck_assert_int_eq(store_open_readonly("/nowhere", &reader, &why), ERR_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(why.text, "/nowhere"));
}
END_TEST

START_TEST(a_file_that_is_no_database_is_corrupt)
{
    fixture_open();
    store_close(fixture.store);
    char path[128];
    snprintf(path, sizeof(path), "%s/state.db", fixture.dir);
    struct errinfo why = {0};
    char noise[4096];
    memset(noise, 'x', sizeof(noise));
    ck_assert_int_eq(file_write(path, noise, sizeof(noise), &why), ERR_OK);
    ck_assert_int_eq(store_open(fixture.dir, &fixture.store, &why), ERR_CORRUPT);
    fixture.store = NULL;
    fixture_close();
}
END_TEST

// Overwrites the middle of the file: pages of tables, not the header.
static void damage_pages(const char *path)
{
    FILE *f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    char noise[4096];
    memset(noise, 0xa5, sizeof(noise));
    for (long page = 2; page < 12; page++) {
        ck_assert_int_eq(fseek(f, page * 4096, SEEK_SET), 0);
        ck_assert_uint_eq(fwrite(noise, 1, sizeof(noise), f), sizeof(noise));
    }
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(damaged_pages_are_found_at_once_and_it_says_what_to_do)
{
    fixture_open();
    OK(store_begin(fixture.store, &fixture.why));
    for (int i = 0; i < 200; i++) {
        fixture_add_task();
    }
    OK(store_commit(fixture.store, &fixture.why));
    store_close(fixture.store); // checkpoints the log into the file
    char path[128];
    snprintf(path, sizeof(path), "%s/state.db", fixture.dir);
    damage_pages(path);
    struct errinfo why = {0};
    ck_assert_int_eq(store_open(fixture.dir, &fixture.store, &why), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why.text, path));
    ck_assert_ptr_nonnull(strstr(why.text, "backup"));
    fixture.store = NULL;
    fixture_close();
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
    fixture_open();
    sqlite3_exec(fixture.store->db, "PRAGMA user_version = 99", NULL, NULL, NULL);
    store_close(fixture.store);
    struct errinfo why = {0};
    ck_assert_int_eq(store_open(fixture.dir, &fixture.store, &why), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why.text, "99"));
    fixture.store = NULL;
    fixture_close();
}
END_TEST

// A database as the first version made it, with a study in each of its states.
static void make_first_version(const char *dir)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/state.db", dir);
    ck_assert_int_eq(unlink(path), 0);
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, schema_sql, NULL, NULL, NULL), SQLITE_OK);
    for (int state = 1; state <= 6; state++) {
        char sql[256];
        snprintf(sql, sizeof(sql),
                 "INSERT INTO study (name, conf, pack, n_speakers, n_train_utts,"
                 " n_trials, state, stage, round, position, checkpoint, error,"
                 " created_ms, updated_ms) VALUES ('s%d', '', '', 0, 0, 0, %d, 0, 0, 0,"
                 " '', '', 0, 0)",
                 state, state);
        ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    ck_assert_int_eq(
        sqlite3_exec(
            db,
            "INSERT INTO task VALUES (1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, x'', NULL);"
            "INSERT INTO attempt VALUES (1, 1, 1, 0, 9, 6, 1, 'slow');"
            "INSERT INTO attempt VALUES (2, 1, 1, 0, 9, 7, 0, 'gone')",
            NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL);
    sqlite3_close(db);
}

START_TEST(a_database_of_the_first_version_keeps_its_studies_where_they_were)
{
    static const char *const names[] = {"packing",   "training", "searching",
                                        "exporting", "done",     "failed"};
    fixture_open();
    store_close(fixture.store);
    make_first_version(fixture.dir);
    OK(store_open(fixture.dir, &fixture.store, &fixture.why));
    for (uint64_t i = 0; i < 6; i++) {
        struct study_row row;
        OK(study_row_get(fixture.store, i + 1, &row));
        ck_assert_str_eq(study_state_name(row.state), names[i]);
        ck_assert_str_eq(row.predictor, "");
        ck_assert_str_eq(row.fit, "");
    }
    fixture_close();
}
END_TEST

static bool name_outcome(void *arg, const struct attempt_row *row)
{
    buf_addf(arg, "%s: %s%s; ", row->error, outcome_name(row->outcome), row->log_tail);
    return true;
}

START_TEST(a_database_of_the_first_version_keeps_how_attempts_ended)
{
    fixture_open();
    store_close(fixture.store);
    make_first_version(fixture.dir);
    OK(store_open(fixture.dir, &fixture.store, &fixture.why));
    struct buf seen = BUF_INIT;
    OK(attempt_each_failed(fixture.store, 1, name_outcome, &seen, &fixture.why));
    ck_assert_str_eq(seen.data, "gone: lost; slow: timeout; ");
    buf_fini(&seen);
    fixture_close();
}
END_TEST

START_TEST(named_values_are_kept_and_replaced)
{
    fixture_open();
    char value[16];
    ck_assert_int_eq(store_meta_get(fixture.store, "k", value, 16), ERR_NOTFOUND);
    OK(store_meta_set(fixture.store, "k", "1"));
    OK(store_meta_set(fixture.store, "k", "2"));
    OK(store_meta_get(fixture.store, "k", value, sizeof(value)));
    ck_assert_str_eq(value, "2");
    fixture_close();
}
END_TEST

START_TEST(a_full_disk_fails_the_transaction_and_nothing_else)
{
    fixture_open();
    uint64_t before = fixture_add_task();
    store_limit_pages(fixture.store, 1); // clamped to what it has: no page more
    OK(store_begin(fixture.store, &fixture.why));
    enum err e = ERR_OK;
    uint64_t n = 0;
    for (; n < 10000 && e == ERR_OK; n++) {
        struct task_row row = fixture_train_task();
        e = task_insert(fixture.store, &row, &fixture.why);
    }
    ck_assert_int_eq(e, ERR_FULL);
    store_rollback(fixture.store);
    struct task_row row;
    OK(task_get(fixture.store, before, &row));
    ck_assert_int_eq(task_get(fixture.store, before + 1, &row), ERR_NOTFOUND);
    store_limit_pages(fixture.store, 1000000);
    ck_assert_uint_eq(fixture_add_task(), before + 1); // it works again
    fixture_close();
}
END_TEST

TEST_SUITE(store, what_was_committed_is_there_after_reopening,
           what_was_not_committed_is_gone,
           an_undone_part_leaves_the_rest_of_the_transaction,
           a_second_writer_is_kept_out_and_told_by_whom,
           a_reader_works_beside_the_writer_and_without_it,
           a_reader_needs_a_database_to_read, a_file_that_is_no_database_is_corrupt,
           damaged_pages_are_found_at_once_and_it_says_what_to_do,
           a_newer_schema_is_refused,
           a_database_of_the_first_version_keeps_its_studies_where_they_were,
           a_database_of_the_first_version_keeps_how_attempts_ended,
           named_values_are_kept_and_replaced,
           a_full_disk_fails_the_transaction_and_nothing_else)
