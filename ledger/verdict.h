// SPDX-License-Identifier: Apache-2.0
// What follows from votes: the next round, or the end of a case with everything it pays and costs.
#ifndef ASSAY_LEDGER_VERDICT_H
#define ASSAY_LEDGER_VERDICT_H

#include "ledger/case.h"

// End of block: takes the next step of every case whose deadline has come, in order of (deadline,
// batch, sample), at most ASSAY_CASES_BLOCK_MAX; the rest in the next block.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-58 … P-62, E-97.
assay_status assay_verdict_due(assay_ledger *ledger, assay_error *err);

// Heights at which a data set was found missing: first and last of its present series; zeros if
// there is none. Errors: CORRUPT, MEMORY, IO. Spec: P-76.
assay_status assay_verdict_missing(uint64_t *since, uint64_t *last, const assay_reader *reader,
                                   const assay_hash *dataset, assay_error *err);

#endif
