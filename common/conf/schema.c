// SPDX-License-Identifier: Apache-2.0
// schema.c - see schema.h. One row of functions per type; a map is a type like others.
#include "common/conf/schema.h"

#include "common/base/file.h"
#include "common/conf/objective.h"
#include "common/space/space.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALLOWED_MAX 256
#define DOUBLE_MAX  32

struct type_ops {
    enum err (*read)(const struct schema *s, const struct schema_key *k,
                     const struct tree_node *n, void *field);
    void (*print)(const struct schema_key *k, const void *field, int indent,
                  struct buf *out);
    bool (*is_empty)(const struct schema_key *k, const void *field); // NULL = never
    void (*allowed)(const struct schema_key *k, char out[static ALLOWED_MAX]);
    bool is_block; // printed below its key, not behind it
};
static const struct type_ops types[SCHEMA_SKIP + 1];

// ---- errors ----

static const char *describe(const struct tree_node *n, char out[static 64])
{
    if (n->kind != TREE_SCALAR) {
        return n->kind == TREE_LIST ? "is a list" : "is a map";
    }
    if (tree_is_empty(n)) {
        return "has no value";
    }
    snprintf(out, 64, n->is_quoted ? "is the text \"%.40s\"" : "is %.40s", n->text);
    return out;
}

static enum err wrong(const struct schema *s, const struct schema_key *k,
                      const struct tree_node *n)
{
    char allowed[ALLOWED_MAX];
    char what[64];
    types[k->type].allowed(k, allowed);
    return tree_error(s->tree, n, NULL, s->why, "%s; allowed: %s", describe(n, what),
                      allowed);
}

// ---- text ----

static bool is_text(const struct tree_node *n)
{
    return n->kind == TREE_SCALAR && n->text[0] != '\0' && !tree_is_empty(n);
}

static bool is_name(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return text[0] != '.' && text[strspn(text, letters)] == '\0';
}

static enum err read_text(const struct schema *s, const struct schema_key *k,
                          const struct tree_node *n, void *field)
{
    if (!is_text(n) || strlen(n->text) >= k->size ||
        (k->type == SCHEMA_NAME && !is_name(n->text))) {
        return wrong(s, k, n);
    }
    snprintf(field, k->size, "%s", n->text);
    return ERR_OK;
}

static void allow_text(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    const char *what =
        k->type == SCHEMA_NAME ? "letters, digits, - _ . (no . in front)" : "text";
    snprintf(out, ALLOWED_MAX, "%s of 1 to %zu bytes", what, k->size - 1);
}

// Takes the ./ and ../ in front of `text` off; `dir` has no symbolic links, so its last
// folder goes with each ../ .
static const char *climb(const char *text, char dir[static FILE_PATH_MAX])
{
    for (;;) {
        size_t n = strcspn(text, "/");
        bool is_up = n == 2 && text[0] == '.' && text[1] == '.';
        if (!is_up && !(n == 1 && text[0] == '.')) {
            return text;
        }
        if (is_up) {
            char *slash = strrchr(dir, '/');
            slash[slash == dir ? 1 : 0] = '\0';
        }
        text += n + strspn(text + n, "/");
    }
}

static enum err read_path(const struct schema *s, const struct schema_key *k,
                          const struct tree_node *n, void *field)
{
    if (!is_text(n)) {
        return wrong(s, k, n);
    }
    char dir[FILE_PATH_MAX] = "";
    const char *text = n->text;
    if (text[0] != '/') {
        snprintf(dir, sizeof(dir), "%s", s->dir);
        text = climb(text, dir);
    }
    bool is_joined = dir[0] && text[0] && strcmp(dir, "/") != 0;
    enum err e =
        file_path(field, k->size, NULL, "%s%s%s", dir, is_joined ? "/" : "", text);
    return e == ERR_OK ? ERR_OK : wrong(s, k, n);
}

static void allow_path(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    snprintf(out, ALLOWED_MAX, "a path, with its folder below %zu bytes", k->size);
}

static void print_text(const struct schema_key *k, const void *field, int indent,
                       struct buf *out)
{
    (void)k;
    (void)indent;
    buf_add(out, "\"", 1);
    for (const char *p = field; *p; p++) {
        if (*p == '"' || *p == '\\') {
            buf_add(out, "\\", 1);
        }
        buf_add(out, p, 1);
    }
    buf_add(out, "\"", 1);
}

static bool text_is_empty(const struct schema_key *k, const void *field)
{
    (void)k;
    return *(const char *)field == '\0';
}

// ---- words ----

static bool find_word(const struct schema_key *k, const struct tree_node *n, int *index)
{
    for (int i = 0; n->kind == TREE_SCALAR && k->words[i]; i++) {
        if (strcmp(n->text, k->words[i]) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static enum err read_word(const struct schema *s, const struct schema_key *k,
                          const struct tree_node *n, void *field)
{
    int index;
    if (!find_word(k, n, &index)) {
        return wrong(s, k, n);
    }
    if (k->type == SCHEMA_WORD) {
        memcpy(field, &index, sizeof(index));
    } else if (k->type == SCHEMA_FLAG) {
        *(bool *)field = index != 0;
    } else {
        snprintf(field, k->size, "%s", k->words[index]);
    }
    return ERR_OK;
}

static void allow_words(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; k->words[i] && at < ALLOWED_MAX; i++) {
        at += (size_t)snprintf(out + at, ALLOWED_MAX - at, "%s%s", i ? ", " : "",
                               k->words[i]);
    }
}

static void print_word(const struct schema_key *k, const void *field, int indent,
                       struct buf *out)
{
    (void)indent;
    int index = 0;
    if (k->type == SCHEMA_WORD) {
        memcpy(&index, field, sizeof(index));
    } else {
        index = *(const bool *)field;
    }
    buf_addf(out, "%s", k->words[index]);
}

// ---- numbers ----

static bool is_number_text(const struct tree_node *n, const char *letters)
{
    return n->kind == TREE_SCALAR && !n->is_quoted && n->text[0] != '\0' &&
           n->text[strspn(n->text, letters)] == '\0';
}

static bool parse_int(const struct tree_node *n, double min, double max, int *out)
{
    if (!is_number_text(n, "-0123456789") || strlen(n->text) > 11) {
        return false;
    }
    char *end;
    long value = strtol(n->text, &end, 10);
    if (*end != '\0' || end == n->text || (double)value < min || (double)value > max) {
        return false;
    }
    *out = (int)value;
    return true;
}

static enum err read_int(const struct schema *s, const struct schema_key *k,
                         const struct tree_node *n, void *field)
{
    return parse_int(n, k->min, k->max, field) ? ERR_OK : wrong(s, k, n);
}

static void allow_int(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    snprintf(out, ALLOWED_MAX, "a whole number from %.0f to %.0f", k->min, k->max);
}

static void print_int(const struct schema_key *k, const void *field, int indent,
                      struct buf *out)
{
    (void)k;
    (void)indent;
    buf_addf(out, "%d", *(const int *)field);
}

static bool parse_real(const struct tree_node *n, double min, double max, double *out)
{
    if (!is_number_text(n, "+-.0123456789eE")) {
        return false;
    }
    char *end;
    double value = strtod(n->text, &end);
    if (*end != '\0' || end == n->text || !isfinite(value) || value < min ||
        value > max) {
        return false;
    }
    *out = value;
    return true;
}

static enum err read_real(const struct schema *s, const struct schema_key *k,
                          const struct tree_node *n, void *field)
{
    return parse_real(n, k->min, k->max, field) ? ERR_OK : wrong(s, k, n);
}

static void allow_real(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    snprintf(out, ALLOWED_MAX, "a number from %g to %g", k->min, k->max);
}

// The shortest text that reads back as the same double.
static void add_real(double value, struct buf *out)
{
    char text[DOUBLE_MAX];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    buf_addf(out, "%s", text);
}

static void print_real(const struct schema_key *k, const void *field, int indent,
                       struct buf *out)
{
    (void)k;
    (void)indent;
    add_real(*(const double *)field, out);
}

static const struct {
    const char *text;
    uint64_t factor;
} suffixes[] = {
    {"", 1},
    {"k", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
};

static bool find_suffix(const char *text, uint64_t *factor)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (strcmp(text, suffixes[i].text) == 0) {
            *factor = suffixes[i].factor;
            return true;
        }
    }
    return false;
}

// Digits with at most one point in them: value = *digits / *scale.
static const char *parse_decimal(const char *p, uint64_t *digits, uint64_t *scale)
{
    bool has_point = false;
    *digits = 0;
    *scale = 1;
    if (*p < '0' || *p > '9') {
        return NULL;
    }
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && !has_point); p++) {
        if (*p == '.') {
            has_point = true;
            continue;
        }
        if (__builtin_mul_overflow(*digits, 10, digits) ||
            __builtin_add_overflow(*digits, (uint64_t)(*p - '0'), digits) ||
            (has_point && __builtin_mul_overflow(*scale, 10, scale))) {
            return NULL;
        }
    }
    return p[-1] == '.' ? NULL : p;
}

static bool parse_count(const struct tree_node *n, double min, uint64_t *out)
{
    uint64_t digits;
    uint64_t scale;
    uint64_t factor;
    if (n->kind != TREE_SCALAR || n->is_quoted) {
        return false;
    }
    const char *rest = parse_decimal(n->text, &digits, &scale);
    if (!rest || !find_suffix(rest, &factor) ||
        __builtin_mul_overflow(digits, factor, &digits) || digits % scale != 0) {
        return false;
    }
    uint64_t value = digits / scale;
    if (value > INT64_MAX || (double)value < min) {
        return false;
    }
    *out = value;
    return true;
}

static enum err read_count(const struct schema *s, const struct schema_key *k,
                           const struct tree_node *n, void *field)
{
    return parse_count(n, k->min, field) ? ERR_OK : wrong(s, k, n);
}

static void allow_count(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    snprintf(
        out, ALLOWED_MAX,
        "a whole number from %.0f, as 2500000 or 2.5M; suffixes k, M, G, KiB, MiB, "
        "GiB",
        k->min);
}

static void print_count(const struct schema_key *k, const void *field, int indent,
                        struct buf *out)
{
    (void)k;
    (void)indent;
    buf_addf(out, "%" PRIu64, *(const uint64_t *)field);
}

// Zero stands for "no limit" where zero itself is not allowed.
static bool count_is_empty(const struct schema_key *k, const void *field)
{
    return k->min > 0 && *(const uint64_t *)field == 0;
}

// ---- ranges and lists of numbers ----

static enum err read_range(const struct schema *s, const struct schema_key *k,
                           const struct tree_node *n, void *field)
{
    double range[2];
    if (n->kind != TREE_LIST || n->n_children != 2 ||
        !parse_real(n->first, k->min, k->max, &range[0]) ||
        !parse_real(n->last, k->min, k->max, &range[1]) || range[0] > range[1]) {
        return wrong(s, k, n);
    }
    memcpy(field, range, sizeof(range));
    return ERR_OK;
}

static void allow_range(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    snprintf(out, ALLOWED_MAX, "[low, high], numbers from %g to %g, low not above high",
             k->min, k->max);
}

static void print_range(const struct schema_key *k, const void *field, int indent,
                        struct buf *out)
{
    (void)k;
    (void)indent;
    const double *range = field;
    buf_addf(out, "[");
    add_real(range[0], out);
    buf_addf(out, ", ");
    add_real(range[1], out);
    buf_addf(out, "]");
}

// `field` is the array; the map's struct, which holds the count too, begins before it.
static int count_of(const struct schema_key *k, const void *field)
{
    int count;
    memcpy(&count, (const char *)field - k->offset + k->count_offset, sizeof(count));
    return count;
}

static enum err read_reals(const struct schema *s, const struct schema_key *k,
                           const struct tree_node *n, void *field)
{
    if (n->kind != TREE_LIST || n->n_children > (int)k->size) {
        return wrong(s, k, n);
    }
    double *values = field;
    int count = 0;
    for (const struct tree_node *c = n->first; c; c = c->next, count++) {
        if (!parse_real(c, k->min, k->max, &values[count]) ||
            (count > 0 && values[count] <= values[count - 1])) {
            return wrong(s, k, n);
        }
    }
    memcpy((char *)field - k->offset + k->count_offset, &count, sizeof(count));
    return ERR_OK;
}

static void allow_reals(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    snprintf(out, ALLOWED_MAX,
             "[a, b, ...], up to %zu increasing numbers from %g to %g", k->size, k->min,
             k->max);
}

static void print_reals(const struct schema_key *k, const void *field, int indent,
                        struct buf *out)
{
    (void)indent;
    const double *values = field;
    buf_addf(out, "[");
    for (int i = 0; i < count_of(k, field); i++) {
        buf_addf(out, "%s", i > 0 ? ", " : "");
        add_real(values[i], out);
    }
    buf_addf(out, "]");
}

static bool has_no_elements(const struct schema_key *k, const void *field)
{
    return count_of(k, field) == 0;
}

// ---- limits ----

static enum err read_limits(const struct schema *s, const struct schema_key *k,
                            const struct tree_node *n, void *field)
{
    if (n->kind != TREE_LIST || n->n_children > (int)k->size) {
        return wrong(s, k, n);
    }
    struct constraint *limits = field;
    int count = 0;
    for (const struct tree_node *c = n->first; c; c = c->next, count++) {
        struct errinfo why = {0};
        if (!is_text(c)) {
            return wrong(s, k, c);
        }
        if (constraint_parse(c->text, &limits[count], &why) != ERR_OK) {
            return tree_error(s->tree, c, NULL, s->why, "%s", why.text);
        }
    }
    memcpy((char *)field - k->offset + k->count_offset, &count, sizeof(count));
    return ERR_OK;
}

static void allow_limits(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    snprintf(out, ALLOWED_MAX,
             "up to %zu texts as \"params <= 2.5M\", \"macs <= 571M\", \"bytes <= "
             "1MiB\", \"latency@phone <= 12ms\", \"eer <= 3%%\"",
             k->size);
}

static void print_limits(const struct schema_key *k, const void *field, int indent,
                         struct buf *out)
{
    (void)indent;
    const struct constraint *limits = field;
    char text[OBJECTIVE_TEXT_MAX];
    buf_addf(out, "[");
    for (int i = 0; i < count_of(k, field); i++) {
        buf_addf(out, "%s\"%s\"", i > 0 ? ", " : "",
                 constraint_print(&limits[i], text));
    }
    buf_addf(out, "]");
}

// ---- value lists ----

static void allow_values(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    snprintf(
        out, ALLOWED_MAX,
        "[a, b, ...] or {from: a, to: b, step: c}, up to %d increasing values, each "
        "%s",
        SPACE_VALUES_MAX, gene_kind_allowed(k->gene));
}

static enum err add_value(const struct schema *s, const struct schema_key *k,
                          const struct tree_node *n, int value, struct value_list *list)
{
    if (!gene_kind_allows(k->gene, value)) {
        return tree_error(s->tree, n, NULL, s->why, "holds %d; allowed: %s", value,
                          gene_kind_allowed(k->gene));
    }
    if (list->n > 0 && value <= list->values[list->n - 1]) {
        return tree_error(s->tree, n, NULL, s->why,
                          "is %d after %d; allowed: increasing values", value,
                          list->values[list->n - 1]);
    }
    if (list->n == SPACE_VALUES_MAX) {
        return wrong(s, k, n);
    }
    list->values[list->n++] = value;
    return ERR_OK;
}

static enum err read_value_list(const struct schema *s, const struct schema_key *k,
                                const struct tree_node *n, struct value_list *list)
{
    if (n->n_children < 1 || n->n_children > SPACE_VALUES_MAX) {
        return wrong(s, k, n);
    }
    for (const struct tree_node *c = n->first; c; c = c->next) {
        int value;
        if (!parse_int(c, INT32_MIN, INT32_MAX, &value)) {
            char what[64];
            return tree_error(s->tree, c, NULL, s->why, "%s; allowed: %s",
                              describe(c, what), gene_kind_allowed(k->gene));
        }
        enum err e = add_value(s, k, c, value, list);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

struct steps {
    int from, to, step;
};

static const struct schema_key steps_keys[] = {
    {"from", SCHEMA_INT, SCHEMA_REQUIRED, offsetof(struct steps, from), .min = 1,
     .max = 1000000},
    {"to", SCHEMA_INT, SCHEMA_REQUIRED, offsetof(struct steps, to), .min = 1,
     .max = 1000000},
    {"step", SCHEMA_INT, SCHEMA_REQUIRED, offsetof(struct steps, step), .min = 1,
     .max = 1000000},
    {0},
};

static enum err read_map(const struct schema *s, const struct schema_key *keys,
                         const struct tree_node *n, void *base);

static enum err read_steps(const struct schema *s, const struct schema_key *k,
                           const struct tree_node *n, struct value_list *list)
{
    struct steps r = {0, 0, 1};
    enum err e = read_map(s, steps_keys, n, &r);
    if (e == ERR_OK && r.from > r.to) {
        e = tree_error(s->tree, n, NULL, s->why,
                       "goes from %d to %d; allowed: from not "
                       "above to",
                       r.from, r.to);
    }
    for (int value = r.from; e == ERR_OK && value <= r.to; value += r.step) {
        e = add_value(s, k, n, value, list);
    }
    return e;
}

static enum err read_values(const struct schema *s, const struct schema_key *k,
                            const struct tree_node *n, void *field)
{
    struct value_list list = {0};
    if (n->kind == TREE_SCALAR) {
        return wrong(s, k, n);
    }
    enum err e = n->kind == TREE_LIST ? read_value_list(s, k, n, &list)
                                      : read_steps(s, k, n, &list);
    if (e == ERR_OK) {
        memcpy(field, &list, sizeof(list));
    }
    return e;
}

static void print_values(const struct schema_key *k, const void *field, int indent,
                         struct buf *out)
{
    (void)k;
    (void)indent;
    const struct value_list *list = field;
    for (int i = 0; i < list->n; i++) {
        buf_addf(out, "%s%d", i ? ", " : "[", list->values[i]);
    }
    buf_addf(out, "]");
}

// ---- maps ----

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

// Levenshtein distance, for "did you mean".
static size_t distance(const char *a, const char *b)
{
    size_t row[TREE_KEY_MAX + 2];
    size_t n = strlen(b);
    BUG_ON(n > TREE_KEY_MAX);
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t change = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = smaller(change, 1 + smaller(row[j], row[j + 1]));
        }
    }
    return row[n];
}

static enum err unknown_key(const struct schema *s, const struct schema_key *keys,
                            const struct tree_node *n)
{
    char allowed[ALLOWED_MAX] = "";
    size_t at = 0;
    const char *nearest = NULL;
    size_t best = 3; // more than two slips are another word
    for (const struct schema_key *k = keys; k->name && at < sizeof(allowed); k++) {
        at += (size_t)snprintf(allowed + at, sizeof(allowed) - at, "%s%s",
                               at ? ", " : "", k->name);
        size_t d = distance(n->key, k->name);
        if (d < best && d < strlen(k->name)) {
            best = d;
            nearest = k->name;
        }
    }
    if (nearest) {
        return tree_error(s->tree, n, NULL, s->why,
                          "is not a known key, did you mean %s? allowed: %s", nearest,
                          allowed);
    }
    return tree_error(s->tree, n, NULL, s->why, "is not a known key; allowed: %s",
                      allowed);
}

static bool has_key(const struct schema_key *keys, const char *name)
{
    for (; keys->name; keys++) {
        if (strcmp(keys->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum err missing_key(const struct schema *s, const struct schema_key *k,
                            const struct tree_node *map)
{
    char allowed[ALLOWED_MAX];
    types[k->type].allowed(k, allowed);
    return tree_error(s->tree, map, k->name, s->why, "is missing; allowed: %s",
                      allowed);
}

static enum err read_map(const struct schema *s, const struct schema_key *keys,
                         const struct tree_node *n, void *base)
{
    for (const struct tree_node *c = n->first; c; c = c->next) {
        if (!has_key(keys, c->key)) {
            return unknown_key(s, keys, c);
        }
    }
    for (const struct schema_key *k = keys; k->name; k++) {
        const struct tree_node *c = tree_get(n, k->name);
        if (!c && (k->flags & SCHEMA_REQUIRED)) {
            return missing_key(s, k, n);
        }
        if (c) {
            enum err e = types[k->type].read(s, k, c, (char *)base + k->offset);
            if (e != ERR_OK) {
                return e;
            }
        }
    }
    return ERR_OK;
}

static enum err read_submap(const struct schema *s, const struct schema_key *k,
                            const struct tree_node *n, void *field)
{
    return n->kind == TREE_MAP ? read_map(s, k->keys, n, field) : wrong(s, k, n);
}

static void allow_map(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    size_t at = (size_t)snprintf(out, ALLOWED_MAX, "%s with the keys",
                                 k->type == SCHEMA_MAP ? "a map" : "a list of maps");
    for (const struct schema_key *sub = k->keys; sub->name && at < ALLOWED_MAX; sub++) {
        at += (size_t)snprintf(out + at, ALLOWED_MAX - at, "%s %s",
                               sub == k->keys ? "" : ",", sub->name);
    }
}

// Hidden keys may lie outside of what is printed: their offset is not even computed.
static bool is_printed(const struct schema_key *k, const void *base)
{
    bool (*is_empty)(const struct schema_key *, const void *) = types[k->type].is_empty;
    if (k->flags & SCHEMA_HIDDEN) {
        return false;
    }
    return !is_empty || !is_empty(k, (const char *)base + k->offset);
}

// One that is WHOLE is empty as well when only its defaults could be printed.
static bool map_is_empty(const struct schema_key *k, const void *field)
{
    for (const struct schema_key *sub = k->keys; sub->name; sub++) {
        bool counts = !(k->flags & SCHEMA_WHOLE) || (sub->flags & SCHEMA_REQUIRED);
        if (counts && is_printed(sub, field)) {
            return false;
        }
    }
    return true;
}

// With `dash`, the first line stands behind a "- " two columns to the left.
static void print_map(const struct schema_key *keys, const void *base, int indent,
                      bool dash, struct buf *out)
{
    for (const struct schema_key *k = keys; k->name; k++) {
        if (!is_printed(k, base)) {
            continue;
        }
        const char *lead = dash ? "- " : "";
        int columns = dash ? indent - 2 : indent;
        dash = false;
        buf_addf(out, "%*s%s%s:%s", columns, "", lead, k->name,
                 types[k->type].is_block ? "\n" : " ");
        types[k->type].print(k, (const char *)base + k->offset, indent + 2, out);
        if (!types[k->type].is_block) {
            buf_add(out, "\n", 1);
        }
    }
}

static void print_submap(const struct schema_key *k, const void *field, int indent,
                         struct buf *out)
{
    print_map(k->keys, field, indent, false, out);
}

// ---- lists ----
// Their rows have the offset of the struct that holds array, count and preset, so
// `field` is that struct.

static enum err read_list(const struct schema *s, const struct schema_key *k,
                          const struct tree_node *n, void *field)
{
    if (n->kind != TREE_LIST) {
        return wrong(s, k, n);
    }
    if (n->n_children > (int)k->max) {
        return tree_error(s->tree, n, NULL, s->why,
                          "has %d entries; allowed: up to %.0f", n->n_children, k->max);
    }
    char *base = (char *)field - k->offset;
    char *element = field;
    for (const struct tree_node *c = n->first; c; c = c->next, element += k->size) {
        if (c->kind != TREE_MAP) {
            return wrong(s, k, c);
        }
        if (k->preset_offset) {
            memcpy(element, base + k->preset_offset, k->size);
        } else {
            memset(element, 0, k->size);
        }
        enum err e = read_map(s, k->keys, c, element);
        if (e != ERR_OK) {
            return e;
        }
    }
    memcpy(base + k->count_offset, &n->n_children, sizeof(n->n_children));
    return ERR_OK;
}

static void print_list(const struct schema_key *k, const void *field, int indent,
                       struct buf *out)
{
    const char *element = field;
    for (int i = 0; i < count_of(k, field); i++, element += k->size) {
        print_map(k->keys, element, indent + 2, true, out);
    }
}

// ---- keys that are somebody else's ----

static enum err skip_value(const struct schema *s, const struct schema_key *k,
                           const struct tree_node *n, void *field)
{
    (void)s;
    (void)k;
    (void)n;
    (void)field;
    return ERR_OK;
}

static void print_nothing(const struct schema_key *k, const void *field, int indent,
                          struct buf *out)
{
    (void)k;
    (void)field;
    (void)indent;
    (void)out;
}

static bool skip_is_empty(const struct schema_key *k, const void *field)
{
    (void)k;
    (void)field;
    return true;
}

static void allow_anything(const struct schema_key *k, char out[static ALLOWED_MAX])
{
    (void)k;
    snprintf(out, ALLOWED_MAX, "anything");
}

static const struct type_ops types[SCHEMA_SKIP + 1] = {
    [SCHEMA_NAME] = {read_text, print_text, text_is_empty, allow_text, false},
    [SCHEMA_TEXT] = {read_text, print_text, text_is_empty, allow_text, false},
    [SCHEMA_PATH] = {read_path, print_text, text_is_empty, allow_path, false},
    [SCHEMA_CHOICE] = {read_word, print_text, NULL, allow_words, false},
    [SCHEMA_WORD] = {read_word, print_word, NULL, allow_words, false},
    [SCHEMA_FLAG] = {read_word, print_word, NULL, allow_words, false},
    [SCHEMA_INT] = {read_int, print_int, NULL, allow_int, false},
    [SCHEMA_REAL] = {read_real, print_real, NULL, allow_real, false},
    [SCHEMA_COUNT] = {read_count, print_count, count_is_empty, allow_count, false},
    [SCHEMA_RANGE] = {read_range, print_range, NULL, allow_range, false},
    [SCHEMA_REALS] = {read_reals, print_reals, has_no_elements, allow_reals, false},
    [SCHEMA_LIMITS] = {read_limits, print_limits, has_no_elements, allow_limits, false},
    [SCHEMA_VALUES] = {read_values, print_values, NULL, allow_values, false},
    [SCHEMA_MAP] = {read_submap, print_submap, map_is_empty, allow_map, true},
    [SCHEMA_LIST] = {read_list, print_list, has_no_elements, allow_map, true},
    [SCHEMA_SKIP] = {skip_value, print_nothing, skip_is_empty, allow_anything, false},
};

enum err schema_read(const struct schema *s, const struct schema_key *keys, void *base)
{
    return read_map(s, keys, tree_root(s->tree), base);
}

void schema_print(const struct schema_key *keys, const void *base, struct buf *out)
{
    print_map(keys, base, 0, false, out);
}
