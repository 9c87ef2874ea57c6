// SPDX-License-Identifier: Apache-2.0
// test_reserve.c - room is kept back, given up, and taken again by itself.
#include "common/base/file.h"
#include "common/base/log.h"
#include "coordinator/keep/reserve.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SIZE_BYTES (1u << 20)

static char dir[64];
static char path[96];
static struct reserve *reserve;

static void setup(uint64_t size_bytes)
{
    struct errinfo why = {0};
    log_init("test", LOG_ERROR + 1);
    snprintf(dir, sizeof(dir), "/tmp/voxarch_reserve_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/reserve", dir);
    ck_assert_int_eq(reserve_open(dir, size_bytes, 0, &reserve, &why), ERR_OK);
}

static void teardown(void)
{
    reserve_close(reserve);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0); // NOLINT: fixed, one thread
}

static bool is_allocated(void)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size == SIZE_BYTES &&
           (unsigned long)st.st_blocks * 512 >= SIZE_BYTES;
}

START_TEST(the_room_is_really_there)
{
    setup(SIZE_BYTES);
    ck_assert(!reserve_is_spent(reserve));
    ck_assert(is_allocated());
    teardown();
}
END_TEST

START_TEST(a_write_without_room_spends_it_and_it_is_made_anew_after_a_rest)
{
    setup(SIZE_BYTES);
    reserve_spend(reserve, 5000);
    ck_assert(reserve_is_spent(reserve));
    ck_assert(!file_exists(path));
    ck_assert(!reserve_tick(reserve, 5000 + RESERVE_REST_MS - 1));
    ck_assert(!reserve_tick(reserve, 5000 + RESERVE_REST_MS)); // looked just now
    ck_assert(reserve_tick(reserve, 5000 + RESERVE_REST_MS + RESERVE_LOOK_MS));
    ck_assert(!reserve_is_spent(reserve));
    ck_assert(is_allocated());
    teardown();
}
END_TEST

START_TEST(the_file_of_an_earlier_process_is_taken_as_it_is)
{
    setup(SIZE_BYTES);
    struct stat before;
    struct stat after;
    struct errinfo why = {0};
    ck_assert_int_eq(stat(path, &before), 0);
    reserve_close(reserve);
    ck_assert_int_eq(reserve_open(dir, SIZE_BYTES, 0, &reserve, &why), ERR_OK);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_int_eq(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
    teardown();
}
END_TEST

START_TEST(without_a_reserve_a_write_without_room_still_counts)
{
    setup(0);
    ck_assert(!file_exists(path));
    reserve_spend(reserve, 0);
    ck_assert(reserve_is_spent(reserve));
    ck_assert(reserve_tick(reserve, RESERVE_REST_MS + RESERVE_LOOK_MS));
    ck_assert(!reserve_is_spent(reserve));
    teardown();
}
END_TEST

START_TEST(a_disk_too_small_for_it_has_it_spent_from_the_start)
{
    setup((uint64_t)1 << 50);
    ck_assert(reserve_is_spent(reserve));
    ck_assert(!file_exists(path));
    ck_assert(!reserve_tick(reserve, RESERVE_LOOK_MS));
    teardown();
}
END_TEST

START_TEST(an_artifact_must_leave_room_for_rows)
{
    setup(SIZE_BYTES);
    uint64_t all = reserve_free_bytes(reserve);
    ck_assert(reserve_has_room(reserve, 1));
    ck_assert(!reserve_has_room(reserve, all));
    ck_assert(!reserve_has_room(reserve, UINT64_MAX));
    teardown();
}
END_TEST

TEST_SUITE(reserve, the_room_is_really_there,
           a_write_without_room_spends_it_and_it_is_made_anew_after_a_rest,
           the_file_of_an_earlier_process_is_taken_as_it_is,
           without_a_reserve_a_write_without_room_still_counts,
           a_disk_too_small_for_it_has_it_spent_from_the_start,
           an_artifact_must_leave_room_for_rows)
