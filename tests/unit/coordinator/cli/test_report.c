// SPDX-License-Identifier: Apache-2.0
// test_report.c - what people and programs are told of attempts that failed.
#include "coordinator/cli/report_json.h"
#include "coordinator/cli/report_text.h"
#include "coordinator/store/worker_row.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/store/store_fixture.h"

static void fail_once(uint64_t task_id, uint64_t worker_id, const char *error)
{
    const struct task_failure failure = {.outcome = OUTCOME_NUMERIC,
                                         .error = error,
                                         .is_charged = true,
                                         .bury_at = 1000};
    enum task_state now;
    uint64_t token = 0;
    OK(task_grant(fixture.store, task_id, worker_id, &token, &fixture.why));
    OK(task_fail(fixture.store, task_id, token, &failure, &now, &fixture.why));
}

// A study of one task that failed `n` times: "reason 1", "reason 2" ...
static struct report *report_of_failures(int n)
{
    struct worker_row worker = {.session = 7, .name = "worker-1"};
    fixture_open();
    OK(store_begin(fixture.store, &fixture.why));
    OK(worker_row_put(fixture.store, &worker, &fixture.why));
    uint64_t task_id = fixture_add_task();
    for (int i = 1; i <= n; i++) {
        char error[32];
        snprintf(error, sizeof(error), "reason %d", i);
        fail_once(task_id, worker.id, error);
    }
    OK(store_commit(fixture.store, &fixture.why));
    struct report *r = NULL;
    OK(report_load(fixture.dir, NULL, &r, &fixture.why));
    return r;
}

static char *text_of(const struct report *r)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    ck_assert_ptr_nonnull(to);
    report_text_all(r, to);
    ck_assert_int_eq(fclose(to), 0);
    return text;
}

START_TEST(the_last_failed_attempts_are_told_with_their_reasons)
{
    struct report *r = report_of_failures(REPORT_FAILURES + 1);
    char *text = text_of(r);
    ck_assert_ptr_nonnull(strstr(text, "failed attempts (last 8 of 9)"));
    ck_assert_ptr_nonnull(strstr(text, "worker-1"));
    ck_assert_ptr_nonnull(strstr(text, "reason 9\n"));
    ck_assert_ptr_nonnull(strstr(text, "reason 2\n"));
    ck_assert_ptr_null(strstr(text, "reason 1\n"));
    free(text);
    report_destroy(r);
    fixture_close();
}
END_TEST

START_TEST(what_a_runner_says_cannot_move_the_cursor_or_start_a_line)
{
    fixture_open();
    OK(store_begin(fixture.store, &fixture.why));
    fail_once(fixture_add_task(), 1,
              "bad\n\033[2Jnews\xc2\x9b"
              "1m \xc3\xa9 end");
    OK(store_commit(fixture.store, &fixture.why));
    struct report *r = NULL;
    OK(report_load(fixture.dir, NULL, &r, &fixture.why));
    char *text = text_of(r);
    ck_assert_ptr_nonnull(strstr(text, "bad  [2Jnews 1m \xc3\xa9 end\n"));
    ck_assert_ptr_null(strchr(text, '\033'));
    free(text);
    report_destroy(r);
    fixture_close();
}
END_TEST

START_TEST(nothing_is_said_of_failures_where_there_were_none)
{
    struct report *r = report_of_failures(0);
    char *text = text_of(r);
    ck_assert_ptr_null(strstr(text, "failed"));
    free(text);
    report_destroy(r);
    fixture_close();
}
END_TEST

START_TEST(programs_are_told_of_failed_attempts)
{
    struct report *r = report_of_failures(2);
    json_t *j = report_json_all(r);
    ck_assert_int_eq(json_integer_value(json_object_get(j, "n_failed_attempts")), 2);
    const json_t *last = json_array_get(json_object_get(j, "failed_attempts"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(last, "error")), "reason 2");
    ck_assert_str_eq(json_string_value(json_object_get(last, "outcome")), "numeric");
    ck_assert(json_is_true(json_object_get(last, "is_charged")));
    json_decref(j);
    report_destroy(r);
    fixture_close();
}
END_TEST

TEST_SUITE(report, the_last_failed_attempts_are_told_with_their_reasons,
           what_a_runner_says_cannot_move_the_cursor_or_start_a_line,
           nothing_is_said_of_failures_where_there_were_none,
           programs_are_told_of_failed_attempts)
