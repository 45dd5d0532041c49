// SPDX-License-Identifier: Apache-2.0
// Rows so short that adding up lanes would take longer than the sums: the second factor of an
// adapter. Lanes are sixteen weight rows, which are turned over once for all activation rows; a
// pair of an activation row's elements meets a pair of each.
//
// A sum is below 64 * 32767 * 127 < 2^29 and needs int32 alone.
#include "kernels/x86/dot_avx512.h"
#include "kernels/x86/turn_avx512.h"

enum {
    COLUMNS = 16, // weight rows side by side
    GROUP = 1024, // that are turned over together
};

typedef int16_t pairs[COLUMNS][2]; // two elements of each weight row
_Static_assert((size_t)GROUP / COLUMNS * (DOT_SHORT / 2) * sizeof(pairs) <= ASSAY_GEMM_SCRATCH,
               "they fit the scratch");

// `count` <= 16 weight rows from n on, zeros behind their ends: out[k / 2]. What lies behind the
// last row is nobody's.
static void rows_turn(pairs *out, const assay_q8 *w, uint32_t n, uint32_t count) {
    _Alignas(64) words in = {0}, turned;
    for (uint32_t at = 0; at < w->k; at += DOT_LANES, out += DOT_LANES / 2) {
        uint32_t left = w->k - at < DOT_LANES ? w->k - at : DOT_LANES, used = (left + 1) / 2;
        for (uint32_t r = 0; r < count; r++)
            _mm512_store_si512(in[r], q8_unfold(w->q + (size_t)(n + r) * w->k + at, left));
        for (uint32_t column = 0; column < used; column += 4)
            columns_turn(turned, in, (int)column);
        memcpy(out, turned, used * sizeof *out);
    }
}

// Sums of m rows from activation row i on, of one tile, by one group of columns.
static ASSAY_INLINE void rows_run(const assay_gemm_part *part, packed_rows x, uint32_t i,
                                  uint32_t n, uint32_t count, const pairs *w, const float *w_scales,
                                  const int m) {
    __m512i sums[PACKED_ROWS] = {0};
    for (uint32_t at = 0; at < part->x->k; at += 2) {
        __m512i two = _mm512_load_si512(w[at / 2]);
        const int16_t *q = x.at + at / DOT_LANES * x.step + at % DOT_LANES;
        ASSAY_UNROLL for (int r = 0; r < m; r++) {
            int32_t pair;
            memcpy(&pair, q + DOT_LANES * r, sizeof pair);
            sums[r] = dot_add(sums[r], two, _mm512_set1_epi32(pair));
        }
    }
    __mmask16 columns = (__mmask16)(count < COLUMNS ? (1u << count) - 1 : UINT16_MAX);
    __m512 scales = _mm512_maskz_loadu_ps(columns, w_scales + n);
    ASSAY_UNROLL for (int r = 0; r < m; r++) { // Spec: N-8, N-9.
        float *y = part->y + (i + (uint32_t)r) * part->y_stride + n;
        __m512 scale = _mm512_mul_ps(_mm512_set1_ps(part->x->scales[i + (uint32_t)r]), scales);
        __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[r]), scale);
        product_store(part, y, columns, product);
    }
}

// Rows of a tile, some at a time, so that y is written from left to right.
static void tile_run(const assay_gemm_part *part, packed_rows x, uint32_t row, uint32_t rows,
                     uint32_t n, uint32_t count, const pairs *w, const float *w_scales) {
    size_t size = (part->x->k + 1) / 2;
    for (uint32_t i = 0, step; i < rows; i += step, x.at += step * DOT_LANES) {
        step = rows - i >= PACKED_ROWS ? PACKED_ROWS : rows - i >= 3 ? 3 : 1;
        for (uint32_t c = 0; c < count; c += COLUMNS) {
            uint32_t columns = count - c < COLUMNS ? count - c : COLUMNS;
            const pairs *turned = w + c / COLUMNS * size;
            if (step == PACKED_ROWS)
                rows_run(part, x, row + i, n + c, columns, turned, w_scales, PACKED_ROWS);
            else if (step == 3)
                rows_run(part, x, row + i, n + c, columns, turned, w_scales, 3);
            else
                rows_run(part, x, row + i, n + c, columns, turned, w_scales, 1);
        }
    }
}

void assay_short_q8_avx512(const assay_gemm_part *part, const assay_q8 *w) {
    uint32_t m_end = part->m_first + part->m_count, n_end = part->n_first + part->n_count;
    pairs *turned = part->scratch; // [group / 16][k / 2]
    size_t size = (w->k + 1) / 2;
    for (uint32_t n = part->n_first; n < n_end; n += GROUP) {
        uint32_t count = n_end - n < GROUP ? n_end - n : GROUP;
        for (uint32_t c = 0; c < count; c += COLUMNS)
            rows_turn(turned + c / COLUMNS * size, w, n + c,
                      count - c < COLUMNS ? count - c : COLUMNS);
        for (uint32_t m = part->m_first, rows; m < m_end; m += rows) {
            packed_rows x = packed_rows_at(part->x, m, DOT_LANES);
            rows = x.left < m_end - m ? x.left : m_end - m;
            tile_run(part, x, m, rows, n, count, turned, w->scales);
        }
    }
}
