// SPDX-License-Identifier: Apache-2.0
// oserr.c - see oserr.h.
#include "common/blob/oserr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum err oserr(struct errinfo *why, const char *verb, const char *path)
{
    int number = errno;
    char text[128];
    if (strerror_r(number, text, sizeof(text)) != 0) {
        snprintf(text, sizeof(text), "errno %d", number);
    }
    enum err e = number == ENOENT || number == ENOTDIR  ? ERR_NOTFOUND
                 : number == ENOSPC || number == EDQUOT ? ERR_FULL
                                                        : ERR_IO;
    return err_set(why, e, "cannot %s %s: %s", verb, path, text);
}
