// SPDX-License-Identifier: Apache-2.0
// A proposer's secret behind its beacon: seed, SHA-256(seed), … , tip. Revealed from the tip down,
// each value proves itself by its hash.
#ifndef ASSAY_CONSENSUS_HASHCHAIN_H
#define ASSAY_CONSENSUS_HASHCHAIN_H

#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_HASHCHAIN_LENGTH_MAX = 1 << 26, ASSAY_HASHCHAIN_STRIDE = 1024 };

// Every ASSAY_HASHCHAIN_STRIDE-th value, so that any one is at most a stride of hashes away.
// A zeroed struct is no chain and safe to close.
typedef struct {
    assay_hash *marks;
    uint64_t length;
} assay_hashchain;

// Hashes `length` times (0.15 s a million). Errors: RANGE (length), MEMORY. Spec: P-45.
assay_status assay_hashchain_open(assay_hashchain *chain, const assay_hash *seed, uint64_t length,
                                  assay_error *err);
void assay_hashchain_close(assay_hashchain *chain);

// The value after `steps` hashes of the seed; steps == length gives the tip. steps <= length.
// Spec: P-45.
void assay_hashchain_at(assay_hash *out, const assay_hashchain *chain, uint64_t steps);

// The value `steps` hashes further, in place. Spec: P-45.
void assay_hashchain_walk(assay_hash *hash, uint64_t steps);

#endif
