// SPDX-License-Identifier: Apache-2.0
// bytesize.c - see bytesize.h.
#include "common/base/bytesize.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *suffix;
    uint64_t bytes;
} units[] = {
    {"", 1},
    {"k", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"T", 1000000000000},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
};

static bool read_digits(const char **p, uint64_t *out)
{
    const char *first = *p;
    *out = 0;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        uint64_t digit = (uint64_t)(**p - '0');
        if (*out > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *out = *out * 10 + digit;
    }
    return *p > first;
}

enum err bytesize_parse(const char *text, uint64_t *bytes)
{
    uint64_t n = 0;
    const char *p = text;
    if (!read_digits(&p, &n)) {
        return ERR_INPUT;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(p, units[i].suffix) == 0 && n <= UINT64_MAX / units[i].bytes) {
            *bytes = n * units[i].bytes;
            return ERR_OK;
        }
    }
    return ERR_INPUT;
}
