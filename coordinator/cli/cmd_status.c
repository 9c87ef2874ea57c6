// SPDX-License-Identifier: Apache-2.0
// cmd_status.c - `voxarch status` and `voxarch drain`: one question to a coordinator,
// near or far.
#include "coordinator/cli/ask.h"
#include "coordinator/cli/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// ---- what is printed

static void print_study(const struct status_study *s)
{
    printf(
        "study  %-24s %-10s stage %u/%u %s, %u/%u trials, tasks %u ready %u leased %u "
        "done %u buried\n",
        s->name, s->state, s->stage + 1, s->n_stages, s->stage_name, s->trials_done,
        s->trials_total, s->tasks_ready, s->tasks_leased, s->tasks_done,
        s->tasks_buried);
    if (s->is_paused) {
        printf("       paused: voxarch study resume %s lets it go on\n", s->name);
    }
    if (s->detail[0]) {
        printf("       %s\n", s->detail);
    }
}

static void print_worker(const struct status_worker *w)
{
    printf("worker %-24s %-10s", w->name, w->state);
    if (w->task_id != 0) {
        printf(" task %" PRIu64 ", %.0f %%", w->task_id, 100 * w->progress.fraction);
    }
    putchar('\n');
    if (w->reason[0]) {
        printf("       %s\n", w->reason);
    }
}

static void print_status(const struct msg *answer)
{
    const struct msg_status_reply *s = &answer->status_reply;
    for (uint32_t i = 0; i < s->n_studies; i++) {
        print_study(&s->studies[i]);
    }
    for (uint32_t i = 0; i < s->n_workers; i++) {
        print_worker(&s->workers[i]);
    }
    printf("results %" PRIu64 " accepted, %" PRIu64 " repeated, %" PRIu64 " stale%s\n",
           s->results_accepted, s->results_repeated, s->results_stale,
           s->is_draining ? "; draining" : "");
    if (s->is_disk_full) {
        puts("the disk is full: nothing new is begun, results of leased tasks are "
             "taken; free some room and it goes on by itself");
    }
    printf("refused %" PRIu64 " malformed, %" PRIu64 " without the right, %" PRIu64
           " about another's; connections: %" PRIu64 " unknown keys, %" PRIu64
           " handshakes\n",
           s->refusals[REFUSAL_MALFORMED], s->refusals[REFUSAL_RIGHTS],
           s->refusals[REFUSAL_OWNER], s->refusals[REFUSAL_KEY],
           s->refusals[REFUSAL_HANDSHAKE]);
}

static void print_draining(const struct msg *answer)
{
    (void)answer;
    puts("draining: nothing more is handed out; it leaves when what is out came back, "
         "within a minute");
}

// ---- asking

struct question {
    const char *command, *summary, *examples;
    enum msg_kind asked, wanted;
    void (*print)(const struct msg *answer);
};

static int run(const struct question *q, int argc, char **argv)
{
    struct access_options a = {.dir = NULL};
    const struct option table[] = {ASK_OPTIONS(&a)};
    const struct options o = {.command = q->command,
                              .operands = "",
                              .summary = q->summary,
                              .examples = q->examples,
                              .table = table,
                              .n_options = sizeof(table) / sizeof(table[0])};
    struct operands operands;
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    struct errinfo why = {0};
    struct msg *m = calloc(1, sizeof(*m)); // too large for the stack
    BUG_ON(!m);
    m->kind = q->asked;
    enum err e = ask_with(&a, m, q->wanted, &why);
    if (e == ERR_OK) {
        q->print(m);
    }
    free(m);
    why.code = e;
    return e == ERR_OK ? 0 : options_fail(q->command, &why);
}

int cmd_status(int argc, char **argv)
{
    static const struct question q = {
        .command = "voxarch status",
        .asked = MSG_STATUS,
        .wanted = MSG_STATUS_REPLY,
        .print = print_status,
        .summary = "Asks a coordinator how it is: studies, workers, results, refusals.",
        .examples = "  voxarch status --dir runs/demo\n"
                    "  voxarch status --connect tcp://10.0.0.1:20502 --coordinator-key "
                    "coordinator.pub\n"};
    return run(&q, argc, argv);
}

int cmd_drain(int argc, char **argv)
{
    static const struct question q = {
        .command = "voxarch drain",
        .asked = MSG_DRAIN,
        .wanted = MSG_DRAIN_REPLY,
        .print = print_draining,
        .summary =
            "Tells a coordinator to hand out nothing more and to leave when what "
            "is out came back.",
        .examples = "  voxarch drain --dir /var/lib/voxarch\n"};
    return run(&q, argc, argv);
}
