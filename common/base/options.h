// SPDX-License-Identifier: Apache-2.0
// options.h - a subcommand's command line as a table: parsed, checked and explained.
//
// A command describes itself once (usage, sentence, options, examples); --help prints
// that table, and a wrong use is one sentence on stderr that names the argument and
// what would have been allowed. Options take `--name VALUE` or `--name=VALUE`; `--`
// ends them.
//
// Owns: nothing; values point into argv. Threads: any.
#ifndef COMMON_BASE_OPTIONS_H
#define COMMON_BASE_OPTIONS_H

#include "common/base/err.h"

#include <stdbool.h>

#define OPTIONS_LIST_MAX 64

struct option_list { // an option that may be given many times
    const char *items[OPTIONS_LIST_MAX];
    size_t n;
};

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER, OPTION_LIST };

struct option {
    const char *name;    // without the dashes
    const char *metavar; // what --help calls its value; NULL for a flag
    const char *help;
    enum option_kind kind;
    union { // where the value goes, by kind
        bool *flag;
        const char **text;
        long *number;
        struct option_list *list;
    };
    long min, max; // OPTION_NUMBER
};

// Entries of a table: {flag}, {text}, {number with its range}, {list}.
#define OPTION_AS_FLAG(name, at, help)                      \
    {                                                       \
        name, NULL, help, OPTION_FLAG, {.flag = (at)}, 0, 0 \
    }
#define OPTION_AS_TEXT(name, metavar, at, help)                \
    {                                                          \
        name, metavar, help, OPTION_TEXT, {.text = (at)}, 0, 0 \
    }
#define OPTION_AS_NUMBER(name, metavar, at, min, max, help)            \
    {                                                                  \
        name, metavar, help, OPTION_NUMBER, {.number = (at)}, min, max \
    }
#define OPTION_AS_LIST(name, metavar, at, help)                \
    {                                                          \
        name, metavar, help, OPTION_LIST, {.list = (at)}, 0, 0 \
    }

struct options {
    const char *command;  // "voxarch run"
    const char *operands; // "STUDY.yaml"; "" when it takes none
    const char *summary;  // one or two sentences
    const char *examples; // whole lines, or NULL
    const struct option *table;
    size_t n_options;
    size_t min_operands, max_operands;
};

// Operands (arguments that are no options), in order.
struct operands {
    const char *items[OPTIONS_LIST_MAX];
    size_t n;
};

// True: go on. False: return *status (--help was printed: 0; wrong use was told: 2).
MUST_CHECK bool options_parse(const struct options *o, int argc, char **argv,
                              struct operands *operands, int *status);

// The parse alone, without printing. ERR_CANCELLED when --help was asked for.
MUST_CHECK enum err options_read(const struct options *o, int argc, char **argv,
                                 struct operands *operands, struct errinfo *why);

// Prints `command: sentence` to stderr and returns the exit status of why->code.
int options_fail(const char *command, const struct errinfo *why);

// The entry of `names` (n of them) nearest to a mistyped word; NULL when none is near.
const char *options_nearest(const char *word, const char *const *names, size_t n);

#endif
