// SPDX-License-Identifier: Apache-2.0
// Tiles in plain C, as Intel's manual has them: eight registers of up to 16 rows of 64 bytes, a
// thread's own, unusable until they are configured and after they are released.
#ifndef ASSAY_TESTS_KERNELS_SIMDE_TILES_H
#define ASSAY_TESTS_KERNELS_SIMDE_TILES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} emulated_tile_config;

typedef struct {
    emulated_tile_config config; // palette 0: released
    uint8_t bytes[8][16][64];
} emulated_tiles;

extern _Thread_local emulated_tiles emulated_tile_state;

// What the machine would fault on ends the program.
static inline emulated_tiles *tiles_of(int tile) {
    emulated_tiles *t = &emulated_tile_state;
    if (t->config.palette != 1 || tile < 0 || tile > 7 || t->config.rows[tile] == 0) abort();
    return t;
}

static inline void emulated_tile_loadconfig(const void *config) {
    emulated_tiles *t = &emulated_tile_state;
    memcpy(&t->config, config, sizeof t->config);
    memset(t->bytes, 0, sizeof t->bytes);
    for (int i = 0; i < 8; i++)
        if (t->config.rows[i] > 16 || t->config.row_bytes[i] > 64) abort();
}

static inline void emulated_tile_release(void) {
    memset(&emulated_tile_state, 0, sizeof emulated_tile_state);
}

static inline void emulated_tile_zero(int tile) {
    memset(tiles_of(tile)->bytes[tile], 0, sizeof emulated_tile_state.bytes[tile]);
}

static inline void emulated_tile_loadd(int tile, const void *base, size_t stride) {
    emulated_tiles *t = tiles_of(tile);
    memset(t->bytes[tile], 0, sizeof t->bytes[tile]);
    for (int row = 0; row < t->config.rows[tile]; row++)
        memcpy(t->bytes[tile][row], (const uint8_t *)base + (size_t)row * stride,
               t->config.row_bytes[tile]);
}

static inline void emulated_tile_stored(int tile, void *base, size_t stride) {
    const emulated_tiles *t = tiles_of(tile);
    for (int row = 0; row < t->config.rows[tile]; row++)
        memcpy((uint8_t *)base + (size_t)row * stride, t->bytes[tile][row],
               t->config.row_bytes[tile]);
}

// c += a * b: element (m, n) of c takes the products of a's row m with the n-th fours of b's rows.
// Either is signed, or is not.
static inline void tiles_dot(int c, int a, int b, int a_signed, int b_signed) {
    emulated_tiles *t = tiles_of(c);
    (void)tiles_of(a), (void)tiles_of(b);
    if (t->config.rows[a] != t->config.rows[c] ||
        t->config.row_bytes[b] != t->config.row_bytes[c] ||
        t->config.rows[b] != t->config.row_bytes[a] / 4)
        abort();
    uint32_t columns = t->config.row_bytes[c] / 4;
    for (int m = 0; m < t->config.rows[c]; m++) {
        uint32_t sums[16]; // they wrap, as the machine's
        memcpy(sums, t->bytes[c][m], sizeof sums);
        for (int k = 0; k < t->config.row_bytes[a]; k++) {
            const uint8_t *right = t->bytes[b][k / 4] + k % 4;
            int32_t left = a_signed ? (int8_t)t->bytes[a][m][k] : t->bytes[a][m][k];
            for (uint32_t n = 0; n < columns; n++)
                sums[n] += (uint32_t)(left * (b_signed ? (int8_t)right[4 * n] : right[4 * n]));
        }
        memcpy(t->bytes[c][m], sums, 4 * columns);
    }
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbssd
#undef _tile_dpbsud
#undef _tile_dpbusd
#undef _tile_stream_loadd
#define _tile_loadconfig      emulated_tile_loadconfig
#define _tile_release         emulated_tile_release
#define _tile_zero            emulated_tile_zero
#define _tile_loadd           emulated_tile_loadd
#define _tile_stream_loadd    emulated_tile_loadd
#define _tile_stored          emulated_tile_stored
#define _tile_dpbssd(c, a, b) tiles_dot(c, a, b, 1, 1)
#define _tile_dpbsud(c, a, b) tiles_dot(c, a, b, 1, 0)
#define _tile_dpbusd(c, a, b) tiles_dot(c, a, b, 0, 1)

#endif
