// SPDX-License-Identifier: Apache-2.0
// What a bitsandbytes checkpoint says beside each tensor that it quantised.
#ifndef ASSAY_QUANT_CONTAINER_NF4_STATE_H
#define ASSAY_QUANT_CONTAINER_NF4_STATE_H

#include "base/bytes.h"
#include "base/status.h"

enum {
    ASSAY_NF4_BLOCK = 64,         // elements that share an absmax
    ASSAY_NF4_NESTED_BLOCK = 256, // absmaxes that share a nested one
    ASSAY_NF4_STATE_MAX = 4096,   // bytes of JSON
};

typedef struct {
    uint64_t n, k; // [n][k], k a multiple of 64
    bool nested;   // absmaxes are themselves quantised
    float offset;  // added to them
} assay_nf4_state;

// Reads the JSON of a "quant_state.bitsandbytes__nf4". Errors: CAPACITY, DEPTH, DUPLICATE, FORMAT,
// TRAILING (JSON), MISSING, UNKNOWN (a member), UNSUPPORTED (another type, block size or dtype),
// RANGE (shape), NONFINITE (offset). Spec: F-14.
assay_status assay_nf4_state_read(assay_nf4_state *out, const uint8_t *data, size_t size,
                                  assay_error *err);

#endif
