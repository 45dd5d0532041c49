// SPDX-License-Identifier: Apache-2.0
// The operations of the set "avx2". Internal to kernels/x86.
#ifndef ASSAY_KERNELS_X86_AVX2_H
#define ASSAY_KERNELS_X86_AVX2_H

#include "kernels/table.h"

assay_packed_size_fn assay_packed_size_avx2;
assay_pack_fn assay_pack_avx2;
#define X(member) assay_##member##_fn assay_##member##_avx2;
ASSAY_KERNEL_LIST(X)
#undef X

// Packed rows lie in tiles of one height, the last may be lower: the first vector of each row, the
// second of each row, ... so that a tile is read from its first byte to its last.
enum { PACKED_ROWS = 6 }; // of a tile, at most

typedef struct {
    int16_t *at;   // the row's first vector of 16 elements; the rows of its tile follow
    size_t step;   // elements to its next vector
    uint32_t left; // rows of the tile, from this one on
} packed_rows;

static inline packed_rows packed_rows_avx2(const assay_x16 *x, uint32_t row) {
    uint32_t tiles = (x->m + PACKED_ROWS - 1) / PACKED_ROWS, height = (x->m + tiles - 1) / tiles;
    uint32_t first = row - row % height;
    if (x->m - first < height) height = x->m - first;
    size_t padded = ((size_t)x->k + 15) / 16 * 16;
    int16_t *tile = (int16_t *)x->packed + first * padded;
    return (packed_rows){tile + 16 * (row - first), (size_t)16 * height, first + height - row};
}

#endif
