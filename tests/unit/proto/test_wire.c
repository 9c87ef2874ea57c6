// SPDX-License-Identifier: Apache-2.0
// test_wire.c - messages survive the wire; what is hostile does not get through.
#include "common/base/rng.h"
#include "proto/maps.h"
#include "proto/wire.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- random messages, made by the same tables that check them

typedef void fill_fn(struct rng *r, const struct codec_field *f, void *plain);

static void *at(void *plain, size_t offset)
{
    return (char *)plain + offset;
}

static uint64_t between(struct rng *r, uint64_t low, uint64_t high)
{
    uint64_t span = high - low;
    if (rng_below(r, 4) == 0) { // the ends, often
        return rng_below(r, 2) ? low : high;
    }
    return span == UINT64_MAX ? rng_u64(r) : low + rng_below(r, span + 1);
}

static void fill_map(struct rng *r, const struct codec_map *map, void *plain);

static void fill_u32(struct rng *r, const struct codec_field *f, void *plain)
{
    *(uint32_t *)at(plain, f->at) = (uint32_t)between(r, f->min, f->max);
}

static void fill_u64(struct rng *r, const struct codec_field *f, void *plain)
{
    *(uint64_t *)at(plain, f->at) = between(r, f->min, f->max);
}

static void fill_bool(struct rng *r, const struct codec_field *f, void *plain)
{
    *(bool *)at(plain, f->at) = rng_below(r, 2) == 1;
}

static void fill_f64(struct rng *r, const struct codec_field *f, void *plain)
{
    *(double *)at(plain, f->at) = rng_uniform(r, f->low, f->high);
}

static void fill_text(struct rng *r, const struct codec_field *f, void *plain)
{
    static const char *const pieces[] = {"a", "-", "\xc3\xa9", "\xf0\x9f\x8e\xa4",
                                         "\n"};
    char *out = at(plain, f->at);
    size_t n = between(r, f->min, f->cap - 5);
    for (size_t len = 0; len < n; len = strlen(out)) {
        const char *piece = pieces[rng_below(r, 5)];
        memcpy(out + len, piece, strlen(piece) + 1);
    }
}

static void fill_hash(struct rng *r, const struct codec_field *f, void *plain)
{
    if (f->min == 1 || rng_below(r, 2)) {
        uint64_t word = rng_u64(r);
        hash_bytes(&word, sizeof(word), at(plain, f->at));
    }
}

static void fill_inner(struct rng *r, const struct codec_field *f, void *plain)
{
    if (f->min == 1 || rng_below(r, 2)) {
        fill_map(r, f->inner, at(plain, f->at));
    }
}

static void fill_choice(struct rng *r, const struct codec_field *f, void *plain)
{
    int kind = 0;
    memcpy(&kind, at(plain, f->count_at), sizeof(kind));
    if (kind == 0 && (f->min == TASK_KINDS - 1 || rng_below(r, 2))) {
        kind = (int)f->min;
        memcpy(at(plain, f->count_at), &kind, sizeof(kind));
        fill_map(r, f->inner, at(plain, f->at));
    }
}

static void fill_list(struct rng *r, const struct codec_field *f, void *plain)
{
    uint32_t n = (uint32_t)between(r, 0, f->cap);
    *(uint32_t *)at(plain, f->count_at) = n;
    for (uint32_t i = 0; i < n; i++) {
        fill_map(r, f->inner, at(plain, f->at + i * f->inner->size));
    }
}

static void fill_u64s(struct rng *r, const struct codec_field *f, void *plain)
{
    uint32_t n = (uint32_t)between(r, 0, f->cap);
    *(uint32_t *)at(plain, f->count_at) = n;
    for (uint32_t i = 0; i < n; i++) {
        ((uint64_t *)at(plain, f->at))[i] = between(r, f->min, f->max);
    }
}

static fill_fn *const fillers[CODEC_TYPES] = {
    [CODEC_U32] = fill_u32,       [CODEC_U64] = fill_u64,
    [CODEC_BOOL] = fill_bool,     [CODEC_ENUM] = fill_u32,
    [CODEC_F64] = fill_f64,       [CODEC_TEXT] = fill_text,
    [CODEC_HASH] = fill_hash,     [CODEC_MESSAGE] = fill_inner,
    [CODEC_CHOICE] = fill_choice, [CODEC_LIST] = fill_list,
    [CODEC_U64S] = fill_u64s,
};

static void fill_map(struct rng *r, const struct codec_map *map, void *plain)
{
    do {
        memset(plain, 0, map->size);
        for (size_t i = 0; i < map->n_fields; i++) {
            fillers[map->fields[i].type](r, &map->fields[i], plain);
        }
    } while (map->rule && map->rule(plain)); // until it is a message of ours
}

static void fill_msg(struct rng *r, enum msg_kind kind, struct msg *m)
{
    memset(m, 0, sizeof(*m));
    m->kind = kind;
    if (kind == MSG_BLOB_GET) { // a random offset is hardly ever the start of a chunk
        m->blob_get.offset = rng_below(r, 1000) * LIMIT_CHUNK_BYTES;
        m->blob_get.credit = 1 + (uint32_t)rng_below(r, LIMIT_CREDIT_CHUNKS);
        hash_bytes(&m->blob_get.offset, 8, m->blob_get.hash);
        return;
    }
    fill_map(r, maps_kind(kind)->map, &m->hello);
}

// ---- tests

START_TEST(every_message_survives_the_wire)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    struct msg *sent = calloc(1, sizeof(*sent));
    struct msg *got = calloc(1, sizeof(*got));
    for (int i = 0; i < 2000; i++) {
        enum msg_kind kind = (enum msg_kind)(1 + i % (MSG_KINDS - 1));
        fill_msg(&r, kind, sent);
        struct buf bytes = BUF_INIT;
        wire_encode(sent, &bytes);
        struct errinfo why = {0};
        memset(got, 0, sizeof(*got));
        enum err e = wire_decode(bytes.data, bytes.len, got, &why);
        ck_assert_msg(e == ERR_OK, "%s: %s", msg_kind_name(kind), why.text);
        // Both were zeroed first, padding too. NOLINTNEXTLINE
        ck_assert_msg(memcmp(sent, got, sizeof(*got)) == 0, "%s", msg_kind_name(kind));
        buf_fini(&bytes);
    }
    free(sent);
    free(got);
}
END_TEST

START_TEST(the_largest_messages_fit_their_limits)
{
    struct msg *m = calloc(1, sizeof(*m));
    m->kind = MSG_HELLO;
    m->hello = (struct msg_hello){.version_min = 1,
                                  .version_max = 1,
                                  .name = "x",
                                  .session = UINT64_MAX,
                                  .slots = 1,
                                  .threads = 1,
                                  .capabilities = 15,
                                  .memory_bytes = UINT64_MAX,
                                  .n_held = LIMIT_HELD_TASKS};
    memset(m->hello.device, 'd', sizeof(m->hello.device) - 1);
    for (int i = 0; i < LIMIT_HELD_TASKS; i++) {
        struct task_progress p = {1, 1e30, 1e15};
        m->hello.held[i] = (struct held_task){UINT64_MAX, UINT64_MAX, true, p};
    }
    struct buf bytes = BUF_INIT;
    wire_encode(m, &bytes);
    ck_assert_uint_le(bytes.len, LIMIT_MESSAGE_BYTES);
    ck_assert_int_eq(wire_decode(bytes.data, bytes.len, m, NULL), ERR_OK);
    buf_fini(&bytes);
    free(m);
}
END_TEST

static void mutate(struct rng *r, char *bytes, size_t *n, size_t cap)
{
    uint64_t changes = 1 + rng_below(r, 4);
    for (uint64_t i = 0; i<changes && * n> 0; i++) {
        size_t where = rng_below(r, *n);
        switch (rng_below(r, 4)) {
        case 0: bytes[where] ^= (char)(1 << rng_below(r, 8)); break;
        case 1: bytes[where] = (char)rng_u32(r); break;
        case 2: *n = where; break;
        default:
            if (*n < cap) {
                memmove(bytes + where + 1, bytes + where, *n - where);
                bytes[where] = (char)rng_u32(r);
                (*n)++;
            }
        }
    }
}

// A message that was believed can be said again, and means the same.
static void check_believed(const struct msg *m)
{
    struct buf again = BUF_INIT;
    wire_encode(m, &again);
    buf_fini(&again);
}

START_TEST(mutated_messages_are_refused_or_valid)
{
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    struct msg *m = calloc(1, sizeof(*m));
    int n_refused = 0;
    for (int i = 0; i < 40000; i++) {
        static char bytes[LIMIT_MESSAGE_BYTES];
        static struct buf seed = BUF_INIT;
        size_t n = 0;
        if (i % 50 == 0) { // a fresh message now and then: making one is the slow part
            fill_msg(&r, (enum msg_kind)(1 + i / 50 % (MSG_KINDS - 1)), m);
            buf_clear(&seed);
            wire_encode(m, &seed);
        }
        n = seed.len;
        memcpy(bytes, seed.data, n);
        mutate(&r, bytes, &n, sizeof(bytes));
        char *exact = malloc(n > 0 ? n : 1); // so that a read past the end is seen
        memcpy(exact, bytes, n);
        if (wire_decode(exact, n, m, NULL) == ERR_OK) {
            check_believed(m);
        } else {
            n_refused++;
        }
        free(exact);
    }
    ck_assert_int_gt(n_refused, 10000);
    free(m);
}
END_TEST

START_TEST(random_bytes_are_refused_or_valid)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    struct msg *m = calloc(1, sizeof(*m));
    for (int i = 0; i < 100000; i++) {
        unsigned char bytes[64];
        size_t n = rng_below(&r, sizeof(bytes));
        for (size_t k = 0; k < n; k++) {
            bytes[k] = (unsigned char)rng_u32(&r);
        }
        if (n > 2 && i % 2 == 0) { // get past the envelope
            bytes[0] = (unsigned char)((1 + rng_below(&r, 6)) << 3 | 2);
            bytes[1] = (unsigned char)(n - 2);
        }
        if (wire_decode(bytes, n, m, NULL) == ERR_OK) {
            check_believed(m);
        }
    }
    free(m);
}
END_TEST

// Bytes of one message with the given body.
static enum err decode_body(enum msg_kind kind, const void *body, size_t n,
                            struct errinfo *why)
{
    struct buf b = BUF_INIT;
    unsigned char head[8];
    size_t len = 0;
    uint64_t tag = (uint64_t)maps_kind(kind)->number << 3 | 2;
    for (uint64_t v = tag; v > 0 || len == 0; v >>= 7) {
        head[len++] = (unsigned char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
    }
    buf_add(&b, head, len);
    len = 0;
    uint64_t size = n;
    do {
        head[len++] = (unsigned char)((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
        size >>= 7;
    } while (size > 0);
    buf_add(&b, head, len);
    buf_add(&b, body, n);
    struct msg *m = calloc(1, sizeof(*m));
    enum err e = wire_decode(b.data, b.len, m, why);
    if (e != ERR_OK) {
        ck_assert_int_eq(m->kind, MSG_NONE); // untouched
    }
    free(m);
    buf_fini(&b);
    return e;
}

START_TEST(unknown_fields_are_refused_at_every_level)
{
    struct errinfo why = {0};
    ck_assert_int_eq(decode_body(MSG_BYE, "", 0, NULL), ERR_OK);
    // FETCH{session=1} and field 15
    const char fetch[] = "\x09\x01\0\0\0\0\0\0\0\x78\x01";
    ck_assert_int_eq(decode_body(MSG_FETCH, fetch, 9, NULL), ERR_OK);
    ck_assert_int_eq(decode_body(MSG_FETCH, fetch, 11, &why), ERR_PROTO);
    ck_assert_ptr_nonnull(strstr(why.text, "unknown field"));
    // BEAT{session=1, held={task 1, token 1, field 15}}
    const char beat[] = "\x09\x01\0\0\0\0\0\0\0\x12\x06\x08\x01\x10\x01\x78\x01";
    ck_assert_int_eq(decode_body(MSG_BEAT, beat, 17, &why), ERR_PROTO);
    ck_assert_ptr_nonnull(strstr(why.text, "held"));
}
END_TEST

START_TEST(a_hello_of_a_later_version_may_say_more_than_we_know)
{
    // HELLO{version_min=1, version_max=V, name=w, session=1, slots=1, threads=1} and
    // field 15
    char hello[] = "\x08\x01\x10\x02\x1a\x01w\x21\x01\0\0\0\0\0\0\0\x28\x01\x30\x01"
                   "\x78\x01";
    struct errinfo why = {0};
    ck_assert_int_eq(decode_body(MSG_HELLO, hello, sizeof(hello) - 1, &why), ERR_OK);
    hello[3] = 1; // of our own version: it is no message of ours
    ck_assert_int_eq(decode_body(MSG_HELLO, hello, sizeof(hello) - 1, &why), ERR_PROTO);
    ck_assert_ptr_nonnull(strstr(why.text, "unknown field"));
    ck_assert_int_eq(decode_body(MSG_HELLO, hello, sizeof(hello) - 3, &why), ERR_OK);
}
END_TEST

START_TEST(a_flood_of_empty_parts_is_refused_before_it_costs_memory)
{
    size_t n = 4096;
    char *body = malloc(n);
    for (size_t i = 0; i < n; i += 2) { // BEAT.held = {}
        body[i] = 0x12;
        body[i + 1] = 0;
    }
    struct errinfo why = {0};
    enum err e = decode_body(MSG_BEAT, body, n, &why);
    ck_assert_msg(e == ERR_LIMIT || e == ERR_PROTO, "%s", why.text);
    char *large = calloc(1, LIMIT_MESSAGE_BYTES + 1);
    struct msg *m = calloc(1, sizeof(*m));
    ck_assert_int_eq(wire_decode(large, LIMIT_MESSAGE_BYTES + 1, m, NULL), ERR_LIMIT);
    free(m);
    free(large);
    free(body);
}
END_TEST

START_TEST(text_with_nul_is_refused)
{
    // REFUSED{code=1, text="a\0b"}
    ck_assert_int_eq(decode_body(MSG_REFUSED,
                                 "\x08\x01\x12\x03"
                                 "a\0b",
                                 7, NULL),
                     ERR_PROTO);
    ck_assert_int_eq(decode_body(MSG_REFUSED,
                                 "\x08\x01\x12\x03"
                                 "acb",
                                 7, NULL),
                     ERR_OK);
    ck_assert_int_eq(decode_body(MSG_REFUSED,
                                 "\x08\x7f\x12\x01"
                                 "a",
                                 5, NULL),
                     ERR_PROTO); // no such code
}
END_TEST

START_TEST(nan_is_refused)
{
    struct task_result r = {.kind = TASK_TRAIN};
    hash_bytes("x", 1, r.train.checkpoint);
    r.train.loss = 2.5;
    struct buf b = BUF_INIT;
    wire_encode_result(&r, &b);
    ck_assert_int_eq(wire_decode_result(b.data, b.len, &r, NULL), ERR_OK);
    const double good = 2.5;
    const double bad[] = {NAN, INFINITY, -INFINITY, 1e300};
    size_t where = 0;
    for (double at = 0; at != good; where++) {
        memcpy(&at, b.data + where, sizeof(at));
    }
    where--;
    for (int i = 0; i < 4; i++) {
        struct errinfo why = {0};
        memcpy(b.data + where, &bad[i], sizeof(bad[i]));
        ck_assert_int_eq(wire_decode_result(b.data, b.len, &r, &why), ERR_PROTO);
        ck_assert_ptr_nonnull(strstr(why.text, "TrainResult.loss"));
    }
    buf_fini(&b);
}
END_TEST

static struct task_result measured(void)
{
    struct task_result r = {.kind = TASK_MEASURE};
    const struct timing t = {.median_ms = 2.5, .p90_ms = 3, .spread_ms = 0.25, .n = 9};
    r.measure.whole = t;
    r.measure.n_units = LIMIT_MEASURE_UNITS;
    for (uint32_t i = 0; i < r.measure.n_units; i++) {
        r.measure.units[i] = t;
    }
    memset(r.measure.provenance, 'p', sizeof(r.measure.provenance) - 1);
    return r;
}

START_TEST(the_largest_measurement_fits_a_result)
{
    struct task_result r = measured();
    struct buf b = BUF_INIT;
    wire_encode_result(&r, &b);
    struct task_result got = {0};
    ck_assert_int_eq(wire_decode_result(b.data, b.len, &got, NULL), ERR_OK);
    ck_assert_double_eq(got.measure.units[LIMIT_MEASURE_UNITS - 1].p90_ms, 3);
    buf_fini(&b);
    struct msg *m = calloc(1, sizeof(*m));
    m->kind = MSG_RESULT;
    m->result = (struct msg_result){
        .session = 1, .task_id = 1, .token = 1, .outcome = OUTCOME_OK, .result = r};
    wire_encode(m, &b);
    ck_assert_int_eq(wire_decode(b.data, b.len, m, NULL), ERR_OK);
    buf_fini(&b);
    free(m);
}
END_TEST

START_TEST(a_measurement_with_an_impossible_time_is_refused)
{
    struct task_result r = measured();
    struct buf b = BUF_INIT;
    wire_encode_result(&r, &b);
    const double good = 2.5;
    const double bad[] = {NAN, INFINITY, -2.5, 1e300, 0, 3.5}; // 0: of the whole
    size_t where = 0;
    for (double at = 0; at != good; where++) {
        memcpy(&at, b.data + where, sizeof(at));
    }
    where--;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct errinfo why = {0};
        memcpy(b.data + where, &bad[i], sizeof(bad[i]));
        ck_assert_int_eq(wire_decode_result(b.data, b.len, &r, &why), ERR_PROTO);
        ck_assert_ptr_nonnull(strstr(why.text, "MeasureResult"));
    }
    buf_fini(&b);
}
END_TEST

START_TEST(a_measurement_with_too_many_or_no_units_is_refused)
{
    const unsigned char timing[] = "\x09\0\0\0\0\0\0\x04\x40" // median_ms = 2.5
                                   "\x11\0\0\0\0\0\0\x08\x40" // p90_ms = 3
                                   "\x20\x09";                // n = 9
    const size_t n = sizeof(timing) - 1;
    for (unsigned n_units = 0; n_units <= LIMIT_MEASURE_UNITS + 1; n_units++) {
        struct buf inner = BUF_INIT;
        struct buf b = BUF_INIT;
        for (unsigned i = 0; i <= n_units; i++) { // the whole, then the units
            buf_add(&inner, i == 0 ? "\x0a" : "\x12", 1);
            buf_add(&inner, &(unsigned char){(unsigned char)n}, 1);
            buf_add(&inner, timing, n);
        }
        buf_add(&b, "\x92\x01", 2); // TaskResult.measure
        const unsigned char length[2] = {(unsigned char)(0x80 | (inner.len & 0x7f)),
                                         (unsigned char)(inner.len >> 7)};
        buf_add(&b, length, 2);
        buf_add(&b, inner.data, inner.len);
        struct task_result r;
        struct errinfo why = {0};
        bool is_right = n_units > 0 && n_units <= LIMIT_MEASURE_UNITS;
        ck_assert_msg((wire_decode_result(b.data, b.len, &r, &why) == ERR_OK) ==
                          is_right,
                      "%u units: %s", n_units, why.text);
        buf_fini(&inner);
        buf_fini(&b);
    }
}
END_TEST

START_TEST(a_fine_tuning_names_the_network_it_made)
{
    struct task_result r = {.kind = TASK_FINETUNE};
    struct task_result got;
    struct errinfo why = {0};
    memset(r.finetune.evaluation.network, 'a', HASH_HEX_LEN);
    r.finetune.loss_last = 1.5;
    struct buf b = BUF_INIT;
    wire_encode_result(&r, &b);
    ck_assert_int_eq(wire_decode_result(b.data, b.len, &got, &why), ERR_OK);
    ck_assert_str_eq(got.finetune.evaluation.network, r.finetune.evaluation.network);
    ck_assert_double_eq(got.finetune.loss_last, 1.5);
    // FINETUNE{evaluation{n_trials 1}}
    static const char without[] = "\x9a\x01\x04\x0a\x02\x20\x01";
    ck_assert_int_eq(wire_decode_result(without, sizeof(without) - 1, &got, &why),
                     ERR_PROTO);
    ck_assert_ptr_nonnull(strstr(why.text, "names no network"));
    buf_fini(&b);
}
END_TEST

START_TEST(one_who_measures_says_for_which_device)
{
    // HELLO{version 1..1, name a, session 1, slots 1, threads 1, capabilities MEASURE}
    const char hello[] = "\x08\x01\x10\x01\x1a\x01"
                         "a"
                         "\x21\x01\0\0\0\0\0\0\0\x28\x01\x30\x01\x38\x08"
                         "\x52\x01"
                         "d";
    struct errinfo why = {0};
    size_t n = sizeof(hello) - 1;
    ck_assert_msg(decode_body(MSG_HELLO, hello, n, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(decode_body(MSG_HELLO, hello, n - 3, &why), ERR_PROTO);
    ck_assert_ptr_nonnull(strstr(why.text, "device"));
}
END_TEST

START_TEST(only_a_measurement_needs_no_data)
{
    struct task_spec s = {.kind = TASK_MEASURE};
    hash_bytes("x", 1, s.study);
    snprintf(s.measure.architecture, sizeof(s.measure.architecture), "1-8-8-1-1-8");
    snprintf(s.measure.device, sizeof(s.measure.device), "board");
    s.measure.batch = s.measure.frames = s.measure.threads = s.measure.budget_ms = 1;
    struct buf b = BUF_INIT;
    wire_encode_spec(&s, &b);
    struct task_spec got = {0};
    ck_assert_int_eq(wire_decode_spec(b.data, b.len, &got, NULL), ERR_OK);
    ck_assert_str_eq(got.measure.device, "board");
    buf_clear(&b);
    s = (struct task_spec){.kind = TASK_EVALUATE};
    hash_bytes("x", 1, s.study);
    hash_bytes("y", 1, s.pack);
    snprintf(s.evaluate.architecture, sizeof(s.evaluate.architecture), "1-8-8-1-1-8");
    wire_encode_spec(&s, &b);
    ck_assert_int_eq(wire_decode_spec(b.data, b.len, &got, NULL), ERR_OK);
    const size_t hash = 2 + HASH_HEX_LEN; // the study's field, then that of the data
    struct errinfo why = {0};
    memmove(b.data + hash, b.data + 2 * hash, b.len - 2 * hash);
    ck_assert_int_eq(wire_decode_spec(b.data, b.len - hash, &got, &why), ERR_PROTO);
    ck_assert_ptr_nonnull(strstr(why.text, "data"));
    buf_fini(&b);
}
END_TEST

START_TEST(a_payload_must_be_as_long_as_said)
{
    struct msg *m = calloc(1, sizeof(*m));
    m->kind = MSG_BLOB_CHUNK;
    m->blob_chunk.n_bytes = 3;
    ck_assert_int_eq(wire_attach_payload(m, "abcd", 4, NULL), ERR_PROTO);
    ck_assert_int_eq(wire_attach_payload(m, "abc", 3, NULL), ERR_OK);
    free(m);
}
END_TEST

START_TEST(every_kind_has_a_name)
{
    for (int k = 0; k < MSG_KINDS; k++) {
        ck_assert_str_ne(msg_kind_name((enum msg_kind)k), "unknown");
    }
    for (int o = OUTCOME_OK; o < OUTCOMES; o++) {
        ck_assert_str_ne(outcome_name((enum outcome)o), "unknown");
    }
    ck_assert_str_eq(outcome_name((enum outcome)99), "unknown");
    ck_assert_str_eq(task_kind_name(TASK_TRAIN), "train");
    ck_assert_str_eq(task_kind_name(TASK_MEASURE), "measure");
    ck_assert_str_eq(task_kind_name(TASK_FINETUNE), "finetune");
}
END_TEST

TEST_SUITE(wire, every_message_survives_the_wire, the_largest_messages_fit_their_limits,
           mutated_messages_are_refused_or_valid, random_bytes_are_refused_or_valid,
           unknown_fields_are_refused_at_every_level,
           a_hello_of_a_later_version_may_say_more_than_we_know,
           a_flood_of_empty_parts_is_refused_before_it_costs_memory,
           text_with_nul_is_refused, nan_is_refused,
           the_largest_measurement_fits_a_result,
           a_measurement_with_an_impossible_time_is_refused,
           a_measurement_with_too_many_or_no_units_is_refused,
           a_fine_tuning_names_the_network_it_made,
           one_who_measures_says_for_which_device, only_a_measurement_needs_no_data,
           a_payload_must_be_as_long_as_said, every_kind_has_a_name)
