// SPDX-License-Identifier: Apache-2.0
#include "node/http/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 8 << 10 };

typedef unsigned long long ull;

static const uint64_t bucket_ms[ASSAY_TIMING_BUCKETS] = {10,   30,    100,   300,   1000,
                                                         3000, 10000, 30000, 100000};

void assay_timing_add(assay_timing *timing, uint64_t ns) {
    atomic_fetch_add(&timing->count, 1);
    atomic_fetch_add(&timing->sum_ns, ns);
    for (int i = 0; i < ASSAY_TIMING_BUCKETS; i++)
        if (ns <= bucket_ms[i] * 1000000) {
            atomic_fetch_add(&timing->buckets[i], 1);
            return;
        }
}

void assay_metrics_close(assay_metrics *metrics) {
    free(metrics->text);
    *metrics = (assay_metrics){0};
}

// Room for `more` bytes and a terminator.
static bool room_make(assay_metrics *metrics, size_t more) {
    if (metrics->size + more < metrics->capacity) return true;
    size_t capacity = metrics->capacity ? 2 * metrics->capacity : CAPACITY_FIRST;
    while (capacity <= metrics->size + more)
        capacity *= 2;
    char *text = capacity <= ASSAY_METRICS_SIZE_MAX ? realloc(metrics->text, capacity) : NULL;
    if (!text) return false;
    metrics->text = text;
    metrics->capacity = capacity;
    return true;
}

static void bytes_add(assay_metrics *metrics, const char *data, size_t size) {
    metrics->failed |= !room_make(metrics, size);
    if (metrics->failed) return;
    memcpy(metrics->text + metrics->size, data, size);
    metrics->size += size;
}

__attribute__((format(printf, 2, 3))) static void line_add(assay_metrics *metrics, const char *form,
                                                           ...) {
    char line[512];
    va_list parts;
    va_start(parts, form);
    int size = vsnprintf(line, sizeof line, form, parts);
    va_end(parts);
    if (size < 0 || size >= (int)sizeof line)
        metrics->failed = true;
    else
        bytes_add(metrics, line, (size_t)size);
}

static void text_add(assay_metrics *metrics, const char *text) {
    bytes_add(metrics, text, strlen(text));
}

// A label's value: backslash, quote and line feed are escaped, as the format wants.
static void value_add(assay_metrics *metrics, const char *value) {
    for (; *value; value++) {
        if (*value == '\n') {
            text_add(metrics, "\\n");
            continue;
        }
        if (*value == '\\' || *value == '"') text_add(metrics, "\\");
        bytes_add(metrics, value, 1);
    }
}

static void labels_add(assay_metrics *metrics, const char *const *pairs, size_t count) {
    if (!count) return;
    for (size_t i = 0; i < count; i += 2) {
        text_add(metrics, i ? "," : "{");
        text_add(metrics, pairs[i]);
        text_add(metrics, "=\"");
        value_add(metrics, pairs[i + 1]);
        text_add(metrics, "\"");
    }
    text_add(metrics, "}");
}

static void head_add(assay_metrics *metrics, const char *name, const char *type, const char *help) {
    line_add(metrics, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void assay_metrics_begin(assay_metrics *metrics, const char *name, assay_metric_type type,
                         const char *help) {
    head_add(metrics, name, type == ASSAY_METRIC_COUNTER ? "counter" : "gauge", help);
}

void assay_metrics_add(assay_metrics *metrics, const char *name, const char *label,
                       const char *value, uint64_t number) {
    const char *pair[2] = {label, value};
    text_add(metrics, name);
    labels_add(metrics, pair, label ? 2 : 0);
    line_add(metrics, " %llu\n", (ull)number);
}

void assay_metrics_put(assay_metrics *metrics, const char *name, assay_metric_type type,
                       const char *help, uint64_t number) {
    assay_metrics_begin(metrics, name, type, help);
    assay_metrics_add(metrics, name, NULL, NULL, number);
}

// Exact, where a double could not hold it.
static void seconds_add(assay_metrics *metrics, uint64_t ns) {
    line_add(metrics, " %llu.%09llu\n", (ull)(ns / 1000000000), (ull)(ns % 1000000000));
}

void assay_metrics_put_ns(assay_metrics *metrics, const char *name, assay_metric_type type,
                          const char *help, uint64_t ns) {
    assay_metrics_begin(metrics, name, type, help);
    text_add(metrics, name);
    seconds_add(metrics, ns);
}

void assay_metrics_info(assay_metrics *metrics, const char *name, const char *help,
                        const char *const *pairs, size_t count) {
    assay_metrics_begin(metrics, name, ASSAY_METRIC_GAUGE, help);
    text_add(metrics, name);
    labels_add(metrics, pairs, count);
    text_add(metrics, " 1\n");
}

// Counted apart, written as sums; what changes meanwhile may be in one bucket and not yet in the
// count, so that the last is never below the others.
void assay_metrics_timing(assay_metrics *metrics, const char *name, const char *help,
                          const assay_timing *timing) {
    uint64_t sum = 0, count = atomic_load(&timing->count);
    head_add(metrics, name, "histogram", help);
    for (int i = 0; i < ASSAY_TIMING_BUCKETS; i++) {
        sum += atomic_load(&timing->buckets[i]);
        line_add(metrics, "%s_bucket{le=\"%llu.%02llu\"} %llu\n", name, (ull)(bucket_ms[i] / 1000),
                 (ull)(bucket_ms[i] % 1000 / 10), (ull)sum);
    }
    if (count < sum) count = sum;
    line_add(metrics, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum", name, (ull)count, name);
    seconds_add(metrics, atomic_load(&timing->sum_ns));
    line_add(metrics, "%s_count %llu\n", name, (ull)count);
}

void assay_metrics_reply(assay_metrics *metrics, assay_http_reply *reply) {
    if (metrics->failed || !metrics->text) {
        assay_error err = {0};
        ASSAY_FAIL(&err, MEMORY, "no memory for the metrics");
        assay_http_reply_error(reply, &err);
        assay_metrics_close(metrics);
        return;
    }
    *reply = (assay_http_reply){200, "text/plain; version=0.0.4; charset=utf-8",
                                (uint8_t *)metrics->text, metrics->size};
    *metrics = (assay_metrics){0};
}
