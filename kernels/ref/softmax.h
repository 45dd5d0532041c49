// SPDX-License-Identifier: Apache-2.0
// What every set's attention does alike: where rows lie in a page, and scores to weights. Internal
// to kernels.
#ifndef ASSAY_KERNELS_REF_SOFTMAX_H
#define ASSAY_KERNELS_REF_SOFTMAX_H

#include "kernels/attention.h"
#include "kernels/ref/scalar.h"

// The rows and scales of a kv head's page.
typedef struct {
    const int8_t *k, *v;
    const float *k_scales, *v_scales;
} kv_page;

// The page that holds position t.
static inline kv_page kv_page_at(const assay_attention_part *part, uint32_t t) {
    const uint8_t *block = part->kv.pages[t / ASSAY_KV_PAGE] + part->kv.offset;
    const int8_t *codes = (const int8_t *)block;
    size_t plane = (size_t)ASSAY_KV_PAGE * part->head_size;
    const float *scales = (const float *)(block + 2 * plane);
    return (kv_page){codes, codes + plane, scales, scales + ASSAY_KV_PAGE};
}

// The highest of count >= 1 scores, none of which is NaN: all are below 2^90 (N-3). A maximum of
// floats is not vectorised, since NaN and the zeros' signs might matter; one of integers is, and
// with a negative float's other bits turned over, their order is that of the values. Of two zeros
// it takes the positive one, which shows in nothing: exp takes both differences for 0.
static inline float scores_max(const float *scores, uint32_t count) {
    int32_t top = INT32_MIN;
    for (uint32_t t = 0; t < count; t++) {
        int32_t bits = (int32_t)float_bits(scores[t]);
        bits ^= bits >> 31 & 0x7fffffff;
        top = bits > top ? bits : top;
    }
    return float_from_bits((uint32_t)(top ^ (top >> 31 & 0x7fffffff)));
}

// Scores [part->count], the highest of them `max`, to weights. Returns: Z, the sum of the
// exponentials as integers; of a page at most 64 * 2^24. Plain loops of one thing each, which
// compilers vectorise: an exponential is at most 1, so that assay_unit24's integer is an int32.
static inline int64_t weights_fill(float *weights, const assay_attention_part *part, float max) {
    int64_t total = 0;
    for (uint32_t t = 0; t < part->count; t += ASSAY_KV_PAGE) {
        const float *scales = kv_page_at(part, t).v_scales;
        uint32_t count = part->count - t < ASSAY_KV_PAGE ? part->count - t : ASSAY_KV_PAGE;
        float *e = weights + t;
        int32_t sum = 0;
        for (uint32_t i = 0; i < count; i++)
            e[i] = exp_f32(e[i] - max);
        for (uint32_t i = 0; i < count; i++) {
            float x = e[i] * 0x1p24f;
            sum += (int32_t)(x < 0x1p23f ? (x + 0x1p23f) - 0x1p23f : x);
        }
        for (uint32_t i = 0; i < count; i++)
            e[i] *= scales[i];
        total += sum;
    }
    return total;
}

#endif
