// SPDX-License-Identifier: Apache-2.0
// What the cases of a batch leave behind for its end: who was right with what weight, who caught a
// fraud how often,
// and which data sets were missing.
#ifndef ASSAY_LEDGER_SPOILS_H
#define ASSAY_LEDGER_SPOILS_H

#include "base/arena.h"
#include "ledger/ledger.h"

typedef struct {
    assay_address validator;
    uint64_t weight;
} assay_spoils;

// Adds to a validator's weight. table: ASSAY_TABLE_CHECKER or _CATCHER.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-61, P-70.
assay_status assay_spoils_add(assay_ledger *ledger, uint8_t table, const assay_hash *batch,
                              const assay_address *validator, uint64_t weight, assay_error *err);

// All weights of a batch, ascending by address. Errors: CAPACITY (arena), CORRUPT, MEMORY, IO.
// Lives: as long as the arena. Spec: P-61.
assay_status assay_spoils_list(assay_spoils **out, uint32_t *count, const assay_reader *reader,
                               uint8_t table, const assay_hash *batch, assay_arena *arena,
                               assay_error *err);

// Notes that a case of the batch found this data set missing. Errors: CAPACITY, CORRUPT, MEMORY,
// IO. Spec: P-76.
assay_status assay_spoils_missing(assay_ledger *ledger, const assay_hash *batch,
                                  const assay_hash *dataset, assay_error *err);

// Who is paid for this data set's part in the batch: its owner, unless it is retired or was found
// missing in this batch (*taker false: the part burns). Errors: CORRUPT, MEMORY, IO. Spec: P-69.
assay_status assay_spoils_taker(assay_address *owner, bool *taker, const assay_ledger *ledger,
                                const assay_hash *batch, const assay_hash *dataset,
                                assay_error *err);

// Removes all of it. Errors: CAPACITY, CORRUPT, MEMORY, IO.
assay_status assay_spoils_drop(assay_ledger *ledger, const assay_hash *batch, assay_error *err);

#endif
