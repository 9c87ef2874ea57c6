// SPDX-License-Identifier: Apache-2.0
// test_latency_table.c - tables are read with every mistake named, printed exactly, and
// asked for networks between their entries.
#include "common/base/rng.h"
#include "common/space/latency_table.h"
#include "tests/lib/check_main.h"
#include "tests/lib/fixture.h"

#include <math.h>

static struct latency_table *parse(const char *csv)
{
    struct latency_table *t = NULL;
    struct errinfo why = {0};
    ck_assert_msg(latency_table_parse(csv, strlen(csv), "t.csv", &t, &why) == ERR_OK,
                  "%s", why.text);
    return t;
}

static double ask(const struct latency_table *t, struct latency_unit u)
{
    double ms = NAN;
    return latency_of_unit(t, &u, &ms) ? ms : NAN;
}

static const struct {
    const char *csv;
    const char *sentence;
} bad[] = {
    {"", "t.csv holds no latency; its lines are section,k1,k2,k3,ms"},
    {"section,k1,k2,k3,ms\n",
     "t.csv holds no latency; its lines are section,k1,k2,k3,ms"},
    {"pool,8,0,0,1\n", "t.csv:1: the first line is \"pool,8,0,0,1\"; it must be "
                       "section,k1,k2,k3,ms"},
    {"section,k1,k2,k3,ms\npool,8,0,0\n",
     "t.csv:2: not five fields with commas between them: section,k1,k2,k3,ms"},
    {"section,k1,k2,k3,ms\npool,8,0,0,1,2\n",
     "t.csv:2: not five fields with commas between them: section,k1,k2,k3,ms"},
    {"section,k1,k2,k3,ms\n\n# a comment\nlayer2,80,5,8,1\n",
     "t.csv:4: there is no section \"layer2\"; allowed: layer1, blocks, blocks2 to "
     "blocks9, catconv, pool, embed"},
    {"section,k1,k2,k3,ms\nblocks1,8,1,8,1\n",
     "t.csv:2: there is no section \"blocks1\"; allowed: layer1, blocks, blocks2 to "
     "blocks9, catconv, pool, embed"},
    {"section,k1,k2,k3,ms\nblocks22,8,1,8,1\n",
     "t.csv:2: there is no section \"blocks22\"; allowed: layer1, blocks, blocks2 to "
     "blocks9, catconv, pool, embed"},
    {"section,k1,k2,k3,ms\nblocks,8,1,-8,1\n",
     "t.csv:2: k3 of blocks is \"-8\"; its numbers are channels, kernel, mid: allowed: "
     "1 to 1000000"},
    {"section,k1,k2,k3,ms\nblocks,8,0,8,1\n",
     "t.csv:2: k2 of blocks is \"0\"; its numbers are channels, kernel, mid: allowed: 1 "
     "to 99"},
    {"section,k1,k2,k3,ms\npool,8,8,0,1\n",
     "t.csv:2: k2 of pool is \"8\"; its numbers are channels, 0, 0: allowed: 0 to 0"},
    {"section,k1,k2,k3,ms\npool,8,0,0,fast\n",
     "t.csv:2: ms is \"fast\"; allowed: a number from 0 to 1e9"},
    {"section,k1,k2,k3,ms\npool,8,0,0,-1\n",
     "t.csv:2: ms is \"-1\"; allowed: a number from 0 to 1e9"},
    {"section,k1,k2,k3,ms\npool,8,0,0,inf\n",
     "t.csv:2: ms is \"inf\"; allowed: a number from 0 to 1e9"},
    {"section,k1,k2,k3,ms\npool,8,0,0,\n",
     "t.csv:2: ms is \"\"; allowed: a number from 0 to 1e9"},
    {"section,k1,k2,k3,ms\npool,8,0,0,1\npool,16,0,0,1\npool,8,0,0,2\n",
     "t.csv:4: pool,8,0,0 is there twice"},
    {"section,k1,k2,k3,ms\npool,99999999,0,0,1\n",
     "t.csv:2: k1 of pool is \"99999999\"; its numbers are channels, 0, 0: allowed: 1 "
     "to 1000000"},
};

START_TEST(a_mistake_is_told_with_its_line_and_what_is_allowed)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct latency_table *t = NULL;
        struct errinfo why = {0};
        ck_assert_int_eq(
            latency_table_parse(bad[i].csv, strlen(bad[i].csv), "t.csv", &t, &why),
            ERR_INPUT);
        ck_assert_str_eq(why.text, bad[i].sentence);
        ck_assert_ptr_null(t);
    }
}
END_TEST

START_TEST(a_file_that_is_not_there_is_not_found)
{
    struct latency_table *t = NULL;
    struct errinfo why = {0};
    ck_assert_int_eq(latency_table_load("/nonexistent/t.csv", &t, &why), ERR_NOTFOUND);
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(lines_may_end_in_cr_and_the_last_in_nothing)
{
    struct latency_table *t = parse("section,k1,k2,k3,ms\r\npool,8,0,0,1.5\r\n"
                                    "pool,16,0,0,2");
    ck_assert_uint_eq(latency_table_count(t), 2);
    ck_assert(ask(t, (struct latency_unit){LATENCY_POOL, 0, 8, 0, 0}) == 1.5);
    latency_table_destroy(t);
}
END_TEST

START_TEST(provenance_is_kept)
{
    struct latency_table *t =
        parse("# device: board 7\nsection,k1,k2,k3,ms\n# just words\npool,8,0,0,1\n"
              "# threads:2\n");
    ck_assert_str_eq(latency_table_noted(t, "device"), "board 7");
    ck_assert_str_eq(latency_table_noted(t, "threads"), "2");
    ck_assert_ptr_null(latency_table_noted(t, "cpu"));
    latency_table_note(t, "threads", "4");
    struct buf out = BUF_INIT;
    latency_table_print(t, &out);
    ck_assert_str_eq(out.data, "section,k1,k2,k3,ms\n# device: board 7\n# threads: 4\n"
                               "pool,8,0,0,1.000000\n");
    buf_fini(&out);
    latency_table_destroy(t);
}
END_TEST

START_TEST(a_note_of_any_length_is_read_again_as_it_was_printed)
{
    static char text[2000];
    int n = snprintf(text, sizeof(text), "section,k1,k2,k3,ms\npool,8,0,0,1\n#cpu:");
    memset(text + n, 'x', sizeof(text) - 1 - (size_t)n);
    struct latency_table *t = parse(text);
    struct buf out = BUF_INIT;
    latency_table_print(t, &out);
    struct latency_table *again = parse(out.data);
    ck_assert_str_eq(latency_table_noted(again, "cpu"), latency_table_noted(t, "cpu"));
    ck_assert_uint_eq(strlen(latency_table_noted(t, "cpu")), sizeof(text) - 1 - n);
    buf_fini(&out);
    latency_table_destroy(again);
    latency_table_destroy(t);
}
END_TEST

static struct latency_unit random_unit(struct rng *r)
{
    struct latency_unit u = {.section =
                                 (enum latency_section)rng_below(r, LATENCY_SECTIONS)};
    int x = 8 * (1 + (int)rng_below(r, 40));
    int y = 8 * (1 + (int)rng_below(r, 40));
    u.a = x;
    switch (u.section) {
    case LATENCY_BLOCK: u.dilation = rng_below(r, 2) ? 2 + (int)rng_below(r, 8) : 0;
    // fallthrough
    case LATENCY_LAYER1:
        u.b = 1 + 2 * (int)rng_below(r, 3);
        u.c = y;
        break;
    case LATENCY_POOL: break;
    default: u.b = y;
    }
    return u;
}

START_TEST(what_is_printed_reads_back_as_the_same_table)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    struct latency_table *t = latency_table_create();
    for (int i = 0; i < 3000; i++) {
        struct latency_unit u = random_unit(&r);
        latency_table_set(t, &u, exp(rng_uniform(&r, -12, 12)));
    }
    struct buf once = BUF_INIT;
    struct buf twice = BUF_INIT;
    latency_table_print(t, &once);
    struct latency_table *again = parse(once.data);
    latency_table_print(again, &twice);
    ck_assert_str_eq(once.data, twice.data);
    struct latency_entry *wanted = latency_table_entries(t);
    struct latency_entry *got = latency_table_entries(again);
    ck_assert_uint_eq(latency_table_count(t), latency_table_count(again));
    ck_assert_mem_eq(wanted, got, latency_table_count(t) * sizeof(*got));
    free(wanted);
    free(got);
    buf_fini(&once);
    buf_fini(&twice);
    latency_table_destroy(t);
    latency_table_destroy(again);
}
END_TEST

START_TEST(between_entries_latency_is_linear_in_the_channels)
{
    struct latency_table *t = parse("section,k1,k2,k3,ms\n"
                                    "blocks,100,3,100,1\nblocks,100,3,200,2\n"
                                    "blocks,200,3,100,3\nblocks,200,3,200,6\n"
                                    "pool,100,0,0,1\npool,300,0,0,2\n");
    ck_assert(ask(t, (struct latency_unit){LATENCY_POOL, 0, 150, 0, 0}) == 1.25);
    ck_assert(ask(t, (struct latency_unit){LATENCY_BLOCK, 0, 100, 3, 150}) == 1.5);
    ck_assert(ask(t, (struct latency_unit){LATENCY_BLOCK, 0, 150, 3, 100}) == 2);
    ck_assert(ask(t, (struct latency_unit){LATENCY_BLOCK, 0, 150, 3, 150}) == 3);
    ck_assert(ask(t, (struct latency_unit){LATENCY_BLOCK, 0, 200, 3, 200}) == 6);
    latency_table_destroy(t);
}
END_TEST

START_TEST(outside_of_its_entries_a_unit_has_no_latency)
{
    struct latency_table *t = parse("section,k1,k2,k3,ms\n"
                                    "blocks,100,3,100,1\nblocks,100,3,200,2\n"
                                    "blocks,200,3,150,3\n"
                                    "blocks,100,5,100,9\n");
    const struct latency_unit outside[] = {
        {LATENCY_BLOCK, 0, 100, 3, 99},  {LATENCY_BLOCK, 0, 100, 3, 201},
        {LATENCY_BLOCK, 0, 99, 3, 150},  {LATENCY_BLOCK, 0, 201, 3, 150},
        {LATENCY_BLOCK, 0, 150, 3, 151}, {LATENCY_BLOCK, 0, 100, 1, 100},
        {LATENCY_BLOCK, 0, 100, 4, 100}, {LATENCY_LAYER1, 0, 100, 3, 100},
        {LATENCY_POOL, 0, 100, 0, 0},
    };
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        ck_assert_msg(isnan(ask(t, outside[i])), "unit %zu", i);
    }
    ck_assert(ask(t, (struct latency_unit){LATENCY_BLOCK, 0, 150, 3, 150}) == 2.25);
    latency_table_destroy(t);
}
END_TEST

START_TEST(a_row_that_does_not_reach_is_passed_over)
{
    struct latency_table *t = parse("section,k1,k2,k3,ms\n"
                                    "catconv,100,100,0,1\ncatconv,100,200,0,2\n"
                                    "catconv,200,100,0,50\n"
                                    "catconv,300,100,0,3\ncatconv,300,200,0,4\n");
    // At 150 out, the row of 200 has nothing: 1.5 at 100 in and 3.5 at 300 in remain.
    ck_assert(ask(t, (struct latency_unit){LATENCY_CATCONV, 0, 200, 150, 0}) == 2.5);
    ck_assert(ask(t, (struct latency_unit){LATENCY_CATCONV, 0, 200, 100, 0}) == 50);
    latency_table_destroy(t);
}
END_TEST

START_TEST(a_block_at_its_own_dilation_is_preferred)
{
    struct latency_table *t = parse("section,k1,k2,k3,ms\n"
                                    "blocks,8,3,8,1\nblocks3,8,3,8,7\n"
                                    "blocks,8,3,16,2\n");
    ck_assert(ask(t, (struct latency_unit){LATENCY_BLOCK, 2, 8, 3, 8}) == 1);
    ck_assert(ask(t, (struct latency_unit){LATENCY_BLOCK, 3, 8, 3, 8}) == 7);
    ck_assert(ask(t, (struct latency_unit){LATENCY_BLOCK, 3, 8, 3, 16}) == 2);
    latency_table_destroy(t);
}
END_TEST

START_TEST(a_network_is_the_sum_of_its_units)
{
    struct latency_table *t = parse("section,k1,k2,k3,ms\n"
                                    "layer1,80,5,16,1\n"
                                    "blocks2,16,1,8,20\nblocks3,16,3,24,300\n"
                                    "catconv,32,40,0,4000\n"
                                    "pool,40,0,0,50000\nembed,80,192,0,600000\n");
    const struct net_dims paper = DIMS_PAPER;
    struct arch a;
    double ms;
    ck_assert_int_eq(arch_parse("2-16-8-24-5-1-3-40", &a, NULL), ERR_OK);
    ck_assert(latency_of(t, &a, &paper, &ms));
    ck_assert(ms == 654321);
    ck_assert_int_eq(arch_parse("2-16-8-24-5-1-5-40", &a, NULL), ERR_OK);
    ck_assert(!latency_of(t, &a, &paper, &ms));
    latency_table_destroy(t);
}
END_TEST

static struct latency_table *published(void)
{
    char path[FILE_PATH_MAX];
    struct latency_table *t = NULL;
    struct errinfo why = {0};
    if (fixture_path("latency_table_v100_b64.csv", path)) {
        ck_assert_msg(latency_table_load(path, &t, &why) == ERR_OK, "%s", why.text);
    }
    return t;
}

START_TEST(the_published_table_is_printed_byte_for_byte)
{
    struct latency_table *t = published();
    char path[FILE_PATH_MAX];
    if (!t || !fixture_path("latency_table_v100_b64.csv", path)) {
        return;
    }
    ck_assert_uint_eq(latency_table_count(t), 23590);
    struct buf file = BUF_INIT;
    struct buf printed = BUF_INIT;
    ck_assert_int_eq(file_read(path, 1 << 24, &file, NULL), ERR_OK);
    latency_table_print(t, &printed);
    ck_assert_uint_eq(printed.len, file.len);
    ck_assert_mem_eq(printed.data, file.data, file.len);
    buf_fini(&file);
    buf_fini(&printed);
    latency_table_destroy(t);
}
END_TEST

START_TEST(golden_networks_have_their_published_latency)
{
    struct latency_table *t = published();
    char path[FILE_PATH_MAX];
    if (!t || !fixture_path("golden_50.csv", path)) {
        return;
    }
    const struct net_dims paper = DIMS_PAPER;
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    char line[512];
    int n_rows = 0;
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    while (fgets(line, sizeof(line), f)) {
        struct fixture_golden g;
        double ms;
        ck_assert(fixture_golden(line, &g));
        ck_assert(latency_of(t, &g.arch, &paper, &ms));
        ck_assert_double_eq_tol(ms, g.latency_ms, 1e-4);
        n_rows++;
    }
    fclose(f);
    ck_assert_int_eq(n_rows, 50);
    latency_table_destroy(t);
}
END_TEST

TEST_SUITE(latency_table, a_mistake_is_told_with_its_line_and_what_is_allowed,
           a_file_that_is_not_there_is_not_found,
           lines_may_end_in_cr_and_the_last_in_nothing, provenance_is_kept,
           a_note_of_any_length_is_read_again_as_it_was_printed,
           what_is_printed_reads_back_as_the_same_table,
           between_entries_latency_is_linear_in_the_channels,
           outside_of_its_entries_a_unit_has_no_latency,
           a_row_that_does_not_reach_is_passed_over,
           a_block_at_its_own_dilation_is_preferred, a_network_is_the_sum_of_its_units,
           the_published_table_is_printed_byte_for_byte,
           golden_networks_have_their_published_latency)
