// SPDX-License-Identifier: Apache-2.0
// access.c - see access.h.
#include "coordinator/cli/access.h"

#include "common/net/keyfile.h"
#include "coordinator/cli/rundir.h"

#include <stdio.h>
#include <stdlib.h>

// This process has one thread when it looks.
static const char *environment(const char *name)
{
    const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe)
    return value && *value ? value : NULL;
}

enum err access_default_key(char out[static FILE_PATH_MAX], struct errinfo *why)
{
    const char *said = environment("VOXARCH_KEY");
    const char *home = environment("HOME");
    if (said) {
        return file_path(out, FILE_PATH_MAX, why, "%s", said);
    }
    if (!home) {
        return err_set(why, ERR_INPUT, "HOME is not set: say where the key is");
    }
    return file_path(out, FILE_PATH_MAX, why, "%s/.config/voxarch/key", home);
}

static enum err find_coordinator(const struct access_options *o, struct access *out,
                                 char public_key[static FILE_PATH_MAX],
                                 struct errinfo *why)
{
    const char *said = o->coordinator_key ? o->coordinator_key
                                          : environment("VOXARCH_COORDINATOR_KEY");
    if (!o->dir == !o->connect) {
        return err_set(why, ERR_INPUT,
                       "which coordinator? --dir DIR (on this machine) or --connect "
                       "tcp://HOST:PORT (its admin endpoint)");
    }
    if (o->connect) {
        snprintf(out->endpoint, sizeof(out->endpoint), "%s", o->connect);
        return file_path(public_key, FILE_PATH_MAX, why, "%s", said ? said : "");
    }
    struct rundir_endpoints at;
    enum err e = rundir_endpoints(o->dir, &at, why);
    if (e == ERR_NOTFOUND) {
        return err_set(why, e, "no coordinator runs in %s", o->dir);
    }
    if (e == ERR_OK) {
        snprintf(out->endpoint, sizeof(out->endpoint), "%s", at.admin);
        snprintf(public_key, FILE_PATH_MAX, "%s", at.public_key);
    }
    return e;
}

static enum err check_open(const struct access *a, struct errinfo *why)
{
    struct endpoint at;
    enum err e = endpoint_parse(a->endpoint, &at, why);
    if (e == ERR_OK && !endpoint_is_loopback(&at)) {
        return err_set(
            why, ERR_INPUT,
            "%s is not on this machine: say --coordinator-key, and have a key "
            "of your own (voxarch keygen)",
            a->endpoint);
    }
    return e;
}

enum err access_open(const struct access_options *o, struct access *out,
                     struct errinfo *why)
{
    char public_key[FILE_PATH_MAX] = "";
    char own[FILE_PATH_MAX];
    *out = (struct access){.link = {.mine = NULL}};
    enum err e = find_coordinator(o, out, public_key, why);
    if (e != ERR_OK) {
        return e;
    }
    if (!public_key[0]) {
        return check_open(out, why);
    }
    e = o->key ? file_path(own, sizeof(own), why, "%s", o->key)
               : access_default_key(own, why);
    return e == ERR_OK ? keyfile_link(own, public_key, &out->link, why) : e;
}

void access_close(struct access *a)
{
    curve_key_destroy(a->link.mine);
    a->link.mine = NULL;
}
