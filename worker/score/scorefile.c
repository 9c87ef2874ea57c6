// SPDX-License-Identifier: Apache-2.0
// scorefile.c - see scorefile.h.
#include "worker/score/scorefile.h"

#include "common/base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 4

static void add(struct scorefile *s, double score, bool is_target)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->scores = realloc(s->scores, s->cap * sizeof(*s->scores));
        s->is_target = realloc(s->is_target, s->cap * sizeof(*s->is_target));
        BUG_ON(!s->scores || !s->is_target);
    }
    s->scores[s->n] = score;
    s->is_target[s->n] = is_target;
    s->n++;
}

// Splits in place at blanks; counts one more than FIELDS when there are more.
static size_t split(char *line, char *fields[static FIELDS])
{
    static const char blanks[] = " \t\r";
    char *rest = NULL;
    size_t n = 0;
    for (char *f = strtok_r(line, blanks, &rest); f;
         f = strtok_r(NULL, blanks, &rest)) {
        if (n == FIELDS) {
            return FIELDS + 1;
        }
        fields[n++] = f;
    }
    return n;
}

static bool parse_score(const char *text, double *score)
{
    char *end = NULL;
    *score = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*score);
}

static enum err read_line(struct scorefile *s, const char *path, size_t number,
                          char *line, struct errinfo *why)
{
    char *fields[FIELDS];
    size_t n = split(line, fields);
    if (n == 0 || fields[0][0] == '#') {
        return ERR_OK;
    }
    if (n != FIELDS) {
        return err_set(why, ERR_INPUT,
                       "%s:%zu: expected \"enroll test score target|nontarget\"", path,
                       number);
    }
    double score;
    if (!parse_score(fields[2], &score)) {
        return err_set(why, ERR_INPUT,
                       "%s:%zu: the score \"%.40s\" is no finite number", path, number,
                       fields[2]);
    }
    bool is_target = strcmp(fields[3], "target") == 0;
    if (!is_target && strcmp(fields[3], "nontarget") != 0) {
        return err_set(why, ERR_INPUT,
                       "%s:%zu: \"%.40s\" is neither target nor nontarget", path,
                       number, fields[3]);
    }
    add(s, score, is_target);
    return ERR_OK;
}

static enum err read_lines(struct scorefile *s, const char *path, char *text,
                           struct errinfo *why)
{
    enum err e = ERR_OK;
    size_t number = 0;
    for (char *line = text; line && e == ERR_OK;) {
        char *end = strchr(line, '\n');
        if (end) {
            *end++ = '\0';
        }
        e = read_line(s, path, ++number, line, why);
        line = end;
    }
    if (e == ERR_OK && s->n == 0) {
        e = err_set(why, ERR_INPUT, "%s: holds no scores", path);
    }
    return e;
}

enum err scorefile_load(struct scorefile *s, const char *path, struct errinfo *why)
{
    *s = (struct scorefile){0};
    struct buf b = BUF_INIT;
    enum err e = file_read(path, SCOREFILE_MAX_BYTES, &b, why);
    if (e == ERR_OK && b.len > 0 && memchr(b.data, 0, b.len)) {
        e = err_set(why, ERR_INPUT, "%s: not a text file (it holds a zero byte)", path);
    }
    if (e == ERR_OK) {
        e = read_lines(s, path, b.len > 0 ? b.data : NULL, why);
    }
    buf_fini(&b);
    if (e != ERR_OK) {
        scorefile_fini(s);
    }
    return e;
}

void scorefile_fini(struct scorefile *s)
{
    free(s->scores);
    free(s->is_target);
    *s = (struct scorefile){0};
}
