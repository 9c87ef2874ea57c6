// SPDX-License-Identifier: Apache-2.0
// test_allow.c - the allow-list and the table of rights.
#include "coordinator/serve/allow.h"
#include "coordinator/serve/rights.h"
#include "tests/lib/check_main.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define A "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define B "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define C "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"

static struct errinfo why;

static struct curve_public key(const char *hex)
{
    struct curve_public p;
    ck_assert(curve_public_parse(hex, strlen(hex), &p));
    return p;
}

START_TEST(keys_are_found_with_role_and_name)
{
    static const char text[] = "# who\n\n worker\t" C " gpu-1 # in the cellar\r\n"
                               "operator " A " anna\nviewer   " B " wall.board";
    struct allow *a = NULL;
    ck_assert_msg(allow_parse(text, "allow", &a, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(allow_count(a), 3);
    struct curve_public anna = key(A);
    struct curve_public gpu = key(C);
    struct curve_public nobody = key(A);
    nobody.bytes[31]++;
    ck_assert_int_eq(allow_find(a, &anna)->role, ROLE_OPERATOR);
    ck_assert_str_eq(allow_find(a, &gpu)->name, "gpu-1");
    ck_assert_uint_eq(allow_find(a, &gpu)->line, 3);
    ck_assert_ptr_null(allow_find(a, &nobody));
    allow_destroy(a);
}
END_TEST

START_TEST(an_empty_list_lets_nobody_in)
{
    struct allow *a = NULL;
    struct curve_public p = key(A);
    ck_assert_int_eq(allow_parse("", "allow", &a, &why), ERR_OK);
    ck_assert_ptr_null(allow_find(a, &p));
    allow_destroy(a);
}
END_TEST

START_TEST(a_flaw_is_named_by_file_and_line_and_the_list_is_refused_whole)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"worker " A " a\nboss " B " b\n", "allow:2: a line is ROLE"},
        {"worker\n", "allow:1: behind the role"},
        {"worker 0a0a a\n", "allow:1: behind the role"},
        {"worker " A "\n", "allow:1: behind the key"},
        {"worker " A " a/b\n", "allow:1: behind the key"},
        {"worker " A " a23456789012345678901234567890123\n", "allow:1: behind the key"},
        {"worker " A " a b\n", "allow:1: behind the name"},
        {"worker " A " a\n\nviewer " A " b\n",
         "allow:3: this key is listed already, in line 1"},
        {"worker " A " a\nviewer " B " a\n", "allow:2: the name a is taken by line 1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct allow *a = NULL;
        ck_assert_int_eq(allow_parse(cases[i].text, "allow", &a, &why), ERR_INPUT);
        ck_assert_msg(strstr(why.text, cases[i].says), "%zu: %s", i, why.text);
        ck_assert_ptr_null(a);
    }
}
END_TEST

START_TEST(a_list_that_others_may_change_is_refused)
{
    char path[] = "/tmp/voxarch_allow_XXXXXX";
    int fd = mkstemp(path);
    struct allow *a = NULL;
    ck_assert_int_eq(write(fd, "\n", 1), 1);
    close(fd);
    chmod(path, 0664);
    ck_assert_int_eq(allow_load(path, &a, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "chmod go-w"));
    chmod(path, 0644);
    ck_assert_int_eq(allow_load(path, &a, &why), ERR_OK);
    allow_destroy(a);
    unlink(path);
    ck_assert_int_eq(allow_load(path, &a, &why), ERR_NOTFOUND);
}
END_TEST

START_TEST(rights_are_what_the_table_says)
{
    static const enum msg_kind control[] = {MSG_HELLO,  MSG_FETCH,   MSG_BEAT,
                                            MSG_RESULT, MSG_RELEASE, MSG_BYE};
    for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++) {
        ck_assert(rights_may_say(ROLE_WORKER, control[i]));
        ck_assert(!rights_may_say(ROLE_OPERATOR, control[i]));
        ck_assert(!rights_may_say(ROLE_VIEWER, control[i]));
    }
    ck_assert(rights_may_connect(ROLE_WORKER, SOCKET_CONTROL));
    ck_assert(rights_may_connect(ROLE_WORKER, SOCKET_BULK));
    ck_assert(!rights_may_connect(ROLE_WORKER, SOCKET_ADMIN));
    ck_assert(!rights_may_connect(ROLE_OPERATOR, SOCKET_CONTROL));
    ck_assert(rights_may_connect(ROLE_OPERATOR, SOCKET_BULK));
    ck_assert(rights_may_connect(ROLE_OPERATOR, SOCKET_ADMIN));
    ck_assert(!rights_may_connect(ROLE_VIEWER, SOCKET_BULK));
    ck_assert(rights_may_connect(ROLE_VIEWER, SOCKET_ADMIN));
    ck_assert(rights_may_say(ROLE_OPERATOR, MSG_BLOB_GET));
    ck_assert(!rights_may_say(ROLE_OPERATOR, MSG_BLOB_PUT));
    ck_assert(rights_may_say(ROLE_VIEWER, MSG_STATUS));
    ck_assert(!rights_may_say(ROLE_VIEWER, MSG_DRAIN));
    ck_assert(rights_may_say(ROLE_OPERATOR, MSG_DRAIN));
    static const enum msg_kind orders[] = {MSG_TASK_KICK, MSG_WORKER_ORDER,
                                           MSG_STUDY_SUBMIT, MSG_STUDY_ORDER};
    static const enum msg_kind questions[] = {MSG_TASK_LIST, MSG_EXPLAIN};
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        ck_assert(rights_may_say(ROLE_OPERATOR, orders[i]));
        ck_assert(!rights_may_say(ROLE_VIEWER, orders[i]));
        ck_assert(!rights_may_say(ROLE_WORKER, orders[i]));
    }
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        ck_assert(rights_may_say(ROLE_OPERATOR, questions[i]));
        ck_assert(rights_may_say(ROLE_VIEWER, questions[i]));
        ck_assert(!rights_may_say(ROLE_WORKER, questions[i]));
    }
}
END_TEST

START_TEST(nobody_may_say_what_only_we_say)
{
    static const enum msg_kind ours[] = {
        MSG_NONE,        MSG_WELCOME,     MSG_LEASE,       MSG_REFUSED,
        MSG_BLOB_DONE,   MSG_BLOB_CREDIT, MSG_NO_TASK,     MSG_STATUS_REPLY,
        MSG_DRAIN_REPLY, MSG_BEAT_REPLY,  MSG_RESULT_REPLY};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        ck_assert(!rights_may_say(ROLE_WORKER, ours[i]));
        ck_assert(!rights_may_say(ROLE_OPERATOR, ours[i]));
        ck_assert(!rights_may_say(ROLE_VIEWER, ours[i]));
    }
}
END_TEST

TEST_SUITE(allow, keys_are_found_with_role_and_name, an_empty_list_lets_nobody_in,
           a_flaw_is_named_by_file_and_line_and_the_list_is_refused_whole,
           a_list_that_others_may_change_is_refused, rights_are_what_the_table_says,
           nobody_may_say_what_only_we_say)
