// SPDX-License-Identifier: Apache-2.0
// check_main.h - TEST_SUITE(lease, ...) turns a list of START_TEST names into main().
#ifndef TESTS_LIB_CHECK_MAIN_H
#define TESTS_LIB_CHECK_MAIN_H

#include <check.h>

#include <stddef.h>
#include <stdlib.h>

#define TEST_SUITE(name, ...)                                           \
    int main(void)                                                      \
    {                                                                   \
        const TTest *const tests[] = {__VA_ARGS__};                     \
        Suite *s = suite_create(#name);                                 \
        TCase *tc = tcase_create("all");                                \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) { \
            tcase_add_test(tc, tests[i]);                               \
        }                                                               \
        suite_add_tcase(s, tc);                                         \
        SRunner *r = srunner_create(s);                                 \
        srunner_run_all(r, CK_ENV);                                     \
        int failed = srunner_ntests_failed(r);                          \
        srunner_free(r);                                                \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                    \
    }

#endif
