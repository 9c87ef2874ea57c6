// SPDX-License-Identifier: Apache-2.0
// study_targets.c - see study_targets.h.
#include "common/conf/study_targets.h"

#include "common/conf/schema.h"
#include "common/conf/study.h"

#include <stdio.h>
#include <string.h>

#define N_KEYS 3 // limits that have a key of their own

#define TARGET_AT(m) offsetof(struct study_target, m)

const struct schema_key study_target_keys[] = {
    {"name", SCHEMA_NAME, SCHEMA_REQUIRED, TARGET_AT(name),
     .size = sizeof(((struct study_target *)0)->name)},
    {"params", SCHEMA_COUNT, 0, TARGET_AT(max_params), .min = 1},
    {"macs", SCHEMA_COUNT, 0, TARGET_AT(max_macs), .min = 1},
    {"bytes", SCHEMA_COUNT, 0, TARGET_AT(max_bytes), .min = 1},
    {"constraints", SCHEMA_LIMITS, 0, TARGET_AT(constraints), .size = STUDY_LIMITS_MAX,
     .count_offset = TARGET_AT(n_constraints)},
    {0},
};

static int limits_of_keys(const struct study_target *t,
                          struct constraint out[static N_KEYS])
{
    const struct {
        enum objective_kind kind;
        uint64_t max;
    } keys[N_KEYS] = {
        {OBJECTIVE_PARAMS, t->max_params},
        {OBJECTIVE_MACS, t->max_macs},
        {OBJECTIVE_BYTES, t->max_bytes},
    };
    int n = 0;
    for (int i = 0; i < N_KEYS; i++) {
        if (keys[i].max > 0) {
            out[n++] = (struct constraint){.objective = {.kind = keys[i].kind},
                                           .limit = (double)keys[i].max};
        }
    }
    return n;
}

int study_target_limits(const struct study_target *t,
                        struct constraint out[static STUDY_LIMITS_MAX])
{
    int n = limits_of_keys(t, out);
    BUG_ON(n + t->n_constraints > STUDY_LIMITS_MAX);
    memcpy(out + n, t->constraints, (size_t)t->n_constraints * sizeof(out[0]));
    return n + t->n_constraints;
}

static bool size_of_kind(const struct complexity *c, enum objective_kind kind,
                         uint64_t *value)
{
    switch (kind) {
    case OBJECTIVE_PARAMS: *value = c->params; return true;
    case OBJECTIVE_MACS: *value = c->macs; return true;
    case OBJECTIVE_BYTES: *value = c->bytes; return true;
    default: return false;
    }
}

bool study_target_admits(const struct study_target *t, const struct complexity *c)
{
    struct constraint limits[STUDY_LIMITS_MAX];
    int n = study_target_limits(t, limits);
    for (int i = 0; i < n; i++) {
        uint64_t value;
        if (size_of_kind(c, limits[i].objective.kind, &value) &&
            !constraint_holds(&limits[i], (double)value)) {
            return false;
        }
    }
    return true;
}

// ---- checks

// Where limit `i` of study_target_limits was written.
static void limit_path(const struct study_target *t, int target, int i,
                       char out[static 64])
{
    struct constraint keys[N_KEYS];
    char name[OBJECTIVE_TEXT_MAX];
    int n = limits_of_keys(t, keys);
    if (i < n) {
        snprintf(out, 64, "targets[%d].%.8s", target,
                 objective_print(&keys[i].objective, name));
    } else {
        snprintf(out, 64, "targets[%d].constraints[%d]", target, i - n);
    }
}

static void list_devices(const struct study_conf *c, char *out, size_t cap)
{
    size_t at = 0;
    snprintf(out, cap, "none, there are no devices");
    for (int i = 0; i < c->n_devices && at < cap; i++) {
        at += (size_t)snprintf(out + at, cap - at, "%slatency@%s", i > 0 ? ", " : "",
                               c->devices[i].name);
    }
}

static bool has_device(const struct study_conf *c, const char *name)
{
    for (int i = 0; i < c->n_devices; i++) {
        if (strcmp(c->devices[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum err resolve_device(const struct schema *s, const struct study_conf *c,
                               struct objective *o, const char *path)
{
    if (o->kind != OBJECTIVE_LATENCY || has_device(c, o->device)) {
        return ERR_OK;
    }
    if (o->device[0] == '\0' && c->n_devices == 1) {
        memcpy(o->device, c->devices[0].name, sizeof(o->device));
        return ERR_OK;
    }
    char allowed[160];
    list_devices(c, allowed, sizeof(allowed));
    return tree_error_at(s->tree, path, s->why,
                         "speaks of %s%s; allowed: %s (each from devices)",
                         o->device[0] ? "device " : "latency without saying on which",
                         o->device, allowed);
}

static enum err check_limit(const struct schema *s, const struct study_conf *c,
                            const struct constraint *limit, const char *path)
{
    struct arch smallest = space_smallest(&c->space);
    struct complexity need = complexity_of(&smallest, &c->supernet, c->evaluate.frames);
    uint64_t value;
    if (!size_of_kind(&need, limit->objective.kind, &value) ||
        constraint_holds(limit, (double)value)) {
        return ERR_OK;
    }
    char text[ARCH_STRING_MAX];
    return tree_error_at(s->tree, path, s->why,
                         "is %.0f; allowed: %s %llu, what the space's smallest "
                         "architecture %s takes",
                         limit->limit, limit->is_strict ? "above" : "at least",
                         (unsigned long long)value, arch_print(&smallest, text));
}

static enum err check_count(const struct schema *s, const struct study_target *t, int i)
{
    struct constraint keys[N_KEYS];
    int n = limits_of_keys(t, keys) + t->n_constraints;
    char path[64];
    snprintf(path, sizeof(path), "targets[%d]", i);
    if (n == 0) {
        return tree_error_at(s->tree, path, s->why,
                             "has no limit; allowed: params, macs, bytes, constraints");
    }
    if (n > STUDY_LIMITS_MAX) {
        return tree_error_at(s->tree, path, s->why,
                             "has %d limits; allowed: up to %d in all", n,
                             STUDY_LIMITS_MAX);
    }
    return ERR_OK;
}

static enum err check_name(const struct schema *s, const struct study_conf *c, int i)
{
    for (int j = 0; j < i; j++) {
        if (strcmp(c->targets[i].name, c->targets[j].name) == 0) {
            char path[64];
            snprintf(path, sizeof(path), "targets[%d].name", i);
            return tree_error_at(s->tree, path, s->why,
                                 "is %s, as of targets[%d]; allowed: each name once",
                                 c->targets[i].name, j);
        }
    }
    return ERR_OK;
}

static enum err resolve_limits(const struct schema *s, const struct study_conf *c,
                               struct study_target *t, int target)
{
    char path[64];
    enum err e = ERR_OK;
    int n_keys = limits_of_keys(t, (struct constraint[N_KEYS]){{.limit = 0}});
    for (int i = 0; i < t->n_constraints && e == ERR_OK; i++) {
        limit_path(t, target, n_keys + i, path);
        e = resolve_device(s, c, &t->constraints[i].objective, path);
    }
    struct constraint limits[STUDY_LIMITS_MAX];
    int n = e == ERR_OK ? study_target_limits(t, limits) : 0;
    for (int i = 0; i < n && e == ERR_OK; i++) {
        limit_path(t, target, i, path);
        e = check_limit(s, c, &limits[i], path);
    }
    return e;
}

enum err study_targets_resolve(const struct schema *s, struct study_conf *c)
{
    enum err e = ERR_OK;
    for (int i = 0; i < c->n_targets && e == ERR_OK; i++) {
        e = check_name(s, c, i);
        if (e == ERR_OK) {
            e = check_count(s, &c->targets[i], i);
        }
        if (e == ERR_OK) {
            e = resolve_limits(s, c, &c->targets[i], i);
        }
    }
    return e;
}
