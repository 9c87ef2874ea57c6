// SPDX-License-Identifier: Apache-2.0
// report_text.c - see report_text.h.
#include "coordinator/cli/report_text.h"

#include "common/base/clock.h"
#include "coordinator/cli/display.h"
#include "proto/wire.h"

#include <inttypes.h>
#include <string.h>

#define LAST_LINES 12 // of a failed runner: a screen has room for the rest

// 5789760 -> "5.79 M": three significant digits and a unit, for columns.
static const char *scaled(uint64_t n, char out[static 16])
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    double value = (double)n;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    int digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, 16, "%.*f%s", digits, value, units[unit]);
    return out;
}

// Names of the targets whose winner this architecture is: "phone, watch".
static void add_marks(const struct report *r, const struct trial_row *t,
                      struct buf *out)
{
    buf_addf(out, "%s", "");
    for (size_t i = 0; i < r->n_choices; i++) {
        const struct final_choice *c = &r->choices[i];
        if (c->winner && arch_equal(&c->winner->arch, &t->arch)) {
            buf_addf(out, "%s%s", out->len ? ", " : "", c->target.name);
        }
    }
}

static void print_trial_head(FILE *to, const char *last)
{
    fprintf(to, "    %7s %8s %8s %9s  %-36s %s\n", "EER %", "params", "MACs", "bytes",
            "architecture", last);
}

static void print_trial(const struct report *r, size_t index, const char *last,
                        FILE *to)
{
    const struct trial_row *t = &r->history.trials[index];
    char params[16];
    char macs[16];
    char bytes[16];
    char architecture[ARCH_STRING_MAX];
    fprintf(to, "  %s %7.2f %8s %8s %8sB  %-36s %s\n",
            r->is_on_front[index] ? "*" : " ", t->result.eer_percent,
            scaled(t->complexity.params, params), scaled(t->complexity.macs, macs),
            scaled(t->complexity.bytes, bytes), arch_print(&t->arch, architecture),
            last);
}

static void print_front(const struct report *r, FILE *to)
{
    size_t n = 0;
    size_t *order = report_by_eer(r, &n);
    fprintf(to, "Pareto front (EER, MACs)\n");
    print_trial_head(to, "best within");
    for (size_t i = 0; i < n; i++) {
        if (r->is_on_front[order[i]]) {
            struct buf marks = BUF_INIT;
            add_marks(r, &r->history.trials[order[i]], &marks);
            print_trial(r, order[i], marks.data, to);
            buf_fini(&marks);
        }
    }
    free(order);
}

static void add_limits(const struct study_target *t, struct buf *out)
{
    struct constraint limits[STUDY_LIMITS_MAX];
    char text[OBJECTIVE_TEXT_MAX];
    int n = study_target_limits(t, limits);
    for (int i = 0; i < n; i++) {
        buf_addf(out, "%s%s", i > 0 ? ", " : "", constraint_print(&limits[i], text));
    }
}

// Of the network that was not taken, inherited or fine-tuned.
static void print_other_eer(const struct final_choice *c, FILE *to)
{
    if (c->tuned && c->winner == c->tuned) {
        fprintf(to, ", fine-tuned (inherited: %.2f %%)",
                c->inherited->result.eer_percent);
    } else if (c->tuned) {
        fprintf(to, ", inherited (fine-tuned: %.2f %%)", c->tuned->result.eer_percent);
    }
    fprintf(to, "\n");
}

static void print_targets(const struct report *r, FILE *to)
{
    fprintf(to, "\ntargets\n");
    for (size_t i = 0; i < r->n_choices; i++) {
        const struct final_choice *c = &r->choices[i];
        struct buf limits = BUF_INIT;
        char architecture[ARCH_STRING_MAX];
        add_limits(&c->target, &limits);
        fprintf(to, "  %-16s %-32s ", c->target.name, limits.len ? limits.data : "-");
        if (c->winner) {
            fprintf(to, "%s, EER %.2f %%", arch_print(&c->winner->arch, architecture),
                    c->winner->result.eer_percent);
            print_other_eer(c, to);
        } else {
            fprintf(to, "nothing measured is within these limits\n");
        }
        buf_fini(&limits);
    }
}

static void print_devices(const struct report *r, FILE *to)
{
    if (r->n_devices == 0) {
        return;
    }
    fprintf(to, "\ndevices\n    %-20s %-10s %8s %9s %6s %9s %9s %8s\n", "name", "table",
            "units", "networks", "noisy", "Spearman", "error", "p95");
    for (size_t i = 0; i < r->n_devices; i++) {
        const struct device_row *d = &r->devices[i];
        fprintf(to, "    %-20s %-10s %8u %9u %6u", d->name, device_state_name(d->state),
                d->n_units, d->n_networks, d->n_noisy);
        if (d->n_holdout > 0) {
            fprintf(to, " %9.4f %7.2f %% %6.2f %%", d->spearman, 100 * d->median_error,
                    100 * d->p95_error);
        }
        fprintf(to, "\n");
    }
}

static void print_where(const struct report *r, FILE *to)
{
    char results[FILE_PATH_MAX];
    fprintf(to, "\nrun directory  %s\n", r->dir);
    if (report_results_dir(r, results)) {
        fprintf(to, "results        %s\n", results);
    }
    if (report_networks_dir(r, results)) {
        fprintf(to, "networks       %s\n", results);
    }
}

void report_text_result(const struct report *r, FILE *to)
{
    print_front(r, to);
    print_targets(r, to);
    print_devices(r, to);
    print_where(r, to);
}

static void print_summary(const struct report *r, FILE *to)
{
    const struct study_row *s = &r->study;
    struct buf text = BUF_INIT;
    struct buf error = BUF_INIT;
    display_words(s->error, &error);
    fprintf(to, "study %s (id %" PRIu64 "): %s%s%s\n", s->name, s->id,
            study_state_name(s->state), error.len ? ": " : "", error.data);
    buf_fini(&error);
    if (*s->pack) {
        buf_addf(&text, "  data    %u speakers, ", s->n_speakers);
        display_count(s->n_train_utts, &text);
        buf_addf(&text, " training utterances, ");
        display_count(s->n_trials, &text);
        buf_addf(&text, " verification trials\n");
    }
    uint64_t count = 0;
    if (r->conf && space_count(&r->conf->space, &count) == ERR_OK) {
        buf_addf(&text, "  space   ");
        display_count(count, &text);
        buf_addf(&text,
                 " architectures\n  search  %s, %d candidates, seed %" PRIu64 "\n",
                 r->conf->search.strategy, r->conf->search.candidates, r->conf->seed);
    }
    fprintf(to, "%s", text.len ? text.data : "");
    buf_fini(&text);
    fprintf(to, "  tasks   %u ready, %u leased, %u done, %u given up, %u cancelled\n",
            r->tasks.ready, r->tasks.leased, r->tasks.done, r->tasks.buried,
            r->tasks.cancelled);
}

static void print_stages(const struct report *r, FILE *to)
{
    fprintf(to, "\nstages\n    %-8s %6s  %-18s %8s %9s %7s\n", "name", "rounds", "loss",
            "accuracy", "computing", "EER %");
    for (uint32_t i = 0; i <= r->study.stage; i++) {
        struct report_stage s = report_stage(r, i);
        if (s.n_rounds == 0) {
            continue;
        }
        char loss[32];
        char eer[16] = "-";
        struct buf seconds = BUF_INIT;
        snprintf(loss, sizeof(loss), "%.3f -> %.3f", s.first_loss, s.last_loss);
        display_duration(s.seconds, &seconds);
        if (s.best_eer >= 0) {
            snprintf(eer, sizeof(eer), "%.2f", s.best_eer);
        }
        fprintf(to, "    %-8s %6u  %-18s %6.1f %% %9s %7s\n", report_stage_name(r, i),
                s.n_rounds, loss, 100 * s.last_accuracy, seconds.data, eer);
        buf_fini(&seconds);
    }
}

// The last n lines of a text.
static const char *last_lines(const char *text, int n)
{
    const char *end = text + strlen(text);
    const char *line = end > text && end[-1] == '\n' ? end - 1 : end;
    while (line > text && (line[-1] != '\n' || --n > 0)) {
        line--;
    }
    return line;
}

// What the runner of an attempt said last.
static void print_last_lines(const struct attempt_row *a, FILE *to)
{
    if (!a->log_tail[0]) {
        return;
    }
    fprintf(to, "\n    the last lines of task %" PRIu64 "\n", a->task_id);
    for (const char *line = last_lines(a->log_tail, LAST_LINES); *line;) {
        size_t n = strcspn(line, "\n");
        char one[LIMIT_LOG_TAIL];
        snprintf(one, sizeof(one), "%.*s", (int)n, line);
        struct buf words = BUF_INIT;
        display_words(one, &words);
        fprintf(to, "      %s\n", words.data);
        buf_fini(&words);
        line += n + (line[n] == '\n');
    }
}

// Sentences of runners, on one line each.
static void print_failures(const struct report *r, FILE *to)
{
    size_t n = report_n_failures_known(r);
    if (n == 0) {
        return;
    }
    fprintf(to, "\nfailed attempts (last %zu of %u)\n    %-10s %8s %-20s %-8s %s\n", n,
            r->n_failures, "ago", "task", "worker", "outcome", "error");
    for (size_t i = 0; i < n; i++) {
        const struct attempt_row *a = &r->failures[i];
        struct buf ago = BUF_INIT;
        struct buf worker = BUF_INIT;
        struct buf error = BUF_INIT;
        display_duration((double)(clock_wall_ms() - a->ended_ms) / 1000, &ago);
        display_words(a->worker, &worker);
        display_words(a->error, &error);
        fprintf(to, "    %-10s %8" PRIu64 " %-20s %-8s %s%s\n", ago.data, a->task_id,
                worker.data, outcome_name(a->outcome), error.data,
                a->is_charged ? "" : " (not charged)");
        buf_fini(&ago);
        buf_fini(&worker);
        buf_fini(&error);
    }
    print_last_lines(&r->failures[0], to);
}

static void print_trials(const struct report *r, FILE *to)
{
    size_t n = 0;
    size_t *order = report_by_eer(r, &n);
    fprintf(to,
            "\ntrials (%zu measured of %zu; * on the Pareto front of EER and MACs)\n",
            n, r->history.n_trials);
    if (n) {
        print_trial_head(to, "origin");
    }
    for (size_t i = 0; i < n; i++) {
        const struct trial_row *t = &r->history.trials[order[i]];
        char origin[64];
        snprintf(origin, sizeof(origin), "%s%s%s", trial_origin_name(t->origin),
                 t->origin == TRIAL_STAGE ? " " : "",
                 t->origin == TRIAL_STAGE ? report_stage_name(r, t->stage) : "");
        print_trial(r, order[i], origin, to);
    }
    free(order);
}

void report_text_all(const struct report *r, FILE *to)
{
    print_summary(r, to);
    print_stages(r, to);
    print_failures(r, to);
    print_trials(r, to);
    if (r->n_choices) {
        print_targets(r, to);
    }
    print_devices(r, to);
    print_where(r, to);
}
