// SPDX-License-Identifier: Apache-2.0
// fuzz_trials.c - lists of trials in both forms.
#include "tests/fuzz/fuzz.h"
#include "worker/data/trials.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct trial_list t = {.n = 0};
    struct errinfo why = {0};
    if (trials_load(&t, fuzz_file(data, n), &why) == ERR_OK) {
        for (size_t i = 0; i < t.n; i++) {
            BUG_ON(strlen(t.items[i].enroll) == 0 || strlen(t.items[i].test) == 0);
            BUG_ON(t.items[i].line == 0);
        }
        trials_fini(&t);
    }
    return 0;
}
