// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/peak.h"

enum { CHAINS = 4, PRODUCTS = 16 * 16 * 64 / 2 };

// What ldtilecfg reads: eight tiles of 16 rows of 64 bytes.
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} config = {.palette = 1,
            .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
            .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

uint64_t assay_peak_amx(uint64_t rounds) {
    __asm__ volatile("" ::: "memory"); // gcc 12 declares too small an input of the next
    _tile_loadconfig(&config);
    for (uint64_t round = 0; round < rounds; round++) {
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
    _tile_release();
    return rounds * CHAINS * PRODUCTS;
}
