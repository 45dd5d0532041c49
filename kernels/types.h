// SPDX-License-Identifier: Apache-2.0
// The operand types of the exact arithmetic (spec N-4). Views: they own nothing.
#ifndef ASSAY_KERNELS_TYPES_H
#define ASSAY_KERNELS_TYPES_H

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

// 16-bit activations [m][k]: x = scale[row] * q, q in -32767..32767.
typedef struct {
    uint32_t m;
    uint32_t k;
    const int16_t *q;    // [m][k]
    const float *scales; // [m]
} assay_x16;

// One kv head of one layer: the keys and values of positions 0, 1, 2 ...
typedef struct {
    const int8_t *k;       // [positions][head_size]
    const float *k_scales; // [positions]
    const int8_t *v;       // [positions][head_size]
    const float *v_scales; // [positions]
} assay_kv;

enum {
    ASSAY_Q4_BLOCK = 64,        // weights that share one ratio
    ASSAY_HEAD_SIZE_MAX = 1024, // so that one head's sums fit the stack
};

#endif
