// SPDX-License-Identifier: Apache-2.0
// test_transfer.c - transfers end whole over a line that loses, repeats and reorders.
#include "common/base/rng.h"
#include "common/blob/download.h"
#include "common/blob/reception.h"
#include "common/blob/upload.h"
#include "tests/lib/check_main.h"

#define CHUNK 10ul

static const struct transfer_window window = {(uint32_t)CHUNK, 8};

// ---- a line: messages with the time at which they arrive

enum { GET, PUT, CHUNK_OF, CREDIT };
struct parcel {
    int kind;
    int64_t at_ms;
    struct transfer_credit credit;
    struct transfer_chunk chunk;
};
struct line {
    struct rng rng;
    double loss, repeat;
    int64_t jitter_ms;
    int n;
    struct parcel parcels[4096];
};

static void line_send(struct line *l, int64_t now_ms, struct parcel p)
{
    int copies = rng_unit(&l->rng) < l->loss ? 0 : 1;
    copies += rng_unit(&l->rng) < l->repeat ? 1 : 0;
    for (int i = 0; i < copies; i++) {
        ck_assert_int_lt(l->n, 4096);
        p.at_ms = now_ms + 1 + (int64_t)rng_below(&l->rng, (uint64_t)l->jitter_ms + 1);
        l->parcels[l->n++] = p;
    }
}

// The earliest parcel that has arrived; false when there is none.
static bool line_take(struct line *l, int64_t now_ms, struct parcel *out)
{
    int best = -1;
    for (int i = 0; i < l->n; i++) {
        if (l->parcels[i].at_ms <= now_ms &&
            (best < 0 || l->parcels[i].at_ms < l->parcels[best].at_ms)) {
            best = i;
        }
    }
    if (best < 0) {
        return false;
    }
    *out = l->parcels[best];
    for (int i = best; i + 1 < l->n; i++) {
        l->parcels[i] = l->parcels[i + 1];
    }
    l->n--;
    return true;
}

// The next moment at which anything can happen: nobody likes to wait out a timeout.
static int64_t next_moment(const struct line *a, const struct line *b, int64_t now_ms,
                           bool was_heard, int64_t due_ms)
{
    bool is_quiet = a->n == 0 && b->n == 0 && !was_heard && due_ms > now_ms;
    return is_quiet ? due_ms : now_ms + 1;
}

static void answer_get(struct line *to_client, int64_t now_ms, uint64_t total,
                       const struct transfer_credit *get)
{
    struct transfer_chunk c;
    for (uint32_t i = 0; transfer_chunk_at(window, total, get, i, &c); i++) {
        line_send(to_client, now_ms, (struct parcel){.kind = CHUNK_OF, .chunk = c});
    }
}

static void ask(struct line *up, struct download *d, int64_t now_ms)
{
    struct transfer_credit get;
    if (download_next(d, now_ms, &get)) {
        ck_assert(get.credit >= 1 && get.credit <= window.n_chunks);
        ck_assert_uint_eq(get.offset % CHUNK, 0);
        download_asked(d, now_ms, &get);
        line_send(up, now_ms, (struct parcel){.kind = GET, .credit = get});
    }
}

static bool take_chunks(struct line *down, struct download *d, int64_t now_ms)
{
    bool was_heard = false;
    struct parcel p;
    while (line_take(down, now_ms, &p)) {
        uint64_t have = d->have;
        was_heard = true;
        if (download_chunk(d, now_ms, &p.chunk) == CHUNK_TAKE) {
            ck_assert_uint_eq(p.chunk.offset, have);
        }
    }
    return was_heard;
}

// Milliseconds it took; the bytes arrive once each and in order, or the test fails.
static int64_t run_download(struct line *up, struct line *down, uint64_t total)
{
    struct download d;
    int64_t now_ms = 0;
    download_init(&d, window, now_ms);
    while (!download_is_whole(&d)) {
        ask(up, &d, now_ms);
        struct parcel p;
        while (line_take(up, now_ms, &p)) {
            answer_get(down, now_ms, total, &p.credit);
        }
        bool was_heard = take_chunks(down, &d, now_ms);
        now_ms = next_moment(up, down, now_ms, was_heard, download_due_ms(&d));
    }
    ck_assert_uint_eq(d.have, total);
    return now_ms;
}

static struct line make_line(uint64_t seed, double loss, double repeat, int64_t jitter)
{
    return (struct line){.rng = rng_stream(seed, RNG_TEST, 0, 0),
                         .loss = loss,
                         .repeat = repeat,
                         .jitter_ms = jitter};
}

static const uint64_t totals[] = {0, 1, CHUNK, CHUNK + 1, 8 * CHUNK, 500 * CHUNK + 3};
#define N_TOTALS ((int)(sizeof(totals) / sizeof(totals[0])))

START_TEST(a_download_over_a_good_line_never_waits)
{
    struct line up = make_line(1, 0, 0, 0);
    struct line down = make_line(2, 0, 0, 0);
    int64_t took_ms = run_download(&up, &down, totals[_i]);
    ck_assert_int_le(took_ms, 4 + (int64_t)(totals[_i] / CHUNK));
}
END_TEST

START_TEST(a_download_over_a_bad_line_ends_whole)
{
    struct line up = make_line(3, .05, .05, 3);
    struct line down = make_line(4, .05, .05, 3);
    run_download(&up, &down, totals[_i]);
}
END_TEST

START_TEST(a_chunk_that_contradicts_is_invalid)
{
    struct download d;
    download_init(&d, window, 0);
    ck_assert_int_eq(download_chunk(&d, 0, &(struct transfer_chunk){0, 25, 10}),
                     CHUNK_TAKE);
    ck_assert_int_eq(download_chunk(&d, 0, &(struct transfer_chunk){10, 26, 10}),
                     CHUNK_INVALID);
    ck_assert_int_eq(download_chunk(&d, 0, &(struct transfer_chunk){10, 25, 9}),
                     CHUNK_INVALID);
    ck_assert_int_eq(download_chunk(&d, 0, &(struct transfer_chunk){30, 25, 0}),
                     CHUNK_INVALID);
    ck_assert_int_eq(download_chunk(&d, 0, &(struct transfer_chunk){20, 25, 5}),
                     CHUNK_DROP);
}
END_TEST

// ---- uploads

struct server {
    struct reception reception;
    bool is_open;
    int64_t restart_ms; // forgets everything once, then
    uint64_t written;
};

static void server_take(struct server *s, struct line *down, int64_t now_ms,
                        uint64_t total, const struct parcel *p)
{
    if (p->kind == PUT) {
        if (!s->is_open) {
            reception_init(&s->reception, window, total, now_ms);
            s->is_open = true;
            s->written = 0;
        }
        struct transfer_credit c = reception_announced(&s->reception, now_ms);
        line_send(down, now_ms, (struct parcel){.kind = CREDIT, .credit = c});
        return;
    }
    if (!s->is_open ||
        reception_chunk(&s->reception, now_ms, &p->chunk) != CHUNK_TAKE) {
        return;
    }
    ck_assert_uint_eq(p->chunk.offset, s->written);
    s->written += p->chunk.n;
    struct transfer_credit c;
    if (reception_credit_due(&s->reception, &c)) {
        line_send(down, now_ms, (struct parcel){.kind = CREDIT, .credit = c});
    }
}

static void client_step(struct upload *u, struct line *up, int64_t now_ms)
{
    struct transfer_chunk c;
    for (;;) {
        switch (upload_next(u, now_ms, &c)) {
        case UPLOAD_WAIT: return;
        case UPLOAD_ANNOUNCE:
            upload_announced(u, now_ms);
            line_send(up, now_ms, (struct parcel){.kind = PUT});
            break;
        case UPLOAD_CHUNK:
            upload_sent(u, &c);
            line_send(up, now_ms, (struct parcel){.kind = CHUNK_OF, .chunk = c});
            break;
        }
    }
}

static int64_t run_upload(struct line *up, struct line *down, uint64_t total,
                          int64_t restart_ms)
{
    struct upload u;
    struct server s = {.restart_ms = restart_ms};
    int64_t now_ms = 0;
    int64_t took_ms = 0;
    upload_init(&u, window, total);
    while (!s.is_open || !reception_is_whole(&s.reception)) {
        if (now_ms == s.restart_ms) {
            s.is_open = false;
        }
        client_step(&u, up, now_ms);
        struct parcel p;
        while (line_take(up, now_ms, &p)) {
            server_take(&s, down, now_ms, total, &p);
        }
        took_ms = now_ms + 1;
        bool was_heard = false;
        while (line_take(down, now_ms, &p)) {
            was_heard = true;
            upload_credit(&u, now_ms, &p.credit);
        }
        now_ms = next_moment(up, down, now_ms, was_heard, upload_due_ms(&u));
    }
    ck_assert_uint_eq(s.written, total);
    return took_ms;
}

START_TEST(an_upload_over_a_good_line_never_waits)
{
    struct line up = make_line(5, 0, 0, 0);
    struct line down = make_line(6, 0, 0, 0);
    int64_t took_ms = run_upload(&up, &down, totals[_i], -1);
    ck_assert_int_le(took_ms, 6 + (int64_t)(totals[_i] / CHUNK));
}
END_TEST

START_TEST(an_upload_over_a_bad_line_ends_whole)
{
    struct line up = make_line(7, .05, .05, 3);
    struct line down = make_line(8, .05, .05, 3);
    run_upload(&up, &down, totals[_i], -1);
}
END_TEST

START_TEST(an_upload_survives_a_server_that_forgets)
{
    struct line up = make_line(9, .02, .02, 2);
    struct line down = make_line(10, .02, .02, 2);
    run_upload(&up, &down, 500 * CHUNK + 3, 20);
}
END_TEST

START_TEST(a_silent_upload_is_forgotten)
{
    struct reception r;
    reception_init(&r, window, 100, 1000);
    ck_assert(!reception_is_idle(&r, 1000 + TRANSFER_IDLE_MS - 1));
    ck_assert(reception_is_idle(&r, 1000 + TRANSFER_IDLE_MS));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transfer");
    TCase *tc = tcase_create("all");
    tcase_add_loop_test(tc, a_download_over_a_good_line_never_waits, 0, N_TOTALS);
    tcase_add_loop_test(tc, a_download_over_a_bad_line_ends_whole, 0, N_TOTALS);
    tcase_add_test(tc, a_chunk_that_contradicts_is_invalid);
    tcase_add_loop_test(tc, an_upload_over_a_good_line_never_waits, 0, N_TOTALS);
    tcase_add_loop_test(tc, an_upload_over_a_bad_line_ends_whole, 0, N_TOTALS);
    tcase_add_test(tc, an_upload_survives_a_server_that_forgets);
    tcase_add_test(tc, a_silent_upload_is_forgotten);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
