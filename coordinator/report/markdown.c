// SPDX-License-Identifier: Apache-2.0
// markdown.c - see markdown.h. One function per section; empty ones are left out.
#include "coordinator/report/markdown.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *print_arch(const struct arch *a, char out[static ARCH_STRING_MAX])
{
    return arch_print(a, out);
}

static void add_plots(const struct plot_set *s, enum plot_kind kind, struct buf *out)
{
    for (int i = 0; i < s->n; i++) {
        if (s->plots[i].kind == kind) {
            buf_addf(out, "\n![%s](plots/%s.svg)\n", s->plots[i].caption,
                     s->plots[i].name);
        }
    }
}

static bool has_plots(const struct plot_set *s, enum plot_kind kind)
{
    for (int i = 0; i < s->n; i++) {
        if (s->plots[i].kind == kind) {
            return true;
        }
    }
    return false;
}

// ---- head

static void add_head(const struct results *r, struct buf *out)
{
    char time[24];
    uint64_t n_measured = 0;
    for (size_t i = 0; i < r->history.n_trials; i++) {
        n_measured += r->history.trials[i].is_measured;
    }
    buf_addf(out, "# %s\n\n", r->conf.name);
    buf_addf(out, "%s, %s. Voxarch %s, seed %" PRIu64 "; %" PRIu64 " evaluations.",
             r->is_finished ? "Finished" : study_state_name(r->study.state),
             provenance_time(r->now_ms, time), r->provenance.version, r->conf.seed,
             n_measured);
    if (study_is_surrogate(&r->conf)) {
        buf_addf(out, " All figures are a predictor's guesses: nothing was trained.");
    }
    if (r->study.error[0]) {
        buf_addf(out, "\n\n**Failed:** %s", r->study.error);
    }
    buf_addf(out, "\n");
}

// ---- winners

static void add_limits(const struct study_target *t, struct buf *out)
{
    struct constraint limits[STUDY_LIMITS_MAX];
    char text[OBJECTIVE_TEXT_MAX];
    int n = study_target_limits(t, limits);
    for (int i = 0; i < n; i++) {
        buf_addf(out, "%s%s", i > 0 ? ", " : "", constraint_print(&limits[i], text));
    }
    buf_addf(out, "%s", n == 0 ? "none" : "");
}

static bool has_network(const struct results *r, const char *target)
{
    for (size_t i = 0; i < r->n_networks; i++) {
        if (strcmp(r->networks[i].target, target) == 0) {
            return true;
        }
    }
    return false;
}

static void add_winner(const struct results *r, const struct final_choice *c,
                       struct buf *out)
{
    buf_addf(out, "| %s | ", c->target.name);
    add_limits(&c->target, out);
    if (!c->winner) {
        buf_addf(out, " | nothing measured keeps them | | | |");
        for (int i = 0; i < r->tables.n; i++) {
            buf_addf(out, " |");
        }
        buf_addf(out, "\n");
        return;
    }
    const struct trial_row *t = c->winner;
    char arch[ARCH_STRING_MAX];
    print_arch(&t->arch, arch);
    if (has_network(r, c->target.name)) {
        buf_addf(out, " | [%s](networks/%s.safetensors)", arch, c->target.name);
    } else {
        buf_addf(out, " | %s", arch);
    }
    buf_addf(out, " | %.2f | %.2fM | %.1fM |", t->result.eer_percent,
             (double)t->complexity.params / 1e6, (double)t->complexity.macs / 1e6);
    for (int i = 0; i < r->tables.n; i++) {
        buf_addf(out, " %.2f |", results_latency(r, i, &t->arch));
    }
    buf_addf(out, "\n");
}

static void add_winners(const struct results *r, struct buf *out)
{
    const struct final_scope scope = results_scope(r);
    struct final_choice choices[STUDY_TARGETS_MAX];
    size_t n = final_choose(&scope, choices);
    buf_addf(out,
             "\n## Winners\n\n| target | limits | network | EER (%%) | parameters | "
             "MACs |");
    for (int i = 0; i < r->tables.n; i++) {
        buf_addf(out, " ms on %s |", r->tables.devices[i].name);
    }
    buf_addf(out, "\n|---|---|---|---|---|---|");
    for (int i = 0; i < r->tables.n; i++) {
        buf_addf(out, "---|");
    }
    buf_addf(out, "\n");
    for (size_t i = 0; i < n; i++) {
        add_winner(r, &choices[i], out);
    }
}

static void add_finetuning(const struct results *r, struct buf *out)
{
    const struct final_scope scope = results_scope(r);
    const char *head =
        "\n## Fine-tuning\n\nThe targets' best networks, trained on by themselves "
        "([finetune.csv](finetune.csv)). A target gets the better of the two.\n\n"
        "| network | inherited: EER (%) | fine-tuned: EER (%) | loss |\n"
        "|---|---|---|---|\n";
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        bool is_settled =
            t->origin == TRIAL_FINETUNE && (t->is_measured || t->has_failed);
        const struct trial_row *from =
            is_settled ? final_inherited(&scope, &t->arch) : NULL;
        char arch[ARCH_STRING_MAX];
        if (!from) {
            continue;
        }
        buf_addf(out, "%s| %s | %.2f | ", head, print_arch(&t->arch, arch),
                 from->result.eer_percent);
        head = "";
        if (t->is_measured) {
            buf_addf(out, "%.2f | %.3f to %.3f |\n", t->result.eer_percent,
                     t->loss_first, t->loss_last);
        } else {
            buf_addf(out, "failed | |\n");
        }
    }
}

static void add_front(const struct results *r, const struct plot_set *plots,
                      struct buf *out)
{
    if (!has_plots(plots, PLOT_FRONT)) {
        return;
    }
    buf_addf(out,
             "\n## Fronts\n\n%zu networks lie on the front over EER and MACs "
             "([front.csv](front.csv)); all evaluations are in "
             "[trials.csv](trials.csv).\n",
             r->n_front);
    add_plots(plots, PLOT_FRONT, out);
}

// ---- training

static const struct trial_row *stage_trial(const struct results *r, uint32_t stage,
                                           bool is_largest)
{
    const struct trial_row *found = NULL;
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        if (t->origin != TRIAL_STAGE || t->stage != stage || !t->is_measured) {
            continue;
        }
        if (!found || (t->complexity.macs > found->complexity.macs) == is_largest) {
            found = t;
        }
    }
    return found;
}

static void add_stages(const struct results *r, const struct plot_set *plots,
                       struct buf *out)
{
    if (!has_plots(plots, PLOT_LOSSES)) {
        return;
    }
    buf_addf(out,
             "\n## Training\n\n| stage | largest: EER (%%) | smallest | its EER (%%) "
             "|\n|---|---|---|---|\n");
    for (uint32_t i = 0; i < (uint32_t)r->conf.train.n_stages; i++) {
        const struct trial_row *largest = stage_trial(r, i, true);
        const struct trial_row *smallest = stage_trial(r, i, false);
        if (largest && smallest) {
            char arch[ARCH_STRING_MAX];
            buf_addf(out, "| %s | %.2f | %s | %.2f |\n",
                     stage_name(r->conf.train.stages[i].kind),
                     largest->result.eer_percent, print_arch(&smallest->arch, arch),
                     smallest->result.eer_percent);
        }
    }
    add_plots(plots, PLOT_LOSSES, out);
}

// ---- the predictor and the tables

static void add_predictor(const struct results *r, const struct plot_set *plots,
                          struct buf *out)
{
    if (r->fit.n_kinds == 0) {
        return;
    }
    buf_addf(
        out,
        "\n## Predictor\n\n%zu labels, the cheap protocol, %d-fold cross-validation. "
        "Searched: **%s**.\n\n| kind | Kendall tau | RMSE (EER points) |\n"
        "|---|---|---|\n",
        r->fit.n_labels, r->fit.n_folds, r->fit.kind);
    for (int i = 0; i < r->fit.n_kinds; i++) {
        const struct fit_kind *k = &r->fit.kinds[i];
        buf_addf(out, "| %s | %.3f | %.3f |\n", k->kind, k->kendall_tau, k->rmse);
    }
    add_plots(plots, PLOT_PREDICTOR, out);
}

static void add_device(const struct device_row *d, struct buf *out)
{
    buf_addf(out, "| %s | %s | %u |", d->name, device_state_name(d->state),
             d->n_networks);
    if (d->n_holdout > 0) {
        buf_addf(out, " %u | %.3f | %.1f %% | %.1f %% |\n", d->n_holdout, d->spearman,
                 100 * d->median_error, 100 * d->p95_error);
    } else {
        buf_addf(out, " | | | |\n");
    }
}

static void add_devices(const struct results *r, const struct plot_set *plots,
                        struct buf *out)
{
    if (r->devices.n == 0) {
        return;
    }
    buf_addf(out,
             "\n## Latency tables\n\n| device | state | networks measured | held out | "
             "Spearman | median error | 95th percentile |\n"
             "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < r->devices.n; i++) {
        add_device(&r->devices.items[i].row, out);
    }
    add_plots(plots, PLOT_LATENCY, out);
}

// ---- where it comes from

static void add_hash(const char *what, const char *hash, struct buf *out)
{
    if (hash[0]) {
        buf_addf(out, "| %s | `%s` |\n", what, hash);
    }
}

static void add_provenance(const struct results *r, struct buf *out)
{
    buf_addf(out, "\n## Where it comes from\n\n| | |\n|---|---|\n");
    buf_addf(out, "| coordinator | %s, %s, %d processors |\n", r->provenance.host,
             r->provenance.cpu, r->provenance.n_cpus);
    add_hash("resolved study", r->study.conf, out);
    add_hash("recordings", r->study.pack, out);
    if (!study_is_surrogate(&r->conf)) {
        add_hash("supernet's weights", r->study.checkpoint, out);
    }
    add_hash("predictor", r->study.predictor, out);
    add_hash("record of its fit", r->study.fit, out);
    for (size_t i = 0; i < r->devices.n; i++) {
        char what[DEVICE_NAME_MAX + 24];
        snprintf(what, sizeof(what), "latency table of %s",
                 r->devices.items[i].row.name);
        add_hash(what, r->devices.items[i].row.latencies, out);
    }
    buf_addf(out, "\nTo make it again: `voxarch run study.yaml` with the "
                  "[study.yaml](study.yaml) beside this file and the recordings at the "
                  "places it names. Hashes are BLAKE2b-256 of the artifacts.\n");
}

void markdown_print(const struct results *r, const struct plot_set *plots,
                    struct buf *out)
{
    add_head(r, out);
    add_winners(r, out);
    add_finetuning(r, out);
    add_front(r, plots, out);
    add_stages(r, plots, out);
    add_predictor(r, plots, out);
    add_devices(r, plots, out);
    add_provenance(r, out);
}
