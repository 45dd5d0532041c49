// SPDX-License-Identifier: Apache-2.0
// scrypt (RFC 7914). Ours because libcrypto's refuses n >= 2^(16 r), with which wallets of the Web3
// Secret Storage definition, its own example among them, are written.
#ifndef ASSAY_NODE_WALLET_SCRYPT_H
#define ASSAY_NODE_WALLET_SCRYPT_H

#include "base/bytes.h"
#include "base/status.h"

// n: a power of two, at least 2; memory 128 · (n + 2p) · r bytes, time by n · r · p.
typedef struct {
    uint64_t n;
    uint32_t r;
    uint32_t p;
} assay_scrypt_costs;

// Derives out [size] from a password and a salt. The costs are the caller's to bound.
// Errors: RANGE (n is no power of two, a zero), CAPACITY (more than 2^40 bytes), MEMORY. Spec:
// F-42.
assay_status assay_scrypt(uint8_t *out, size_t size, assay_bytes password, assay_bytes salt,
                          const assay_scrypt_costs *costs, assay_error *err);

#endif
