// SPDX-License-Identifier: Apache-2.0
// cmd_version.c - `voxarch version`: what this is and what it was built with.
#include "common/base/options.h"
#include "coordinator/cli/build_info.h" // made by CMake: VERSION, COMMIT, LIBRARIES
#include "coordinator/cli/cmd.h"
#include "proto/limits.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct library {
    const char *name, *version;
};

static const struct library libraries[] = {BUILD_LIBRARIES};
#define N_LIBRARIES (sizeof(libraries) / sizeof(libraries[0]))

static void print_text(void)
{
    printf("voxarch %s%s%s, protocol %d\n", BUILD_VERSION, *BUILD_COMMIT ? " " : "",
           BUILD_COMMIT, PROTO_VERSION);
    for (size_t i = 0; i < N_LIBRARIES; i++) {
        printf("  %-12s %s\n", libraries[i].name, libraries[i].version);
    }
}

static void print_json(void)
{
    json_t *built_with = json_object();
    for (size_t i = 0; i < N_LIBRARIES; i++) {
        json_object_set_new(built_with, libraries[i].name,
                            json_string(libraries[i].version));
    }
    json_t *root =
        json_pack("{s:s, s:s, s:i, s:o}", "version", BUILD_VERSION, "commit",
                  BUILD_COMMIT, "protocol", PROTO_VERSION, "libraries", built_with);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

int cmd_version(int argc, char **argv)
{
    bool as_json = false;
    const struct option table[] = {OPTION_AS_FLAG("json", &as_json, "print JSON")};
    const struct options options = {
        .command = "voxarch version",
        .operands = "",
        .summary =
            "The version of this program, the commit it was built from where that"
            " was known,\nand the libraries it was built with.",
        .table = table,
        .n_options = 1,
    };
    struct operands operands;
    int status = 0;
    if (!options_parse(&options, argc, argv, &operands, &status)) {
        return status;
    }
    if (as_json) {
        print_json();
    } else {
        print_text();
    }
    return 0;
}
