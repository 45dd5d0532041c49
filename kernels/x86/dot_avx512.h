// SPDX-License-Identifier: Apache-2.0
// What the AVX-512 products share: weights as int16 vectors, sums of vpdpwssd, and their way to
// f32.
//
// Words by words need no offset and no sums of weights, which bytes by bytes (vpdpbusd) would, at
// the same products a cycle. A lane adds at most 64 pairs before it is flushed, 64 * 2 * 32767 *
// 127 < 2^29, so that four lanes still fit int32; from there on sums are int64.
#ifndef ASSAY_KERNELS_X86_DOT_AVX512_H
#define ASSAY_KERNELS_X86_DOT_AVX512_H

#define ASSAY_SET avx512
#include <immintrin.h>
#include <string.h>

#include "kernels/nf4.h"
#include "kernels/ref/scalar.h"
#include "kernels/x86/avx512.h"
#include "kernels/x86/packed.h"

typedef __m512i dot_vector;
enum {
    DOT_LANES = 32,   // elements of a vector
    DOT_BLOCK = 2048, // elements of a row between two flushes
};
_Static_assert((int64_t)DOT_BLOCK / DOT_LANES * 2 * 32767 * 127 * 4 <= INT32_MAX,
               "four lanes fit int32");
_Static_assert(DOT_BLOCK % ASSAY_Q4_BLOCK == 0, "blocks hold whole ratio blocks");

// 64 weights of one row as bytes: the 32 even elements, then the 32 odd ones.
static ASSAY_INLINE __m512i q4_bytes(const uint8_t *codes, uint8_t ratio) {
    const __m512i shifts = _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4);
    __m512i table = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)assay_nf4_table[ratio]));
    __m512i pairs = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)codes));
    __m512i indices = _mm512_and_si512(_mm512_srlv_epi64(pairs, shifts), _mm512_set1_epi8(15));
    return _mm512_shuffle_epi8(table, indices);
}

// The same as two vectors in the order of packed activations.
static ASSAY_INLINE void q4_unfold(__m512i *w, const uint8_t *codes, uint8_t ratio) {
    const __m512i evens = _mm512_set1_epi16(1);
    __m512i bytes = q4_bytes(codes, ratio);
    w[0] = _mm512_maddubs_epi16(evens, bytes); // 1 * the even byte + 0 * the odd one
    w[1] = _mm512_srai_epi16(bytes, 8);
}

// Up to 32 weights of one row, zeros behind them.
static ASSAY_INLINE __m512i q8_unfold(const int8_t *q, uint32_t count) {
    if (count >= 32) return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)q));
    return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8((1u << count) - 1, q));
}

static ASSAY_INLINE __m512i dot_load(const int16_t *at) {
    return _mm512_loadu_si512(at);
}

static ASSAY_INLINE __m512i dot_add(__m512i sum, __m512i w, __m512i x) {
    return _mm512_dpwssd_epi32(sum, w, x);
}
static ASSAY_INLINE __m512i dot_next(__m512i sum, __m512i w, __m512i x) {
    return dot_add(sum, w, x); // product and sum are one instruction
}

// Four vectors to one that holds, in each of its four lanes of 128 bits, a sum of four elements of
// each.
static ASSAY_INLINE __m512i dot_quads(__m512i a, __m512i b, __m512i c, __m512i d) {
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

// Four sums of at most 64 pairs a lane as four int64.
static ASSAY_INLINE __m256i dot_flush(__m512i a, __m512i b, __m512i c, __m512i d) {
    __m512i quads = dot_quads(a, b, c, d);
    __m512i wide = _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(quads)),
                                    _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(quads, 1)));
    return _mm256_add_epi64(_mm512_castsi512_si256(wide), _mm512_extracti64x4_epi64(wide, 1));
}

// Activation row i by `count` <= 4 weight rows from n on, into y. Spec: N-8, N-9.
static ASSAY_INLINE void dot_store(const assay_gemm_part *part, uint32_t i, uint32_t n,
                                   uint32_t count, __m256i sums, const float *w_scales) {
    float *y = part->y + i * part->y_stride + n;
    __mmask8 mask = (__mmask8)((1u << count) - 1);
    __m128 scales =
        _mm_mul_ps(_mm_set1_ps(part->x->scales[i]), _mm_maskz_loadu_ps(mask, w_scales + n));
    __m128 product = _mm_mul_ps(_mm256_cvtepi64_ps(sums), scales);
    if (part->add_scale)
        product = _mm_add_ps(_mm_maskz_loadu_ps(mask, y),
                             _mm_mul_ps(product, _mm_set1_ps(*part->add_scale)));
    _mm_mask_storeu_ps(y, mask, product);
}

// Up to sixteen outputs of a row, at y. Spec: N-9.
static ASSAY_INLINE void product_store(const assay_gemm_part *part, float *y, __mmask16 columns,
                                       __m512 product) {
    if (part->add_scale)
        product = _mm512_add_ps(_mm512_maskz_loadu_ps(columns, y),
                                _mm512_mul_ps(product, _mm512_set1_ps(*part->add_scale)));
    _mm512_mask_storeu_ps(y, columns, product);
}

// One row.
void ASSAY_OP(one_q4)(const assay_gemm_part *part, const assay_q4 *w);
void ASSAY_OP(one_q8)(const assay_gemm_part *part, const assay_q8 *w);

// Few rows, m_count <= DOT_FEW.
enum { DOT_FEW = 8 };
void ASSAY_OP(few_q4)(const assay_gemm_part *part, const assay_q4 *w);
void ASSAY_OP(few_q8)(const assay_gemm_part *part, const assay_q8 *w);

// Short rows, k <= DOT_SHORT.
enum { DOT_SHORT = 64 };
void ASSAY_OP(short_q8)(const assay_gemm_part *part, const assay_q8 *w);

#endif
