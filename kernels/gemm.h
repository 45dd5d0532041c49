// SPDX-License-Identifier: Apache-2.0
// The one product: rows of x16 activations by rows of 4- or 8-bit weights.
#ifndef ASSAY_KERNELS_GEMM_H
#define ASSAY_KERNELS_GEMM_H

#include <stddef.h>

#include "kernels/types.h"

// y[i * y_stride + n] = f32(sum_k x.q[i][k] * w.q[n][k]) * (x.scale[i] * w.scale[n])
// for i < x->m and row_first <= n < row_first + row_count; other elements of y are untouched.
// The sum is exact: any tiling, any split of rows between threads gives the same bits.
// x->k == w->k, below 2^30; row_first + row_count <= w->n. Spec: N-1, N-8.
typedef void assay_gemm_q4_fn(float *y, size_t y_stride, const assay_x16 *x, const assay_q4 *w,
                              uint32_t row_first, uint32_t row_count);
typedef void assay_gemm_q8_fn(float *y, size_t y_stride, const assay_x16 *x, const assay_q8 *w,
                              uint32_t row_first, uint32_t row_count);
assay_gemm_q4_fn assay_gemm_q4_ref;
assay_gemm_q8_fn assay_gemm_q8_ref;

#endif
