// SPDX-License-Identifier: Apache-2.0
// Products by vpdpwssd, 32 products of int16 an instruction. The canonical weights are read where
// they lie. Many rows meet a panel of weights that was unfolded once for all of them; panel and
// rows are cut so that both stay in the first cache.
#include "kernels/x86/dot_avx512.h"

enum {
    PANEL = 8,   // weight rows that are unfolded together
    TILE_M = 6,  // rows by four weight rows: 24 sums, four weights and a row leave three of the
    TILE_N = 4,  // 32 registers, and ten loads are less than 24 products take
    ROWS = 2048, // rows that share one unfolding
};

// What a thread works in.
typedef struct {
    int16_t panel[PANEL][DOT_BLOCK];
    int64_t sums[ROWS][PANEL];
} workspace;
_Static_assert(sizeof(workspace) <= ASSAY_GEMM_SCRATCH, "the work fits the scratch");

// Weights of either kind.
typedef struct {
    const assay_q4 *q4; // one of the two
    const assay_q8 *q8;
    const float *scales;
    uint32_t k;
    size_t x_stride; // elements of a packed row
} weights;

static void panel_unfold(workspace *work, const weights *w, uint32_t n, uint32_t count,
                         uint32_t from, uint32_t end) {
    for (uint32_t r = 0; r < count; r++) {
        __m512i *out = (__m512i *)work->panel[r];
        size_t row = n + r;
        if (w->q4) {
            const uint8_t *codes = w->q4->codes + row * (w->k / 2);
            const uint8_t *ratios = w->q4->ratios + row * (w->k / ASSAY_Q4_BLOCK);
            for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK, out += 2)
                q4_unfold(out, codes + at / 2, ratios[at / ASSAY_Q4_BLOCK]);
        } else {
            for (uint32_t at = from; at < end; at += 32)
                *out++ = q8_unfold(w->q8->q + row * w->k + at, end - at);
        }
    }
}

// m rows by four weight rows over one block; the sums are set where it is the first, else added to.
// Weight rows past the panel's end are what an earlier panel left, and nobody reads their sums.
static ASSAY_INLINE void tile(int64_t (*sums)[PANEL], const int16_t *x, size_t x_stride,
                              const int16_t *w, uint32_t count, bool first, const int m) {
    __m512i acc[TILE_M][TILE_N] = {0};
    for (uint32_t at = 0; at < count; at += 32) {
        __m512i columns[TILE_N];
        for (int j = 0; j < TILE_N; j++)
            columns[j] = dot_load(w + j * DOT_BLOCK + at);
        for (int i = 0; i < m; i++) {
            __m512i row = dot_load(x + i * x_stride + at);
            for (int j = 0; j < TILE_N; j++)
                acc[i][j] = _mm512_dpwssd_epi32(acc[i][j], columns[j], row);
        }
    }
    ASSAY_UNROLL for (int i = 0; i < m; i++) {
        __m256i four = dot_flush(acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
        __m256i *to = (__m256i *)sums[i];
        _mm256_storeu_si256(to, first ? four : _mm256_add_epi64(four, _mm256_loadu_si256(to)));
    }
}

static void tile_rows(int64_t (*sums)[PANEL], const int16_t *x, size_t x_stride, const int16_t *w,
                      uint32_t count, bool first, uint32_t rows) {
    switch (rows) {
    case 1:
        tile(sums, x, x_stride, w, count, first, 1);
        break;
    case 2:
        tile(sums, x, x_stride, w, count, first, 2);
        break;
    case 3:
        tile(sums, x, x_stride, w, count, first, 3);
        break;
    case 4:
        tile(sums, x, x_stride, w, count, first, 4);
        break;
    case 5:
        tile(sums, x, x_stride, w, count, first, 5);
        break;
    default:
        tile(sums, x, x_stride, w, count, first, TILE_M);
        break;
    }
}

// Rows m .. m + rows - 1 by the panel's weight rows.
static void panel_run(const assay_gemm_part *part, const weights *w, uint32_t m, uint32_t rows,
                      uint32_t n, uint32_t count) {
    workspace *work = part->scratch;
    const int16_t *x = (const int16_t *)part->x->packed + m * w->x_stride;
    for (uint32_t from = 0; from < w->k; from += DOT_BLOCK) {
        uint32_t end = w->k - from < DOT_BLOCK ? w->k : from + DOT_BLOCK;
        panel_unfold(work, w, n, count, from, end);
        for (uint32_t i = 0; i < rows; i += TILE_M)
            for (uint32_t r = 0; r < count; r += TILE_N)
                tile_rows((int64_t(*)[PANEL]) & work->sums[i][r], x + i * w->x_stride + from,
                          w->x_stride, work->panel[r], end - from, from == 0,
                          rows - i < TILE_M ? rows - i : TILE_M);
    }
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t r = 0; r < count; r += 4)
            dot_store(part, m + i, n + r, count - r < 4 ? count - r : 4,
                      _mm256_loadu_si256((const __m256i *)&work->sums[i][r]), w->scales);
}

static void many(const assay_gemm_part *part, const weights *w) {
    uint32_t m_end = part->m_first + part->m_count, n_end = part->n_first + part->n_count;
    for (uint32_t m = part->m_first; m < m_end; m += ROWS)
        for (uint32_t n = part->n_first; n < n_end; n += PANEL)
            panel_run(part, w, m, m_end - m < ROWS ? m_end - m : ROWS, n,
                      n_end - n < PANEL ? n_end - n : PANEL);
}

void assay_gemm_q4_avx512(const assay_gemm_part *part, const assay_q4 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q4_avx512(part, w);
    else
        many(part, &(weights){.q4 = w, .scales = w->scales, .k = w->k, .x_stride = w->k});
}

void assay_gemm_q8_avx512(const assay_gemm_part *part, const assay_q8 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q8_avx512(part, w);
    else
        many(part, &(weights){.q8 = w,
                              .scales = w->scales,
                              .k = w->k,
                              .x_stride = assay_row_padded_avx512(w->k)});
}
