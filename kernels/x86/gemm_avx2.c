// SPDX-License-Identifier: Apache-2.0
// Products by vpmaddwd, sixteen products of int16 an instruction. The canonical weights are read
// where they lie. Many rows meet a panel of weights that was unfolded once for all of them: a tile
// of rows and two weight rows stay in the first cache, the panel in the second.
#include "kernels/x86/dot_avx2.h"

enum {
    PANEL = 48,              // weight rows that are unfolded together, whole cache lines of y
    ROWS = 22 * PACKED_ROWS, // rows that share one unfolding
};
// Six rows by two weight rows are twelve sums; two weights, a row and a product make sixteen
// registers.
_Static_assert(PACKED_ROWS == 6, "the sums of a tile by two weight rows fit the registers");

// What a thread works in.
typedef struct {
    int16_t panel[PANEL / 2][DOT_BLOCK / 16][2][16];
    int64_t sums[PANEL / 2][ROWS][2];
} workspace;
_Static_assert(sizeof(workspace) <= ASSAY_GEMM_SCRATCH, "the work fits the scratch");

// Weights of either kind.
typedef struct {
    const assay_q4 *q4; // one of the two
    const assay_q8 *q8;
    const float *scales;
    uint32_t n, k;
} weights;

static void panel_unfold(workspace *work, const weights *w, uint32_t n, uint32_t count,
                         uint32_t from, uint32_t end) {
    for (uint32_t r = 0; r < count; r++) {
        __m256i *out = (__m256i *)work->panel[r / 2][0][r % 2];
        size_t row = n + r;
        if (w->q4) {
            const uint8_t *codes = w->q4->codes + row * (w->k / 2);
            const uint8_t *ratios = w->q4->ratios + row * (w->k / ASSAY_Q4_BLOCK);
            for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK, out += 8) {
                __m256i four[4];
                q4_unfold(four, codes + at / 2, ratios[at / ASSAY_Q4_BLOCK]);
                ASSAY_UNROLL for (int i = 0; i < 4; i++) out[2 * i] = four[i];
            }
        } else {
            for (uint32_t at = from; at < end; at += 16, out += 2)
                *out = q8_unfold(w->q8->q + row * w->k + at, end - at);
        }
    }
}

// m rows by two weight rows over `count` vectors; the sums are set where the block is the first,
// else added to.
static ASSAY_INLINE void tile(int64_t (*sums)[2], packed_rows x, const int16_t (*w)[2][16],
                              uint32_t count, bool first, const int m) {
    __m256i acc[PACKED_ROWS + 1][2] = {0};
    for (uint32_t at = 0; at < count; at++, x.at += x.step) {
        __m256i w0 = dot_load(w[at][0]), w1 = dot_load(w[at][1]);
        ASSAY_UNROLL
        for (int i = 0; i < m; i++) {
            __m256i row = dot_load(x.at + 16 * i);

            acc[i][0] = dot_add(acc[i][0], w0, row);
            acc[i][1] = dot_add(acc[i][1], w1, row);
        }
    }
    ASSAY_UNROLL
    for (int i = 0; i < m; i += 2) {
        __m256i four = dot_flush(acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1]);
        __m256i *to = (__m256i *)sums[i];
        if (!first) four = _mm256_add_epi64(four, _mm256_loadu_si256(to));
        if (i + 1 < m)
            _mm256_storeu_si256(to, four);
        else
            _mm_storeu_si128((__m128i *)to, _mm256_castsi256_si128(four));
    }
}

static void tile_rows(int64_t (*sums)[2], packed_rows x, const int16_t (*w)[2][16], uint32_t count,
                      bool first, uint32_t rows) {
    switch (rows) {
    case 1:
        tile(sums, x, w, count, first, 1);
        break;
    case 2:
        tile(sums, x, w, count, first, 2);
        break;
    case 3:
        tile(sums, x, w, count, first, 3);
        break;
    case 4:
        tile(sums, x, w, count, first, 4);
        break;
    case 5:
        tile(sums, x, w, count, first, 5);
        break;
    default:
        tile(sums, x, w, count, first, PACKED_ROWS);
        break;
    }
}

// Asks for a block of weight row n, which is unfolded next; a row past the last is none.
static void row_fetch(const weights *w, uint32_t n, uint32_t from) {
    uint32_t count = w->k - from < DOT_BLOCK ? w->k - from : DOT_BLOCK;
    size_t at = (size_t)n * w->k + from;
    if (n >= w->n) return;
    const char *row = w->q4 ? (const char *)w->q4->codes + at / 2 : (const char *)w->q8->q + at;
    for (uint32_t i = 0; i < (w->q4 ? count / 2 : count); i += 64)
        _mm_prefetch(row + i, _MM_HINT_T1);
}

// Rows m .. m + rows - 1 by the panel's weight rows.
static void panel_run(const assay_gemm_part *part, const weights *w, uint32_t m, uint32_t rows,
                      uint32_t n, uint32_t count) {
    workspace *work = part->scratch;
    for (uint32_t from = 0; from < w->k; from += DOT_BLOCK) {
        uint32_t end = w->k - from < DOT_BLOCK ? w->k : from + DOT_BLOCK;
        panel_unfold(work, w, n, count, from, end);
        for (uint32_t i = 0, next, row = 0; i < rows; i = next) {
            packed_rows x = packed_rows_avx2(part->x, m + i);
            x.at += from / 16 * x.step;
            next = i + x.left < rows ? i + x.left : rows;
            for (; row < next * PANEL / rows; row++)
                row_fetch(w, end < w->k ? n + row : n + PANEL + row, end % w->k);
            for (uint32_t r = 0; r < count; r += 2)
                tile_rows(work->sums[r / 2] + i, x, work->panel[r / 2], (end - from + 15) / 16,
                          from == 0, next - i);
        }
    }
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t r = 0; r < count; r += 4) {
            __m128i low = _mm_load_si128((const __m128i *)work->sums[r / 2][i]);
            __m128i high = _mm_load_si128((const __m128i *)work->sums[r / 2 + 1][i]);
            dot_store(part, m + i, n + r, count - r < 4 ? count - r : 4,
                      _mm256_set_m128i(high, low), w->scales);
        }
}

static void many(const assay_gemm_part *part, const weights *w) {
    uint32_t m_end = part->m_first + part->m_count, n_end = part->n_first + part->n_count;
    for (uint32_t m = part->m_first, rows; m < m_end; m += rows) {
        rows = m_end - m < ROWS ? m_end - m : ROWS;
        for (uint32_t n = part->n_first; n < n_end; n += PANEL)
            panel_run(part, w, m, rows, n, n_end - n < PANEL ? n_end - n : PANEL);
    }
}

void assay_gemm_q4_avx2(const assay_gemm_part *part, const assay_q4 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q4_avx2(part, w);
    else
        many(part, &(weights){.q4 = w, .scales = w->scales, .n = w->n, .k = w->k});
}

void assay_gemm_q8_avx2(const assay_gemm_part *part, const assay_q8 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q8_avx2(part, w);
    else
        many(part, &(weights){.q8 = w, .scales = w->scales, .n = w->n, .k = w->k});
}
