// SPDX-License-Identifier: Apache-2.0
#include "node/http/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
    if (metrics->stream) fclose(metrics->stream);
    free(metrics->text);
    *metrics = (assay_metrics){0};
}

__attribute__((format(printf, 2, 3))) static void put(assay_metrics *metrics, const char *form,
                                                      ...) {
    if (!metrics->stream) metrics->stream = open_memstream(&metrics->text, &metrics->size);
    if (!metrics->stream) return; // the reply tells
    va_list parts;
    va_start(parts, form);
    vfprintf(metrics->stream, form, parts);
    va_end(parts);
}

// A label's value: backslash, quote and line feed are escaped, as the format wants.
static void value_put(assay_metrics *metrics, const char *value) {
    for (; *value; value++)
        if (*value == '\n')
            put(metrics, "\\n");
        else
            put(metrics, *value == '\\' || *value == '"' ? "\\%c" : "%c", *value);
}

static void labels_put(assay_metrics *metrics, const char *const *pairs, size_t count) {
    for (size_t i = 0; i < count; i += 2) {
        put(metrics, "%s%s=\"", i ? "," : "{", pairs[i]);
        value_put(metrics, pairs[i + 1]);
        put(metrics, "\"%s", i + 2 < count ? "" : "}");
    }
}

static void head_put(assay_metrics *metrics, const char *name, const char *type, const char *help) {
    put(metrics, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void assay_metrics_begin(assay_metrics *metrics, const char *name, assay_metric_type type,
                         const char *help) {
    head_put(metrics, name, type == ASSAY_METRIC_COUNTER ? "counter" : "gauge", help);
}

void assay_metrics_add(assay_metrics *metrics, const char *name, const char *label,
                       const char *value, uint64_t number) {
    const char *pair[2] = {label, value};
    put(metrics, "%s", name);
    labels_put(metrics, pair, label ? 2 : 0);
    put(metrics, " %llu\n", (ull)number);
}

void assay_metrics_put(assay_metrics *metrics, const char *name, assay_metric_type type,
                       const char *help, uint64_t number) {
    assay_metrics_begin(metrics, name, type, help);
    assay_metrics_add(metrics, name, NULL, NULL, number);
}

// Exact, where a double could not hold it.
static void seconds_put(assay_metrics *metrics, uint64_t ns) {
    put(metrics, " %llu.%09llu\n", (ull)(ns / 1000000000), (ull)(ns % 1000000000));
}

void assay_metrics_put_ns(assay_metrics *metrics, const char *name, assay_metric_type type,
                          const char *help, uint64_t ns) {
    assay_metrics_begin(metrics, name, type, help);
    put(metrics, "%s", name);
    seconds_put(metrics, ns);
}

void assay_metrics_info(assay_metrics *metrics, const char *name, const char *help,
                        const char *const *pairs, size_t count) {
    assay_metrics_begin(metrics, name, ASSAY_METRIC_GAUGE, help);
    put(metrics, "%s", name);
    labels_put(metrics, pairs, count);
    put(metrics, " 1\n");
}

// Counted apart, written as sums; what changes meanwhile may be in one bucket and not yet in the
// count, so that the last is never below the others.
void assay_metrics_timing(assay_metrics *metrics, const char *name, const char *help,
                          const assay_timing *timing) {
    uint64_t sum = 0, count = atomic_load(&timing->count);
    head_put(metrics, name, "histogram", help);
    for (int i = 0; i < ASSAY_TIMING_BUCKETS; i++) {
        sum += atomic_load(&timing->buckets[i]);
        put(metrics, "%s_bucket{le=\"%llu.%02llu\"} %llu\n", name, (ull)(bucket_ms[i] / 1000),
            (ull)(bucket_ms[i] % 1000 / 10), (ull)sum);
    }
    if (count < sum) count = sum;
    put(metrics, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum", name, (ull)count, name);
    seconds_put(metrics, atomic_load(&timing->sum_ns));
    put(metrics, "%s_count %llu\n", name, (ull)count);
}

void assay_metrics_reply(assay_metrics *metrics, assay_http_reply *reply) {
    bool whole = metrics->stream && fflush(metrics->stream) == 0 && !ferror(metrics->stream);
    assay_error err = {0};
    if (whole) {
        assay_http_reply_bytes(reply, metrics->text, metrics->size);
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    } else {
        ASSAY_FAIL(&err, MEMORY, "no memory for the metrics");
        assay_http_reply_error(reply, &err);
    }
    assay_metrics_close(metrics);
}
