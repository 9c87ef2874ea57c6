// SPDX-License-Identifier: Apache-2.0
// fuzz_trials.c - lists of trials in both forms.
#include "tests/fuzz/fuzz.h"
#include "worker/data/trials.h"

#include <string.h>

static void check(const struct trial_line *t)
{
    BUG_ON(strlen(t->enroll) == 0 || strlen(t->test) == 0 || t->line == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct trial_list t = {.n = 0};
    struct errinfo why = {0};
    if (trials_load(&t, fuzz_file(data, n), &why) == ERR_OK) {
        for (size_t i = 0; i < t.n; i++) {
            check(&t.items[i]);
        }
        trials_fini(&t);
    }
    return 0;
}
