// SPDX-License-Identifier: Apache-2.0
// secp256k1 keys, recoverable signatures and the addresses they belong to, by libsecp256k1. All
// calls may run on any number of threads at once: the one context is made and blinded at first use
// and only read afterwards.
#ifndef ASSAY_LEDGER_TX_SIGN_H
#define ASSAY_LEDGER_TX_SIGN_H

#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_KEY_SIZE = 32, ASSAY_SIGNATURE_SIZE = 65 };

// A secret scalar, big-endian. Clear it after use.
typedef struct {
    uint8_t bytes[ASSAY_KEY_SIZE];
} assay_key;

// r [32] || s [32] || v, with s in the lower half of the order and v 27 or 28 (P-4).
typedef struct {
    uint8_t bytes[ASSAY_SIGNATURE_SIZE];
} assay_signature;

// A fresh key from the kernel's generator. Errors: IO (no entropy). Spec: P-1.
assay_status assay_key_make(assay_key *out, assay_error *err);

// Overwrites the key with zeros in a way the compiler keeps.
void assay_key_clear(assay_key *key);

// The key's address: last 20 bytes of keccak-256 of the public key's x || y.
// Errors: RANGE (the scalar is 0 or not below the group order). Spec: P-1.
assay_status assay_key_address(assay_address *out, const assay_key *key, assay_error *err);

// Signs a digest; deterministic (RFC 6979), s always low. Errors: RANGE (as above). Spec: P-4.
assay_status assay_key_sign(assay_signature *out, const assay_key *key, const assay_hash *digest,
                            assay_error *err);

// The address whose key made this signature of this digest.
// Errors: SIGNATURE_FORM (v, high s, r or s out of range, no such point). Spec: P-4.
assay_status assay_signature_recover(assay_address *out, const assay_signature *signature,
                                     const assay_hash *digest, assay_error *err);

// Errors: SIGNATURE_FORM, SIGNATURE_SIGNER (the key is another's). Spec: P-4.
assay_status assay_signature_check(const assay_signature *signature, const assay_hash *digest,
                                   const assay_address *signer, assay_error *err);

#endif
