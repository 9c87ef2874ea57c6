// SPDX-License-Identifier: Apache-2.0
// text.h - text that crosses the wire: UTF-8 without NUL.
//
// Owns: nothing. Threads: any.
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Shortest forms only, no surrogates, at most U+10FFFF, no NUL (RFC 3629).
bool text_is_valid(const char *bytes, size_t n);

// Copies a terminated string of at most cap - 1 bytes, '?' for each byte that is not
// valid; a character that would be cut is left out. Returns the length. cap > 0.
size_t text_clean(char *out, size_t cap, const char *text);

#endif
