// SPDX-License-Identifier: Apache-2.0
// test_pack.c - packs: what is written is read back; what is damaged is noticed.
#include "common/base/rng.h"
#include "tests/unit/worker/data/scratch.h"
#include "worker/data/pack.h"
#include "worker/data/pack_writer.h"

#include <unistd.h>

#define N_SAMPLES 1600

static void fill(int16_t *samples, int value)
{
    for (int i = 0; i < N_SAMPLES; i++) {
        samples[i] = (int16_t)(value * 100 + i % 7);
    }
}

static void add(struct pack_writer *w, enum pack_part part, const char *id,
                const char *speaker, int value)
{
    int16_t samples[N_SAMPLES];
    struct errinfo why = {0};
    fill(samples, value);
    ck_assert_int_eq(pack_writer_add(w, part, id, speaker, samples, N_SAMPLES, &why),
                     ERR_OK);
}

static void write_small(const char *path, char hash[static HASH_HEX_MAX])
{
    struct pack_writer *w = NULL;
    struct errinfo why = {0};
    ck_assert_msg(pack_writer_open(path, &w, &why) == ERR_OK, "%s", why.text);
    add(w, PACK_TRAIN, "t0", "zoe", 0);
    add(w, PACK_TRAIN, "t1", "ann", 1);
    add(w, PACK_TRAIN, "t2", "zoe", 2);
    add(w, PACK_EVAL, "e0", NULL, 3);
    add(w, PACK_EVAL, "e1", NULL, 4);
    add(w, PACK_NOISE, "n0", NULL, 5);
    pack_writer_add_trial(w, 0, 1, true);
    pack_writer_add_trial(w, 1, 0, false);
    uint64_t size = 0;
    ck_assert_int_eq(pack_writer_commit(w, hash, &size, &why), ERR_OK);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(size, (uint64_t)st.st_size);
}

static void check_utt(const struct pack *p, enum pack_part part, size_t i,
                      const char *id, int value)
{
    int16_t samples[N_SAMPLES];
    fill(samples, value);
    struct pack_utt u = pack_utt_at(p, part, i);
    ck_assert_str_eq(u.id, id);
    ck_assert_int_eq(u.part, part);
    ck_assert_uint_eq(u.n_samples, N_SAMPLES);
    ck_assert_mem_eq(u.samples, samples, sizeof(samples));
}

START_TEST(what_was_written_is_read_back)
{
    struct scratch s = scratch_make();
    const char *path = scratch_path(&s, "p");
    char hash[HASH_HEX_MAX];
    write_small(path, hash);
    struct pack *p = NULL;
    struct errinfo why = {0};
    ck_assert_msg(pack_open(path, &p, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(pack_count(p, PACK_TRAIN), 3);
    ck_assert_uint_eq(pack_count(p, PACK_EVAL), 2);
    ck_assert_uint_eq(pack_count(p, PACK_NOISE), 1);
    check_utt(p, PACK_TRAIN, 0, "t0", 0);
    check_utt(p, PACK_TRAIN, 2, "t2", 2);
    check_utt(p, PACK_EVAL, 1, "e1", 4);
    check_utt(p, PACK_NOISE, 0, "n0", 5);
    ck_assert_uint_eq(pack_n_trials(p), 2);
    ck_assert(pack_trials(p)[0].is_target);
    ck_assert_uint_eq(pack_trials(p)[1].enroll, 1);
    ck_assert_uint_eq(pack_trials(p)[1].test, 0);
    pack_close(p);
    scratch_remove(&s);
}
END_TEST

START_TEST(speakers_are_numbered_by_name)
{
    struct scratch s = scratch_make();
    char hash[HASH_HEX_MAX];
    const char *path = scratch_path(&s, "p");
    write_small(path, hash);
    struct pack *p = NULL;
    ck_assert_int_eq(pack_open(path, &p, NULL), ERR_OK);
    ck_assert_int_eq(pack_n_speakers(p), 2);
    ck_assert_str_eq(pack_speaker_name(p, 0), "ann");
    ck_assert_str_eq(pack_speaker_name(p, 1), "zoe");
    ck_assert_int_eq(pack_utt_at(p, PACK_TRAIN, 0).speaker, 1);
    ck_assert_int_eq(pack_utt_at(p, PACK_TRAIN, 1).speaker, 0);
    ck_assert_int_eq(pack_utt_at(p, PACK_EVAL, 0).speaker, -1);
    pack_close(p);
    scratch_remove(&s);
}
END_TEST

START_TEST(the_hash_is_that_of_the_file_and_the_same_every_time)
{
    struct scratch s = scratch_make();
    char first[HASH_HEX_MAX];
    char second[HASH_HEX_MAX];
    char third[HASH_HEX_MAX];
    const char *path = scratch_path(&s, "p");
    write_small(path, first);
    ck_assert_int_eq(hash_file(path, second, NULL), ERR_OK);
    ck_assert_str_eq(first, second);
    struct pack *p = NULL;
    ck_assert_int_eq(pack_open(path, &p, NULL), ERR_OK);
    ck_assert_int_eq(pack_verify(p, third, NULL), ERR_OK);
    ck_assert_str_eq(first, third);
    pack_close(p);
    write_small(scratch_path(&s, "q"), second);
    ck_assert_str_eq(first, second);
    scratch_remove(&s);
}
END_TEST

START_TEST(an_aborted_pack_leaves_nothing)
{
    struct scratch s = scratch_make();
    struct pack_writer *w = NULL;
    ck_assert_int_eq(pack_writer_open(scratch_path(&s, "p"), &w, NULL), ERR_OK);
    add(w, PACK_TRAIN, "t0", "zoe", 0);
    pack_writer_abort(w);
    ck_assert_int_eq(rmdir(s.dir), 0); // empty
}
END_TEST

static void load_bytes(const char *path, struct buf *b)
{
    struct errinfo why = {0};
    ck_assert_int_eq(file_read(path, 1 << 20, b, &why), ERR_OK);
}

// Nothing out of bounds may be handed out.
static void touch_all(const struct pack *p, enum pack_part part, size_t size)
{
    for (size_t i = 0; i < pack_count(p, part); i++) {
        struct pack_utt u = pack_utt_at(p, part, i);
        ck_assert_int_ge(u.samples[0], INT16_MIN);
        ck_assert_int_ge(u.samples[u.n_samples - 1], INT16_MIN);
        ck_assert_uint_lt(strlen(u.id), size);
    }
}

// Opening may succeed when only samples or names changed; then the hash must not.
static void check_damage_is_noticed(const char *path, const struct buf *b)
{
    struct errinfo why = {0};
    ck_assert_int_eq(file_write(path, b->data, b->len, &why), ERR_OK);
    struct pack *p = NULL;
    enum err e = pack_open(path, &p, &why);
    if (e == ERR_OK) {
        char hash[HASH_HEX_MAX];
        touch_all(p, PACK_TRAIN, b->len);
        touch_all(p, PACK_EVAL, b->len);
        touch_all(p, PACK_NOISE, b->len);
        e = pack_verify(p, hash, &why);
    }
    ck_assert_int_eq(e, ERR_CORRUPT);
    pack_close(p);
}

START_TEST(any_changed_byte_is_noticed)
{
    struct scratch s = scratch_make();
    char hash[HASH_HEX_MAX];
    const char *path = scratch_path(&s, "p");
    write_small(path, hash);
    struct buf b = BUF_INIT;
    load_bytes(path, &b);
    const char *damaged = scratch_path(&s, "damaged");
    size_t tail = b.len > 600 ? b.len - 600 : 0; // index and trailer: every byte
    for (size_t i = 0; i < b.len; i += i < tail ? 1999 : 1) {
        char was = b.data[i];
        b.data[i] = (char)(was ^ 0x81);
        check_damage_is_noticed(damaged, &b);
        b.data[i] = was;
    }
    buf_fini(&b);
    scratch_remove(&s);
}
END_TEST

static size_t last_place_of(const struct buf *b, const char *name)
{
    size_t n = strlen(name) + 1;
    for (size_t at = b->len - n; at > 0; at--) {
        if (memcmp(b->data + at, name, n) == 0) {
            return at;
        }
    }
    ck_abort_msg("no %s", name);
    return 0;
}

START_TEST(empty_names_are_no_names)
{
    static const char *const names[] = {"t0", "zoe"}; // an utterance, a speaker
    struct scratch s = scratch_make();
    char hash[HASH_HEX_MAX];
    const char *path = scratch_path(&s, "p");
    write_small(path, hash);
    for (size_t i = 0; i < 2; i++) {
        struct buf b = BUF_INIT;
        struct pack *p = NULL;
        struct errinfo why = {0};
        load_bytes(path, &b);
        b.data[last_place_of(&b, names[i])] = '\0';
        const char *damaged = scratch_path(&s, "damaged");
        ck_assert_int_eq(file_write(damaged, b.data, b.len, &why), ERR_OK);
        ck_assert_int_eq(pack_open(damaged, &p, &why), ERR_CORRUPT);
        ck_assert_ptr_nonnull(strstr(why.text, "no name"));
        buf_fini(&b);
    }
    scratch_remove(&s);
}
END_TEST

START_TEST(a_pack_cut_short_or_of_random_bytes_is_refused)
{
    struct scratch s = scratch_make();
    char hash[HASH_HEX_MAX];
    const char *path = scratch_path(&s, "p");
    write_small(path, hash);
    struct buf b = BUF_INIT;
    load_bytes(path, &b);
    size_t whole = b.len;
    for (size_t n = 0; n < whole; n += 517) {
        b.len = n;
        check_damage_is_noticed(scratch_path(&s, "cut"), &b);
    }
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (size_t i = 0; i < whole; i++) {
        b.data[i] = (char)rng_u32(&r);
    }
    b.len = whole;
    check_damage_is_noticed(scratch_path(&s, "random"), &b);
    buf_fini(&b);
    struct pack *p = NULL;
    ck_assert_int_eq(pack_open(scratch_path(&s, "missing"), &p, NULL), ERR_NOTFOUND);
    scratch_remove(&s);
}
END_TEST

TEST_SUITE(pack, what_was_written_is_read_back, speakers_are_numbered_by_name,
           the_hash_is_that_of_the_file_and_the_same_every_time,
           an_aborted_pack_leaves_nothing, any_changed_byte_is_noticed,
           empty_names_are_no_names, a_pack_cut_short_or_of_random_bytes_is_refused)
