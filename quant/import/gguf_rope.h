// SPDX-License-Identifier: Apache-2.0
// What a GGUF model says of its rotary frequencies.
#ifndef ASSAY_QUANT_IMPORT_GGUF_ROPE_H
#define ASSAY_QUANT_IMPORT_GGUF_ROPE_H

#include "quant/container/gguf.h"
#include "quant/inv_freq.h"

// Reads theta and the scaling below "<architecture>.rope." and in the tensor rope_freqs.weight,
// whose divisors are recognised and then made afresh by N-22. Call between assay_float_enter and
// leave. Errors: RANGE, MISSING, FORMAT (a number), UNSUPPORTED (another scaling, other divisors),
// MISMATCH (the tensor's type or size). Spec: F-24.
assay_status assay_gguf_rope_read(double *theta, assay_rope_scaling *scaling,
                                  const assay_gguf *file, const char *architecture,
                                  uint32_t head_size, assay_error *err);

#endif
