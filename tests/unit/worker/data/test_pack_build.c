// SPDX-License-Identifier: Apache-2.0
// test_pack_build.c - from lists and files to a pack; lists that disagree; bad files.
#include "tests/unit/worker/data/scratch.h"
#include "worker/data/pack.h"
#include "worker/data/pack_build.h"

#include <unistd.h>

#define MANIFEST                                                   \
    "split\tspeaker\tfile\n"                                       \
    "train\tzoe\tz0.wav\ntrain\tann\ta0.wav\ntrain\tzoe\tz1.wav\n" \
    "dev\tbob\tb0.wav\ndev\tbob\tb1.wav\ndev\tcat\tc0.wav\n"

#define TRIALS "0 c0.wav b0.wav\n1 b1.wav b0.wav\n"

struct heard {
    struct buf text;
    size_t n_done, n_all;
};

static void hear(void *arg, const char *line)
{
    buf_addf(&((struct heard *)arg)->text, "%s\n", line);
}

static void look(void *arg, size_t n_done, size_t n_all)
{
    ((struct heard *)arg)->n_done = n_done;
    ((struct heard *)arg)->n_all = n_all;
}

static void set(char *path, const char *value)
{
    snprintf(path, FILE_PATH_MAX, "%s", value);
}

// A folder with six recordings, two noises and their lists.
static struct scratch world(struct study_data *d)
{
    static const char *const files[] = {"z0.wav", "a0.wav", "z1.wav",
                                        "b0.wav", "b1.wav", "c0.wav"};
    struct scratch s = scratch_make();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        scratch_tone(&s, files[i],
                     TONE_WAV16(0.2 + 0.01 * (double)i, 200 + 50 * (double)i));
    }
    ck_assert_int_eq(mkdir(scratch_path(&s, "noise"), 0755), 0);
    ck_assert_int_eq(mkdir(scratch_path(&s, "noise/more"), 0755), 0);
    scratch_tone(&s, "noise/y.wav", TONE_WAV16(0.3, 900));
    scratch_tone(&s, "noise/more/x.WAV", TONE_WAV16(0.4, 900));
    scratch_text(&s, "noise/README.txt", "not audio");
    *d = (struct study_data){0};
    set(d->train.manifest, scratch_text(&s, "m.tsv", MANIFEST));
    snprintf(d->train.split, sizeof(d->train.split), "train");
    set(d->trials, scratch_text(&s, "trials", TRIALS));
    set(d->noise, scratch_path(&s, "noise"));
    return s;
}

static enum err build(const struct study_data *d, const char *path, struct heard *h,
                      struct pack_report *report, struct errinfo *why)
{
    *h = (struct heard){0};
    struct pack_build_options options = {3, hear, look, h};
    return pack_build(d, path, &options, report, why);
}

static void refused(const struct study_data *d, enum err expected, const char *says)
{
    struct heard h;
    struct pack_report report;
    struct errinfo why = {0};
    ck_assert_msg(build(d, NULL, &h, &report, &why) == expected, "%s: %s",
                  err_name(why.code), why.text);
    ck_assert_says(why, says);
    buf_fini(&h.text);
}

static struct pack *build_and_open(const struct study_data *d, const char *path,
                                   struct pack_report *report)
{
    struct heard h;
    struct errinfo why = {0};
    struct pack *p = NULL;
    ck_assert_msg(build(d, path, &h, report, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(h.n_done, h.n_all);
    ck_assert_msg(pack_open(path, &p, &why) == ERR_OK, "%s", why.text);
    buf_fini(&h.text);
    return p;
}

START_TEST(recordings_come_in_the_promised_order)
{
    struct study_data d;
    struct scratch s = world(&d);
    struct pack_report report;
    struct pack *p = build_and_open(&d, scratch_path(&s, "p"), &report);
    ck_assert_uint_eq(report.n_train_utts, 3);
    ck_assert_uint_eq(report.n_train_speakers, 2);
    ck_assert_uint_eq(report.n_eval_utts, 3);
    ck_assert_uint_eq(report.n_noise, 2);
    ck_assert_str_eq(pack_utt_at(p, PACK_TRAIN, 0).id, "z0.wav");
    ck_assert_str_eq(pack_utt_at(p, PACK_TRAIN, 2).id, "z1.wav");
    ck_assert_str_eq(pack_utt_at(p, PACK_EVAL, 0).id, "c0.wav"); // as trials name them
    ck_assert_str_eq(pack_utt_at(p, PACK_EVAL, 1).id, "b0.wav");
    ck_assert_str_eq(pack_utt_at(p, PACK_EVAL, 2).id, "b1.wav");
    ck_assert_str_eq(pack_utt_at(p, PACK_NOISE, 0).id, "more/x.WAV");
    ck_assert_uint_eq(pack_utt_at(p, PACK_EVAL, 0).n_samples, 4000);
    ck_assert_uint_eq(pack_trials(p)[0].enroll, 0);
    ck_assert_uint_eq(pack_trials(p)[0].test, 1);
    ck_assert(!pack_trials(p)[0].is_target);
    ck_assert_uint_eq(pack_trials(p)[1].enroll, 2);
    ck_assert_uint_eq(pack_trials(p)[1].test, 1);
    pack_close(p);
    scratch_remove(&s);
}
END_TEST

START_TEST(the_number_of_threads_does_not_change_a_byte)
{
    struct study_data d;
    struct scratch s = world(&d);
    char first[HASH_HEX_MAX] = "";
    for (int n = 1; n <= 5; n++) {
        struct pack_build_options options = {.n_threads = n};
        struct pack_report report;
        struct errinfo why = {0};
        ck_assert_int_eq(pack_build(&d, scratch_path(&s, "p"), &options, &report, &why),
                         ERR_OK);
        ck_assert(n == 1 || strcmp(first, report.hash) == 0);
        memcpy(first, report.hash, sizeof(first));
    }
    scratch_remove(&s);
}
END_TEST

START_TEST(checking_writes_nothing)
{
    struct study_data d;
    struct scratch s = world(&d);
    struct heard h;
    struct pack_report report;
    struct errinfo why = {0};
    ck_assert_int_eq(build(&d, NULL, &h, &report, &why), ERR_OK);
    ck_assert_uint_eq(report.n_trials, 2);
    ck_assert_uint_eq(report.size_bytes, 0);
    ck_assert_str_eq(report.hash, "");
    scratch_remove(&s);
}
END_TEST

START_TEST(bad_files_are_named_and_the_build_fails)
{
    struct study_data d;
    struct scratch s = world(&d);
    scratch_text(&s, "z1.wav", "rubbish");
    unlink(scratch_path(&s, "b1.wav"));
    struct heard h;
    struct pack_report report;
    struct errinfo why = {0};
    ck_assert_int_eq(build(&d, scratch_path(&s, "p"), &h, &report, &why), ERR_INPUT);
    ck_assert_says(why,
                   "2 of 8 files cannot be used, the first is z1.wav: not an audio");
    ck_assert_ptr_nonnull(strstr(h.text.data, "bad file z1.wav: not an audio file"));
    ck_assert_ptr_nonnull(strstr(h.text.data, "bad file b1.wav: no such file"));
    ck_assert(!file_exists(scratch_path(&s, "p")));
    buf_fini(&h.text);
    scratch_remove(&s);
}
END_TEST

START_TEST(bad_files_are_skipped_with_their_trials_when_asked)
{
    struct study_data d;
    struct scratch s = world(&d);
    d.skip_bad_files = true;
    set(d.trials, scratch_text(&s, "t", "1 b0.wav c0.wav\n" TRIALS));
    scratch_text(&s, "z0.wav", "rubbish");
    scratch_text(&s, "b1.wav", "");
    struct pack_report report;
    struct pack *p = build_and_open(&d, scratch_path(&s, "p"), &report);
    ck_assert_uint_eq(report.n_bad_files, 2);
    ck_assert_uint_eq(report.n_dropped_trials, 1);
    ck_assert_uint_eq(pack_n_trials(p), 2);
    ck_assert_uint_eq(pack_count(p, PACK_TRAIN), 2);
    ck_assert_uint_eq(pack_count(p, PACK_EVAL), 2);
    ck_assert_str_eq(pack_utt_at(p, PACK_EVAL, pack_trials(p)[1].enroll).id, "c0.wav");
    pack_close(p);
    scratch_remove(&s);
}
END_TEST

START_TEST(too_little_left_after_skipping_is_refused)
{
    struct study_data d;
    struct scratch s = world(&d);
    d.skip_bad_files = true;
    scratch_text(&s, "b1.wav", "rubbish");
    refused(&d, ERR_INPUT, "0 target and 1 non-target trials are left");
    scratch_tone(&s, "b1.wav", TONE_WAV16(0.2, 300));
    scratch_text(&s, "a0.wav", "rubbish");
    refused(&d, ERR_INPUT, "1 training speakers are left");
    scratch_remove(&s);
}
END_TEST

START_TEST(lists_that_disagree_are_refused)
{
    static const struct {
        const char *manifest, *trials, *says;
    } wrong[] = {
        {MANIFEST, "1 b0.wav c0.wav\n0 b0.wav nobody.wav\n",
         "trials:2: nobody.wav is neither in"},
        {MANIFEST, "1 b0.wav c0.wav\n0 b0.wav z1.wav\n",
         "trials:2: z1.wav is a training recording"},
        {MANIFEST "dev\tann\td0.wav\n", TRIALS,
         "1 of the training speakers are evaluation speakers too: ann"},
        {"split\tspeaker\tfile\ntrain\tzoe\tz0.wav\ntrain\tzoe\tz1.wav\n", TRIALS,
         "one speaker"},
        {"split\tspeaker\tfile\nx\tzoe\tz0.wav\ny\tann\ta0.wav\n", TRIALS,
         "no recording has split \"train\"; there are: x, y"},
        {"split\tspeaker\tfile\ntraining\tzoe\tz0.wav\nin\tann\ta0.wav\n", TRIALS,
         "there are: training, in"},
        {"speaker\tfile\nzoe\tz0.wav\nann\ta0.wav\n", TRIALS, "it has no column split"},
    };
    struct study_data d;
    struct scratch s = world(&d);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        scratch_text(&s, "m.tsv", wrong[i].manifest);
        scratch_text(&s, "trials", wrong[i].trials);
        refused(&d, ERR_INPUT, wrong[i].says);
    }
    scratch_remove(&s);
}
END_TEST

START_TEST(a_file_on_both_sides_is_found_under_another_name)
{
    struct study_data d;
    struct scratch s = world(&d);
    unlink(scratch_path(&s, "b1.wav"));
    ck_assert_int_eq(link(scratch_path(&s, "a0.wav"), scratch_path(&s, "b1.wav")), 0);
    refused(&d, ERR_INPUT, "b1.wav is the same file as training recording a0.wav");
    scratch_remove(&s);
}
END_TEST

START_TEST(an_evaluation_list_of_its_own_names_what_trials_may)
{
    struct study_data d;
    struct scratch s = world(&d);
    set(d.eval.kaldi, s.dir);
    scratch_text(&s, "wav.scp", "B0 b0.wav\nB1 b1.wav\nC0 c0.wav\n");
    scratch_text(&s, "utt2spk", "B0 bob\nB1 bob\nC0 cat\n");
    scratch_text(&s, "trials", "B0 B1 target\nB0 C0 nontarget\n");
    struct pack_report report;
    struct pack *p = build_and_open(&d, scratch_path(&s, "p"), &report);
    ck_assert_uint_eq(pack_count(p, PACK_EVAL), 3);
    ck_assert_str_eq(pack_utt_at(p, PACK_EVAL, 2).id, "C0");
    pack_close(p);
    scratch_text(&s, "trials", TRIALS);
    refused(&d, ERR_INPUT, "trials:1: c0.wav is not in");
    scratch_text(&s, "trials", "B0 B1 target\nB0 C0 nontarget\n");
    scratch_text(&s, "utt2spk", "B0 bob\nB1 bob\nC0 zoe\n");
    refused(&d, ERR_INPUT, "evaluation speakers too: zoe");
    scratch_remove(&s);
}
END_TEST

START_TEST(trials_may_name_plain_files_under_the_evaluation_root)
{
    struct study_data d;
    struct scratch s = world(&d);
    scratch_text(&s, "m.tsv", "speaker\tfile\nzoe\tz0.wav\nann\ta0.wav\n");
    d.train.split[0] = '\0';
    set(d.eval.root, s.dir);
    struct pack_report report;
    struct pack *p = build_and_open(&d, scratch_path(&s, "p"), &report);
    ck_assert_uint_eq(pack_count(p, PACK_EVAL), 3);
    pack_close(p);
    scratch_remove(&s);
}
END_TEST

START_TEST(a_noise_folder_without_noise_is_refused)
{
    struct study_data d;
    struct scratch s = world(&d);
    set(d.noise, scratch_path(&s, "nothing"));
    refused(&d, ERR_INPUT, "cannot read the folder");
    ck_assert_int_eq(mkdir(d.noise, 0755), 0);
    refused(&d, ERR_INPUT, "no noise recordings");
    scratch_remove(&s);
}
END_TEST

TEST_SUITE(pack_build, recordings_come_in_the_promised_order,
           the_number_of_threads_does_not_change_a_byte, checking_writes_nothing,
           bad_files_are_named_and_the_build_fails,
           bad_files_are_skipped_with_their_trials_when_asked,
           too_little_left_after_skipping_is_refused, lists_that_disagree_are_refused,
           a_file_on_both_sides_is_found_under_another_name,
           an_evaluation_list_of_its_own_names_what_trials_may,
           trials_may_name_plain_files_under_the_evaluation_root,
           a_noise_folder_without_noise_is_refused)
