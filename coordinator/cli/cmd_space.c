// SPDX-License-Identifier: Apache-2.0
// cmd_space.c - `voxarch space info`: how large a search space is, and its extremes.
#include "common/base/options.h"
#include "common/conf/study.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/cost.h"

#include <stdlib.h>
#include <string.h>

static const char summary[] =
    "Genes, exact number of architectures (in all, and in each training stage), and the\n"
    "smallest and largest architecture with their cost. FILE is a study, or a file with\n"
    "its `space:` part alone.";

static const char examples[] = "  voxarch space info deploy/spaces/coarse.yaml\n"
                               "  voxarch space info study.yaml --json\n";

struct space_file {
    struct space space;
    struct net_dims dims;
    int n_frames;
};

// A number that does not fit JSON's integers is null; in text it says so.
static json_t *count_json(const struct space *s)
{
    uint64_t count;
    bool fits = space_count(s, &count) == ERR_OK && count <= INT64_MAX;
    return fits ? json_integer((json_int_t)count) : json_null();
}

static const char *count_text(const struct space *s, char out[static COST_GROUPED_MAX])
{
    uint64_t count;
    return space_count(s, &count) == ERR_OK ? cost_grouped(count, out)
                                            : "more than 2^64";
}

static json_t *genes_json(const struct space *s)
{
    json_t *genes = json_array();
    for (int i = 0; i < s->n_genes; i++) {
        json_t *values = json_array();
        for (int j = 0; j < s->genes[i].n_values; j++) {
            json_array_append_new(values, json_integer(s->genes[i].values[j]));
        }
        json_array_append_new(
            genes, json_pack("{s:s, s:o}", "name", s->genes[i].name, "values", values));
    }
    return genes;
}

static json_t *stages_json(const struct space *full)
{
    json_t *stages = json_object();
    struct space s;
    for (int k = 0; k < STAGE_KINDS; k++) {
        stage_space(full, (enum stage_kind)k, &s);
        json_object_set_new(stages, stage_name((enum stage_kind)k), count_json(&s));
    }
    return stages;
}

static int print_json(const struct space_file *f)
{
    struct arch smallest = space_smallest(&f->space);
    struct arch largest = space_largest(&f->space);
    return cost_dump(json_pack("{s:o, s:o, s:o, s:o, s:o}", "genes",
                               genes_json(&f->space), "cardinality",
                               count_json(&f->space), "stages", stages_json(&f->space),
                               "smallest", cost_json(&smallest, &f->dims, f->n_frames),
                               "largest", cost_json(&largest, &f->dims, f->n_frames)));
}

#define SHOWN_MAX 8 // values of a gene that are listed before "..." takes over

static void print_gene(const struct gene *g)
{
    printf("  %-8s %3d  ", g->name, g->n_values);
    bool is_long = g->n_values > SHOWN_MAX;
    for (int i = 0; i < g->n_values; i++) {
        if (is_long && i == 3) {
            printf(" ...");
            i = g->n_values - 1;
        }
        printf("%s%d", i == 0 ? "" : " ", g->values[i]);
    }
    putchar('\n');
}

static int print_text(const struct space_file *f)
{
    char number[COST_GROUPED_MAX];
    printf("genes (values)\n");
    for (int i = 0; i < f->space.n_genes; i++) {
        print_gene(&f->space.genes[i]);
    }
    printf("architectures   %s\n", count_text(&f->space, number));
    for (int k = 0; k < STAGE_KINDS; k++) {
        struct space s;
        stage_space(&f->space, (enum stage_kind)k, &s);
        printf("  stage %-8s %s\n", stage_name((enum stage_kind)k),
               count_text(&s, number));
    }
    struct arch smallest = space_smallest(&f->space);
    struct arch largest = space_largest(&f->space);
    printf("smallest\n");
    cost_print(&smallest, &f->dims, f->n_frames, "  ", stdout);
    printf("largest\n");
    cost_print(&largest, &f->dims, f->n_frames, "  ", stdout);
    return 0;
}

static int show(const char *path, int n_frames, bool as_json)
{
    struct errinfo why = {0};
    struct space_file f = {.n_frames = n_frames};
    if (study_load_space(path, &f.space, &f.dims, &why) != ERR_OK) {
        return options_fail("voxarch space info", &why);
    }
    return as_json ? print_json(&f) : print_text(&f);
}

static int info(int argc, char **argv)
{
    bool as_json = false;
    long n_frames = COST_FRAMES_DEFAULT;
    const struct option table[] = {
        OPTION_AS_NUMBER("frames", "N", &n_frames, 1, COST_FRAMES_MAX,
                         "length of the utterance MACs are counted for (default 300)"),
        OPTION_AS_FLAG("json", &as_json,
                       "print JSON: genes, cardinality, stages, smallest, largest"),
    };
    const struct options options = {
        .command = "voxarch space info",
        .operands = "FILE",
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

int cmd_space(int argc, char **argv)
{
    static char flag[] = "--help";
    char *help[] = {argv[0], flag, NULL};
    if (argc < 2 || is_help(argv[1])) {
        return info(2, help);
    }
    if (strcmp(argv[1], "info") != 0) {
        struct errinfo why = {0};
        err_set(&why, ERR_INPUT,
                "there is no '%.40s' here; did you mean: voxarch space info FILE",
                argv[1]);
        return options_fail("voxarch space", &why);
    }
    return info(argc - 1, argv + 1);
}
