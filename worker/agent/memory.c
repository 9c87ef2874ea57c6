// SPDX-License-Identifier: Apache-2.0
// memory.c - see memory.h.
#include "worker/agent/memory.h"

#include "common/base/bytesize.h"
#include "common/base/file.h"
#include "worker/exec/oom.h"

#include <string.h>
#include <unistd.h>

uint64_t memory_of_group(const char *folder)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT;
    uint64_t bytes = UINT64_MAX; // "max" stays that
    if (file_path(path, sizeof(path), NULL, "%s/memory.max", folder) == ERR_OK &&
        file_read(path, 64, &text, NULL) == ERR_OK && text.len > 0) {
        text.data[strcspn(text.data, "\n")] = '\0';
        if (bytesize_parse(text.data, &bytes) != ERR_OK) {
            bytes = UINT64_MAX;
        }
    }
    buf_fini(&text);
    return bytes;
}

uint64_t memory_here(void)
{
    uint64_t machine =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char folder[FILE_PATH_MAX];
    uint64_t group = oom_own_group("/proc", "/sys/fs/cgroup", folder)
                         ? memory_of_group(folder)
                         : UINT64_MAX;
    return group < machine ? group : machine;
}
