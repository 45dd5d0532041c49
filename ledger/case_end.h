// SPDX-License-Identifier: Apache-2.0
// The end of a case: what its votes earn and cost, and what it says about its batch.
#ifndef ASSAY_LEDGER_CASE_END_H
#define ASSAY_LEDGER_CASE_END_H

#include "ledger/case.h"
#include "ledger/money.h"

// `record` of an open case has just been decided: its state is one of an ended case, verdict and
// probe are the right pair, if there is one. Pays and punishes all its votes, moves it into history
// with them and counts it in `batch`, which is final or void if that was its last one.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-61, P-62, P-76.
assay_status assay_case_conclude(assay_ledger *ledger, const assay_hash *id, uint32_t sample,
                                 assay_case *record, assay_batch *batch, assay_error *err);

// Takes up to `amount` of the voter's verification bond and notes it in the vote, for the caller to
// store; *taken may be NULL. Errors: as assay_bond_slash. Spec: P-61.
assay_status assay_vote_slash(assay_ledger *ledger, assay_vote *vote, uint64_t amount,
                              assay_purse to, uint64_t *taken, assay_error *err);

#endif
