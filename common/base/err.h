// SPDX-License-Identifier: Apache-2.0
// err.h - the one error type. Every fallible function returns enum err.
//
// The code says what to do next; the optional struct errinfo says it to a person:
// what went wrong, where (file, line, key) and what would have been allowed.
// Our own bugs are not errors: they abort (see BUG_ON), in release builds too.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

#include <stddef.h>

#define MUST_CHECK   __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

enum err {
    ERR_OK = 0,
    ERR_INPUT,     // a person's input is wrong: study file, audio, command line
    ERR_LIMIT,     // input exceeds a limit we chose
    ERR_PROTO,     // peer broke the protocol
    ERR_AUTH,      // peer may not do this
    ERR_STALE,     // fencing token is not the current one
    ERR_NOTFOUND,  // no such task, worker, file or row
    ERR_BUSY,      // try again later
    ERR_IO,        // disk, socket or SQLite failed; details in the log
    ERR_CORRUPT,   // stored data failed its check
    ERR_NUMERIC,   // NaN or infinity where a number was due
    ERR_NOMEM,     // memory for something a peer or a file sized
    ERR_CANCELLED, // asked to stop
    ERR_FULL,      // the disk is full
};

#define ERRINFO_MAX 512

// The sentence for a person. Zero-initialise; callers who do not care pass NULL.
struct errinfo {
    enum err code;
    char text[ERRINFO_MAX];
};

// Short stable name, "input", "stale", ...; "unknown" for anything else.
const char *err_name(enum err e);

// Writes the sentence (truncated to fit) and returns `e`, so that a failing path
// reads `return err_set(why, ERR_INPUT, "...")`. `why` may be NULL.
enum err err_set(struct errinfo *why, enum err e, const char *format, ...) PRINTF(3, 4);

// Puts "prefix: " in front of what is there: the caller adds where it happened.
enum err err_prefix(struct errinfo *why, enum err e, const char *format, ...)
    PRINTF(3, 4);

// Process exit status for an error: 0, 2 for wrong input, 1 for the rest.
int err_exit_status(enum err e);

// What else is to happen before a bug aborts, with errno as it was when the bug was
// found: after an allocation that failed, ENOMEM. Once, first thing in main.
void err_on_bug(void (*hook)(void));

// Aborts with file and line when our own invariant is broken.
_Noreturn void err_bug(const char *file, int line, const char *what);
#define BUG_ON(cond)                            \
    do {                                        \
        if (cond) {                             \
            err_bug(__FILE__, __LINE__, #cond); \
        }                                       \
    } while (0)

#endif
