// SPDX-License-Identifier: Apache-2.0
// oom.c - see oom.h.
#include "worker/exec/oom.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROC_BYTES_MAX 65536 // /proc/vmstat has about 5 KiB

// The number behind `name ` on a line of its own.
static bool find_count(const struct buf *text, const char *name, uint64_t *out)
{
    size_t n = strlen(name);
    const char *line = text->data;
    while (line && *line) {
        if (strncmp(line, name, n) == 0 && line[n] == ' ') {
            return sscanf(line + n, "%" SCNu64, out) == 1; // NOLINT(cert-err34-c)
        }
        line = strchr(line, '\n');
        line += line != NULL;
    }
    return false;
}

static bool read_count(const char *path, const char *name, uint64_t *out)
{
    struct buf text = BUF_INIT;
    bool ok = file_read(path, PROC_BYTES_MAX, &text, NULL) == ERR_OK && text.len > 0 &&
              find_count(&text, name, out);
    buf_fini(&text);
    return ok;
}

// "0::/system.slice/voxarch-worker@1.service": ours, of the second version.
bool oom_own_group(const char *proc, const char *cgroup, char out[static FILE_PATH_MAX])
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT;
    bool ok = file_path(path, sizeof(path), NULL, "%s/self/cgroup", proc) == ERR_OK &&
              file_read(path, PROC_BYTES_MAX, &text, NULL) == ERR_OK && text.len > 0;
    const char *line = ok ? text.data : NULL;
    while (line && strncmp(line, "0::", 3) != 0) {
        line = strchr(line, '\n');
        line += line != NULL;
    }
    ok = line && file_path(out, FILE_PATH_MAX, NULL, "%s%.*s", cgroup,
                           (int)strcspn(line + 3, "\n"), line + 3) == ERR_OK;
    buf_fini(&text);
    return ok;
}

struct oom_kills oom_kills_in(const char *proc, const char *cgroup)
{
    char group[FILE_PATH_MAX];
    char path[FILE_PATH_MAX];
    struct oom_kills k = {.is_group = true};
    k.is_known =
        oom_own_group(proc, cgroup, group) &&
        file_path(path, sizeof(path), NULL, "%s/memory.events", group) == ERR_OK &&
        read_count(path, "oom_kill", &k.n);
    if (!k.is_known) {
        k = (struct oom_kills){0};
        k.is_known = file_path(path, sizeof(path), NULL, "%s/vmstat", proc) == ERR_OK &&
                     read_count(path, "oom_kill", &k.n);
    }
    return k;
}

struct oom_kills oom_kills_now(void)
{
    return oom_kills_in("/proc", "/sys/fs/cgroup");
}

bool oom_has_grown(const struct oom_kills *before, const struct oom_kills *now)
{
    return before->is_known && now->is_known && before->is_group == now->is_group &&
           now->n > before->n;
}
