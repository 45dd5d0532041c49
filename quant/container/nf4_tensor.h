// SPDX-License-Identifier: Apache-2.0
// A tensor that bitsandbytes quantised to NF4, and the tensors beside it that belong to it.
#ifndef ASSAY_QUANT_CONTAINER_NF4_TENSOR_H
#define ASSAY_QUANT_CONTAINER_NF4_TENSOR_H

#include "quant/container/nf4_state.h"
#include "quant/container/shards.h"

// What follows a weight's name in the name of its quant state.
#define ASSAY_NF4_STATE_SUFFIX ".quant_state.bitsandbytes__nf4"

typedef struct {
    assay_nf4_state state;
    const assay_shard_tensor *codes;      // n * k / 2 bytes
    const assay_shard_tensor *absmax;     // F32 [n * k / 64], nested U8
    const assay_shard_tensor *nested;     // F32 [absmaxes / 256], rounded up
    const assay_shard_tensor *nested_map; // F32 [256]
    uint64_t size;                        // bytes of all parts
} assay_nf4_tensor;

// Finds and checks the parts of the tensor whose quant state this is. used[shards->count] marks
// tensors that have a meaning. Errors: as assay_nf4_state_read; MISSING (a part), MISMATCH (dtype,
// shape or count of a part, the codebook), DUPLICATE (a part has another meaning). Spec: F-14.
assay_status assay_nf4_tensor_bind(assay_nf4_tensor *out, const assay_shards *shards, bool *used,
                                   const assay_shard_tensor *state, assay_error *err);

// Rows as they lie: codes[count][k / 2] with element 2j in the low nibble, absmax[count][k / 64].
// Spec: F-14.
void assay_nf4_tensor_rows(uint8_t *codes, float *absmax, const assay_nf4_tensor *tensor,
                           uint64_t first, uint64_t count);

#endif
