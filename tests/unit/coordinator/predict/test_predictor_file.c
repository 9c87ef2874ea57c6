// SPDX-License-Identifier: Apache-2.0
// test_predictor_file.c - predictors written and read again, the published one against
// its authors' numbers, and files that are none.
#include "common/blob/tensorfile.h"
#include "common/space/named.h"
#include "coordinator/predict/predictor_type.h"
#include "tests/lib/check_main.h"
#include "tests/lib/fixture.h"

#include <math.h>
#include <unistd.h>

#define N_LABELS 40

static struct space small_space(void)
{
    const struct value_list depths = {2, {1, 3}};
    const struct value_list widths = {3, {8, 16, 24}};
    const struct value_list kernels = {2, {1, 5}};
    const struct value_list cats = {2, {32, 64}};
    struct space s;
    ck_assert_int_eq(space_build(&s, &depths, &widths, &kernels, &cats, NULL), ERR_OK);
    return s;
}

static void scratch(char out[static 64])
{
    snprintf(out, 64, "/tmp/predictor-XXXXXX");
    int fd = mkstemp(out);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static struct predictor *fitted(const char *kind, const struct space *s)
{
    struct arch archs[N_LABELS];
    double values[N_LABELS];
    struct rng r = rng_stream(5, RNG_TEST, 0, 0);
    for (int i = 0; i < N_LABELS; i++) {
        archs[i] = space_draw(s, &r);
        values[i] = 3 - .05 * archs[i].width[0] + .1 * rng_normal(&r);
    }
    const struct labels l = {N_LABELS, archs, values};
    struct predictor *p = NULL;
    struct errinfo why = {0};
    ck_assert_msg(predictor_fit(kind, s, &l, 7, &p, &why) == ERR_OK, "%s", why.text);
    return p;
}

START_TEST(every_kind_is_read_back_as_it_was_written)
{
    struct space s = small_space();
    struct rng r = rng_stream(6, RNG_TEST, 0, 0);
    char path[64];
    scratch(path);
    for (size_t k = 0; k < PREDICTOR_KINDS; k++) {
        struct predictor *p = fitted(predictor_type_at(k)->name, &s);
        struct predictor *again = NULL;
        struct errinfo why = {0};
        ck_assert_int_eq(predictor_save(p, path, NULL), ERR_OK);
        ck_assert_msg(predictor_load(path, &again, &why) == ERR_OK, "%s", why.text);
        ck_assert_str_eq(predictor_kind(again), predictor_type_at(k)->name);
        ck_assert_mem_eq(predictor_space(again), predictor_space(p), sizeof(s));
        for (int i = 0; i < 50; i++) {
            struct arch a = space_draw(&s, &r);
            double value[2];
            double spread[2];
            predictor_predict(p, &a, 1, &value[0], &spread[0]);
            predictor_predict(again, &a, 1, &value[1], &spread[1]);
            ck_assert(value[0] == value[1]);
            ck_assert(spread[0] == spread[1]);
        }
        predictor_destroy(p);
        predictor_destroy(again);
    }
    unlink(path);
}
END_TEST

START_TEST(a_network_is_guessed_the_same_alone_and_among_others)
{
    struct space s = small_space();
    struct rng r = rng_stream(8, RNG_TEST, 0, 0);
    enum { N = 300 };
    for (size_t k = 0; k < PREDICTOR_KINDS; k++) {
        struct predictor *p = fitted(predictor_type_at(k)->name, &s);
        struct arch archs[N];
        double values[N];
        double alone;
        for (int i = 0; i < N; i++) {
            archs[i] = space_draw(&s, &r);
        }
        predictor_predict(p, archs, N, values, NULL);
        for (int i = 0; i < N; i += 7) {
            predictor_predict(p, &archs[i], 1, &alone, NULL);
            ck_assert_double_eq_tol(alone, values[i], 1e-5);
        }
        predictor_destroy(p);
    }
}
END_TEST

// ---------------------------------------------------------------- files that are none

struct wrong {
    const char *meta[4]; // key, value, ...
    const char *tensor;  // one I32 tensor, or NULL
    int32_t values[3];
    enum err code;
    const char *sentence; // after "PATH: "
};

static const struct wrong wrongs[] = {
    {{NULL}, NULL, {0}, ERR_CORRUPT, "no tensor 1.bias"},
    {{"format", "else 9"},
     NULL,
     {0},
     ERR_INPUT,
     "format is \"else 9\"; this program reads \"voxarch predictor 1\""},
    {{"format", "voxarch predictor 1"},
     NULL,
     {0},
     ERR_INPUT,
     "there is no predictor \"\"; allowed: mlp, ridge, gp"},
    {{"format", "voxarch predictor 1", "kind", "tree"},
     NULL,
     {0},
     ERR_INPUT,
     "there is no predictor \"tree\"; allowed: mlp, ridge, gp"},
    {{"format", "voxarch predictor 1", "kind", "mlp"},
     NULL,
     {0},
     ERR_CORRUPT,
     "no tensor space.depth"},
    {{"format", "voxarch predictor 1", "kind", "mlp"},
     "space.depth",
     {2, 3, 9},
     ERR_CORRUPT,
     "space.depth: value 9 is not possible there; allowed, increasing: 1 to 8"},
    {{"format", "voxarch predictor 1", "kind", "mlp"},
     "space.depth",
     {2, 3, 3},
     ERR_CORRUPT,
     "space.depth: value 3 is not possible there; allowed, increasing: 1 to 8"},
    {{"format", "voxarch predictor 1", "kind", "mlp"},
     "space.depth",
     {-2, 3, 4},
     ERR_CORRUPT,
     "space.depth: value -2 is not possible there; allowed, increasing: 1 to 8"},
    {{"format", "voxarch predictor 1", "kind", "gp"},
     "space.depth",
     {2, 3, 4},
     ERR_CORRUPT,
     "no tensor space.width0"},
};

START_TEST(a_file_that_is_no_predictor_is_told_why)
{
    char path[64];
    scratch(path);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct wrong *x = &wrongs[i];
        const int64_t shape[] = {3};
        struct tensor_writer *w = tensor_writer_create();
        for (int j = 0; j < 4 && x->meta[j]; j += 2) {
            tensor_writer_meta(w, x->meta[j], x->meta[j + 1]);
        }
        if (x->tensor) {
            tensor_writer_add(w, x->tensor, TENSOR_I32, 1, shape, x->values);
        }
        ck_assert_int_eq(tensor_writer_save(w, path, NULL), ERR_OK);
        tensor_writer_destroy(w);
        struct predictor *p = NULL;
        struct errinfo why = {0};
        char wanted[ERRINFO_MAX];
        snprintf(wanted, sizeof(wanted), "%s: %s", path, x->sentence);
        ck_assert_int_eq(predictor_load(path, &p, &why), x->code);
        ck_assert_str_eq(why.text, wanted);
        ck_assert_ptr_null(p);
    }
    unlink(path);
}
END_TEST

// Whatever one byte of a file is changed to, it is read or refused, never believed
// blindly.
START_TEST(a_damaged_file_is_read_or_refused)
{
    struct space s = small_space();
    char path[64];
    scratch(path);
    for (size_t k = 0; k < PREDICTOR_KINDS; k++) {
        struct predictor *p = fitted(predictor_type_at(k)->name, &s);
        struct buf bytes = BUF_INIT;
        struct rng r = rng_stream(9, RNG_TEST, k, 0);
        ck_assert_int_eq(predictor_save(p, path, NULL), ERR_OK);
        ck_assert_int_eq(file_read(path, 1 << 24, &bytes, NULL), ERR_OK);
        for (int i = 0; i < 30; i++) {
            size_t header = bytes.len < 3000 ? bytes.len : 3000;
            size_t at = rng_below(&r, header);
            char before = bytes.data[at];
            bytes.data[at] = (char)rng_below(&r, 256);
            FILE *f = fopen(path, "w");
            ck_assert_ptr_nonnull(f);
            fwrite(bytes.data, 1, rng_below(&r, 4) ? bytes.len : at, f);
            fclose(f);
            bytes.data[at] = before;
            struct predictor *again = NULL;
            struct errinfo why = {0};
            if (predictor_load(path, &again, &why) != ERR_OK) {
                ck_assert_int_ne(why.text[0], 0);
            }
            predictor_destroy(again);
        }
        buf_fini(&bytes);
        predictor_destroy(p);
    }
    unlink(path);
}
END_TEST

START_TEST(the_published_predictor_gives_its_authors_numbers)
{
    char path[FILE_PATH_MAX];
    char golden[FILE_PATH_MAX];
    if (!fixture_path("surrogate_eer_predictor.safetensors", path) ||
        !fixture_path("golden_50.csv", golden)) {
        return;
    }
    struct predictor *p = NULL;
    struct errinfo why = {0};
    ck_assert_msg(predictor_load(path, &p, &why) == ERR_OK, "%s", why.text);
    struct space coarse;
    ck_assert(named_space("coarse", &coarse));
    ck_assert_mem_eq(predictor_space(p), &coarse, sizeof(coarse));
    FILE *f = fopen(golden, "r");
    ck_assert_ptr_nonnull(f);
    char line[512];
    int n_rows = 0;
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    while (fgets(line, sizeof(line), f)) {
        struct fixture_golden g;
        double eer;
        ck_assert(fixture_golden(line, &g));
        predictor_predict(p, &g.arch, 1, &eer, NULL);
        ck_assert_double_eq_tol(eer, g.eer, 1e-4);
        n_rows++;
    }
    fclose(f);
    ck_assert_int_eq(n_rows, 50);
    predictor_destroy(p);
}
END_TEST

TEST_SUITE(predictor_file, every_kind_is_read_back_as_it_was_written,
           a_network_is_guessed_the_same_alone_and_among_others,
           a_file_that_is_no_predictor_is_told_why, a_damaged_file_is_read_or_refused,
           the_published_predictor_gives_its_authors_numbers)
