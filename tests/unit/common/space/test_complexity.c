// SPDX-License-Identifier: Apache-2.0
// test_complexity.c - published sizes to the last digit, and the authors' own counts.
#include "common/space/complexity.h"
#include "tests/lib/check_main.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct complexity count(const char *text, int n_frames)
{
    const struct net_dims paper = DIMS_PAPER;
    struct arch a;
    ck_assert_int_eq(arch_parse(text, &a, NULL), ERR_OK);
    return complexity_of(&a, &paper, n_frames);
}

static const struct {
    const char *text;
    uint64_t params;
    const char *macs_300; // in millions, as published
    const char *macs_301;
} published[] = {
    {"4-512-512-512-512-512-5-5-5-5-5-1536", 7550528, "1929.26", "1935.69"},
    {"3-512-512-512-512-5-3-3-3-1536", 5789760, "1440.41", "1445.21"},
    {"3-384-256-256-256-5-3-3-3-768", 2416416, "569.09", "570.98"},
    {"2-256-256-256-3-3-3-400", 899200, "203.40", "204.07"},
    {"2-128-128-128-1-1-1-384", 443968, "83.47", "83.75"},
};

static void assert_millions(uint64_t macs, const char *wanted)
{
    char text[32];
    snprintf(text, sizeof(text), "%.2f", (double)macs / 1e6);
    ck_assert_str_eq(text, wanted);
}

START_TEST(published_networks_have_their_published_sizes)
{
    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
        struct complexity c = count(published[i].text, 300);
        ck_assert_uint_eq(c.params, published[i].params);
        ck_assert_uint_eq(c.bytes, published[i].params * 4);
        assert_millions(c.macs, published[i].macs_300);
        assert_millions(count(published[i].text, 301).macs, published[i].macs_301);
    }
}
END_TEST

// Counted by hand, layer by layer, where every fixed size differs from the paper's.
START_TEST(fixed_sizes_come_from_the_supernet)
{
    const struct net_dims d = {.n_mels = 40,
                               .max_depth = 1,
                               .max_width = 16,
                               .max_kernel = 3,
                               .max_cat = 24,
                               .n_embed = 10,
                               .res2_scale = 4,
                               .se_reduction = 2,
                               .pool_bottleneck = 6};
    const struct arch a = {.depth = 1, .width = {8, 16}, .kernel = {3, 1}, .cat = 24};
    struct complexity c = complexity_of(&a, &d, 10);
    uint64_t layer1 = 40 * 8 * 3 + 2 * 8;
    uint64_t convs = 8 * 16 + 2 * 16 + 3 * (4 * 4 * 1 + 2 * 4) + 16 * 8 + 2 * 8;
    uint64_t se = 8 * 4 + 4 + 4 * 8 + 8;
    uint64_t head = 8 * 24 + 24 * 6 + 6 * 24 + 2 * 48 + 48 * 10 + 10 + 2 * 10;
    ck_assert_uint_eq(c.params, layer1 + convs + se + head);
    uint64_t per_frame = 40 * 8 * 3 + 8 * 16 + 3 * 4 * 4 + 16 * 8 + 8 * 24 +
                         24 * 6 * 2 + 2 * (8 + 16 + 3 * 4 + 8);
    uint64_t once = 8 * 4 * 2 + 48 * 10 + 2 * 48 + 2 * 10;
    ck_assert_uint_eq(c.macs, 10 * per_frame + once);
}
END_TEST

START_TEST(the_largest_possible_network_does_not_overflow)
{
    struct complexity one;
    struct complexity many;
    const char *text =
        "8-8192-8192-8192-8192-8192-8192-8192-8192-8192-5-5-5-5-5-5-5-5-5-"
        "8192";
    one = count(text, 1);
    many = count(text, 1000000);
    ck_assert_uint_gt(many.macs / 1000000, one.macs / 2);
    ck_assert_uint_le(many.macs / 1000000, one.macs);
}
END_TEST

// A row of golden_50.csv: depth, 5 widths, 5 kernels, cat, params, MACs at 300 and 301.
static bool read_row(const char *line, struct arch *a, uint64_t wanted[static 3])
{
    char text[512];
    snprintf(text, sizeof(text), "%s", line);
    uint64_t v[15];
    char *save = NULL;
    char *word = strtok_r(text, ",", &save);
    for (int i = 0; i < 15; i++) {
        if (!word) {
            return false;
        }
        v[i] = strtoull(word, NULL, 10);
        word = strtok_r(NULL, ",", &save);
    }
    *a = (struct arch){.depth = (int)v[0], .cat = (int)v[11]};
    for (int i = 0; i <= a->depth; i++) {
        a->width[i] = (int)v[1 + i];
        a->kernel[i] = (int)v[6 + i];
    }
    memcpy(wanted, &v[12], 3 * sizeof(v[0]));
    return true;
}

static FILE *open_golden(void)
{
    const char *dir = getenv("VOXARCH_FIXTURES"); // NOLINT(concurrency-mt-unsafe)
    char path[1024];
    snprintf(path, sizeof(path), "%s/golden_50.csv", dir ? dir : "");
    FILE *f = dir ? fopen(path, "r") : NULL;
    if (!f) {
        printf("SKIPPED: golden_50.csv (set VOXARCH_FIXTURES to its folder)\n");
    }
    return f;
}

START_TEST(the_authors_counts_are_met_exactly)
{
    const struct net_dims paper = DIMS_PAPER;
    FILE *f = open_golden();
    if (!f) {
        return;
    }
    char line[512];
    int n_rows = 0;
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    while (fgets(line, sizeof(line), f)) {
        struct arch a;
        uint64_t wanted[3];
        ck_assert_msg(read_row(line, &a, wanted), "%s", line);
        ck_assert_uint_eq(complexity_of(&a, &paper, 300).params, wanted[0]);
        ck_assert_uint_eq(complexity_of(&a, &paper, 300).macs, wanted[1]);
        ck_assert_uint_eq(complexity_of(&a, &paper, 301).macs, wanted[2]);
        n_rows++;
    }
    fclose(f);
    ck_assert_int_gt(n_rows, 0);
}
END_TEST

TEST_SUITE(complexity, published_networks_have_their_published_sizes,
           fixed_sizes_come_from_the_supernet,
           the_largest_possible_network_does_not_overflow,
           the_authors_counts_are_met_exactly)
