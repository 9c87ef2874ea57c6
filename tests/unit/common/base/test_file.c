// SPDX-License-Identifier: Apache-2.0
// test_file.c - whole-file reads and atomic writes; error sentences.
#include "common/base/file.h"
#include "tests/lib/check_main.h"

#include <string.h>
#include <unistd.h>

START_TEST(what_was_written_is_read_back)
{
    char dir[] = "/tmp/voxarch_file_XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    char path[FILE_PATH_MAX];
    struct errinfo why = {0};
    ck_assert_int_eq(file_path(path, sizeof(path), &why, "%s/a/b", dir), ERR_OK);
    ck_assert_int_eq(file_make_dirs(path, &why), ERR_OK);
    ck_assert_int_eq(file_path(path, sizeof(path), &why, "%s/a/b/c", dir), ERR_OK);
    ck_assert_int_eq(file_write(path, "hello", 5, &why), ERR_OK);
    struct buf b = BUF_INIT;
    ck_assert_int_eq(file_read(path, 100, &b, &why), ERR_OK);
    ck_assert_str_eq(b.data, "hello");
    buf_fini(&b);
}
END_TEST

START_TEST(a_missing_file_is_named_in_the_error)
{
    struct errinfo why = {0};
    struct buf b = BUF_INIT;
    ck_assert_int_eq(file_read("/nowhere/x", 100, &b, &why), ERR_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(why.text, "/nowhere/x"));
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused)
{
    char path[] = "/tmp/voxarch_limit_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "0123456789", 10), 10);
    close(fd);
    struct errinfo why = {0};
    struct buf b = BUF_INIT;
    ck_assert_int_eq(file_read(path, 9, &b, &why), ERR_LIMIT);
    unlink(path);
    buf_fini(&b);
}
END_TEST

START_TEST(a_prefix_says_where_it_happened)
{
    struct errinfo why = {0};
    ck_assert_int_eq(err_set(&why, ERR_INPUT, "depth is %d", 9), ERR_INPUT);
    ck_assert_int_eq(err_prefix(&why, ERR_INPUT, "study.yaml:%d", 3), ERR_INPUT);
    ck_assert_str_eq(why.text, "study.yaml:3: depth is 9");
}
END_TEST

TEST_SUITE(file, what_was_written_is_read_back, a_missing_file_is_named_in_the_error,
           a_file_over_the_limit_is_refused, a_prefix_says_where_it_happened)
