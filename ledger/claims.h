// SPDX-License-Identifier: Apache-2.0
// The claims tree in the form of OpenZeppelin's StandardMerkleTree over (address, uint256), so that
// a distributor contract on an EVM chain can check it (P-18).
#ifndef ASSAY_LEDGER_CLAIMS_H
#define ASSAY_LEDGER_CLAIMS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_CLAIMS_PATH_MAX = 32, ASSAY_WEI_PER_NOPEN = 1000000000 };

// What an EVM account may claim in all, nopen (wei = × 10^9).
typedef struct {
    assay_address recipient;
    uint64_t amount;
} assay_claim;

// nodes [2 · count − 1]: parents before children, node i above 2i+1 and 2i+2, sorted leaf hashes
// at the end in descending order. places [count]: the node of claim i. Both in the arena.
typedef struct {
    assay_hash *nodes;
    uint32_t *places;
    uint32_t count;
} assay_claims;

// keccak(keccak(abi.encode(address, wei))). Spec: P-18.
void assay_claims_leaf(assay_hash *out, const assay_claim *claim);

// Arena bytes that a tree over so many claims takes, the list of the claims beside it included.
size_t assay_claims_memory(uint64_t count);

// Builds the tree over claims [count], in any order, recipients unique. Without claims there are no
// nodes. Errors: CAPACITY (arena: assay_claims_memory suffices). Lives: as long as the arena.
// Spec: P-18.
assay_status assay_claims_build(assay_claims *out, const assay_claim *claims, uint32_t count,
                                assay_arena *arena, assay_error *err);

// Zero for a tree without claims. Spec: P-18.
void assay_claims_root(assay_hash *out, const assay_claims *claims);

// Proof of claim `index` (the order given to build), bottom up, into path[ASSAY_CLAIMS_PATH_MAX].
// Returns: the number of steps. Spec: P-18.
uint32_t assay_claims_path(assay_hash *path, const assay_claims *claims, uint32_t index);

#endif
