// SPDX-License-Identifier: Apache-2.0
// cmd_keygen.c - `voxarch keygen`: makes a key pair and says its public key.
#include "common/base/options.h"
#include "common/net/keyfile.h"
#include "coordinator/cli/access.h"
#include "coordinator/cli/cmd.h"

#include <stdio.h>
#include <string.h>

static enum err make_folder_of(const char *path, struct errinfo *why)
{
    char folder[FILE_PATH_MAX];
    enum err e = file_path(folder, sizeof(folder), why, "%s", path);
    char *slash = e == ERR_OK ? strrchr(folder, '/') : NULL;
    if (!slash || slash == folder) {
        return e;
    }
    *slash = '\0';
    return file_make_dirs(folder, why);
}

static enum err write_new(const char *path, struct errinfo *why)
{
    struct curve_key *k = NULL;
    enum err e = curve_key_create(&k, why);
    if (e == ERR_OK) {
        e = keyfile_write(path, k, why);
    }
    if (e == ERR_OK) {
        char hex[CURVE_HEX_MAX];
        puts(curve_public_print(curve_key_public(k), hex));
    }
    curve_key_destroy(k);
    return e;
}

// Without --out: where the other commands look, made with its folder.
static enum err keygen(const char *out, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    if (out) {
        return write_new(out, why);
    }
    enum err e = access_default_key(path, why);
    if (e == ERR_OK) {
        e = make_folder_of(path, why);
    }
    return e == ERR_OK ? write_new(path, why) : e;
}

int cmd_keygen(int argc, char **argv)
{
    const char *out = NULL;
    const struct option table[] = {
        OPTION_AS_TEXT(
            "out", "FILE", &out,
            "where to, also -o; default $VOXARCH_KEY or ~/.config/voxarch/key"),
    };
    const struct options o = {
        .command = "voxarch keygen",
        .operands = "",
        .summary =
            "Makes a key pair in a new file (mode 0600) and prints its public key, "
            "for the\ncoordinator's allow-list or for --coordinator-key.",
        .examples = "  voxarch keygen\n"
                    "  voxarch keygen -o /etc/voxarch/worker.key\n",
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0])};
    static char long_name[] = "--out";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0) {
            argv[i] = long_name;
        }
    }
    struct operands operands;
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    struct errinfo why = {0};
    enum err e = keygen(out, &why);
    if (e != ERR_OK) {
        why.code = e;
        return options_fail(o.command, &why);
    }
    return 0;
}
