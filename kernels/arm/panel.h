// SPDX-License-Identifier: Apache-2.0
// Many rows, the text of the sets neon and i8mm. The canonical weights are read where they lie.
// Rows meet a panel of weights that was unfolded once for all of them. Included after dot_neon.h,
// with two functions: panel_put lays unfolded weights into the panel, tile adds up m rows by the
// panel.

enum {
    PANEL = 8,    // weight rows that are unfolded together
    TILE_M = 4,   // rows by eight weight rows: 16 sums, 8 planes and the weights, of 32 registers
    ROWS = 2048,  // rows that share one unfolding
    BLOCK = 1024, // elements of a panel: it and a tile's rows stay in the first cache
};
_Static_assert(BLOCK % ASSAY_Q4_BLOCK == 0, "blocks hold whole ratio blocks");

// What a thread works in.
typedef struct {
    int8_t panel[BLOCK * PANEL];  // in the set's order, DOT_STEP elements of all rows at a time
    int32_t sums[ROWS][2][PANEL]; // of the hi and of the lo bytes
    int32_t ones[PANEL];          // of the weights themselves
} workspace;
_Static_assert(sizeof(workspace) <= ASSAY_GEMM_SCRATCH, "the work fits the scratch");

// Weights of either kind.
typedef struct {
    const assay_q4 *q4; // one of the two
    const assay_q8 *q8;
    const float *scales;
    uint32_t k;
    size_t x_stride; // bytes of a packed row
} weights;

// Sixteen elements of four weight rows into the panel, from element `at` of the block and row `r`
// on, and their sums to the ones.
static ASSAY_INLINE void panel_put(workspace *work, uint32_t at, uint32_t r, const int8x16_t *rows);

// m rows by the panel over `count` elements of a block, added to their sums.
static ASSAY_INLINE void tile(int32_t (*sums)[2][PANEL], const int8_t *x, size_t x_stride,
                              const int8_t *w, uint32_t count, const int m);

// Elements from .. end - 1 of weight rows n + r .. n + r + 3.
static void panel_unfold(workspace *work, const assay_gemm_part *part, const weights *w, uint32_t n,
                         uint32_t r, uint32_t from, uint32_t end) {
    size_t rows[4];
    for (uint32_t i = 0; i < 4; i++)
        rows[i] = row_of(part, n, r + i);
    if (w->q8) {
        for (uint32_t at = from; at < end; at += DOT_STEP) {
            int8x16_t u[4];
            for (int i = 0; i < 4; i++)
                u[i] = q8_unfold(w->q8->q + rows[i] * w->k + at, end - at);
            panel_put(work, at - from, r, u);
        }
        return;
    }
    for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK) {
        int8x16_t u[4][4];
        for (int i = 0; i < 4; i++)
            q4_unfold(u[i], w->q4->codes + rows[i] * (w->k / 2) + at / 2,
                      w->q4->ratios[rows[i] * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK]);
        for (uint32_t v = 0; v < 4; v++) {
            int8x16_t column[4] = {u[0][v], u[1][v], u[2][v], u[3][v]};
            panel_put(work, at - from + DOT_STEP * v, r, column);
        }
    }
}

static void tile_rows(int32_t (*sums)[2][PANEL], const int8_t *x, size_t x_stride, const int8_t *w,
                      uint32_t count, uint32_t rows) {
    switch (rows) {
    case 1:
        tile(sums, x, x_stride, w, count, 1);
        break;
    case 2:
        tile(sums, x, x_stride, w, count, 2);
        break;
    case 3:
        tile(sums, x, x_stride, w, count, 3);
        break;
    default:
        tile(sums, x, x_stride, w, count, TILE_M);
        break;
    }
}

// Rows m .. m + rows - 1 by weight rows n .. n + count - 1.
static void panel_run(const assay_gemm_part *part, const weights *w, uint32_t m, uint32_t rows,
                      uint32_t n, uint32_t count) {
    workspace *work = part->scratch;
    const int8_t *x = (const int8_t *)part->x->packed + m * w->x_stride;
    memset(work->ones, 0, sizeof work->ones);
    memset(work->sums, 0, rows * sizeof *work->sums);
    for (uint32_t from = 0; from < w->k; from += BLOCK) {
        uint32_t end = w->k - from < BLOCK ? w->k : from + BLOCK;
        for (uint32_t r = 0; r < PANEL; r += 4)
            panel_unfold(work, part, w, n, r, from, end);
        for (uint32_t i = 0; i < rows; i += TILE_M)
            tile_rows(work->sums + i, x + i * w->x_stride + 2 * (size_t)from, w->x_stride,
                      work->panel, end - from, rows - i < TILE_M ? rows - i : TILE_M);
    }
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t r = 0; r < count; r += 4)
            dot_store(part, m + i, n + r, count - r < 4 ? count - r : 4,
                      dot_float(vld1q_s32(work->sums[i][0] + r), vld1q_s32(work->sums[i][1] + r),
                                vld1q_s32(work->ones + r)),
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
        assay_few_q4_neon(part, w);
    else
        many(part,
             &(weights){.q4 = w, .scales = w->scales, .k = w->k, .x_stride = 2 * (size_t)w->k});
}

void ASSAY_OP(gemm_q8)(const assay_gemm_part *part, const assay_q8 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q8_neon(part, w);
    else
        many(part,
             &(weights){
                 .q8 = w, .scales = w->scales, .k = w->k, .x_stride = 2 * planes_padded(w->k)});
}
