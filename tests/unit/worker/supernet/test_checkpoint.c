// SPDX-License-Identifier: Apache-2.0
// test_checkpoint.c - supernets and dense networks through files and back.
#include "common/base/file.h"
#include "common/blob/tensorfile.h"
#include "tests/lib/check_main.h"
#include "tests/unit/worker/supernet/toy.h"
#include "worker/supernet/checkpoint.h"
#include "worker/supernet/naming.h"
#include "worker/supernet/slice.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void make_path(void)
{
    snprintf(path, sizeof(path), "/tmp/voxarch_checkpoint_XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static struct supernet *used_supernet(void)
{
    struct supernet *s = toy_supernet(5);
    toy_fill(s->m, s->n_values, 21);
    toy_fill(s->v, s->n_values, 22);
    for (size_t i = 0; i < s->n_values; i++) {
        s->v[i] *= s->v[i]; // means of squares
    }
    for (int i = 0; i < s->n_tensors; i++) {
        s->steps[i] = (uint64_t)i << 33;
    }
    return s;
}

static struct supernet *fresh_supernet(int n_speakers)
{
    struct net_dims d = TOY_DIMS;
    return supernet_create(&d, n_speakers, 99);
}

START_TEST(a_supernet_comes_back_bit_for_bit)
{
    make_path();
    const struct checkpoint_note notes[] = {{"study", "toy"}, {"stage", "kernel"}};
    struct errinfo why = {0};
    struct supernet *a = used_supernet();
    struct supernet *b = fresh_supernet(TOY_SPEAKERS);
    ck_assert_int_eq(checkpoint_save(a, path, notes, 2, &why), ERR_OK);
    ck_assert_msg(checkpoint_load(b, path, &why) == ERR_OK, "%s", why.text);
    ck_assert_mem_eq(a->values, b->values, a->n_values * sizeof(float));
    ck_assert_mem_eq(a->m, b->m, a->n_values * sizeof(float));
    ck_assert_mem_eq(a->v, b->v, a->n_values * sizeof(float));
    ck_assert_mem_eq(a->stats, b->stats, a->layout.n_stats * sizeof(float));
    ck_assert_mem_eq(a->steps, b->steps, (size_t)a->n_tensors * sizeof(*a->steps));
    supernet_destroy(a);
    supernet_destroy(b);
    unlink(path);
}
END_TEST

START_TEST(a_file_has_the_fields_usual_order_and_its_notes)
{
    make_path();
    const struct checkpoint_note notes[] = {{"study", "toy"}};
    struct supernet *s = used_supernet();
    ck_assert_int_eq(checkpoint_save(s, path, notes, 1, NULL), ERR_OK);
    struct tensor_reader *r = NULL;
    ck_assert_int_eq(tensor_reader_open(path, &r, NULL), ERR_OK);
    ck_assert_str_eq(tensor_reader_meta(r, "study"), "toy");
    ck_assert_str_eq(tensor_reader_meta(r, "architecture"), "3-32-32-32-32-5-5-5-5-48");
    ck_assert_str_eq(tensor_reader_meta(r, "dims.n_embed"), "12");
    const struct tensor *t = tensor_reader_find(r, "weights.layer1.conv.conv.weight");
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(t->shape[0], 32);
    ck_assert_int_eq(t->shape[1], 6);
    ck_assert_int_eq(t->shape[2], 5);
    float first[5]; // the taps of output 0, input 0
    memcpy(first, t->data, sizeof(first));
    for (size_t tap = 0; tap < 5; tap++) {
        ck_assert_float_eq(first[tap], s->values[tap * 32 * 6]);
    }
    ck_assert_ptr_nonnull(tensor_reader_find(r, "aam.W"));
    ck_assert_ptr_nonnull(tensor_reader_find(r, "adam.m.aam.W"));
    tensor_reader_close(r);
    supernet_destroy(s);
    unlink(path);
}
END_TEST

START_TEST(a_supernet_of_other_sizes_names_the_tensor_that_differs)
{
    make_path();
    struct errinfo why = {0};
    struct supernet *a = used_supernet();
    struct supernet *b = fresh_supernet(TOY_SPEAKERS + 1);
    ck_assert_int_eq(checkpoint_save(a, path, NULL, 0, &why), ERR_OK);
    ck_assert_int_eq(checkpoint_load(b, path, &why), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why.text, "aam.W"));
    supernet_destroy(a);
    supernet_destroy(b);
    unlink(path);
}
END_TEST

START_TEST(values_that_are_not_finite_are_refused)
{
    make_path();
    struct errinfo why = {0};
    struct supernet *a = used_supernet();
    a->values[a->k53_at[0]] = NAN;
    ck_assert_int_eq(checkpoint_save(a, path, NULL, 0, &why), ERR_OK);
    ck_assert_int_eq(checkpoint_load(a, path, &why), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why.text, "layer1.conv.k53"));
    supernet_destroy(a);
    unlink(path);
}
END_TEST

static size_t a_variance_at(const struct layout *l)
{
    int i = 0;
    while (naming_role_of(l, &l->tensors[i]) != NAMING_BN_VARIANCE) {
        i++;
    }
    return l->tensors[i].at;
}

START_TEST(what_cannot_be_negative_is_refused_where_it_is)
{
    struct supernet *a = used_supernet();
    float *const blocks[] = {a->v, a->stats};
    const size_t places[] = {a->k53_at[0], a_variance_at(&a->layout)};
    static const char *const names[] = {"adam.v.layer1.conv.k53", "running_var"};
    make_path();
    for (int i = 0; i < 2; i++) {
        struct errinfo why = {0};
        float *value = &blocks[i][places[i]];
        float before = *value;
        *value = -1e-9F;
        ck_assert_int_eq(checkpoint_save(a, path, NULL, 0, &why), ERR_OK);
        ck_assert_int_eq(checkpoint_load(a, path, &why), ERR_CORRUPT);
        ck_assert_msg(strstr(why.text, names[i]) && strstr(why.text, "negative"), "%s",
                      why.text);
        *value = before;
    }
    supernet_destroy(a);
    unlink(path);
}
END_TEST

// A file with the weights alone, as the authors' program would write.
static void save_foreign(const struct supernet *s)
{
    struct tensor_reader *r = NULL;
    struct tensor_writer *w = tensor_writer_create();
    ck_assert_int_eq(checkpoint_save(s, path, NULL, 0, NULL), ERR_OK);
    ck_assert_int_eq(tensor_reader_open(path, &r, NULL), ERR_OK);
    for (size_t i = 0; i < tensor_reader_count(r); i++) {
        const struct tensor *t = tensor_reader_at(r, i);
        if (strncmp(t->name, "adam.", 5) != 0) {
            tensor_writer_add(w, t->name, t->type, t->rank, t->shape, t->data);
        }
    }
    ck_assert_int_eq(tensor_writer_save(w, path, NULL), ERR_OK);
    tensor_writer_destroy(w);
    tensor_reader_close(r);
}

START_TEST(a_foreign_file_starts_with_fresh_moments)
{
    make_path();
    struct errinfo why = {0};
    struct supernet *a = used_supernet();
    save_foreign(a);
    struct supernet *b = used_supernet();
    ck_assert_msg(checkpoint_load(b, path, &why) == ERR_OK, "%s", why.text);
    ck_assert_mem_eq(a->values, b->values, a->n_values * sizeof(float));
    ck_assert_float_eq(b->m[3], 0);
    ck_assert_float_eq(b->v[3], 0);
    ck_assert_uint_eq(b->steps[3], 0);
    supernet_destroy(a);
    supernet_destroy(b);
    unlink(path);
}
END_TEST

START_TEST(a_dense_network_comes_back_bit_for_bit)
{
    make_path();
    struct errinfo why = {0};
    struct supernet *s = used_supernet();
    struct arch a;
    ck_assert_int_eq(arch_parse("2-16-24-8-3-1-5-40", &a, &why), ERR_OK);
    struct slice *p = slice_create(s);
    slice_plan(p, &a);
    const struct layout *l = slice_layout(p);
    float *weights = calloc(l->n_weights, sizeof(float));
    float *stats = calloc(l->n_stats, sizeof(float));
    slice_weights(p, s, weights);
    slice_stats(p, s, stats);
    ck_assert_int_eq(checkpoint_save_dense(l, weights, stats, path, NULL, 0, &why),
                     ERR_OK);
    struct layout *back = calloc(1, sizeof(*back));
    float *weights_back = NULL;
    float *stats_back = NULL;
    enum err e = checkpoint_load_dense(path, back, &weights_back, &stats_back, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    ck_assert(arch_equal(&back->arch, &a));
    ck_assert_mem_eq(weights, weights_back, l->n_weights * sizeof(float));
    ck_assert_mem_eq(stats, stats_back, l->n_stats * sizeof(float));
    free(weights);
    free(stats);
    free(weights_back);
    free(stats_back);
    free(back);
    slice_destroy(p);
    supernet_destroy(s);
    unlink(path);
}
END_TEST

START_TEST(a_supernet_file_without_dims_is_no_dense_network)
{
    make_path();
    struct errinfo why = {0};
    struct supernet *s = used_supernet();
    save_foreign(s);
    struct layout *l = calloc(1, sizeof(*l));
    float *weights = NULL;
    float *stats = NULL;
    ck_assert_int_eq(checkpoint_load_dense(path, l, &weights, &stats, &why),
                     ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why.text, "dims.n_mels"));
    ck_assert_ptr_null(weights);
    free(l);
    supernet_destroy(s);
    unlink(path);
}
END_TEST

// Sizes and architecture as metadata, and no tensor at all.
static void save_claims(int res2_scale, const char *architecture)
{
    struct net_dims d = TOY_DIMS;
    const struct {
        const char *key;
        int value;
    } claims[] = {
        {"dims.n_mels", d.n_mels},       {"dims.max_depth", 8},
        {"dims.max_width", 64},          {"dims.max_kernel", d.max_kernel},
        {"dims.max_cat", d.max_cat},     {"dims.n_embed", d.n_embed},
        {"dims.res2_scale", res2_scale}, {"dims.se_reduction", d.se_reduction},
        {"dims.pool_bottleneck", 10},
    };
    struct tensor_writer *w = tensor_writer_create();
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", claims[i].value);
        tensor_writer_meta(w, claims[i].key, text);
    }
    tensor_writer_meta(w, "architecture", architecture);
    ck_assert_int_eq(tensor_writer_save(w, path, NULL), ERR_OK);
    tensor_writer_destroy(w);
}

START_TEST(a_dense_file_that_claims_too_much_is_refused)
{
    const struct {
        int res2_scale;
        const char *architecture, *expected;
    } files[] = {
        {64, "1-64-64-1-1-48", "Res2 scale"}, {8, "9-64-64-1-1-48", "depth"},
        {8, "1-128-64-1-1-48", "width"},      {8, "1-64-64-1-1-48", "no tensor"},
        {0, "1-64-64-1-1-48", "Res2 scale"},
    };
    make_path();
    struct layout *l = calloc(1, sizeof(*l));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        float *weights = NULL;
        float *stats = NULL;
        struct errinfo why = {0};
        save_claims(files[i].res2_scale, files[i].architecture);
        enum err e = checkpoint_load_dense(path, l, &weights, &stats, &why);
        ck_assert_int_eq(e, ERR_CORRUPT);
        ck_assert_msg(strstr(why.text, files[i].expected) != NULL, "%s", why.text);
    }
    free(l);
    unlink(path);
}
END_TEST

TEST_SUITE(checkpoint, a_supernet_comes_back_bit_for_bit,
           a_file_has_the_fields_usual_order_and_its_notes,
           a_supernet_of_other_sizes_names_the_tensor_that_differs,
           values_that_are_not_finite_are_refused,
           what_cannot_be_negative_is_refused_where_it_is,
           a_foreign_file_starts_with_fresh_moments,
           a_dense_network_comes_back_bit_for_bit,
           a_supernet_file_without_dims_is_no_dense_network,
           a_dense_file_that_claims_too_much_is_refused)
