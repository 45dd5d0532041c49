// SPDX-License-Identifier: Apache-2.0
// Another implementation's next-token distributions, and how far a model is from them. The format
// of the vectors: tests/oracles/logits.py.
#ifndef ASSAY_TESTS_QUANT_LOGITS_H
#define ASSAY_TESTS_QUANT_LOGITS_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/test.h"
#include <math.h>

#include "base/file.h"
#include "tests/quant/single.h"

enum { LOGITS_NAME_SIZE = 16, LOGITS_HEADER_SIZE = 32 };

typedef struct {
    uint8_t *data;
    size_t size;
    uint32_t vocab, window, windows, top, stride, models;
    uint32_t *ids; // [windows][window]
    size_t ids_end;
} logits_vectors;

// What one model's positions add up to; `record` walks over its part of the vectors.
typedef struct {
    const logits_vectors *v;
    const uint8_t *record;
    uint32_t position_count;
    uint32_t agreement_count;
    double divergence;
    double *log_q;
    uint8_t *is_top; // [vocab]
} logits_tally;

static inline uint32_t logits_u16(const uint8_t *in) {
    return (uint32_t)in[0] | (uint32_t)in[1] << 8;
}

static inline void logits_open(logits_vectors *v, const char *path) {
    assay_error err = {0};
    if (assay_file_read(path, 1 << 24, &v->data, &v->size, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assert_true(v->size > LOGITS_HEADER_SIZE);
    assert_memory_equal(v->data, "ASLOGIT1", 8);
    uint32_t *fields[] = {&v->vocab, &v->window, &v->windows, &v->top, &v->stride, &v->models};
    for (size_t i = 0; i < 6; i++)
        *fields[i] = assay_load_le32(v->data + 8 + 4 * i);
    size_t count = (size_t)v->windows * v->window;
    size_t record = 2 * (2 * (size_t)v->top + v->vocab / v->stride);
    v->ids_end = LOGITS_HEADER_SIZE + 2 * count;
    assert_int_equal(v->size, v->ids_end + v->models * (LOGITS_NAME_SIZE + record * count));
    v->ids = calloc(count, sizeof *v->ids);
    assert_non_null(v->ids);
    for (size_t i = 0; i < count; i++)
        v->ids[i] = logits_u16(v->data + LOGITS_HEADER_SIZE + 2 * i);
}

static inline void logits_softmax(double *out, const float *logits, uint32_t count) {
    double max = logits[0], sum = 0;
    for (uint32_t i = 1; i < count; i++)
        max = logits[i] > max ? logits[i] : max;
    for (uint32_t i = 0; i < count; i++)
        sum += exp(logits[i] - max);
    for (uint32_t i = 0; i < count; i++)
        out[i] = logits[i] - max - log(sum);
}

// One term of KL(p || q) = sum p log(p / q) - p + q, which is never negative.
static inline double logits_term(uint32_t value, double log_q) {
    double log_p = value / -2048.0;
    return exp(log_p) * (log_p - log_q) - exp(log_p) + exp(log_q);
}

static inline void logits_row_compare(void *context, const assay_forward_row *row) {
    logits_tally *t = context;
    uint32_t top = t->v->top, vocab = t->v->vocab, best = 0;
    const uint8_t *ids = t->record, *values = ids + 2 * top, *sample = values + 2 * top;
    logits_softmax(t->log_q, row->logits, vocab);
    for (uint32_t i = 1; i < vocab; i++)
        if (row->logits[i] > row->logits[best]) best = i;
    t->agreement_count += best == logits_u16(ids);
    memset(t->is_top, 0, vocab);
    for (uint32_t i = 0; i < top; i++) {
        uint32_t id = logits_u16(ids + 2 * i);
        assert_true(id < vocab && !t->is_top[id]);
        t->is_top[id] = 1;
        t->divergence += logits_term(logits_u16(values + 2 * i), t->log_q[id]);
    }
    for (uint32_t id = row->position % t->v->stride; id < vocab; id += t->v->stride, sample += 2)
        if (!t->is_top[id])
            t->divergence += t->v->stride * logits_term(logits_u16(sample), t->log_q[id]);
    t->record = sample;
    t->position_count++;
}

typedef struct {
    double agreement;
    double divergence;
} logits_outcome;

// Feeds all windows to the model with `adapter` and compares with part `index` of the vectors.
static inline logits_outcome logits_measure(const logits_vectors *v, uint32_t index,
                                            const char *name, const assay_model *model,
                                            const assay_adapter *adapter) {
    size_t positions = (size_t)v->windows * v->window;
    size_t record = 2 * (2 * (size_t)v->top + v->vocab / v->stride);
    const uint8_t *at = v->data + v->ids_end + index * (LOGITS_NAME_SIZE + record * positions);
    assert_string_equal((const char *)at, name);
    logits_tally t = {.v = v, .record = at + LOGITS_NAME_SIZE};
    t.log_q = calloc(v->vocab, sizeof *t.log_q);
    t.is_top = calloc(v->vocab, 1);
    assert_true(t.log_q && t.is_top);

    assay_error err = {0};
    assay_engine engine = {.model = model};
    single forward;
    const assay_forward_hooks hooks = {.row = logits_row_compare, .context = &t};
    assert_int_equal(assay_kernels_find(&engine.kernels, NULL, &err), ASSAY_OK);
    assert_int_equal(assay_pool_open(&engine.pool, assay_processor_count(), &err), ASSAY_OK);
    assert_int_equal(single_open(&forward, &engine, v->window, 0, &err), ASSAY_OK);
    for (uint32_t i = 0; i < v->windows; i++) {
        single_reset(&forward, adapter);
        assert_int_equal(single_feed(&forward, v->ids + i * v->window, v->window, &hooks, &err),
                         ASSAY_OK);
        assert_int_equal(forward.sequence.fault_position, ASSAY_NO_FAULT);
    }
    single_close(&forward);
    assay_pool_close(engine.pool);
    free(t.log_q);
    free(t.is_top);

    assert_int_equal(t.position_count, positions);
    return (logits_outcome){(double)t.agreement_count / (double)positions,
                            t.divergence / (double)positions};
}

#endif
