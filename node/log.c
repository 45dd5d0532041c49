// SPDX-License-Identifier: Apache-2.0
#include "node/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_MAX = 1024, TIME_MAX = 40 };

// Set once, before there are threads.
static bool as_json, out_has_documents;

assay_status assay_log_open(const char *format, bool documents, assay_error *err) {
    out_has_documents = documents;
    as_json = format && strcmp(format, "json") == 0;
    if (!format || as_json || strcmp(format, "text") == 0) return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE, "log \"%.20s\", known are text and json", format);
}

bool assay_log_is_json(void) {
    return as_json;
}

// RFC 3339 in UTC, milliseconds.
static void time_write(char out[TIME_MAX]) {
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t size = strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + size, TIME_MAX - size, ".%03uZ", (unsigned)(now.tv_nsec / 1000000));
}

static json_t *line_make(assay_log_level level, const char *event, const char *text) {
    static const char *const levels[] = {"debug", "info", "info", "warn", "error"};
    char time[TIME_MAX];
    time_write(time);
    json_t *sentence = json_string(text);
    if (!sentence) sentence = json_string("(a text that is not UTF-8)");
    return json_pack("{s:s,s:s,s:s,s:o}", "time", time, "level", levels[level], "event", event,
                     "text", sentence);
}

void assay_log(assay_log_level level, const char *event, json_t *fields, const char *form, ...) {
    char text[TEXT_MAX];
    va_list parts;
    va_start(parts, form);
    vsnprintf(text, sizeof text, form, parts);
    va_end(parts);
    if (as_json) {
        json_t *line = line_make(level, event, text);
        if (fields) json_object_update_missing(line, fields);
        char *dumped = line ? json_dumps(line, JSON_COMPACT) : NULL;
        // One call a line: lines of several threads do not mix.
        if (dumped) fprintf(stderr, "%s\n", dumped);
        free(dumped);
        json_decref(line);
    } else if (level == ASSAY_LOG_INFO && !out_has_documents) {
        printf("%s\n", text);
        fflush(stdout);
    } else if (level != ASSAY_LOG_TRACE) {
        fprintf(stderr, "%s%s\n", level <= ASSAY_LOG_NOTICE ? "" : "assay: ", text);
    }
    json_decref(fields);
}
