// SPDX-License-Identifier: Apache-2.0
// strays.c - see strays.h.
#include "worker/exec/strays.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#    include <sys/prctl.h>
#endif

void strays_adopt(void)
{
#ifdef PR_SET_CHILD_SUBREAPER
    prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
}

// "123 (any name) S 456 ...": the parent, behind the last bracket.
static int parent_of(const char *pid)
{
    char path[64];
    char text[512] = "";
    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f) {
        return 0;
    }
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *behind = strrchr(text, ')');
    return behind && strlen(behind) > 4 ? (int)strtol(behind + 4, NULL, 10) : 0;
}

// True when it is gone.
static bool end_one(int pid)
{
    kill(pid, SIGKILL);
    int got = waitpid(pid, NULL, WNOHANG);
    return got == pid || (got < 0 && errno == ECHILD);
}

size_t strays_end(strays_known_fn *is_known, void *arg)
{
    size_t n_left = 0;
    DIR *proc = opendir("/proc");
    if (!proc) {
        return 0;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream
    for (const struct dirent *e = readdir(proc); e; e = readdir(proc)) {
        int pid = (int)strtol(e->d_name, NULL, 10);
        if (pid > 0 && parent_of(e->d_name) == (int)getpid() && !is_known(arg, pid)) {
            n_left += !end_one(pid);
        }
    }
    closedir(proc);
    return n_left;
}
