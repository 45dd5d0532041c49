// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/peak.h"
#include "kernels/x86/amx.h"

enum { CHAINS = 4, PRODUCTS = 16 * 16 * 64 / 2 };

uint64_t assay_peak_amx(uint64_t rounds) {
    _tile_loadconfig(&assay_amx_tiles);
    for (uint64_t round = 0; round < rounds; round++) {
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
    _tile_release();
    return rounds * CHAINS * PRODUCTS;
}
