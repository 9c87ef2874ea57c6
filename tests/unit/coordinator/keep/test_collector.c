// SPDX-License-Identifier: Apache-2.0
// test_collector.c - what nobody needs is removed beside the loop; what is used is not.
#include "common/base/log.h"
#include "coordinator/keep/collector.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/store/store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct {
    uv_loop_t loop;
    struct blob_store *blobs;
    struct collector *collector;
    char used[HASH_HEX_MAX];
} bench;

static bool is_in_use(void *arg, const char *hash)
{
    (void)arg;
    return strcmp(hash, bench.used) == 0;
}

static void setup(void)
{
    char path[128];
    log_init("test", LOG_ERROR + 1);
    fixture_open();
    snprintf(path, sizeof(path), "%s/blobs", fixture.dir);
    OK(blob_store_open(path, NULL, &bench.blobs, &fixture.why));
    ck_assert_int_eq(uv_loop_init(&bench.loop), 0);
    const struct collector_setup conf = {
        .loop = &bench.loop,
        .dir = fixture.dir,
        .blob_dir = blob_store_dir(bench.blobs),
        .rules = {.superseded_ms = 60000, .orphan_ms = 60000},
        .is_in_use = is_in_use,
    };
    OK(collector_create(&conf, &bench.collector, &fixture.why));
}

static void teardown(void)
{
    collector_destroy(bench.collector);
    ck_assert_int_eq(uv_loop_close(&bench.loop), 0);
    blob_store_close(bench.blobs);
    fixture_close();
}

// An artifact that no row speaks of, stored so long ago.
static void add_orphan(int n, long age_s, char hash[static HASH_HEX_MAX])
{
    char path[FILE_PATH_MAX];
    OK(blob_put_bytes(bench.blobs, &n, sizeof(n), hash, &fixture.why));
    OK(blob_path(bench.blobs, hash, path, NULL, &fixture.why));
    struct timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= age_s;
    times[1] = times[0];
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(an_old_orphan_goes_a_young_or_used_one_stays)
{
    char old[HASH_HEX_MAX];
    char young[HASH_HEX_MAX];
    setup();
    add_orphan(1, 100, old);
    add_orphan(2, 5, young);
    add_orphan(3, 100, bench.used);
    collector_hurry(bench.collector, true);
    while (blob_has(bench.blobs, old)) {
        uv_run(&bench.loop, UV_RUN_ONCE);
    }
    ck_assert(blob_has(bench.blobs, young));
    ck_assert(blob_has(bench.blobs, bench.used));
    teardown();
}
END_TEST

START_TEST(it_can_be_stopped_at_any_time)
{
    setup();
    collector_hurry(bench.collector, true);
    uv_run(&bench.loop, UV_RUN_NOWAIT); // it is looking now
    teardown();
}
END_TEST

TEST_SUITE(collector, an_old_orphan_goes_a_young_or_used_one_stays,
           it_can_be_stopped_at_any_time)
