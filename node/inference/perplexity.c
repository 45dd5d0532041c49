// SPDX-License-Identifier: Apache-2.0
#include "node/inference/perplexity.h"

#include <math.h>

#include "node/measure.h"

typedef struct {
    const uint32_t *ids; // of the window
    uint32_t vocab_size;
    uint32_t count; // ids of the window
    uint64_t foretold;
    double loss;
} walk;

static void row_add(void *context, const assay_forward_row *row) {
    walk *w = context;
    if (row->position + 1 >= w->count) return;
    float max = row->logits[0];
    double sum = 0;
    for (uint32_t i = 1; i < w->vocab_size; i++)
        max = row->logits[i] > max ? row->logits[i] : max;
    for (uint32_t i = 0; i < w->vocab_size; i++)
        sum += exp((double)row->logits[i] - (double)max);
    w->loss += log(sum) + (double)max - (double)row->logits[w->ids[row->position + 1]];
    w->foretold++;
}

static assay_status windows_feed(walk *w, assay_forward *forward, const assay_adapter *adapter,
                                 const uint32_t *ids, size_t count, uint32_t window,
                                 void (*progress)(uint64_t done, uint64_t total),
                                 assay_error *err) {
    assay_sequence sequence;
    ASSAY_TRY(assay_sequence_open(&sequence, forward, window, err));
    assay_status status = ASSAY_OK;
    for (size_t at = 0; at < count && status == ASSAY_OK; at += window) {
        const assay_forward_hooks hooks = {.row = row_add, .context = w};
        w->ids = ids + at;
        w->count = count - at < window ? (uint32_t)(count - at) : window;
        assay_feed feed = {&sequence, w->ids, w->count, &hooks};
        assay_sequence_reset(&sequence, adapter);
        status = assay_forward_feed(forward, &feed, 1, err);
        if (status == ASSAY_OK && sequence.fault_position != ASSAY_NO_FAULT)
            status = ASSAY_FAIL(err, NONFINITE, "token %llu of the text faults",
                                (ull)(at + sequence.fault_position));
        if (progress) progress(at + w->count, count);
    }
    assay_sequence_close(&sequence);
    return status;
}

assay_status assay_perplexity_measure(assay_perplexity *out, const assay_engine *engine,
                                      const assay_adapter *adapter, const uint32_t *ids,
                                      size_t count, uint32_t window,
                                      void (*progress)(uint64_t done, uint64_t total),
                                      assay_error *err) {
    assay_forward forward;
    walk w = {.vocab_size = engine->model->shape.vocab_size};
    if (count < 2 || window < 2)
        return ASSAY_FAIL(err, RANGE, "a text of %zu tokens in windows of %u, both at least 2",
                          count, window);
    double start = assay_measure_seconds();
    ASSAY_TRY(assay_forward_open(&forward, engine, window, window, 0, err));
    assay_status status = windows_feed(&w, &forward, adapter, ids, count, window, progress, err);
    assay_forward_close(&forward);
    ASSAY_TRY(status);
    *out = (assay_perplexity){w.foretold, exp(w.loss / (double)w.foretold),
                              assay_measure_seconds() - start};
    return ASSAY_OK;
}
