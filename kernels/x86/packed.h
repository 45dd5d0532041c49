// SPDX-License-Identifier: Apache-2.0
// How the sets avx2 and avx512 pack rows, in vectors of `lanes` elements. Rows lie in tiles of one
// height, the last may be lower: the first vector of each row, the second of each row, ... so that
// a tile is read from its first byte to its last. Internal to kernels/x86.
#ifndef ASSAY_KERNELS_X86_PACKED_H
#define ASSAY_KERNELS_X86_PACKED_H

#include <string.h>

#include "kernels/gemm.h"

enum { PACKED_ROWS = 6 }; // of a tile, at most

typedef struct {
    int16_t *at;   // the row's first vector; those of the tile's next rows follow
    size_t step;   // elements to its next vector
    uint32_t left; // rows of the tile, from this one on
} packed_rows;

static inline packed_rows packed_rows_at(const assay_x16 *x, uint32_t row, uint32_t lanes) {
    uint32_t tiles = (x->m + PACKED_ROWS - 1) / PACKED_ROWS, height = (x->m + tiles - 1) / tiles;
    uint32_t first = row - row % height;
    if (x->m - first < height) height = x->m - first;
    size_t vectors = (x->k + lanes - 1) / lanes;
    int16_t *tile = (int16_t *)x->packed + first * vectors * lanes;
    return (packed_rows){tile + lanes * (row - first), (size_t)lanes * height,
                         first + height - row};
}

static inline size_t packed_size(uint32_t m, uint32_t k, uint32_t lanes) {
    size_t vectors = (k + lanes - 1) / lanes;
    return m * vectors * lanes * sizeof(int16_t);
}

// A row for 8-bit weights: the order stays, and zeros fill the last vector.
static inline void packed_copy(const assay_x16 *x, uint32_t row, uint32_t lanes) {
    const int16_t *q = x->q + (size_t)row * x->k;
    packed_rows out = packed_rows_at(x, row, lanes);
    for (uint32_t at = 0; at < x->k; at += lanes, out.at += out.step) {
        uint32_t count = x->k - at < lanes ? x->k - at : lanes;
        memset(out.at, 0, lanes * sizeof *out.at);
        memcpy(out.at, q + at, count * sizeof *out.at);
    }
}

// Takes the rows of *rest that lie in its first tile from it.
static inline assay_gemm_part packed_tile_take(assay_gemm_part *rest, uint32_t lanes) {
    assay_gemm_part tile = *rest;
    uint32_t left = packed_rows_at(rest->x, rest->m_first, lanes).left;
    tile.m_count = left < rest->m_count ? left : rest->m_count;
    rest->m_first += tile.m_count;
    rest->m_count -= tile.m_count;
    return tile;
}

#endif
