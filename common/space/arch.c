// SPDX-License-Identifier: Apache-2.0
// arch.c - see arch.h.
#include "common/space/arch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_STEP 8
#define WIDTH_MAX  8192
// No allowed number is longer; more digits are an error before they can overflow.
#define DIGITS_MAX 6

static bool depth_allows(int value)
{
    return value >= 1 && value <= ARCH_DEPTH_MAX;
}

static bool width_allows(int value)
{
    return value >= WIDTH_STEP && value <= WIDTH_MAX && value % WIDTH_STEP == 0;
}

static bool kernel_allows(int value)
{
    return value == 1 || value == 3 || value == 5;
}

static const struct kind {
    const char *name;
    const char *allowed;
    bool (*allows)(int value);
    bool is_per_layer;
    size_t offset; // in struct arch
} kinds[GENE_KINDS] = {
    [GENE_DEPTH] = {"depth", "1 to 8", depth_allows, false,
                    offsetof(struct arch, depth)},
    [GENE_WIDTH] = {"width", "a multiple of 8 from 8 to 8192", width_allows, true,
                    offsetof(struct arch, width)},
    [GENE_KERNEL] = {"kernel", "1, 3 or 5", kernel_allows, true,
                     offsetof(struct arch, kernel)},
    [GENE_CAT] = {"cat", "a multiple of 8 from 8 to 8192", width_allows, false,
                  offsetof(struct arch, cat)},
};

const char *gene_kind_name(enum gene_kind k)
{
    return kinds[k].name;
}

const char *gene_kind_allowed(enum gene_kind k)
{
    return kinds[k].allowed;
}

bool gene_kind_allows(enum gene_kind k, int value)
{
    return kinds[k].allows(value);
}

bool gene_kind_is_per_layer(enum gene_kind k)
{
    return kinds[k].is_per_layer;
}

static size_t offset_of(enum gene_kind k, int layer)
{
    BUG_ON(layer < 0 || layer > (kinds[k].is_per_layer ? ARCH_DEPTH_MAX : 0));
    return kinds[k].offset + (size_t)layer * sizeof(int);
}

int *arch_field(struct arch *a, enum gene_kind k, int layer)
{
    return (int *)(void *)((char *)a + offset_of(k, layer));
}

int arch_value(const struct arch *a, enum gene_kind k, int layer)
{
    return *(const int *)(const void *)((const char *)a + offset_of(k, layer));
}

// "width 2" or "cat", for sentences.
static const char *field_name(enum gene_kind k, int layer, char out[static 24])
{
    if (kinds[k].is_per_layer) {
        snprintf(out, 24, "%s %d", kinds[k].name, layer);
    } else {
        snprintf(out, 24, "%s", kinds[k].name);
    }
    return out;
}

struct cursor {
    const char *at;
    int index; // of the number that comes next, from 1
    struct errinfo *why;
};

// What stands where a number was due, without letting it break the sentence.
static enum err refuse_number(struct cursor *c, enum gene_kind k, int layer, size_t n)
{
    char name[24];
    field_name(k, layer, name);
    if (n == 0) {
        return err_set(c->why, ERR_INPUT, "number %d (%s) is missing; allowed: %s",
                       c->index, name, kinds[k].allowed);
    }
    return err_set(c->why, ERR_INPUT, "number %d (%s) is \"%.*s\"; allowed: %s",
                   c->index, name, (int)(n < 24 ? n : 24), c->at, kinds[k].allowed);
}

static bool read_digits(const char *text, size_t n, int *value)
{
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *value = *value * 10 + (text[i] - '0');
    }
    return n > 0 && text[0] != '0';
}

static enum err read_number(struct cursor *c, struct arch *a, enum gene_kind k,
                            int layer)
{
    size_t n = strcspn(c->at, "-");
    int value;
    if (n > DIGITS_MAX || !read_digits(c->at, n, &value) || !kinds[k].allows(value)) {
        return refuse_number(c, k, layer, n);
    }
    *arch_field(a, k, layer) = value;
    c->at += n;
    c->index++;
    if (*c->at == '-') {
        c->at++;
    } else if (k != GENE_CAT) {
        return err_set(c->why, ERR_INPUT,
                       "ends after %d numbers; depth %d takes %d: depth, %d widths, %d "
                       "kernels, cat",
                       c->index - 1, a->depth, 2 * a->depth + 4, a->depth + 1,
                       a->depth + 1);
    }
    return ERR_OK;
}

static enum err read_layers(struct cursor *c, struct arch *a, enum gene_kind k)
{
    for (int layer = 0; layer <= a->depth; layer++) {
        enum err e = read_number(c, a, k, layer);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

static enum err read_arch(struct cursor *c, struct arch *a)
{
    const char *start = c->at;
    enum err e = read_number(c, a, GENE_DEPTH, 0);
    if (e == ERR_OK) {
        e = read_layers(c, a, GENE_WIDTH);
    }
    if (e == ERR_OK) {
        e = read_layers(c, a, GENE_KERNEL);
    }
    if (e == ERR_OK) {
        e = read_number(c, a, GENE_CAT, 0);
    }
    if (e == ERR_OK && c->at[-1] == '-') {
        e = err_set(c->why, ERR_INPUT,
                    "goes on after cat, its last number (depth %d takes %d numbers): "
                    "\"%.24s\" is too much",
                    a->depth, 2 * a->depth + 4, c->at - 1);
    }
    return e == ERR_OK ? ERR_OK
                       : err_prefix(c->why, e, "architecture \"%.80s\"", start);
}

enum err arch_parse(const char *text, struct arch *out, struct errinfo *why)
{
    struct arch a = {0};
    struct cursor c = {text, 1, why};
    enum err e = read_arch(&c, &a);
    if (e == ERR_OK) {
        *out = a;
    }
    return e;
}

char *arch_print(const struct arch *a, char out[static ARCH_STRING_MAX])
{
    BUG_ON(!depth_allows(a->depth));
    size_t at = (size_t)snprintf(out, ARCH_STRING_MAX, "%d", a->depth);
    for (int i = 0; i <= a->depth; i++) {
        at += (size_t)snprintf(out + at, ARCH_STRING_MAX - at, "-%d", a->width[i]);
    }
    for (int i = 0; i <= a->depth; i++) {
        at += (size_t)snprintf(out + at, ARCH_STRING_MAX - at, "-%d", a->kernel[i]);
    }
    at += (size_t)snprintf(out + at, ARCH_STRING_MAX - at, "-%d", a->cat);
    BUG_ON(at >= ARCH_STRING_MAX);
    return out;
}

static uint64_t hash_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * 0x100000001b3u;
}

static uint64_t hash_number(uint64_t hash, int value)
{
    int divisor = 1;
    while (value / divisor >= 10) {
        divisor *= 10;
    }
    hash = hash_byte(hash, '-');
    for (; divisor > 0; divisor /= 10) {
        hash = hash_byte(hash, (unsigned char)('0' + value / divisor % 10));
    }
    return hash;
}

// FNV-1a over the string form, which is the same everywhere, without writing it: a
// search asks for millions of these.
uint64_t arch_hash(const struct arch *a)
{
    BUG_ON(!depth_allows(a->depth));
    uint64_t hash = hash_byte(0xcbf29ce484222325u, (unsigned char)('0' + a->depth));
    for (int i = 0; i <= a->depth; i++) {
        hash = hash_number(hash, a->width[i]);
    }
    for (int i = 0; i <= a->depth; i++) {
        hash = hash_number(hash, a->kernel[i]);
    }
    return hash_number(hash, a->cat);
}

bool arch_equal(const struct arch *a, const struct arch *b)
{
    return memcmp(a, b, sizeof(*a)) == 0; // ints only: no padding
}

static enum err check_field(const struct arch *a, enum gene_kind k, int layer, int max,
                            int divisor, struct errinfo *why)
{
    char name[24];
    int value = arch_value(a, k, layer);
    if (!kinds[k].allows(value)) {
        return err_set(why, ERR_INPUT, "%s is %d; allowed: %s",
                       field_name(k, layer, name), value, kinds[k].allowed);
    }
    if (value > max) {
        return err_set(why, ERR_INPUT, "%s is %d; the supernet has at most %d",
                       field_name(k, layer, name), value, max);
    }
    if (value % divisor != 0) {
        return err_set(why, ERR_INPUT, "%s is %d; the supernet needs a multiple of %d",
                       field_name(k, layer, name), value, divisor);
    }
    return ERR_OK;
}

static enum err check_layer(const struct arch *a, const struct net_dims *d, int layer,
                            struct errinfo *why)
{
    if (layer > a->depth) {
        bool is_canonical = a->width[layer] == 0 && a->kernel[layer] == 0;
        return is_canonical ? ERR_OK
                            : err_set(why, ERR_INPUT, "layer %d is beyond depth %d",
                                      layer, a->depth);
    }
    int divisor = layer == 0 ? d->se_reduction : d->res2_scale;
    enum err e = check_field(a, GENE_WIDTH, layer, d->max_width, divisor, why);
    return e == ERR_OK ? check_field(a, GENE_KERNEL, layer, d->max_kernel, 1, why) : e;
}

enum err arch_fits(const struct arch *a, const struct net_dims *d, struct errinfo *why)
{
    enum err e = check_field(a, GENE_DEPTH, 0, d->max_depth, 1, why);
    for (int layer = 0; e == ERR_OK && layer <= ARCH_DEPTH_MAX; layer++) {
        e = check_layer(a, d, layer, why);
    }
    return e == ERR_OK ? check_field(a, GENE_CAT, 0, d->max_cat, 1, why) : e;
}

struct arch arch_largest(const struct net_dims *d)
{
    BUG_ON(!depth_allows(d->max_depth));
    struct arch a = {.depth = d->max_depth, .cat = d->max_cat};
    for (int i = 0; i <= a.depth; i++) {
        a.width[i] = d->max_width;
        a.kernel[i] = d->max_kernel;
    }
    return a;
}
