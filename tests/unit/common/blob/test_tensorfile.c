// SPDX-License-Identifier: Apache-2.0
// test_tensorfile.c - safetensors: round trips, and headers that lie.
#include "common/base/file.h"
#include "common/blob/tensorfile.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char scratch[64];

static const char *scratch_file(void)
{
    snprintf(scratch, sizeof(scratch), "/tmp/voxarch_tensor_XXXXXX");
    int fd = mkstemp(scratch);
    ck_assert_int_ge(fd, 0);
    close(fd);
    return scratch;
}

// Writes length prefix, header and n_data zero bytes.
static const char *file_with_header(const char *header, size_t n_data)
{
    struct buf b = BUF_INIT;
    uint64_t length = strlen(header);
    buf_add(&b, &length, sizeof(length));
    buf_add(&b, header, strlen(header));
    memset(buf_reserve(&b, n_data), 0, n_data);
    b.len += n_data;
    const char *path = scratch_file();
    ck_assert_int_eq(file_write(path, b.data, b.len, NULL), ERR_OK);
    buf_fini(&b);
    return path;
}

static void assert_corrupt(const char *path, const char *expected)
{
    struct errinfo why = {0};
    struct tensor_reader *r = NULL;
    ck_assert_int_eq(tensor_reader_open(path, &r, &why), ERR_CORRUPT);
    ck_assert_ptr_null(r);
    ck_assert_msg(strstr(why.text, expected) != NULL, "\"%s\" does not say \"%s\"",
                  why.text, expected);
    unlink(path);
}

static void save_sample(const char *path)
{
    static const float a[] = {1, -2.5f, 3};
    static const int64_t step = 7;
    static const double d[] = {.5, .25};
    struct tensor_writer *w = tensor_writer_create();
    tensor_writer_meta(w, "format", "test");
    tensor_writer_meta(w, "cases", "[{\"depth\": 4}]");
    tensor_writer_add(w, "step", TENSOR_I64, 0, NULL, &step);
    tensor_writer_add(w, "a", TENSOR_F32, 2, (const int64_t[]){3, 1}, a);
    tensor_writer_add(w, "d", TENSOR_F64, 1, (const int64_t[]){2}, d);
    tensor_writer_add(w, "empty", TENSOR_U8, 1, (const int64_t[]){0}, NULL);
    ck_assert_int_eq(tensor_writer_save(w, path, NULL), ERR_OK);
    tensor_writer_destroy(w);
}

START_TEST(what_was_written_is_read_back)
{
    const char *path = scratch_file();
    save_sample(path);
    struct errinfo why = {0};
    struct tensor_reader *r = NULL;
    ck_assert_int_eq(tensor_reader_open(path, &r, &why), ERR_OK);
    ck_assert_uint_eq(tensor_reader_count(r), 4);
    ck_assert_str_eq(tensor_reader_at(r, 1)->name, "a");
    ck_assert_str_eq(tensor_reader_meta(r, "cases"), "[{\"depth\": 4}]");
    ck_assert_ptr_null(tensor_reader_meta(r, "nothing"));
    const struct tensor *a = tensor_reader_find(r, "a");
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(a->rank, 2);
    ck_assert_int_eq(a->shape[0], 3);
    float x[3] = {0};
    ck_assert_int_eq(tensor_read_f32(r, "a", x, 3, &why), ERR_OK);
    ck_assert_float_eq(x[1], -2.5f);
    ck_assert_int_eq(tensor_read_f32(r, "step", x, 1, &why), ERR_OK);
    ck_assert_float_eq(x[0], 7);
    ck_assert_int_eq(tensor_read_f32(r, "d", x, 2, &why), ERR_OK);
    ck_assert_float_eq(x[1], .25f);
    ck_assert_int_eq(tensor_read_f32(r, "d", x, 3, &why), ERR_CORRUPT);
    ck_assert_int_eq(tensor_read_f32(r, "e", x, 3, &why), ERR_CORRUPT);
    tensor_reader_close(r);
    unlink(path);
}
END_TEST

START_TEST(the_same_content_gives_the_same_bytes_and_aligned_data)
{
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    const char *path = scratch_file();
    save_sample(path);
    ck_assert_int_eq(file_read(path, 4096, &first, NULL), ERR_OK);
    save_sample(path);
    ck_assert_int_eq(file_read(path, 4096, &second, NULL), ERR_OK);
    ck_assert_uint_eq(first.len, second.len);
    ck_assert_mem_eq(first.data, second.data, first.len);
    uint64_t length = 0;
    memcpy(&length, first.data, sizeof(length));
    ck_assert_uint_eq(length % 8, 0);
    buf_fini(&first);
    buf_fini(&second);
    unlink(path);
}
END_TEST

START_TEST(a_missing_file_is_not_found)
{
    struct errinfo why = {0};
    struct tensor_reader *r = NULL;
    ck_assert_int_eq(tensor_reader_open("/nowhere/x", &r, &why), ERR_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(why.text, "/nowhere/x"));
}
END_TEST

START_TEST(files_too_short_for_their_header_are_refused)
{
    const char *path = scratch_file();
    assert_corrupt(path, "not a safetensors file"); // empty
    path = scratch_file();
    ck_assert_int_eq(file_write(path, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, NULL),
                     ERR_OK);
    assert_corrupt(path, "header of 18446744073709551615 bytes");
    path = scratch_file();
    ck_assert_int_eq(file_write(path, "\x03\0\0\0\0\0\0\0{}", 10, NULL), ERR_OK);
    assert_corrupt(path, "header of 3 bytes");
    assert_corrupt(file_with_header("", 8), "not a JSON object");
}
END_TEST

struct lie {
    const char *header;
    const char *expected;
};

#define T(dtype, shape, offsets) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct lie lies[] = {
    {"[1,2]", "not a JSON object"},
    {"{\"a\":", "not a JSON object"},
    {"{\"a\":7}", "a: not exactly dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "not exactly dtype"},
    {"{\"a\":" T("F32", "[1]", "[0,4]") ",\"a\":" T("F32", "[1]", "[4,8]") "}",
     "duplicate"},
    {"{\"a\":" T("BF16", "[1]", "[0,2]") "}", "dtype"},
    {"{\"a\":" T("F32", "[1,1,1,1,1]", "[0,4]") "}", "shape is not a list"},
    {"{\"a\":" T("F32", "3", "[0,4]") "}", "shape is not a list"},
    {"{\"a\":" T("F32", "[-1]", "[0,4]") "}", "shape[0] is not a size"},
    {"{\"a\":" T("F32", "[1.0]", "[0,4]") "}", "shape[0] is not a size"},
    {"{\"a\":" T("F32", "[4294967296,4294967296]", "[0,0]") "}", "overflows"},
    {"{\"a\":" T("F64", "[4611686018427387904]", "[0,0]") "}", "overflows"},
    {"{\"a\":" T("F32", "[2]", "[60,68]") "}", "outside the 64 bytes"},
    {"{\"a\":" T("F32", "[2]", "[-8,0]") "}", "outside the 64 bytes"},
    {"{\"a\":" T("F32", "[2]", "[16,8]") "}", "outside the 64 bytes"},
    {"{\"a\":" T("F32", "[2]", "[0,4]") "}", "4 bytes where the shape needs 8"},
    {"{\"a\":" T("F32", "[2]", "[0,8,16]") "}", "not [begin, end]"},
    {"{\"a\":" T("F32", "[2]", "[0,99999999999999999999]") "}", "not a JSON object"},
    {"{\"b\":" T("F32", "[2]", "[4,12]") ",\"a\":" T("F32", "[2]", "[0,8]") "}",
     "a and b overlap"},
    {"{\"__metadata__\":[]}", "__metadata__ is not an object"},
    {"{\"__metadata__\":{\"a\":1}}", "no string"},
    {"{\"a\\u0000b\":" T("F32", "[1]", "[0,4]") "}", "not a JSON object"},
};

START_TEST(a_header_that_lies_is_refused_and_says_where)
{
    assert_corrupt(file_with_header(lies[_i].header, 64), lies[_i].expected);
}
END_TEST

START_TEST(a_long_name_is_refused)
{
    struct buf b = BUF_INIT;
    buf_addf(&b, "{\"%0*d\":" T("F32", "[1]", "[0,4]") "}", TENSOR_NAME_MAX, 0);
    assert_corrupt(file_with_header(b.data, 64), "name is longer");
    buf_fini(&b);
}
END_TEST

START_TEST(a_bottomless_header_is_refused)
{
    struct buf b = BUF_INIT;
    for (int i = 0; i < 100000; i++) {
        buf_add(&b, "[", 1);
    }
    assert_corrupt(file_with_header(b.data, 0), "not a JSON object");
    buf_fini(&b);
}
END_TEST

// Metadata may come from another's file: too much of it is an error, not our bug.
START_TEST(a_header_too_large_to_be_read_is_not_written)
{
    const size_t n = 16u << 20;
    char *value = malloc(n + 1);
    ck_assert_ptr_nonnull(value);
    memset(value, 'x', n);
    value[n] = '\0';
    struct errinfo why = {0};
    const char *path = scratch_file();
    struct tensor_writer *w = tensor_writer_create();
    tensor_writer_meta(w, "note", value);
    ck_assert_int_eq(tensor_writer_save(w, path, &why), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(why.text, path));
    tensor_writer_destroy(w);
    free(value);
    unlink(path);
}
END_TEST

START_TEST(unaligned_data_is_read)
{
    const char *path = file_with_header("{\"a\":" T("I32", "[2]", "[1,9]") "}", 9);
    struct tensor_reader *r = NULL;
    ck_assert_int_eq(tensor_reader_open(path, &r, NULL), ERR_OK);
    float x[2] = {1, 1};
    ck_assert_int_eq(tensor_read_f32(r, "a", x, 2, NULL), ERR_OK);
    ck_assert_float_eq(x[1], 0);
    tensor_reader_close(r);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tensorfile");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, what_was_written_is_read_back);
    tcase_add_test(tc, the_same_content_gives_the_same_bytes_and_aligned_data);
    tcase_add_test(tc, a_missing_file_is_not_found);
    tcase_add_test(tc, files_too_short_for_their_header_are_refused);
    tcase_add_loop_test(tc, a_header_that_lies_is_refused_and_says_where, 0,
                        (int)(sizeof(lies) / sizeof(lies[0])));
    tcase_add_test(tc, a_long_name_is_refused);
    tcase_add_test(tc, a_bottomless_header_is_refused);
    tcase_add_test(tc, a_header_too_large_to_be_read_is_not_written);
    tcase_add_test(tc, unaligned_data_is_read);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
