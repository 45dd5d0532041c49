// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) by libcrypto, which uses the processor's SHA extensions.
#ifndef ASSAY_BASE_SHA256_H
#define ASSAY_BASE_SHA256_H

#include "base/bytes.h"

// Running state; no allocation, no close. Opaque words hold libcrypto's SHA256_CTX.
typedef struct {
    uint32_t words[28];
} assay_sha256;

void assay_sha256_init(assay_sha256 *sha);
void assay_sha256_update(assay_sha256 *sha, const void *data, size_t size);
void assay_sha256_final(assay_sha256 *sha, assay_hash *out);

// One call for one buffer.
void assay_sha256_of(assay_hash *out, const void *data, size_t size);

#endif
