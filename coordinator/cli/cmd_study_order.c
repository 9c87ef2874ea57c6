// SPDX-License-Identifier: Apache-2.0
// cmd_study_order.c - see cmd_study.h.
#include "common/base/file.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/cmd_study.h"
#include "coordinator/cli/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- pause, resume, cancel

static void fill(struct msg *m, int what, const char *name)
{
    m->kind = MSG_STUDY_ORDER;
    m->study_order.order = (enum study_order)what;
    snprintf(m->study_order.name, sizeof(m->study_order.name), "%s", name);
}

static const struct orders studies = {.noun = "study",
                                      .name_cap =
                                          sizeof(((struct msg_study_order *)0)->name),
                                      .fill = fill};

int cmd_study_pause(int argc, char **argv)
{
    static const struct options about = {
        .command = "voxarch study pause",
        .summary = "Hands out none of a study's tasks until it is resumed; what is out "
                   "is finished.",
        .examples = "  voxarch study pause demo --dir /var/lib/voxarch\n"};
    return orders_run(&studies, &about, STUDY_PAUSE, "is paused", argc, argv);
}

int cmd_study_resume(int argc, char **argv)
{
    static const struct options about = {
        .command = "voxarch study resume",
        .summary = "Lets a paused study go on.",
        .examples = "  voxarch study resume demo --dir /var/lib/voxarch\n"};
    return orders_run(&studies, &about, STUDY_RESUME, "goes on", argc, argv);
}

int cmd_study_cancel(int argc, char **argv)
{
    static const struct options about = {
        .command = "voxarch study cancel",
        .summary = "Ends a study: its tasks are cancelled, its workers told to stop; "
                   "what was measured stays.\nSubmitting it again has it go on.",
        .examples = "  voxarch study cancel demo --dir /var/lib/voxarch\n"};
    return orders_run(&studies, &about, STUDY_CANCEL, "is cancelled", argc, argv);
}

// ---- submit

// Relative paths start at the file's folder, as ever; without symbolic links, because
// the coordinator takes it as it is.
static enum err take_dir(const char *path, struct msg_study_submit *out,
                         struct errinfo *why)
{
    char *real = realpath(path, NULL);
    if (!real) {
        return err_set(why, ERR_NOTFOUND, "cannot read %s", path);
    }
    char *slash = strrchr(real, '/'); // it is absolute
    bool fits = strlen(slash + 1) < sizeof(out->file) &&
                (size_t)(slash - real) < sizeof(out->dir);
    if (fits) {
        snprintf(out->file, sizeof(out->file), "%s", slash + 1);
        *slash = '\0';
        snprintf(out->dir, sizeof(out->dir), "%s", real[0] ? real : "/");
    }
    free(real);
    return fits ? ERR_OK : err_set(why, ERR_LIMIT, "%s is too long a path", path);
}

static enum err take_text(const char *path, struct msg_study_submit *out,
                          struct errinfo *why)
{
    struct buf text = BUF_INIT;
    enum err e = file_read(path, sizeof(out->text) - 1, &text, why);
    if (e == ERR_LIMIT) {
        e = err_set(why, e, "%s has more than %d bytes: start the coordinator with it",
                    path, LIMIT_STUDY_TEXT - 1);
    }
    if (e == ERR_OK && (text.len == 0 || memchr(text.data, '\0', text.len))) {
        e = err_set(why, ERR_INPUT, "%s is no study file", path);
    }
    if (e == ERR_OK) {
        memcpy(out->text, text.data, text.len);
        out->text[text.len] = '\0';
    }
    buf_fini(&text);
    return e;
}

static enum err submit(const struct access_options *a, const char *path, struct msg *m,
                       struct errinfo *why)
{
    m->kind = MSG_STUDY_SUBMIT;
    enum err e = take_dir(path, &m->study_submit, why);
    if (e == ERR_OK) {
        e = take_text(path, &m->study_submit, why);
    }
    return e == ERR_OK ? ask_with(a, m, MSG_ORDER_REPLY, why) : e;
}

int cmd_study_submit(int argc, char **argv)
{
    struct access_options a = {.dir = NULL};
    const struct option table[] = {ASK_OPTIONS(&a)};
    const struct options o = {
        .command = "voxarch study submit",
        .operands = "STUDY.yaml",
        .summary =
            "Gives a study to a running coordinator, beside those it has; a study that "
            "failed or was cancelled\ngoes on. Recordings and lists are the "
            "coordinator's files: relative paths start at the study file's\nfolder, on "
            "its machine.",
        .examples = "  voxarch study submit study.yaml --dir /var/lib/voxarch\n",
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0]),
        .min_operands = 1,
        .max_operands = 1};
    struct operands operands;
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    struct errinfo why = {0};
    struct msg *m = calloc(1, sizeof(*m)); // too large for the stack
    BUG_ON(!m);
    why.code = submit(&a, operands.items[0], m, &why);
    if (why.code == ERR_OK) {
        printf("%s\n", m->order_reply.text);
    }
    free(m);
    return why.code == ERR_OK ? 0 : options_fail(o.command, &why);
}
