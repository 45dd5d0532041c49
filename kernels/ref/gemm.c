// SPDX-License-Identifier: Apache-2.0
// Weights are unfolded to int16 a block at a time and the block meets every activation row of the
// tile before the next one: unfolding, which costs more than a product, is paid once a tile.
#include "kernels/gemm.h"

#include "kernels/nf4.h"
#include "kernels/ref/scalar.h"

enum {
    BLOCK = 512, // 512 * 32767 * 127 < 2^31: a block's sum fits int32
    TILE = 64,   // activation rows that share one unfolding
};
_Static_assert((int64_t)BLOCK * 32767 * 127 <= INT32_MAX, "a block's sum must fit int32");
_Static_assert(BLOCK % ASSAY_Q4_BLOCK == 0, "blocks hold whole ratio blocks");

ASSAY_UNSANITISED static int32_t block_dot(const int16_t *x, const int16_t *w, uint32_t count) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += x[i] * w[i];
    return sum;
}

ASSAY_UNSANITISED static void unfold_q4(int16_t *out, const uint8_t *codes, const uint8_t *ratios,
                                        uint32_t count) {
    for (uint32_t b = 0; b < count / ASSAY_Q4_BLOCK; b++) {
        const int8_t *table = assay_nf4_table[ratios[b]];
        for (int i = 0; i < ASSAY_Q4_BLOCK / 2; i++) {
            unsigned pair = *codes++;
            *out++ = table[pair & 15];
            *out++ = table[pair >> 4];
        }
    }
}

static void tile_add(int64_t *sums, const assay_x16 *x, uint32_t from, uint32_t rows, uint32_t at,
                     const int16_t *block, uint32_t count) {
    for (uint32_t i = 0; i < rows; i++)
        sums[i] += block_dot(x->q + (size_t)(from + i) * x->k + at, block, count);
}

static void tile_store(float *y, size_t y_stride, const int64_t *sums, const float *x_scales,
                       float w_scale, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++)
        y[i * y_stride] = (float)sums[i] * (x_scales[i] * w_scale);
}

void assay_gemm_q4_ref(float *y, size_t y_stride, const assay_x16 *x, const assay_q4 *w,
                       uint32_t row_first, uint32_t row_count) {
    int16_t block[BLOCK];
    for (uint32_t from = 0; from < x->m; from += TILE) {
        uint32_t rows = x->m - from < TILE ? x->m - from : TILE;
        for (uint32_t n = row_first; n < row_first + row_count; n++) {
            const uint8_t *codes = w->codes + (size_t)n * (w->k / 2);
            const uint8_t *ratios = w->ratios + (size_t)n * (w->k / ASSAY_Q4_BLOCK);
            int64_t sums[TILE] = {0};
            for (uint32_t at = 0; at < w->k; at += BLOCK) {
                uint32_t count = w->k - at < BLOCK ? w->k - at : BLOCK;
                unfold_q4(block, codes + at / 2, ratios + at / ASSAY_Q4_BLOCK, count);
                tile_add(sums, x, from, rows, at, block, count);
            }
            tile_store(y + from * y_stride + n, y_stride, sums, x->scales + from, w->scales[n],
                       rows);
        }
    }
}

void assay_gemm_q8_ref(float *y, size_t y_stride, const assay_x16 *x, const assay_q8 *w,
                       uint32_t row_first, uint32_t row_count) {
    int16_t block[BLOCK];
    for (uint32_t from = 0; from < x->m; from += TILE) {
        uint32_t rows = x->m - from < TILE ? x->m - from : TILE;
        for (uint32_t n = row_first; n < row_first + row_count; n++) {
            const int8_t *q = w->q + (size_t)n * w->k;
            int64_t sums[TILE] = {0};
            for (uint32_t at = 0; at < w->k; at += BLOCK) {
                uint32_t count = w->k - at < BLOCK ? w->k - at : BLOCK;
                for (uint32_t i = 0; i < count; i++)
                    block[i] = q[at + i];
                tile_add(sums, x, from, rows, at, block, count);
            }
            tile_store(y + from * y_stride + n, y_stride, sums, x->scales + from, w->scales[n],
                       rows);
        }
    }
}
