// SPDX-License-Identifier: Apache-2.0
// logfmt.h - key=value pairs on one line, whatever the values hold.
//
// A line is pairs with one space between them; a value is bare (no space, quote, equals
// sign or control character) or quoted, with \" and \\ for those two. What a peer, a
// file or a person named can thus be a value and never a pair or a line of its own.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_BASE_LOGFMT_H
#define COMMON_BASE_LOGFMT_H

#include "common/base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

// Prints pairs by a printf format that is itself logfmt: what it inserts between quotes
// is escaped there, what it inserts elsewhere is made bare. Cut to fit at the end of a
// value. Knows %d %i %u %x %c %f %e %g %s with flags, width, precision and hh h l ll z
// j t. Returns the length; `out` is terminated.
size_t logfmt_print(char *out, size_t cap, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

bool logfmt_is_line(const char *line, size_t n); // without its end; not empty

#endif
