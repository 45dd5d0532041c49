// SPDX-License-Identifier: Apache-2.0
// The queries of one position against the positions they may see: two exact passes, so no tiling
// shows in the result.
#ifndef ASSAY_KERNELS_ATTENTION_H
#define ASSAY_KERNELS_ATTENTION_H

#include <stddef.h>

#include "kernels/types.h"

enum { ASSAY_ATTENTION_COUNT_MAX = 1 << 17 };

// The query heads that share a kv head; they read its keys and values together.
typedef struct {
    float *out;            // [query_count][head_size]
    const int16_t *q;      // [query_count][head_size]
    const float *q_scales; // [query_count]
    uint32_t query_count;
    uint32_t head_size; // at most ASSAY_HEAD_SIZE_MAX
    uint32_t count;     // positions 0 .. count - 1 are seen; 1 .. ASSAY_ATTENTION_COUNT_MAX
    assay_kv kv;        // rows made by quantise_q8
    void *scratch;      // assay_attention_scratch_size bytes, aligned to 64, this thread's own
} assay_attention_part;

// An f32 and an int16 for each position, padded so that vectors may run past the end; whole cache
// lines, so that threads may lay theirs side by side.
static inline size_t assay_attention_scratch_size(uint32_t query_count, uint32_t count) {
    size_t padded = ((size_t)count + ASSAY_KV_PAGE - 1) / ASSAY_KV_PAGE * ASSAY_KV_PAGE;
    return query_count * padded * (sizeof(float) + sizeof(int16_t));
}

// out = softmax(q . k / sqrt(head_size)) . v of each query. Nothing here can overflow or fault: a
// weight is at most 1 and a value scale at most 2^40/127. Spec: N-13.
typedef void assay_attention_fn(const assay_attention_part *part);
assay_attention_fn assay_attention_ref;

#endif
