// SPDX-License-Identifier: Apache-2.0
// fuzz_latency.c - latency tables in CSV: what is accepted prints as itself.
#include "common/space/latency_table.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void try_again(const struct latency_table *t)
{
    struct errinfo why = {0};
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    struct latency_table *again = NULL;
    latency_table_print(t, &first);
    BUG_ON(latency_table_parse(first.data, first.len, "printed", &again, &why) !=
           ERR_OK);
    latency_table_print(again, &second);
    BUG_ON(strcmp(first.data, second.data) != 0);
    latency_table_destroy(again);
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct latency_table *t = NULL;
    struct errinfo why = {0};
    if (latency_table_parse((const char *)data, n, "table.csv", &t, &why) == ERR_OK) {
        try_again(t);
        latency_table_destroy(t);
    } else {
        BUG_ON(why.text[0] == '\0');
    }
    return 0;
}
