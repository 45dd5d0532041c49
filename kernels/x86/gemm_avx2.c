// SPDX-License-Identifier: Apache-2.0
// Products by vpmaddwd, sixteen products of int16 an instruction. The canonical weights are read
// where they lie. Many rows meet a panel of weights that was unfolded once for all of them; panel
// and rows are cut so that both stay in the first cache.
#include "kernels/x86/dot_avx2.h"

enum {
    PANEL = 32, // weight rows that are unfolded together
    TILE_M = 6, // rows by two weight rows: twelve sums, two weights, a row and a product make
    TILE_N = 2, // sixteen registers
    ROWS = 512, // rows that share one unfolding
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
        __m256i *out = (__m256i *)work->panel[r];
        size_t row = n + r;
        if (w->q4) {
            const uint8_t *codes = w->q4->codes + row * (w->k / 2);
            const uint8_t *ratios = w->q4->ratios + row * (w->k / ASSAY_Q4_BLOCK);
            for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK, out += 4)
                q4_unfold(out, codes + at / 2, ratios[at / ASSAY_Q4_BLOCK]);
        } else {
            for (uint32_t at = from; at < end; at += 16)
                *out++ = q8_unfold(w->q8->q + row * w->k + at, end - at);
        }
    }
}

// m rows by two weight rows over one block; the sums are set where it is the first, else added to.
static ASSAY_INLINE void tile(int64_t (*sums)[PANEL], const int16_t *x, size_t x_stride,
                              const int16_t *w, uint32_t count, bool first, const int m) {
    __m256i acc[TILE_M + 1][TILE_N] = {0};
    for (uint32_t at = 0; at < count; at += 16) {
        __m256i w0 = dot_load(w + at), w1 = dot_load(w + DOT_BLOCK + at);
        for (int i = 0; i < m; i++) {
            __m256i row = dot_load(x + i * x_stride + at);
            acc[i][0] = dot_add(acc[i][0], w0, row);
            acc[i][1] = dot_add(acc[i][1], w1, row);
        }
    }
    for (int i = 0; i < m; i += 2) {
        __m256i four = dot_flush(acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1]);
        for (int j = 0; j < 2 && i + j < m; j++) {
            __m128i two = j ? _mm256_extracti128_si256(four, 1) : _mm256_castsi256_si128(four);
            __m128i *to = (__m128i *)sums[i + j];
            _mm_storeu_si128(to, first ? two : _mm_add_epi64(two, _mm_loadu_si128(to)));
        }
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

void assay_gemm_q4_avx2(const assay_gemm_part *part, const assay_q4 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q4_avx2(part, w);
    else
        many(part, &(weights){.q4 = w, .scales = w->scales, .k = w->k, .x_stride = w->k});
}

void assay_gemm_q8_avx2(const assay_gemm_part *part, const assay_q8 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q8_avx2(part, w);
    else
        many(part,
             &(weights){
                 .q8 = w, .scales = w->scales, .k = w->k, .x_stride = assay_row_padded_avx2(w->k)});
}
