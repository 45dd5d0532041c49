// SPDX-License-Identifier: Apache-2.0
// Prometheus's text format 0.0.4, written into memory: HELP and TYPE of a metric, then its samples.
#ifndef ASSAY_NODE_HTTP_METRICS_H
#define ASSAY_NODE_HTTP_METRICS_H

#include <stdatomic.h>
#include <stdio.h>

#include "node/http/server.h"

enum { ASSAY_TIMING_BUCKETS = 9 };

// Durations, counted from any thread. A zeroed struct is empty. buckets: up to 0.01, 0.03, 0.1 …
// 100 seconds.
typedef struct {
    atomic_uint_fast64_t count;
    atomic_uint_fast64_t sum_ns;
    atomic_uint_fast64_t buckets[ASSAY_TIMING_BUCKETS];
} assay_timing;

void assay_timing_add(assay_timing *timing, uint64_t ns);

// The text so far: text [size], once the stream is flushed. A zeroed struct is empty and safe to
// close. Spec: F-71.
typedef struct {
    FILE *stream;
    char *text;
    size_t size;
} assay_metrics;

void assay_metrics_close(assay_metrics *metrics);

typedef enum { ASSAY_METRIC_GAUGE, ASSAY_METRIC_COUNTER } assay_metric_type;

// Begins a metric. help: one line without a backslash.
void assay_metrics_begin(assay_metrics *metrics, const char *name, assay_metric_type type,
                         const char *help);

// A sample of it. label and value, or NULL and NULL: at most one label, its value escaped.
void assay_metrics_add(assay_metrics *metrics, const char *name, const char *label,
                       const char *value, uint64_t number);

// A metric of one sample without labels; the other one is told nanoseconds and writes seconds.
void assay_metrics_put(assay_metrics *metrics, const char *name, assay_metric_type type,
                       const char *help, uint64_t number);
void assay_metrics_put_ns(assay_metrics *metrics, const char *name, assay_metric_type type,
                          const char *help, uint64_t ns);

// A metric of value 1 whose labels tell something. pairs [count]: name, value, name, value …
void assay_metrics_info(assay_metrics *metrics, const char *name, const char *help,
                        const char *const *pairs, size_t count);

// Buckets, sum and count.
void assay_metrics_timing(assay_metrics *metrics, const char *name, const char *help,
                          const assay_timing *timing);

// Replies with the text, or with 500 where there was no memory for it, and closes. Spec: F-71.
void assay_metrics_reply(assay_metrics *metrics, assay_http_reply *reply);

#endif
