// SPDX-License-Identifier: Apache-2.0
// What the AVX2 products share: weights as int16 vectors, sums of vpmaddwd, and their way to f32.
//
// A lane adds at most 128 pairs before it is flushed, 128 * 2 * 32767 * 127 < 2^30, so that two
// lanes still fit int32; from there on sums are int64.
#ifndef ASSAY_KERNELS_X86_DOT_AVX2_H
#define ASSAY_KERNELS_X86_DOT_AVX2_H

#define ASSAY_SET avx2
#include <immintrin.h>
#include <string.h>

#include "kernels/nf4.h"
#include "kernels/ref/scalar.h"
#include "kernels/x86/avx2.h"
#include "kernels/x86/packed.h"

typedef __m256i dot_vector;
enum {
    DOT_LANES = 16,   // elements of a vector
    DOT_BLOCK = 2048, // elements of a row between two flushes
};
_Static_assert((int64_t)DOT_BLOCK / DOT_LANES * 2 * 32767 * 127 * 2 <= INT32_MAX,
               "two lanes fit int32");
_Static_assert(DOT_BLOCK % ASSAY_Q4_BLOCK == 0, "blocks hold whole ratio blocks");

// 64 weights of one row as four vectors, in the order of packed activations.
static ASSAY_INLINE void q4_unfold(__m256i *w, const uint8_t *codes, uint8_t ratio) {
    const __m256i nibble = _mm256_set1_epi8(15), evens = _mm256_set1_epi16(1);
    __m256i table =
        _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)assay_nf4_table[ratio]));
    __m256i pairs = _mm256_loadu_si256((const __m256i *)codes);
    __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(pairs, nibble));
    __m256i high =
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(pairs, 4), nibble));
    w[0] = _mm256_maddubs_epi16(evens, low); // 1 * the even byte + 0 * the odd one
    w[1] = _mm256_maddubs_epi16(evens, high);
    w[2] = _mm256_srai_epi16(low, 8);
    w[3] = _mm256_srai_epi16(high, 8);
}

// Up to 16 weights of one row, zeros behind them.
static ASSAY_INLINE __m256i q8_unfold(const int8_t *q, uint32_t count) {
    if (count >= 16) return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)q));
    int8_t padded[16] = {0};
    memcpy(padded, q, count);
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)padded));
}

static ASSAY_INLINE __m256i dot_load(const int16_t *at) {
    return _mm256_loadu_si256((const __m256i *)at);
}

static ASSAY_INLINE __m256i dot_add(__m256i sum, __m256i w, __m256i x) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(w, x));
}

// The same where one sum takes several products in a row: gcc would add these up first, and have no
// registers for them.
static ASSAY_INLINE __m256i dot_next(__m256i sum, __m256i w, __m256i x) {
    sum = dot_add(sum, w, x);
    __asm__("" : "+x"(sum));
    return sum;
}

static ASSAY_INLINE __m256i halves_add(__m256i v) {
    return _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(v)),
                            _mm256_cvtepi32_epi64(_mm256_extracti128_si256(v, 1)));
}

// Four sums of at most 128 pairs a lane as four int64.
static ASSAY_INLINE __m256i dot_flush(__m256i a, __m256i b, __m256i c, __m256i d) {
    __m256i ab = halves_add(_mm256_hadd_epi32(a, b)), cd = halves_add(_mm256_hadd_epi32(c, d));
    __m256i acbd = _mm256_add_epi64(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    return _mm256_permute4x64_epi64(acbd, 0xD8);
}

// One correctly rounded conversion: for |s| < 2^51 the bits of 1.5 * 2^52, plus s, are the double
// 1.5 * 2^52 + s.
static ASSAY_INLINE __m128 dot_float(__m256i sums) {
    const __m256d shift = _mm256_set1_pd(0x1.8p52);
    __m256i bits = _mm256_add_epi64(sums, _mm256_castpd_si256(shift));
    return _mm256_cvtpd_ps(_mm256_sub_pd(_mm256_castsi256_pd(bits), shift));
}

static ASSAY_INLINE __m128 floats_load(const float *from, uint32_t count) {
    if (count == 4) return _mm_loadu_ps(from);
    float padded[4] = {0};
    memcpy(padded, from, count * sizeof *padded);
    return _mm_loadu_ps(padded);
}

// Activation row i by `count` <= 4 weight rows from n on, into y. Spec: N-8, N-9.
static ASSAY_INLINE void dot_store(const assay_gemm_part *part, uint32_t i, uint32_t n,
                                   uint32_t count, __m256i sums, const float *w_scales) {
    float *y = part->y + i * part->y_stride + n;
    __m128 scales = _mm_mul_ps(_mm_set1_ps(part->x->scales[i]), floats_load(w_scales + n, count));
    __m128 product = _mm_mul_ps(dot_float(sums), scales);
    if (part->add_scale)
        product =
            _mm_add_ps(floats_load(y, count), _mm_mul_ps(product, _mm_set1_ps(*part->add_scale)));
    if (count == 4) {
        _mm_storeu_ps(y, product);
        return;
    }
    float padded[4];
    _mm_storeu_ps(padded, product);
    memcpy(y, padded, count * sizeof *padded);
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
