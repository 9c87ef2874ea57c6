// SPDX-License-Identifier: Apache-2.0
// test_merge.c - averages of known tensors; the same bytes whatever came first.
#include "common/base/file.h"
#include "common/blob/tensorfile.h"
#include "coordinator/study/merge.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static char dir[64];

static void make_dir(void)
{
    strcpy(dir, "/tmp/voxarch_merge_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static const char *path_of(const char *name)
{
    static char paths[8][128];
    static int at;
    char *path = paths[at++ % 8];
    snprintf(path, 128, "%s/%s", dir, name);
    return path;
}

#define N_VALUES 3000 // more than one block of the accumulator

static void save_shard(const char *name, float offset, int32_t step, int64_t n_rows)
{
    static float weights[N_VALUES];
    float moments[2] = {offset, 2 * offset};
    int64_t steps[1] = {step};
    int32_t counts[1] = {step};
    for (int i = 0; i < N_VALUES; i++) {
        weights[i] = (float)i + offset;
    }
    struct tensor_writer *w = tensor_writer_create();
    tensor_writer_meta(w, "format", "voxarch");
    tensor_writer_meta(w, "position", "8");
    tensor_writer_add(w, "weights.layer1", TENSOR_F32, 2,
                      (int64_t[]){n_rows, N_VALUES / n_rows}, weights);
    tensor_writer_add(w, "adam.m.layer1", TENSOR_F32, 1, (int64_t[]){2}, moments);
    tensor_writer_add(w, "adam.step.layer1", TENSOR_I64, 1, (int64_t[]){1}, steps);
    tensor_writer_add(w, "adam.step.layer2", TENSOR_I32, 1, (int64_t[]){1}, counts);
    struct errinfo why = {0};
    ck_assert_int_eq(tensor_writer_save(w, path_of(name), &why), ERR_OK);
    tensor_writer_destroy(w);
}

static void merge(const char *const *paths, size_t n, const char *out)
{
    const struct merge_note notes[] = {{"position", "24"}};
    struct errinfo why = {0};
    ck_assert_msg(merge_checkpoints(paths, n, notes, 1, path_of(out), &why) == ERR_OK,
                  "%s", why.text);
}

static void assert_same_bytes(const char *a, const char *b, bool same)
{
    struct buf x = BUF_INIT;
    struct buf y = BUF_INIT;
    ck_assert_int_eq(file_read(path_of(a), 1 << 20, &x, NULL), ERR_OK);
    ck_assert_int_eq(file_read(path_of(b), 1 << 20, &y, NULL), ERR_OK);
    ck_assert_int_eq(x.len == y.len && memcmp(x.data, y.data, x.len) == 0, same);
    buf_fini(&x);
    buf_fini(&y);
}

START_TEST(values_and_moments_are_averaged)
{
    make_dir();
    save_shard("a", 1, 5, 10);
    save_shard("b", 2, 7, 10);
    save_shard("c", 6, 6, 10);
    merge((const char *[]){path_of("a"), path_of("b"), path_of("c")}, 3, "m");
    struct tensor_reader *r;
    ck_assert_int_eq(tensor_reader_open(path_of("m"), &r, NULL), ERR_OK);
    float weights[N_VALUES];
    float moments[2];
    ck_assert_int_eq(tensor_read_f32(r, "weights.layer1", weights, N_VALUES, NULL),
                     ERR_OK);
    ck_assert_int_eq(tensor_read_f32(r, "adam.m.layer1", moments, 2, NULL), ERR_OK);
    for (int i = 0; i < N_VALUES; i++) {
        ck_assert_float_eq(weights[i], (float)i + 3);
    }
    ck_assert_float_eq(moments[1], 6);
    tensor_reader_close(r);
}
END_TEST

START_TEST(step_counts_take_the_largest)
{
    make_dir();
    save_shard("a", 1, 5, 10);
    save_shard("b", 2, 7, 10);
    merge((const char *[]){path_of("a"), path_of("b")}, 2, "m");
    struct tensor_reader *r;
    ck_assert_int_eq(tensor_reader_open(path_of("m"), &r, NULL), ERR_OK);
    float step;
    ck_assert_int_eq(tensor_read_f32(r, "adam.step.layer1", &step, 1, NULL), ERR_OK);
    ck_assert_float_eq(step, 7);
    ck_assert_int_eq(tensor_read_f32(r, "adam.step.layer2", &step, 1, NULL), ERR_OK);
    ck_assert_float_eq(step, 7);
    ck_assert_int_eq(tensor_reader_find(r, "adam.step.layer1")->type, TENSOR_I64);
    tensor_reader_close(r);
}
END_TEST

START_TEST(metadata_is_kept_and_the_notes_replace_it)
{
    make_dir();
    save_shard("a", 1, 5, 10);
    save_shard("b", 2, 7, 10);
    merge((const char *[]){path_of("a"), path_of("b")}, 2, "m");
    struct tensor_reader *r;
    ck_assert_int_eq(tensor_reader_open(path_of("m"), &r, NULL), ERR_OK);
    ck_assert_str_eq(tensor_reader_meta(r, "format"), "voxarch");
    ck_assert_str_eq(tensor_reader_meta(r, "position"), "24");
    tensor_reader_close(r);
}
END_TEST

START_TEST(the_same_shards_give_the_same_bytes)
{
    make_dir();
    save_shard("a", 0.1f, 5, 10);
    save_shard("b", 0.7f, 7, 10);
    merge((const char *[]){path_of("a"), path_of("b")}, 2, "m1");
    merge((const char *[]){path_of("a"), path_of("b")}, 2, "m2");
    assert_same_bytes("m1", "m2", true);
    assert_same_bytes("m1", "a", false);
}
END_TEST

// Two shards: a + b = b + a in any arithmetic, so here order cannot matter at all.
START_TEST(two_shards_give_the_same_bytes_in_either_order)
{
    make_dir();
    save_shard("a", 0.1f, 5, 10);
    save_shard("b", 0.7f, 7, 10);
    merge((const char *[]){path_of("a"), path_of("b")}, 2, "m1");
    merge((const char *[]){path_of("b"), path_of("a")}, 2, "m2");
    assert_same_bytes("m1", "m2", true);
}
END_TEST

START_TEST(a_shard_merged_with_itself_stays_what_it_is)
{
    make_dir();
    save_shard("a", 0.3f, 5, 10);
    const char *a = path_of("a");
    const struct merge_note notes[] = {{"position", "8"}};
    const char *paths[] = {a, a, a};
    ck_assert_int_eq(merge_checkpoints(paths, 3, notes, 1, path_of("m"), NULL), ERR_OK);
    assert_same_bytes("m", "a", true);
}
END_TEST

static enum err merge_with_a(const char *other, struct errinfo *why)
{
    const char *paths[] = {path_of("a"), path_of(other)};
    return merge_checkpoints(paths, 2, NULL, 0, path_of("m"), why);
}

START_TEST(a_tensor_of_another_shape_is_named)
{
    make_dir();
    save_shard("a", 1, 5, 10);
    save_shard("b", 2, 7, 20);
    struct errinfo why = {0};
    ck_assert_int_eq(merge_with_a("b", &why), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why.text, "weights.layer1"));
    ck_assert_ptr_nonnull(strstr(why.text, "shard 1"));
}
END_TEST

START_TEST(a_mean_that_is_not_finite_is_refused)
{
    make_dir();
    save_shard("a", 1, 5, 10);
    save_shard("b", (float)NAN, 7, 10);
    struct errinfo why = {0};
    ck_assert_int_eq(merge_with_a("b", &why), ERR_NUMERIC);
    ck_assert_int_eq(file_exists(path_of("m")), false);
}
END_TEST

START_TEST(a_missing_or_broken_shard_is_an_error)
{
    make_dir();
    save_shard("a", 1, 5, 10);
    struct errinfo why = {0};
    ck_assert_int_eq(merge_with_a("nowhere", &why), ERR_NOTFOUND);
    ck_assert_int_eq(file_write(path_of("b"), "garbage", 7, NULL), ERR_OK);
    ck_assert_int_eq(merge_with_a("b", &why), ERR_CORRUPT);
}
END_TEST

TEST_SUITE(merge, values_and_moments_are_averaged, step_counts_take_the_largest,
           metadata_is_kept_and_the_notes_replace_it,
           the_same_shards_give_the_same_bytes,
           two_shards_give_the_same_bytes_in_either_order,
           a_shard_merged_with_itself_stays_what_it_is,
           a_tensor_of_another_shape_is_named, a_mean_that_is_not_finite_is_refused,
           a_missing_or_broken_shard_is_an_error)
