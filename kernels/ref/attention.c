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

// A kv head's rows and scales at a position.
typedef struct {
    const int8_t *k, *v;
    float k_scale, v_scale;
} kv_row;

static kv_row row_at(const assay_kv *kv, uint32_t head_size, uint32_t t) {
    const uint8_t *block = kv->pages[t / ASSAY_KV_PAGE] + kv->offset;
    const int8_t *codes = (const int8_t *)block;
    const float *scales = (const float *)(block + 2 * (size_t)ASSAY_KV_PAGE * head_size);
    uint32_t row = t % ASSAY_KV_PAGE;
    return (kv_row){codes + (size_t)row * head_size,
                    codes + (size_t)(ASSAY_KV_PAGE + row) * head_size, scales[row],
                    scales[ASSAY_KV_PAGE + row]};
}

// scores[t] = the logit of position t. Returns: the highest.
static float scores_fill(float *scores, const assay_attention_part *part, uint32_t query) {
    const int16_t *q = part->q + (size_t)query * part->head_size;
    float root = 1.0f / __builtin_sqrtf((float)part->head_size);
    float max = 0.0f;
    for (uint32_t t = 0; t < part->count; t++) {
        kv_row row = row_at(&part->kv, part->head_size, t);
        int64_t sum = dot(q, row.k, part->head_size);
        scores[t] = (float)sum * (part->q_scales[query] * row.k_scale * root);
        max = t == 0 || scores[t] > max ? scores[t] : max;
    }
    return max;
}

// sums[j] = sum over the positions of weight times value.
static void values_add(int64_t *sums, const int16_t *w16, const assay_attention_part *part) {
    uint32_t head_size = part->head_size;
    for (uint32_t at = 0; at < part->count; at += BLOCK) {
        int32_t block[ASSAY_HEAD_SIZE_MAX] = {0};
        uint32_t end = part->count - at < BLOCK ? part->count : at + BLOCK;
        for (uint32_t t = at; t < end; t++)
            block_add(block, row_at(&part->kv, head_size, t).v, w16[t], head_size);
        for (uint32_t j = 0; j < head_size; j++)
            sums[j] += block[j];
    }
}

void assay_attention_ref(const assay_attention_part *part) {
    float *weights = part->scratch;
    int16_t *w16 = (int16_t *)(weights + part->count);
    for (uint32_t query = 0; query < part->query_count; query++) {
        float max = scores_fill(weights, part, query);
        int64_t total = 0;
        for (uint32_t t = 0; t < part->count; t++) {
            float e = exp_f32(weights[t] - max);
            total += assay_unit24(e);
            weights[t] = e * row_at(&part->kv, part->head_size, t).v_scale;
        }
        float w_scale;
        (void)assay_quantise_x16_ref(w16, &w_scale, weights, part->count);
        int64_t sums[ASSAY_HEAD_SIZE_MAX] = {0};
        values_add(sums, w16, part);
        float z = (float)total * 0x1p-24f;
        float *out = part->out + (size_t)query * part->head_size;
        for (uint32_t j = 0; j < part->head_size; j++)
            out[j] = (float)sums[j] * w_scale / z;
    }
}
