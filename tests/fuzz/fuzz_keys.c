// SPDX-License-Identifier: Apache-2.0
// fuzz_keys.c - allow-lists and key files: the first byte says which.
#include "common/net/keyfile.h"
#include "coordinator/serve/allow.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void try_allow(const char *text)
{
    struct allow *a = NULL;
    struct errinfo why = {0};
    struct curve_public p;
    memset(&p, 0x0a, sizeof(p));
    if (allow_parse(text, "allow", &a, &why) == ERR_OK) {
        const struct allow_entry *e = allow_find(a, &p);
        BUG_ON(e && (!curve_public_equal(&e->key, &p) || e->name[0] == '\0'));
        allow_destroy(a);
    } else {
        BUG_ON(why.text[0] == '\0');
    }
}

static void try_keyfile(const uint8_t *data, size_t n)
{
    struct errinfo why = {0};
    struct curve_public p;
    struct curve_key *k = NULL;
    const char *path = fuzz_file(data, n); // mode 0600, ours
    if (keyfile_public(path, &p, &why) == ERR_OK) {
        BUG_ON(!curve_public_is_set(&p));
    }
    if (keyfile_load(path, &k, &why) == ERR_OK) {
        curve_key_destroy(k);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0) {
        return 0;
    }
    if (data[0] % 2) {
        try_keyfile(data + 1, n - 1);
        return 0;
    }
    char *text = calloc(n, 1);
    BUG_ON(!text);
    memcpy(text, data + 1, n - 1);
    try_allow(text);
    free(text);
    return 0;
}
