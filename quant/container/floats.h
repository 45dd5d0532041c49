// SPDX-License-Identifier: Apache-2.0
// The number formats of checkpoints, widened to f32.
#ifndef ASSAY_QUANT_CONTAINER_FLOATS_H
#define ASSAY_QUANT_CONTAINER_FLOATS_H

#include <stdint.h>

// Reads `count` little-endian numbers from `in`, at any alignment; exact, as every f16 and bf16 is
// an f32.
void assay_floats_from_f32(float *out, const uint8_t *in, uint64_t count);
void assay_floats_from_f16(float *out, const uint8_t *in, uint64_t count);
void assay_floats_from_bf16(float *out, const uint8_t *in, uint64_t count);

#endif
