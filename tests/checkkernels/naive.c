// SPDX-License-Identifier: Apache-2.0
#include "tests/checkkernels/naive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// N-3: A, and whether the row is fine.
static bool row_max(float *max, const float *x, uint32_t k) {
    bool fine = true;
    *max = 0;
    for (uint32_t i = 0; i < k; i++) {
        if (!isfinite(x[i]) || fabsf(x[i]) > 1099511627776.0f) fine = false;
        *max = fmaxf(*max, fabsf(x[i]));
    }
    if (!fine || *max < ldexpf(1, -96)) *max = 0;
    return fine;
}

// N-6, N-7
static bool quantise(long *q, float *scale, const float *x, uint32_t k, long limit) {
    float max;
    bool fine = row_max(&max, x, k);
    *scale = max / (float)limit;
    for (uint32_t i = 0; i < k; i++) {
        float ratio = max > 0 ? (float)limit / max : 0;
        q[i] = max > 0 ? (long)nearbyintf(x[i] * ratio) : 0;
        if (q[i] > limit) q[i] = limit;
        if (q[i] < -limit) q[i] = -limit;
    }
    return fine;
}

static bool naive_quantise_x16(int16_t *q, float *scale, const float *x, uint32_t k) {
    long *wide = calloc(k + 1, sizeof *wide);
    bool fine = quantise(wide, scale, x, k, 32767);
    for (uint32_t i = 0; i < k; i++)
        q[i] = (int16_t)wide[i];
    free(wide);
    return fine;
}

static bool naive_quantise_q8(int8_t *q, float *scale, const float *x, uint32_t k) {
    long *wide = calloc(k + 1, sizeof *wide);
    bool fine = quantise(wide, scale, x, k, 127);
    for (uint32_t i = 0; i < k; i++)
        q[i] = (int8_t)wide[i];
    free(wide);
    return fine;
}

// The sixteen levels as QLoRA prints them.
static const double levels[16] = {
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
};

// N-5
static bool naive_quantise_q4(uint8_t *codes, uint8_t *ratios, float *scale, const float *w,
                              uint32_t k) {
    float max;
    bool fine = row_max(&max, w, k);
    *scale = max / 127.0f;
    memset(codes, 0, k / 2);
    for (uint32_t i = 0; i < k; i++) {
        float block = 0;
        for (uint32_t j = i / 64 * 64; j < i / 64 * 64 + 64; j++)
            block = max > 0 ? fmaxf(block, fabsf(w[j])) : 0;
        float scaled = block * 255.0f;
        long ratio = max > 0 ? (long)nearbyintf(scaled / max) : 0;
        if (ratio == 0 && block > 0) ratio = 1;
        ratios[i / 64] = (uint8_t)ratio;
        unsigned code = 7;
        if (ratio > 0) {
            float product = (float)ratio * max;
            float unit = product / 255.0f;
            float v = w[i] / unit;
            code = 0;
            for (int m = 0; m < 15; m++) {
                float sum = (float)levels[m] + (float)levels[m + 1];
                if (sum * 0.5f < v) code++;
            }
        }
        codes[i / 2] |= (uint8_t)(code << (i % 2 ? 4 : 0));
    }
    return fine;
}

// N-4: one entry of table T, by its definition.
static long folded(unsigned ratio, unsigned code) {
    long c = lrint((double)(float)levels[code] * 127 * 16);
    return lround((double)(c * (long)ratio) / 4080.0);
}

// N-8, N-9
static void naive_store(const assay_gemm_part *part, uint32_t i, uint32_t n, int64_t sum,
                        float w_scale) {
    float *y = part->y + i * part->y_stride + n;
    float scale = part->x->scales[i] * w_scale, product = (float)sum * scale;
    if (!part->add_scale) {
        *y = product;
        return;
    }
    float delta = product * *part->add_scale;
    *y = *y + delta;
}

static void naive_gemm_q4(const assay_gemm_part *part, const assay_q4 *w) {
    long table[256][16];
    for (unsigned r = 0; r < 256; r++)
        for (unsigned c = 0; c < 16; c++)
            table[r][c] = folded(r, c);
    for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n++)
        for (uint32_t i = part->m_first; i < part->m_first + part->m_count; i++) {
            int64_t sum = 0;
            for (size_t k = 0; k < w->k; k++) {
                unsigned pair = w->codes[(size_t)n * (w->k / 2) + k / 2];
                unsigned code = k % 2 ? pair / 16 : pair % 16;
                sum += part->x->q[(size_t)i * w->k + k] *
                       table[w->ratios[(size_t)n * (w->k / 64) + k / 64]][code];
            }
            naive_store(part, i, n, sum, w->scales[n]);
        }
}

static void naive_gemm_q8(const assay_gemm_part *part, const assay_q8 *w) {
    for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n++)
        for (uint32_t i = part->m_first; i < part->m_first + part->m_count; i++) {
            int64_t sum = 0;
            for (size_t k = 0; k < w->k; k++)
                sum += (long)part->x->q[(size_t)i * w->k + k] * w->q[(size_t)n * w->k + k];
            naive_store(part, i, n, sum, w->scales[n]);
        }
}

// N-12
static bool naive_rmsnorm(float *y, const float *x, const float *w, uint32_t d, float eps) {
    long *q = calloc(d + 1, sizeof *q);
    float s;
    bool fine = quantise(q, &s, x, d, 32767);
    int64_t squares = 0;
    for (uint32_t i = 0; i < d; i++)
        squares += q[i] * q[i];
    float unit = s * s, sum = (float)squares * unit, mean = sum / (float)d, shifted = mean + eps;
    float root = sqrtf(shifted), r = 1.0f / root;
    for (uint32_t i = 0; i < d; i++) {
        float scaled = x[i] * r;
        y[i] = fine ? scaled * w[i] : 0.0f;
    }
    free(q);
    return fine;
}

// N-10
static void naive_rope(float *x, const float *cos, const float *sin, uint32_t head_count,
                       uint32_t half) {
    for (uint32_t i = 0; i < head_count * half; i++) {
        uint32_t low = i / half * 2 * half + i % half, high = low + half;
        float c = cos[i % half], s = sin[i % half];
        float lc = x[low] * c, hs = x[high] * s, hc = x[high] * c, ls = x[low] * s;
        x[low] = lc - hs;
        x[high] = hc + ls;
    }
}

// N-11
static float naive_exp_one(float x) {
    static const float c[] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                              1.6666665459e-1f, 5.0000001201e-1f};
    if (isnan(x) || x < -87) return 0;
    float z = fminf(x, 88.0f);
    float turns = z * 1.44269504f, n = nearbyintf(turns);
    float high = n * 0.693359375f, low = n * -2.12194440e-4f;
    float rest = z - high, g = rest - low, p = 1.9875691500e-4f;
    for (int i = 0; i < 5; i++) {
        float product = p * g;
        p = product + c[i];
    }
    float square = g * g, head = p * square, tail = head + g, y = tail + 1.0f;
    return ldexpf(y, (int)n);
}

static void naive_exp(float *y, const float *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = naive_exp_one(x[i]);
}

static void naive_silu_mul(float *y, const float *g, const float *u, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        float below = 1.0f + naive_exp_one(-g[i]), gate = g[i] / below;
        y[i] = gate * u[i];
    }
}

// N-13
static void naive_attention_one(const assay_attention_part *part, uint32_t query) {
    uint32_t count = part->count, hd = part->head_size;
    float *e = calloc(count, sizeof *e), *w = calloc(count, sizeof *w), max = -INFINITY, s_w;
    long *w16 = calloc(count, sizeof *w16);
    float root = sqrtf((float)hd), rs = 1.0f / root;
    for (size_t t = 0; t < count; t++) {
        const int8_t *k = (const int8_t *)part->kv.pages[t / 64] + part->kv.offset + t % 64 * hd;
        const float *scales = (const float *)(part->kv.pages[t / 64] + part->kv.offset + 128 * hd);
        int64_t sum = 0;
        for (uint32_t j = 0; j < hd; j++)
            sum += (long)part->q[query * hd + j] * k[j];
        float scale = part->q_scales[query] * scales[t % 64], scaled = scale * rs;
        e[t] = (float)sum * scaled;
        max = fmaxf(max, e[t]);
    }
    int64_t z = 0;
    for (size_t t = 0; t < count; t++) {
        const float *scales = (const float *)(part->kv.pages[t / 64] + part->kv.offset + 128 * hd);
        float distance = e[t] - max;
        e[t] = naive_exp_one(distance);
        z += llrintf(ldexpf(e[t], 24));
        w[t] = e[t] * scales[64 + t % 64];
    }
    quantise(w16, &s_w, w, count, 32767);
    for (uint32_t j = 0; j < hd; j++) {
        int64_t sum = 0;
        for (size_t t = 0; t < count; t++)
            sum += w16[t] * ((const int8_t *)part->kv.pages[t / 64] +
                             part->kv.offset)[(64 + t % 64) * hd + j];
        float above = (float)sum * s_w, below = ldexpf((float)z, -24);
        part->out[query * hd + j] = above / below;
    }
    free(e);
    free(w);
    free(w16);
}

static void naive_attention(const assay_attention_part *part) {
    for (uint32_t query = 0; query < part->query_count; query++)
        naive_attention_one(part, query);
}

static void naive_add(float *y, const float *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = y[i] + x[i];
}

static void naive_add_scaled(float *y, const float *x, float scale, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        float product = x[i] * scale;
        y[i] = y[i] + product;
    }
}

static void naive_unfold_q8(float *y, const int8_t *q, float scale, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = (float)q[i] * scale;
}

// N-23
static void naive_unfold_q4(float *y, const uint8_t *codes, const uint8_t *ratios, float scale,
                            uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        unsigned code = i % 2 ? codes[i / 2] / 16 : codes[i / 2] % 16;
        y[i] = (float)folded(ratios[i / 64], code) * scale;
    }
}

static bool always(void) {
    return true;
}

const assay_kernels naive_kernels = {.name = "naive",
                                     .needs = "nothing",
                                     .available = always,
                                     .packed_size = assay_packed_size_ref,
                                     .pack = assay_pack_ref,
#define X(member) .member = naive_##member,
                                     ASSAY_KERNEL_LIST(X)
#undef X
};
