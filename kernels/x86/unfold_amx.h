// SPDX-License-Identifier: Apache-2.0
// Panels of weights on their way into tiles, in small pieces that fit between products. A tile is
// 64 elements of 16 weight rows, fours of elements of all rows side by side: rows are unfolded two
// at a time, and turned over while the next sixteen are.
#ifndef ASSAY_KERNELS_X86_UNFOLD_AMX_H
#define ASSAY_KERNELS_X86_UNFOLD_AMX_H

#include "kernels/x86/tile_amx.h"
#include "kernels/x86/turn_avx512.h"

// Weight rows n .. n + count - 1, elements from .. end - 1, as tiles [step][half of the rows].
typedef struct {
    words (*tiles)[2];
    uint32_t n, count;
    uint32_t from, end;
} panel;

static ASSAY_INLINE uint32_t panel_steps(const panel *p) {
    return (uint32_t)assay_amx_steps(p->end - p->from);
}

static ASSAY_INLINE uint32_t panel_halves(const panel *p) {
    return p->count > AMX_ROWS ? 2 : 1;
}

// A panel on its way into tiles, the steps of its first 16 rows before those of the others.
typedef struct {
    _Alignas(64) words rows[2]; // of two tiles, in turn
    const weights *w;
    panel to;
    ptrdiff_t ahead;      // bytes from these weights to those of the panel that is unfolded next
    uint32_t tile, tiles; // of `to`
} unfolding;

// One tile, in eight pieces: two rows each, and with every other one a quarter of the tile before
// it is turned over.
enum { PIECES = AMX_ROWS / 2 };
typedef struct {
    const uint8_t *bytes, *ratios; // of the next row; ratios of q4 weights alone
    size_t row_bytes, row_ratios;
    ptrdiff_t ahead;
    words *rows, *before, *turned; // no `turned`: there is no tile before
} tile_job;

static ASSAY_INLINE void unfold_start(unfolding *u, const weights *w, const panel *to,
                                      const panel *after) {
    size_t n = after->count ? after->n : to->n, from = after->count ? after->from : to->from;
    u->w = w;
    u->to = *to;
    u->ahead =
        ((ptrdiff_t)n - (ptrdiff_t)to->n) * (ptrdiff_t)w->k + (ptrdiff_t)from - (ptrdiff_t)to->from;
    if (w->q4) u->ahead /= 2;
    u->tile = 0;
    u->tiles = to->count ? panel_steps(to) * panel_halves(to) : 0;
}

static ASSAY_INLINE words *tile_at(const unfolding *u, uint32_t tile) {
    uint32_t steps = panel_steps(&u->to);
    return &u->to.tiles[tile % steps][tile / steps];
}

// The next tile as a job, which needs whole rows of whole steps.
static ASSAY_INLINE bool tile_take(tile_job *job, unfolding *u) {
    const weights *w = u->w;
    if (u->tile == u->tiles || u->to.count < 2 * AMX_ROWS || w->k % AMX_STEP) return false;
    uint32_t steps = panel_steps(&u->to), tile = u->tile++;
    size_t element =
        (u->to.n + tile / steps * AMX_ROWS) * (size_t)w->k + u->to.from + tile % steps * AMX_STEP;
    job->bytes = w->q4 ? w->q4->codes + element / 2 : (const uint8_t *)w->q8->q + element;
    job->ratios = w->q4 ? w->q4->ratios + element / ASSAY_Q4_BLOCK : NULL;
    job->row_bytes = w->q4 ? w->k / 2 : w->k;
    job->row_ratios = w->k / ASSAY_Q4_BLOCK;
    job->ahead = u->ahead;
    job->rows = &u->rows[tile % 2];
    job->before = &u->rows[(tile + 1) % 2];
    job->turned = tile ? tile_at(u, tile - 1) : NULL;
    return true;
}

static ASSAY_INLINE void piece_run(tile_job *job, const int piece, const bool q4) {
    ASSAY_UNROLL for (int r = 0; r < 2; r++) {
        __m512i bytes = q4 ? q4_bytes(job->bytes, *job->ratios) : _mm512_loadu_si512(job->bytes);
        _mm512_store_si512((*job->rows)[2 * piece + r], bytes);
        _mm_prefetch((const char *)((uintptr_t)job->bytes + (uintptr_t)job->ahead), _MM_HINT_T1);
        job->bytes += job->row_bytes;
        if (q4) job->ratios += job->row_ratios;
    }
    if (piece % 2 == 0 && job->turned) columns_turn(*job->turned, *job->before, 2 * piece);
}

// Elements at .. at + 63 of a row, zeros behind its end.
static ASSAY_INLINE __m512i row_unfold(const weights *w, size_t row, uint32_t at) {
    if (w->q4) {
        size_t block = row * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK;
        return q4_bytes(w->q4->codes + block * (ASSAY_Q4_BLOCK / 2), w->q4->ratios[block]);
    }
    return q8_bytes(w->q8->q + row * w->k + at, w->k - at);
}

// The next tile at once. Rows past the panel's last stand for it; their sums are nobody's.
static void tile_unfold(unfolding *u) {
    uint32_t steps = panel_steps(&u->to), tile = u->tile++;
    if (tile) words_turn(*tile_at(u, tile - 1), u->rows[(tile + 1) % 2]);
    for (uint32_t r = 0; r < AMX_ROWS; r++) {
        uint32_t row = tile / steps * AMX_ROWS + r;
        if (row >= u->to.count) row = u->to.count - 1;
        __m512i bytes = row_unfold(u->w, u->to.n + row, u->to.from + tile % steps * AMX_STEP);
        _mm512_store_si512(u->rows[tile % 2][r], bytes);
    }
}

// What is left, to the end.
static void unfold_rest(unfolding *u) {
    while (u->tile < u->tiles)
        tile_unfold(u);
    if (u->tiles) words_turn(*tile_at(u, u->tiles - 1), u->rows[(u->tiles + 1) % 2]);
    tiles_fence();
}

#endif
