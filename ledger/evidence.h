// SPDX-License-Identifier: Apache-2.0
// Evidence posted on the chain in answer to "unavailable": the ledger keeps the bytes while the
// case is open, and checks that they are what the batch's root commits to. Their form:
// ledger/evidence_format.h, of a leaf the posting, of a table the receipts.
#ifndef ASSAY_LEDGER_EVIDENCE_H
#define ASSAY_LEDGER_EVIDENCE_H

#include "ledger/case.h"
#include "ledger/evidence_format.h"

typedef enum {
    ASSAY_EVIDENCE_LEAF = 1,
    ASSAY_EVIDENCE_TABLE = 2,
} assay_evidence_kind;

// Beyond the receipts: frames, or a path and the ids of one receipt.
enum { ASSAY_EVIDENCE_SLACK = 4 << 20 };

// post_evidence by the batch's provider. Parts come in order; part 0 starts anew. With the last one
// the whole is judged: if good, the case is answered; if not, everything posted is dropped (check
// before posting). Errors: REJECTED (BATCH_UNKNOWN, CASE_UNKNOWN, EVIDENCE_PART,
// EVIDENCE_KIND, EVIDENCE_SIZE, EVIDENCE_TWICE), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-63.
assay_status assay_evidence_post(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// Is this what the batch's root commits to, at the sampled position? The ledger's own test of a
// complete posting. Errors: REJECTED (EVIDENCE_BAD), MEMORY. Spec: P-64.
assay_status assay_evidence_leaf_check(const assay_batch *batch, uint64_t position,
                                       const uint8_t *data, size_t size, assay_error *err);
assay_status assay_evidence_table_check(const assay_batch *batch, const uint8_t *data, size_t size,
                                        assay_error *err);

// The bytes of a complete, good posting of an open case; *data NULL if there is none. The caller
// frees *data. Errors: CORRUPT, MEMORY, IO. Spec: P-63.
assay_status assay_evidence_get(uint8_t **data, size_t *size, const assay_reader *reader,
                                const assay_hash *batch, uint32_t sample, assay_evidence_kind kind,
                                assay_error *err);

// Removes everything posted for a case that has ended. Errors: CAPACITY, CORRUPT, MEMORY, IO.
assay_status assay_evidence_drop(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                                 assay_error *err);

#endif
