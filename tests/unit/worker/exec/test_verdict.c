// SPDX-License-Identifier: Apache-2.0
// test_verdict.c - each way to end has one outcome and one sentence; what the kernel
// counts tells the ones it killed from the others.
#include "tests/lib/check_main.h"
#include "worker/exec/confine.h"
#include "worker/exec/oom.h"
#include "worker/exec/patience.h"
#include "worker/exec/verdict.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    struct verdict_facts facts;
    enum outcome outcome;
    const char *says;
} cases[] = {
    {{.term_signal = SIGSEGV}, OUTCOME_CRASH, "died of SIGSEGV (segmentation fault)"},
    {{.term_signal = SIGSEGV, .has_oom = true}, OUTCOME_CRASH, "SIGSEGV"},
    {{.term_signal = SIGKILL}, OUTCOME_CRASH, "not by its agent"},
    {{.term_signal = SIGKILL, .has_oom = true}, OUTCOME_NOMEM, "on this machine"},
    {{.term_signal = SIGKILL, .has_oom = true, .is_group_oom = true},
     OUTCOME_NOMEM,
     "in this worker's control group"},
    {{.exit_status = CONFINE_EXIT_NOMEM, .memory_bytes = 64 << 20},
     OUTCOME_NOMEM,
     "may allocate 64.0 MiB"},
    {{.exit_status = CONFINE_EXIT_NOMEM}, OUTCOME_NOMEM, "no limit of ours"},
    {{.exit_status = 1}, OUTCOME_CRASH, "status 1 without a word"},
    {{.exit_status = 0, .has_part = true}, OUTCOME_CRASH, "in the middle of a report"},
    {{.kill = KILL_RUN_LIMIT, .run_ms = 7000, .term_signal = SIGKILL},
     OUTCOME_TIMEOUT,
     "limit of 7 s"},
    {{.kill = KILL_HANG, .silence_ms = 9000, .term_signal = SIGKILL, .has_oom = true},
     OUTCOME_HANG,
     "no progress for 9 s"},
    {{.kill = KILL_NONSENSE, .nonsense = {.text = "a report is malformed"}},
     OUTCOME_CRASH,
     "talks nonsense: a report is malformed"},
    {{.kill = KILL_LINGERING, .last = {.kind = REPORT_RESULT}}, OUTCOME_OK, ""},
    {{.kill = KILL_LINGERING,
      .last = {.kind = REPORT_FAILURE, .failure = {ERR_NUMERIC, "loss at 7"}}},
     OUTCOME_NUMERIC,
     "loss at 7"},
    {{.last = {.kind = REPORT_FAILURE, .failure = {ERR_CORRUPT, "a bad file"}}},
     OUTCOME_ERROR,
     "a bad file"},
    {{.last = {.kind = REPORT_RESULT}, .term_signal = SIGSEGV}, OUTCOME_OK, ""},
};

START_TEST(each_end_has_its_outcome_and_says_why)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[LIMIT_TEXT];
        ck_assert_int_eq(verdict_of(&cases[i].facts, error), cases[i].outcome);
        ck_assert_msg(strstr(error, cases[i].says) != NULL, "%zu: %s", i, error);
    }
}
END_TEST

START_TEST(a_task_runs_as_long_as_its_study_or_its_kind_says)
{
    struct task_spec spec = {.kind = TASK_TRAIN};
    ck_assert_int_eq(patience_run_ms(&spec), 86400000);
    spec.run_s = 5;
    ck_assert_int_eq(patience_run_ms(&spec), 5000);
    spec = (struct task_spec){.kind = TASK_MEASURE, .measure = {.budget_ms = 20000}};
    ck_assert_int_eq(patience_run_ms(&spec), 680000);
}
END_TEST

// ---- the kernel's counts, as files

static char root[64];

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void make_folders(void)
{
    static const char *const folders[] = {"/proc", "/proc/self", "/cgroup",
                                          "/cgroup/w.slice"};
    snprintf(root, sizeof(root), "/tmp/voxarch_oom_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", root, folders[i]);
        ck_assert_int_eq(mkdir(path, 0755), 0);
    }
}

static struct oom_kills kills(void)
{
    char proc[80];
    char cgroup[80];
    snprintf(proc, sizeof(proc), "%s/proc", root);
    snprintf(cgroup, sizeof(cgroup), "%s/cgroup", root);
    return oom_kills_in(proc, cgroup);
}

START_TEST(the_own_groups_count_goes_before_the_machines)
{
    make_folders();
    struct oom_kills none = kills();
    ck_assert(!none.is_known);
    put("proc/vmstat", "nr_free_pages 7\noom_kill 3\noom_kill_other 9\n");
    struct oom_kills machine = kills();
    ck_assert(machine.is_known && !machine.is_group && machine.n == 3);
    put("proc/self/cgroup", "1:cpu:/x\n0::/w.slice\n");
    put("cgroup/w.slice/memory.events", "low 0\noom 5\noom_kill 1\noom_group_kill 0\n");
    struct oom_kills before = kills();
    ck_assert(before.is_known && before.is_group && before.n == 1);
    ck_assert(!oom_has_grown(&machine, &before)); // counts of two kinds
    ck_assert(!oom_has_grown(&none, &before));
    put("proc/vmstat", "oom_kill 8\n");
    struct oom_kills same = kills();
    ck_assert(!oom_has_grown(&before, &same)); // others died, none of ours
    put("cgroup/w.slice/memory.events", "oom_kill 2\n");
    struct oom_kills after = kills();
    ck_assert(oom_has_grown(&before, &after));
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", root);
    int status = system(command); // NOLINT(cert-env33-c,concurrency-mt-unsafe): ours
    ck_assert_int_eq(status, 0);
}
END_TEST

TEST_SUITE(verdict, each_end_has_its_outcome_and_says_why,
           a_task_runs_as_long_as_its_study_or_its_kind_says,
           the_own_groups_count_goes_before_the_machines)
