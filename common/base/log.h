// SPDX-License-Identifier: Apache-2.0
// log.h - logfmt lines on stderr: time, level, program, event, then key=value pairs.
//
// Events are `noun.verb` ("task.leased"). Lines about a task always carry task,
// token and worker. Pure modules never log: they return what happened.
//
// Owns: the process-wide level and program name. Threads: any (one write per line).
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include "common/base/err.h"

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

// Once, first thing in main. `program` must outlive the process.
void log_init(const char *program, enum log_level level);

// "debug", "info", "warn", "error"; ERR_INPUT for anything else.
MUST_CHECK enum err log_level_parse(const char *text, enum log_level *level);

// `format` makes the key=value part, as logfmt_print says: strings that may hold spaces
// go between \"%s\". Whatever a value holds, it cannot forge a pair or a line; lines
// are cut at 2 KiB.
void log_event(enum log_level level, const char *event, const char *format, ...)
    PRINTF(3, 4);

// Writes another program's line as it is. False when it is no line of a log.
MUST_CHECK bool log_relay(const char *line);

#define log_debug(event, ...) log_event(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  log_event(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_event(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_ERROR, event, __VA_ARGS__)

#endif
