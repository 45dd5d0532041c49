// SPDX-License-Identifier: Apache-2.0
// How the sets avx2 and avx512 pack rows, in vectors of `lanes` elements. Rows lie in tiles of one
// height, the last may be lower: the first vector of each row, the second of each row, ... so that
// a tile is read from its first byte to its last. Internal to kernels/x86.
#ifndef ASSAY_KERNELS_X86_PACKED_H
#define ASSAY_KERNELS_X86_PACKED_H

#include <string.h>

#include "kernels/types.h"

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
static inline void packed_copy(const assay_x16 *x, uint32_t row, const uint32_t lanes) {
    const int16_t *q = x->q + (size_t)row * x->k;
    packed_rows out = packed_rows_at(x, row, lanes);
    uint32_t at = 0;
    for (; at + lanes <= x->k; at += lanes, out.at += out.step)
        memcpy(out.at, q + at, lanes * sizeof *q);
    if (at == x->k) return;
    memset(out.at, 0, lanes * sizeof *q);
    memcpy(out.at, q + at, (x->k - at) * sizeof *q);
}

#endif
