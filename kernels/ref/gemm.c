// SPDX-License-Identifier: Apache-2.0
// Weights are unfolded to int16 a block at a time and the block meets every activation row of the
// tile before the next one: unfolding, which costs more than a product, is paid once a tile.
#include "kernels/gemm.h"

#include "kernels/nf4.h"
#include "kernels/pack.h"
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

// `rows` activation rows from `from` on, elements from `at` on.
static void tile_add(int64_t *sums, const assay_x16 *x, uint32_t from, uint32_t rows, uint32_t at,
                     const int16_t *block, uint32_t count) {
    for (uint32_t i = 0; i < rows; i++)
        sums[i] += block_dot(x->q + (size_t)(from + i) * x->k + at, block, count);
}

static void tile_store(const assay_gemm_part *part, uint32_t from, uint32_t rows, uint32_t n,
                       const int64_t *sums, float w_scale) {
    for (uint32_t i = 0; i < rows; i++) {
        float *y = part->y + (size_t)(from + i) * part->y_stride + n;
        float product = (float)sums[i] * (part->x->scales[from + i] * w_scale);
        *y = part->add_scale ? *y + product * *part->add_scale : product;
    }
}

void assay_gemm_q4_ref(const assay_gemm_part *part, const assay_q4 *w) {
    int16_t block[BLOCK];
    uint32_t m_end = part->m_first + part->m_count;
    for (uint32_t from = part->m_first; from < m_end; from += TILE) {
        uint32_t rows = m_end - from < TILE ? m_end - from : TILE;
        for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n++) {
            const uint8_t *codes = w->codes + (size_t)n * (w->k / 2);
            const uint8_t *ratios = w->ratios + (size_t)n * (w->k / ASSAY_Q4_BLOCK);
            int64_t sums[TILE] = {0};
            for (uint32_t at = 0; at < w->k; at += BLOCK) {
                uint32_t count = w->k - at < BLOCK ? w->k - at : BLOCK;
                unfold_q4(block, codes + at / 2, ratios + at / ASSAY_Q4_BLOCK, count);
                tile_add(sums, part->x, from, rows, at, block, count);
            }
            tile_store(part, from, rows, n, sums, w->scales[n]);
        }
    }
}

void assay_gemm_q8_ref(const assay_gemm_part *part, const assay_q8 *w) {
    int16_t block[BLOCK];
    uint32_t m_end = part->m_first + part->m_count;
    for (uint32_t from = part->m_first; from < m_end; from += TILE) {
        uint32_t rows = m_end - from < TILE ? m_end - from : TILE;
        for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n++) {
            const int8_t *q = w->q + (size_t)n * w->k;
            int64_t sums[TILE] = {0};
            for (uint32_t at = 0; at < w->k; at += BLOCK) {
                uint32_t count = w->k - at < BLOCK ? w->k - at : BLOCK;
                for (uint32_t i = 0; i < count; i++)
                    block[i] = q[at + i];
                tile_add(sums, part->x, from, rows, at, block, count);
            }
            tile_store(part, from, rows, n, sums, w->scales[n]);
        }
    }
}

// Here the canonical order is read as it is.
size_t assay_packed_size_ref(assay_weights_kind kind, uint32_t m, uint32_t k) {
    return 0;
}

void assay_pack_ref(const assay_x16 *x, assay_weights_kind kind, uint32_t m_first,
                    uint32_t m_count) {}
