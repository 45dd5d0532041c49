// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantise.h"

#include "kernels/nf4.h"
#include "kernels/ref/scalar.h"
#include "kernels/types.h"

bool ASSAY_OP(quantise_x16)(int16_t *q, float *scale, const float *x, uint32_t k) {
    float max;
    bool fine = range_of(&max, x, k);
    *scale = max / 32767.0f;
    if (max == 0.0f) {
        memset(q, 0, k * sizeof *q);
        return fine;
    }
    float r = 32767.0f / max;
    for (uint32_t i = 0; i < k; i++)
        q[i] = (int16_t)quantum(x[i], r, 32767);
    return true;
}

bool ASSAY_OP(quantise_q8)(int8_t *q, float *scale, const float *x, uint32_t k) {
    float max;
    bool fine = range_of(&max, x, k);
    *scale = max / 127.0f;
    if (max == 0.0f) {
        memset(q, 0, k);
        return fine;
    }
    float r = 127.0f / max;
    for (uint32_t i = 0; i < k; i++)
        q[i] = (int8_t)quantum(x[i], r, 127);
    return true;
}

static float block_max(const float *w) {
    float max = 0.0f;
    for (int i = 0; i < ASSAY_Q4_BLOCK; i++) {
        float a = float_from_bits(float_bits(w[i]) & 0x7fffffff);
        max = a > max ? a : max;
    }
    return max;
}

// Each code is the number of midpoints between neighbouring levels that lie below w / unit. One
// midpoint at a time over the whole block: compilers make vectors of that.
static void block_encode(uint8_t *out, const float *w, float unit) {
    float v[ASSAY_Q4_BLOCK];
    int32_t codes[ASSAY_Q4_BLOCK] = {0};
    for (int i = 0; i < ASSAY_Q4_BLOCK; i++)
        v[i] = w[i] / unit;
    for (int level = 0; level < 15; level++) {
        float midpoint = (assay_nf4_levels[level] + assay_nf4_levels[level + 1]) * 0.5f;
        for (int i = 0; i < ASSAY_Q4_BLOCK; i++)
            codes[i] += midpoint < v[i];
    }
    for (int i = 0; i < ASSAY_Q4_BLOCK / 2; i++)
        out[i] = (uint8_t)(codes[2 * i] | codes[2 * i + 1] << 4);
}

bool ASSAY_OP(quantise_q4)(uint8_t *codes, uint8_t *ratios, float *scale, const float *w,
                           uint32_t k) {
    float max;
    bool fine = range_of(&max, w, k);
    *scale = max / 127.0f;
    for (uint32_t b = 0; b < k / ASSAY_Q4_BLOCK; b++) {
        const float *block = w + (size_t)b * ASSAY_Q4_BLOCK;
        uint8_t *out = codes + (size_t)b * (ASSAY_Q4_BLOCK / 2);
        unsigned ratio = max == 0.0f ? 0 : ratio_of(block_max(block), max);
        ratios[b] = (uint8_t)ratio;
        if (ratio == 0)
            memset(out, 0x77, ASSAY_Q4_BLOCK / 2);
        else
            block_encode(out, block, (float)ratio * max / 255.0f);
    }
    return fine;
}
