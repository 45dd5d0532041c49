// SPDX-License-Identifier: Apache-2.0
// Products by vpdpwssd, 32 products of int16 an instruction.
#include "kernels/x86/dot_avx512.h"

// Six rows by four weight rows are 24 sums; four weights and a row leave three of 32 registers, and
// ten loads take less time than 24 products.
enum { TILE_N = 4 };
#include "kernels/x86/panel.h"

static ASSAY_INLINE void tile(tile_sums *sums, packed_rows x, const tile_step *w, uint32_t count,
                              bool first, const int m) {
    __m512i acc[PACKED_ROWS][TILE_N] = {0};
    for (uint32_t at = 0; at < count; at++, x.at += x.step) {
        __m512i columns[TILE_N];
        ASSAY_UNROLL for (int j = 0; j < TILE_N; j++) columns[j] = dot_load(w[at][j]);
        ASSAY_UNROLL for (int i = 0; i < m; i++) {
            __m512i row = dot_load(x.at + DOT_LANES * i);
            ASSAY_UNROLL for (int j = 0; j < TILE_N; j++) acc[i][j] =
                dot_add(acc[i][j], columns[j], row);
        }
    }
    ASSAY_UNROLL for (int i = 0; i < m; i++) {
        __m256i four = dot_flush(acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
        __m256i *to = (__m256i *)sums[i];
        _mm256_storeu_si256(to, first ? four : _mm256_add_epi64(four, _mm256_loadu_si256(to)));
    }
}

static ASSAY_INLINE __m256i four_load(const workspace *work, uint32_t i, uint32_t r) {
    return _mm256_loadu_si256((const __m256i *)work->sums[r / TILE_N][i]);
}
