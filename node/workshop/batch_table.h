// SPDX-License-Identifier: Apache-2.0
// The table of a batch, as it follows from its receipts: what the provider states and every
// verifier makes again.
#ifndef ASSAY_NODE_WORKSHOP_BATCH_TABLE_H
#define ASSAY_NODE_WORKSHOP_BATCH_TABLE_H

#include "base/arena.h"
#include "ledger/batch.h"
#include "ledger/tx/request.h"

// Room for one table of up to 65,536 receipts.
#define ASSAY_TABLE_ARENA_MAX ((size_t)512 << 20)

// Rows by session, by (model, adapter) and by data set, each ascending and unique, from receipts
// [count] in order of (session, sequence). Errors: ORDER (receipts out of order, or a gap in a
// session's sequences), RANGE (a sum over 2^64), CAPACITY. Lives: rows in the arena. Spec: P-15,
// P-52.
assay_status assay_table_make(assay_batch_tables *out, const assay_receipt *receipts,
                              uint32_t count, assay_arena *arena, assay_error *err);

// Are two tables the same, row by row?
bool assay_table_equal(const assay_batch_tables *a, const assay_batch_tables *b);

#endif
