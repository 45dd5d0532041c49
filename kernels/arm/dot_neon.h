// SPDX-License-Identifier: Apache-2.0
// What the NEON products share: int16 as planes of bytes, weights as vectors of int8, and the sums'
// way to f32.
//
// sdot takes bytes, so q = 256 * hi + lo + 128 with hi and lo in -128 .. 127, and
//   sum q * w = 256 * sum hi * w + sum lo * w + 128 * sum w,
// three sums which fit int32 over the longest row. A q of 0 adds -128 * w + 128 * w, nothing, so
// whatever bytes stand opposite padding drop out.
#ifndef ASSAY_KERNELS_ARM_DOT_NEON_H
#define ASSAY_KERNELS_ARM_DOT_NEON_H

#include <arm_neon.h>
#include <string.h>

#include "kernels/arm/neon.h"
#include "kernels/nf4.h"

#define ASSAY_INLINE inline __attribute__((always_inline))

enum {
    DOT_K_MAX = 1 << 16, // elements of a row (kernels/gemm.h)
    DOT_STEP = 16,       // elements of a vector; in planes their hi bytes, then their lo bytes
};
_Static_assert((int64_t)DOT_K_MAX * 128 * 127 <= INT32_MAX, "a row's sums fit int32");

// Elements of a row of planes: whole vectors.
static ASSAY_INLINE size_t planes_padded(uint32_t k) {
    return ((size_t)k + DOT_STEP - 1) / DOT_STEP * DOT_STEP;
}

static ASSAY_INLINE void planes_store(int8_t *out, int8x16_t hi, int8x16_t low_bits) {
    vst1q_s8(out, hi);
    vst1q_s8(out + 16, veorq_s8(low_bits, vdupq_n_s8(-128)));
}

// The planes of q, padded with 0; they may take the place of q.
static ASSAY_INLINE void planes_split(int8_t *out, const int16_t *q, uint32_t count) {
    for (uint32_t at = 0; at < count; at += DOT_STEP) {
        int16_t padded[DOT_STEP] = {0};
        bool whole = count - at >= DOT_STEP;
        if (!whole) memcpy(padded, q + at, (count - at) * sizeof *q);
        int8x16x2_t bytes = vld2q_s8((const int8_t *)(whole ? q + at : padded));
        planes_store(out + 2 * (size_t)at, bytes.val[1], bytes.val[0]);
    }
}

// 64 weights of one row as four vectors: the even ones of the first 32, the odd ones of these, and
// likewise of the other 32.
static ASSAY_INLINE void q4_unfold(int8x16_t *w, const uint8_t *codes, uint8_t ratio) {
    int8x16_t table = vld1q_s8(assay_nf4_table[ratio]);
    for (int half = 0; half < 2; half++) {
        uint8x16_t pairs = vld1q_u8(codes + 16 * half);
        w[2 * half] = vqtbl1q_s8(table, vandq_u8(pairs, vdupq_n_u8(15)));
        w[2 * half + 1] = vqtbl1q_s8(table, vshrq_n_u8(pairs, 4));
    }
}

// Up to 16 weights of one row, zeros behind them.
static ASSAY_INLINE int8x16_t q8_unfold(const int8_t *q, uint32_t count) {
    if (count >= DOT_STEP) return vld1q_s8(q);
    int8_t padded[DOT_STEP] = {0};
    memcpy(padded, q, count);
    return vld1q_s8(padded);
}

// The sums of four vectors' lanes.
static ASSAY_INLINE int32x4_t lanes_sum(const int32x4_t *v) {
    return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3]));
}

static ASSAY_INLINE int64x2_t dot_wide(int32x2_t hi, int32x2_t lo, int32x2_t ones) {
    return vaddw_s32(vaddq_s64(vshll_n_s32(hi, 8), vshll_n_s32(ones, 7)), lo);
}

// Four sums of the planes, exact in f64, rounded once.
static ASSAY_INLINE float32x4_t dot_float(int32x4_t hi, int32x4_t lo, int32x4_t ones) {
    int64x2_t low = dot_wide(vget_low_s32(hi), vget_low_s32(lo), vget_low_s32(ones));
    int64x2_t high = dot_wide(vget_high_s32(hi), vget_high_s32(lo), vget_high_s32(ones));
    return vcvt_high_f32_f64(vcvt_f32_f64(vcvtq_f64_s64(low)), vcvtq_f64_s64(high));
}

static ASSAY_INLINE float32x4_t floats_load(const float *from, uint32_t count) {
    if (count == 4) return vld1q_f32(from);
    float padded[4] = {0};
    memcpy(padded, from, count * sizeof *padded);
    return vld1q_f32(padded);
}

// Activation row i by `count` <= 4 weight rows from n on, into y. Spec: N-8, N-9.
static ASSAY_INLINE void dot_store(const assay_gemm_part *part, uint32_t i, uint32_t n,
                                   uint32_t count, float32x4_t sums, const float *w_scales) {
    float *y = part->y + i * part->y_stride + n;
    float32x4_t product =
        vmulq_f32(sums, vmulq_n_f32(floats_load(w_scales + n, count), part->x->scales[i]));
    if (part->add_scale)
        product = vaddq_f32(floats_load(y, count), vmulq_n_f32(product, *part->add_scale));
    if (count == 4) {
        vst1q_f32(y, product);
        return;
    }
    float padded[4];
    vst1q_f32(padded, product);
    memcpy(y, padded, count * sizeof *padded);
}

// The weight row r behind n; rows past the part's end stand for its last one.
static ASSAY_INLINE size_t row_of(const assay_gemm_part *part, uint32_t n, uint32_t r) {
    uint32_t last = part->n_first + part->n_count - 1;
    return n + r < last ? n + r : last;
}

// Few rows: weights are used as they come out of memory, which is the limit. m_count <= DOT_FEW.
enum { DOT_FEW = 4 };
void assay_few_q4_neon(const assay_gemm_part *part, const assay_q4 *w);
void assay_few_q8_neon(const assay_gemm_part *part, const assay_q8 *w);

#endif
