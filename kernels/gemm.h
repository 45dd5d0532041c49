// SPDX-License-Identifier: Apache-2.0
// The one product: rows of x16 activations by rows of 4- or 8-bit weights.
#ifndef ASSAY_KERNELS_GEMM_H
#define ASSAY_KERNELS_GEMM_H

#include "kernels/types.h"

// Part of a product: activation rows m_first and on by weight rows n_first and on.
typedef struct {
    float *y; // [x->m][y_stride]: activation row i by weight row n is y[i * y_stride + n]
    size_t y_stride;
    const assay_x16 *x; // packed for the kind of the weights
    uint32_t m_first, m_count;
    uint32_t n_first, n_count;
    const float *add_scale; // NULL: y = product; else y = y + product * *add_scale
    void *scratch;          // [ASSAY_GEMM_SCRATCH] bytes, aligned to 64, this thread's own
} assay_gemm_part;

enum { ASSAY_GEMM_SCRATCH = 640 << 10 };

// product = f32(sum_k x.q[i][k] * w.q[n][k]) * (x.scale[i] * w.scale[n]); elements of y outside the
// part are untouched. The sum is exact: any tiling, any split into parts gives the same bits.
// x->k == w->k, at most 65,536; the part is not empty and lies within x and w. Spec: N-1, N-8, N-9.
typedef void assay_gemm_q4_fn(const assay_gemm_part *part, const assay_q4 *w);
typedef void assay_gemm_q8_fn(const assay_gemm_part *part, const assay_q8 *w);
assay_gemm_q4_fn assay_gemm_q4_ref;
assay_gemm_q8_fn assay_gemm_q8_ref;

#endif
