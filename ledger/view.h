// SPDX-License-Identifier: Apache-2.0
// A consistent look at the last committed block, for any thread: the typed reads of
// money.h, bond.h, agent.h, dataset.h, registry.h, session.h (and those of batches, cases and
// epochs) all take its reader. Lists page by the last key seen (`…_next`).
#ifndef ASSAY_LEDGER_VIEW_H
#define ASSAY_LEDGER_VIEW_H

#include "ledger/agent.h"
#include "ledger/app.h"
#include "ledger/bond.h"
#include "ledger/dataset.h"
#include "ledger/money.h"
#include "ledger/registry.h"
#include "ledger/session.h"

// Owns a snapshot; one thread at a time. A zeroed struct is safe to close.
typedef struct {
    assay_snapshot *snapshot;
    assay_reader reader;
    const assay_genesis *genesis; // the app's
    const assay_params *params;
    uint64_t height;
    assay_hash app_hash;
    assay_hash state_root;
    assay_hash history_root;
    uint64_t history_count;
} assay_view;

// Errors: BUSY (no state yet, or too many at once), CORRUPT, MEMORY, IO.
// Lives: until close, before the app's.
assay_status assay_view_open(assay_view *out, assay_app *app, assay_error *err);
void assay_view_close(assay_view *view);

// Proves a record present or absent under view->state_root; key is what keys.h says.
// Errors: CORRUPT, MEMORY, IO. Spec: P-83.
assay_status assay_view_prove(const assay_view *view, const assay_record_key *key,
                              assay_bytes *value, assay_smt_proof *proof, assay_error *err);

#endif
