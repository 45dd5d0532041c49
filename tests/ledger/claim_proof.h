// SPDX-License-Identifier: Apache-2.0
// What a distributor contract asks of a claim before it pays, as OpenZeppelin's MerkleProof.verify.
// Spec: P-18.
#ifndef ASSAY_TESTS_LEDGER_CLAIM_PROOF_H
#define ASSAY_TESTS_LEDGER_CLAIM_PROOF_H

#include "base/keccak.h"
#include "ledger/claims.h"

// Do path [count]'s hashes, each joined with what is there lower first, lead the claim to the root?
static inline bool claim_is_proven(const assay_hash *root, const assay_claim *claim,
                                   const assay_hash *path, uint32_t count) {
    assay_hash pair[2];
    assay_claims_leaf(&pair[0], claim);
    for (uint32_t i = 0; i < count; i++) {
        pair[1] = path[i];
        if (memcmp(&pair[0], &pair[1], sizeof path[i]) > 0) {
            pair[1] = pair[0];
            pair[0] = path[i];
        }
        assay_keccak256_of(&pair[0], pair, sizeof pair);
    }
    return assay_hash_equal(&pair[0], root);
}

#endif
