// SPDX-License-Identifier: Apache-2.0
// The products of the set "amx"; the rest of it is the set "avx512". Internal to kernels/x86.
//
// An activation x is split into 256 * high + low, high a signed byte and low an unsigned one. A
// tile of sums is [16][16] int32, activation rows by weight rows or the other way round, for each
// of the two planes.
#ifndef ASSAY_KERNELS_X86_AMX_H
#define ASSAY_KERNELS_X86_AMX_H

#include "kernels/x86/avx512.h"

assay_packed_size_fn assay_packed_size_amx;
assay_pack_fn assay_pack_amx;
assay_gemm_q4_fn assay_gemm_q4_amx;
assay_gemm_q8_fn assay_gemm_q8_amx;

enum {
    AMX_ROWS = 16, // of a tile
    AMX_STEP = 64, // elements of a row that a tile holds
};

// Packed activations that meet one tile of weights, for q4 weights in the order 0, 2 ... 62, 1, 3
// ... 63 of the 64 elements. Up to 16 rows are turned over: fours of elements of all rows side by
// side.
typedef struct {
    int8_t high[AMX_ROWS][AMX_STEP];
    uint8_t low[AMX_ROWS][AMX_STEP];
} assay_amx_step; // packed: [m in tiles of 16][k in steps of 64]

static inline size_t assay_amx_steps(uint32_t k) {
    return ((size_t)k + AMX_STEP - 1) / AMX_STEP;
}

// Products of several tiles of rows, and of one.
assay_gemm_q4_fn assay_many_q4_amx, assay_few_q4_amx;
assay_gemm_q8_fn assay_many_q8_amx, assay_few_q8_amx;

// What ldtilecfg reads.
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} amx_tile_config;
_Static_assert(sizeof(amx_tile_config) == 64, "ldtilecfg reads 64 bytes");
extern const amx_tile_config assay_amx_tiles; // eight tiles of 16 rows of 64 bytes

#endif
