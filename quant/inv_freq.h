// SPDX-License-Identifier: Apache-2.0
// The rotary frequencies of a configuration: correctly rounded by integer comparison alone, then
// scaled as the architecture scales them.
#ifndef ASSAY_QUANT_INV_FREQ_H
#define ASSAY_QUANT_INV_FREQ_H

#include <stdint.h>

#include "base/status.h"

// Fills out[head_size / 2] with the binary64 nearest to theta^(-2i / head_size).
// head_size: even, 2 .. ASSAY_MODEL_HEAD_SIZE_MAX. Errors: RANGE (theta outside 1 .. 2^40).
// Cost: some 0.1 s at head_size 256. Spec: N-10.
assay_status assay_inv_freq(double *out, uint32_t head_size, double theta, assay_error *err);

typedef enum { ASSAY_ROPE_DEFAULT, ASSAY_ROPE_LINEAR, ASSAY_ROPE_LLAMA3 } assay_rope_type;

// A zeroed struct scales nothing.
typedef struct {
    assay_rope_type type;
    double factor;           // linear, llama3
    double low_freq_factor;  // llama3, as the rest
    double high_freq_factor; // above low_freq_factor
    double original_context; // positions
} assay_rope_scaling;

// Scales inv_freq[count] in place, in binary64. Call between assay_float_enter and leave.
// Errors: RANGE (a factor outside 1 .. 2^20, a frequency factor outside 2^-20 .. 2^20, high not
// above low, a context outside 1 .. 2^20). Spec: N-22.
assay_status assay_inv_freq_scale(double *inv_freq, uint32_t count,
                                  const assay_rope_scaling *scaling, assay_error *err);

#endif
