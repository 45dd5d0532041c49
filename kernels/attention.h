// SPDX-License-Identifier: Apache-2.0
// One query against the positions it may see: two exact passes, so no tiling shows in the result.
#ifndef ASSAY_KERNELS_ATTENTION_H
#define ASSAY_KERNELS_ATTENTION_H

#include <stddef.h>

#include "kernels/types.h"

// Bytes of scratch for `count` positions, one f32 and one int16 each; whole cache lines, so that
// threads may lay theirs side by side.
static inline size_t assay_attention_scratch_size(uint32_t count) {
    return ((size_t)count * (sizeof(float) + sizeof(int16_t)) + 63) & ~(size_t)63;
}

// out[head_size] = softmax(q . k / sqrt(head_size)) . v over positions 0 .. count - 1, with
// 1 <= count < 2^24 and head_size <= ASSAY_HEAD_SIZE_MAX. kv holds x8 rows made by quantise_q8, so
// nothing here can overflow or fault: a weight is at most 1 and a value scale at most 2^40/127.
// scratch: aligned to 4. Spec: N-13.
typedef void assay_attention_fn(float *out, const int16_t *q, float q_scale, const assay_kv *kv,
                                uint32_t head_size, uint32_t count, void *scratch);
assay_attention_fn assay_attention_ref;

#endif
