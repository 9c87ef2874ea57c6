// SPDX-License-Identifier: Apache-2.0
// test_host.c - rows of a batch: where frames go, and that gaps are zero.
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/kernels/kernels.h"

#define GAP 2

static const int frames[] = {3, 1};

struct loaded {
    const struct kernels *k;
    struct stream *s;
    struct memory *m;
    struct plane plane;
    float values[30]; // 10 rows of 3
};

// Frames of 2 channels, numbered from 1, into columns 1 and 2 of rows of 3 nines.
static void load(struct loaded *l, const char *backend)
{
    l->k = backend_find(backend);
    l->s = l->k->stream_open();
    l->m = l->k->memory_create(l->s, 30);
    l->k->stream_reserve(l->s, 2, 8);
    l->k->stream_batch(l->s, 2, frames, GAP);
    for (int i = 0; i < 30; i++) {
        l->values[i] = 9;
    }
    l->k->upload(l->s, (struct place){l->m, 0}, l->values, 30);
    l->plane = plane_from((struct plane){{l->m, 0}, 3}, 1);
    l->k->load(l->s, (const float[]){1, 2, 3, 4, 5, 6, 7, 8}, 2, l->plane);
    l->k->download(l->s, (struct place){l->m, 0}, l->values, 30);
}

static void unload(struct loaded *l)
{
    l->k->memory_destroy(l->s, l->m);
    l->k->stream_close(l->s);
}

START_TEST(frames_lie_between_gaps_of_zeros)
{
    const float want[10][2] = {{0}, {0}, {1, 2}, {3, 4}, {5, 6},
                               {0}, {0}, {7, 8}, {0},    {0}};
    for (size_t b = 0; backend_name_at(b); b++) {
        struct loaded l;
        load(&l, backend_name_at(b));
        ck_assert_uint_eq(rows_needed(2, 4, GAP), 10);
        for (int r = 0, row = 0; r < 10; r++, row += 3) {
            ck_assert_float_eq(l.values[row], 9); // not its column
            ck_assert_float_eq(l.values[row + 1], want[r][0]);
            ck_assert_float_eq(l.values[row + 2], want[r][1]);
        }
        unload(&l);
    }
}
END_TEST

START_TEST(copies_take_gaps_along)
{
    struct loaded l;
    load(&l, "blas");
    l.k->copy(l.s, l.plane, (struct plane){{l.m, 0}, 3}, 1);
    l.k->download(l.s, (struct place){l.m, 0}, l.values, 30);
    for (int r = 0, row = 0; r < 10; r++, row += 3) {
        ck_assert_float_eq(l.values[row], l.values[row + 1]);
    }
    unload(&l);
}
END_TEST

START_TEST(backends_are_found_by_name)
{
    ck_assert_str_eq(backend_find("blas")->name, "blas");
    ck_assert_ptr_null(backend_find("abacus"));
    ck_assert_ptr_null(backend_name_at(99));
}
END_TEST

START_TEST(adam_moves_places)
{
    struct loaded l;
    load(&l, "blas");
    const struct adam_factors f = {.gain1 = 1, .gain2 = 1, .rate = 1, .root_scale = 1};
    struct place at = {l.m, 0};
    const struct place wgmv[4] = {at, place_at(at, 1), place_at(at, 10),
                                  place_at(at, 11)};
    l.k->upload(l.s, at, (const float[]){5, -3}, 2);
    l.k->adam(l.s, &f, 1, wgmv);
    l.k->download(l.s, at, l.values, 1);
    ck_assert_float_eq(l.values[0], 6);
    unload(&l);
}
END_TEST

TEST_SUITE(host, frames_lie_between_gaps_of_zeros, copies_take_gaps_along,
           backends_are_found_by_name, adam_moves_places)
