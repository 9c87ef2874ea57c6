// SPDX-License-Identifier: Apache-2.0
// pack_report.c - see pack_report.h.
#include "coordinator/study/pack_report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The text after `key=` at the start of a word; NULL when there is none.
static const char *value_of(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = strstr(text, key); at; at = strstr(at + len, key)) {
        bool starts_word = at == text || at[-1] == ' ' || at[-1] == '\n';
        if (starts_word && at[len] == '=') {
            return at + len + 1;
        }
    }
    return NULL;
}

static enum err read_count(const char *text, const char *key, uint64_t limit,
                           uint64_t *out, struct errinfo *why)
{
    const char *digits = value_of(text, key);
    if (!digits || *digits < '0' || *digits > '9') {
        return err_set(why, ERR_PROTO, "the packer's summary has no number %s", key);
    }
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(digits, &end, 10);
    bool ends_word = *end == '\0' || *end == ' ' || *end == '\n';
    if (errno != 0 || !ends_word || n == 0 || n > limit) {
        return err_set(why, ERR_PROTO, "the packer's summary has a wrong %s", key);
    }
    *out = n;
    return ERR_OK;
}

enum err pack_report_parse(const char *text, struct pack_counts *out,
                           struct errinfo *why)
{
    uint64_t n_speakers = 0;
    enum err e =
        read_count(text, "train_utterances", UINT64_MAX, &out->n_train_utts, why);
    if (e == ERR_OK) {
        e = read_count(text, "train_speakers", UINT32_MAX, &n_speakers, why);
    }
    if (e == ERR_OK) {
        e = read_count(text, "trials", UINT64_MAX, &out->n_trials, why);
    }
    out->n_speakers = (uint32_t)n_speakers;
    return e;
}

static size_t trimmed_len(const char *text)
{
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' ')) {
        len--;
    }
    return len;
}

// Where the last lines begin that take at most `cap` once joined.
static size_t tail_start(const char *text, size_t len, size_t cap)
{
    size_t n_out = 0;
    size_t start = len;
    for (size_t i = len; i-- > 0;) {
        n_out += text[i] == '\n' ? 2 : 1;
        if (n_out >= cap) {
            break;
        }
        if (i == 0 || text[i - 1] == '\n') {
            start = i;
        }
    }
    return start < len ? start : (len >= cap ? len - cap + 1 : 0);
}

void pack_report_tail(const char *text, char *out, size_t cap)
{
    BUG_ON(cap == 0);
    size_t len = trimmed_len(text);
    size_t at = 0;
    for (size_t i = tail_start(text, len, cap); i < len; i++) {
        const char *add = text[i] == '\n' ? "; " : (const char[]){text[i], '\0'};
        size_t n = strlen(add);
        BUG_ON(at + n >= cap);
        memcpy(out + at, add, n);
        at += n;
    }
    out[at] = '\0';
}

static bool is_progress(const char *line, size_t n)
{
    static const char mark[] = " recordings read";
    size_t n_mark = sizeof(mark) - 1;
    return n > n_mark && memcmp(line + n - n_mark, mark, n_mark) == 0;
}

void pack_report_take_progress(struct buf *text, char *out, size_t cap)
{
    static const char prefix[] = "data: ";
    size_t kept = 0;
    size_t at = 0;
    while (at < text->len) {
        const char *line = text->data + at;
        const char *end = memchr(line, '\n', text->len - at);
        size_t n = end ? (size_t)(end - line) : text->len - at;
        if (end && is_progress(line, n)) {
            size_t skip =
                memcmp(line, prefix, sizeof(prefix) - 1) ? 0 : sizeof(prefix) - 1;
            snprintf(out, cap, "%.*s", (int)(n - skip), line + skip);
        } else {
            memmove(text->data + kept, line, n + (end ? 1 : 0));
            kept += n + (end ? 1 : 0);
        }
        at += n + (end ? 1 : 0);
    }
    if (kept < text->len) {
        text->len = kept;
        text->data[kept] = '\0';
    }
}
