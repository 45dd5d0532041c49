// SPDX-License-Identifier: Apache-2.0
// Whether a light block may be believed, given one that is. Integers alone; the time comes from the
// caller. Source: CometBFT light/verifier.go, types/validation.go.
#ifndef ASSAY_CONSENSUS_LIGHT_VERIFY_H
#define ASSAY_CONSENSUS_LIGHT_VERIFY_H

#include "consensus/light/block.h"

// A zeroed struct is the strictest that makes no sense: set all.
typedef struct {
    const char *chain_id;
    uint64_t trusting_seconds; // how long a header may be relied upon; below the unbonding time
    uint64_t drift_seconds;    // how far a header may be ahead of now
    uint32_t trust_numerator, trust_denominator; // 1/3 to 1
} assay_light_policy;

// Is the block whole in itself: its set and commit are its header's, and more than 2/3 of the set
// signed it? Errors: MISMATCH (names the part), SIGNATURE (names the validator), RANGE (too little
// power), CAPACITY (arena). Spec: E-42.
assay_status assay_light_check(const assay_light_block *block, const char *chain_id,
                               assay_arena *arena, assay_error *err);

// The same of one of our own blocks, whose set is one validator. Errors: as above. Spec: C-7.
assay_status assay_light_check_own(const assay_commit *commit, const assay_header *header,
                                   const char *chain_id, const uint8_t *public_key, uint64_t power,
                                   assay_arena *arena, assay_error *err);

// Does `block` follow from `trusted`, at any later height? *far: whether it failed for want of
// overlap alone, so that a block between them may help. Errors: RANGE (expired, from the future,
// not later, too little power), MISMATCH, SIGNATURE, DUPLICATE (a vote counted twice), CAPACITY.
// Spec: E-43, E-44.
assay_status assay_light_verify(const assay_light_block *trusted, const assay_light_block *block,
                                const assay_light_policy *policy, assay_time now, bool *far,
                                assay_arena *arena, assay_error *err);

#endif
