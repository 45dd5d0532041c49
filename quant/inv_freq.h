// SPDX-License-Identifier: Apache-2.0
// The rotary frequencies of a Llama configuration, correctly rounded by integer comparison alone.
#ifndef ASSAY_QUANT_INV_FREQ_H
#define ASSAY_QUANT_INV_FREQ_H

#include <stdint.h>

#include "base/status.h"

// Fills out[head_size / 2] with the binary64 nearest to theta^(-2i / head_size).
// head_size: even, 2 .. ASSAY_MODEL_HEAD_SIZE_MAX. Errors: RANGE (theta outside 1 .. 2^40).
// Cost: some 0.1 s at head_size 256. Spec: N-10.
assay_status assay_inv_freq(double *out, uint32_t head_size, double theta, assay_error *err);

#endif
