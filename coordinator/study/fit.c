// SPDX-License-Identifier: Apache-2.0
// fit.c - see fit.h.
#include "coordinator/study/fit.h"

#include "common/base/file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void fit_fini(struct fit *f)
{
    free(f->labels);
    free(f->picks);
    free(f->keys);
    *f = (struct fit){.n_folds = 0};
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const struct fit_key *)a)->hash;
    uint64_t y = ((const struct fit_key *)b)->hash;
    return (x > y) - (x < y);
}

static void make_keys(struct fit *f)
{
    f->keys = calloc(f->n_picks + f->n_labels + 1, sizeof(*f->keys));
    BUG_ON(!f->keys);
    for (size_t i = 0; i < f->n_picks; i++) {
        f->keys[f->n_keys++] =
            (struct fit_key){arch_hash(&f->picks[i].arch), f->picks[i].predicted};
    }
    for (size_t i = 0; i < f->n_labels; i++) {
        f->keys[f->n_keys++] =
            (struct fit_key){arch_hash(&f->labels[i].arch), f->labels[i].predicted};
    }
    qsort(f->keys, f->n_keys, sizeof(*f->keys), by_hash);
}

bool fit_predicted(const struct fit *f, const struct arch *a, double *predicted)
{
    const struct fit_key wanted = {.hash = arch_hash(a)};
    const struct fit_key *found =
        f->n_keys > 0 ? bsearch(&wanted, f->keys, f->n_keys, sizeof(wanted), by_hash)
                      : NULL;
    if (found) {
        *predicted = found->predicted;
    }
    return found != NULL;
}

// ---- writing

static void append(json_t *list, json_t *value)
{
    BUG_ON(!value || json_array_append_new(list, value) != 0);
}

static json_t *list_kinds(const struct fit *f)
{
    json_t *list = json_array();
    for (int i = 0; i < f->n_kinds; i++) {
        const struct fit_kind *k = &f->kinds[i];
        append(list, json_pack("{s:s, s:f, s:f}", "kind", k->kind, "kendall_tau",
                               k->kendall_tau, "rmse", k->rmse));
    }
    return list;
}

static json_t *list_labels(const struct fit *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_labels; i++) {
        char arch[ARCH_STRING_MAX];
        append(list,
               json_pack("{s:s, s:f, s:f}", "architecture",
                         arch_print(&f->labels[i].arch, arch), "measured",
                         f->labels[i].measured, "predicted", f->labels[i].predicted));
    }
    return list;
}

static json_t *list_picks(const struct fit *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_picks; i++) {
        char arch[ARCH_STRING_MAX];
        append(list, json_pack("{s:s, s:f, s:f, s:i}", "architecture",
                               arch_print(&f->picks[i].arch, arch), "predicted",
                               f->picks[i].predicted, "spread", f->picks[i].spread,
                               "group", f->picks[i].group));
    }
    return list;
}

void fit_print(const struct fit *f, struct buf *out)
{
    json_t *root =
        json_pack("{s:s, s:s, s:i, s:o, s:o, s:o}", "predictor", f->predictor, "kind",
                  f->kind, "folds", f->n_folds, "kinds", list_kinds(f), "labels",
                  list_labels(f), "picks", list_picks(f));
    BUG_ON(!root);
    char *text = json_dumps(root, JSON_INDENT(1));
    BUG_ON(!text);
    buf_addf(out, "%s\n", text);
    free(text);
    json_decref(root);
}

// ---- reading

static bool read_kinds(json_t *list, struct fit *f)
{
    size_t n = json_array_size(list);
    if (n > FIT_KINDS_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct fit_kind *k = &f->kinds[f->n_kinds++];
        const char *kind;
        if (json_unpack(json_array_get(list, i), "{s:s, s:F, s:F}", "kind", &kind,
                        "kendall_tau", &k->kendall_tau, "rmse", &k->rmse) != 0) {
            return false;
        }
        snprintf(k->kind, sizeof(k->kind), "%s", kind);
    }
    return true;
}

static bool read_labels(json_t *list, struct fit *f)
{
    size_t n = json_array_size(list);
    f->labels = calloc(n + 1, sizeof(*f->labels));
    BUG_ON(!f->labels);
    for (size_t i = 0; i < n; i++) {
        struct fit_label *l = &f->labels[f->n_labels++];
        const char *arch;
        if (json_unpack(json_array_get(list, i), "{s:s, s:F, s:F}", "architecture",
                        &arch, "measured", &l->measured, "predicted",
                        &l->predicted) != 0 ||
            arch_parse(arch, &l->arch, NULL) != ERR_OK) {
            return false;
        }
    }
    return true;
}

static bool read_picks(json_t *list, struct fit *f)
{
    size_t n = json_array_size(list);
    f->picks = calloc(n + 1, sizeof(*f->picks));
    BUG_ON(!f->picks);
    for (size_t i = 0; i < n; i++) {
        struct pick *p = &f->picks[f->n_picks++];
        const char *arch;
        if (json_unpack(json_array_get(list, i), "{s:s, s:F, s:F, s:i}", "architecture",
                        &arch, "predicted", &p->predicted, "spread", &p->spread,
                        "group", &p->group) != 0 ||
            arch_parse(arch, &p->arch, NULL) != ERR_OK) {
            return false;
        }
    }
    return true;
}

static bool read_root(json_t *root, struct fit *f)
{
    const char *predictor;
    const char *kind;
    json_t *kinds;
    json_t *labels;
    json_t *picks;
    if (json_unpack(root, "{s:s, s:s, s:i, s:o, s:o, s:o}", "predictor", &predictor,
                    "kind", &kind, "folds", &f->n_folds, "kinds", &kinds, "labels",
                    &labels, "picks", &picks) != 0) {
        return false;
    }
    snprintf(f->predictor, sizeof(f->predictor), "%s", predictor);
    snprintf(f->kind, sizeof(f->kind), "%s", kind);
    return read_kinds(kinds, f) && read_labels(labels, f) && read_picks(picks, f);
}

enum err fit_parse(const char *json, size_t n, struct fit *out, struct errinfo *why)
{
    *out = (struct fit){.n_folds = 0};
    json_t *root = json_loadb(json, n, 0, NULL);
    bool is_ok = root && read_root(root, out);
    json_decref(root);
    if (is_ok) {
        make_keys(out);
        return ERR_OK;
    }
    fit_fini(out);
    return err_set(why, ERR_CORRUPT, "this is not the record of a fit");
}

enum err fit_load(const char *path, struct fit *out, struct errinfo *why)
{
    struct buf json = BUF_INIT;
    *out = (struct fit){.n_folds = 0};
    enum err e = file_read(path, FIT_MAX_BYTES, &json, why);
    if (e == ERR_OK) {
        e = fit_parse(json.data, json.len, out, why);
    }
    buf_fini(&json);
    return e == ERR_OK ? e : err_prefix(why, e, "%s", path);
}
