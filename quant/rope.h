// SPDX-License-Identifier: Apache-2.0
// The table of rotary angles: correctly rounded, so that every node makes the same one.
#ifndef ASSAY_QUANT_ROPE_H
#define ASSAY_QUANT_ROPE_H

#include "base/bytes.h"
#include "base/status.h"

// cos[p][i], sin[p][i] for p < positions, i < half: the f32 nearest to the real cosine and sine of
// the binary64 angle fl(p * inv_freq[i]). positions <= ASSAY_MODEL_CONTEXT_MAX.
// Errors: RANGE if an inv_freq[i] is not in [2^-60, 2^14]. Cost: 0.2 us an angle. Spec: N-10.
assay_status assay_rope_table(float *cos, float *sin, uint32_t positions, uint32_t half,
                              const double *inv_freq, assay_error *err);

// SHA-256 over cos [positions][half], then sin, as little-endian f32. Spec: N-10.
void assay_rope_digest(assay_hash *out, const float *cos, const float *sin, uint32_t positions,
                       uint32_t half);

#endif
