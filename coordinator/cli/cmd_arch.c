// SPDX-License-Identifier: Apache-2.0
// cmd_arch.c - `voxarch arch info`: what one architecture costs.
#include "common/base/options.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/cost.h"

#include <string.h>

static const char summary[] =
    "Parameters, multiply-accumulates (for one utterance) and bytes (as 32-bit floats) of\n"
    "an architecture. It is written as numbers with dashes: the depth d (1 to 8), d+1\n"
    "widths (multiples of 8), d+1 kernels (1, 3 or 5), and the channels of the\n"
    "concatenation (a multiple of 8). A second of speech has 100 frames.";

static const char examples[] =
    "  voxarch arch info 3-512-512-512-512-5-3-3-3-1536\n"
    "  voxarch arch info 2-128-128-128-1-1-1-384 --frames 200 "
    "--json\n";

// The paper's fixed parts around a supernet that is just large enough.
static struct net_dims dims_around(const struct arch *a)
{
    struct net_dims d = DIMS_PAPER;
    d.max_depth = a->depth;
    d.max_cat = a->cat;
    for (int i = 0; i <= a->depth; i++) {
        d.max_width = i == 0 || a->width[i] > d.max_width ? a->width[i] : d.max_width;
        d.max_kernel =
            i == 0 || a->kernel[i] > d.max_kernel ? a->kernel[i] : d.max_kernel;
    }
    return d;
}

static int show(const char *text, int n_frames, bool as_json)
{
    struct arch a;
    struct errinfo why = {0};
    if (arch_parse(text, &a, &why) != ERR_OK) {
        return options_fail("voxarch arch info", &why);
    }
    struct net_dims d = dims_around(&a);
    if (as_json) {
        return cost_dump(cost_json(&a, &d, n_frames));
    }
    cost_print(&a, &d, n_frames, "", stdout);
    return 0;
}

static int info(int argc, char **argv)
{
    bool as_json = false;
    long n_frames = COST_FRAMES_DEFAULT;
    const struct option table[] = {
        OPTION_AS_NUMBER("frames", "N", &n_frames, 1, COST_FRAMES_MAX,
                         "length of the utterance MACs are counted for (default 300)"),
        OPTION_AS_FLAG("json", &as_json,
                       "print JSON: architecture, params, macs, bytes, frames"),
    };
    const struct options options = {
        .command = "voxarch arch info",
        .operands = "ARCHITECTURE",
        .summary = summary,
        .examples = examples,
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0]),
        .min_operands = 1,
        .max_operands = 1,
    };
    struct operands operands;
    int status = 0;
    if (!options_parse(&options, argc, argv, &operands, &status)) {
        return status;
    }
    return show(operands.items[0], (int)n_frames, as_json);
}

static bool is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

int cmd_arch(int argc, char **argv)
{
    static char flag[] = "--help";
    char *help[] = {argv[0], flag, NULL};
    if (argc < 2 || is_help(argv[1])) {
        return info(2, help);
    }
    if (strcmp(argv[1], "info") != 0) {
        struct arch a;
        struct errinfo why = {0};
        bool is_arch = arch_parse(argv[1], &a, NULL) == ERR_OK;
        err_set(&why, ERR_INPUT,
                "there is no '%.40s' here; did you mean: voxarch arch "
                "info %.80s",
                argv[1], is_arch ? argv[1] : "ARCHITECTURE");
        return options_fail("voxarch arch", &why);
    }
    return info(argc - 1, argv + 1);
}
