// SPDX-License-Identifier: Apache-2.0
// How many accusations of each validator are open, so that nobody makes others rerun without end.
#ifndef ASSAY_LEDGER_ACCUSATIONS_H
#define ASSAY_LEDGER_ACCUSATIONS_H

#include "ledger/ledger.h"

// Those of a validator in batches whose fee total has as many bits as fee_total or more (0: all);
// add changes those of one fee total by `by`, +1 or -1.
// Errors: CORRUPT, MEMORY, IO. Spec: P-61.
assay_status assay_accusations_open(uint32_t *out, const assay_reader *reader,
                                    const assay_address *validator, uint64_t fee_total,
                                    assay_error *err);
assay_status assay_accusations_add(assay_ledger *ledger, const assay_address *validator,
                                   uint64_t fee_total, int by, assay_error *err);

#endif
