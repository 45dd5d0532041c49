// SPDX-License-Identifier: Apache-2.0
// What a long-running process tells while it runs: sentences for people as ever, or, with --log
// json, one object a line on standard error and nothing else there. With --json all of it goes to
// standard error: the other one has documents.
#ifndef ASSAY_NODE_LOG_H
#define ASSAY_NODE_LOG_H

#include <jansson.h>
#include <stdbool.h>

#include "base/status.h"

typedef enum {
    ASSAY_LOG_TRACE,  // told in JSON only
    ASSAY_LOG_INFO,   // text: standard output, or with --json standard error
    ASSAY_LOG_NOTICE, // text: standard error
    ASSAY_LOG_WARN,   // text: standard error, after the program's name
    ASSAY_LOG_ERROR,  // the same
} assay_log_level;

// A row for a command's option table.
#define ASSAY_LOG_OPTION(format)                                                                   \
    {                                                                                              \
        "log", ASSAY_OPTION_TEXT, &(format), "FORM",                                               \
            "text, or json: an object a line on standard error (text)", 0, 0, false                \
    }

// Chooses for this process, before its threads start; format NULL: text. documents: --json was
// given. Errors: USAGE. Spec: F-75.
assay_status assay_log_open(const char *format, bool documents, assay_error *err);
bool assay_log_is_json(void);

// Tells one event: its name, e.g. "batch_sent"; members of an object beside time, level, event and
// text, or NULL, released; and a sentence without an end. Any thread. Spec: F-75.
void assay_log(assay_log_level level, const char *event, json_t *fields, const char *form, ...)
    __attribute__((format(printf, 4, 5)));

#endif
