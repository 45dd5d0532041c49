// SPDX-License-Identifier: Apache-2.0
// Products of many rows by tiles: 16 activation rows by 16 weight rows by 64 elements an
// instruction, for each of the two byte planes. A panel is 32 weight rows by as many elements as
// stay in the first cache, and meets activation rows that stay in the second: two planes by two
// tiles of weights make four sums, and each of the four tiles that are loaded for a step enters two
// products. Tile registers are not renamed, so a load that takes longer than the products before it
// is waited for: that, not the multiplying, is the limit. Between the steps the next panel is
// unfolded and the sums before are stored, piece by piece.
#include "kernels/x86/unfold_amx.h"

enum {
    PANEL = 2 * AMX_ROWS, // weight rows that are unfolded together
    K_STEPS = 16,         // steps of a row that are
    K_BLOCK = K_STEPS * AMX_STEP,
    TILES = 16,      // tiles of activation rows that share one unfolding
    PANELS = 8,      // panels whose sums wait for the next block of their rows, at most
    PANELS_NEAR = 4, // where the activation rows' other blocks stay in the second cache too
    K_NEAR = 2048,
};

typedef tile_sums panel_sums[2][2]; // by tile of the panel, plane

// What a thread works in.
typedef struct {
    words panels[2][K_STEPS][2]; // one enters products while the other is unfolded
    panel_sums sums[PANELS][TILES];
    unfolding next;
} workspace;
_Static_assert(sizeof(workspace) <= ASSAY_GEMM_SCRATCH, "the work fits the scratch");

// Rows of tile t on their way into y, by `count` weight rows from n on.
typedef struct {
    const panel_sums *sums;
    uint32_t t, n, count;
    uint32_t row, end; // of the tile
} storing;

// A run through tiles t .. t + tiles - 1 of activation rows.
typedef struct {
    const assay_gemm_part *part;
    const weights *w;
    workspace *work;
    uint32_t t, tiles;
    storing ready;
} product_run;

// The next row of a tile. Spec: N-8, N-9.
static ASSAY_INLINE void store_next(const assay_gemm_part *part, const weights *w, storing *s) {
    uint32_t row = s->t * AMX_ROWS + s->row;
    __m512 x_scale = _mm512_set1_ps(part->x->scales[row]);
    for (uint32_t half = 0; half * AMX_ROWS < s->count; half++) {
        uint32_t n = s->n + half * AMX_ROWS, count = s->count - half * AMX_ROWS;
        float *y = part->y + row * part->y_stride + n;
        __mmask16 columns = (__mmask16)(count < AMX_ROWS ? (1u << count) - 1 : UINT16_MAX);
        __m512 scale = _mm512_mul_ps(x_scale, _mm512_maskz_loadu_ps(columns, w->scales + n));
        const tile_sums *planes = (*s->sums)[half];
        __m512 product = _mm512_mul_ps(sums_float(planes[0][s->row], planes[1][s->row]), scale);
        product_store(part, y, columns, product);
    }
    s->row++;
}

static ASSAY_INLINE void store_rest(const product_run *g, storing *s) {
    while (s->row < s->end)
        store_next(g->part, g->w, s);
}

// One step of the products, whose tiles are loaded. Those of the next take their places as soon as
// these are free. Planes come from the second cache, and leave the first to the panel.
static ASSAY_INLINE void step_multiply(const words (*w)[2], const assay_amx_step *x, bool last,
                                       const bool both) {
    _tile_dpbssd(0, 6, 4);
    if (both) _tile_dpbssd(2, 6, 5);
    if (!last) _tile_stream_loadd(6, x[1].high, 64);
    _tile_dpbusd(1, 7, 4);
    if (!last) _tile_loadd(4, w[1][0], 64);
    if (both) _tile_dpbusd(3, 7, 5);
    if (!last) _tile_stream_loadd(7, x[1].low, 64);
    if (!last && both) _tile_loadd(5, w[1][1], 64);
}

// Tiles 0 and 1 are the high and low sums of the first 16 weight rows, 2 and 3 those of the second,
// 4 and 5 the weights, 6 and 7 the planes. The sums start at zero in the first block of a row.
static ASSAY_INLINE void tiles_multiply(product_run *g, panel_sums sums, const panel *p,
                                        const assay_amx_step *x, const bool both, const bool q4) {
    const words(*w)[2] = (const words(*)[2])p->tiles;
    _tile_stream_loadd(6, x->high, 64);
    _tile_loadd(4, w[0][0], 64);
    if (both) _tile_loadd(5, w[0][1], 64);
    _tile_stream_loadd(7, x->low, 64);
    if (p->from == 0) {
        _tile_zero(0);
        _tile_zero(1);
        if (both) _tile_zero(2);
        if (both) _tile_zero(3);
    } else {
        _tile_loadd(0, sums[0][0], 64);
        _tile_loadd(1, sums[0][1], 64);
        if (both) _tile_loadd(2, sums[1][0], 64);
        if (both) _tile_loadd(3, sums[1][1], 64);
    }
    uint32_t steps = panel_steps(p), s = 0;
    for (; s + PIECES <= steps; s += PIECES) {
        tile_job job = {0};
        bool some = both && tile_take(&job, &g->work->next);
        ASSAY_UNROLL for (uint32_t piece = 0; piece < PIECES; piece++) {
            step_multiply(w + s + piece, x + s + piece, s + piece + 1 == steps, both);
            if (some) piece_run(&job, (int)piece, q4);
            if (g->ready.row < g->ready.end) store_next(g->part, g->w, &g->ready);
        }
    }
    for (; s < steps; s++)
        step_multiply(w + s, x + s, s + 1 == steps, both);
    _tile_stored(0, sums[0][0], 64);
    _tile_stored(1, sums[0][1], 64);
    if (both) _tile_stored(2, sums[1][0], 64);
    if (both) _tile_stored(3, sums[1][1], 64);
}

// All tiles of activation rows by a panel; `sums` are those of its rows.
static void panel_run(product_run *g, panel_sums *sums, const panel *p) {
    const assay_gemm_part *part = g->part;
    size_t steps = assay_amx_steps(g->w->k);
    const assay_amx_step *x = (const assay_amx_step *)part->x->packed + p->from / AMX_STEP;
    for (uint32_t i = 0; i < g->tiles; i++) {
        uint32_t t = g->t + i;
        if (p->count > AMX_ROWS && g->w->q4)
            tiles_multiply(g, sums[i], p, x + t * steps, true, true);
        else if (p->count > AMX_ROWS)
            tiles_multiply(g, sums[i], p, x + t * steps, true, false);
        else
            tiles_multiply(g, sums[i], p, x + t * steps, false, false);
        store_rest(g, &g->ready);
        if (p->end < g->w->k) continue;
        uint32_t first = t * AMX_ROWS, m_end = part->m_first + part->m_count;
        g->ready = (storing){.sums = (const panel_sums *)&sums[i],
                             .t = t,
                             .n = p->n,
                             .count = p->count,
                             .row = part->m_first > first ? part->m_first - first : 0,
                             .end = m_end - first < AMX_ROWS ? m_end - first : AMX_ROWS};
    }
}

// The panel after p, in the other place: the same elements of the next rows of the group that
// starts at n_group, else their next elements, else the next group. Its count is zero after the
// last.
static panel panel_after(const product_run *g, panel p, uint32_t *n_group) {
    uint32_t n_end = g->part->n_first + g->part->n_count;
    p.tiles = g->work->panels[p.tiles == g->work->panels[0]];
    p.n += p.count;
    uint32_t panels = g->w->k > K_NEAR ? PANELS : PANELS_NEAR;
    if (p.n == n_end || p.n == *n_group + panels * PANEL) {
        if (p.end == g->w->k) *n_group = p.n;
        p.from = p.end == g->w->k ? 0 : p.end;
        p.n = *n_group;
    }
    p.count = n_end - p.n < PANEL ? n_end - p.n : PANEL;
    p.end = g->w->k - p.from < K_BLOCK ? g->w->k : p.from + K_BLOCK;
    return p;
}

// All weight rows of the part.
static void panels_run(product_run *g) {
    unfolding *next = &g->work->next;
    uint32_t n_group = g->part->n_first;
    panel p = panel_after(g, (panel){.n = n_group, .end = g->w->k}, &n_group);
    uint32_t n_next = n_group;
    panel after = panel_after(g, p, &n_next);
    unfold_start(next, g->w, &p, &after);
    unfold_rest(next);
    while (p.count) {
        uint32_t n_later = n_next;
        panel later = panel_after(g, after, &n_later);
        unfold_start(next, g->w, &after, &later);
        panel_run(g, g->work->sums[(p.n - n_group) / PANEL], &p);
        unfold_rest(next);
        p = after, n_group = n_next;
        after = later, n_next = n_later;
    }
    store_rest(g, &g->ready);
}

// Blocks of activation rows are of one size, lest the last be small and yet pay for an unfolding
// of all weights. The tiles are given back at the end: a thread that holds them takes longer to
// switch to and from.
static void run(const assay_gemm_part *part, const weights *w) {
    uint32_t t_first = part->m_first / AMX_ROWS;
    uint32_t t_end = (part->m_first + part->m_count + AMX_ROWS - 1) / AMX_ROWS;
    uint32_t blocks = (t_end - t_first + TILES - 1) / TILES;
    uint32_t span = (t_end - t_first + blocks - 1) / blocks;
    _tile_loadconfig(&assay_amx_tiles);
    for (uint32_t t = t_first; t < t_end; t += span) {
        product_run g = {part, w, part->scratch, t, t_end - t < span ? t_end - t : span, {0}};
        panels_run(&g);
    }
    _tile_release();
}

void assay_many_q4_amx(const assay_gemm_part *part, const assay_q4 *w) {
    run(part, &(weights){.q4 = w, .scales = w->scales, .k = w->k});
}

void assay_many_q8_amx(const assay_gemm_part *part, const assay_q8 *w) {
    run(part, &(weights){.q8 = w, .scales = w->scales, .k = w->k});
}
