// SPDX-License-Identifier: Apache-2.0
// display.c - see display.h.
#include "coordinator/cli/display.h"

#include <uv.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE_EVERY_MS 5000 // where lines scroll: often enough to see that it lives
#define BAR_MAX       40   // columns

#define DIM   "\033[2m"
#define BOLD  "\033[1m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

struct display {
    FILE *to;
    bool is_quiet;
    bool is_live; // redraws in place
    struct display_style style;
    bool is_drawn;
    struct buf drawn;    // the live lines as they stand
    int64_t line_ms;     // when the last plain line was written
    struct buf line_key; // what made it worth writing: note, state, stage
};

void display_duration(double seconds, struct buf *out)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600) {
        buf_addf(out, "%ldh%02ldm", s / 3600, s / 60 % 60);
    } else if (s >= 60) {
        buf_addf(out, "%ldm%02lds", s / 60, s % 60);
    } else {
        buf_addf(out, "%lds", s);
    }
}

void display_count(uint64_t n, struct buf *out)
{
    if (n >= 1000) {
        display_count(n / 1000, out);
        buf_addf(out, ",%03u", (unsigned)(n % 1000));
    } else {
        buf_addf(out, "%u", (unsigned)n);
    }
}

// Of C0 and DEL one byte, of C1 (U+0080 to U+009F) two; 0: what stands there is none.
static size_t control_bytes(const char *text)
{
    const unsigned char *b = (const unsigned char *)text;
    if (b[0] < 0x20 || b[0] == 0x7f) {
        return 1;
    }
    return b[0] == 0xc2 && b[1] >= 0x80 && b[1] < 0xa0 ? 2 : 0;
}

void display_words(const char *text, struct buf *out)
{
    buf_reserve(out, 0)[0] = '\0';
    while (*text) {
        size_t n_control = control_bytes(text);
        buf_add(out, n_control ? " " : text, 1);
        text += n_control ? n_control : 1;
    }
}

static bool is_state(const struct status_study *s, const char *state)
{
    return !strcmp(s->state, state);
}

// How far the current phase is, for the bar; negative when it has no measure.
static double fraction(const struct status_study *s)
{
    if (is_state(s, "training") && s->batches_total) {
        return (double)s->batches_done / (double)s->batches_total;
    }
    if (is_state(s, "searching") && s->trials_total) {
        return (double)s->trials_done / (double)s->trials_total;
    }
    return is_state(s, "done") ? 1 : -1;
}

static void add_phase(const struct status_study *s, struct buf *out)
{
    if (is_state(s, "training") && s->n_stages) {
        buf_addf(out, "stage %u/%u %s", s->stage + 1, s->n_stages, s->stage_name);
    } else {
        buf_addf(out, "%s", s->state);
    }
}

static void add_measure(const struct status_study *s, struct buf *out)
{
    if (is_state(s, "training") && s->batches_total) {
        buf_addf(out, "step ");
        display_count(s->batches_done, out);
        buf_addf(out, "/");
        display_count(s->batches_total, out);
    } else if (is_state(s, "searching") && s->trials_total) {
        buf_addf(out, "trial %u/%u", s->trials_done, s->trials_total);
    } else if (*s->detail) {
        display_words(s->detail, out);
    }
}

// "loss 1.834, 233 utt/s, EER 14.20 %, trials 3/24, 2/2 workers busy"; what is not
// known yet is left out.
static void add_figures(const struct display_view *v, const char *between,
                        struct buf *out)
{
    const struct status_study *s = v->study;
    if (is_state(s, "training") && s->loss > 0) {
        buf_addf(out, "loss %.3f%s", s->loss, between);
    }
    if (s->utterances_per_s > 0) {
        buf_addf(out, "%.0f utt/s%s", s->utterances_per_s, between);
    }
    if (s->last_eer_percent > 0) {
        buf_addf(out, "EER %.2f %%%s", s->last_eer_percent, between);
    }
    if (!is_state(s, "searching") && s->trials_total) {
        buf_addf(out, "trials %u/%u%s", s->trials_done, s->trials_total, between);
    }
    if (s->tasks_buried) {
        buf_addf(out, "%u tasks given up%s", s->tasks_buried, between);
    }
    buf_addf(out, "%u/%u workers busy", v->n_busy, v->n_workers);
}

static bool has_time_left(const struct status_study *s)
{
    return s->seconds_left >= 1 && !is_state(s, "done") && !is_state(s, "failed");
}

void display_line(const struct display_view *v, struct buf *out)
{
    const struct status_study *s = v->study;
    if (*v->note) {
        buf_addf(out, "%s%s", v->note, s ? " | " : "");
    }
    if (!s) {
        return;
    }
    add_phase(s, out);
    buf_addf(out, ": ");
    size_t before = out->len;
    add_measure(s, out);
    buf_addf(out, "%s", out->len > before ? ", " : "");
    add_figures(v, ", ", out);
    if (has_time_left(s)) {
        buf_addf(out, ", ");
        display_duration(s->seconds_left, out);
        buf_addf(out, " left");
    }
}

// Columns a line takes: UTF-8 continuation bytes and colour sequences take none.
static int columns_of(const char *text)
{
    int n = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '\033') {
            c += strcspn(c, "m");
        } else if (((unsigned char)*c & 0xC0) != 0x80) {
            n++;
        }
    }
    return n;
}

// Cuts text after `columns` columns, keeping colour sequences whole.
static void add_cut(struct buf *out, const char *text, int columns)
{
    int n = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '\033') {
            size_t len = strcspn(c, "m") + 1;
            buf_add(out, c, len);
            c += len - 1;
            continue;
        }
        n += ((unsigned char)*c & 0xC0) != 0x80;
        if (n <= columns) {
            buf_add(out, c, 1);
        }
    }
}

static void add_bar(double share, int width, const struct display_style *style,
                    struct buf *out)
{
    int full = (int)(share * width);
    buf_addf(out, "%s", style->has_colour ? GREEN : "");
    for (int i = 0; i < full; i++) {
        buf_addf(out, "%s", style->has_unicode ? "━" : "#");
    }
    buf_addf(out, "%s", style->has_colour ? PLAIN DIM : "");
    for (int i = full; i < width; i++) {
        buf_addf(out, "%s", style->has_unicode ? "─" : "-");
    }
    buf_addf(out, "%s", style->has_colour ? PLAIN : "");
}

// stage 2/5 kernel  ━━━━━━━━──────────  412/1,200  3m10s left
static void draw_first(const struct display_view *v, const struct display_style *style,
                       struct buf *out)
{
    const struct status_study *s = v->study;
    const char *bold = style->has_colour ? BOLD : "";
    const char *plain = style->has_colour ? PLAIN : "";
    buf_addf(out, "%s", bold);
    add_phase(s, out);
    buf_addf(out, "%s  ", plain);
    struct buf tail = BUF_INIT;
    buf_addf(&tail, "%s", "");
    add_measure(s, &tail);
    if (has_time_left(s)) {
        buf_addf(&tail, "%s", tail.len ? "  " : "");
        display_duration(s->seconds_left, &tail);
        buf_addf(&tail, " left");
    }
    int room = style->columns - columns_of(out->data) - columns_of(tail.data) - 3;
    double share = fraction(s);
    if (share >= 0 && room >= 8) {
        add_bar(share > 1 ? 1 : share, room < BAR_MAX ? room : BAR_MAX, style, out);
        buf_addf(out, "  ");
    }
    buf_add(out, tail.data, tail.len);
    buf_fini(&tail);
}

static void draw_second(const struct display_view *v, const struct display_style *style,
                        struct buf *out)
{
    if (*v->note) {
        buf_addf(out, "%s", v->note);
        return;
    }
    buf_addf(out, "%s", style->has_colour ? DIM : "");
    add_figures(v, style->has_unicode ? " · " : "  ", out);
    buf_addf(out, "%s", style->has_colour ? PLAIN : "");
}

void display_draw(const struct display_view *v, const struct display_style *style,
                  struct buf *out)
{
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    buf_addf(&first, "%s", "");
    buf_addf(&second, "%s", "");
    if (v->study) {
        draw_first(v, style, &first);
        draw_second(v, style, &second);
    } else {
        buf_addf(&first, "%s", v->note);
    }
    // One column stays free: a full last column makes some terminals wrap.
    add_cut(out, first.data, style->columns - 1);
    buf_addf(out, "\n");
    add_cut(out, second.data, style->columns - 1);
    buf_fini(&first);
    buf_fini(&second);
}

static bool has_env(const char *name, const char *part)
{
    char value[256];
    size_t size = sizeof(value);
    return uv_os_getenv(name, value, &size) == 0 && *value &&
           (!part || strstr(value, part));
}

static bool speaks_utf8(void)
{
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (has_env(names[i], NULL)) { // the first that is set decides
            return has_env(names[i], "UTF-8") || has_env(names[i], "utf8");
        }
    }
    return false;
}

struct display *display_create(FILE *to, bool is_quiet)
{
    struct display *p = calloc(1, sizeof(*p));
    BUG_ON(!p);
    p->to = to;
    p->is_quiet = is_quiet;
    p->is_live =
        isatty(fileno(to)) && has_env("TERM", NULL) && !has_env("TERM", "dumb");
    p->style.has_colour = p->is_live && !has_env("NO_COLOR", NULL);
    p->style.has_unicode = speaks_utf8();
    p->line_ms = INT64_MIN / 2;
    return p;
}

void display_destroy(struct display *p)
{
    if (!p) {
        return;
    }
    if (p->is_drawn) {
        fputc('\n', p->to);
    }
    buf_fini(&p->drawn);
    buf_fini(&p->line_key);
    free(p);
}

void display_erase(struct display *p)
{
    if (p->is_drawn) {
        fputs("\r\033[K\033[A\r\033[K", p->to);
        fflush(p->to);
        p->is_drawn = false;
    }
}

static void show_live(struct display *p, const struct display_view *v)
{
    struct winsize size = {0};
    bool known = ioctl(fileno(p->to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    p->style.columns = known ? size.ws_col : 80;
    buf_clear(&p->drawn);
    display_draw(v, &p->style, &p->drawn);
    char *newline = strchr(p->drawn.data, '\n');
    *newline = '\0';
    fprintf(p->to, "%s\r%s\033[K\n%s\033[K", p->is_drawn ? "\r\033[A" : "",
            p->drawn.data, newline + 1);
    fflush(p->to);
    p->is_drawn = true;
}

static void show_line(struct display *p, const struct display_view *v, int64_t now_ms)
{
    struct buf key = BUF_INIT;
    buf_addf(&key, "%s", v->note);
    if (v->study) {
        buf_addf(&key, "|%s|%u", v->study->state, v->study->stage);
    }
    bool is_news = !p->line_key.data || strcmp(key.data, p->line_key.data) != 0;
    if (is_news || now_ms - p->line_ms >= LINE_EVERY_MS) {
        struct buf line = BUF_INIT;
        display_line(v, &line);
        fprintf(p->to, "%s\n", line.len ? line.data : "");
        fflush(p->to);
        buf_fini(&line);
        p->line_ms = now_ms;
    }
    buf_fini(&p->line_key);
    p->line_key = key;
}

void display_show(struct display *p, const struct display_view *v, int64_t now_ms)
{
    if (p->is_quiet) {
        return;
    }
    if (p->is_live) {
        show_live(p, v);
    } else {
        show_line(p, v, now_ms);
    }
}

void display_say(struct display *p, const char *format, ...)
{
    display_erase(p);
    va_list ap;
    va_start(ap, format);
    vfprintf(p->to, format, ap);
    va_end(ap);
    fputc('\n', p->to);
    fflush(p->to);
}
