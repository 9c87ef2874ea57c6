// SPDX-License-Identifier: Apache-2.0
// test_moving.c - artifacts come and go whole, whatever the other end does.
#include "common/blob/reception.h"
#include "common/blob/retire.h"
#include "tests/lib/check_main.h"
#include "worker/agent/cache.h"
#include "worker/agent/deliverer.h"
#include "worker/agent/fetcher.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct transfer_window window = {LIMIT_CHUNK_BYTES, LIMIT_CREDIT_CHUNKS};

#define ARTIFACT_BYTES (11 * LIMIT_CHUNK_BYTES + 17) // more than a window

struct bench {
    char dir[64];
    struct blob_store *here, *there; // worker's, coordinator's
    struct msg *m, *answer;
    char *bytes;
    char hash[HASH_HEX_MAX];
    int64_t now_ms;
};

static struct blob_store *open_store(const struct bench *b, const char *name)
{
    char path[128];
    struct blob_store *s = NULL;
    snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    ck_assert_int_eq(blob_store_open(path, NULL, &s, NULL), ERR_OK);
    return s;
}

static struct bench bench_open(void)
{
    struct bench b = {.dir = "/tmp/voxarch-moving-XXXXXX", .now_ms = 1000};
    ck_assert_ptr_nonnull(mkdtemp(b.dir));
    b.here = open_store(&b, "here");
    b.there = open_store(&b, "there");
    b.m = calloc(1, sizeof(*b.m));
    b.answer = calloc(1, sizeof(*b.answer));
    b.bytes = malloc(ARTIFACT_BYTES);
    for (size_t i = 0; i < ARTIFACT_BYTES; i++) {
        b.bytes[i] = (char)(i * 31 + i / 1000);
    }
    hash_bytes(b.bytes, ARTIFACT_BYTES, b.hash);
    return b;
}

static void put(struct blob_store *s, const struct bench *b)
{
    char hash[HASH_HEX_MAX];
    ck_assert_int_eq(blob_put_bytes(s, b->bytes, ARTIFACT_BYTES, hash, NULL), ERR_OK);
    ck_assert_str_eq(hash, b->hash);
}

static void bench_close(struct bench *b)
{
    char command[128];
    blob_store_close(b->here);
    blob_store_close(b->there);
    free(b->m);
    free(b->answer);
    free(b->bytes);
    snprintf(command, sizeof(command), "rm -rf %s", b->dir);
    ck_assert_int_eq(system(command), 0); // NOLINT: fixed, one thread
}

// ---- fetching

static void answer_done(struct bench *b, enum err code)
{
    b->answer->kind = MSG_BLOB_DONE;
    b->answer->blob_done = (struct msg_blob_done){.code = code, .text = "because"};
    memcpy(b->answer->blob_done.hash, b->hash, HASH_HEX_MAX);
}

// Answers a GET; every chunk whose number is in `lost` (a bit each) does not arrive.
static void answer_get(struct bench *b, struct fetcher *f, unsigned lost)
{
    const struct transfer_credit get = {b->m->blob_get.offset, b->m->blob_get.credit};
    struct transfer_chunk c;
    for (uint32_t i = 0; transfer_chunk_at(window, ARTIFACT_BYTES, &get, i, &c); i++) {
        b->answer->kind = MSG_BLOB_CHUNK;
        b->answer->blob_chunk = (struct msg_blob_chunk){.offset = c.offset,
                                                        .total_bytes = c.total,
                                                        .n_bytes = c.n,
                                                        .bytes = b->bytes + c.offset};
        memcpy(b->answer->blob_chunk.hash, b->hash, HASH_HEX_MAX);
        if (!(lost >> i & 1)) {
            fetcher_take(f, b->now_ms, b->answer);
        }
    }
}

static enum fetch_state fetch(struct bench *b, struct fetcher *f, unsigned lost)
{
    enum fetch_state state = FETCH_COMING;
    for (int i = 0; i < 40 && state == FETCH_COMING; i++) {
        state = fetcher_want(f, b->now_ms, b->hash, NULL);
        while (fetcher_next(f, b->now_ms, b->m)) {
            fetcher_sent(f, b->now_ms, b->m);
            answer_get(b, f, lost);
            lost = 0; // the first answer only
        }
        if (state == FETCH_COMING && fetcher_due_ms(f) != INT64_MAX) {
            b->now_ms = fetcher_due_ms(f);
        }
    }
    return state;
}

START_TEST(what_is_wanted_comes)
{
    struct bench b = bench_open();
    struct fetcher *f = fetcher_create(b.here);
    ck_assert_int_eq(fetch(&b, f, 0), FETCH_HAVE);
    ck_assert_int_eq(b.now_ms, 1000); // without a wait
    ck_assert(blob_has(b.here, b.hash));
    fetcher_destroy(f);
    bench_close(&b);
}
END_TEST

static void damage(const char *folder, const char *hash)
{
    char path[FILE_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", folder, hash);
    FILE *f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 1000, SEEK_SET), 0);
    ck_assert_int_eq(fputc('#', f), '#');
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_copy_that_is_damaged_is_fetched_again)
{
    struct bench b = bench_open();
    struct fetcher *f = fetcher_create(b.here);
    ck_assert_int_eq(fetch(&b, f, 0), FETCH_HAVE);
    fetcher_destroy(f);
    damage(blob_store_dir(b.here), b.hash); // while nobody was there
    f = fetcher_create(b.here);
    ck_assert_int_eq(fetcher_want(f, b.now_ms, b.hash, NULL), FETCH_COMING);
    ck_assert_int_eq(fetch(&b, f, 0), FETCH_HAVE);
    ck_assert_int_eq(blob_verify(b.here, b.hash, NULL), ERR_OK);
    fetcher_destroy(f);
    bench_close(&b);
}
END_TEST

START_TEST(a_damaged_copy_in_a_shared_folder_is_passed_over)
{
    struct bench b = bench_open();
    struct blob_store *own = NULL;
    char path[FILE_PATH_MAX];
    snprintf(path, sizeof(path), "%s/own", b.dir);
    ck_assert_int_eq(blob_store_open(path, blob_store_dir(b.there), &own, NULL),
                     ERR_OK);
    put(b.there, &b);
    struct fetcher *f = fetcher_create(own);
    ck_assert_int_eq(fetcher_want(f, b.now_ms, b.hash, NULL), FETCH_HAVE);
    fetcher_destroy(f);
    damage(blob_store_dir(b.there), b.hash);
    f = fetcher_create(own);
    ck_assert_int_eq(fetch(&b, f, 0), FETCH_HAVE);
    ck_assert_int_eq(blob_verify(own, b.hash, NULL), ERR_OK);
    fetcher_destroy(f);
    blob_store_close(own);
    bench_close(&b);
}
END_TEST

START_TEST(lost_chunks_are_asked_for_again)
{
    struct bench b = bench_open();
    struct fetcher *f = fetcher_create(b.here);
    ck_assert_int_eq(fetch(&b, f, 1u << 3), FETCH_HAVE);
    ck_assert_int_gt(b.now_ms, 1000);
    fetcher_destroy(f);
    bench_close(&b);
}
END_TEST

START_TEST(wrong_bytes_are_tried_again_and_then_given_up)
{
    struct bench b = bench_open();
    struct fetcher *f = fetcher_create(b.here);
    b.bytes[5] ^= 1;
    ck_assert_int_eq(fetch(&b, f, 0), FETCH_FAILED);
    ck_assert(!blob_has(b.here, b.hash));
    b.bytes[5] ^= 1;
    ck_assert_int_eq(fetch(&b, f, 0), FETCH_HAVE); // wanted again, tried again
    fetcher_destroy(f);
    bench_close(&b);
}
END_TEST

START_TEST(what_is_not_there_fails_with_the_reason)
{
    struct bench b = bench_open();
    struct fetcher *f = fetcher_create(b.here);
    struct errinfo why = {0};
    ck_assert_int_eq(fetcher_want(f, b.now_ms, b.hash, &why), FETCH_COMING);
    ck_assert(fetcher_next(f, b.now_ms, b.m));
    fetcher_sent(f, b.now_ms, b.m);
    answer_done(&b, ERR_NOTFOUND);
    fetcher_take(f, b.now_ms, b.answer);
    ck_assert_int_eq(fetcher_want(f, b.now_ms, b.hash, &why), FETCH_FAILED);
    ck_assert_int_eq(why.code, ERR_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(why.text, "because"));
    fetcher_destroy(f);
    bench_close(&b);
}
END_TEST

START_TEST(more_wants_than_room_are_served_in_turn)
{
    struct bench b = bench_open();
    struct fetcher *f = fetcher_create(b.here);
    for (int i = 0; i < 50; i++) {
        char hash[HASH_HEX_MAX];
        hash_bytes(&i, sizeof(i), hash);
        ck_assert_int_eq(fetcher_want(f, b.now_ms, hash, NULL), FETCH_COMING);
    }
    b.now_ms += 100000; // nobody asks for those any more
    ck_assert_int_eq(fetch(&b, f, 0), FETCH_HAVE);
    fetcher_destroy(f);
    bench_close(&b);
}
END_TEST

// Asks for a while and hears nothing. How it ended, or COMING.
static enum fetch_state fetch_in_vain(struct bench *b, struct fetcher *f, int64_t ms,
                                      struct errinfo *why)
{
    enum fetch_state state = FETCH_COMING;
    for (int64_t end_ms = b->now_ms + ms; state == FETCH_COMING && b->now_ms < end_ms;
         b->now_ms += 1000) {
        state = fetcher_want(f, b->now_ms, b->hash, why);
        while (fetcher_next(f, b->now_ms, b->m)) {
            fetcher_sent(f, b->now_ms, b->m);
        }
    }
    return state;
}

START_TEST(a_fetch_that_gets_nowhere_fails_in_the_end)
{
    struct bench b = bench_open();
    struct fetcher *f = fetcher_create(b.here);
    struct errinfo why = {0};
    ck_assert_int_eq(fetch_in_vain(&b, f, FETCH_STALLED_MS, NULL), FETCH_COMING);
    fetcher_excuse(f, b.now_ms); // the coordinator was away all the time
    ck_assert_int_eq(fetch_in_vain(&b, f, FETCH_STALLED_MS, NULL), FETCH_COMING);
    ck_assert_int_eq(fetch_in_vain(&b, f, 5000, &why), FETCH_FAILED);
    ck_assert_ptr_nonnull(strstr(why.text, "nothing of artifact"));
    ck_assert_int_eq(fetch(&b, f, 0), FETCH_HAVE); // wanted again, tried again
    fetcher_destroy(f);
    bench_close(&b);
}
END_TEST

START_TEST(what_nobody_wants_any_more_is_dropped)
{
    struct bench b = bench_open();
    struct fetcher *f = fetcher_create(b.here);
    char other[HASH_HEX_MAX];
    hash_bytes("other", 5, other);
    ck_assert_int_eq(fetch_in_vain(&b, f, 1000, NULL), FETCH_COMING);
    b.now_ms += 61000;
    ck_assert_int_eq(fetcher_want(f, b.now_ms, other, NULL), FETCH_COMING);
    ck_assert(fetcher_next(f, b.now_ms, b.m));
    ck_assert_str_eq(b.m->blob_get.hash, other);
    fetcher_sent(f, b.now_ms, b.m);
    ck_assert(!fetcher_next(f, b.now_ms, b.m));
    fetcher_destroy(f);
    bench_close(&b);
}
END_TEST

// ---- delivering

struct server {
    struct reception reception;
    struct blob_writer *writer;
    int n_forget; // announcements until it loses what it has
    enum err end; // what it says instead of storing; ERR_OK = store
    int n_busy;   // announcements that come at a bad time
    int n_puts;
};

static void answer_credit(struct bench *b, struct deliverer *d,
                          const struct transfer_credit *c)
{
    b->answer->kind = MSG_BLOB_CREDIT;
    b->answer->blob_credit =
        (struct msg_blob_credit){.offset = c->offset, .credit = c->credit};
    memcpy(b->answer->blob_credit.hash, b->hash, HASH_HEX_MAX);
    deliverer_take(d, b->now_ms, b->answer);
}

static void server_put(struct bench *b, struct deliverer *d, struct server *s)
{
    s->n_puts++;
    if (s->n_busy > 0) {
        s->n_busy--;
        answer_done(b, ERR_BUSY);
        deliverer_take(d, b->now_ms, b->answer);
        return;
    }
    if (s->end != ERR_OK) {
        answer_done(b, s->end);
        deliverer_take(d, b->now_ms, b->answer);
        return;
    }
    if (!s->writer) {
        ck_assert_int_eq(blob_writer_begin(b->there, b->hash,
                                           b->m->blob_put.total_bytes, &s->writer,
                                           NULL),
                         ERR_OK);
        reception_init(&s->reception, window, b->m->blob_put.total_bytes, b->now_ms);
    }
    const struct transfer_credit c = reception_announced(&s->reception, b->now_ms);
    answer_credit(b, d, &c);
}

static void server_chunk(struct bench *b, struct deliverer *d, struct server *s)
{
    const struct msg_blob_chunk *m = &b->m->blob_chunk;
    const struct transfer_chunk c = {m->offset, m->total_bytes, m->n_bytes};
    if (!s->writer || reception_chunk(&s->reception, b->now_ms, &c) != CHUNK_TAKE) {
        return;
    }
    ck_assert_int_eq(blob_writer_add(s->writer, m->bytes, m->n_bytes, NULL), ERR_OK);
    if (s->n_forget > 0 && --s->n_forget == 0) { // restarted
        blob_writer_abort(s->writer);
        s->writer = NULL;
        return;
    }
    struct transfer_credit credit;
    if (reception_credit_due(&s->reception, &credit)) {
        answer_credit(b, d, &credit);
    }
    if (reception_is_whole(&s->reception)) {
        answer_done(b, blob_writer_commit(s->writer, NULL));
        s->writer = NULL;
        deliverer_take(d, b->now_ms, b->answer);
    }
}

static enum deliver_state deliver(struct bench *b, struct deliverer *d,
                                  struct server *s)
{
    enum deliver_state state = DELIVER_GOING;
    for (int i = 0; i < 40 && state == DELIVER_GOING; i++) {
        state = deliverer_want(d, b->now_ms, b->hash, NULL);
        while (deliverer_next(d, b->now_ms, b->m)) {
            deliverer_sent(d, b->now_ms, b->m);
            if (b->m->kind == MSG_BLOB_PUT) {
                server_put(b, d, s);
            } else {
                server_chunk(b, d, s);
            }
        }
        state = state == DELIVER_GOING ? deliverer_want(d, b->now_ms, b->hash, NULL)
                                       : state;
        if (state == DELIVER_GOING) {
            b->now_ms = deliverer_due_ms(d);
        }
    }
    blob_writer_abort(s->writer);
    return state;
}

START_TEST(what_is_delivered_is_stored)
{
    struct bench b = bench_open();
    struct deliverer *d = deliverer_create(b.here);
    struct server s = {.n_puts = 0};
    put(b.here, &b);
    ck_assert_int_eq(deliver(&b, d, &s), DELIVER_STORED);
    ck_assert(blob_has(b.there, b.hash));
    ck_assert_int_eq(b.now_ms, 1000); // without a wait
    ck_assert_int_eq(s.n_puts, 1);
    deliverer_destroy(d);
    bench_close(&b);
}
END_TEST

START_TEST(a_server_that_forgets_gets_it_all_again)
{
    struct bench b = bench_open();
    struct deliverer *d = deliverer_create(b.here);
    struct server s = {.n_forget = 6};
    put(b.here, &b);
    ck_assert_int_eq(deliver(&b, d, &s), DELIVER_STORED);
    ck_assert_int_eq(s.n_puts, 2);
    deliverer_destroy(d);
    bench_close(&b);
}
END_TEST

START_TEST(a_full_disk_there_ends_the_delivery)
{
    struct bench b = bench_open();
    struct deliverer *d = deliverer_create(b.here);
    struct server s = {.end = ERR_IO};
    put(b.here, &b);
    ck_assert_int_eq(deliver(&b, d, &s), DELIVER_FAILED);
    ck_assert_int_eq(s.n_puts, 1);
    deliverer_destroy(d);
    bench_close(&b);
}
END_TEST

START_TEST(what_arrives_corrupt_is_tried_three_times)
{
    struct bench b = bench_open();
    struct deliverer *d = deliverer_create(b.here);
    struct server s = {.end = ERR_CORRUPT};
    put(b.here, &b);
    ck_assert_int_eq(deliver(&b, d, &s), DELIVER_FAILED);
    ck_assert_int_eq(s.n_puts, 3);
    deliverer_destroy(d);
    bench_close(&b);
}
END_TEST

START_TEST(a_busy_server_is_asked_again_later)
{
    struct bench b = bench_open();
    struct deliverer *d = deliverer_create(b.here);
    struct server s = {.n_busy = 3};
    put(b.here, &b);
    ck_assert_int_eq(deliver(&b, d, &s), DELIVER_STORED);
    ck_assert_int_eq(s.n_puts, 4);
    ck_assert_int_ge(b.now_ms, 1000 + 3 * TRANSFER_PATIENCE_MS);
    deliverer_destroy(d);
    bench_close(&b);
}
END_TEST

START_TEST(a_delivery_that_gets_nowhere_fails_in_the_end)
{
    struct bench b = bench_open();
    struct deliverer *d = deliverer_create(b.here);
    struct errinfo why = {0};
    enum deliver_state state = DELIVER_GOING;
    put(b.here, &b);
    while (state == DELIVER_GOING) {
        ck_assert_int_lt(b.now_ms, 2 * (int64_t)DELIVER_STALLED_MS);
        state = deliverer_want(d, b.now_ms, b.hash, &why);
        while (deliverer_next(d, b.now_ms, b.m)) {
            deliverer_sent(d, b.now_ms, b.m);
            if (b.m->kind == MSG_BLOB_PUT) { // and every chunk is lost
                answer_credit(&b, d, &(struct transfer_credit){0, 8});
            }
        }
        b.now_ms += 1000;
    }
    ck_assert_int_eq(state, DELIVER_FAILED);
    ck_assert_ptr_nonnull(strstr(why.text, "took nothing"));
    deliverer_destroy(d);
    bench_close(&b);
}
END_TEST

START_TEST(a_delivery_is_not_remembered_as_stored_for_long)
{
    struct bench b = bench_open();
    struct deliverer *d = deliverer_create(b.here);
    put(b.here, &b);
    ck_assert_int_eq(deliverer_want(d, b.now_ms, b.hash, NULL), DELIVER_GOING);
    answer_done(&b, ERR_OK);
    deliverer_take(d, b.now_ms, b.answer);
    b.now_ms += 61000; // its task was cancelled; another makes the same
    ck_assert_int_eq(deliverer_want(d, b.now_ms, b.hash, NULL), DELIVER_GOING);
    deliverer_destroy(d);
    bench_close(&b);
}
END_TEST

START_TEST(what_is_not_here_cannot_be_delivered)
{
    struct bench b = bench_open();
    struct deliverer *d = deliverer_create(b.here);
    struct errinfo why = {0};
    ck_assert_int_eq(deliverer_want(d, b.now_ms, b.hash, &why), DELIVER_FAILED);
    ck_assert_int_eq(why.code, ERR_NOTFOUND);
    deliverer_destroy(d);
    bench_close(&b);
}
END_TEST

// ---- the cache

static bool is_first(void *arg, const char *hash)
{
    return strcmp(arg, hash) == 0;
}

START_TEST(the_cache_keeps_what_is_in_use_and_the_last_few)
{
    struct bench b = bench_open();
    char hashes[10][HASH_HEX_MAX];
    for (int i = 0; i < 10; i++) {
        char path[FILE_PATH_MAX];
        ck_assert_int_eq(blob_put_bytes(b.here, &i, sizeof(i), hashes[i], NULL),
                         ERR_OK);
        ck_assert_int_eq(blob_path(b.here, hashes[i], path, NULL, NULL), ERR_OK);
        const struct timespec old[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        ck_assert_int_eq(utimensat(-1, path, old, 0), 0);
    }
    cache_touch(b.here, hashes[1]);
    ck_assert_uint_eq(cache_trim(b.here, is_first, hashes[0]), 9 - CACHE_KEEP);
    ck_assert(blob_has(b.here, hashes[0])); // in use
    ck_assert(blob_has(b.here, hashes[1])); // used last
    ck_assert(!blob_has(b.here, hashes[2]));
    ck_assert(!blob_has(b.here, hashes[4]));
    ck_assert(blob_has(b.here, hashes[5]));
    for (int i = 10; i < 20; i++) { // just made, by runners that have not said so yet
        ck_assert_int_eq(blob_put_bytes(b.here, &i, sizeof(i), hashes[0], NULL),
                         ERR_OK);
    }
    cache_trim(b.here, is_first, "");
    for (int i = 10; i < 20; i++) {
        hash_bytes(&i, sizeof(i), hashes[0]);
        ck_assert(blob_has(b.here, hashes[0]));
    }
    bench_close(&b);
}
END_TEST

TEST_SUITE(moving, what_is_wanted_comes, a_copy_that_is_damaged_is_fetched_again,
           a_damaged_copy_in_a_shared_folder_is_passed_over,
           lost_chunks_are_asked_for_again,
           wrong_bytes_are_tried_again_and_then_given_up,
           what_is_not_there_fails_with_the_reason,
           more_wants_than_room_are_served_in_turn, what_is_delivered_is_stored,
           a_server_that_forgets_gets_it_all_again, a_full_disk_there_ends_the_delivery,
           what_arrives_corrupt_is_tried_three_times,
           a_fetch_that_gets_nowhere_fails_in_the_end,
           what_nobody_wants_any_more_is_dropped, a_busy_server_is_asked_again_later,
           a_delivery_that_gets_nowhere_fails_in_the_end,
           a_delivery_is_not_remembered_as_stored_for_long,
           what_is_not_here_cannot_be_delivered,
           the_cache_keeps_what_is_in_use_and_the_last_few)
