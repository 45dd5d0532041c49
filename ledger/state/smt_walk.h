// SPDX-License-Identifier: Apache-2.0
// Reading the stored state tree: the proof of one path, and a check of every node.
#ifndef ASSAY_LEDGER_STATE_SMT_WALK_H
#define ASSAY_LEDGER_STATE_SMT_WALK_H

#include "ledger/state/smt_node.h"

// Fills the proof for a path, but for stranger_value: *stranger then borrows the other leaf's key
// from the source. Errors: CORRUPT, those of read. Spec: P-83.
assay_status assay_tree_prove(const assay_tree_source *source, const assay_hash *root,
                              const assay_hash *path, assay_smt_proof *proof, assay_bytes *stranger,
                              assay_error *err);

// Compares the stored tree of this root, node by node, with the one that `leaves` [count] (sorted
// here) should have. Errors: CORRUPT, those of read. Spec: P-81.
assay_status assay_tree_check(const assay_tree_source *source, const assay_hash *root,
                              assay_tree_leaf *leaves, size_t count, assay_error *err);

#endif
