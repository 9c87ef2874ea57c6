// SPDX-License-Identifier: Apache-2.0
// latency_table.c - see latency_table.h. Entries lie in rows: what shares everything
// but the last channel count. Rows are sorted by what they share, so that a unit
// between two rows finds both beside its own place.
#include "common/space/latency_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Section, dilation, kernel (0 where the section has none) and the first channel count
// in one number, so that a place is found by comparing numbers: this is asked millions
// of times in a search.
#define KEY_SECTION  56
#define KEY_DILATION 48
#define KEY_KERNEL   32

struct point {
    int channels; // the last channel count, 0 where the section has one only
    double ms;
};

struct row {
    uint64_t key;
    size_t n_points;
    size_t cap;
    struct point *points; // by channels
};

struct note {
    char *key;
    char *value;
};

struct latency_table {
    size_t n_rows;
    size_t cap_rows;
    struct row *rows; // by key
    size_t n_entries;
    bool tells_dilations; // some blocks are of one dilation
    size_t n_notes;
    struct note *notes;
};

// Which of a section's three numbers are channels: layer1 and blocks have their kernel
// in the middle.
static const struct section {
    const char *name;
    bool has_kernel;
} sections[LATENCY_SECTIONS] = {
    [LATENCY_LAYER1] = {"layer1", true},    [LATENCY_BLOCK] = {"blocks", true},
    [LATENCY_CATCONV] = {"catconv", false}, [LATENCY_POOL] = {"pool", false},
    [LATENCY_EMBED] = {"embed", false},
};

char *latency_unit_name(const struct latency_unit *u, char out[static LATENCY_NAME_MAX])
{
    BUG_ON((int)u->section >= LATENCY_SECTIONS);
    if (u->dilation > 0) {
        snprintf(out, LATENCY_NAME_MAX, "%s%d", sections[u->section].name, u->dilation);
    } else {
        snprintf(out, LATENCY_NAME_MAX, "%s", sections[u->section].name);
    }
    return out;
}

struct latency_table *latency_table_create(void)
{
    struct latency_table *t = calloc(1, sizeof(*t));
    BUG_ON(!t);
    return t;
}

void latency_table_destroy(struct latency_table *t)
{
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->n_rows; i++) {
        free(t->rows[i].points);
    }
    for (size_t i = 0; i < t->n_notes; i++) {
        free(t->notes[i].key);
        free(t->notes[i].value);
    }
    free(t->rows);
    free(t->notes);
    free(t);
}

size_t latency_table_count(const struct latency_table *t)
{
    return t->n_entries;
}

// ---------------------------------------------------------------- places

static uint64_t key_of(const struct latency_unit *u)
{
    int kernel = sections[u->section].has_kernel ? u->b : 0;
    return (uint64_t)u->section << KEY_SECTION | (uint64_t)u->dilation << KEY_DILATION |
           (uint64_t)kernel << KEY_KERNEL | (uint32_t)u->a;
}

static int channels_of(uint64_t key)
{
    return (int)(uint32_t)key;
}

// Of everything but the channels: only between such rows is interpolated.
static bool is_same_kind(uint64_t x, uint64_t y)
{
    return x >> KEY_KERNEL == y >> KEY_KERNEL;
}

static int last_channels(const struct latency_unit *u)
{
    return sections[u->section].has_kernel ? u->c : u->b;
}

// The first row that is not below the key; n_rows when all are.
static size_t row_place(const struct latency_table *t, uint64_t key)
{
    size_t low = 0;
    size_t high = t->n_rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->rows[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t point_place(const struct row *r, int channels)
{
    size_t low = 0;
    size_t high = r->n_points;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->points[middle].channels < channels) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// ---------------------------------------------------------------- filling

static void *grow(void *items, size_t n, size_t *cap, size_t item_bytes)
{
    if (n < *cap) {
        return items;
    }
    *cap = *cap ? 2 * *cap : 8;
    items = realloc(items, *cap * item_bytes);
    BUG_ON(!items);
    return items;
}

static struct row *row_at(struct latency_table *t, uint64_t key)
{
    size_t at = row_place(t, key);
    if (at < t->n_rows && t->rows[at].key == key) {
        return &t->rows[at];
    }
    t->rows = grow(t->rows, t->n_rows, &t->cap_rows, sizeof(*t->rows));
    memmove(t->rows + at + 1, t->rows + at, (t->n_rows - at) * sizeof(*t->rows));
    t->n_rows++;
    t->rows[at] = (struct row){.key = key};
    t->tells_dilations |= (key >> KEY_DILATION & 0xff) != 0;
    return &t->rows[at];
}

void latency_table_set(struct latency_table *t, const struct latency_unit *u, double ms)
{
    BUG_ON((int)u->section >= LATENCY_SECTIONS || !isfinite(ms) || ms < 0);
    struct row *r = row_at(t, key_of(u));
    int channels = last_channels(u);
    size_t at = point_place(r, channels);
    if (at < r->n_points && r->points[at].channels == channels) {
        r->points[at].ms = ms;
        return;
    }
    r->points = grow(r->points, r->n_points, &r->cap, sizeof(*r->points));
    memmove(r->points + at + 1, r->points + at,
            (r->n_points - at) * sizeof(*r->points));
    r->n_points++;
    r->points[at] = (struct point){channels, ms};
    t->n_entries++;
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    BUG_ON(!copy);
    return copy;
}

void latency_table_note(struct latency_table *t, const char *key, const char *value)
{
    BUG_ON(strpbrk(key, ":\n") || strchr(value, '\n'));
    for (size_t i = 0; i < t->n_notes; i++) {
        if (strcmp(t->notes[i].key, key) == 0) {
            char *copy = copy_text(value); // it may be the old value itself
            free(t->notes[i].value);
            t->notes[i].value = copy;
            return;
        }
    }
    t->notes = realloc(t->notes, (t->n_notes + 1) * sizeof(*t->notes));
    BUG_ON(!t->notes);
    t->notes[t->n_notes++] = (struct note){copy_text(key), copy_text(value)};
}

const char *latency_table_noted(const struct latency_table *t, const char *key)
{
    for (size_t i = 0; i < t->n_notes; i++) {
        if (strcmp(t->notes[i].key, key) == 0) {
            return t->notes[i].value;
        }
    }
    return NULL;
}

// ---------------------------------------------------------------- asking

static double between(int low, double low_ms, int high, double high_ms, int at)
{
    double share = (double)(at - low) / (double)(high - low);
    return low_ms + share * (high_ms - low_ms);
}

// Along one row; false outside of its points.
static bool along_row(const struct row *r, int channels, double *ms)
{
    size_t at = point_place(r, channels);
    if (at == r->n_points) {
        return false;
    }
    const struct point *high = &r->points[at];
    if (high->channels == channels) {
        *ms = high->ms;
        return true;
    }
    if (at == 0) {
        return false;
    }
    const struct point *low = high - 1;
    *ms = between(low->channels, low->ms, high->channels, high->ms, channels);
    return true;
}

// The nearest row on each side that covers the last channel count.
static bool between_rows(const struct latency_table *t, uint64_t key, int channels,
                         double *ms)
{
    double low_ms = 0;
    double high_ms = 0;
    size_t low = row_place(t, key);
    size_t high = low;
    while (high < t->n_rows && is_same_kind(t->rows[high].key, key) &&
           !along_row(&t->rows[high], channels, &high_ms)) {
        high++;
    }
    if (high == t->n_rows || !is_same_kind(t->rows[high].key, key)) {
        return false;
    }
    if (t->rows[high].key == key) {
        *ms = high_ms;
        return true;
    }
    while (low > 0 && is_same_kind(t->rows[low - 1].key, key)) {
        low--;
        if (along_row(&t->rows[low], channels, &low_ms)) {
            *ms = between(channels_of(t->rows[low].key), low_ms,
                          channels_of(t->rows[high].key), high_ms, channels_of(key));
            return true;
        }
    }
    return false;
}

bool latency_of_unit(const struct latency_table *t, const struct latency_unit *u,
                     double *ms)
{
    BUG_ON((int)u->section >= LATENCY_SECTIONS);
    bool is_of_one = u->dilation != 0;
    if ((!is_of_one || t->tells_dilations) &&
        between_rows(t, key_of(u), last_channels(u), ms)) {
        return true;
    }
    struct latency_unit any = *u; // blocks of any dilation
    any.dilation = 0;
    return is_of_one && between_rows(t, key_of(&any), last_channels(u), ms);
}

size_t latency_units_of(const struct arch *a, const struct net_dims *d,
                        struct latency_unit out[static LATENCY_UNITS_MAX])
{
    BUG_ON(a->depth < 1 || a->depth > ARCH_DEPTH_MAX);
    size_t n = 0;
    out[n++] =
        (struct latency_unit){LATENCY_LAYER1, 0, d->n_mels, a->kernel[0], a->width[0]};
    for (int i = 1; i <= a->depth; i++) {
        out[n++] = (struct latency_unit){LATENCY_BLOCK, i + 1, a->width[0],
                                         a->kernel[i], a->width[i]};
    }
    out[n++] =
        (struct latency_unit){LATENCY_CATCONV, 0, a->depth * a->width[0], a->cat, 0};
    out[n++] = (struct latency_unit){LATENCY_POOL, 0, a->cat, 0, 0};
    out[n++] = (struct latency_unit){LATENCY_EMBED, 0, 2 * a->cat, d->n_embed, 0};
    return n;
}

bool latency_of(const struct latency_table *t, const struct arch *a,
                const struct net_dims *d, double *ms)
{
    struct latency_unit units[LATENCY_UNITS_MAX];
    size_t n = latency_units_of(a, d, units);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double unit_ms;
        if (!latency_of_unit(t, &units[i], &unit_ms)) {
            return false;
        }
        sum += unit_ms;
    }
    *ms = sum;
    return true;
}

// ---------------------------------------------------------------- listing

static struct latency_unit unit_of(uint64_t key, int channels)
{
    enum latency_section section = (enum latency_section)(key >> KEY_SECTION);
    struct latency_unit u = {section, (int)(key >> KEY_DILATION & 0xff),
                             channels_of(key), channels, 0};
    if (sections[section].has_kernel) {
        u.b = (int)(key >> KEY_KERNEL & 0xffff);
        u.c = channels;
    }
    return u;
}

static int compare_entries(const void *x, const void *y)
{
    const struct latency_unit *a = &((const struct latency_entry *)x)->unit;
    const struct latency_unit *b = &((const struct latency_entry *)y)->unit;
    if (a->section != b->section) {
        return strcmp(sections[a->section].name, sections[b->section].name);
    }
    const int left[] = {a->dilation, a->a, a->b, a->c};
    const int right[] = {b->dilation, b->a, b->b, b->c};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

struct latency_entry *latency_table_entries(const struct latency_table *t)
{
    struct latency_entry *entries = malloc((t->n_entries + 1) * sizeof(*entries));
    BUG_ON(!entries);
    size_t n = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct row *r = &t->rows[i];
        for (size_t j = 0; j < r->n_points; j++) {
            entries[n++] = (struct latency_entry){
                unit_of(r->key, r->points[j].channels), r->points[j].ms};
        }
    }
    BUG_ON(n != t->n_entries);
    qsort(entries, n, sizeof(*entries), compare_entries);
    return entries;
}

static void print_notes(const struct latency_table *t, struct buf *out)
{
    for (size_t i = 0; i < t->n_notes; i++) {
        buf_addf(out, "# %s: %s\n", t->notes[i].key, t->notes[i].value);
    }
}

// Microseconds' millionths are enough for most; more digits where they say more.
static void print_ms(double ms, struct buf *out)
{
    char text[400]; // the largest double has 309 digits
    snprintf(text, sizeof(text), "%.6f", ms);
    for (int digits = 7; digits <= 17 && strtod(text, NULL) != ms; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, ms);
    }
    buf_add(out, text, strlen(text));
}

void latency_table_print(const struct latency_table *t, struct buf *out)
{
    struct latency_entry *entries = latency_table_entries(t);
    char name[LATENCY_NAME_MAX];
    buf_addf(out, "%s\n", LATENCY_CSV_HEADER);
    print_notes(t, out);
    for (size_t i = 0; i < t->n_entries; i++) {
        const struct latency_unit *u = &entries[i].unit;
        buf_addf(out, "%s,%d,%d,%d,", latency_unit_name(u, name), u->a, u->b, u->c);
        print_ms(entries[i].ms, out);
        buf_add(out, "\n", 1);
    }
    free(entries);
}
