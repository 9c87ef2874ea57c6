// SPDX-License-Identifier: Apache-2.0
// test_memory.c - what a worker has to give is the machine's, or its group's where that
// is less.
#include "tests/lib/check_main.h"
#include "worker/agent/memory.h"

#include <stdio.h>
#include <unistd.h>

static char folder[64];

static uint64_t limit_of(const char *text)
{
    char path[96];
    snprintf(folder, sizeof(folder), "/tmp/voxarch_memory_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/memory.max", folder);
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    uint64_t bytes = memory_of_group(folder);
    unlink(path);
    rmdir(folder);
    return bytes;
}

START_TEST(a_groups_limit_is_its_number_and_max_is_none)
{
    ck_assert_uint_eq(limit_of("8589934592\n"), 8ull << 30);
    ck_assert_uint_eq(limit_of("max\n"), UINT64_MAX);
    ck_assert_uint_eq(limit_of(""), UINT64_MAX);
    ck_assert_uint_eq(memory_of_group("/nowhere"), UINT64_MAX);
}
END_TEST

START_TEST(a_worker_has_no_more_than_its_machine)
{
    uint64_t machine =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    ck_assert_uint_gt(memory_here(), 0);
    ck_assert_uint_le(memory_here(), machine);
}
END_TEST

TEST_SUITE(memory, a_groups_limit_is_its_number_and_max_is_none,
           a_worker_has_no_more_than_its_machine)
