// SPDX-License-Identifier: Apache-2.0
// text.c - see text.h.
#include "proto/text.h"

#include <stdint.h>
#include <string.h>

struct form {
    uint32_t min;       // smallest code point that needs this length
    uint8_t mask, lead; // first byte: (b & mask) == lead
    uint8_t length;
};

static const struct form forms[] = {
    {0x1, 0x80, 0x00, 1},
    {0x80, 0xe0, 0xc0, 2},
    {0x800, 0xf0, 0xe0, 3},
    {0x10000, 0xf8, 0xf0, 4},
};

static bool is_code_point(uint32_t c, uint32_t min)
{
    return c >= min && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

// Length of the valid character at the start of n > 0 bytes; 0 when there is none.
static size_t character(const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const struct form *f = &forms[i];
        if ((b[0] & f->mask) != f->lead) {
            continue;
        }
        if (f->length > n) {
            return 0;
        }
        uint32_t c = b[0] & (uint8_t)~f->mask;
        for (size_t k = 1; k < f->length; k++) {
            if ((b[k] & 0xc0) != 0x80) {
                return 0;
            }
            c = c << 6 | (b[k] & 0x3f);
        }
        return is_code_point(c, f->min) ? f->length : 0;
    }
    return 0;
}

bool text_is_valid(const char *bytes, size_t n)
{
    const uint8_t *b = (const uint8_t *)bytes;
    for (size_t i = 0; i < n;) {
        size_t length = character(b + i, n - i);
        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}

size_t text_clean(char *out, size_t cap, const char *text)
{
    const uint8_t *b = (const uint8_t *)text;
    const size_t n = strlen(text);
    size_t at = 0;
    for (size_t i = 0; i < n;) {
        size_t length = character(b + i, n - i);
        size_t step = length > 0 ? length : 1;
        if (at + step > cap - 1) {
            break;
        }
        if (length > 0) {
            memcpy(out + at, b + i, length);
        } else {
            out[at] = '?';
        }
        at += step;
        i += step;
    }
    out[at] = '\0';
    return at;
}
