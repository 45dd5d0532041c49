// SPDX-License-Identifier: Apache-2.0
// From logits to one token: integers after the exponential, so that any node chooses the same token
// at any position by itself.
#ifndef ASSAY_QUANT_SAMPLER_H
#define ASSAY_QUANT_SAMPLER_H

#include "base/status.h"
#include "kernels/table.h"

enum { ASSAY_SAMPLING_TEMPERATURE_MAX = 100000, ASSAY_SAMPLING_PPM = 1000000 };

typedef struct {
    uint32_t temperature_milli; // 0: the highest logit
    uint32_t top_k;             // 0: all
    uint32_t top_p_ppm;         // 1 .. 1,000,000
    uint64_t seed;
} assay_sampling;

// Errors: RANGE (temperature_milli over its limit, top_p_ppm 0 or over a million). Spec: N-14.
assay_status assay_sampling_check(const assay_sampling *sampling, assay_error *err);

// What makes one choice at a time.
typedef struct {
    const assay_kernels *kernels;
    uint32_t vocab_size;
    uint64_t *order; // [vocab_size] keys
    float *weights;  // [vocab_size] exponentials
} assay_sampler;

// vocab_size: 1 .. 2^20. Returns: bytes.
static inline size_t assay_sampler_scratch_size(uint32_t vocab_size) {
    return vocab_size * (sizeof(uint64_t) + sizeof(float));
}

// A sampler that works in `scratch`, of that size and aligned to 8. Lives: as long as that.
assay_sampler assay_sampler_in(void *scratch, const assay_kernels *kernels, uint32_t vocab_size);

// The token at `position` of prompt + output (the first output token has the prompt's length) for
// finite logits [vocab_size] and a checked `sampling`. Allocates nothing. Spec: N-14.
uint32_t assay_sampler_choose(const assay_sampler *sampler, const float *logits,
                              const assay_sampling *sampling, uint64_t position);

#endif
