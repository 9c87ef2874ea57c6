// SPDX-License-Identifier: Apache-2.0
// cmd_status.c - `voxarch status` and `voxarch drain`: one question to a coordinator,
// near or far.
#include "common/base/clock.h"
#include "common/base/options.h"
#include "coordinator/cli/access.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/cmd.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_MS      250  // a question may be lost: again
#define PATIENCE_MS 5000 // then there is no coordinator

typedef void print_fn(const struct msg *answer);

struct question {
    const char *command;
    enum msg_kind asked, wanted;
    print_fn *print;
    uv_loop_t loop;
    uv_timer_t timer;
    struct client *client;
    int64_t end_ms;
    bool is_over;
    enum err code;
    struct errinfo why;
};

// ---- what is printed

static void print_study(const struct status_study *s)
{
    printf(
        "study  %-24s %-10s stage %u/%u %s, %u/%u trials, tasks %u ready %u leased %u "
        "done %u buried\n",
        s->name, s->state, s->stage + 1, s->n_stages, s->stage_name, s->trials_done,
        s->trials_total, s->tasks_ready, s->tasks_leased, s->tasks_done,
        s->tasks_buried);
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

static void end(struct question *q, enum err code)
{
    if (!q->is_over) {
        q->is_over = true;
        q->code = code;
        client_stop(q->client);
        uv_close((uv_handle_t *)&q->timer, NULL);
    }
}

static void on_answer(void *arg, const struct msg *answer)
{
    struct question *q = arg;
    if (answer->kind == q->wanted) {
        q->print(answer);
        end(q, ERR_OK);
    } else if (answer->kind == MSG_REFUSED) {
        end(q, err_set(&q->why, answer->refused.code, "refused: %s",
                       answer->refused.text));
    }
}

static const char *silence(const struct client *c)
{
    enum monitor_failure failure;
    if (!client_failure(c, &failure)) {
        return "nobody answers there";
    }
    switch (failure) {
    case MONITOR_NOT_ADMITTED: return "our key is not on its allow-list for this";
    case MONITOR_NO_PROTOCOL:
        return "one side wants encrypted connections, the other does not: see "
               "--coordinator-key";
    default: return "it does not have the key that --coordinator-key says";
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct question *q = timer->data;
    if (clock_mono_ms() < q->end_ms) {
        client_ask(q->client, q->asked);
    } else {
        end(q, err_set(&q->why, ERR_IO, "no answer within %d s: %s", PATIENCE_MS / 1000,
                       silence(q->client)));
    }
}

static enum err ask(struct question *q, const struct access *to)
{
    BUG_ON(uv_loop_init(&q->loop) != 0);
    uv_timer_init(&q->loop, &q->timer);
    q->timer.data = q;
    q->end_ms = clock_mono_ms() + PATIENCE_MS;
    enum err e = client_create(&q->loop, &to->link, on_answer, q, &q->client, &q->why);
    if (e == ERR_OK) {
        e = client_connect(q->client, to->endpoint, &q->why);
    }
    if (e == ERR_OK) {
        uv_timer_start(&q->timer, on_timer, 0, ASK_MS);
    } else {
        end(q, e);
    }
    uv_run(&q->loop, UV_RUN_DEFAULT);
    client_destroy(q->client);
    BUG_ON(uv_loop_close(&q->loop) != 0);
    return q->code;
}

static int run(struct question *q, int argc, char **argv, const char *summary,
               const char *examples)
{
    struct access_options a = {.dir = NULL};
    const struct option table[] = {
        OPTION_AS_TEXT("dir", "DIR", &a.dir, "a coordinator of this machine"),
        OPTION_AS_TEXT("connect", "ENDPOINT", &a.connect,
                       "the admin endpoint of any, tcp://HOST:PORT"),
        OPTION_AS_TEXT("key", "FILE", &a.key,
                       "our key; default $VOXARCH_KEY or ~/.config/voxarch/key"),
        OPTION_AS_TEXT("coordinator-key", "KEY", &a.coordinator_key,
                       "its public key, or a file with it; default "
                       "$VOXARCH_COORDINATOR_KEY, with --dir the one told there"),
    };
    const struct options o = {.command = q->command,
                              .operands = "",
                              .summary = summary,
                              .examples = examples,
                              .table = table,
                              .n_options = sizeof(table) / sizeof(table[0])};
    struct operands operands;
    struct access access;
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    signal(SIGPIPE, SIG_IGN);
    enum err e = access_open(&a, &access, &q->why);
    if (e == ERR_OK) {
        e = ask(q, &access);
    }
    access_close(&access);
    q->why.code = e;
    return e == ERR_OK ? 0 : options_fail(q->command, &q->why);
}

int cmd_status(int argc, char **argv)
{
    struct question q = {.command = "voxarch status",
                         .asked = MSG_STATUS,
                         .wanted = MSG_STATUS_REPLY,
                         .print = print_status};
    return run(&q, argc, argv,
               "Asks a coordinator how it is: studies, workers, results, refusals.",
               "  voxarch status --dir runs/demo\n"
               "  voxarch status --connect tcp://10.0.0.1:20502 --coordinator-key "
               "coordinator.pub\n");
}

int cmd_drain(int argc, char **argv)
{
    struct question q = {.command = "voxarch drain",
                         .asked = MSG_DRAIN,
                         .wanted = MSG_DRAIN_REPLY,
                         .print = print_draining};
    return run(&q, argc, argv,
               "Tells a coordinator to hand out nothing more and to leave when what is "
               "out came back.",
               "  voxarch drain --dir /var/lib/voxarch\n");
}
