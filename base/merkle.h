// SPDX-License-Identifier: Apache-2.0
// RFC 6962 Merkle trees over SHA-256: leaf = H(0x00 || data), node = H(0x01 || left || right),
// split at the largest power of two below the count, empty = H("").
#ifndef ASSAY_BASE_MERKLE_H
#define ASSAY_BASE_MERKLE_H

#include "base/bytes.h"
#include "base/status.h"

// A path for 2^64 leaves never needs more steps.
enum { ASSAY_MERKLE_PATH_MAX = 64 };

void assay_merkle_leaf(assay_hash *out, const void *data, size_t size);
void assay_merkle_node(assay_hash *out, const assay_hash *left, const assay_hash *right);

// Root over `count` leaf hashes [count]. Uses O(log count) stack. Spec: P-3.
void assay_merkle_root(assay_hash *out, const assay_hash *leaves, uint64_t count);

// All that appending to a tree and its root need: the roots of its perfect subtrees, the largest
// first, one for each bit of the leaf count. Fixed size; a zeroed struct is an empty tree.
enum { ASSAY_MERKLE_PEAKS_MAX = 64 };
typedef struct {
    uint64_t count; // leaves
    uint32_t peak_count;
    assay_hash peaks[ASSAY_MERKLE_PEAKS_MAX]; // [peak_count]
} assay_merkle_peaks;

// Returns: how many peaks a tree of `count` leaves has.
uint32_t assay_merkle_peak_count(uint64_t count);

// Appends a leaf hash: 2 nodes on average. Spec: P-3.
void assay_merkle_peaks_add(assay_merkle_peaks *peaks, const assay_hash *leaf);

// The root of the tree under the peaks, as assay_merkle_root gives it of the leaves. Spec: P-3.
void assay_merkle_peaks_root(assay_hash *out, const assay_merkle_peaks *peaks);

// Audit path for leaf `index`, bottom up, into path[ASSAY_MERKLE_PATH_MAX].
// Returns: the number of steps. index < count. Spec: P-3.
uint32_t assay_merkle_path(assay_hash *path, const assay_hash *leaves, uint64_t count,
                           uint64_t index);

// Checks a leaf hash against a root. Errors: MISMATCH (path length or root), RANGE (index).
// Source: RFC 9162, 2.1.3.2. Spec: P-3.
assay_status assay_merkle_check(const assay_hash *root, uint64_t count, uint64_t index,
                                const assay_hash *leaf, const assay_hash *path, uint32_t path_count,
                                assay_error *err);

#endif
