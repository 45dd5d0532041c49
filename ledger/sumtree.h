// SPDX-License-Identifier: Apache-2.0
// Merkle-sum tree over a batch's receipts: every node commits to the money below it, so that a
// sample can be drawn by nano-OPEN and its place proven (P-17). Shape as RFC 6962.
#ifndef ASSAY_LEDGER_SUMTREE_H
#define ASSAY_LEDGER_SUMTREE_H

#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_SUMTREE_PATH_MAX = 32 };

// A subtree: the nopen below it and its hash. A leaf's sum is its receipt's fee.
typedef struct {
    uint64_t sum;
    assay_hash hash;
} assay_sumtree_node;

// A sibling, from the leaf upwards; left: it stands on the left of the path.
typedef struct {
    assay_sumtree_node node;
    bool left;
} assay_sumtree_step;

// hash = SHA-256(0x00 || fee || receipt hash). Spec: P-17.
void assay_sumtree_leaf(assay_sumtree_node *out, uint64_t fee, const assay_hash *receipt);

// Root over leaves [count]. Errors: SUMTREE_EMPTY, SUMTREE_ZERO (a leaf without fee),
// SUMTREE_OVERFLOW (rejects). Spec: P-17.
assay_status assay_sumtree_root(assay_sumtree_node *out, const assay_sumtree_node *leaves,
                                uint32_t count, assay_error *err);

// Path of leaf `index` < count, bottom up, into path[ASSAY_SUMTREE_PATH_MAX]; the leaves must have
// a root. Returns: the number of steps. Spec: P-17.
uint32_t assay_sumtree_path(assay_sumtree_step *path, const assay_sumtree_node *leaves,
                            uint32_t count, uint32_t index);

// Monetary descent: the leaf that holds nano-OPEN number `position` < Σ sums. Returns: its index.
// Spec: P-17.
uint32_t assay_sumtree_find(const assay_sumtree_node *leaves, uint32_t count, uint64_t position);

// Checks that leaf `index` of `count` lies under the root at this path, sides as the shape demands.
// start: the nopen before the leaf; may be NULL. Errors: SUMTREE_PATH, SUMTREE_OVERFLOW,
// SUMTREE_ZERO (rejects). Spec: P-17.
assay_status assay_sumtree_check(uint64_t *start, const assay_sumtree_node *root, uint32_t count,
                                 uint32_t index, const assay_sumtree_node *leaf,
                                 const assay_sumtree_step *path, uint32_t path_count,
                                 assay_error *err);

// As check, and that the leaf holds `position`. Errors: as check. Spec: P-17.
assay_status assay_sumtree_position_check(const assay_sumtree_node *root, uint32_t count,
                                          uint32_t index, uint64_t position,
                                          const assay_sumtree_node *leaf,
                                          const assay_sumtree_step *path, uint32_t path_count,
                                          assay_error *err);

#endif
