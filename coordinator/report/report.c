// SPDX-License-Identifier: Apache-2.0
// report.c - see report.h.
#include "coordinator/report/report.h"

#include "coordinator/report/markdown.h"

#include <stdlib.h>

static enum err write_plots(const struct results *r, const struct plot_set *s,
                            struct errinfo *why)
{
    char dir[FILE_PATH_MAX];
    enum err e = file_path(dir, sizeof(dir), why, "%s/plots", r->dir);
    if (e == ERR_OK && s->n > 0) {
        e = file_make_dirs(dir, why);
    }
    for (int i = 0; i < s->n && e == ERR_OK; i++) {
        char path[FILE_PATH_MAX];
        e = file_path(path, sizeof(path), why, "%s/%s.svg", dir, s->plots[i].name);
        if (e == ERR_OK) {
            e = file_write(path, s->plots[i].svg.data, s->plots[i].svg.len, why);
        }
    }
    return e;
}

static enum err write_markdown(const struct results *r, const struct plot_set *s,
                               struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT;
    enum err e = file_path(path, sizeof(path), why, "%s/report.md", r->dir);
    if (e == ERR_OK) {
        markdown_print(r, s, &text);
        e = file_write(path, text.data, text.len, why);
    }
    buf_fini(&text);
    return e;
}

// Plots first: the text shows only those that are there.
enum err report_write(const struct results *r, struct errinfo *why)
{
    struct plot_set *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    enum err e = plots_draw(r, s, why);
    if (e == ERR_OK) {
        e = write_plots(r, s, why);
    }
    if (e == ERR_OK) {
        e = write_markdown(r, s, why);
    }
    plots_fini(s);
    free(s);
    return e;
}
