// SPDX-License-Identifier: Apache-2.0
// logfmt.c - see logfmt.h.
#include "common/base/logfmt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX 2048
#define SPEC_MAX  32

// A line while it is printed. Room for the quote that ends a value is kept aside.
struct line {
    char *text;
    size_t len, cap;
    size_t pair_at; // where the last pair begins
    bool in_quotes;
    bool is_full;
};

static void put(struct line *l, const char *bytes, size_t n)
{
    if (l->is_full || l->len + n + 2 > l->cap) {
        l->is_full = true;
        return;
    }
    memcpy(l->text + l->len, bytes, n);
    l->len += n;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

static bool is_bare(unsigned char c)
{
    return c > 0x20 && c != 0x7f && c != '"' && c != '=' && c != '\\';
}

static void put_value(struct line *l, const char *value)
{
    for (const char *p = value; *p; p++) {
        const unsigned char c = (unsigned char)*p;
        if (l->in_quotes && (c == '"' || c == '\\')) {
            put(l, (const char[]){'\\', *p}, 2);
        } else if (l->in_quotes) {
            put(l, is_control(c) ? " " : p, 1);
        } else {
            put(l, is_bare(c) ? p : "_", 1);
        }
    }
}

// ---- one conversion at a time

struct spec {
    char text[SPEC_MAX]; // "%-5.3llu"
    size_t len;
    char length[3];
    char conversion;
};

static void spec_add(struct spec *s, char c)
{
    BUG_ON(s->len + 1 >= SPEC_MAX);
    s->text[s->len++] = c;
    s->text[s->len] = '\0';
}

// A star becomes its number: what is left needs one argument.
static void add_star(struct spec *s, int value)
{
    char digits[16];
    snprintf(digits, sizeof(digits), "%d", value);
    for (const char *p = digits; *p; p++) {
        spec_add(s, *p);
    }
}

static const char *read_length(const char *p, struct spec *s)
{
    for (size_t n = 0; *p && strchr("hlzjt", *p); p++, n++) {
        BUG_ON(n >= sizeof(s->length) - 1);
        s->length[n] = *p;
        spec_add(s, *p);
    }
    return p;
}

static bool has_length(const struct spec *s, const char *length)
{
    return strcmp(s->length, length) == 0;
}

// Arguments of all integer types are read as what they were passed as. A va_list in a
// struct is the same list for everybody who is given its address.
struct arguments {
    va_list list;
};

static int64_t next_signed(const struct spec *s, struct arguments *a)
{
    if (has_length(s, "l")) {
        return va_arg(a->list, long);
    }
    if (has_length(s, "ll")) {
        return va_arg(a->list, long long);
    }
    if (has_length(s, "z") || has_length(s, "t")) {
        return va_arg(a->list, ptrdiff_t);
    }
    return has_length(s, "j") ? va_arg(a->list, intmax_t) : va_arg(a->list, int);
}

static uint64_t next_unsigned(const struct spec *s, struct arguments *a)
{
    if (has_length(s, "l")) {
        return va_arg(a->list, unsigned long);
    }
    if (has_length(s, "ll")) {
        return va_arg(a->list, unsigned long long);
    }
    if (has_length(s, "z") || has_length(s, "t")) {
        return va_arg(a->list, size_t);
    }
    return has_length(s, "j") ? va_arg(a->list, uintmax_t) : va_arg(a->list, unsigned);
}

// The same conversion of the widest type.
static const char *widened(const struct spec *s, char out[static SPEC_MAX + 4])
{
    size_t n = s->len - 1 - strlen(s->length);
    snprintf(out, SPEC_MAX + 4, "%.*sj%c", (int)n, s->text, s->conversion);
    return out;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void print_value(const struct spec *s, struct arguments *a,
                        char out[static VALUE_MAX])
{
    char wide[SPEC_MAX + 4];
    switch (s->conversion) {
    case 'd':
    case 'i':
        snprintf(out, VALUE_MAX, widened(s, wide), (intmax_t)next_signed(s, a));
        break;
    case 'u':
    case 'x':
        snprintf(out, VALUE_MAX, widened(s, wide), (uintmax_t)next_unsigned(s, a));
        break;
    // NOLINTNEXTLINE(bugprone-branch-clone): of another type each
    case 'c': snprintf(out, VALUE_MAX, s->text, va_arg(a->list, int)); break;
    case 'f':
    case 'e':
    case 'g': snprintf(out, VALUE_MAX, s->text, va_arg(a->list, double)); break;
    case 's': snprintf(out, VALUE_MAX, s->text, va_arg(a->list, const char *)); break;
    default: err_bug(__FILE__, __LINE__, "a conversion that logs do not know");
    }
}
#pragma GCC diagnostic pop

// `p` is behind the %. Returns what follows the conversion.
static const char *convert(struct line *l, const char *p, struct arguments *a)
{
    struct spec s = {.text = "%", .len = 1};
    for (; *p && strchr("-+ #0123456789.*", *p); p++) {
        if (*p == '*') {
            add_star(&s, va_arg(a->list, int));
        } else {
            spec_add(&s, *p);
        }
    }
    p = read_length(p, &s);
    s.conversion = *p;
    spec_add(&s, *p);
    char value[VALUE_MAX];
    print_value(&s, a, value);
    put_value(l, value);
    return p + 1;
}

static void put_literal(struct line *l, char c)
{
    put(l, &c, 1);
    if (l->is_full) {
        return;
    }
    if (c == '"') {
        l->in_quotes = !l->in_quotes;
    } else if (c == ' ' && !l->in_quotes) {
        l->pair_at = l->len;
    }
}

// A cut value is a value still; a pair cut elsewhere goes.
static void end_line(struct line *l)
{
    if (l->is_full && l->in_quotes) {
        l->text[l->len++] = '"';
    } else if (l->is_full) {
        l->len = l->pair_at;
    }
    while (l->len > 0 && l->text[l->len - 1] == ' ') {
        l->len--;
    }
    l->text[l->len] = '\0';
}

// NOLINTNEXTLINE(readability-non-const-parameter): written through l
size_t logfmt_print(char *out, size_t cap, const char *format, va_list ap)
{
    BUG_ON(cap < 3);
    struct line l = {.text = out, .cap = cap};
    struct arguments a;
    va_copy(a.list, ap);
    for (const char *p = format; *p && !l.is_full;) {
        if (p[0] == '%' && p[1] != '%') {
            p = convert(&l, p + 1, &a);
        } else {
            p += p[0] == '%';
            put_literal(&l, *p++);
        }
    }
    va_end(a.list);
    end_line(&l);
    return l.len;
}

// ---- reading

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.';
}

// What follows the pair at `p`, or NULL when there is none.
static const char *skip_pair(const char *p, const char *end)
{
    const char *key = p;
    while (p < end && is_key_char(*p)) {
        p++;
    }
    if (p == key || p == end || *p++ != '=') {
        return NULL;
    }
    if (p == end || *p != '"') {
        while (p < end && is_bare((unsigned char)*p)) {
            p++;
        }
        return p;
    }
    for (p++; p < end && *p != '"'; p++) {
        if (is_control((unsigned char)*p) ||
            (*p == '\\' && (++p == end || (*p != '"' && *p != '\\')))) {
            return NULL;
        }
    }
    return p < end ? p + 1 : NULL;
}

bool logfmt_is_line(const char *line, size_t n)
{
    const char *end = line + n;
    const char *p = skip_pair(line, end);
    while (p && p < end) {
        p = *p == ' ' ? skip_pair(p + 1, end) : NULL;
    }
    return p != NULL;
}
