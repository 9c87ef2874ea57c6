// SPDX-License-Identifier: Apache-2.0
// test_endpoint.c - endpoints are taken apart and checked.
#include "common/net/endpoint.h"
#include "tests/lib/check_main.h"

#include <string.h>

START_TEST(good_endpoints_come_back_as_written)
{
    const char *const good[] = {"tcp://127.0.0.1:20000", "tcp://coordinator:1",
                                "tcp://*:65535", "tcp://[::1]:31999",
                                "tcp://node-7.example.org:20001"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct endpoint e;
        struct errinfo why = {0};
        char text[ENDPOINT_MAX];
        ck_assert_msg(endpoint_parse(good[i], &e, &why) == ERR_OK, "%s", why.text);
        ck_assert_str_eq(endpoint_print(&e, text), good[i]);
    }
}
END_TEST

START_TEST(bad_endpoints_are_explained)
{
    const char *const bad[] = {"",
                               "127.0.0.1:20000",
                               "ipc:///tmp/x",
                               "tcp://",
                               "tcp://:20000",
                               "tcp://host",
                               "tcp://host:",
                               "tcp://host:0",
                               "tcp://host:65536",
                               "tcp://host:+1",
                               "tcp://host:99999999999999999999",
                               "tcp://host:12x",
                               "tcp://ho st:1",
                               "tcp://a;b:1",
                               "tcp://[]:1",
                               "tcp://[::1:1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct endpoint e;
        struct errinfo why = {0};
        ck_assert_msg(endpoint_parse(bad[i], &e, &why) == ERR_INPUT, "%s", bad[i]);
        ck_assert_uint_gt(strlen(why.text), 0);
    }
}
END_TEST

TEST_SUITE(endpoint, good_endpoints_come_back_as_written, bad_endpoints_are_explained)
