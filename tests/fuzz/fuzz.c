// SPDX-License-Identifier: Apache-2.0
// fuzz.c - see fuzz.h.
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// An open file without a name: its path is a descriptor of ours.
const char *fuzz_file(const uint8_t *data, size_t n)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        char name[] = "/dev/shm/voxarch_fuzz_XXXXXX";
        fd = mkstemp(name);
        BUG_ON(fd < 0);
        unlink(name);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    BUG_ON(ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n);
    return path;
}
