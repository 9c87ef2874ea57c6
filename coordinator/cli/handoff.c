// SPDX-License-Identifier: Apache-2.0
// handoff.c - see handoff.h.
#include "coordinator/cli/handoff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum err handoff_find(const char *program, char out[static FILE_PATH_MAX],
                      struct errinfo *why)
{
    char self[FILE_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0) {
        return err_set(why, ERR_IO, "cannot tell where this program lies: %m");
    }
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) {
        *slash = '\0';
    }
    enum err e = file_path(out, FILE_PATH_MAX, why, "%s/%s", self, program);
    if (e) {
        return e;
    }
    if (access(out, X_OK)) {
        return err_set(why, ERR_NOTFOUND, "%s is missing: it belongs beside voxarch",
                       out);
    }
    return ERR_OK;
}

int handoff_exec(const char *program, int argc, char **argv)
{
    char path[FILE_PATH_MAX];
    struct errinfo why = {0};
    enum err e = handoff_find(program, path, &why);
    if (e) {
        fprintf(stderr, "voxarch: %s\n", why.text);
        return err_exit_status(e);
    }
    char **args = calloc((size_t)argc + 2, sizeof(*args));
    BUG_ON(!args);
    args[0] = path;
    for (int i = 0; i < argc; i++) {
        args[i + 1] = argv[i];
    }
    execv(path, args);
    fprintf(stderr, "voxarch: cannot start %s: %m\n", path);
    free(args);
    return 1;
}
