// SPDX-License-Identifier: Apache-2.0
// Who may check a batch: found among the declarations when it is included, and fixed then with the
// bonds of then. Whoever comes to know the beacon can no longer choose who checks.
#ifndef ASSAY_LEDGER_CHECKERS_H
#define ASSAY_LEDGER_CHECKERS_H

#include "ledger/draw.h"
#include "ledger/ledger.h"
#include "ledger/tx/tx.h"

typedef struct {
    uint32_t count;
    assay_voter voters[ASSAY_VOTERS_MAX]; // [count], ascending by address
} assay_checkers;

// Validators that declare every root of the model rows with an effective verification bond, the
// provider excluded: the ASSAY_VOTERS_MAX largest bonds (ties: lower address first) if there are
// more. bond: of all of them, also beyond the limit, nopen. models: at least one row.
// Errors: CORRUPT, MEMORY, IO. Spec: P-50, P-54.
assay_status assay_checkers_find(assay_checkers *out, uint64_t *bond, const assay_reader *reader,
                                 const assay_params *params, const assay_address *provider,
                                 const assay_model_list *models, assay_error *err);

// The same, refused (BATCH_ROOTS) where their bond is at most 2/3 of what counts beside the
// provider's. Errors: REJECTED, CORRUPT, MEMORY, IO. Spec: P-54.
assay_status assay_checkers_suffice(assay_checkers *out, const assay_reader *reader,
                                    const assay_params *params, const assay_address *provider,
                                    const assay_model_list *models, assay_error *err);

// Fixes them for an open batch. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-53.
assay_status assay_checkers_put(assay_ledger *ledger, const assay_hash *batch,
                                const assay_checkers *checkers, assay_error *err);

// Those of an open batch; found (may be NULL): whether there is such a batch, else none.
// Errors: CORRUPT, MEMORY, IO. Spec: P-50.
assay_status assay_checkers_get(assay_checkers *out, bool *found, const assay_reader *reader,
                                const assay_hash *batch, assay_error *err);

// Is this one of them? Spec: P-50.
bool assay_checkers_have(const assay_checkers *checkers, const assay_address *validator);

// The batch has ended. Errors: CAPACITY, CORRUPT, MEMORY, IO.
assay_status assay_checkers_drop(assay_ledger *ledger, const assay_hash *batch, assay_error *err);

#endif
