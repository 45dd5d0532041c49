// SPDX-License-Identifier: Apache-2.0
// One-element operations that several reference kernels share. Internal to kernels.
#ifndef ASSAY_KERNELS_REF_SCALAR_H
#define ASSAY_KERNELS_REF_SCALAR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// The element kernels of this folder sum nothing, so a compiler may vectorise them for any
// processor without changing a bit: other sets are the same text, compiled with ASSAY_SET theirs.
#ifndef ASSAY_SET
#define ASSAY_SET ref
#endif
#define ASSAY_OP_OF(op, set) assay_##op##_##set
#define ASSAY_OP_IN(op, set) ASSAY_OP_OF(op, set)
#define ASSAY_OP(op)         ASSAY_OP_IN(op, ASSAY_SET)

// For the innermost integer loops alone, where the sanitizers' checks would make the tests of whole
// models 20 times slower. checkkernels runs these loops between unreadable pages instead.
#define ASSAY_UNSANITISED __attribute__((no_sanitize("address", "undefined", "thread")))

// For the parts of a product that must end up in its loop, with its constants.
#define ASSAY_INLINE inline __attribute__((always_inline))

static inline uint32_t float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// Nearest integer, ties to even, for |x| <= 2^22: at 1.5 * 2^23 one unit in the last place is 1, so
// the addition itself rounds. Needs no libm call, and N-2 keeps compilers from folding it away.
static inline float round_even(float x) {
    return (x + 0x1.8p23f) - 0x1.8p23f;
}

// max |x| and the range rule (N-3). For non-negative floats the order of the bits is the order of
// the values, with infinity and NaN above all: one integer maximum finds A and the faults.
// Returns: false on a fault; *max is 0 then and where A < 2^-96.
static inline bool range_of(float *max, const float *x, uint32_t k) {
    int32_t bits = 0;
    for (uint32_t i = 0; i < k; i++) {
        int32_t b = (int32_t)(float_bits(x[i]) & 0x7fffffff);
        bits = b > bits ? b : bits;
    }
    const int32_t bits_min = 0x0f800000; // 2^-96
    const int32_t bits_max = 0x53800000; // 2^40
    bool fine = bits <= bits_max;
    *max = fine && bits >= bits_min ? float_from_bits((uint32_t)bits) : 0.0f;
    return fine;
}

// rint(x * r) within +-limit, where |x * r| is at most a little above limit <= 32767.
static inline int32_t quantum(float x, float r, int32_t limit) {
    int32_t q = (int32_t)round_even(x * r);
    q = q > limit ? limit : q;
    return q < -limit ? -limit : q;
}

// The exponential of spec N-11; NaN counts as below -87. The highest result is below 2^127.
static inline float exp_f32(float x) {
    float z = x > -87.0f ? x : -87.0f;
    z = z < 88.0f ? z : 88.0f;
    float n = round_even(z * 1.44269504f);
    float g = (z - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * g + 1.3981999507e-3f;
    p = p * g + 8.3334519073e-3f;
    p = p * g + 4.1665795894e-2f;
    p = p * g + 1.6666665459e-1f;
    p = p * g + 5.0000001201e-1f;
    float y = (p * (g * g) + g) + 1.0f;
    float power = float_from_bits((uint32_t)((int32_t)n + 127) << 23);
    return x >= -87.0f ? y * power : 0.0f;
}

// The second level of N-5: a block's largest magnitude a as a share of the row's.
static inline unsigned ratio_of(float a, float max) {
    if (max == 0.0f || !(a > 0.0f)) return 0;
    unsigned ratio = (unsigned)round_even(a * 255.0f / max);
    return ratio ? ratio : 1;
}

#endif
