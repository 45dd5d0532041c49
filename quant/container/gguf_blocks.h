// SPDX-License-Identifier: Apache-2.0
// The element types of GGUF tensors, and the f32 numbers that their blocks stand for.
#ifndef ASSAY_QUANT_CONTAINER_GGUF_BLOCKS_H
#define ASSAY_QUANT_CONTAINER_GGUF_BLOCKS_H

#include "base/status.h"

// X(name, number in a file, elements of a block, bytes of a block): what is read. (F-21)
#define ASSAY_GGUF_BLOCK_LIST(X)                                                                   \
    X(F32, 0, 1, 4)                                                                                \
    X(F16, 1, 1, 2)                                                                                \
    X(Q4_0, 2, 32, 18)                                                                             \
    X(Q4_1, 3, 32, 20)                                                                             \
    X(Q5_0, 6, 32, 22)                                                                             \
    X(Q5_1, 7, 32, 24)                                                                             \
    X(Q8_0, 8, 32, 34)                                                                             \
    X(Q4_K, 12, 256, 144)                                                                          \
    X(Q5_K, 13, 256, 176)                                                                          \
    X(Q6_K, 14, 256, 210)                                                                          \
    X(IQ4_NL, 20, 32, 18)                                                                          \
    X(BF16, 30, 1, 2)

typedef enum {
#define X(name, number, elements, bytes) ASSAY_GGUF_BLOCK_##name,
    ASSAY_GGUF_BLOCK_LIST(X)
#undef X
        ASSAY_GGUF_BLOCK_COUNT
} assay_gguf_block;

// Finds the type of a file's number. Errors: UNSUPPORTED (one that is known and not read, by name),
// UNKNOWN. Spec: F-21.
assay_status assay_gguf_block_find(assay_gguf_block *out, uint32_t number, assay_error *err);

// Elements and bytes of a block. Spec: F-21.
uint32_t assay_gguf_block_elements(assay_gguf_block type);
uint32_t assay_gguf_block_bytes(assay_gguf_block type);

// Reads `count` whole blocks at `in`, of any alignment, into out[count * elements]. Each element is
// one f32 operation after another, without fma: a scale that is not finite makes every element of
// its block not finite. Call between assay_float_enter and leave. Spec: F-21.
void assay_gguf_block_read(float *out, assay_gguf_block type, const uint8_t *in, uint64_t count);

#endif
