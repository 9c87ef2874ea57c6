// SPDX-License-Identifier: Apache-2.0
// verbs.c - see verbs.h.
#include "coordinator/cli/verbs.h"

#include "common/base/options.h"

#include <stdio.h>
#include <string.h>

#define VERBS_MAX 16

static int usage(const char *command, const struct verb *verbs, size_t n, FILE *to)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(to, "%s %s %s %s\n", i == 0 ? "Usage:" : "      ", command,
                verbs[i].name, verbs[i].usage);
    }
    fprintf(to, "\nMore with: %s %s --help\n", command, verbs[0].name);
    return to == stdout ? 0 : 2;
}

static int unknown(const char *command, const struct verb *verbs, size_t n,
                   const char *word)
{
    const char *names[VERBS_MAX] = {NULL};
    for (size_t i = 0; i < n && i < VERBS_MAX; i++) {
        names[i] = verbs[i].name;
    }
    const char *near = options_nearest(word, names, n < VERBS_MAX ? n : VERBS_MAX);
    fprintf(stderr, "%s: unknown command '%s'; ", command, word);
    if (near) {
        fprintf(stderr, "did you mean '%s'?\n", near);
        return 2;
    }
    fprintf(stderr, "there are");
    for (size_t i = 0; i < n; i++) {
        fprintf(stderr, "%s %s",
                i == 0       ? ""
                : i + 1 == n ? " and"
                             : ",",
                verbs[i].name);
    }
    fputc('\n', stderr);
    return 2;
}

int verbs_run(const char *command, const struct verb *verbs, size_t n, int argc,
              char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word) {
        return usage(command, verbs, n, stderr);
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        return usage(command, verbs, n, stdout);
    }
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(word, verbs[i].name)) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    return unknown(command, verbs, n, word);
}
