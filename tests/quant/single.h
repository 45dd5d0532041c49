// SPDX-License-Identifier: Apache-2.0
// A forward pass with one sequence of as many positions.
#ifndef ASSAY_TESTS_QUANT_SINGLE_H
#define ASSAY_TESTS_QUANT_SINGLE_H

#include "quant/forward.h"

typedef struct {
    assay_forward forward;
    assay_sequence sequence;
} single;

static inline assay_status single_open(single *s, const assay_engine *engine, uint32_t capacity,
                                       uint32_t chunk_max, assay_error *err) {
    *s = (single){0};
    ASSAY_TRY(assay_forward_open(&s->forward, engine, capacity, capacity, chunk_max, err));
    return assay_sequence_open(&s->sequence, &s->forward, capacity, err);
}

static inline void single_close(single *s) {
    assay_sequence_close(&s->sequence);
    assay_forward_close(&s->forward);
}

static inline void single_reset(single *s, const assay_adapter *adapter) {
    assay_sequence_reset(&s->sequence, adapter);
}

static inline assay_status single_feed(single *s, const uint32_t *ids, uint32_t count,
                                       const assay_forward_hooks *hooks, assay_error *err) {
    assay_feed feed = {&s->sequence, ids, count, hooks};
    return assay_forward_feed(&s->forward, &feed, 1, err);
}

#endif
