// SPDX-License-Identifier: Apache-2.0
// test_keyfile.c - keys survive their files; files that others may read are refused.
#include "common/net/keyfile.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/voxarch_keys_XXXXXX";
static char path[FILE_PATH_MAX];
static struct errinfo why;

static void begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/key", dir);
}

static void finish(void)
{
    unlink(path);
    rmdir(dir);
}

static void put(const char *text, mode_t mode)
{
    ck_assert_int_eq(file_write(path, text, strlen(text), &why), ERR_OK);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static struct curve_key *new_key(void)
{
    struct curve_key *k = NULL;
    ck_assert_int_eq(curve_key_create(&k, &why), ERR_OK);
    return k;
}

START_TEST(a_key_comes_back_from_its_file_which_nobody_else_may_read)
{
    begin();
    struct curve_key *k = new_key();
    struct curve_key *back = NULL;
    struct stat st;
    umask(0);
    ck_assert_int_eq(keyfile_write(path, k, &why), ERR_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_msg(keyfile_load(path, &back, &why) == ERR_OK, "%s", why.text);
    ck_assert(curve_public_equal(curve_key_public(k), curve_key_public(back)));
    ck_assert_mem_eq(curve_key_secret(k), curve_key_secret(back), CURVE_KEY_BYTES);
    curve_key_destroy(k);
    curve_key_destroy(back);
    finish();
}
END_TEST

START_TEST(a_key_is_never_written_over_a_file)
{
    begin();
    put("precious", 0600);
    struct curve_key *k = new_key();
    ck_assert_int_eq(keyfile_write(path, k, &why), ERR_BUSY);
    struct buf text = BUF_INIT;
    ck_assert_int_eq(file_read(path, 100, &text, &why), ERR_OK);
    ck_assert_str_eq(text.data, "precious");
    buf_fini(&text);
    curve_key_destroy(k);
    finish();
}
END_TEST

START_TEST(a_file_that_others_may_read_or_write_is_refused_with_the_cure)
{
    begin();
    struct curve_key *k = new_key();
    struct curve_key *back = NULL;
    ck_assert_int_eq(keyfile_write(path, k, &why), ERR_OK);
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        ck_assert_int_eq(keyfile_load(path, &back, &why), ERR_INPUT);
        ck_assert_ptr_nonnull(strstr(why.text, "chmod 600"));
    }
    ck_assert_int_eq(chmod(path, 0400), 0);
    ck_assert_int_eq(keyfile_load(path, &back, &why), ERR_OK);
    curve_key_destroy(k);
    curve_key_destroy(back);
    finish();
}
END_TEST

START_TEST(another_users_file_is_refused)
{
    if (geteuid() != 0) {
        return; // only root can give a file away
    }
    begin();
    struct curve_key *k = new_key();
    ck_assert_int_eq(keyfile_write(path, k, &why), ERR_OK);
    curve_key_destroy(k);
    ck_assert_int_eq(chown(path, 65534, 65534), 0);
    ck_assert_int_eq(keyfile_load(path, &k, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "chown"));
    finish();
}
END_TEST

#define HEX_A "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define HEX_B "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

START_TEST(what_is_no_pair_is_refused_by_line)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no secret key"},
        {"public " HEX_A "\n", "no secret key"},
        {"# one\nsecret 12\n", ":2:"},
        {"secret " HEX_A "\nsecret " HEX_A "\n", ":2:"},
        {"secret " HEX_A " more\n", ":1:"},
        {"secret " ZEROS "\n", "zeros"},
        {"public " HEX_B "\nsecret " HEX_A "\n", "different pairs"},
        {"private " HEX_A "\n", ":1:"},
        {"\x01\x02\x03", ":1:"},
    };
    begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct curve_key *k = NULL;
        put(cases[i].text, 0600);
        ck_assert_int_eq(keyfile_load(path, &k, &why), ERR_INPUT);
        ck_assert_msg(strstr(why.text, cases[i].says), "%zu: %s", i, why.text);
        ck_assert_ptr_null(strstr(why.text, HEX_A)); // a secret is not said
    }
    finish();
    struct curve_key *k = NULL;
    ck_assert_int_eq(keyfile_load(path, &k, &why), ERR_NOTFOUND);
}
END_TEST

START_TEST(a_public_key_is_taken_from_the_command_line_or_a_file)
{
    begin();
    struct curve_public p;
    ck_assert_int_eq(keyfile_public(HEX_A, &p, &why), ERR_OK);
    put("# coordinator\n  " HEX_B " \r\n", 0644);
    ck_assert_int_eq(keyfile_public(path, &p, &why), ERR_OK);
    ck_assert_uint_eq(p.bytes[0], 0x0b);
    put("public " HEX_A "\n", 0644);
    ck_assert_int_eq(keyfile_public(path, &p, &why), ERR_OK);
    put("secret " HEX_A "\n", 0644);
    ck_assert_int_eq(keyfile_public(path, &p, &why), ERR_INPUT);
    put("\n", 0644);
    ck_assert_int_eq(keyfile_public(path, &p, &why), ERR_INPUT);
    ck_assert_int_eq(keyfile_public("nowhere", &p, &why), ERR_NOTFOUND);
    ck_assert_int_eq(keyfile_public(ZEROS, &p, &why), ERR_NOTFOUND);
    finish();
}
END_TEST

START_TEST(a_client_has_both_keys_or_none)
{
    struct curve_link link;
    ck_assert_int_eq(keyfile_link(NULL, NULL, &link, &why), ERR_OK);
    ck_assert_ptr_null(link.mine);
    ck_assert_int_eq(keyfile_link("k", NULL, &link, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "--coordinator-key is missing"));
    ck_assert_int_eq(keyfile_link(NULL, HEX_A, &link, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "--key is missing"));
}
END_TEST

TEST_SUITE(keyfile, a_key_comes_back_from_its_file_which_nobody_else_may_read,
           a_key_is_never_written_over_a_file,
           a_file_that_others_may_read_or_write_is_refused_with_the_cure,
           another_users_file_is_refused, what_is_no_pair_is_refused_by_line,
           a_public_key_is_taken_from_the_command_line_or_a_file,
           a_client_has_both_keys_or_none)
