// SPDX-License-Identifier: Apache-2.0
// Products of five to sixteen activation rows, one tile of them: weights stay as they lie, a tile
// is 16 weight rows, and the few activations were turned over when they were packed. Two tiles of
// weights by two planes make four sums. What weights cost is their way out of memory.
#include "kernels/x86/tile_amx.h"
#include "kernels/x86/turn_avx512.h"

enum {
    PANEL = 2 * AMX_ROWS, // weight rows side by side
    STEPS = 8,            // steps of a row that are unfolded at once: cache lines in a row
    BLOCK = STEPS * AMX_STEP,
};

typedef int8_t weight_tile[AMX_ROWS][AMX_STEP];

// What a thread works in.
typedef struct {
    weight_tile blocks[2][STEPS][2]; // one enters products while the other is unfolded
    tile_sums sums[2][2];            // by tile of weights, plane: [weight row][activation row]
    words products, turned;
} workspace;
_Static_assert(sizeof(workspace) <= ASSAY_GEMM_SCRATCH, "the work fits the scratch");

// Elements from .. of row `row`, at most a block of them, zeros behind its end. What the next rows
// have there is asked for; past the end for nothing.
static ASSAY_INLINE void row_unfold(weight_tile (*out)[2], uint32_t r, const weights *w, size_t row,
                                    uint32_t from, const bool q4) {
    uint32_t end = w->k - from < BLOCK ? w->k : from + BLOCK;
    const uint8_t *bytes =
        q4 ? w->q4->codes + (row * w->k + from) / 2 : (const uint8_t *)w->q8->q + row * w->k + from;
    const uint8_t *ratios = q4 ? w->q4->ratios + (row * w->k + from) / ASSAY_Q4_BLOCK : NULL;
    uintptr_t later = (uintptr_t)bytes + PANEL * (size_t)(q4 ? w->k / 2 : w->k);
    for (uint32_t at = from, s = 0; at < end; at += AMX_STEP, s++) {
        __m512i tile = q4 ? q4_bytes(bytes + s * (AMX_STEP / 2), ratios[s])
                          : q8_bytes((const int8_t *)bytes + s * AMX_STEP, w->k - at);
        _mm512_store_si512(out[s][r / AMX_ROWS][r % AMX_ROWS], tile);
        if (!q4 || s % 2 == 0)
            _mm_prefetch((const char *)(later + s * (q4 ? AMX_STEP / 2 : AMX_STEP)), _MM_HINT_T1);
    }
}

// Rows past the part's last stand for it; their sums are nobody's.
static ASSAY_INLINE void block_unfold(weight_tile (*out)[2], const weights *w, uint32_t n,
                                      uint32_t count, uint32_t from, const bool q4) {
    for (uint32_t r = 0; r < PANEL; r++)
        row_unfold(out, r, w, n + (r < count ? r : count - 1), from, q4);
    tiles_fence();
}

// Tiles 0 and 1 are the high and low sums of the first 16 weight rows, 2 and 3 those of the second,
// 4 and 5 the weights, 6 and 7 the planes.
static ASSAY_INLINE void block_multiply(const weight_tile (*w)[2], const assay_amx_step *x,
                                        uint32_t steps) {
    for (uint32_t s = 0; s < steps; s++) {
        _tile_loadd(4, w[s][0], AMX_STEP);
        _tile_loadd(6, x[s].high, AMX_STEP);
        _tile_dpbssd(0, 4, 6);
        _tile_loadd(5, w[s][1], AMX_STEP);
        _tile_dpbssd(2, 5, 6);
        _tile_loadd(7, x[s].low, AMX_STEP);
        _tile_dpbsud(1, 4, 7);
        _tile_dpbsud(3, 5, 7);
    }
    tiles_fence();
}

// The part's rows by `count` <= 16 weight rows from n on, into y. Spec: N-8, N-9.
static void tile_store(const assay_gemm_part *part, workspace *work, const tile_sums *planes,
                       uint32_t n, uint32_t count, const float *w_scales) {
    __mmask16 rows = (__mmask16)((1u << part->x->m) - 1);
    __mmask16 columns = (__mmask16)((1u << count) - 1);
    __m512 x_scales = _mm512_maskz_loadu_ps(rows, part->x->scales);
    for (uint32_t r = 0; r < count; r++) {
        __m512 scale = _mm512_mul_ps(x_scales, _mm512_set1_ps(w_scales[n + r]));
        __m512 product = _mm512_mul_ps(sums_float(planes[0][r], planes[1][r]), scale);
        _mm512_store_si512(work->products[r], _mm512_castps_si512(product));
    }
    words_turn(work->turned, work->products);
    for (uint32_t i = part->m_first; i < part->m_first + part->m_count; i++) {
        float *y = part->y + i * part->y_stride + n;
        product_store(part, y, columns, _mm512_castsi512_ps(_mm512_load_si512(work->turned[i])));
    }
}

static ASSAY_INLINE void panel_run(const assay_gemm_part *part, const weights *w, uint32_t n,
                                   uint32_t count, const bool q4) {
    workspace *work = part->scratch;
    const assay_amx_step *x = part->x->packed;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    block_unfold(work->blocks[0], w, n, count, 0, q4);
    for (uint32_t from = 0, b = 0; from < w->k; from += BLOCK, b ^= 1) {
        uint32_t end = w->k - from < BLOCK ? w->k : from + BLOCK;
        if (end < w->k) block_unfold(work->blocks[b ^ 1], w, n, count, end, q4);
        block_multiply((const weight_tile(*)[2])work->blocks[b], x + from / AMX_STEP,
                       (uint32_t)assay_amx_steps(end - from));
    }
    _tile_stored(0, work->sums[0][0], 64);
    _tile_stored(1, work->sums[0][1], 64);
    _tile_stored(2, work->sums[1][0], 64);
    _tile_stored(3, work->sums[1][1], 64);
    for (uint32_t r = 0; r < count; r += AMX_ROWS)
        tile_store(part, work, (const tile_sums *)work->sums[r / AMX_ROWS], n + r,
                   count - r < AMX_ROWS ? count - r : AMX_ROWS, w->scales);
}

static ASSAY_INLINE void run(const assay_gemm_part *part, const weights *w, const bool q4) {
    uint32_t n_end = part->n_first + part->n_count;
    _tile_loadconfig(&assay_amx_tiles);
    for (uint32_t n = part->n_first; n < n_end; n += PANEL)
        panel_run(part, w, n, n_end - n < PANEL ? n_end - n : PANEL, q4);
    _tile_release();
}

void assay_few_q4_amx(const assay_gemm_part *part, const assay_q4 *w) {
    run(part, &(weights){.q4 = w, .scales = w->scales, .k = w->k}, true);
}

void assay_few_q8_amx(const assay_gemm_part *part, const assay_q8 *w) {
    run(part, &(weights){.q8 = w, .scales = w->scales, .k = w->k}, false);
}
