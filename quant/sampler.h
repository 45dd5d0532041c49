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

// Scratch for one choice at a time. A zeroed struct is safe to close.
typedef struct {
    const assay_kernels *kernels;
    uint32_t vocab_size;
    float *weights;  // [vocab_size] exponentials
    uint64_t *order; // [vocab_size] heap of keys
} assay_sampler;

// vocab_size: 1 .. 2^20. Errors: MEMORY. Lives: until assay_sampler_close. Spec: N-14.
assay_status assay_sampler_open(assay_sampler *sampler, const assay_kernels *kernels,
                                uint32_t vocab_size, assay_error *err);
void assay_sampler_close(assay_sampler *sampler);

// The token at `position` of prompt + output (the first output token has the prompt's length) for
// finite logits [vocab_size] and a checked `sampling`. Allocates nothing. Spec: N-14.
uint32_t assay_sampler_choose(assay_sampler *sampler, const float *logits,
                              const assay_sampling *sampling, uint64_t position);

#endif
