// SPDX-License-Identifier: Apache-2.0
// The steps of a chunk, each split over the pool. Internal to quant.
#ifndef ASSAY_QUANT_LAYER_H
#define ASSAY_QUANT_LAYER_H

#include "quant/forward.h"

// Rows 0 .. row_count - 1 of the work memory.
typedef struct {
    assay_forward *forward;
    uint32_t row_count;
    bool adapted; // some row has an adapter
} assay_chunk;

enum {
    ASSAY_LOGIT_ROWS = 16,    // positions whose logits are stored at once
    ASSAY_BEST_COLUMNS = 128, // logits of a row that stand at once where the best is all
};

// x = the embedding's rows. Spec: N-15.
void assay_chunk_embed(const assay_chunk *chunk);

// x = one decoder layer of x; keys and values go to the cache. Spec: N-15.
void assay_chunk_layer(const assay_chunk *chunk, uint32_t layer);

// Final norm of wanted[count]: q16, scales and packed then hold what enters the head, in the order
// of `wanted`. Spec: N-15.
void assay_chunk_final_norm(const assay_chunk *chunk, uint32_t count);

// logits[row_count] of `from` and on of `count` wanted rows, row_count <= ASSAY_LOGIT_ROWS.
// Spec: N-15.
void assay_chunk_logits(const assay_chunk *chunk, uint32_t count, uint32_t from,
                        uint32_t row_count);

// best_ids[0][i]: the id that is chosen from those logits where the row's hooks say how. Spec:
// N-14.
void assay_chunk_choose(const assay_chunk *chunk, uint32_t from, uint32_t row_count);

// best_ids[0][i]: the id of the highest logit, the lowest among equals, of the first row_count of
// `count` wanted rows. Spec: N-14, N-15.
void assay_chunk_best(const assay_chunk *chunk, uint32_t count, uint32_t row_count);

#endif
