// SPDX-License-Identifier: Apache-2.0
// Settlement: a final batch's fees become balances. Shares are floors in 128-bit products; what no
// one takes burns.
#ifndef ASSAY_LEDGER_SETTLE_H
#define ASSAY_LEDGER_SETTLE_H

#include "ledger/batch.h"

// One (model, adapter) row's fees, divided. All six add up to the row's fee sum.
typedef struct {
    uint64_t burn;
    uint64_t model;
    uint64_t adapter; // 0 without an adapter
    uint64_t data;
    uint64_t validators;
    uint64_t provider; // the rest
} assay_settle_row;

// Floors by ppm; the provider has the rest. The shares add up to at most 1,000,000. Spec: P-68.
void assay_settle_split(assay_settle_row *out, uint64_t fee_sum, const assay_params *params,
                        uint32_t model_royalty_ppm, uint32_t adapter_royalty_ppm);

// Divides `pool` by weights [count] of `whole` ≥ Σ weights, > 0: largest remainder, ties to the
// lower index; the part of whole that no weight claims takes part, last in ties, and is in no out.
// pool · whole < 2^128 (asserted; ASSAY_BATCH_FEE_MAX sees to it). out [count], *sum: Σ out.
// Errors: MEMORY. Spec: P-69.
assay_status assay_settle_divide(uint64_t *out, uint64_t *sum, uint64_t pool,
                                 const assay_u128 *weights, uint32_t count, assay_u128 whole,
                                 assay_error *err);

// End of block: settles final batches in order of (height, index), at most settle_max.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-70.
assay_status assay_settle_due(assay_ledger *ledger, assay_error *err);

#endif
