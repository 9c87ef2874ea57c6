// SPDX-License-Identifier: Apache-2.0
// test_display.c - what the progress lines say and that they fit the terminal.
#include "coordinator/cli/display.h"
#include "tests/lib/check_main.h"

#include <string.h>

static struct status_study training(void)
{
    struct status_study s = {
        .name = "demo",
        .state = "training",
        .stage = 1,
        .n_stages = 5,
        .stage_name = "kernel",
        .batches_done = 412,
        .batches_total = 1200,
        .loss = 1.8342,
        .utterances_per_s = 233.4,
        .last_eer_percent = 14.2,
        .trials_done = 1,
        .trials_total = 24,
        .seconds_left = 190,
    };
    return s;
}

static void draw(const struct display_view *v, int columns, bool has_colour,
                 struct buf *out)
{
    const struct display_style style = {columns, has_colour, true};
    buf_clear(out);
    display_draw(v, &style, out);
}

START_TEST(a_line_tells_stage_step_loss_rate_eer_and_time)
{
    struct status_study s = training();
    const struct display_view v = {&s, 2, 2, ""};
    struct buf out = BUF_INIT;
    display_line(&v, &out);
    ck_assert_str_eq(out.data,
                     "stage 2/5 kernel: step 412/1,200, loss 1.834, 233 utt/s, "
                     "EER 14.20 %, trials 1/24, 2/2 workers busy, 3m10s left");
    buf_fini(&out);
}
END_TEST

START_TEST(what_is_not_known_yet_is_left_out)
{
    struct status_study s = {.state = "packing", .seconds_left = -1};
    const struct display_view v = {&s, 0, 2, ""};
    struct buf out = BUF_INIT;
    display_line(&v, &out);
    ck_assert_str_eq(out.data, "packing: 0/2 workers busy");
    buf_fini(&out);
}
END_TEST

START_TEST(a_note_comes_first_also_without_a_study)
{
    const struct display_view v = {NULL, 0, 2, "starting"};
    struct buf out = BUF_INIT;
    display_line(&v, &out);
    ck_assert_str_eq(out.data, "starting");
    draw(&v, 80, false, &out);
    ck_assert_str_eq(out.data, "starting\n");
    buf_fini(&out);
}
END_TEST

static int columns_of(const char *text)
{
    int n = 0;
    for (; *text && *text != '\n'; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

START_TEST(live_lines_never_fill_the_last_column)
{
    struct status_study s = training();
    const struct display_view v = {&s, 2, 2, ""};
    struct buf out = BUF_INIT;
    for (int columns = 10; columns < 200; columns++) {
        draw(&v, columns, false, &out);
        char *second = strchr(out.data, '\n') + 1;
        ck_assert_int_lt(columns_of(out.data), columns);
        ck_assert_int_lt(columns_of(second), columns);
        ck_assert_ptr_null(strchr(second, '\n'));
    }
    buf_fini(&out);
}
END_TEST

START_TEST(the_bar_shows_the_share_that_is_done)
{
    struct status_study s = training();
    const struct display_view v = {&s, 2, 2, ""};
    struct buf out = BUF_INIT;
    const struct display_style plain = {120, false, false};
    s.batches_done = s.batches_total / 4;
    display_draw(&v, &plain, &out);
    ck_assert_ptr_nonnull(
        strstr(out.data, " ##########------------------------------ "));
    buf_fini(&out);
}
END_TEST

START_TEST(without_colour_there_are_no_escapes)
{
    struct status_study s = training();
    const struct display_view v = {&s, 2, 2, ""};
    struct buf out = BUF_INIT;
    draw(&v, 80, false, &out);
    ck_assert_ptr_null(strchr(out.data, '\033'));
    draw(&v, 80, true, &out);
    ck_assert_ptr_nonnull(strchr(out.data, '\033'));
    buf_fini(&out);
}
END_TEST

START_TEST(counts_and_durations_read_as_people_write_them)
{
    struct buf out = BUF_INIT;
    display_count(0, &out);
    buf_addf(&out, " ");
    display_count(10021183582095, &out);
    buf_addf(&out, " ");
    display_count(1000, &out);
    ck_assert_str_eq(out.data, "0 10,021,183,582,095 1,000");
    buf_clear(&out);
    display_duration(7.6, &out);
    buf_addf(&out, " ");
    display_duration(190, &out);
    buf_addf(&out, " ");
    display_duration(11100, &out);
    ck_assert_str_eq(out.data, "8s 3m10s 3h05m");
    buf_fini(&out);
}
END_TEST

TEST_SUITE(display, a_line_tells_stage_step_loss_rate_eer_and_time,
           what_is_not_known_yet_is_left_out, a_note_comes_first_also_without_a_study,
           live_lines_never_fill_the_last_column, the_bar_shows_the_share_that_is_done,
           without_colour_there_are_no_escapes,
           counts_and_durations_read_as_people_write_them)
