// SPDX-License-Identifier: Apache-2.0
// Products by vpmaddwd, sixteen products of int16 an instruction.
#include "kernels/x86/dot_avx2.h"

// Six rows by two weight rows are twelve sums; two weights, a row and a product make sixteen
// registers.
enum { TILE_N = 2 };
#include "kernels/x86/panel.h"

static ASSAY_INLINE void tile(tile_sums *sums, packed_rows x, const tile_step *w, uint32_t count,
                              bool first, const int m) {
    __m256i acc[PACKED_ROWS + 1][TILE_N] = {0};
    for (uint32_t at = 0; at < count; at++, x.at += x.step) {
        __m256i w0 = dot_load(w[at][0]), w1 = dot_load(w[at][1]);
        ASSAY_UNROLL for (int i = 0; i < m; i++) {
            __m256i row = dot_load(x.at + DOT_LANES * i);
            acc[i][0] = dot_add(acc[i][0], w0, row);
            acc[i][1] = dot_add(acc[i][1], w1, row);
        }
    }
    ASSAY_UNROLL for (int i = 0; i < m; i += 2) {
        __m256i four = dot_flush(acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1]);
        __m256i *to = (__m256i *)sums[i];
        if (!first) four = _mm256_add_epi64(four, _mm256_loadu_si256(to));
        if (i + 1 < m)
            _mm256_storeu_si256(to, four);
        else
            _mm_storeu_si128((__m128i *)to, _mm256_castsi256_si128(four));
    }
}

static ASSAY_INLINE __m256i four_load(const workspace *work, uint32_t i, uint32_t r) {
    return _mm256_set_m128i(_mm_loadu_si128((const __m128i *)work->sums[r / 2 + 1][i]),
                            _mm_loadu_si128((const __m128i *)work->sums[r / 2][i]));
}
