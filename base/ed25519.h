// SPDX-License-Identifier: Apache-2.0
// Consensus keys: ed25519 (RFC 8032) by libcrypto.
#ifndef ASSAY_BASE_ED25519_H
#define ASSAY_BASE_ED25519_H

#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_ED25519_KEY_SIZE = 32, ASSAY_ED25519_SIGNATURE_SIZE = 64 };

// Before any other use of libcrypto, once: a small allocation of its own that fails ends the
// process. Inside of a check it would read as a wrong signature, and nodes would differ by their
// memory.
void assay_ed25519_start(void);

// The public key [32] of a secret seed [32]. Errors: MEMORY. Spec: C-2.
assay_status assay_ed25519_public(uint8_t *public_key, const uint8_t *seed, assay_error *err);

// Signs a message into signature [64]. Errors: MEMORY. Spec: C-2.
assay_status assay_ed25519_sign(uint8_t *signature, const uint8_t *seed, const void *message,
                                size_t size, assay_error *err);

// Errors: SIGNATURE, MEMORY (nothing is known of it). Spec: C-2.
assay_status assay_ed25519_check(const uint8_t *public_key, const uint8_t *signature,
                                 const void *message, size_t size, assay_error *err);

// A validator's address: the first 20 bytes of SHA-256 of its key. Spec: C-2.
void assay_ed25519_address(assay_address *out, const uint8_t *public_key);

#endif
