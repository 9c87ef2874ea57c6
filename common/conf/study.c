// SPDX-License-Identifier: Apache-2.0
// study.c - see study.h. The tables say what a study may hold; the functions below them
// check what one key alone cannot tell.
#include "common/conf/study.h"

#include "common/conf/schema.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A study while it is read: the file's train.epochs and the like are presets of stages.
struct draft {
    struct study_conf conf;
    struct study_stage stage_preset;
};

#define AT(member) offsetof(struct draft, conf.member)

static const char *const bad_files_words[] = {"error", "skip", NULL};
static const char *const speed_speakers_words[] = {"new", "same", NULL};
static const char *const input_words[] = {"by_recording", "fixed", NULL};
static const char *const strategy_words[] = {"random", "evolution", "mpea",
                                             "nsga2",  "bayes",     NULL};
static const char *const predictor_words[] = {"auto", "mlp", "ridge", "gp", NULL};
static const char *const stage_words[] = {"largest", "kernel", "depth",
                                          "width1",  "width2", NULL};

#define PATH_KEY(key, s, m)                                                            \
    {                                                                                  \
        key, SCHEMA_PATH, 0, offsetof(struct s, m), .size = sizeof(((struct s *)0)->m) \
    }

static const struct schema_key recordings_keys[] = {
    PATH_KEY("manifest", study_recordings, manifest),
    PATH_KEY("kaldi", study_recordings, kaldi),
    {"split", SCHEMA_TEXT, 0, offsetof(struct study_recordings, split),
     .size = sizeof(((struct study_recordings *)0)->split)},
    PATH_KEY("root", study_recordings, root),
    {0},
};

static const struct schema_key data_keys[] = {
    {"train", SCHEMA_MAP, SCHEMA_REQUIRED, offsetof(struct study_data, train),
     .keys = recordings_keys},
    {"eval", SCHEMA_MAP, 0, offsetof(struct study_data, eval), .keys = recordings_keys},
    {"trials", SCHEMA_PATH, SCHEMA_REQUIRED, offsetof(struct study_data, trials),
     .size = FILE_PATH_MAX},
    PATH_KEY("noise", study_data, noise),
    {"bad_files", SCHEMA_FLAG, 0, offsetof(struct study_data, skip_bad_files),
     .words = bad_files_words},
    {0},
};

static const struct schema_key supernet_keys[] = {
    {"depth", SCHEMA_INT, 0, offsetof(struct net_dims, max_depth), .min = 1,
     .max = ARCH_DEPTH_MAX},
    {"width", SCHEMA_INT, 0, offsetof(struct net_dims, max_width), .min = 8,
     .max = 8192},
    {"kernel", SCHEMA_INT, 0, offsetof(struct net_dims, max_kernel), .min = 1,
     .max = 5},
    {"cat", SCHEMA_INT, 0, offsetof(struct net_dims, max_cat), .min = 8, .max = 8192},
    {"embedding", SCHEMA_INT, 0, offsetof(struct net_dims, n_embed), .min = 1,
     .max = 4096},
    {"input", SCHEMA_WORD, 0, offsetof(struct net_dims, input), .words = input_words},
    {0},
};

static const struct schema_key space_keys[] = {
    {"depth", SCHEMA_VALUES, SCHEMA_REQUIRED, AT(depths), .gene = GENE_DEPTH},
    {"width", SCHEMA_VALUES, SCHEMA_REQUIRED, AT(widths), .gene = GENE_WIDTH},
    {"kernel", SCHEMA_VALUES, SCHEMA_REQUIRED, AT(kernels), .gene = GENE_KERNEL},
    {"cat", SCHEMA_VALUES, SCHEMA_REQUIRED, AT(cats), .gene = GENE_CAT},
    {0},
};

static const struct schema_key augment_keys[] = {
    {"noise", SCHEMA_REAL, 0, offsetof(struct study_augment, noise_prob), .min = 0,
     .max = 1},
    {"snr", SCHEMA_RANGE, 0, offsetof(struct study_augment, snr_min_db), .min = -40,
     .max = 100},
    {"reverb", SCHEMA_REAL, 0, offsetof(struct study_augment, reverb_prob), .min = 0,
     .max = 1},
    {"freq_masks", SCHEMA_INT, 0, offsetof(struct study_augment, freq_masks), .min = 0,
     .max = 16},
    {"freq_width", SCHEMA_INT, 0, offsetof(struct study_augment, freq_mask_bins),
     .min = 1, .max = 79},
    {"time_masks", SCHEMA_INT, 0, offsetof(struct study_augment, time_masks), .min = 0,
     .max = 16},
    {"time_width", SCHEMA_INT, 0, offsetof(struct study_augment, time_mask_frames),
     .min = 1, .max = 1000},
    {"speeds", SCHEMA_REALS, 0, offsetof(struct study_augment, speeds),
     .size = STUDY_SPEEDS_MAX, .min = 0.5, .max = 2,
     .count_offset = offsetof(struct study_augment, n_speeds)},
    {"speed_speakers", SCHEMA_FLAG, 0,
     offsetof(struct study_augment, speeds_keep_speaker),
     .words = speed_speakers_words},
    {0},
};
_Static_assert(offsetof(struct study_augment, snr_max_db) ==
                   offsetof(struct study_augment, snr_min_db) + sizeof(double),
               "SCHEMA_RANGE writes both ends");

// What a stage has of its own or from train:. `more` hides the latter from printing.
#define STAGE_KEYS(at, more)                                                         \
    {"epochs",     SCHEMA_REAL,  more, (at) + offsetof(struct study_stage, epochs),  \
     .min = 0.001, .max = 100000},                                                   \
        {"cycles", SCHEMA_INT, more, (at) + offsetof(struct study_stage, cycles),    \
         .min = 1, .max = 1000},                                                     \
        {"lr_min", SCHEMA_REAL, more, (at) + offsetof(struct study_stage, lr_min),   \
         .min = 0, .max = 1},                                                        \
        {"lr_max", SCHEMA_REAL, more, (at) + offsetof(struct study_stage, lr_max),   \
         .min = 0, .max = 1},                                                        \
        {"crop",     SCHEMA_REAL, more, (at) + offsetof(struct study_stage, crop_s), \
         .min = 0.1, .max = 60},                                                     \
        {"tune",   SCHEMA_REAL, more, (at) + offsetof(struct study_stage, tune),     \
         .min = 0, .max = 1},                                                        \
        {"tune_crop", SCHEMA_REAL,                                                   \
         more,        (at) + offsetof(struct study_stage, tune_crop_s),              \
         .min = 0.1,  .max = 60},                                                    \
    {                                                                                \
        "tune_margin", SCHEMA_REAL, more,                                            \
            (at) + offsetof(struct study_stage, tune_margin), .min = 0, .max = 1.5   \
    }

static const struct schema_key stage_keys[] = {
    {"stage", SCHEMA_WORD, SCHEMA_REQUIRED, offsetof(struct study_stage, kind),
     .words = stage_words},
    STAGE_KEYS(0, 0),
    {0},
};

static const struct schema_key train_keys[] = {
    {"batch", SCHEMA_INT, 0, AT(train.batch), .min = 2, .max = 4096},
    {"balance", SCHEMA_REAL, 0, AT(train.balance), .min = -1, .max = 1},
    STAGE_KEYS(offsetof(struct draft, stage_preset), SCHEMA_HIDDEN),
    {"weight_decay", SCHEMA_REAL, 0, AT(train.weight_decay), .min = 0, .max = 1},
    {"margin", SCHEMA_REAL, 0, AT(train.aam_margin), .min = 0, .max = 1.5},
    {"margin_ramp", SCHEMA_REAL, 0, AT(train.margin_ramp), .min = 0, .max = 1},
    {"scale", SCHEMA_REAL, 0, AT(train.aam_scale), .min = 1, .max = 1000},
    {"round_steps", SCHEMA_INT, 0, AT(train.round_steps), .min = 1, .max = 1000000},
    {"max_shards", SCHEMA_INT, 0, AT(train.max_shards), .min = 1,
     .max = STUDY_SHARDS_MAX},
    {"augment", SCHEMA_MAP, 0, AT(train.augment), .keys = augment_keys},
    {"stages", SCHEMA_LIST, 0, AT(train.stages), .keys = stage_keys,
     .size = sizeof(struct study_stage), .max = STAGE_KINDS,
     .count_offset = AT(train.n_stages),
     .preset_offset = offsetof(struct draft, stage_preset)},
    {0},
};

static const struct schema_key predictor_keys[] = {
    {"labels", SCHEMA_COUNT, SCHEMA_REQUIRED, offsetof(struct study_predictor, labels),
     .min = STUDY_LABELS_MIN},
    {"kind", SCHEMA_CHOICE, 0, offsetof(struct study_predictor, kind),
     .size = sizeof(((struct study_predictor *)0)->kind), .words = predictor_words},
    {"folds", SCHEMA_INT, 0, offsetof(struct study_predictor, folds), .min = 2,
     .max = 20},
    {"evaluations", SCHEMA_INT, 0, offsetof(struct study_predictor, evaluations),
     .min = 10, .max = 1000000},
    {0},
};

static const struct schema_key search_keys[] = {
    {"strategy", SCHEMA_CHOICE, 0, offsetof(struct study_search, strategy),
     .size = sizeof(((struct study_search *)0)->strategy), .words = strategy_words},
    {"candidates", SCHEMA_INT, 0, offsetof(struct study_search, candidates), .min = 1,
     .max = 10000000},
    {"population", SCHEMA_INT, 0, offsetof(struct study_search, population), .min = 0,
     .max = 10000},
    {"mutation", SCHEMA_REAL, 0, offsetof(struct study_search, mutation), .min = 0,
     .max = 1},
    {"predictor", SCHEMA_MAP, SCHEMA_WHOLE, offsetof(struct study_search, predictor),
     .keys = predictor_keys},
    {0},
};

static const struct schema_key study_keys[] = {
    {"name", SCHEMA_NAME, SCHEMA_REQUIRED, AT(name), .size = STUDY_NAME_MAX},
    {"seed", SCHEMA_COUNT, 0, AT(seed), .min = 0},
    {"weight", SCHEMA_REAL, 0, AT(weight), .min = 0.001, .max = 1000},
    {"data", SCHEMA_MAP, SCHEMA_WHOLE, AT(data), .keys = data_keys},
    {"supernet", SCHEMA_MAP, 0, AT(supernet), .keys = supernet_keys},
    {"space", SCHEMA_MAP, SCHEMA_REQUIRED, 0, .keys = space_keys},
    {"train", SCHEMA_MAP, 0, 0, .keys = train_keys},
    {"evaluate", SCHEMA_MAP, 0, AT(evaluate), .keys = study_evaluate_keys},
    {"search", SCHEMA_MAP, 0, AT(search), .keys = search_keys},
    {"limits", SCHEMA_MAP, 0, AT(limits), .keys = study_limits_keys},
    {"finetune", SCHEMA_MAP, SCHEMA_WHOLE, AT(finetune), .keys = study_finetune_keys},
    {"devices", SCHEMA_LIST, 0, AT(devices), .keys = study_device_keys,
     .size = sizeof(struct study_device), .max = STUDY_DEVICES_MAX,
     .count_offset = AT(n_devices)},
    {"targets", SCHEMA_LIST, 0, AT(targets), .keys = study_target_keys,
     .size = sizeof(struct study_target), .max = STUDY_TARGETS_MAX,
     .count_offset = AT(n_targets)},
    {0},
};

// A space file, or a study of which only the space matters.
static const struct schema_key space_file_keys[] = {
    {.name = "name", .type = SCHEMA_SKIP},
    {.name = "seed", .type = SCHEMA_SKIP},
    {.name = "weight", .type = SCHEMA_SKIP},
    {.name = "data", .type = SCHEMA_SKIP},
    {"supernet", SCHEMA_MAP, 0, AT(supernet), .keys = supernet_keys},
    {"space", SCHEMA_MAP, SCHEMA_REQUIRED, 0, .keys = space_keys},
    {.name = "train", .type = SCHEMA_SKIP},
    {.name = "evaluate", .type = SCHEMA_SKIP},
    {.name = "search", .type = SCHEMA_SKIP},
    {.name = "limits", .type = SCHEMA_SKIP},
    {.name = "finetune", .type = SCHEMA_SKIP},
    {.name = "devices", .type = SCHEMA_SKIP},
    {.name = "targets", .type = SCHEMA_SKIP},
    {0},
};

static void fill_defaults(struct draft *d)
{
    memset(d, 0, sizeof(*d));
    d->stage_preset = (struct study_stage){.epochs = 64,
                                           .cycles = 4,
                                           .lr_min = 1e-8,
                                           .lr_max = 1e-3,
                                           .crop_s = 2,
                                           .tune_crop_s = 4,
                                           .tune_margin = 0.4};
    struct study_conf *c = &d->conf;
    c->seed = 1;
    c->weight = 1;
    c->supernet = DIMS_PAPER;
    c->supernet.max_depth = 0; // the space's, unless the file says otherwise
    c->supernet.max_width = 0;
    c->supernet.max_kernel = 0;
    c->supernet.max_cat = 0;
    c->train = (struct study_train){
        .batch = 64,
        .weight_decay = 2e-5,
        .aam_margin = 0.2,
        .aam_scale = 30,
        .round_steps = 50,
        .max_shards = 8,
        .augment = {.snr_min_db = 5,
                    .snr_max_db = 20,
                    .freq_mask_bins = 8,
                    .time_mask_frames = 20},
    };
    c->evaluate = STUDY_EVALUATE_DEFAULT;
    c->finetune = STUDY_FINETUNE_DEFAULT;
    c->search = (struct study_search){
        .candidates = 40,
        .predictor = {.kind = "auto", .folds = 5, .evaluations = 10000}};
}

// ---- space and supernet ----

static enum err resolve_dim(const struct schema *s, enum gene_kind kind, int *dim,
                            int largest)
{
    char path[32];
    snprintf(path, sizeof(path), "supernet.%s", gene_kind_name(kind));
    if (*dim == 0) {
        *dim = largest;
    }
    if (!gene_kind_allows(kind, *dim)) {
        return tree_error_at(s->tree, path, s->why, "is %d; allowed: %s", *dim,
                             gene_kind_allowed(kind));
    }
    if (*dim < largest) {
        return tree_error_at(s->tree, path, s->why,
                             "is %d; allowed: at least %d, the largest in space.%s",
                             *dim, largest, gene_kind_name(kind));
    }
    return ERR_OK;
}

static int last_value(const struct value_list *list)
{
    BUG_ON(list->n < 1);
    return list->values[list->n - 1];
}

static enum err resolve_space(const struct schema *s, struct study_conf *c)
{
    struct net_dims *d = &c->supernet;
    const struct {
        enum gene_kind kind;
        int *dim;
        const struct value_list *list;
    } genes[] = {
        {GENE_DEPTH, &d->max_depth, &c->depths},
        {GENE_WIDTH, &d->max_width, &c->widths},
        {GENE_KERNEL, &d->max_kernel, &c->kernels},
        {GENE_CAT, &d->max_cat, &c->cats},
    };
    for (size_t i = 0; i < sizeof(genes) / sizeof(genes[0]); i++) {
        enum err e =
            resolve_dim(s, genes[i].kind, genes[i].dim, last_value(genes[i].list));
        if (e != ERR_OK) {
            return e;
        }
    }
    struct errinfo why = {0};
    enum err e =
        space_build(&c->space, &c->depths, &c->widths, &c->kernels, &c->cats, &why);
    if (e == ERR_OK) {
        e = dims_check(d, &why);
    }
    if (e == ERR_OK) {
        e = space_fits(&c->space, d, &why);
    }
    return e == ERR_OK ? ERR_OK
                       : tree_error_at(s->tree, "space", s->why, "%s", why.text);
}

// ---- data ----

// The folder of a file, as dirname does it, but from any thread.
static void set_folder(char folder[static FILE_PATH_MAX], const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash) {
        snprintf(folder, FILE_PATH_MAX, ".");
    } else {
        int n = slash == file ? 1 : (int)(slash - file);
        snprintf(folder, FILE_PATH_MAX, "%.*s", n, file);
    }
}

static enum err resolve_recordings(const struct schema *s, const char *path,
                                   struct study_recordings *r)
{
    if (r->manifest[0] && r->kaldi[0]) {
        return tree_error_at(s->tree, path, s->why,
                             "has both manifest and kaldi; allowed: one of them");
    }
    if (r->split[0] && !r->manifest[0]) {
        return tree_error_at(s->tree, path, s->why,
                             "has a split without a manifest; allowed: split with "
                             "manifest");
    }
    if (!r->root[0] && r->manifest[0]) {
        set_folder(r->root, r->manifest);
    } else if (!r->root[0] && r->kaldi[0]) {
        snprintf(r->root, sizeof(r->root), "%s", r->kaldi);
    }
    return ERR_OK;
}

static enum err resolve_data(const struct schema *s, struct study_data *d)
{
    enum err e = resolve_recordings(s, "data.train", &d->train);
    if (e == ERR_OK && !d->train.manifest[0] && !d->train.kaldi[0]) {
        e = tree_error_at(s->tree, "data.train", s->why,
                          "lists no recordings; allowed: manifest or kaldi");
    }
    if (e == ERR_OK) {
        e = resolve_recordings(s, "data.eval", &d->eval);
    }
    if (e == ERR_OK && !d->eval.root[0]) {
        memcpy(d->eval.root, d->train.root, sizeof(d->eval.root));
    }
    return e;
}

// ---- training ----

static void fill_stages(const struct schema *s, struct draft *d)
{
    if (study_is_surrogate(&d->conf) ||
        tree_get(tree_get(tree_root(s->tree), "train"), "stages")) {
        return;
    }
    struct study_train *t = &d->conf.train;
    for (t->n_stages = 0; t->n_stages < STAGE_KINDS; t->n_stages++) {
        t->stages[t->n_stages] = d->stage_preset;
        t->stages[t->n_stages].kind = (enum stage_kind)t->n_stages;
    }
}

// Where a stage's value was written: in the stage, or in train: for all of them.
static void stage_path(const struct schema *s, int i, const char *key,
                       char out[static 64])
{
    const struct tree_node *train = tree_get(tree_root(s->tree), "train");
    const struct tree_node *stage = tree_item(tree_get(train, "stages"), i);
    bool is_preset = !tree_get(stage, key) && tree_get(train, key);
    if (is_preset) {
        snprintf(out, 64, "train.%s", key);
    } else {
        snprintf(out, 64, "train.stages[%d].%s", i, key);
    }
}

static enum err check_stage(const struct schema *s, const struct study_train *t, int i)
{
    const struct study_stage *stage = &t->stages[i];
    char path[64];
    if (i > 0 && stage->kind <= stage[-1].kind) {
        snprintf(path, sizeof(path), "train.stages[%d].stage", i);
        return tree_error_at(s->tree, path, s->why,
                             "is %s after %s; allowed: each stage once, in the order "
                             "largest, kernel, depth, width1, width2",
                             stage_name(stage->kind), stage_name(stage[-1].kind));
    }
    if (stage->lr_min > stage->lr_max || stage->lr_max <= 0) {
        stage_path(s, i, "lr_max", path);
        return tree_error_at(s->tree, path, s->why,
                             "is %g; allowed: above 0 and at least lr_min, %g",
                             stage->lr_max, stage->lr_min);
    }
    return ERR_OK;
}

static enum err check_speeds(const struct schema *s, const struct study_augment *a)
{
    for (int i = 0; i < a->n_speeds; i++) {
        double percent = a->speeds[i] * 100;
        if (fabs(percent - round(percent)) > 1e-9 || round(percent) == 100) {
            char path[64];
            snprintf(path, sizeof(path), "train.augment.speeds[%d]", i);
            return tree_error_at(s->tree, path, s->why,
                                 "is %g; allowed: whole hundredths other than 1",
                                 a->speeds[i]);
        }
    }
    return ERR_OK;
}

static enum err check_train(const struct schema *s, const struct study_conf *c)
{
    const struct study_train *t = &c->train;
    if (t->n_stages == 0) {
        return tree_error_at(
            s->tree, "train.stages", s->why,
            "is empty; allowed: at least one of largest, kernel, depth, "
            "width1, width2");
    }
    for (int i = 0; i < t->n_stages; i++) {
        enum err e = check_stage(s, t, i);
        if (e != ERR_OK) {
            return e;
        }
    }
    if (t->augment.noise_prob > 0 && !c->data.noise[0]) {
        return tree_error_at(
            s->tree, "train.augment.noise", s->why,
            "is %g, but data.noise names no recordings; allowed: 0, or "
            "with data.noise",
            t->augment.noise_prob);
    }
    return check_speeds(s, &t->augment);
}

int study_n_classes(const struct study_conf *conf, int n_speakers)
{
    const struct study_augment *a = &conf->train.augment;
    int n_copies = a->speeds_keep_speaker ? 1 : 1 + a->n_speeds;
    BUG_ON(n_speakers < 0 || n_speakers > INT_MAX / n_copies);
    return n_speakers * n_copies;
}

// ---- evaluation and search ----

bool study_is_surrogate(const struct study_conf *c)
{
    return c->evaluate.surrogate.predictor[0] != '\0';
}

bool study_finetunes(const struct study_conf *c)
{
    return c->finetune.networks > 0;
}

static enum err check_evaluate(const struct schema *s, const struct study_conf *c)
{
    const struct tree_node *root = tree_root(s->tree);
    if (!study_is_surrogate(c) && !tree_get(root, "data")) {
        return tree_error(s->tree, root, "data", s->why,
                          "is missing; allowed: a map with the keys train, eval, "
                          "trials, noise, bad_files, or evaluate.surrogate instead");
    }
    if (study_is_surrogate(c) && study_finetunes(c)) {
        return tree_error_at(
            s->tree, "finetune", s->why,
            "is given beside evaluate.surrogate; allowed: one of them");
    }
    return study_evaluate_check(s, &c->evaluate);
}

static enum err resolve_search(const struct schema *s, struct study_conf *c)
{
    struct study_search *search = &c->search;
    bool has_labels = search->predictor.labels > 0;
    if (search->strategy[0] == '\0') {
        snprintf(search->strategy, sizeof(search->strategy), "%s",
                 has_labels ? "mpea" : "random");
    }
    if (search->predictor.labels > STUDY_LABELS_MAX) {
        return tree_error_at(s->tree, "search.predictor.labels", s->why,
                             "is %" PRIu64 "; allowed: up to %d",
                             search->predictor.labels, STUDY_LABELS_MAX);
    }
    if (has_labels && study_is_surrogate(c)) {
        return tree_error_at(
            s->tree, "search.predictor", s->why,
            "is given beside evaluate.surrogate; allowed: one of them");
    }
    if (has_labels && search->candidates > STUDY_PICKS_MAX) {
        return tree_error_at(s->tree, "search.candidates", s->why,
                             "is %d; allowed: up to %d with search.predictor",
                             search->candidates, STUDY_PICKS_MAX);
    }
    return ERR_OK;
}

// ---- the whole ----

static enum err resolve(const struct schema *s, struct draft *d)
{
    struct study_conf *c = &d->conf;
    fill_stages(s, d);
    enum err e = check_evaluate(s, c);
    if (e == ERR_OK && !study_is_surrogate(c)) {
        e = resolve_data(s, &c->data);
    }
    if (e == ERR_OK) {
        e = resolve_space(s, c);
    }
    if (e == ERR_OK && !study_is_surrogate(c)) {
        e = check_train(s, c);
    }
    if (e == ERR_OK) {
        e = resolve_search(s, c);
    }
    if (e == ERR_OK) {
        e = study_limits_check(s, &c->limits);
    }
    if (e == ERR_OK) {
        e = study_finetune_check(s, &c->finetune);
    }
    if (e == ERR_OK) {
        e = study_devices_resolve(s, c->devices, c->n_devices);
    }
    return e == ERR_OK ? study_targets_resolve(s, c) : e;
}

static enum err read_study(const struct schema *s, struct study_conf *out)
{
    struct draft *d = malloc(sizeof(*d));
    BUG_ON(!d);
    fill_defaults(d);
    enum err e = schema_read(s, study_keys, d);
    if (e == ERR_OK) {
        e = resolve(s, d);
    }
    if (e == ERR_OK) {
        *out = d->conf;
    }
    free(d);
    return e;
}

static enum err absolute_dir(const char *dir, char out[static FILE_PATH_MAX],
                             struct errinfo *why)
{
    char cwd[FILE_PATH_MAX] = "";
    bool is_absolute = dir && dir[0] == '/';
    if (!is_absolute && !getcwd(cwd, sizeof(cwd))) {
        return err_set(why, ERR_IO, "cannot tell the current folder");
    }
    bool has_both = !is_absolute && dir && dir[0];
    enum err e = file_path(out, FILE_PATH_MAX, why, "%s%s%s", cwd, has_both ? "/" : "",
                           dir ? dir : "");
    if (e == ERR_OK && !tree_text_is_clean(out)) {
        e = err_set(why, ERR_INPUT,
                    "the study's folder has a name that cannot be printed");
    }
    for (size_t n = strlen(out); e == ERR_OK && n > 1 && out[n - 1] == '/'; n--) {
        out[n - 1] = '\0';
    }
    return e;
}

static enum err parse_with_sets(const struct buf *yaml, const char *name,
                                const char *dir, const char *const *sets, size_t n_sets,
                                struct study_conf *out, struct errinfo *why)
{
    char root[FILE_PATH_MAX];
    struct tree *tree;
    enum err e = absolute_dir(dir, root, why);
    if (e != ERR_OK) {
        return e;
    }
    e = tree_parse(yaml->data ? yaml->data : "", yaml->len, name, &tree, why);
    if (e != ERR_OK) {
        return e;
    }
    for (size_t i = 0; e == ERR_OK && i < n_sets; i++) {
        e = tree_set(tree, sets[i], why);
    }
    if (e == ERR_OK) {
        const struct schema s = {tree, root, why};
        e = read_study(&s, out);
    }
    tree_destroy(tree);
    return e;
}

enum err study_parse(const char *yaml, size_t n, const char *name, const char *dir,
                     struct study_conf *out, struct errinfo *why)
{
    if (n > STUDY_FILE_MAX_BYTES) {
        return err_set(why, ERR_LIMIT, "%.160s is larger than %d bytes", name,
                       STUDY_FILE_MAX_BYTES);
    }
    struct buf b = BUF_INIT;
    buf_add(&b, yaml, n);
    enum err e = parse_with_sets(&b, name, dir, NULL, 0, out, why);
    buf_fini(&b);
    return e;
}

// The same without symbolic links and dots.
static enum err real_folder(const char *file, char out[static FILE_PATH_MAX],
                            struct errinfo *why)
{
    set_folder(out, file);
    char *real = realpath(out, NULL);
    if (!real) {
        return err_set(why, ERR_NOTFOUND, "cannot find the folder of %.160s", file);
    }
    enum err e = file_path(out, FILE_PATH_MAX, why, "%s", real);
    free(real);
    return e;
}

enum err study_load(const char *path, const char *const *sets, size_t n_sets,
                    struct study_conf *out, struct errinfo *why)
{
    struct buf yaml = BUF_INIT;
    char dir[FILE_PATH_MAX];
    enum err e = file_read(path, STUDY_FILE_MAX_BYTES, &yaml, why);
    if (e == ERR_OK) {
        e = real_folder(path, dir, why);
    }
    if (e == ERR_OK) {
        e = parse_with_sets(&yaml, path, dir, sets, n_sets, out, why);
    }
    buf_fini(&yaml);
    return e;
}

void study_print(const struct study_conf *s, struct buf *out)
{
    // The tables speak of a draft; its presets are hidden, so never read.
    schema_print(study_keys, s, out);
}

static enum err read_space(const struct schema *s, struct space *out,
                           struct net_dims *dims)
{
    struct draft *d = malloc(sizeof(*d));
    BUG_ON(!d);
    fill_defaults(d);
    enum err e = schema_read(s, space_file_keys, d);
    if (e == ERR_OK) {
        e = resolve_space(s, &d->conf);
    }
    if (e == ERR_OK) {
        *out = d->conf.space;
        *dims = d->conf.supernet;
    }
    free(d);
    return e;
}

enum err study_load_space(const char *path, struct space *out, struct net_dims *dims,
                          struct errinfo *why)
{
    struct buf yaml = BUF_INIT;
    struct tree *tree = NULL;
    enum err e = file_read(path, STUDY_FILE_MAX_BYTES, &yaml, why);
    if (e == ERR_OK) {
        e = tree_parse(yaml.data, yaml.len, path, &tree, why);
    }
    if (e == ERR_OK) {
        const struct schema s = {tree, "/", why};
        e = read_space(&s, out, dims);
    }
    tree_destroy(tree);
    buf_fini(&yaml);
    return e;
}
