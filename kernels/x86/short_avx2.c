// SPDX-License-Identifier: Apache-2.0
// Rows so short that adding up lanes would take longer than the sums: the second factor of an
// adapter. Lanes are weight rows here, which are turned over once for all activation rows.
//
// A sum is below 64 * 32767 * 127 < 2^29 and needs int32 alone.
#include "kernels/x86/dot_avx2.h"

// Weight rows that are turned over together; were it a power of two, their pairs would share cache
// sets.
enum { COLUMNS = 1016 };

typedef int16_t pairs[COLUMNS][2]; // two elements of each weight row
_Static_assert(DOT_SHORT / 2 * sizeof(pairs) <= ASSAY_GEMM_SCRATCH, "they fit the scratch");

// Sixteen elements, from `at` on, of weight rows n .. n + count - 1, of which the last stands for
// those up to eight; what lies behind a row meets zeros.
static ASSAY_INLINE void eight_unfold(__m256i *out, const assay_q8 *w, uint32_t n, uint32_t count,
                                      uint32_t at) {
    size_t size = (size_t)w->n * w->k, first = (size_t)n * w->k + at;
    if (count == 8 && first + 7 * (size_t)w->k + 16 <= size) {
        const int8_t *q = w->q + first;
        ASSAY_UNROLL for (int r = 0; r < 8; r++, q += w->k) out[r] =
            _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)q));
        return;
    }
    for (uint32_t r = 0; r < 8; r++) {
        size_t from = first + (r < count ? r : count - 1) * (size_t)w->k;
        int8_t padded[16] = {0};
        memcpy(padded, w->q + from, size - from < 16 ? size - from : 16);
        out[r] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)padded));
    }
}

// Pairs at / 2 .. at / 2 + 7 of the eight.
static ASSAY_INLINE void eight_turn(pairs *out, uint32_t c, const assay_q8 *w, uint32_t n,
                                    uint32_t count, uint32_t at) {
    __m256i a[8], b[8];
    eight_unfold(a, w, n, count, at);
    ASSAY_UNROLL for (int r = 0; r < 8; r += 2) {
        b[r] = _mm256_unpacklo_epi32(a[r], a[r + 1]);
        b[r + 1] = _mm256_unpackhi_epi32(a[r], a[r + 1]);
    }
    ASSAY_UNROLL for (int r = 0; r < 8; r += 4) {
        a[r] = _mm256_unpacklo_epi64(b[r], b[r + 2]);
        a[r + 1] = _mm256_unpackhi_epi64(b[r], b[r + 2]);
        a[r + 2] = _mm256_unpacklo_epi64(b[r + 1], b[r + 3]);
        a[r + 3] = _mm256_unpackhi_epi64(b[r + 1], b[r + 3]);
    }
    ASSAY_UNROLL for (int r = 0; r < 4; r++) {
        _mm256_storeu_si256((__m256i *)out[at / 2 + r][c],
                            _mm256_permute2x128_si256(a[r], a[r + 4], 0x20));
        _mm256_storeu_si256((__m256i *)out[at / 2 + 4 + r][c],
                            _mm256_permute2x128_si256(a[r], a[r + 4], 0x31));
    }
}

// `count` <= 8 floats, zeros behind them.
static ASSAY_INLINE __m256 eight_load(const float *from, uint32_t count) {
    if (count == 8) return _mm256_loadu_ps(from);
    float padded[8] = {0};
    memcpy(padded, from, count * sizeof *padded);
    return _mm256_loadu_ps(padded);
}

// Activation row i by `count` <= 8 weight rows from n on, into y. Spec: N-8, N-9.
static ASSAY_INLINE void eight_store(const assay_gemm_part *part, uint32_t i, uint32_t n,
                                     uint32_t count, __m256i sums, __m256 w_scales) {
    float *y = part->y + i * part->y_stride + n;
    __m256 scales = _mm256_mul_ps(_mm256_set1_ps(part->x->scales[i]), w_scales);
    __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scales);
    if (part->add_scale)
        product = _mm256_add_ps(eight_load(y, count),
                                _mm256_mul_ps(product, _mm256_set1_ps(*part->add_scale)));
    if (count == 8) {
        _mm256_storeu_ps(y, product);
        return;
    }
    float padded[8];
    _mm256_storeu_ps(padded, product);
    memcpy(y, padded, count * sizeof *padded);
}

// m rows from `row` on, of one tile, by `count` <= 8 weight rows from n on, columns c .. of w.
static ASSAY_INLINE void eight_run(const assay_gemm_part *part, packed_rows x, uint32_t row,
                                   uint32_t n, uint32_t count, const pairs *w, uint32_t c,
                                   const float *w_scales, const int m) {
    __m256i acc[PACKED_ROWS] = {0};
    for (uint32_t at = 0; at < part->x->k; at += 16) {
        const int16_t *q = x.at + at / DOT_LANES * x.step + at % DOT_LANES;
        ASSAY_UNROLL for (int p = 0; p < 8; p++) {
            __m256i two = _mm256_loadu_si256((const __m256i *)w[at / 2 + (uint32_t)p][c]);
            ASSAY_UNROLL for (int i = 0; i < m; i++) {
                int32_t pair;
                memcpy(&pair, q + DOT_LANES * i + 2 * p, sizeof pair);
                acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(two, _mm256_set1_epi32(pair)));
            }
        }
    }
    __m256 scales = eight_load(w_scales + n, count);
    ASSAY_UNROLL for (int i = 0; i < m; i++)
        eight_store(part, row + (uint32_t)i, n, count, acc[i], scales);
}

// Eight sums of eight lanes each.
static ASSAY_INLINE __m256i eight_add(const __m256i *v) {
    __m256i low = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    __m256i high = _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(low, high, 0x20),
                            _mm256_permute2x128_si256(low, high, 0x31));
}

// One row alone: turning the weights over would take longer than adding up lanes.
static void alone_run(const assay_gemm_part *part, const assay_q8 *w, uint32_t row) {
    packed_rows x = packed_rows_at(part->x, row, DOT_LANES);
    uint32_t n_end = part->n_first + part->n_count;
    for (uint32_t n = part->n_first; n < n_end; n += 8) {
        uint32_t count = n_end - n < 8 ? n_end - n : 8;
        __m256i acc[8] = {0}, weights[8];
        for (uint32_t at = 0; at < w->k; at += 16) {
            __m256i q = _mm256_loadu_si256(
                (const __m256i *)(x.at + at / DOT_LANES * x.step + at % DOT_LANES));
            eight_unfold(weights, w, n, count, at);
            ASSAY_UNROLL for (int r = 0; r < 8; r++) acc[r] =
                _mm256_add_epi32(acc[r], _mm256_madd_epi16(weights[r], q));
        }
        eight_store(part, row, n, count, eight_add(acc), eight_load(w->scales + n, count));
    }
}

// Rows of a tile, one after the other, so that y is written from left to right.
static void rows_run(const assay_gemm_part *part, packed_rows x, uint32_t row, uint32_t rows,
                     uint32_t n, uint32_t count, const pairs *w, const float *w_scales) {
    for (uint32_t i = 0, step; i < rows; i += step, x.at += step * DOT_LANES) {
        step = rows - i < 3 ? 1 : 3;
        for (uint32_t c = 0; c < count; c += 8) {
            uint32_t eight = count - c < 8 ? count - c : 8;
            if (step == 3)
                eight_run(part, x, row + i, n + c, eight, w, c, w_scales, 3);
            else
                eight_run(part, x, row + i, n + c, eight, w, c, w_scales, 1);
        }
    }
}

void assay_short_q8_avx2(const assay_gemm_part *part, const assay_q8 *w) {
    uint32_t m_end = part->m_first + part->m_count, n_end = part->n_first + part->n_count;
    pairs *turned = part->scratch; // [k / 2]
    if (part->m_count == 1) {
        alone_run(part, w, part->m_first);
        return;
    }
    for (uint32_t n = part->n_first; n < n_end; n += COLUMNS) {
        uint32_t count = n_end - n < COLUMNS ? n_end - n : COLUMNS;
        for (uint32_t c = 0; c < count; c += 8)
            for (uint32_t at = 0; at < w->k; at += 16)
                eight_turn(turned, c, w, n + c, count - c < 8 ? count - c : 8, at);
        for (uint32_t m = part->m_first, rows; m < m_end; m += rows) {
            packed_rows x = packed_rows_at(part->x, m, DOT_LANES);
            rows = x.left < m_end - m ? x.left : m_end - m;
            rows_run(part, x, m, rows, n, count, turned, w->scales);
        }
    }
}
