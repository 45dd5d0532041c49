// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include "kernels/exp.h"
#include "kernels/quantise.h"
#include "kernels/ref/scalar.h"

enum { BLOCK = 512 }; // 512 * 32767 * 127 < 2^31: a block's sum fits int32
_Static_assert((int64_t)BLOCK * 32767 * 127 <= INT32_MAX, "a block's sum must fit int32");

ASSAY_UNSANITISED static int32_t block_dot(const int16_t *q, const int8_t *k, uint32_t count) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += q[i] * k[i];
    return sum;
}

static int64_t dot(const int16_t *q, const int8_t *k, uint32_t count) {
    int64_t sum = 0;
    for (uint32_t at = 0; at < count; at += BLOCK)
        sum += block_dot(q + at, k + at, count - at < BLOCK ? count - at : BLOCK);
    return sum;
}

ASSAY_UNSANITISED static void block_add(int32_t *sums, const int8_t *v, int32_t weight,
                                        uint32_t head_size) {
    for (uint32_t j = 0; j < head_size; j++)
        sums[j] += weight * v[j];
}

// scores[t] = the logit of position t. Returns: the highest.
static float scores_fill(float *scores, const int16_t *q, float q_scale, const assay_kv *kv,
                         uint32_t head_size, uint32_t count) {
    float root = 1.0f / __builtin_sqrtf((float)head_size);
    float max = 0.0f;
    for (uint32_t t = 0; t < count; t++) {
        int64_t sum = dot(q, kv->k + (size_t)t * head_size, head_size);
        scores[t] = (float)sum * (q_scale * kv->k_scales[t] * root);
        max = t == 0 || scores[t] > max ? scores[t] : max;
    }
    return max;
}

void assay_attention_ref(float *out, const int16_t *q, float q_scale, const assay_kv *kv,
                         uint32_t head_size, uint32_t count, void *scratch) {
    float *weights = scratch;
    int16_t *w16 = (int16_t *)(weights + count);
    float max = scores_fill(weights, q, q_scale, kv, head_size, count);
    int64_t total = 0;
    for (uint32_t t = 0; t < count; t++) {
        float e = exp_f32(weights[t] - max);
        total += assay_unit24(e);
        weights[t] = e * kv->v_scales[t];
    }
    float w_scale;
    (void)assay_quantise_x16_ref(w16, &w_scale, weights, count);
    int64_t sums[ASSAY_HEAD_SIZE_MAX] = {0};
    for (uint32_t at = 0; at < count; at += BLOCK) {
        int32_t block[ASSAY_HEAD_SIZE_MAX] = {0};
        uint32_t end = count - at < BLOCK ? count : at + BLOCK;
        for (uint32_t t = at; t < end; t++)
            block_add(block, kv->v + (size_t)t * head_size, w16[t], head_size);
        for (uint32_t j = 0; j < head_size; j++)
            sums[j] += block[j];
    }
    float z = (float)total * 0x1p-24f;
    for (uint32_t j = 0; j < head_size; j++)
        out[j] = (float)sums[j] * w_scale / z;
}
