// SPDX-License-Identifier: Apache-2.0
// test_rundir.c - the run directory: one holder, one study, endpoints, tails of logs.
#include "coordinator/cli/rundir.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/voxarch_rundir_XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[FILE_PATH_MAX];
    ck_assert_int_eq(file_path(path, sizeof(path), NULL, "%s/%s", dir, name), ERR_OK);
    return path;
}

static void make_dir(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void write_text(const char *name, const char *text)
{
    ck_assert_int_eq(file_write(in_dir(name), text, strlen(text), NULL), ERR_OK);
}

START_TEST(a_second_holder_is_told_who_the_first_is)
{
    int first = -1;
    int second = -1;
    struct errinfo why = {0};
    char pid[32];
    make_dir();
    ck_assert_int_eq(rundir_lock(dir, &first, &why), ERR_OK);
    ck_assert_int_eq(rundir_lock(dir, &second, &why), ERR_BUSY);
    snprintf(pid, sizeof(pid), "(process %ld)", (long)getpid());
    ck_assert_ptr_nonnull(strstr(why.text, pid));
    close(first);
    ck_assert_int_eq(rundir_lock(dir, &second, &why), ERR_OK);
    close(second);
}
END_TEST

START_TEST(a_lock_dies_with_its_holder)
{
    int fd = -1;
    make_dir();
    pid_t child = fork();
    if (child == 0) {
        _exit(rundir_lock(dir, &fd, NULL) == ERR_OK ? 0 : 1); // never unlocks
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(rundir_lock(dir, &fd, NULL), ERR_OK);
    close(fd);
}
END_TEST

START_TEST(endpoints_are_read_whole_or_not_at_all)
{
    struct rundir_endpoints at;
    struct errinfo why = {0};
    make_dir();
    ck_assert_int_eq(rundir_endpoints(dir, &at, &why), ERR_NOTFOUND);
    write_text("endpoints", "worker=tcp://127.0.0.1:20001\n");
    ck_assert_int_eq(rundir_endpoints(dir, &at, &why), ERR_CORRUPT);
    write_text("endpoints",
               "pid=42\nworker=tcp://127.0.0.1:20001\n"
               "bulk=tcp://127.0.0.1:20002\nadmin=tcp://127.0.0.1:20003\n");
    ck_assert_int_eq(rundir_endpoints(dir, &at, &why), ERR_OK);
    ck_assert_int_eq(at.pid, 42);
    ck_assert_str_eq(at.worker, "tcp://127.0.0.1:20001");
    ck_assert_str_eq(at.admin, "tcp://127.0.0.1:20003");
}
END_TEST

static const char study_text[] = "name: tiny\n"
                                 "data: {train: {manifest: m.tsv}, trials: t.txt}\n"
                                 "space: {depth: [1], width: [16], kernel: [1, 3],\n"
                                 "        cat: [24]}\n";

START_TEST(another_study_in_the_same_directory_is_refused_by_line)
{
    struct study_conf *conf = calloc(1, sizeof(*conf));
    struct errinfo why = {0};
    make_dir();
    ck_assert_int_eq(study_parse(study_text, strlen(study_text), "x", "/", conf, &why),
                     ERR_OK);
    ck_assert_int_eq(rundir_put_study(in_dir("study.yaml"), conf, &why), ERR_OK);
    ck_assert_int_eq(rundir_put_study(in_dir("study.yaml"), conf, &why), ERR_OK);
    conf->seed = 77;
    ck_assert_int_eq(rundir_put_study(in_dir("study.yaml"), conf, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "seed: 77"));
    free(conf);
}
END_TEST

START_TEST(the_tail_is_the_last_lines)
{
    struct buf out = BUF_INIT;
    make_dir();
    rundir_tail(in_dir("log"), 2, &out);
    ck_assert_uint_eq(out.len, 0);
    write_text("log", "one\ntwo\nthree\n");
    rundir_tail(in_dir("log"), 2, &out);
    ck_assert_str_eq(out.data, "    two\n    three\n");
    buf_clear(&out);
    rundir_tail(in_dir("log"), 9, &out);
    ck_assert_str_eq(out.data, "    one\n    two\n    three\n");
    buf_fini(&out);
}
END_TEST

TEST_SUITE(rundir, a_second_holder_is_told_who_the_first_is,
           a_lock_dies_with_its_holder, endpoints_are_read_whole_or_not_at_all,
           another_study_in_the_same_directory_is_refused_by_line,
           the_tail_is_the_last_lines)
