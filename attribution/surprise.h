// SPDX-License-Identifier: Apache-2.0
// How improbable a token is, in integers.
#ifndef ASSAY_ATTRIBUTION_SURPRISE_H
#define ASSAY_ATTRIBUTION_SURPRISE_H

#include <stdint.h>

// floor(256 * log2(x)), x >= 1. Exact for x < 2^36: tests compare it with all 9,216 points at which
// the value changes. Spec: A-9.
uint32_t assay_log2_x256(uint64_t x);

// Surprise, in 1/256 bits, of a token seen `count` times among `total`, 1 <= count <= total.
// Spec: A-9.
uint32_t assay_surprise_of(uint64_t count, uint64_t total);

#endif
