// SPDX-License-Identifier: Apache-2.0
// The operand types of the exact arithmetic (spec N-4). Views: they own nothing.
#ifndef ASSAY_KERNELS_TYPES_H
#define ASSAY_KERNELS_TYPES_H

#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are mapped as they lie");

// 4-bit weights [n][k], k a multiple of 64: w = scale[row] * T[ratio][code].
typedef struct {
    uint32_t n;
    uint32_t k;
    const uint8_t *codes;  // [n][k / 2], element 2j in the low nibble, 2j + 1 in the high one
    const uint8_t *ratios; // [n][k / 64]
    const float *scales;   // [n]
} assay_q4;

// 8-bit weights [n][k]: w = scale[row] * q, q in -127..127.
typedef struct {
    uint32_t n;
    uint32_t k;
    const int8_t *q;     // [n][k]
    const float *scales; // [n]
} assay_q8;

// The weights that a product meets; a kernel set may want its activations in another order for
// each.
typedef enum { ASSAY_WEIGHTS_Q4, ASSAY_WEIGHTS_Q8 } assay_weights_kind;

// 16-bit activations [m][k]: x = scale[row] * q, q in -32767..32767.
typedef struct {
    uint32_t m;
    uint32_t k;
    const int16_t *q;    // [m][k]
    const float *scales; // [m]
    void *packed; // the rows once more in the set's own order (kernels/pack.h), aligned to 64
} assay_x16;

enum {
    ASSAY_Q4_BLOCK = 64,       // weights that share one ratio
    ASSAY_HEAD_SIZE_MAX = 256, // elements of a head
    ASSAY_KV_PAGE = 64,        // positions that lie together in the cache
};

// One kv head of one layer, positions 0, 1, 2 ..., page by page: position t is row t %
// ASSAY_KV_PAGE of the block at pages[t / ASSAY_KV_PAGE] + offset, which holds k
// [ASSAY_KV_PAGE][head_size] int8, v likewise, then the f32 scales of the k rows and of the v rows.
// Blocks are aligned to 64.
typedef struct {
    const uint8_t *const *pages;
    size_t offset;
} assay_kv;

// Bytes of such a block, a multiple of 64.
static inline size_t assay_kv_block_size(uint32_t head_size) {
    return 2 * (size_t)ASSAY_KV_PAGE * (head_size + sizeof(float));
}

#endif
