// SPDX-License-Identifier: Apache-2.0
#include "quant/trace.h"

#include "base/sha256.h"
#include "kernels/types.h" // asserts that memory is little-endian

void assay_trace_add(assay_hash *d, const int16_t *q, uint32_t width, float scale) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, d->bytes, sizeof d->bytes);
    assay_sha256_update(&sha, q, width * sizeof *q);
    assay_sha256_update(&sha, &scale, sizeof scale);
    assay_sha256_final(&sha, d);
}
