// SPDX-License-Identifier: Apache-2.0
// test_store.c - what is in the artifact store is whole and right, whatever happens.
#include "common/blob/store.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

static struct blob_store *open_store(const char *name, const char *also_read)
{
    char path[128];
    struct blob_store *s = NULL;
    struct errinfo why = {0};
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_msg(blob_store_open(path, also_read, &s, &why) == ERR_OK, "%s", why.text);
    return s;
}

static void make_dir(void)
{
    snprintf(dir, sizeof(dir), "/tmp/voxarch-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0); // NOLINT: fixed, one thread
}

static bool count_one(void *arg, const struct blob_entry *entry)
{
    (void)entry;
    ++*(int *)arg;
    return true;
}

static int count(const struct blob_store *s)
{
    int n = 0;
    ck_assert_int_eq(blob_each(s, count_one, &n, NULL), ERR_OK);
    return n;
}

START_TEST(bytes_put_in_are_found_under_their_hash)
{
    make_dir();
    struct blob_store *s = open_store("a", NULL);
    char hex[HASH_HEX_MAX];
    char again[HASH_HEX_MAX];
    char path[FILE_PATH_MAX];
    uint64_t size = 0;
    ck_assert_int_eq(blob_put_bytes(s, "hello", 5, hex, NULL), ERR_OK);
    ck_assert_int_eq(blob_path(s, hex, path, &size, NULL), ERR_OK);
    ck_assert_uint_eq(size, 5);
    ck_assert_int_eq(hash_file(path, again, NULL), ERR_OK);
    ck_assert_str_eq(hex, again);
    ck_assert_int_eq(blob_remove(s, hex, NULL), ERR_OK);
    ck_assert(!blob_has(s, hex));
    ck_assert_int_eq(blob_remove(s, hex, NULL), ERR_NOTFOUND);
    blob_store_close(s);
    remove_dir();
}
END_TEST

START_TEST(a_file_is_taken_in)
{
    make_dir();
    struct blob_store *s = open_store("a", NULL);
    char path[FILE_PATH_MAX];
    char hex[HASH_HEX_MAX];
    uint64_t size = 0;
    ck_assert_int_eq(blob_scratch_path(s, path, NULL), ERR_OK);
    ck_assert_int_eq(file_write(path, "abc", 3, NULL), ERR_OK);
    ck_assert_int_eq(blob_take_file(s, path, hex, &size, NULL), ERR_OK);
    ck_assert_uint_eq(size, 3);
    ck_assert(!file_exists(path));
    ck_assert(blob_has(s, hex));
    ck_assert_int_eq(blob_take_file(s, path, hex, NULL, NULL), ERR_NOTFOUND);
    blob_store_close(s);
    remove_dir();
}
END_TEST

START_TEST(a_wrong_hash_or_size_leaves_nothing)
{
    make_dir();
    struct blob_store *s = open_store("a", NULL);
    char hex[HASH_HEX_MAX];
    struct blob_writer *w = NULL;
    hash_bytes("right", 5, hex);
    ck_assert_int_eq(blob_writer_begin(s, hex, 5, &w, NULL), ERR_OK);
    ck_assert_int_eq(blob_writer_add(w, "wrong", 5, NULL), ERR_OK);
    ck_assert_int_eq(blob_writer_add(w, "!", 1, NULL), ERR_CORRUPT);
    ck_assert_int_eq(blob_writer_commit(w, NULL), ERR_CORRUPT);
    ck_assert_int_eq(blob_writer_begin(s, hex, 5, &w, NULL), ERR_OK);
    ck_assert_int_eq(blob_writer_add(w, "rig", 3, NULL), ERR_OK);
    ck_assert_uint_eq(blob_writer_at(w), 3);
    ck_assert_int_eq(blob_writer_commit(w, NULL), ERR_CORRUPT);
    ck_assert_int_eq(count(s), 0);
    blob_store_close(s);
    remove_dir();
}
END_TEST

START_TEST(names_that_are_no_hashes_are_refused)
{
    make_dir();
    struct blob_store *s = open_store("a", NULL);
    char path[FILE_PATH_MAX];
    struct blob_writer *w = NULL;
    ck_assert_int_eq(blob_path(s, "../../etc/passwd", path, NULL, NULL), ERR_INPUT);
    ck_assert_int_eq(blob_writer_begin(s, "", 1, &w, NULL), ERR_INPUT);
    blob_store_close(s);
    remove_dir();
}
END_TEST

START_TEST(a_second_folder_is_read_but_not_written)
{
    make_dir();
    struct blob_store *other = open_store("other", NULL);
    char hex[HASH_HEX_MAX];
    char path[128];
    ck_assert_int_eq(blob_put_bytes(other, "x", 1, hex, NULL), ERR_OK);
    snprintf(path, sizeof(path), "%s/other", dir);
    struct blob_store *s = open_store("a", path);
    ck_assert(blob_has(s, hex));
    ck_assert_int_eq(blob_remove(s, hex, NULL), ERR_NOTFOUND);
    ck_assert_int_eq(count(s), 0);
    blob_store_close(s);
    blob_store_close(other);
    remove_dir();
}
END_TEST

// A process that dies in the middle of writing, and one that is still at it.
START_TEST(only_what_a_crash_left_is_removed)
{
    make_dir();
    struct blob_store *alive = open_store("a", NULL);
    char hex[HASH_HEX_MAX];
    struct blob_writer *w = NULL;
    hash_bytes("hello", 5, hex);
    ck_assert_int_eq(blob_writer_begin(alive, hex, 5, &w, NULL), ERR_OK);
    ck_assert_int_eq(blob_writer_add(w, "hel", 3, NULL), ERR_OK);
    char left[FILE_PATH_MAX];
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        struct blob_store *dying = open_store("a", NULL);
        ck_assert_int_eq(blob_scratch_path(dying, left, NULL), ERR_OK);
        ck_assert_int_eq(file_write(left, "part", 4, NULL), ERR_OK);
        ck_assert_int_eq(write(fds[1], left, sizeof(left)), sizeof(left));
        _exit(0);
    }
    ck_assert_int_eq(read(fds[0], left, sizeof(left)), sizeof(left));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert(file_exists(left));
    struct blob_store *next = open_store("a", NULL);
    ck_assert(!file_exists(left));
    ck_assert_int_eq(blob_writer_add(w, "lo", 2, NULL), ERR_OK);
    ck_assert_int_eq(blob_writer_commit(w, NULL), ERR_OK);
    ck_assert(blob_has(next, hex));
    blob_store_close(next);
    blob_store_close(alive);
    remove_dir();
}
END_TEST

TEST_SUITE(store, bytes_put_in_are_found_under_their_hash, a_file_is_taken_in,
           a_wrong_hash_or_size_leaves_nothing, names_that_are_no_hashes_are_refused,
           a_second_folder_is_read_but_not_written, only_what_a_crash_left_is_removed)
