// SPDX-License-Identifier: Apache-2.0
// The files a provider keeps beside a batch, so that anyone can rerun it (P-15): <uri>/receipts and
// <uri>/leaf/<index>, in the form of ledger/evidence_format.h.
#ifndef ASSAY_NODE_WORKSHOP_EVIDENCE_FILE_H
#define ASSAY_NODE_WORKSHOP_EVIDENCE_FILE_H

#include "base/arena.h"
#include "ledger/sumtree.h"
#include "ledger/tx/request.h"

enum {
    // A leaf file is fetched up to the size that the ledger takes as an answer in any case (P-63).
    ASSAY_LEAF_BYTES_MAX = 4 << 20,
    ASSAY_TABLE_BYTES_MAX = 64 << 20,
};

// <home>/evidence/<root>/<name>, as a provider keeps a file. out[PATH_MAX]. Errors: CAPACITY.
assay_status assay_evidence_path(char *out, const char *home, const assay_hash *root,
                                 const char *name, assay_error *err);

// Ids of one receipt. Borrowed from the arena or the caller.
typedef struct {
    const uint32_t *prompt;
    uint32_t prompt_count;
    const uint32_t *output;
    uint32_t output_count;
} assay_leaf_ids;

// Bytes of the two files; these are also the limits on fetching them. receipt_bytes: of all
// receipts. Spec: F-46.
size_t assay_leaf_file_size(uint32_t prompt_count, uint32_t output_count);
size_t assay_receipts_file_size(uint32_t receipt_bytes, uint32_t count);

// Errors: CAPACITY (arena). Lives: *out in the arena. Spec: P-15.
assay_status assay_leaf_write(assay_bytes *out, const assay_leaf_ids *ids, assay_arena *arena,
                              assay_error *err);

// Errors: FORMAT (magic), VERSION, CAPACITY (arena), TRUNCATED, TRAILING. Lives: in the arena.
// Spec: P-15.
assay_status assay_leaf_read(assay_leaf_ids *out, const uint8_t *data, size_t size,
                             assay_arena *arena, assay_error *err);

// Are these the ids that the receipt commits to? Errors: MISMATCH. Spec: P-14, P-15.
assay_status assay_leaf_match(const assay_receipt *receipt, const assay_leaf_ids *ids,
                              assay_error *err);

// All receipts of a batch. Errors: as leaf. Lives: in the arena. Spec: P-15.
assay_status assay_receipts_write(assay_bytes *out, const assay_receipt *receipts, uint32_t count,
                                  assay_arena *arena, assay_error *err);
assay_status assay_receipts_read(assay_receipt **out, uint32_t *count, const uint8_t *data,
                                 size_t size, uint32_t count_max, assay_arena *arena,
                                 assay_error *err);

// The leaves of the batch's sum tree into the arena. Errors: CAPACITY. Spec: P-17.
assay_status assay_receipt_leaves(assay_sumtree_node **out, const assay_receipt *receipts,
                                  uint32_t count, assay_arena *arena, assay_error *err);

// What post_evidence carries for a leaf: receipt, path and ids (ledger/evidence_format.h).
// Errors: CAPACITY. Lives: in the arena. Spec: P-64.
assay_status assay_posting_write(assay_bytes *out, const assay_receipt *receipts, uint32_t count,
                                 uint32_t index, const uint8_t *leaf, size_t leaf_size,
                                 assay_arena *arena, assay_error *err);

// The receipt, its index and its ids out of a posting that the ledger has found good.
// Errors: as leaf_read. Lives: in the arena. Spec: P-64.
assay_status assay_posting_read(assay_receipt *receipt, uint32_t *index, assay_leaf_ids *ids,
                                const uint8_t *data, size_t size, assay_arena *arena,
                                assay_error *err);

#endif
