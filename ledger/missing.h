// SPDX-License-Identifier: Apache-2.0
// Data sets that validators could not get: what is found of one in batch after batch costs its
// bond.
#ifndef ASSAY_LEDGER_MISSING_H
#define ASSAY_LEDGER_MISSING_H

#include "ledger/ledger.h"

// A case of the batch ends with "data missing": the batch pays the data set nothing, and one that
// stays missing loses its bond. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-69, P-76.
assay_status assay_missing_note(assay_ledger *ledger, const assay_hash *batch,
                                const assay_hash *dataset, assay_error *err);

#endif
