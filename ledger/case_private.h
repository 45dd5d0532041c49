// SPDX-License-Identifier: Apache-2.0
// Internal: what moves a case on. batch.c opens it, evidence.c answers it, verdict.c takes its
// steps, case_end.c the last; and how duty.c reads a vote.
#ifndef ASSAY_LEDGER_CASE_PRIVATE_H
#define ASSAY_LEDGER_CASE_PRIVATE_H

#include "ledger/case.h"

// A batch's beacon has come: opens its case `sample` with the first draw of its checkers.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-55.
assay_status assay_case_open(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                             uint32_t sample, const assay_checkers *checkers, assay_error *err);

// Begins a round of `kind` at the end of this block, its number following the last one's: a draw
// asks some of the checkers, an escalation all. Stores the record. Errors: CAPACITY, CORRUPT,
// MEMORY, IO. Spec: P-50, P-55.
assay_status assay_case_round(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                              uint32_t sample, assay_case *record, assay_round_kind kind,
                              const assay_checkers *checkers, assay_error *err);

// The vote of one voter of an open round. Errors: CORRUPT, MEMORY, IO. Spec: P-55.
assay_status assay_case_vote_get(assay_vote *out, bool *found, const assay_reader *reader,
                                 const assay_hash *batch, uint32_t sample, uint8_t round,
                                 const assay_address *validator, assay_error *err);

// The last height at which an escalation of a batch's cases may begin. Spec: P-59.
static inline uint64_t assay_case_last_start(const assay_params *params, const assay_batch *batch) {
    return batch->height + assay_params_window(params) - params->commit_blocks -
           params->reveal_blocks;
}

// How many rounds were draws; the others, behind them, are escalations. Spec: P-58.
static inline uint8_t assay_case_draw_rounds(const assay_case *record) {
    return (uint8_t)(record->round + 1 - record->escalations);
}

// Puts a case among those that wait for their escalation, or takes it from there.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-59.
assay_status assay_case_wait(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                             uint32_t sample, assay_case *record, assay_error *err);
assay_status assay_case_wait_end(assay_ledger *ledger, const assay_hash *id,
                                 const assay_batch *batch, uint32_t sample, assay_error *err);

// Store a changed record or vote of an open case, and when its next step is due.
// Errors: CAPACITY, CORRUPT, MEMORY, IO.
assay_status assay_case_put(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                            const assay_case *record, assay_error *err);
assay_status assay_case_vote_put(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                                 uint8_t round, const assay_vote *vote, assay_error *err);
assay_status assay_case_due_put(assay_ledger *ledger, uint64_t height, const assay_hash *batch,
                                uint32_t sample, assay_error *err);

// Moves an ended case with all its votes, as stored, out of the state, into history.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-77.
assay_status assay_case_end(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                            assay_case *record, assay_error *err);

#endif
