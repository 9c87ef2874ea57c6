// SPDX-License-Identifier: Apache-2.0
// test_study_report.c - the summary of a study for people, and the plots it shows.
#include "coordinator/report/report.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_LABELS 30
#define N_PICKS  12

static char dir[64];

static const char yaml[] =
    "name: shown\n"
    "data: {train: {manifest: /m.tsv}, trials: /t.txt}\n"
    "space: {depth: [1, 2], width: [64, 128, 256], kernel: [1, 3], cat: [96, 192]}\n"
    "train: {stages: [{stage: largest}, {stage: width2}]}\n"
    "search: {candidates: 12, predictor: {labels: 30}}\n"
    "devices: [{name: board, latency_table: /t.csv}]\n"
    "targets: [{name: phone, macs: 30M, constraints: ['latency <= 9ms']},\n"
    "          {name: watch, constraints: ['eer <= 0.1%']}]\n";

// A table of one entry per kind of unit and its ends: everything between is found.
static struct latency_table *make_table(void)
{
    struct latency_table *t = NULL;
    static const char csv[] = "section,k1,k2,k3,ms\n"
                              "layer1,80,1,64,.5\nlayer1,80,1,256,1\n"
                              "layer1,80,3,64,.7\nlayer1,80,3,256,1.5\n"
                              "blocks,64,1,64,1\nblocks,64,1,256,2\n"
                              "blocks,256,1,64,2\nblocks,256,1,256,4\n"
                              "blocks,64,3,64,1.2\nblocks,64,3,256,2.4\n"
                              "blocks,256,3,64,2.4\nblocks,256,3,256,4.5\n"
                              "catconv,64,96,0,.3\ncatconv,64,192,0,.6\n"
                              "catconv,512,96,0,1\ncatconv,512,192,0,2\n"
                              "pool,96,0,0,.2\npool,192,0,0,.3\n"
                              "embed,192,192,0,.1\nembed,384,192,0,.2\n";
    struct errinfo why = {0};
    ck_assert_msg(latency_table_parse(csv, strlen(csv), "t", &t, &why) == ERR_OK, "%s",
                  why.text);
    return t;
}

static double eer_of(const struct arch *a, struct rng *rng)
{
    return 14 - 2 * a->depth - a->width[0] * 0.015 - a->kernel[0] * 0.5 +
           0.3 * rng_normal(rng);
}

static void add_trial(struct results *r, enum trial_origin origin, struct rng *rng)
{
    struct trial_row *t = &r->history.trials[r->history.n_trials++];
    *t = (struct trial_row){.id = r->history.n_trials, .origin = origin, .stage = 1};
    t->arch = space_draw(&r->conf.space, rng);
    t->complexity = complexity_of(&t->arch, &r->conf.supernet, 300);
    t->protocol = origin == TRIAL_LABEL ? PROTOCOL_CHEAP : PROTOCOL_FULL;
    t->is_measured = true;
    t->result.eer_percent = eer_of(&t->arch, rng);
    t->result.n_trials = 100;
    strcpy(t->checkpoint, "weights");
}

static void add_losses(struct results *r)
{
    for (uint32_t i = 0; i < 40; i++) {
        r->history.losses[r->history.n_losses++] =
            (struct loss_row){.stage = i / 20,
                              .round = i % 20,
                              .position = UINT64_C(50) * (i % 20),
                              .loss = 2 + 5.0 / (1 + i)};
    }
}

static void write_fit(struct results *r, struct rng *rng)
{
    struct fit f = {.kind = "gp", .predictor = "p", .n_folds = 5, .n_kinds = 2};
    f.kinds[0] = (struct fit_kind){"ridge", 0.71, 0.55};
    f.kinds[1] = (struct fit_kind){"gp", 0.83, 0.31};
    f.labels = calloc(N_LABELS, sizeof(*f.labels));
    f.picks = calloc(N_PICKS, sizeof(*f.picks));
    ck_assert(f.labels && f.picks);
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        double predicted = t->result.eer_percent + 0.4 * rng_normal(rng);
        if (t->origin == TRIAL_LABEL) {
            f.labels[f.n_labels++] =
                (struct fit_label){t->arch, t->result.eer_percent, predicted};
        } else if (t->origin == TRIAL_SEARCH) {
            f.picks[f.n_picks++] = (struct pick){t->arch, predicted, 0.2, 0};
        }
    }
    struct buf json = BUF_INIT;
    fit_print(&f, &json);
    snprintf(r->fit_path, sizeof(r->fit_path), "%s/fit.json", dir);
    ck_assert_int_eq(file_write(r->fit_path, json.data, json.len, NULL), ERR_OK);
    buf_fini(&json);
    fit_fini(&f);
}

static void add_device(struct results *r)
{
    struct results_device *d = &r->devices.items[r->devices.n++];
    d->row = (struct device_row){.name = "board",
                                 .state = DEVICE_DONE,
                                 .n_networks = 20,
                                 .n_holdout = 10,
                                 .spearman = 0.991,
                                 .median_error = 0.021,
                                 .p95_error = 0.07};
    struct buf csv = BUF_INIT;
    buf_addf(&csv,
             "part,architecture,median_ms,p90_ms,spread_ms,passes,is_noisy,worker,"
             "table_ms\n");
    for (int i = 1; i <= 20; i++) {
        buf_addf(&csv, "%s,1-64-64-1-1-96,%d.5,1,1,1,0,1,%d.4\n",
                 i % 2 ? "table" : "held-out", i, i);
    }
    buf_addf(&csv, "held-out,1-64-64-1-1-96,,,,,,,\n"); // given up
    snprintf(d->measured_path, sizeof(d->measured_path), "%s/measured.csv", dir);
    ck_assert_int_eq(file_write(d->measured_path, csv.data, csv.len, NULL), ERR_OK);
    buf_fini(&csv);
}

static struct results *make_results(void)
{
    static struct study_conf conf;
    struct errinfo why = {0};
    ck_assert_msg(study_parse(yaml, strlen(yaml), "s", "/", &conf, &why) == ERR_OK,
                  "%s", why.text);
    const struct study_row study = {.state = STUDY_DONE,
                                    .checkpoint = "weights",
                                    .predictor = "predictor-hash",
                                    .conf = "conf-hash"};
    struct results *r = results_create(dir, &conf, &study);
    r->history.trials = calloc(64, sizeof(*r->history.trials));
    r->history.losses = calloc(64, sizeof(*r->history.losses));
    ck_assert(r->history.trials && r->history.losses);
    struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < N_LABELS + N_PICKS + 2; i++) {
        add_trial(r,
                  i < N_LABELS             ? TRIAL_LABEL
                  : i < N_LABELS + N_PICKS ? TRIAL_SEARCH
                                           : TRIAL_STAGE,
                  &rng);
    }
    r->tables.n = 1;
    strcpy(r->tables.devices[0].name, "board");
    r->tables.devices[0].table = make_table();
    add_losses(r);
    add_device(r);
    write_fit(r, &rng);
    r->is_finished = true;
    return r;
}

static void open_dir(void)
{
    snprintf(dir, sizeof(dir), "/tmp/voxarch_report_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void close_dir(void)
{
    char command[128];
    if (getenv("VOXARCH_KEEP")) { // NOLINT(concurrency-mt-unsafe): to look at them
        printf("kept %s\n", dir);
        return;
    }
    snprintf(command, sizeof(command), "rm -r %s", dir);
    // NOLINTNEXTLINE(cert-env33-c,concurrency-mt-unsafe): a folder of ours
    ck_assert_int_eq(system(command), 0);
}

static void assert_file(const char *name)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_msg(file_exists(path), "%s is missing", name);
}

static void assert_says(const struct buf *text, const char *words)
{
    ck_assert_msg(strstr(text->data, words), "the report does not say \"%s\":\n%s",
                  words, text->data);
}

START_TEST(a_report_shows_winners_quality_provenance_and_every_plot)
{
    open_dir();
    struct results *r = make_results();
    struct errinfo why = {0};
    ck_assert_msg(results_write(r, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(report_write(r, &why) == ERR_OK, "%s", why.text);
    const char *const plots[] = {"plots/front-board.svg", "plots/front-macs.svg",
                                 "plots/predictor.svg", "plots/latency-board.svg",
                                 "plots/losses.svg"};
    char path[160];
    struct buf text = BUF_INIT;
    snprintf(path, sizeof(path), "%s/report.md", dir);
    ck_assert_int_eq(file_read(path, 1 << 20, &text, NULL), ERR_OK);
    for (size_t i = 0; i < sizeof(plots) / sizeof(plots[0]); i++) {
        assert_file(plots[i]);
        assert_says(&text, plots[i]);
    }
    assert_file("front-board.csv");
    assert_says(&text, "# shown");
    assert_says(&text, "| phone | macs <= 30000000, latency@board <= 9ms |");
    assert_says(&text, "| watch | eer <= 0.1% | nothing measured keeps them |");
    assert_says(&text, "| gp | 0.830 | 0.310 |");
    assert_says(&text, "| board | done | 20 | 10 | 0.991 | 2.1 % | 7.0 % |");
    assert_says(&text, "`conf-hash`");
    assert_says(&text, "`predictor-hash`");
    buf_fini(&text);
    latency_table_destroy((struct latency_table *)r->tables.devices[0].table);
    results_destroy(r);
    close_dir();
}
END_TEST

static void read_report(struct results *r, struct buf *text)
{
    char path[160];
    struct errinfo why = {0};
    ck_assert_msg(results_write(r, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(report_write(r, &why) == ERR_OK, "%s", why.text);
    snprintf(path, sizeof(path), "%s/report.md", dir);
    buf_clear(text);
    ck_assert_int_eq(file_read(path, 1 << 20, text, NULL), ERR_OK);
}

// A fine-tuning of what the first target got, better than it.
static void add_finetuned(struct results *r)
{
    const struct final_scope scope = results_scope(r);
    struct final_choice choices[STUDY_TARGETS_MAX];
    final_choose(&scope, choices);
    struct trial_row row = *choices[0].winner;
    size_t n = r->history.n_trials++;
    row.origin = TRIAL_FINETUNE;
    row.id = r->history.n_trials;
    row.result.eer_percent = 1.25;
    row.loss_first = 2.5;
    row.loss_last = 0.75;
    r->history.trials =
        realloc(r->history.trials, r->history.n_trials * sizeof(*r->history.trials));
    ck_assert_ptr_nonnull(r->history.trials);
    r->history.trials[n] = row;
}

START_TEST(a_report_shows_what_fine_tuning_did)
{
    open_dir();
    struct results *r = make_results();
    struct buf text = BUF_INIT;
    read_report(r, &text);
    ck_assert_ptr_null(strstr(text.data, "Fine-tuning"));
    r->conf.finetune.networks = 1;
    add_finetuned(r);
    read_report(r, &text);
    assert_says(&text, "## Fine-tuning");
    assert_says(&text, " | 1.25 | 2.500 to 0.750 |\n");
    assert_file("finetune.csv");
    buf_fini(&text);
    latency_table_destroy((struct latency_table *)r->tables.devices[0].table);
    results_destroy(r);
    close_dir();
}
END_TEST

START_TEST(a_report_of_a_study_that_has_just_begun_shows_no_plots)
{
    open_dir();
    struct results *r = make_results();
    r->history.n_trials = r->history.n_losses = 0;
    r->fit_path[0] = '\0';
    r->devices.n = 0;
    struct errinfo why = {0};
    ck_assert_msg(results_write(r, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(report_write(r, &why) == ERR_OK, "%s", why.text);
    char path[160];
    struct buf text = BUF_INIT;
    snprintf(path, sizeof(path), "%s/report.md", dir);
    ck_assert_int_eq(file_read(path, 1 << 20, &text, NULL), ERR_OK);
    ck_assert_ptr_null(strstr(text.data, "!["));
    buf_fini(&text);
    latency_table_destroy((struct latency_table *)r->tables.devices[0].table);
    results_destroy(r);
    close_dir();
}
END_TEST

TEST_SUITE(study_report, a_report_shows_winners_quality_provenance_and_every_plot,
           a_report_shows_what_fine_tuning_did,
           a_report_of_a_study_that_has_just_begun_shows_no_plots)
