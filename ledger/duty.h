// SPDX-License-Identifier: Apache-2.0
// What an account must do now in the open cases: vote in them, or answer for its batches. For
// nodes, which tell it their validators and providers; no rule asks.
#ifndef ASSAY_LEDGER_DUTY_H
#define ASSAY_LEDGER_DUTY_H

#include "ledger/state/reader.h"

typedef enum {
    ASSAY_DUTY_COMMIT = 1,       // verdict_commit
    ASSAY_DUTY_REVEAL = 2,       // verdict_reveal
    ASSAY_DUTY_ANSWER_LEAF = 3,  // provider: post_evidence of the leaf
    ASSAY_DUTY_ANSWER_TABLE = 4, // provider: post_evidence of the whole table
} assay_duty_kind;

typedef struct {
    assay_duty_kind kind;
    assay_hash batch;
    uint32_t sample;
    uint8_t round;
    uint64_t position;
    uint64_t deadline;     // last height at which it counts
    bool leaf_posted;      // good leaf evidence is on the chain: judge that
    bool table_posted;     // the same for the table
    assay_hash commitment; // REVEAL: what was committed
} assay_duty;

// Duties of `account` for a transaction in block `height` (the view's height + 1), nearest deadline
// first, ties by (batch, sample, kind): the first `capacity` (at least 1) of them; *more: there are
// others. out [capacity].
// Errors: CORRUPT, MEMORY, IO. Spec: P-55, P-56, F-40.
assay_status assay_duty_list(assay_duty *out, uint32_t *count, bool *more, uint32_t capacity,
                             const assay_reader *reader, uint64_t height,
                             const assay_address *account, assay_error *err);

#endif
