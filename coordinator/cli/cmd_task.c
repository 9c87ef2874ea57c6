// SPDX-License-Identifier: Apache-2.0
// cmd_task.c - `voxarch task list|kick`: what there is to do, and another chance for
// what was given up.
#include "coordinator/cli/ask.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/ids.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/store/task.h"
#include "proto/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- pages of a list

typedef void page_fn(void *arg, const struct msg_task_list_reply *page);

static enum err each_page(const struct access *to, const struct msg_task_list *query,
                          page_fn *fn, void *arg, struct errinfo *why)
{
    struct msg *m = calloc(1, sizeof(*m)); // too large for the stack
    BUG_ON(!m);
    struct msg_task_list next = *query;
    enum err e = ERR_OK;
    do {
        m->kind = MSG_TASK_LIST;
        m->task_list = next;
        e = ask(to, m, MSG_TASK_LIST_REPLY, why);
        if (e == ERR_OK) {
            fn(arg, &m->task_list_reply);
            next.after = m->task_list_reply.next;
        }
    } while (e == ERR_OK && next.after != 0);
    free(m);
    return e;
}

static enum err fill_query(const char *study, const char *state,
                           struct msg_task_list *out, struct errinfo *why)
{
    enum task_state s = 0;
    *out = (struct msg_task_list){.state = 0};
    if (state && task_state_parse(state, &s) != ERR_OK) {
        return err_set(why, ERR_INPUT,
                       "--state %s: ready, leased, done, buried and cancelled are "
                       "allowed",
                       state);
    }
    if (study && strlen(study) >= sizeof(out->study)) {
        return err_set(why, ERR_INPUT, "no study has so long a name: %s", study);
    }
    out->state = s;
    snprintf(out->study, sizeof(out->study), "%s", study ? study : "");
    return ERR_OK;
}

// ---- list

static void print_task(const struct listed_task *t)
{
    printf("%6" PRIu64 "  %-16s %-9s %-9s %5u  %-20s %s\n", t->id, t->study,
           task_kind_name((enum task_kind)t->kind),
           task_state_name((enum task_state)t->state), t->n_charged, t->worker,
           t->what);
    if (t->error[0]) {
        printf("        %s\n", t->error);
    }
}

static void print_page(void *arg, const struct msg_task_list_reply *page)
{
    bool *has_head = arg;
    if (!*has_head && page->n_tasks > 0) {
        printf("%6s  %-16s %-9s %-9s %5s  %-20s %s\n", "task", "study", "kind", "state",
               "fails", "worker", "what");
        *has_head = true;
    }
    for (uint32_t i = 0; i < page->n_tasks; i++) {
        print_task(&page->tasks[i]);
    }
}

static int task_list(int argc, char **argv)
{
    struct access_options a = {.dir = NULL};
    const char *study = NULL;
    const char *state = NULL;
    const struct option table[] = {
        OPTION_AS_TEXT("study", "NAME", &study, "of this study only"),
        OPTION_AS_TEXT("state", "STATE", &state,
                       "in this state only: ready, leased, done, buried or cancelled"),
        ASK_OPTIONS(&a)};
    const struct options o = {
        .command = "voxarch task list",
        .operands = "",
        .summary = "Lists tasks with their failures that count, and the last error.",
        .examples = "  voxarch task list --state buried --dir runs/demo\n",
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0])};
    struct operands operands;
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    struct errinfo why = {0};
    struct msg_task_list query;
    struct access access = {.endpoint = ""};
    bool has_head = false;
    enum err e = fill_query(study, state, &query, &why);
    if (e == ERR_OK) {
        e = access_open(&a, &access, &why);
    }
    if (e == ERR_OK) {
        e = each_page(&access, &query, print_page, &has_head, &why);
    }
    access_close(&access);
    why.code = e;
    return e == ERR_OK ? 0 : options_fail(o.command, &why);
}

// ---- kick

struct id_list {
    uint64_t *ids;
    size_t n, cap;
};

static void add_id(struct id_list *l, uint64_t id)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->ids = realloc(l->ids, l->cap * sizeof(*l->ids));
        BUG_ON(!l->ids);
    }
    l->ids[l->n++] = id;
}

static void add_page(void *arg, const struct msg_task_list_reply *page)
{
    for (uint32_t i = 0; i < page->n_tasks; i++) {
        add_id(arg, page->tasks[i].id);
    }
}

struct kicked {
    size_t n;
    char first_no[LIMIT_TEXT]; // why one was not
};

static enum err kick_some(const struct access *to, const uint64_t *ids, size_t n,
                          struct kicked *out, struct errinfo *why)
{
    struct msg *m = calloc(1, sizeof(*m)); // too large for the stack
    BUG_ON(!m);
    m->kind = MSG_TASK_KICK;
    m->task_kick.n_ids = (uint32_t)n;
    memcpy(m->task_kick.ids, ids, n * sizeof(*ids));
    enum err e = ask(to, m, MSG_ORDER_REPLY, why);
    if (e == ERR_OK) {
        out->n += m->order_reply.n;
        if (out->first_no[0] == '\0') {
            snprintf(out->first_no, sizeof(out->first_no), "%s", m->order_reply.text);
        }
    }
    free(m);
    return e;
}

static enum err kick_all(const struct access *to, const struct id_list *l,
                         struct kicked *out, struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < l->n && e == ERR_OK; i += LIMIT_KICKED_TASKS) {
        size_t n = l->n - i < LIMIT_KICKED_TASKS ? l->n - i : LIMIT_KICKED_TASKS;
        e = kick_some(to, &l->ids[i], n, out, why);
    }
    return e;
}

static enum err take_ids(const struct operands *said, bool is_all, struct id_list *out,
                         struct errinfo *why)
{
    enum err e = ERR_OK;
    if (is_all == (said->n > 0)) {
        return err_set(
            why, ERR_INPUT,
            "which tasks? give their numbers, or --all for every buried one");
    }
    for (size_t i = 0; i < said->n && e == ERR_OK; i++) {
        uint64_t id = 0;
        e = ids_parse(said->items[i], &id, why);
        add_id(out, id);
    }
    return e;
}

static enum err kick(const struct access_options *a, const struct operands *said,
                     const char *study, bool is_all, struct kicked *out,
                     struct errinfo *why)
{
    struct access access = {.endpoint = ""};
    struct id_list ids = {0};
    struct msg_task_list query;
    enum err e = fill_query(study, "buried", &query, why);
    if (e == ERR_OK) {
        e = take_ids(said, is_all, &ids, why);
    }
    if (e == ERR_OK) {
        e = access_open(a, &access, why);
    }
    if (e == ERR_OK && is_all) {
        e = each_page(&access, &query, add_page, &ids, why);
    }
    if (e == ERR_OK) {
        e = kick_all(&access, &ids, out, why);
    }
    access_close(&access);
    free(ids.ids);
    return e;
}

static int task_kick_verb(int argc, char **argv)
{
    struct access_options a = {.dir = NULL};
    const char *study = NULL;
    bool is_all = false;
    const struct option table[] = {
        OPTION_AS_FLAG("all", &is_all, "every buried task"),
        OPTION_AS_TEXT("study", "NAME", &study, "with --all: of this study only"),
        ASK_OPTIONS(&a)};
    const struct options o = {
        .command = "voxarch task kick",
        .operands = "TASK...",
        .summary =
            "Has buried tasks tried again, their failures forgotten. A study that "
            "failed for one goes on.",
        .examples = "  voxarch task kick 17 --dir runs/demo\n"
                    "  voxarch task kick --all --dir runs/demo\n",
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0]),
        .max_operands = OPTIONS_LIST_MAX};
    struct operands operands;
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    struct errinfo why = {0};
    struct kicked kicked = {.n = 0};
    why.code = kick(&a, &operands, study, is_all, &kicked, &why);
    if (why.code != ERR_OK) {
        return options_fail(o.command, &why);
    }
    printf("%zu task%s kicked\n", kicked.n, kicked.n == 1 ? "" : "s");
    if (kicked.first_no[0]) {
        fprintf(stderr, "not kicked: %s\n", kicked.first_no);
    }
    return kicked.n == 0 && kicked.first_no[0] ? 1 : 0;
}

int cmd_task(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"list", task_list, "[--study NAME] [--state STATE]"},
        {"kick", task_kick_verb, "TASK... | --all"}};
    return verbs_run("voxarch task", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
                     argv);
}
