// SPDX-License-Identifier: Apache-2.0
// objective.c - see objective.h. What each kind is called and which units its limits
// take stands in one table.
#include "common/conf/objective.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 48 // characters of a limit's number

struct unit {
    const char *name;
    double factor; // to the kind's own unit
};

#define UNITS_MAX 9 // with the NULL

static const struct kind {
    const char *name;
    bool is_cost;
    const char *print_unit;       // what a printed limit carries
    const char *allowed;          // units, for people
    struct unit units[UNITS_MAX]; // ends with a NULL name; "" is a bare number
} kinds[OBJECTIVE_KINDS] = {
    [OBJECTIVE_EER] = {"eer", false, "%", "%", {{"", 1}, {"%", 1}}},
    [OBJECTIVE_MINDCF] = {"mindcf", false, "", "%", {{"", 1}, {"%", .01}}},
    [OBJECTIVE_PARAMS] = {"params",
                          true,
                          "",
                          "K, M, G",
                          {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}}},
    [OBJECTIVE_MACS] = {"macs",
                        true,
                        "",
                        "K, M, G",
                        {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}}},
    [OBJECTIVE_BYTES] = {"bytes",
                         true,
                         "",
                         "K, M, G, KiB, MiB, GiB",
                         {{"", 1},
                          {"k", 1e3},
                          {"K", 1e3},
                          {"M", 1e6},
                          {"G", 1e9},
                          {"KiB", 0x1p10},
                          {"MiB", 0x1p20},
                          {"GiB", 0x1p30}}},
    [OBJECTIVE_LATENCY] = {"latency",
                           true,
                           "ms",
                           "us, ms, s",
                           {{"", 1}, {"us", 1e-3}, {"ms", 1}, {"s", 1e3}}},
};

static const char names_allowed[] =
    "eer, mindcf, params, macs, bytes, latency, latency@DEVICE";

// A stretch of text that is being read.
struct part {
    const char *at;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct part trim(struct part p)
{
    while (p.n > 0 && is_blank(p.at[0])) {
        p.at++;
        p.n--;
    }
    while (p.n > 0 && is_blank(p.at[p.n - 1])) {
        p.n--;
    }
    return p;
}

static bool part_is(struct part p, const char *word)
{
    return strlen(word) == p.n && memcmp(p.at, word, p.n) == 0;
}

static int shown(struct part p) // of a part, in sentences
{
    return p.n < 40 ? (int)p.n : 40;
}

static bool is_device_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

static enum err read_device(struct part device, struct objective *out,
                            struct errinfo *why)
{
    bool ok = device.n > 0 && device.n < DEVICE_NAME_MAX;
    for (size_t i = 0; ok && i < device.n; i++) {
        ok = is_device_char(device.at[i]);
    }
    if (!ok) {
        return err_set(why, ERR_INPUT,
                       "device \"%.*s\" is not a name; allowed: 1 to %d letters, "
                       "digits, '-', '_' and '.'",
                       shown(device), device.at, DEVICE_NAME_MAX - 1);
    }
    memcpy(out->device, device.at, device.n);
    return ERR_OK;
}

static enum err read_objective(struct part text, struct objective *out,
                               struct errinfo *why)
{
    const char *at_sign = memchr(text.at, '@', text.n);
    struct part name = {text.at, at_sign ? (size_t)(at_sign - text.at) : text.n};
    memset(out, 0, sizeof(*out));
    for (int k = 0; k < OBJECTIVE_KINDS; k++) {
        if (!part_is(name, kinds[k].name)) {
            continue;
        }
        out->kind = (enum objective_kind)k;
        if (!at_sign) {
            return ERR_OK;
        }
        if (out->kind != OBJECTIVE_LATENCY) {
            return err_set(why, ERR_INPUT,
                           "%s is the same on every device; only latency takes @DEVICE",
                           kinds[k].name);
        }
        return read_device((struct part){at_sign + 1, text.n - name.n - 1}, out, why);
    }
    return err_set(why, ERR_INPUT, "there is no objective \"%.*s\"; allowed: %s",
                   shown(name), name.at, names_allowed);
}

enum err objective_parse(const char *text, struct objective *out, struct errinfo *why)
{
    struct objective o;
    enum err e = read_objective(trim((struct part){text, strlen(text)}), &o, why);
    if (e == ERR_OK) {
        *out = o;
    }
    return e;
}

char *objective_print(const struct objective *o, char out[static OBJECTIVE_TEXT_MAX])
{
    BUG_ON((int)o->kind >= OBJECTIVE_KINDS);
    snprintf(out, OBJECTIVE_TEXT_MAX, "%s%s%s", kinds[o->kind].name,
             *o->device ? "@" : "", o->device);
    return out;
}

bool objective_equal(const struct objective *a, const struct objective *b)
{
    return a->kind == b->kind && strcmp(a->device, b->device) == 0;
}

bool objective_is_cost(const struct objective *o)
{
    return kinds[o->kind].is_cost;
}

// The number's digits: a plain decimal, so that "0x10", "inf" and "nan" are no limits.
static size_t number_length(struct part p)
{
    size_t n = 0;
    while (n < p.n && ((p.at[n] >= '0' && p.at[n] <= '9') || p.at[n] == '.')) {
        n++;
    }
    if (n > 0 && n < p.n && (p.at[n] == 'e' || p.at[n] == 'E')) {
        size_t digits = n + 1;
        digits += digits < p.n && (p.at[digits] == '-' || p.at[digits] == '+');
        size_t end = digits;
        while (end < p.n && p.at[end] >= '0' && p.at[end] <= '9') {
            end++;
        }
        n = end > digits ? end : n;
    }
    return n;
}

static bool read_number(struct part p, double *value)
{
    char text[NUMBER_MAX];
    if (p.n == 0 || p.n >= sizeof(text)) {
        return false;
    }
    memcpy(text, p.at, p.n);
    text[p.n] = '\0';
    char *end = NULL;
    *value = strtod(text, &end);
    return *end == '\0' && end != text && isfinite(*value);
}

static enum err read_limit(struct part text, const struct kind *kind, double *limit,
                           struct errinfo *why)
{
    struct part number = {text.at, number_length(text)};
    struct part unit = trim((struct part){text.at + number.n, text.n - number.n});
    if (!read_number(number, limit)) {
        return err_set(why, ERR_INPUT,
                       "limit \"%.*s\" is not a number; allowed: a decimal number from "
                       "0, and a unit of %s",
                       shown(text), text.at, kind->allowed);
    }
    for (size_t i = 0; i < UNITS_MAX && kind->units[i].name; i++) {
        if (part_is(unit, kind->units[i].name)) {
            *limit *= kind->units[i].factor;
            return ERR_OK;
        }
    }
    return err_set(why, ERR_INPUT, "%s is not limited in \"%.*s\"; allowed: %s",
                   kind->name, shown(unit), unit.at, kind->allowed);
}

static enum err read_constraint(const char *text, struct constraint *c,
                                struct errinfo *why)
{
    size_t n = strcspn(text, "<>=");
    if (text[n] != '<') {
        return err_set(why, ERR_INPUT,
                       "a constraint is OBJECTIVE < NUMBER or OBJECTIVE <= NUMBER, "
                       "such as \"latency < 15ms\" or \"params <= 2.5M\"");
    }
    enum err e = read_objective(trim((struct part){text, n}), &c->objective, why);
    if (e != ERR_OK) {
        return e;
    }
    c->is_strict = text[n + 1] != '=';
    const char *limit = text + n + (c->is_strict ? 1 : 2);
    return read_limit(trim((struct part){limit, strlen(limit)}),
                      &kinds[c->objective.kind], &c->limit, why);
}

enum err constraint_parse(const char *text, struct constraint *out, struct errinfo *why)
{
    struct constraint c;
    enum err e = read_constraint(text, &c, why);
    if (e != ERR_OK) {
        return err_prefix(why, e, "constraint \"%.80s\"", text);
    }
    *out = c;
    return ERR_OK;
}

char *constraint_print(const struct constraint *c, char out[static OBJECTIVE_TEXT_MAX])
{
    char name[OBJECTIVE_TEXT_MAX];
    char number[32];
    snprintf(number, sizeof(number), "%.0f", c->limit < 1e15 ? c->limit : 0);
    for (int digits = 6; digits <= 17 && strtod(number, NULL) != c->limit; digits++) {
        snprintf(number, sizeof(number), "%.*g", digits, c->limit);
    }
    snprintf(out, OBJECTIVE_TEXT_MAX, "%s %s %s%s",
             objective_print(&c->objective, name), c->is_strict ? "<" : "<=", number,
             kinds[c->objective.kind].print_unit);
    return out;
}

bool constraint_holds(const struct constraint *c, double value)
{
    return c->is_strict ? value < c->limit : value <= c->limit; // false for a NaN
}
