// SPDX-License-Identifier: Apache-2.0
// test_scrub.c - damage is found, told and taken out of the way.
#include "common/base/log.h"
#include "coordinator/keep/scrub.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char dir[64];
    uv_loop_t loop;
    struct blob_store *blobs;
    struct scrub *scrub;
    char read[HASH_HEX_MAX]; // last
    bool was_damaged;
    unsigned n_read;
} bench;

static void on_read(void *arg, const char *hash, bool is_damaged)
{
    (void)arg;
    snprintf(bench.read, sizeof(bench.read), "%s", hash);
    bench.was_damaged = is_damaged;
    bench.n_read++;
}

static void setup(void)
{
    log_init("test", LOG_ERROR + 1);
    snprintf(bench.dir, sizeof(bench.dir), "/tmp/voxarch_scrub_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(bench.dir));
    ck_assert_int_eq(blob_store_open(bench.dir, NULL, &bench.blobs, NULL), ERR_OK);
    ck_assert_int_eq(uv_loop_init(&bench.loop), 0);
    const struct scrub_setup conf = {
        .loop = &bench.loop, .blob_dir = bench.dir, .read = on_read};
    ck_assert_int_eq(scrub_create(&conf, &bench.scrub, NULL), ERR_OK);
}

static void teardown(void)
{
    scrub_destroy(bench.scrub);
    ck_assert_int_eq(uv_loop_close(&bench.loop), 0);
    blob_store_close(bench.blobs);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", bench.dir);
    ck_assert_int_eq(system(command), 0); // NOLINT: fixed, one thread
}

static void put(const char *text, char hash[static HASH_HEX_MAX])
{
    ck_assert_int_eq(blob_put_bytes(bench.blobs, text, strlen(text), hash, NULL),
                     ERR_OK);
}

static void damage(const char *hash)
{
    char path[FILE_PATH_MAX];
    ck_assert_int_eq(blob_path(bench.blobs, hash, path, NULL, NULL), ERR_OK);
    FILE *f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fputc('#', f), '#');
    ck_assert_int_eq(fclose(f), 0);
}

static void wait_for_reads(unsigned n)
{
    while (bench.n_read < n) {
        uv_run(&bench.loop, UV_RUN_ONCE);
    }
}

START_TEST(what_was_read_is_known_to_be_right_until_it_changes)
{
    char hash[HASH_HEX_MAX];
    setup();
    put("weights", hash);
    ck_assert(!scrub_is_verified(bench.scrub, hash));
    ck_assert(scrub_want(bench.scrub, hash));
    ck_assert(scrub_want(bench.scrub, hash)); // once is enough
    wait_for_reads(1);
    ck_assert_str_eq(bench.read, hash);
    ck_assert(!bench.was_damaged);
    ck_assert(scrub_is_verified(bench.scrub, hash));
    damage(hash);
    ck_assert(!scrub_is_verified(bench.scrub, hash));
    teardown();
}
END_TEST

START_TEST(what_is_damaged_is_told_and_kept_aside)
{
    char hash[HASH_HEX_MAX];
    char path[FILE_PATH_MAX];
    setup();
    put("weights", hash);
    damage(hash);
    ck_assert(scrub_want(bench.scrub, hash));
    wait_for_reads(1);
    ck_assert(bench.was_damaged);
    ck_assert(!scrub_is_verified(bench.scrub, hash));
    ck_assert(!blob_has(bench.blobs, hash));
    snprintf(path, sizeof(path), "%s/corrupt/%s", bench.dir, hash);
    ck_assert(file_exists(path));
    put("weights", hash); // made again
    ck_assert(scrub_want(bench.scrub, hash));
    wait_for_reads(2);
    ck_assert(!bench.was_damaged);
    teardown();
}
END_TEST

START_TEST(what_is_not_there_is_told_and_not_known)
{
    char hash[HASH_HEX_MAX];
    setup();
    hash_bytes("x", 1, hash);
    ck_assert(scrub_want(bench.scrub, hash));
    wait_for_reads(1);
    ck_assert(!bench.was_damaged);
    ck_assert(!scrub_is_verified(bench.scrub, hash));
    teardown();
}
END_TEST

START_TEST(as_many_may_wait_as_there_is_room_for)
{
    char hash[HASH_HEX_MAX];
    setup();
    for (int i = 0; i < SCRUB_WANTS_MAX; i++) {
        hash_bytes(&i, sizeof(i), hash);
        ck_assert(scrub_want(bench.scrub, hash));
    }
    hash_bytes("one more", 8, hash);
    ck_assert(!scrub_want(bench.scrub, hash));
    wait_for_reads(SCRUB_WANTS_MAX);
    ck_assert(scrub_want(bench.scrub, hash));
    teardown();
}
END_TEST

TEST_SUITE(scrub, what_was_read_is_known_to_be_right_until_it_changes,
           what_is_damaged_is_told_and_kept_aside,
           what_is_not_there_is_told_and_not_known,
           as_many_may_wait_as_there_is_room_for)
