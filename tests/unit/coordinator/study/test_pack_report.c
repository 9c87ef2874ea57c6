// SPDX-License-Identifier: Apache-2.0
// test_pack_report.c - what the packer says, and what it must not get away with.
#include "coordinator/study/pack_report.h"
#include "tests/lib/check_main.h"

#include <string.h>

START_TEST(the_summary_line_is_read)
{
    struct pack_counts n;
    const char *text = "train_utterances=812 train_speakers=60 eval_utterances=90 "
                       "trials=4000 noise=3 seconds=9.5 bytes=77 hash=ab "
                       "skipped_files=0 dropped_trials=0\n";
    ck_assert_int_eq(pack_report_parse(text, &n, NULL), ERR_OK);
    ck_assert_uint_eq(n.n_train_utts, 812);
    ck_assert_uint_eq(n.n_speakers, 60);
    ck_assert_uint_eq(n.n_trials, 4000);
}
END_TEST

START_TEST(a_key_is_a_whole_word)
{
    struct pack_counts n;
    const char *text = "dropped_trials=5 train_utterances=8 train_speakers=6 trials=4";
    ck_assert_int_eq(pack_report_parse(text, &n, NULL), ERR_OK);
    ck_assert_uint_eq(n.n_trials, 4);
}
END_TEST

START_TEST(a_missing_or_wrong_number_is_named)
{
    const char *const wrong[] = {
        "",
        "train_utterances=8 train_speakers=6",
        "train_utterances=8 train_speakers=6 trials=",
        "train_utterances=8 train_speakers=6 trials=-4",
        "train_utterances=8 train_speakers=6 trials=0",
        "train_utterances=8 train_speakers=6 trials=4x",
        "train_utterances=8 train_speakers=4294967296 trials=4",
        "train_utterances=99999999999999999999 train_speakers=6 trials=4",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct pack_counts n;
        struct errinfo why = {0};
        ck_assert_int_eq(pack_report_parse(wrong[i], &n, &why), ERR_PROTO);
        ck_assert_ptr_nonnull(strstr(why.text, "tr")); // one of the three keys
    }
}
END_TEST

START_TEST(the_tail_is_whole_lines_joined)
{
    char out[32];
    pack_report_tail("first line\nsecond\nthird\n", out, sizeof(out));
    ck_assert_str_eq(out, "first line; second; third");
    pack_report_tail("a first line that is too long\nsecond\nthird\n", out,
                     sizeof(out));
    ck_assert_str_eq(out, "second; third");
    pack_report_tail("", out, sizeof(out));
    ck_assert_str_eq(out, "");
    pack_report_tail("\n\n", out, sizeof(out));
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(a_line_longer_than_the_room_keeps_its_end)
{
    char out[8];
    pack_report_tail("0123456789", out, sizeof(out));
    ck_assert_str_eq(out, "3456789");
}
END_TEST

START_TEST(lines_about_progress_are_taken_out_and_the_newest_kept)
{
    struct buf text = BUF_INIT;
    buf_addf(&text, "data: 1 of 9 recordings read\ndata: bad.wav: no audio\n"
                    "data: 5 of 9 recordings read\ndata: 7 of 9 recor");
    char progress[64] = "";
    pack_report_take_progress(&text, progress, sizeof(progress));
    ck_assert_str_eq(progress, "5 of 9 recordings read");
    ck_assert_str_eq(text.data, "data: bad.wav: no audio\ndata: 7 of 9 recor");
    buf_addf(&text, "dings read\n"); // the rest of the line comes later
    pack_report_take_progress(&text, progress, sizeof(progress));
    ck_assert_str_eq(progress, "7 of 9 recordings read");
    ck_assert_str_eq(text.data, "data: bad.wav: no audio\n");
    buf_fini(&text);
}
END_TEST

START_TEST(no_text_overruns_any_room)
{
    const char *const text = "ab\ncdefg\n\nh\nijklmnop\n\nq";
    for (size_t cap = 1; cap < 32; cap++) {
        char *out = malloc(cap); // the sanitizer watches its end
        pack_report_tail(text, out, cap);
        ck_assert_uint_lt(strlen(out), cap);
        free(out);
    }
}
END_TEST

TEST_SUITE(pack_report, the_summary_line_is_read, a_key_is_a_whole_word,
           a_missing_or_wrong_number_is_named, the_tail_is_whole_lines_joined,
           a_line_longer_than_the_room_keeps_its_end,
           lines_about_progress_are_taken_out_and_the_newest_kept,
           no_text_overruns_any_room)
