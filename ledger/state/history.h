// SPDX-License-Identifier: Apache-2.0
// The history: each ended batch, ended case and closed epoch (P-77), appended for ever to a Merkle
// mountain range. Its nodes are aux keys of the store: appends join the block and its savepoints.
// Perfect trees ("mountains") of RFC 6962 nodes, one for each bit of the leaf count; their peaks
// folded from the right give RFC 6962's root of all leaves, and
//   history root = SHA256(0x02 || leaf count u64 BE || that root)
// so the count, and with it every leaf's index, is bound.
#ifndef ASSAY_LEDGER_STATE_HISTORY_H
#define ASSAY_LEDGER_STATE_HISTORY_H

#include "base/merkle.h"
#include "ledger/state/reader.h"
#include "ledger/state/store_load.h"

// What a leaf is of: its first byte (P-77).
typedef enum {
    ASSAY_HISTORY_BATCH = 1,
    ASSAY_HISTORY_CASE = 2,
    ASSAY_HISTORY_EPOCH = 3,
} assay_history_kind;

// Path of one leaf. Fixed size, owns nothing.
typedef struct {
    uint64_t index;
    uint64_t count;
    assay_hash tree_root; // RFC 6962 root of the count leaves
    uint32_t step_count;
    assay_hash path[ASSAY_MERKLE_PATH_MAX]; // [step_count], the leaf's sibling first
} assay_history_proof;

// Appends leaf = SHA256(0x00 || data) in the open block.
// Cost: about two hashes and two puts. Errors: as assay_store_put. Spec: P-88.
assay_status assay_history_append(assay_store *store, const void *data, size_t size,
                                  assay_error *err);

// The root with the number of leaves, and the path of one. No rule's reader: the history is aux.
// Errors: RANGE (index), NOT_FOUND (a leaf from before a restore), CORRUPT, MEMORY, IO. Spec: P-88.
assay_status assay_history_root(assay_hash *root, uint64_t *count, const assay_reader *reader,
                                assay_error *err);
assay_status assay_history_prove(assay_history_proof *proof, const assay_reader *reader,
                                 uint64_t index, assay_error *err);

// The peaks. Errors: CORRUPT, MEMORY, IO. Spec: P-88.
assay_status assay_history_peaks_get(assay_merkle_peaks *out, const assay_reader *reader,
                                     assay_error *err);

// The history root they give. Needs no store; peak_count is that of count (asserted). Spec: P-88.
void assay_history_peaks_root(assay_hash *root, const assay_merkle_peaks *peaks);

// Begins the history of a restored store: appending goes on behind the peaks, and what lies under
// them cannot be proven here (NOT_FOUND). Errors: as assay_store_load_aux. Spec: P-88, E-61.
assay_status assay_history_load(assay_store_load *load, const assay_merkle_peaks *peaks,
                                assay_error *err);

// Checks that `data` is leaf proof->index under a history root. Needs no store.
// Errors: MISMATCH, RANGE. Spec: P-88.
assay_status assay_history_check(const assay_hash *root, const void *data, size_t size,
                                 const assay_history_proof *proof, assay_error *err);

#endif
