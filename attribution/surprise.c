// SPDX-License-Identifier: Apache-2.0
#include "attribution/surprise.h"

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"

// The whole bits are the place of the highest one. The rest is y in [1, 2): squaring y doubles its
// logarithm, whose next binary digit is 1 exactly if y * y >= 2. y has 63 fraction bits; eight
// squarings leave an error below 2^-54, and no x below 2^36 comes that near to a change.
uint32_t assay_log2_x256(uint64_t x) {
    ASSAY_ASSERT(x > 0);
    uint32_t zeros = (uint32_t)__builtin_clzll(x), log = (63 - zeros) << 8;
    uint64_t y = x << zeros;
    for (uint32_t digit = 128; digit > 0; digit >>= 1) {
        assay_u128 square = (assay_u128)y * y;
        bool carry = (square >> 127) != 0;
        if (carry) log |= digit;
        y = (uint64_t)(square >> (carry ? 64 : 63));
    }
    return log;
}

uint32_t assay_surprise_of(uint64_t count, uint64_t total) {
    ASSAY_ASSERT(count <= total);
    return assay_log2_x256(total) - assay_log2_x256(count);
}
