// SPDX-License-Identifier: Apache-2.0
// cmd_data.c - `data pack` and `data check`: lists and recordings into one file.
#include "common/base/clock.h"
#include "common/conf/study.h"
#include "worker/cli/cmd.h"
#include "worker/data/pack.h"
#include "worker/data/pack_build.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_EVERY_MS 5000 // progress into a file
#define TTY_EVERY_MS  100  // progress before somebody's eyes
#define THREADS_MAX   64

static const char help[] =
    "usage: voxarch data pack LISTS -o FILE [--threads N] [--json]\n"
    "       voxarch data check LISTS [--threads N] [--json]\n"
    "       voxarch data check PACK [--json]\n"
    "\n"
    "pack reads all recordings of the lists (WAV, FLAC, Ogg Vorbis or Opus, any rate),\n"
    "checks lists and recordings, and writes one file with everything training needs.\n"
    "check does the same without writing, or checks a file that pack has written.\n"
    "\n"
    "LISTS is either --study FILE or:\n"
    "  --manifest FILE       training recordings, tab-separated: file, speaker, [split]\n"
    "  --split NAME          only rows of the manifest with this split\n"
    "  --kaldi DIR           training recordings: wav.scp and utt2spk (not --manifest)\n"
    "  --root DIR            in front of relative file names; else the list's folder\n"
    "  --trials FILE         lines of `1|0 enroll test` or `enroll test "
    "target|nontarget`\n"
    "  --eval-manifest FILE  recordings the trials name; else other splits of the\n"
    "                        manifest, else files under --eval-root\n"
    "  --eval-split NAME     only rows of the evaluation manifest with this split\n"
    "  --eval-kaldi DIR      the same as a Kaldi folder\n"
    "  --eval-root DIR       in front of relative file names of these; else --root\n"
    "  --noise DIR           noise recordings for augmentation\n"
    "  --bad-files WHAT      error (the default): name unusable recordings and fail;\n"
    "                        skip: name them and go on without\n"
    "\n"
    "  -o, --output FILE     the pack to write\n"
    "  --threads N           decode with N threads; else one a CPU\n"
    "  --json                print one JSON object with the same keys\n"
    "  -h, --help            print this\n";

struct request {
    char study[FILE_PATH_MAX];
    char output[FILE_PATH_MAX];
    char pack[FILE_PATH_MAX]; // an operand
    char bad_files[16];
    char threads[16];
    bool as_json, wants_help, has_lists;
    struct study_data data;
    int n_threads;
};

// Options with a value, and where it goes.
#define TEXT(name, member)                                                            \
    {                                                                                 \
        name, offsetof(struct request, member), sizeof(((struct request *)0)->member) \
    }

static const struct text_option {
    const char *name;
    size_t at, size;
} text_options[] = {
    TEXT("--study", study),
    TEXT("--manifest", data.train.manifest),
    TEXT("--split", data.train.split),
    TEXT("--kaldi", data.train.kaldi),
    TEXT("--root", data.train.root),
    TEXT("--trials", data.trials),
    TEXT("--eval-manifest", data.eval.manifest),
    TEXT("--eval-split", data.eval.split),
    TEXT("--eval-kaldi", data.eval.kaldi),
    TEXT("--eval-root", data.eval.root),
    TEXT("--noise", data.noise),
    TEXT("--bad-files", bad_files),
    TEXT("-o", output),
    TEXT("--output", output),
    TEXT("--threads", threads),
};

static const struct flag_option {
    const char *name;
    size_t at;
} flag_options[] = {
    {"--json", offsetof(struct request, as_json)},
    {"--help", offsetof(struct request, wants_help)},
    {"-h", offsetof(struct request, wants_help)},
};

#define N_TEXT_OPTIONS (sizeof(text_options) / sizeof(text_options[0]))
#define N_FLAG_OPTIONS (sizeof(flag_options) / sizeof(flag_options[0]))

static bool take_flag(struct request *r, const char *arg)
{
    for (size_t i = 0; i < N_FLAG_OPTIONS; i++) {
        if (strcmp(arg, flag_options[i].name) == 0) {
            *(bool *)((char *)r + flag_options[i].at) = true;
            return true;
        }
    }
    return false;
}

static const struct text_option *find_text_option(const char *arg)
{
    size_t n = strcspn(arg, "=");
    for (size_t i = 0; i < N_TEXT_OPTIONS; i++) {
        const char *name = text_options[i].name;
        if (strlen(name) == n && strncmp(arg, name, n) == 0) {
            return &text_options[i];
        }
    }
    return NULL;
}

// `--name VALUE` or `--name=VALUE`; *i moves to the last argument taken.
static enum err take_text(struct request *r, const struct text_option *option, int argc,
                          char **argv, int *i, struct errinfo *why)
{
    const char *value = strchr(argv[*i], '=');
    if (value) {
        value++;
    } else if (*i + 1 < argc) {
        value = argv[++*i];
    } else {
        return err_set(why, ERR_INPUT, "%s needs a value", option->name);
    }
    if (value[0] == '\0') {
        return err_set(why, ERR_INPUT, "the value of %s is empty", option->name);
    }
    if (strlen(value) >= option->size) {
        return err_set(why, ERR_LIMIT, "the value of %s is longer than %zu bytes",
                       option->name, option->size - 1);
    }
    memcpy((char *)r + option->at, value, strlen(value) + 1);
    return ERR_OK;
}

static enum err take_operand(struct request *r, const char *arg, struct errinfo *why)
{
    if (arg[0] == '-') {
        return err_set(why, ERR_INPUT, "unknown option \"%s\" (see --help)", arg);
    }
    if (r->pack[0]) {
        return err_set(why, ERR_INPUT, "unexpected argument \"%s\"", arg);
    }
    return file_path(r->pack, sizeof(r->pack), why, "%s", arg);
}

static enum err read_arguments(struct request *r, int argc, char **argv,
                               struct errinfo *why)
{
    enum err e = ERR_OK;
    for (int i = 2; i < argc && e == ERR_OK; i++) {
        const struct text_option *option = find_text_option(argv[i]);
        if (option) {
            e = take_text(r, option, argc, argv, &i, why);
        } else if (!take_flag(r, argv[i])) {
            e = take_operand(r, argv[i], why);
        }
    }
    return e;
}

static enum err read_words(struct request *r, struct errinfo *why)
{
    if (strcmp(r->bad_files, "skip") == 0) {
        r->data.skip_bad_files = true;
    } else if (r->bad_files[0] && strcmp(r->bad_files, "error") != 0) {
        return err_set(why, ERR_INPUT, "--bad-files is \"%s\"; allowed: skip, error",
                       r->bad_files);
    }
    if (r->threads[0]) {
        char *end = NULL;
        long n = strtol(r->threads, &end, 10);
        if (*end || n < 1 || n > THREADS_MAX) {
            return err_set(why, ERR_INPUT, "--threads is \"%s\"; allowed: 1 to %d",
                           r->threads, THREADS_MAX);
        }
        r->n_threads = (int)n;
    }
    return ERR_OK;
}

// Where the lists come from: a study, or the options, not both.
static enum err settle_lists(struct request *r, struct errinfo *why)
{
    struct study_data *d = &r->data;
    bool has_train = d->train.manifest[0] || d->train.kaldi[0];
    bool has_options = has_train || d->eval.manifest[0] || d->eval.kaldi[0] ||
                       d->train.root[0] || d->eval.root[0] || d->trials[0] ||
                       d->noise[0] || r->bad_files[0];
    r->has_lists = has_options || r->study[0];
    if (r->study[0] && has_options) {
        return err_set(why, ERR_INPUT,
                       "--study stands alone: the study names its lists");
    }
    if ((d->train.manifest[0] && d->train.kaldi[0]) ||
        (d->eval.manifest[0] && d->eval.kaldi[0])) {
        return err_set(why, ERR_INPUT, "a manifest or a Kaldi folder, not both");
    }
    if ((d->train.split[0] && !d->train.manifest[0]) ||
        (d->eval.split[0] && !d->eval.manifest[0])) {
        return err_set(why, ERR_INPUT, "a split needs its manifest");
    }
    if (has_options && !has_train) {
        return err_set(why, ERR_INPUT,
                       "no training list: --manifest, --kaldi or --study");
    }
    if (!r->study[0]) {
        return ERR_OK;
    }
    struct study_conf *conf = malloc(sizeof(*conf));
    BUG_ON(!conf);
    enum err e = study_load(r->study, NULL, 0, conf, why);
    if (e == ERR_OK) {
        *d = conf->data;
    }
    free(conf);
    return e;
}

// ---- what is printed ----

struct screen {
    bool is_tty;
    bool is_line_open;
    int64_t next_ms;
};

static void close_line(struct screen *s)
{
    if (s->is_line_open) {
        fputs("\r\033[K", stderr);
        s->is_line_open = false;
    }
}

static void say(void *arg, const char *line)
{
    close_line(arg);
    fprintf(stderr, "data: %s\n", line);
}

static void show_progress(void *arg, size_t n_done, size_t n_all)
{
    struct screen *s = arg;
    int64_t now_ms = clock_mono_ms();
    if (now_ms < s->next_ms) {
        return;
    }
    s->next_ms = now_ms + (s->is_tty ? TTY_EVERY_MS : LINE_EVERY_MS);
    s->is_line_open = s->is_tty;
    fprintf(stderr, "%sdata: %zu of %zu recordings read%s", s->is_tty ? "\r" : "",
            n_done, n_all, s->is_tty ? "" : "\n");
}

static json_t *report_json(const struct pack_report *r)
{
    json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:f}", "train_utterances",
                          (json_int_t)r->n_train_utts, "train_speakers",
                          (json_int_t)r->n_train_speakers, "eval_utterances",
                          (json_int_t)r->n_eval_utts, "trials", (json_int_t)r->n_trials,
                          "noise", (json_int_t)r->n_noise, "seconds", r->seconds);
    BUG_ON(!o);
    if (r->hash[0]) {
        json_object_set_new(o, "bytes", json_integer((json_int_t)r->size_bytes));
        json_object_set_new(o, "hash", json_string(r->hash));
    }
    json_object_set_new(o, "skipped_files", json_integer((json_int_t)r->n_bad_files));
    json_object_set_new(o, "dropped_trials",
                        json_integer((json_int_t)r->n_dropped_trials));
    return o;
}

static void print_report(const struct pack_report *r, bool as_json)
{
    if (as_json) {
        json_t *o = report_json(r);
        json_dumpf(o, stdout, JSON_REAL_PRECISION(12));
        putchar('\n');
        json_decref(o);
        return;
    }
    printf("train_utterances=%zu train_speakers=%zu eval_utterances=%zu trials=%zu "
           "noise=%zu seconds=%.1f",
           r->n_train_utts, r->n_train_speakers, r->n_eval_utts, r->n_trials,
           r->n_noise, r->seconds);
    if (r->hash[0]) {
        printf(" bytes=%" PRIu64 " hash=%s", r->size_bytes, r->hash);
    }
    printf(" skipped_files=%zu dropped_trials=%zu\n", r->n_bad_files,
           r->n_dropped_trials);
}

// ---- the commands ----

static enum err build(const struct request *r, const char *path,
                      struct pack_report *report, struct errinfo *why)
{
    struct screen screen = {.is_tty = isatty(STDERR_FILENO) == 1,
                            .next_ms = clock_mono_ms() + TTY_EVERY_MS};
    if (!screen.is_tty) {
        screen.next_ms += LINE_EVERY_MS;
    }
    struct pack_build_options options = {r->n_threads, say, show_progress, &screen};
    enum err e = pack_build(&r->data, path, &options, report, why);
    close_line(&screen);
    return e;
}

static enum err run_pack(const struct request *r, struct pack_report *report,
                         struct errinfo *why)
{
    if (r->pack[0]) {
        return err_set(why, ERR_INPUT, "unexpected argument \"%s\"", r->pack);
    }
    if (!r->has_lists) {
        return err_set(why, ERR_INPUT,
                       "nothing to pack: --study, --manifest or --kaldi");
    }
    if (!r->output[0]) {
        return err_set(why, ERR_INPUT, "where to? name the file with -o");
    }
    return build(r, r->output, report, why);
}

static void count_pack(const struct pack *p, struct pack_report *report)
{
    uint64_t n_samples = 0;
    for (int part = PACK_TRAIN; part <= PACK_NOISE; part++) {
        for (size_t i = 0; i < pack_count(p, (enum pack_part)part); i++) {
            n_samples += pack_utt_at(p, (enum pack_part)part, i).n_samples;
        }
    }
    report->n_train_utts = pack_count(p, PACK_TRAIN);
    report->n_train_speakers = (size_t)pack_n_speakers(p);
    report->n_eval_utts = pack_count(p, PACK_EVAL);
    report->n_trials = pack_n_trials(p);
    report->n_noise = pack_count(p, PACK_NOISE);
    report->seconds = (double)n_samples / PACK_SAMPLE_RATE;
    report->size_bytes = pack_size_bytes(p);
}

static enum err check_pack(const char *path, struct pack_report *report,
                           struct errinfo *why)
{
    struct pack *p = NULL;
    enum err e = pack_open(path, &p, why);
    if (e != ERR_OK) {
        return e;
    }
    count_pack(p, report);
    e = pack_verify(p, report->hash, why);
    if (e != ERR_OK) {
        e = err_prefix(why, e, "%s", path);
    }
    pack_close(p);
    return e;
}

static enum err run_check(const struct request *r, struct pack_report *report,
                          struct errinfo *why)
{
    if (r->output[0]) {
        return err_set(why, ERR_INPUT, "check writes nothing: leave out -o");
    }
    if ((r->pack[0] != 0) == r->has_lists) {
        return err_set(why, ERR_INPUT, "either a pack or lists (see --help)");
    }
    return r->has_lists ? build(r, NULL, report, why)
                        : check_pack(r->pack, report, why);
}

static const struct verb {
    const char *name;
    enum err (*run)(const struct request *r, struct pack_report *report,
                    struct errinfo *why);
} verbs[] = {{"pack", run_pack}, {"check", run_check}};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(name, verbs[i].name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static int run(const struct verb *verb, struct request *r, int argc, char **argv)
{
    struct errinfo why = {0};
    struct pack_report report = {0};
    enum err e = read_arguments(r, argc, argv, &why);
    if (e == ERR_OK && r->wants_help) {
        fputs(help, stdout);
        return 0;
    }
    if (e == ERR_OK) {
        e = read_words(r, &why);
    }
    if (e == ERR_OK) {
        e = settle_lists(r, &why);
    }
    if (e == ERR_OK) {
        e = verb->run(r, &report, &why);
    }
    if (e != ERR_OK) {
        fprintf(stderr, "data %s: %s\n", verb->name, why.text);
        return err_exit_status(e);
    }
    print_report(&report, r->as_json);
    return fflush(stdout) == 0 ? 0 : 1;
}

int cmd_data(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return 0;
    }
    const struct verb *verb = argc >= 2 ? find_verb(argv[1]) : NULL;
    if (!verb) {
        const char *named = argc >= 2 ? argv[1] : "";
        fprintf(stderr, "data: \"%s\" is no command; allowed: pack, check\n", named);
        return 2;
    }
    struct request *r = calloc(1, sizeof(*r));
    BUG_ON(!r);
    int status = run(verb, r, argc, argv);
    free(r);
    return status;
}
