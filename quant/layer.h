// SPDX-License-Identifier: Apache-2.0
// The steps of a chunk, each split over the pool. Internal to quant.
#ifndef ASSAY_QUANT_LAYER_H
#define ASSAY_QUANT_LAYER_H

#include "quant/forward.h"

// A chunk's positions: first .. first + row_count - 1, rows 0 .. row_count - 1 of the work memory.
typedef struct {
    assay_forward *forward;
    const uint32_t *ids; // [row_count]
    uint32_t first;
    uint32_t row_count;
} assay_chunk;

enum { ASSAY_LOGIT_ROWS = 16 }; // positions that share one pass over the head

// x = the embedding's rows. Spec: N-15.
void assay_chunk_embed(const assay_chunk *chunk);

// x = one decoder layer of x; keys and values go to the cache. Spec: N-15.
void assay_chunk_layer(const assay_chunk *chunk, uint32_t layer);

// Final norm of rows from_row and on; q16 and scales then hold what enters the head. Spec: N-15.
void assay_chunk_final_norm(const assay_chunk *chunk, uint32_t from_row);

// logits[row_count] of rows from_row and on, row_count <= ASSAY_LOGIT_ROWS. Spec: N-15.
void assay_chunk_logits(const assay_chunk *chunk, uint32_t from_row, uint32_t row_count);

#endif
