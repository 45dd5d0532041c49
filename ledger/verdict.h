// SPDX-License-Identifier: Apache-2.0
// What follows from votes: the next round, or the end of a case (ledger/case_end.h).
#ifndef ASSAY_LEDGER_VERDICT_H
#define ASSAY_LEDGER_VERDICT_H

#include "ledger/case.h"

// End of block: takes the next step of every case whose deadline has come, in order of (deadline,
// batch, sample), at most ASSAY_CASES_BLOCK_MAX; the rest in the next block.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-58 … P-62, E-97.
assay_status assay_verdict_due(assay_ledger *ledger, assay_error *err);

#endif
