// SPDX-License-Identifier: Apache-2.0
// test_spawn.c - whatever a runner does, the agent hears one clear word about it.
#include "common/base/clock.h"
#include "tests/lib/check_main.h"
#include "worker/exec/report.h"
#include "worker/exec/said.h"
#include "worker/exec/spawn.h"
#include "worker/exec/strays.h"
#include "worker/exec/tail.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 10000 // for those who are not to be waited for in vain

struct watch {
    uv_loop_t loop;
    struct spawn *spawn;
    struct spawn_end end;
    int n_ends;
    int n_progress;
    int n_lines;
    char last_line[128];
    bool kill_at_progress;
};

static void on_progress(void *arg, const struct task_progress *p)
{
    struct watch *w = arg;
    ck_assert(p->fraction >= 0 && p->fraction <= 1);
    w->n_progress++;
    if (w->kill_at_progress) {
        spawn_kill(w->spawn);
    }
}

static void on_said(void *arg, const char *line)
{
    struct watch *w = arg;
    w->n_lines++;
    snprintf(w->last_line, sizeof(w->last_line), "%s", line);
}

static void on_end(void *arg, const struct spawn_end *end)
{
    struct watch *w = arg;
    w->end = *end;
    w->n_ends++;
}

static struct job job_for(const char *way, enum task_kind kind)
{
    struct job j = {.spec = {.kind = kind}, .n_threads = 1};
    hash_bytes("study", 5, j.spec.study);
    hash_bytes("pack", 4, j.spec.pack);
    if (kind == TASK_TRAIN) {
        j.spec.train = (struct train_task){
            .n_shards = 1, .stride = 1, .n_steps = 1, .n_batches = 1};
    } else {
        snprintf(j.spec.evaluate.architecture, ARCH_STRING_MAX, "1-8-8-1-1-8");
    }
    snprintf(j.backend, sizeof(j.backend), "%s", way);
    return j;
}

static struct spawn_limits limits_for(const char *way)
{
    struct spawn_limits l = {.run_ms = PATIENCE_MS, .silence_ms = PATIENCE_MS};
    static const char *const silent[] = {"hang", "spin", "stubborn", "stopped"};
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        l.silence_ms = strcmp(way, silent[i]) == 0 ? 200 : l.silence_ms;
    }
    if (strcmp(way, "slow") == 0) {
        l.silence_ms = 800;
    }
    if (strcmp(way, "flood_reports") == 0) {
        l.run_ms = 300;
    }
    return l;
}

static const struct spawn_end *run(struct watch *w, const char *way,
                                   enum task_kind kind)
{
    struct errinfo why = {0};
    struct job *job = malloc(sizeof(*job));
    *job = job_for(way, kind);
    const struct spawn_hooks hooks = {on_progress, on_said, on_end, w};
    const struct spawn_limits limits = limits_for(way);
    ck_assert_int_eq(uv_loop_init(&w->loop), 0);
    enum err e =
        spawn_start(&w->loop, FAKE_RUNNER, job, &limits, &hooks, &w->spawn, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    free(job);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&w->loop), 0); // every handle was closed
    ck_assert_int_eq(w->n_ends, 1);
    return &w->end;
}

static const struct {
    const char *way;
    enum outcome outcome;
    const char *says;
} cases[] = {
    {"well", OUTCOME_OK, ""},
    {"slow", OUTCOME_OK, ""},
    {"talkative", OUTCOME_OK, ""},
    {"leave_child", OUTCOME_OK, ""},
    {"leave_daemon", OUTCOME_OK, ""},
    {"crash", OUTCOME_CRASH, "died of SIGSEGV (segmentation fault)"},
    {"abort", OUTCOME_CRASH, "died of SIGABRT (aborted)"},
    {"killed", OUTCOME_CRASH, "died of SIGKILL (killed): not by its agent"},
    {"hang", OUTCOME_HANG, "alive, but no progress for 0 s"},
    {"spin", OUTCOME_HANG, "no progress"},
    {"stubborn", OUTCOME_HANG, "no progress"},
    {"stopped", OUTCOME_HANG, "no progress"},
    {"flood_reports", OUTCOME_TIMEOUT, "longer than its limit of 0 s"},
    {"close_pipe", OUTCOME_CRASH, "closed its pipe without a last word"},
    {"half_a_frame", OUTCOME_CRASH, "status 0 in the middle of a report"},
    {"die_in_a_frame", OUTCOME_CRASH, "died of SIGBUS"},
    {"refused_memory", OUTCOME_NOMEM, "memory was refused"},
    {"silent", OUTCOME_CRASH, "status 3 without a word"},
    {"garbage", OUTCOME_CRASH, "nonsense: a report is malformed"},
    {"endless", OUTCOME_CRASH, "nonsense: a report is too long"},
    {"wrong_kind", OUTCOME_CRASH, "another kind"},
    {"twice", OUTCOME_CRASH, "after the last"},
    {"numeric", OUTCOME_NUMERIC, "it is numeric"},
    {"no_memory", OUTCOME_NOMEM, "it is nomem"},
    {"bad_input", OUTCOME_ERROR, "it is input"},
    {"no such way", OUTCOME_CRASH, "status 5"},
};
#define N_CASES ((int)(sizeof(cases) / sizeof(cases[0])))

START_TEST(a_runner_ends_with_one_clear_word)
{
    struct watch w = {.spawn = NULL};
    const struct spawn_end *end = run(&w, cases[_i].way, TASK_EVALUATE);
    ck_assert_msg(end->outcome == cases[_i].outcome, "%s: %s", cases[_i].way,
                  end->error);
    ck_assert_msg(strstr(end->error, cases[_i].says) != NULL, "%s", end->error);
    if (end->outcome == OUTCOME_OK) {
        ck_assert_int_eq(end->result.kind, TASK_EVALUATE);
        ck_assert_double_eq(end->result.evaluate.eer_percent, 12.5);
        ck_assert_int_ge(w.n_progress, 1);
    }
}
END_TEST

// Nobody of that number, or nobody who still runs.
static bool is_gone(int pid)
{
    char path[64];
    char state = 'X';
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    if (f) {
        ck_assert_int_ge(fscanf(f, "%*d %*s %c", &state), 0); // NOLINT(cert-err34-c)
        fclose(f);
    }
    return state == 'X' || state == 'Z';
}

static int child_in(const struct watch *w)
{
    ck_assert_msg(strncmp(w->last_line, "child ", 6) == 0, "%s", w->last_line);
    return (int)strtol(w->last_line + 6, NULL, 10);
}

START_TEST(what_a_runner_started_ends_with_it)
{
    struct watch w = {.spawn = NULL};
    ck_assert_int_eq(run(&w, "leave_child", TASK_EVALUATE)->outcome, OUTCOME_OK);
    int64_t end_ms = clock_mono_ms() + 2000;
    while (!is_gone(child_in(&w)) && clock_mono_ms() < end_ms) {
        usleep(5000);
    }
    ck_assert(is_gone(child_in(&w)));
}
END_TEST

static bool nobody(void *arg, int pid)
{
    (void)arg;
    (void)pid;
    return false;
}

START_TEST(an_orphan_that_left_the_group_is_found_and_ended)
{
    strays_adopt();
    struct watch w = {.spawn = NULL};
    ck_assert_int_eq(run(&w, "leave_daemon", TASK_EVALUATE)->outcome, OUTCOME_OK);
    int pid = child_in(&w);
    ck_assert(!is_gone(pid));
    int64_t end_ms = clock_mono_ms() + 2000;
    while (strays_end(nobody, NULL) > 0 && clock_mono_ms() < end_ms) {
        usleep(5000);
    }
    ck_assert(is_gone(pid));
    ck_assert_int_eq(kill(pid, 0), -1); // collected, too
}
END_TEST

START_TEST(a_result_counts_though_its_process_does_not_exit)
{
    struct watch w = {.spawn = NULL};
    int64_t began_ms = clock_mono_ms();
    ck_assert_int_eq(run(&w, "linger", TASK_EVALUATE)->outcome, OUTCOME_OK);
    ck_assert_int_lt(clock_mono_ms() - began_ms, 5000);
}
END_TEST

START_TEST(a_flood_is_cut_to_what_a_log_can_bear)
{
    struct watch w = {.spawn = NULL};
    int64_t began_ms = clock_mono_ms();
    run(&w, "flood_log", TASK_EVALUATE);
    int64_t took_ms = clock_mono_ms() - began_ms;
    ck_assert_int_ge(w.n_lines, SAID_BURST);
    ck_assert_int_le(w.n_lines, SAID_BURST + 2 + took_ms / SAID_MS);
    ck_assert_ptr_nonnull(strstr(w.last_line, "lines more)"));
}
END_TEST

START_TEST(a_train_result_comes_through)
{
    struct watch w = {.spawn = NULL};
    const struct spawn_end *end = run(&w, "well", TASK_TRAIN);
    ck_assert_int_eq(end->outcome, OUTCOME_OK);
    ck_assert(hash_is_valid(end->result.train.checkpoint));
}
END_TEST

START_TEST(the_last_lines_of_a_failed_runner_are_kept)
{
    struct watch w = {.spawn = NULL};
    ck_assert_str_eq(run(&w, "silent", TASK_EVALUATE)->log_tail, "one\ntwo\n");
}
END_TEST

START_TEST(a_runner_that_is_killed_ends_at_once)
{
    struct watch w = {.kill_at_progress = true};
    const struct spawn_end *end = run(&w, "slow", TASK_EVALUATE);
    ck_assert_int_eq(end->outcome, OUTCOME_CRASH);
    ck_assert_int_eq(w.n_progress, 1);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error)
{
    struct watch w = {.spawn = NULL};
    struct errinfo why = {0};
    struct job *job = malloc(sizeof(*job));
    *job = job_for("well", TASK_EVALUATE);
    const struct spawn_hooks hooks = {on_progress, on_said, on_end, &w};
    const struct spawn_limits limits = {1000, 1000};
    ck_assert_int_eq(uv_loop_init(&w.loop), 0);
    ck_assert_int_eq(
        spawn_start(&w.loop, "/nowhere/runner", job, &limits, &hooks, &w.spawn, &why),
        ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "/nowhere/runner"));
    uv_run(&w.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&w.loop), 0);
    ck_assert_int_eq(w.n_ends, 0);
    free(job);
}
END_TEST

START_TEST(a_tail_keeps_whole_last_lines)
{
    static struct tail t;
    char text[LIMIT_LOG_TAIL];
    tail_text(&t, text);
    ck_assert_str_eq(text, "");
    for (int i = 0; i < 1000; i++) {
        char line[32];
        tail_add(&t, line, (size_t)snprintf(line, sizeof(line), "line %d\n", i));
    }
    tail_text(&t, text);
    ck_assert_uint_gt(strlen(text), LIMIT_LOG_TAIL - 20);
    ck_assert_ptr_eq(strstr(text, "line "), text);
    ck_assert_ptr_nonnull(strstr(text, "line 999\n"));
    tail_add(&t, "a\0b\n", 4);
    tail_text(&t, text);
    ck_assert_ptr_nonnull(strstr(text, "a?b\n"));
}
END_TEST

START_TEST(results_that_are_no_numbers_are_found)
{
    struct task_result r = {.kind = TASK_TRAIN, .train = {.loss = 1}};
    ck_assert_int_eq(report_check(&r, NULL), ERR_OK);
    r.train.loss = NAN;
    ck_assert_int_eq(report_check(&r, NULL), ERR_NUMERIC);
    const struct task_progress p = {NAN, INFINITY, -1};
    const struct task_progress clean = report_clean(&p);
    ck_assert(clean.fraction == 0 && clean.loss == 0 && clean.utterances_per_s == 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("spawn");
    TCase *tc = tcase_create("all");
    tcase_add_loop_test(tc, a_runner_ends_with_one_clear_word, 0, N_CASES);
    tcase_add_test(tc, what_a_runner_started_ends_with_it);
    tcase_add_test(tc, an_orphan_that_left_the_group_is_found_and_ended);
    tcase_add_test(tc, a_result_counts_though_its_process_does_not_exit);
    tcase_add_test(tc, a_flood_is_cut_to_what_a_log_can_bear);
    tcase_add_test(tc, a_train_result_comes_through);
    tcase_add_test(tc, the_last_lines_of_a_failed_runner_are_kept);
    tcase_add_test(tc, a_runner_that_is_killed_ends_at_once);
    tcase_add_test(tc, a_program_that_is_not_there_is_an_error);
    tcase_add_test(tc, a_tail_keeps_whole_last_lines);
    tcase_add_test(tc, results_that_are_no_numbers_are_found);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
