// SPDX-License-Identifier: Apache-2.0
// latency_csv.c - reading latency tables; see latency_table.h. Every refusal names file
// and line, what stands there and what is allowed.
#include "common/base/file.h"
#include "common/space/latency_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The finest table of the paper's space has 23,590 lines in 0.6 MB.
#define FILE_MAX_BYTES (64u << 20)
#define CHANNELS_MAX   1000000
#define KERNEL_MAX     99
#define MS_MAX         1e9
#define LINE_MAX_BYTES 256
#define FIELDS         5

struct text_line {
    const char *at;
    size_t n;
    size_t number; // from 1
};

// What a section's three numbers mean, and which dilations its name may carry.
static const struct section {
    const char *name;
    enum latency_section section;
    int dilation;
    const char *numbers;
    int max[3]; // 0: must be 0
} sections[] = {
    {"layer1",
     LATENCY_LAYER1,
     0,
     "in, kernel, out",
     {CHANNELS_MAX, KERNEL_MAX, CHANNELS_MAX}},
    {"blocks",
     LATENCY_BLOCK,
     0,
     "channels, kernel, mid",
     {CHANNELS_MAX, KERNEL_MAX, CHANNELS_MAX}},
    {"catconv", LATENCY_CATCONV, 0, "in, out, 0", {CHANNELS_MAX, CHANNELS_MAX, 0}},
    {"pool", LATENCY_POOL, 0, "channels, 0, 0", {CHANNELS_MAX, 0, 0}},
    {"embed", LATENCY_EMBED, 0, "in, out, 0", {CHANNELS_MAX, CHANNELS_MAX, 0}},
};
#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

static const char names_allowed[] =
    "layer1, blocks, blocks2 to blocks9, catconv, pool, embed";

// "blocks" and one digit, 2 to 9.
static bool is_dilated_block(const char *name, int *dilation)
{
    const char prefix[] = "blocks";
    size_t n = sizeof(prefix) - 1;
    if (strncmp(name, prefix, n) != 0 || name[n] < '2' || name[n] > '9' ||
        name[n + 1] != '\0') {
        return false;
    }
    *dilation = name[n] - '0';
    return true;
}

static const struct section *find_section(const char *name, int *dilation)
{
    *dilation = 0;
    const char *wanted = is_dilated_block(name, dilation) ? "blocks" : name;
    for (size_t i = 0; i < N_SECTIONS; i++) {
        if (strcmp(sections[i].name, wanted) == 0) {
            return &sections[i];
        }
    }
    return NULL;
}

// Cuts the line at its commas; false unless there are exactly FIELDS of them.
static bool split(char *line, char *fields[static FIELDS])
{
    size_t n = 0;
    for (char *at = line;; at++) {
        if (n == FIELDS) {
            return false;
        }
        fields[n++] = at;
        at += strcspn(at, ",");
        if (*at == '\0') {
            return n == FIELDS;
        }
        *at = '\0';
    }
}

static bool read_whole(const char *text, int max, int *value)
{
    size_t n = strlen(text);
    if (n < 1 || n > 7 || strspn(text, "0123456789") != n) {
        return false;
    }
    *value = (int)strtol(text, NULL, 10);
    return max == 0 ? *value == 0 : *value >= 1 && *value <= max;
}

static bool read_ms(const char *text, double *ms)
{
    char *end = NULL;
    if (*text == '\0' || strspn(text, "0123456789.eE+-") != strlen(text)) {
        return false;
    }
    *ms = strtod(text, &end);
    return *end == '\0' && isfinite(*ms) && *ms >= 0 && *ms <= MS_MAX;
}

static enum err read_entry(char *fields[static FIELDS], struct latency_entry *out,
                           struct errinfo *why)
{
    const struct section *s = find_section(fields[0], &out->unit.dilation);
    if (!s) {
        return err_set(why, ERR_INPUT, "there is no section \"%.40s\"; allowed: %s",
                       fields[0], names_allowed);
    }
    out->unit.section = s->section;
    int *numbers[] = {&out->unit.a, &out->unit.b, &out->unit.c};
    for (int i = 0; i < 3; i++) {
        if (!read_whole(fields[1 + i], s->max[i], numbers[i])) {
            return err_set(why, ERR_INPUT,
                           "k%d of %s is \"%.40s\"; its numbers are %s: allowed: %d to "
                           "%d",
                           i + 1, fields[0], fields[1 + i], s->numbers, s->max[i] > 0,
                           s->max[i]);
        }
    }
    if (!read_ms(fields[4], &out->ms)) {
        return err_set(why, ERR_INPUT,
                       "ms is \"%.40s\"; allowed: a number from 0 to 1e9", fields[4]);
    }
    return ERR_OK;
}

// `# key: value` is a note, of any length; other comments are not looked at.
static void read_comment(const struct text_line *line, struct latency_table *t)
{
    char *text = strndup(line->at, line->n);
    BUG_ON(!text);
    text[strcspn(text, "\r")] = '\0';
    char *key = text + 1 + strspn(text + 1, " \t");
    char *colon = strchr(key, ':');
    if (colon && colon != key) {
        *colon = '\0';
        latency_table_note(t, key, colon + 1 + strspn(colon + 1, " \t"));
    }
    free(text);
}

static enum err add_line(char *text, struct latency_table *t, struct errinfo *why)
{
    char *fields[FIELDS];
    struct latency_entry entry = {0};
    if (!split(text, fields)) {
        return err_set(why, ERR_INPUT, "not five fields with commas between them: %s",
                       LATENCY_CSV_HEADER);
    }
    enum err e = read_entry(fields, &entry, why);
    if (e != ERR_OK) {
        return e;
    }
    size_t n_before = latency_table_count(t);
    latency_table_set(t, &entry.unit, entry.ms);
    if (latency_table_count(t) == n_before) {
        return err_set(why, ERR_INPUT, "%s,%d,%d,%d is there twice", fields[0],
                       entry.unit.a, entry.unit.b, entry.unit.c);
    }
    return ERR_OK;
}

static enum err read_line(const struct text_line *line, bool *has_header,
                          struct latency_table *t, struct errinfo *why)
{
    char text[LINE_MAX_BYTES];
    if (line->n > 0 && line->at[0] == '#' && !memchr(line->at, '\0', line->n)) {
        read_comment(line, t);
        return ERR_OK;
    }
    if (line->n >= sizeof(text) || memchr(line->at, '\0', line->n)) {
        return err_set(why, ERR_INPUT, "not a line of text of at most %d bytes",
                       LINE_MAX_BYTES - 1);
    }
    memcpy(text, line->at, line->n);
    text[line->n] = '\0';
    text[strcspn(text, "\r")] = '\0';
    if (text[0] == '\0') {
        return ERR_OK;
    }
    if (*has_header) {
        return add_line(text, t, why);
    }
    *has_header = strcmp(text, LATENCY_CSV_HEADER) == 0;
    return *has_header
               ? ERR_OK
               : err_set(why, ERR_INPUT, "the first line is \"%.60s\"; it must be %s",
                         text, LATENCY_CSV_HEADER);
}

static enum err read_lines(const char *csv, size_t n, const char *name,
                           struct latency_table *t, struct errinfo *why)
{
    struct text_line line = {.at = csv};
    bool has_header = false;
    const char *end = csv + n;
    while (line.at < end) {
        const char *newline = memchr(line.at, '\n', (size_t)(end - line.at));
        line.n = (size_t)((newline ? newline : end) - line.at);
        line.number++;
        enum err e = read_line(&line, &has_header, t, why);
        if (e != ERR_OK) {
            return err_prefix(why, e, "%s:%zu", name, line.number);
        }
        line.at = newline ? newline + 1 : end;
    }
    if (latency_table_count(t) == 0) {
        return err_set(why, ERR_INPUT, "%s holds no latency; its lines are %s", name,
                       LATENCY_CSV_HEADER);
    }
    return ERR_OK;
}

enum err latency_table_parse(const char *csv, size_t n, const char *name,
                             struct latency_table **out, struct errinfo *why)
{
    *out = NULL;
    struct latency_table *t = latency_table_create();
    enum err e = read_lines(csv, n, name, t, why);
    if (e != ERR_OK) {
        latency_table_destroy(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

enum err latency_table_load(const char *path, struct latency_table **out,
                            struct errinfo *why)
{
    *out = NULL;
    struct buf csv = BUF_INIT;
    enum err e = file_read(path, FILE_MAX_BYTES, &csv, why);
    if (e == ERR_OK) {
        e = latency_table_parse(csv.data ? csv.data : "", csv.len, path, out, why);
    }
    buf_fini(&csv);
    return e;
}
