// SPDX-License-Identifier: Apache-2.0
// cmd_metrics.c - `metrics FILE`: error rates of a file of scored trials.
#include "worker/cli/cmd.h"
#include "worker/score/metrics.h"
#include "worker/score/scorefile.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: voxarch metrics FILE [--json]\n"
    "\n"
    "Prints the equal error rate and the normalised minimum detection costs of scored\n"
    "trials, one a line: enroll test score target|nontarget. Lines that begin with #\n"
    "are left out.\n"
    "\n"
    "  --json      print one JSON object with the same keys\n"
    "  -h, --help  print this\n";

static void print_text(const struct metrics *m)
{
    printf("eer_percent=%.6f mindcf_p0.01=%.6f mindcf_p0.05=%.6f targets=%zu "
           "nontargets=%zu\n",
           m->eer_percent, m->mindcf_p01, m->mindcf_p05, m->n_targets, m->n_nontargets);
}

static void print_json(const struct metrics *m)
{
    json_t *o = json_pack("{s:f, s:f, s:f, s:I, s:I}", "eer_percent", m->eer_percent,
                          "mindcf_p0.01", m->mindcf_p01, "mindcf_p0.05", m->mindcf_p05,
                          "targets", (json_int_t)m->n_targets, "nontargets",
                          (json_int_t)m->n_nontargets);
    BUG_ON(!o);
    json_dumpf(o, stdout, JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(o);
}

static enum err measure(const char *path, struct metrics *m, struct errinfo *why)
{
    struct scorefile s;
    enum err e = scorefile_load(&s, path, why);
    if (e != ERR_OK) {
        return e;
    }
    e = metrics_compute(s.scores, s.is_target, s.n, m, why);
    if (e != ERR_OK) {
        e = err_prefix(why, e, "%s", path);
    }
    scorefile_fini(&s);
    return e;
}

int cmd_metrics(int argc, char **argv)
{
    const char *path = NULL;
    bool as_json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            as_json = true;
        } else if (argv[i][0] == '-' || path) {
            fprintf(stderr, "metrics: unexpected argument \"%s\"\n%s", argv[i], help);
            return 2;
        } else {
            path = argv[i];
        }
    }
    if (!path) {
        fprintf(stderr, "metrics: no file given\n%s", help);
        return 2;
    }
    struct metrics m;
    struct errinfo why = {0};
    enum err e = measure(path, &m, &why);
    if (e != ERR_OK) {
        fprintf(stderr, "metrics: %s\n", why.text);
        return err_exit_status(e);
    }
    if (as_json) {
        print_json(&m);
    } else {
        print_text(&m);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
