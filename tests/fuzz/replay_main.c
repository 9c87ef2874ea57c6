// SPDX-License-Identifier: Apache-2.0
// replay_main.c - a fuzz target without a fuzzer: every file of the folders it is
// given, once.
#include "common/base/log.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>

#define INPUT_MAX (64 << 20)

static unsigned replay_dir(const char *dir)
{
    unsigned n = 0;
    DIR *folder = opendir(dir);
    BUG_ON(!folder);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): each DIR has its own buffer
    for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
        char path[FILE_PATH_MAX];
        struct buf bytes = BUF_INIT;
        if (e->d_name[0] != '.' &&
            file_path(path, sizeof(path), NULL, "%s/%s", dir, e->d_name) == ERR_OK &&
            file_read(path, INPUT_MAX, &bytes, NULL) == ERR_OK) {
            LLVMFuzzerTestOneInput((const uint8_t *)bytes.data, bytes.len);
            n++;
        }
        buf_fini(&bytes);
    }
    closedir(folder);
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++) {
        n += replay_dir(argv[i]);
    }
    printf("%u inputs\n", n);
    return n > 0 ? 0 : 1;
}
