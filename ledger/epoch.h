// SPDX-License-Identifier: Apache-2.0
// The end of every block, and of every epoch: draws, cases, settlements; then, at an epoch's last
// block, payout root, claims root and powers. What is per epoch elsewhere (agent limits, beacon
// misses) resets by its epoch number and needs no sweep.
#ifndef ASSAY_LEDGER_EPOCH_H
#define ASSAY_LEDGER_EPOCH_H

#include "ledger/claims.h"
#include "ledger/payout.h"

// Everything that is due at the end of ledger->height, in the order of P-74.
// Errors: CAPACITY, CORRUPT, MEMORY, IO: fatal to the block. Spec: P-74.
assay_status assay_epoch_end_block(assay_ledger *ledger, assay_error *err);

// Claims as of the close of `epoch`, the last closed one, ascending by recipient; start from the
// zero address. Errors: CORRUPT, MEMORY, IO. Spec: P-75.
assay_status assay_epoch_claim_next(assay_claim *claim, bool *found, const assay_reader *reader,
                                    uint64_t epoch, assay_error *err);

// The last epoch that is closed at the end of block `height`, the reader's last. *found false and
// all zeros in the first one. Errors: CORRUPT, MEMORY, IO. Spec: P-73.
assay_status assay_epoch_last(assay_epoch *out, bool *found, const assay_reader *reader,
                              const assay_params *params, uint64_t height, assay_error *err);

// Proof of one recipient's claim under the claims root of that epoch, of which *epoch is set.
// path [ASSAY_CLAIMS_PATH_MAX]. As a close it takes assay_claims_memory for the time being.
// Errors: NOT_FOUND (no claim, or no epoch closed yet), CAPACITY (2^31 claims), CORRUPT, MEMORY,
// IO. Spec: P-75.
assay_status assay_epoch_claim_prove(assay_claim *claim, assay_hash *path, uint32_t *path_count,
                                     assay_epoch *epoch, const assay_reader *reader,
                                     const assay_params *params, uint64_t height,
                                     const assay_address *recipient, assay_error *err);

#endif
