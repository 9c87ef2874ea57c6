// SPDX-License-Identifier: Apache-2.0
// test_supervise.c - real children: logged, told of, started again, given up.
#include "coordinator/cli/supervise.h"
#include "tests/lib/check_main.h"

#include <signal.h>
#include <string.h>

struct fixture {
    char dir[32];
    uv_loop_t loop;
    struct supervise *s;
    const char *script; // what /bin/sh runs
    unsigned n_ended;
    unsigned again_until; // start again until so many have ended
    struct supervise_end end;
    int64_t last_wait_ms;
};

static void command(void *arg, unsigned child, struct supervise_args *args)
{
    struct fixture *f = arg;
    supervise_arg(args, "/bin/sh");
    supervise_arg(args, "-c");
    supervise_arg(args, "%s", f->script);
    supervise_arg(args, "child-%u", child);
}

static bool ended(void *arg, unsigned child, const struct supervise_end *end)
{
    struct fixture *f = arg;
    (void)child;
    f->end = *end;
    f->n_ended++;
    bool again = f->n_ended < f->again_until;
    if (!again) {
        supervise_stop(f->s);
    }
    return again;
}

static void again(void *arg, unsigned child, const struct supervise_end *end,
                  int64_t wait_ms)
{
    struct fixture *f = arg;
    (void)child;
    (void)end;
    f->last_wait_ms = wait_ms;
    if (wait_ms < 0) {
        supervise_stop(f->s);
    }
}

static struct fixture *set_up(const char *script, unsigned again_until)
{
    struct fixture *f = calloc(1, sizeof(*f));
    strcpy(f->dir, "/tmp/voxarch_super_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    ck_assert_int_eq(uv_loop_init(&f->loop), 0);
    const struct supervise_hooks hooks = {f, command, ended, again};
    f->script = script;
    f->again_until = again_until;
    f->s = supervise_create(&f->loop, 1, f->dir, &hooks);
    supervise_name(f->s, 0, "echo");
    ck_assert_int_eq(supervise_start(f->s, 0, NULL), ERR_OK);
    return f;
}

static void tear_down(struct fixture *f)
{
    supervise_destroy(f->s);
    ck_assert_int_eq(uv_loop_close(&f->loop), 0);
    free(f);
}

START_TEST(what_a_child_says_is_appended_to_its_log)
{
    struct fixture *f = set_up("echo out $0; echo err >&2", 2);
    char path[FILE_PATH_MAX];
    struct buf log = BUF_INIT;
    uv_run(&f->loop, UV_RUN_DEFAULT);
    supervise_log_path(f->s, 0, path);
    ck_assert_int_eq(file_read(path, 1000, &log, NULL), ERR_OK);
    ck_assert_str_eq(log.data, "out child-0\nerr\nout child-0\nerr\n");
    buf_fini(&log);
    tear_down(f);
}
END_TEST

START_TEST(how_it_ended_is_told)
{
    struct fixture *f = set_up("exit 3", 1);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(f->end.exit_status, 3);
    ck_assert_int_eq(f->end.signal, 0);
    tear_down(f);
    f = set_up("kill -9 $$", 1);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(f->end.signal, SIGKILL);
    tear_down(f);
}
END_TEST

START_TEST(a_child_has_a_session_of_its_own)
{
    struct fixture *f = set_up("test $(ps -o sid= -p $$) -eq $$", 1);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(f->end.exit_status, 0);
    tear_down(f);
}
END_TEST

START_TEST(one_that_always_dies_is_given_up)
{
    struct fixture *f = set_up("exit 1", 1000);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(f->last_wait_ms, -1);
    ck_assert_uint_eq(f->n_ended, 6);
    tear_down(f);
}
END_TEST

START_TEST(stop_ends_the_starting_again_not_the_child)
{
    struct fixture *f =
        set_up("trap 'exit 7' TERM; while :; do sleep 0.05; done", 1000);
    supervise_stop(f->s);
    ck_assert_uint_eq(supervise_count_running(f->s), 1);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    ck_assert(supervise_is_running(f->s, 0));
    supervise_signal(f->s, 0, SIGKILL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(supervise_count_running(f->s), 0);
    ck_assert_uint_eq(f->n_ended, 1);
    tear_down(f);
}
END_TEST

TEST_SUITE(supervise, what_a_child_says_is_appended_to_its_log, how_it_ended_is_told,
           a_child_has_a_session_of_its_own, one_that_always_dies_is_given_up,
           stop_ends_the_starting_again_not_the_child)
