// SPDX-License-Identifier: Apache-2.0
// Many activation rows, the text of the sets avx2 and avx512. The canonical weights are read where
// they lie. Rows meet a panel of weights that was unfolded once for all of them: a tile of rows and
// some weight rows stay in the first cache, the panel in the second. Included after the set's
// dot_*.h and TILE_N, with two functions: tile adds up m rows of a tile by TILE_N weight rows, and
// four_load gives the sums of a row by weight rows r .. r + 3 of the panel.
#include "kernels/x86/weights.h"

enum {
    PANEL = 48,              // weight rows that are unfolded together, whole cache lines of y
    ROWS = 22 * PACKED_ROWS, // activation rows that share one unfolding
};

// A step of a tile: the vectors of its weight rows.
typedef int16_t tile_step[TILE_N][DOT_LANES];
typedef int64_t tile_sums[TILE_N];

// What a thread works in.
typedef struct {
    tile_step panel[PANEL / TILE_N][DOT_BLOCK / DOT_LANES];
    tile_sums sums[PANEL / TILE_N][ROWS];
} workspace;
_Static_assert(sizeof(workspace) <= ASSAY_GEMM_SCRATCH, "the work fits the scratch");

// The sums of m rows over `count` vectors; set where they are the first, else added to.
static ASSAY_INLINE void tile(tile_sums *sums, packed_rows x, const tile_step *w, uint32_t count,
                              bool first, const int m);
static ASSAY_INLINE __m256i four_load(const workspace *work, uint32_t i, uint32_t r);

// Weight rows past `count` keep what an earlier panel left; nobody reads their sums.
static void panel_unfold(workspace *work, const weights *w, uint32_t n, uint32_t count,
                         uint32_t from, uint32_t end) {
    enum { VECTORS = ASSAY_Q4_BLOCK / DOT_LANES };
    for (uint32_t r = 0; r < count; r++) {
        dot_vector *out = (dot_vector *)work->panel[r / TILE_N][0][r % TILE_N];
        size_t row = n + r;
        if (w->q4) {
            const uint8_t *codes = w->q4->codes + row * (w->k / 2);
            const uint8_t *ratios = w->q4->ratios + row * (w->k / ASSAY_Q4_BLOCK);
            for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK, out += VECTORS * TILE_N) {
                dot_vector u[VECTORS];
                q4_unfold(u, codes + at / 2, ratios[at / ASSAY_Q4_BLOCK]);
                ASSAY_UNROLL for (int v = 0; v < VECTORS; v++) out[v * TILE_N] = u[v];
            }
        } else {
            for (uint32_t at = from; at < end; at += DOT_LANES, out += TILE_N)
                *out = q8_unfold(w->q8->q + row * w->k + at, end - at);
        }
    }
}

static void tile_rows(tile_sums *sums, packed_rows x, const tile_step *w, uint32_t count,
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

// Rows m .. m + rows - 1 by the panel's weight rows.
static void panel_run(const assay_gemm_part *part, const weights *w, uint32_t m, uint32_t rows,
                      uint32_t n, uint32_t count) {
    workspace *work = part->scratch;
    for (uint32_t from = 0; from < w->k; from += DOT_BLOCK) {
        uint32_t end = w->k - from < DOT_BLOCK ? w->k : from + DOT_BLOCK;
        panel_unfold(work, w, n, count, from, end);
        for (uint32_t i = 0, next; i < rows; i = next) {
            packed_rows x = packed_rows_at(part->x, m + i, DOT_LANES);
            x.at += from / DOT_LANES * x.step;
            next = i + x.left < rows ? i + x.left : rows;
            for (uint32_t r = 0; r < count; r += TILE_N)
                tile_rows(work->sums[r / TILE_N] + i, x, work->panel[r / TILE_N],
                          (end - from + DOT_LANES - 1) / DOT_LANES, from == 0, next - i);
        }
    }
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t r = 0; r < count; r += 4)
            dot_store(part, m + i, n + r, count - r < 4 ? count - r : 4, four_load(work, i, r),
                      w->scales);
}

static void many(const assay_gemm_part *part, const weights *w) {
    uint32_t m_end = part->m_first + part->m_count, n_end = part->n_first + part->n_count;
    for (uint32_t m = part->m_first; m < m_end; m += ROWS)
        for (uint32_t n = part->n_first; n < n_end; n += PANEL)
            panel_run(part, w, m, m_end - m < ROWS ? m_end - m : ROWS, n,
                      n_end - n < PANEL ? n_end - n : PANEL);
}

void ASSAY_OP(gemm_q4)(const assay_gemm_part *part, const assay_q4 *w) {
    if (part->m_count <= DOT_FEW)
        ASSAY_OP(few_q4)(part, w);
    else
        many(part, &(weights){.q4 = w, .scales = w->scales, .k = w->k});
}

void ASSAY_OP(gemm_q8)(const assay_gemm_part *part, const assay_q8 *w) {
    if (w->k <= DOT_SHORT)
        ASSAY_OP(short_q8)(part, w);
    else if (part->m_count <= DOT_FEW)
        ASSAY_OP(few_q8)(part, w);
    else
        many(part, &(weights){.q8 = w, .scales = w->scales, .k = w->k});
}
