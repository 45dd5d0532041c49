// SPDX-License-Identifier: Apache-2.0
// The digest chain of a receipt: what entered the head at each chosen token.
#ifndef ASSAY_QUANT_TRACE_H
#define ASSAY_QUANT_TRACE_H

#include "base/bytes.h"

// d = SHA-256(d || q as int16 little-endian [width] || scale as f32 little-endian). Spec: N-17.
void assay_trace_add(assay_hash *d, const int16_t *q, uint32_t width, float scale);

#endif
