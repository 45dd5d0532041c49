// SPDX-License-Identifier: Apache-2.0
#include "quant/container/gguf_blocks.h"

#include <stddef.h>

#include "quant/container/floats.h"

static const struct {
    uint32_t number, elements, bytes;
} types[ASSAY_GGUF_BLOCK_COUNT] = {
#define X(name, number, elements, bytes) {number, elements, bytes},
    ASSAY_GGUF_BLOCK_LIST(X)
#undef X
};

// The types that files may have and that are not read, so that a refusal can say their names.
static const char *const others[] = {
    [9] = "Q8_1",    [10] = "Q2_K",    [11] = "Q3_K",  [15] = "Q8_K",  [16] = "IQ2_XXS",
    [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S", [21] = "IQ3_S", [22] = "IQ2_S",
    [23] = "IQ4_XS", [24] = "I8",      [25] = "I16",   [26] = "I32",   [27] = "I64",
    [28] = "F64",    [29] = "IQ1_M",   [34] = "TQ1_0", [35] = "TQ2_0", [39] = "MXFP4",
    [40] = "NVFP4",
};

assay_status assay_gguf_block_find(assay_gguf_block *out, uint32_t number, assay_error *err) {
    for (int i = 0; i < ASSAY_GGUF_BLOCK_COUNT; i++)
        if (types[i].number == number) {
            *out = (assay_gguf_block)i;
            return ASSAY_OK;
        }
    if (number < ASSAY_COUNT(others) && others[number])
        return ASSAY_FAIL(err, UNSUPPORTED,
                          "type %s is not one of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, "
                          "Q4_K, Q5_K, Q6_K and IQ4_NL",
                          others[number]);
    return ASSAY_FAIL(err, UNKNOWN, "type %u is unknown", number);
}

uint32_t assay_gguf_block_elements(assay_gguf_block type) {
    return types[type].elements;
}

uint32_t assay_gguf_block_bytes(assay_gguf_block type) {
    return types[type].bytes;
}

static float f16_at(const uint8_t *in) {
    float out;
    assay_floats_from_f16(&out, in, 1);
    return out;
}

static void q8_0_read(float *out, const uint8_t *in) {
    float d = f16_at(in);
    for (int j = 0; j < 32; j++)
        out[j] = d * (float)(int8_t)in[2 + j];
}

// Q4_0 and IQ4_NL: the low nibbles are the first half of the block, the high ones the second.
static void nibbles_read(float *out, const uint8_t *in, const int8_t *levels) {
    float d = f16_at(in);
    for (int j = 0; j < 16; j++) {
        out[j] = d * (float)levels[in[2 + j] & 15];
        out[j + 16] = d * (float)levels[in[2 + j] >> 4];
    }
}

static void q4_0_read(float *out, const uint8_t *in) {
    static const int8_t levels[] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
    nibbles_read(out, in, levels);
}

static void iq4_nl_read(float *out, const uint8_t *in) {
    static const int8_t levels[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                    1,    13,   25,  38,  53,  69,  89,  113};
    nibbles_read(out, in, levels);
}

static void q4_1_read(float *out, const uint8_t *in) {
    float d = f16_at(in), m = f16_at(in + 2);
    for (int j = 0; j < 32; j++) {
        float product = d * (float)(in[4 + j % 16] >> (j < 16 ? 0 : 4) & 15);
        out[j] = product + m;
    }
}

// Q5_0 and Q5_1: four bytes of fifth bits, then nibbles as in Q4_0.
static int five_bits(const uint8_t *in, int j) {
    int high = in[j / 8] >> j % 8 & 1;
    return (in[4 + j % 16] >> (j < 16 ? 0 : 4) & 15) | high << 4;
}

static void q5_0_read(float *out, const uint8_t *in) {
    float d = f16_at(in);
    for (int j = 0; j < 32; j++)
        out[j] = d * (float)(five_bits(in + 2, j) - 16);
}

static void q5_1_read(float *out, const uint8_t *in) {
    float d = f16_at(in), m = f16_at(in + 2);
    for (int j = 0; j < 32; j++) {
        float product = d * (float)five_bits(in + 4, j);
        out[j] = product + m;
    }
}

// Q4_K and Q5_K: eight runs of 32 elements, each (d * scale) * q - (dmin * min); scale and min have
// six bits, the upper two of those of runs 4 to 7 stand above those of runs 0 to 3. A fifth bit of
// q is bit `run` of a byte; fifths is NULL where there is none.
static void runs_read(float *out, const uint8_t *in, const uint8_t *fifths, const uint8_t *q) {
    float d = f16_at(in), dmin = f16_at(in + 2);
    const uint8_t *s = in + 4;
    for (int run = 0; run < 8; run++, out += 32) {
        int scale = run < 4 ? s[run] & 63 : (s[run + 4] & 15) | s[run - 4] >> 6 << 4;
        int min = run < 4 ? s[run + 4] & 63 : s[run + 4] >> 4 | s[run] >> 6 << 4;
        float step = d * (float)scale, base = dmin * (float)min;
        for (int j = 0; j < 32; j++) {
            int high = fifths ? fifths[j] >> run & 1 : 0;
            int low = q[run / 2 * 32 + j] >> (run % 2 ? 4 : 0) & 15;
            float product = step * (float)(low | high << 4);
            out[j] = product - base;
        }
    }
}

static void q4_k_read(float *out, const uint8_t *in) {
    runs_read(out, in, NULL, in + 16);
}

static void q5_k_read(float *out, const uint8_t *in) {
    runs_read(out, in, in + 16, in + 48);
}

// Two halves of 128 elements, each four runs of 32: (d * scale) * (q - 32) with one scale for 16.
static void q6_k_read(float *out, const uint8_t *in) {
    float d = f16_at(in + 208);
    for (int run = 0; run < 8; run++) {
        int half = run / 4, quarter = run % 4;
        const uint8_t *low = in + half * 64 + quarter % 2 * 32, *high = in + 128 + half * 32;
        for (int j = 0; j < 32; j++) {
            float step = d * (float)(int8_t)in[192 + run * 2 + j / 16];
            int q = (low[j] >> quarter / 2 * 4 & 15) | (high[j] >> quarter * 2 & 3) << 4;
            *out++ = step * (float)(q - 32);
        }
    }
}

void assay_gguf_block_read(float *out, assay_gguf_block type, const uint8_t *in, uint64_t count) {
    static void (*const readers[ASSAY_GGUF_BLOCK_COUNT])(float *out, const uint8_t *in) = {
        [ASSAY_GGUF_BLOCK_Q4_0] = q4_0_read,     [ASSAY_GGUF_BLOCK_Q4_1] = q4_1_read,
        [ASSAY_GGUF_BLOCK_Q5_0] = q5_0_read,     [ASSAY_GGUF_BLOCK_Q5_1] = q5_1_read,
        [ASSAY_GGUF_BLOCK_Q8_0] = q8_0_read,     [ASSAY_GGUF_BLOCK_Q4_K] = q4_k_read,
        [ASSAY_GGUF_BLOCK_Q5_K] = q5_k_read,     [ASSAY_GGUF_BLOCK_Q6_K] = q6_k_read,
        [ASSAY_GGUF_BLOCK_IQ4_NL] = iq4_nl_read,
    };
    switch (type) {
    case ASSAY_GGUF_BLOCK_F32:
        assay_floats_from_f32(out, in, count);
        return;
    case ASSAY_GGUF_BLOCK_F16:
        assay_floats_from_f16(out, in, count);
        return;
    case ASSAY_GGUF_BLOCK_BF16:
        assay_floats_from_bf16(out, in, count);
        return;
    default:
        break;
    }
    for (uint64_t i = 0; i < count; i++)
        readers[type](out + i * types[type].elements, in + i * types[type].bytes);
}
