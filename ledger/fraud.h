// SPDX-License-Identifier: Apache-2.0
// What happens to a batch that is void: money back to its sessions and, if it was fraud, the slash
// of its provider: contributors first, then those who caught it, the rest burned.
#ifndef ASSAY_LEDGER_FRAUD_H
#define ASSAY_LEDGER_FRAUD_H

#include "ledger/batch.h"

// A data set's due for the receipts the fraud left untouched:
// floor(weight · data_ppm · (samples − caught) / (10^12 · samples)). Spec: P-66.
uint64_t assay_fraud_contribution(assay_u128 weight, uint64_t data_ppm, uint32_t samples,
                                  uint32_t caught);

// Voids an open batch: refunds reserved money, returns what is left of the check prices, frees the
// exposure; for FRAUD slashes min(bond, bond_multiple · fee_total) and pays out of it. The batch
// has ended then. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-65, P-66, P-67.
assay_status assay_fraud_void(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                              assay_void_reason reason, assay_error *err);

#endif
