// SPDX-License-Identifier: Apache-2.0
// All beacon chains of a proposer, made from its two secrets: when one is used up the next is
// registered, and nothing new is saved. Which one is in force the ledger's head tells.
#ifndef ASSAY_CONSENSUS_BEACON_CHAINS_H
#define ASSAY_CONSENSUS_BEACON_CHAINS_H

#include "consensus/hashchain.h"

enum { ASSAY_BEACON_CHAINS_MAX = 64, ASSAY_BEACON_SECRET_SIZE = 32 };

// A zeroed struct has no chains and is safe to close.
typedef struct {
    uint8_t secret[ASSAY_BEACON_SECRET_SIZE]; // the consensus key's ed25519 seed
    assay_hash seed;                          // of chain 0
    uint64_t length;                          // of each
    assay_hashchain open;
    uint64_t number; // of the open one
    assay_hash lost; // the last head that was none of theirs
} assay_beacon_chains;

// Opens chain 0. Errors: RANGE (length), MEMORY. Spec: F-57.
assay_status assay_beacon_chains_open(assay_beacon_chains *chains,
                                      const uint8_t secret[ASSAY_BEACON_SECRET_SIZE],
                                      const assay_hash *seed, uint64_t length, assay_error *err);
void assay_beacon_chains_close(assay_beacon_chains *chains);

// The value of chain `number` after `steps` hashes of its seed; steps == length gives the tip.
// number < ASSAY_BEACON_CHAINS_MAX, steps <= length. Spec: F-57.
void assay_beacon_chains_at(assay_hash *out, const assay_beacon_chains *chains, uint64_t number,
                            uint64_t steps);

// Which chain has `head` with `left` links left? left 0: one that is used up. Up to
// ASSAY_BEACON_CHAINS_MAX × left hashes, from the open one on. Returns: false if none has, *number
// stays. Spec: F-57.
bool assay_beacon_chains_find(uint64_t *number, const assay_beacon_chains *chains,
                              const assay_hash *head, uint64_t left);

// The preimage of `head`, a chain's with `left` links, left > 0. Opens that chain, if it is not
// open; a head that none has is searched for once. *found false: none has. Errors: MEMORY.
// Spec: F-57.
assay_status assay_beacon_chains_preimage(assay_hash *out, bool *found, assay_beacon_chains *chains,
                                          const assay_hash *head, uint64_t left, assay_error *err);

#endif
