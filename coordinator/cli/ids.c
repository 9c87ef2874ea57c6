// SPDX-License-Identifier: Apache-2.0
// ids.c - see ids.h.
#include "coordinator/cli/ids.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum err ids_parse(const char *text, uint64_t *out, struct errinfo *why)
{
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    if (!is_number || n == 0) {
        return err_set(why, ERR_INPUT,
                       "'%s' is no task's number: voxarch task list has them", text);
    }
    *out = n;
    return ERR_OK;
}
