// SPDX-License-Identifier: Apache-2.0
// The products of the set "amx"; the rest of it is the set "avx512". Internal to kernels/x86.
//
// An activation x is split into 256 * high + low, high a signed byte and low an unsigned one. A
// tile of sums is [16 weight rows][16 activation rows] int32 for each of the two planes.
#ifndef ASSAY_KERNELS_X86_AMX_H
#define ASSAY_KERNELS_X86_AMX_H

#include "kernels/x86/avx512.h"

assay_packed_size_fn assay_packed_size_amx;
assay_pack_fn assay_pack_amx;
assay_gemm_q4_fn assay_gemm_q4_amx;
assay_gemm_q8_fn assay_gemm_q8_amx;

enum {
    AMX_FEW =
        4, // activation rows up to which the set avx512 reads the weights as fast as they come
    AMX_ROWS = 16, // of a tile
    AMX_STEP = 64, // elements of a row that a tile holds
};

// Packed activations that meet one tile of weights: four elements of each of 16 rows, then the
// next four. For q4 weights the 64 elements come in the order 0, 2 ... 62, 1, 3 ... 63.
typedef struct {
    uint32_t high[AMX_STEP / 4][AMX_ROWS];
    uint32_t low[AMX_STEP / 4][AMX_ROWS];
} assay_amx_step; // packed: [m in tiles of 16][k in steps of 64]

static inline size_t assay_amx_steps(uint32_t k) {
    return ((size_t)k + AMX_STEP - 1) / AMX_STEP;
}

#endif
