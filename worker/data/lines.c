// SPDX-License-Identifier: Apache-2.0
// lines.c - see lines.h.
#include "worker/data/lines.h"

#include "common/base/file.h"
#include "worker/data/recordings.h"

#include <string.h>

static const char blanks[] = " \t";
static const char byte_order_mark[] = "\xef\xbb\xbf";

enum err lines_open(struct lines *l, const char *path, char **text, struct errinfo *why)
{
    struct buf b = BUF_INIT;
    enum err e = file_read(path, LIST_FILE_MAX_BYTES, &b, why);
    if (e != ERR_OK) {
        buf_fini(&b);
        return e;
    }
    size_t n = b.len;
    if (n > 0 && memchr(b.data, 0, n)) {
        buf_fini(&b);
        return err_set(why, ERR_INPUT, "%s: not a text file (it holds a zero byte)",
                       path);
    }
    *text = buf_give(&b);
    *l = (struct lines){.path = path, .at = *text, .end = *text + n};
    if (strncmp(*text, byte_order_mark, 3) == 0) {
        l->at += 3;
    }
    return ERR_OK;
}

static char *take_line(struct lines *l)
{
    char *line = l->at;
    char *end = memchr(line, '\n', (size_t)(l->end - line));
    if (!end) {
        end = l->end;
        l->at = l->end;
    } else {
        l->at = end + 1;
    }
    *end = '\0';
    if (end > line && end[-1] == '\r') {
        end[-1] = '\0';
    }
    l->number++;
    return line;
}

char *lines_next(struct lines *l)
{
    while (l->at < l->end) {
        char *line = take_line(l);
        if (line[strspn(line, blanks)] != '\0') {
            return line;
        }
    }
    return NULL;
}

static void trim_end(char *field)
{
    size_t n = strlen(field);
    while (n > 0 && strchr(blanks, field[n - 1])) {
        field[--n] = '\0';
    }
}

size_t lines_split_blanks(char *line, char **fields, size_t max)
{
    size_t n = 0;
    for (char *at = line + strspn(line, blanks); *at; at += strspn(at, blanks)) {
        fields[n++] = at;
        if (n == max) {
            trim_end(at);
            break;
        }
        at += strcspn(at, blanks);
        if (*at) {
            *at++ = '\0';
        }
    }
    return n;
}

size_t lines_split_tabs(char *line, char **fields, size_t max)
{
    size_t n = 0;
    for (char *at = line; at; n++) {
        char *tab = strchr(at, '\t');
        if (tab) {
            *tab++ = '\0';
        }
        if (n < max) {
            fields[n] = at;
        }
        at = tab;
    }
    return n;
}
