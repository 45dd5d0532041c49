// SPDX-License-Identifier: Apache-2.0
#include "quant/container/floats.h"

#include <string.h>

#include "base/bytes.h"

static float f16_widen(uint16_t half) {
    uint32_t exponent = half >> 10 & 31, fraction = half & 1023, bits;
    float out;
    if (exponent == 0) { // zero or subnormal
        out = (float)fraction * 0x1p-24f;
        memcpy(&bits, &out, sizeof bits);
    } else if (exponent == 31) {
        bits = 0x7f800000u | fraction << 13;
    } else {
        bits = (exponent + 112) << 23 | fraction << 13;
    }
    bits |= (uint32_t)(half & 0x8000) << 16;
    memcpy(&out, &bits, sizeof out);
    return out;
}

void assay_floats_from_f32(float *out, const uint8_t *in, uint64_t count) {
    memcpy(out, in, count * sizeof *out);
}

void assay_floats_from_f16(float *out, const uint8_t *in, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        out[i] = f16_widen((uint16_t)(in[2 * i] | in[2 * i + 1] << 8));
}

void assay_floats_from_bf16(float *out, const uint8_t *in, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint16_t word;
        memcpy(&word, in + 2 * i, sizeof word);
        uint32_t bits = (uint32_t)word << 16;
        memcpy(&out[i], &bits, sizeof bits);
    }
}
