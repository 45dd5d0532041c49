// SPDX-License-Identifier: Apache-2.0
#include "quant/inv_freq.h"

#include <stdbool.h>
#include <string.h>

#include "quant/model.h"

// With p/q = 2i/head_size in lowest terms, x <= theta^(-p/q) exactly where x^q * theta^p <= 1. Both
// x and theta are integers times powers of two, so the left side is one long integer and a shift:
// no function of the C library is trusted, and there is no error to bound.
enum {
    Q_MAX = ASSAY_MODEL_HEAD_SIZE_MAX / 2,
    WORDS_MAX = (Q_MAX * (54 + 53) + 63) / 64 + 1,
};

// mantissa * 2^exponent
typedef struct {
    uint64_t mantissa;
    int exponent;
} dyadic;

typedef struct {
    uint64_t words[WORDS_MAX]; // little-endian
    uint32_t count;
} integer;

static void multiply(integer *value, uint64_t factor) {
    unsigned __int128 carry = 0;
    for (uint32_t i = 0; i < value->count; i++) {
        carry += (unsigned __int128)value->words[i] * factor;
        value->words[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (!carry) return;
    ASSAY_ASSERT(value->count < WORDS_MAX);
    value->words[value->count++] = (uint64_t)carry;
}

// x^q * theta^p <= 1
static bool at_most(dyadic x, uint32_t q, dyadic theta, uint32_t p) {
    integer product = {{1}, 1};
    for (uint32_t i = 0; i < q; i++)
        multiply(&product, x.mantissa);
    for (uint32_t i = 0; i < p; i++)
        multiply(&product, theta.mantissa);
    int64_t shift = -((int64_t)q * x.exponent + (int64_t)p * theta.exponent);
    uint64_t top = product.words[product.count - 1];
    int64_t bits = 64 * (int64_t)product.count - __builtin_clzll(top);
    if (bits != shift + 1) return bits <= shift;
    // Equal lengths: at most 2^shift only if it is 2^shift.
    bool power = (top & (top - 1)) == 0;
    for (uint32_t i = 0; power && i + 1 < product.count; i++)
        power = product.words[i] == 0;
    return power;
}

// A positive normal binary64 from its bits.
static dyadic split(uint64_t bits) {
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    return (dyadic){fraction | (uint64_t)1 << 52, (int)(bits >> 52) - 1075};
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t divisor(uint32_t a, uint32_t b) {
    return b ? divisor(b, a % b) : a;
}

static double power(double theta, uint32_t p, uint32_t q) {
    // The bits of positive binary64 numbers are ordered as the numbers are: low <= x < high.
    uint64_t low = bits_of(0x1p-60), high = bits_of(1.0) + 1;
    dyadic base = split(bits_of(theta));
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (at_most(split(middle), q, base, p))
            low = middle;
        else
            high = middle;
    }
    // Round to nearest: is the midpoint of low and its successor still at most x? It is never x:
    // only powers of two are roots of dyadic numbers here, and those are not midpoints.
    dyadic half = split(low);
    half = (dyadic){2 * half.mantissa + 1, half.exponent - 1};
    if (at_most(half, q, base, p)) low++;
    double result;
    memcpy(&result, &low, sizeof result);
    return result;
}

assay_status assay_inv_freq(double *out, uint32_t head_size, double theta, assay_error *err) {
    ASSAY_ASSERT(head_size && head_size <= ASSAY_MODEL_HEAD_SIZE_MAX && head_size % 2 == 0);
    if (!(theta >= 1 && theta <= 0x1p40))
        return ASSAY_FAIL(err, RANGE, "rope_theta is %g, limits 1 to 2^40", theta);
    for (uint32_t i = 0; i < head_size / 2; i++) {
        uint32_t common = divisor(2 * i, head_size);
        out[i] = power(theta, 2 * i / common, head_size / common);
    }
    return ASSAY_OK;
}

static assay_status limits_check(double value, double min, const char *what, assay_error *err) {
    if (!(value >= min && value <= 0x1p20))
        return ASSAY_FAIL(err, RANGE, "%s is %g, limits %g and 2^20", what, value, min);
    return ASSAY_OK;
}

// One frequency in transformers' published order, an operation a line.
static double llama3(double frequency, const assay_rope_scaling *s) {
    const double two_pi = 0x1.921fb54442d18p+2;
    double wavelength = two_pi / frequency;
    if (wavelength < s->original_context / s->high_freq_factor) return frequency;
    if (wavelength > s->original_context / s->low_freq_factor) return frequency / s->factor;
    double smooth = s->original_context / wavelength;
    smooth = smooth - s->low_freq_factor;
    smooth = smooth / (s->high_freq_factor - s->low_freq_factor);
    double slow = (1 - smooth) * frequency;
    slow = slow / s->factor;
    double fast = smooth * frequency;
    return slow + fast;
}

assay_status assay_inv_freq_scale(double *inv_freq, uint32_t count,
                                  const assay_rope_scaling *scaling, assay_error *err) {
    if (scaling->type == ASSAY_ROPE_DEFAULT) return ASSAY_OK;
    ASSAY_TRY(limits_check(scaling->factor, 1, "factor of the rotary scaling", err));
    if (scaling->type == ASSAY_ROPE_LLAMA3) {
        ASSAY_TRY(limits_check(scaling->low_freq_factor, 0x1p-20, "low_freq_factor", err));
        ASSAY_TRY(limits_check(scaling->high_freq_factor, 0x1p-20, "high_freq_factor", err));
        ASSAY_TRY(limits_check(scaling->original_context, 1, "original context", err));
        if (!(scaling->low_freq_factor < scaling->high_freq_factor))
            return ASSAY_FAIL(err, RANGE, "low_freq_factor %g is not below high_freq_factor %g",
                              scaling->low_freq_factor, scaling->high_freq_factor);
    }
    for (uint32_t i = 0; i < count; i++)
        inv_freq[i] = scaling->type == ASSAY_ROPE_LINEAR ? inv_freq[i] / scaling->factor
                                                         : llama3(inv_freq[i], scaling);
    return ASSAY_OK;
}
