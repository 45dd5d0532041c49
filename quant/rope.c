// SPDX-License-Identifier: Apache-2.0
// Fixed point instead of libm. An angle is exact in 128 fractional bits, its distance to the
// nearest multiple of pi/2 is then known to 2^-126, and so are sine and cosine by their Taylor
// series. The nearest multiple of pi/2 to a binary64 below 2^31 is more than 2^-64 away, so even
// there 60 bits are right, where f32 needs 24 and a few more to tell which side of a midpoint it is
// on.
#include "quant/rope.h"

#include "base/sha256.h"
#include "quant/model.h"

__extension__ typedef unsigned __int128 u128;

enum {
    FRACTION = 126, // bits below the point: values below 4
    TERMS = 18,     // 0.79^36 / 36! < 2^-126
};

// 1 / n! for n < 2 * TERMS.
typedef struct {
    u128 inverse_factorial[2 * TERMS];
} series;

static void series_init(series *s) {
    s->inverse_factorial[0] = (u128)1 << FRACTION;
    for (unsigned n = 1; n < 2 * TERMS; n++)
        s->inverse_factorial[n] = s->inverse_factorial[n - 1] / n;
}

// a * b >> FRACTION, a little too low at most.
static u128 multiply(u128 a, u128 b) {
    uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a;
    uint64_t b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    u128 low = ((u128)a0 * b0 >> 64) + (uint64_t)((u128)a1 * b0) + (uint64_t)((u128)a0 * b1);
    u128 high = (u128)a1 * b1 + ((u128)a1 * b0 >> 64) + ((u128)a0 * b1 >> 64) + (low >> 64);
    return high << (128 - FRACTION) | (uint64_t)low >> (FRACTION - 64);
}

// sum over k of (-square)^k / (2k + odd)!, by Horner's rule.
static u128 series_sum(const series *s, u128 square, unsigned odd) {
    u128 sum = s->inverse_factorial[2 * (TERMS - 1) + odd];
    for (unsigned k = TERMS - 1; k-- > 0;)
        sum = s->inverse_factorial[2 * k + odd] - multiply(square, sum);
    return sum;
}

// The nearest f32. Ties go down: where series and angle cannot be told apart (sine of a tiny
// angle), the real value is the smaller one; the one exact value, cos 0 = 1, is no tie.
static float to_float(u128 value, bool negative) {
    if (value == 0) return 0.0f;
    int top = 127;
    while (!(value >> top))
        top--;
    int drop = top - 23;
    ASSAY_ASSERT(drop > 0); // nothing but zero is below 2^-64
    u128 mantissa = value >> drop;
    mantissa += (value & (((u128)1 << drop) - 1)) > (u128)1 << (drop - 1);
    uint32_t bits = (uint32_t)(127 + top - FRACTION - 1) << 23; // the mantissa's top bit adds one
    bits += (uint32_t)mantissa;
    bits |= negative ? 0x80000000u : 0;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

// angle - n * pi/2 for the integer n nearest to angle / (pi/2), as sign and magnitude.
static uint32_t reduce(u128 *magnitude, bool *negative, double angle) {
    static const uint64_t half_pi[3] = {0x52049c1114cf98e8, 0x898cc51701b839a2, 0x921fb54442d18469};
    uint64_t bits;
    memcpy(&bits, &angle, sizeof bits);
    uint64_t mantissa = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    int shift = (int)(bits >> 52) - 1023 - 52 + 128; // angle = mantissa * 2^shift / 2^128
    u128 fraction = (u128)mantissa << shift;
    uint64_t whole = shift > 64 ? (uint64_t)((u128)mantissa << (shift - 64) >> 64) : 0;

    uint32_t n = (uint32_t)(angle * 0x1.45f306dc9c883p-1 + 0.5);
    u128 carry = (u128)n * half_pi[0] >> 64;
    carry += (u128)n * half_pi[1];
    u128 turned = (uint64_t)carry;
    carry = (carry >> 64) + (u128)n * half_pi[2];
    turned |= (u128)(uint64_t)carry << 64;
    uint64_t turned_whole = (uint64_t)(carry >> 64) + n;

    *negative = whole < turned_whole || (whole == turned_whole && fraction < turned);
    u128 distance = *negative ? turned - fraction : fraction - turned;
    *magnitude = distance >> (128 - FRACTION);
    return n;
}

static void angle_round(float *cos, float *sin, const series *s, double angle) {
    u128 distance;
    bool negative;
    uint32_t n = reduce(&distance, &negative, angle);
    u128 square = multiply(distance, distance);
    u128 sine = multiply(distance, series_sum(s, square, 1));
    u128 cosine = series_sum(s, square, 0);
    bool swap = n & 1;
    *sin = to_float(swap ? cosine : sine, (swap ? false : negative) != ((n & 2) != 0));
    *cos = to_float(swap ? sine : cosine, (swap ? !negative : false) != ((n & 2) != 0));
}

assay_status assay_rope_table(float *cos, float *sin, uint32_t positions, uint32_t half,
                              const double *inv_freq, assay_error *err) {
    ASSAY_ASSERT(positions <= ASSAY_MODEL_CONTEXT_MAX);
    series s;
    series_init(&s);
    for (uint32_t i = 0; i < half; i++)
        if (!(inv_freq[i] >= 0x1p-60 && inv_freq[i] <= 0x1p14))
            return ASSAY_FAIL(err, RANGE, "rotary frequency %u is %g, limits 2^-60 and 2^14", i,
                              inv_freq[i]);
    for (uint32_t p = 0; p < positions; p++)
        for (uint32_t i = 0; i < half; i++) {
            size_t at = (size_t)p * half + i;
            cos[at] = 1.0f;
            sin[at] = 0.0f;
            if (p > 0) angle_round(&cos[at], &sin[at], &s, p * inv_freq[i]);
        }
    return ASSAY_OK;
}

void assay_rope_digest(assay_hash *out, const float *cos, const float *sin, uint32_t positions,
                       uint32_t half) {
    size_t size = (size_t)positions * half * sizeof *cos;
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, cos, size);
    assay_sha256_update(&sha, sin, size);
    assay_sha256_final(&sha, out);
}
