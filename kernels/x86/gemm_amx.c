// SPDX-License-Identifier: Apache-2.0
// Which way a product goes, by the rows it has in all: its parts may be split in any way.
#include "kernels/x86/tile_amx.h"

const amx_tile_config assay_amx_tiles = {.palette = 1,
                                         .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                         .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

void assay_gemm_q4_amx(const assay_gemm_part *part, const assay_q4 *w) {
    amx_way way = amx_way_of(ASSAY_WEIGHTS_Q4, part->x->m, w->k);
    (way == AMX_NOT   ? assay_gemm_q4_avx512
     : way == AMX_FEW ? assay_few_q4_amx
                      : assay_many_q4_amx)(part, w);
}

void assay_gemm_q8_amx(const assay_gemm_part *part, const assay_q8 *w) {
    amx_way way = amx_way_of(ASSAY_WEIGHTS_Q8, part->x->m, w->k);
    (way == AMX_NOT   ? assay_gemm_q8_avx512
     : way == AMX_FEW ? assay_few_q8_amx
                      : assay_many_q8_amx)(part, w);
}
