// SPDX-License-Identifier: Apache-2.0
// fuzz_study.c - study files: what is accepted prints as itself.
#include "common/conf/study.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static struct study_conf conf, again; // large

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct errinfo why = {0};
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    if (study_parse((const char *)data, n, "study.yaml", "/tmp", &conf, &why) ==
        ERR_OK) {
        study_print(&conf, &first);
        BUG_ON(study_parse(first.data, first.len, "printed", "/tmp", &again, &why) !=
               ERR_OK);
        study_print(&again, &second);
        BUG_ON(strcmp(first.data, second.data) != 0);
    } else {
        BUG_ON(why.text[0] == '\0');
    }
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
