// SPDX-License-Identifier: Apache-2.0
// The operand types of the exact arithmetic (spec N-4 to N-7). Views: they own nothing.
#ifndef ASSAY_KERNELS_TYPES_H
#define ASSAY_KERNELS_TYPES_H

#include <stdint.h>

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

#endif
