// SPDX-License-Identifier: Apache-2.0
// test_lists.c - manifests, Kaldi folders and trial lists: what is read, what is
// refused.
#include "tests/unit/worker/data/scratch.h"
#include "worker/data/recordings.h"
#include "worker/data/trials.h"

static struct study_recordings a_manifest(const char *path)
{
    struct study_recordings from = {0};
    snprintf(from.manifest, sizeof(from.manifest), "%s", path);
    return from;
}

static struct study_recordings a_kaldi_folder(const struct scratch *s,
                                              const char *wav_scp, const char *utt2spk)
{
    struct study_recordings from = {0};
    snprintf(from.kaldi, sizeof(from.kaldi), "%s", s->dir);
    scratch_text(s, "wav.scp", wav_scp);
    scratch_text(s, "utt2spk", utt2spk);
    return from;
}

static void refused(const struct study_recordings *from, const char *says)
{
    struct recordings r;
    struct errinfo why = {0};
    ck_assert_int_eq(recordings_load(&r, from, &why), ERR_INPUT);
    ck_assert_says(why, says);
}

START_TEST(a_manifest_is_read_by_its_column_names)
{
    struct scratch s = scratch_make();
    struct study_recordings from = a_manifest(scratch_text(
        &s, "m.tsv",
        "\xef\xbb\xbfsplit\tlang\tspeaker\tfile\r\ntrain\ten\tann\ta b.wav\r\n\r\n"
        "dev\t\tbob\t/abs/c.wav"));
    struct recordings r;
    struct errinfo why = {0};
    ck_assert_msg(recordings_load(&r, &from, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(r.n, 2);
    const struct recording *a = recordings_find(&r, "a b.wav");
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(a->speaker, "ann");
    ck_assert_str_eq(a->split, "train");
    ck_assert_uint_eq(recordings_find(&r, "/abs/c.wav")->line, 4);
    ck_assert_ptr_null(recordings_find(&r, "ann"));
    ck_assert_str_eq(r.root, s.dir); // nothing else was named
    char path[FILE_PATH_MAX];
    ck_assert_int_eq(recordings_path("/root", a->file, path, &why), ERR_OK);
    ck_assert_str_eq(path, "/root/a b.wav");
    ck_assert_int_eq(recordings_path("/root", "/abs/c.wav", path, &why), ERR_OK);
    ck_assert_str_eq(path, "/abs/c.wav");
    recordings_fini(&r);
    scratch_remove(&s);
}
END_TEST

START_TEST(a_wrong_manifest_is_refused_with_file_and_line)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"", "m.tsv: empty"},
        {"file speaker\na\tb\n", "m.tsv:1: the header names no column \"file\""},
        {"file\tname\n", "no column \"speaker\""},
        {"file\tspeaker\tfile\n", "m.tsv:1: column file is there twice"},
        {"file\tspeaker\n", "lists no recordings"},
        {"file\tspeaker\na\tb\nc\n", "m.tsv:3: 1 fields; the header names 2"},
        {"file\tspeaker\na\tb\tc\n", "m.tsv:2: 3 fields"},
        {"file\tspeaker\n\tb\n", "m.tsv:2: file is empty"},
        {"file\tspeaker\na\t\n", "m.tsv:2: speaker is empty"},
        {"file\tspeaker\na\tb\nc\td\na\te\n",
         "m.tsv:4: a is listed twice, first in line 2"},
    };
    struct scratch s = scratch_make();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct study_recordings from =
            a_manifest(scratch_text(&s, "m.tsv", wrong[i].text));
        refused(&from, wrong[i].says);
    }
    struct study_recordings from = a_manifest(scratch_path(&s, "z.tsv"));
    struct errinfo why = {0};
    ck_assert_int_eq(file_write(from.manifest, "file\tspeaker\na\0\tb\n", 19, &why),
                     ERR_OK);
    refused(&from, "zero byte");
    scratch_remove(&s);
}
END_TEST

START_TEST(a_missing_list_is_not_found)
{
    struct study_recordings from = a_manifest("/nowhere/m.tsv");
    struct recordings r;
    struct errinfo why = {0};
    ck_assert_int_eq(recordings_load(&r, &from, &why), ERR_NOTFOUND);
    ck_assert_says(why, "/nowhere/m.tsv");
}
END_TEST

START_TEST(a_kaldi_folder_is_read)
{
    struct scratch s = scratch_make();
    struct study_recordings from = a_kaldi_folder(
        &s, "u1 /data/with blanks.flac \nu2\trel.wav\n", "u2 bob\nu1 ann\n");
    struct recordings r;
    struct errinfo why = {0};
    ck_assert_msg(recordings_load(&r, &from, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(r.n, 2);
    ck_assert_str_eq(recordings_find(&r, "u1")->file, "/data/with blanks.flac");
    ck_assert_str_eq(recordings_find(&r, "u1")->speaker, "ann");
    ck_assert_str_eq(recordings_find(&r, "u2")->speaker, "bob");
    recordings_fini(&r);
    scratch_remove(&s);
}
END_TEST

START_TEST(a_wrong_kaldi_folder_is_refused_with_file_and_line)
{
    static const struct {
        const char *wav_scp, *utt2spk, *says;
    } wrong[] = {
        {"u1 sph2pipe -f wav a.sph |\n", "u1 a\n", "wav.scp:1: u1 is a command"},
        {"u1 a.wav\nu2 raw.ark:1234\n", "u1 a\n",
         "wav.scp:2: u2 is a place in an archive"},
        {"u1 -\n", "u1 a\n", "standard input"},
        {"u1\n", "u1 a\n", "wav.scp:1: expected \"utterance file\""},
        {"\n", "u1 a\n", "wav.scp: lists no recordings"},
        {"u1 a.wav\nu1 b.wav\n", "u1 a\n", "wav.scp:2: u1 is listed twice"},
        {"u1 a.wav\n", "u1 a\nu2 b\n", "utt2spk:2: utterance u2 is not in"},
        {"u1 a.wav\nu2 b.wav\n", "u1 a\n", "wav.scp:2: utterance u2 is not in"},
        {"u1 a.wav\n", "u1 a\nu1 b\n", "utt2spk:2: utterance u1 is listed twice"},
        {"u1 a.wav\n", "u1\n", "utt2spk:1: expected two fields"},
        {"u1 a.wav\n", "u1 a b\n", "utt2spk:1: expected two fields"},
    };
    struct scratch s = scratch_make();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct study_recordings from =
            a_kaldi_folder(&s, wrong[i].wav_scp, wrong[i].utt2spk);
        refused(&from, wrong[i].says);
    }
    struct study_recordings from = a_kaldi_folder(&s, "u1 a.wav\n", "u1 a\n");
    scratch_text(&s, "segments", "u1 r1 0 1\n");
    refused(&from, "segments are not read");
    scratch_remove(&s);
}
END_TEST

START_TEST(both_forms_of_trials_are_read)
{
    static const char *const forms[] = {
        "1 a.wav b.wav\n0 b.wav c.wav\n",
        "a.wav b.wav target\r\n\r\nb.wav c.wav nontarget",
    };
    struct scratch s = scratch_make();
    for (size_t i = 0; i < 2; i++) {
        struct trial_list t;
        struct errinfo why = {0};
        const char *path = scratch_text(&s, "trials", forms[i]);
        ck_assert_msg(trials_load(&t, path, &why) == ERR_OK, "%s", why.text);
        ck_assert_uint_eq(t.n, 2);
        ck_assert_str_eq(t.items[0].enroll, "a.wav");
        ck_assert_str_eq(t.items[1].test, "c.wav");
        ck_assert(t.items[0].is_target);
        ck_assert(!t.items[1].is_target);
        trials_fini(&t);
    }
    scratch_remove(&s);
}
END_TEST

START_TEST(wrong_trials_are_refused_with_file_and_line)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"", "holds no trials"},
        {"\n\n", "holds no trials"},
        {"2 a b\n", "trials:1: expected \"1|0 enroll test\" or \"enroll test target|"},
        {"a b\n", "trials:1: expected"},
        {"1 a b\n0 a\n",
         "trials:2: expected \"1|0 enroll test\", as in the first line"},
        {"1 a b\na b nontarget\n", "trials:2: expected"},
        {"a b target\n0 a b\n", "trials:2: expected \"enroll test target|nontarget\""},
        {"1 a b c\n", "trials:1: expected"},
        {"1 a b\n1 a c\n", "all 2 trials are target"},
        {"a b nontarget\n", "all 1 trials are non-target"},
    };
    struct scratch s = scratch_make();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct trial_list t;
        struct errinfo why = {0};
        const char *path = scratch_text(&s, "trials", wrong[i].text);
        ck_assert_int_eq(trials_load(&t, path, &why), ERR_INPUT);
        ck_assert_says(why, wrong[i].says);
    }
    scratch_remove(&s);
}
END_TEST

TEST_SUITE(lists, a_manifest_is_read_by_its_column_names,
           a_wrong_manifest_is_refused_with_file_and_line, a_missing_list_is_not_found,
           a_kaldi_folder_is_read, a_wrong_kaldi_folder_is_refused_with_file_and_line,
           both_forms_of_trials_are_read, wrong_trials_are_refused_with_file_and_line)
