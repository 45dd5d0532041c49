// SPDX-License-Identifier: Apache-2.0
// The state tree as it is stored, and its change once a block: a sorted batch from the leaves up.
//
// The 256 levels are cut every 8 into pages. A page holds the nodes of its 8 levels in preorder,
// one record each: kind u8 || hash (no hash for an empty node). Where a subtree has at most
// ASSAY_TREE_BUCKET_MAX leaves it is a bucket: its record's kind is the number of leaves, and the
// leaves stand in a value of their own, in path order: key size u8 || key || leaf hash. Paths and
// the few inner hashes of a bucket are computed again when needed: this halves what a block writes.
//   page at depth 8d:  0x01 || first d bytes of the path
//   bucket at depth k: 0x02 || first k bits, zeros up to a byte || bits used in the last byte
//
// Invariants:
//  1. pages and buckets are a function of the leaves alone (test_smt_tree: order_does_not_matter)
//  2. a node's hash is what the rules of ledger/state/smt.h give for its leaves (…
//  like_the_plain_rules)
//  3. no page or bucket is left that no record names (… empties_completely)
#ifndef ASSAY_LEDGER_STATE_SMT_TREE_H
#define ASSAY_LEDGER_STATE_SMT_TREE_H

#include "base/arena.h"
#include "base/pool.h"
#include "ledger/state/smt_node.h"

enum { ASSAY_TREE_WORKERS_MAX = 16 };

// A stored value to put or, with size 0, to delete. Nearly in key order within each list.
typedef struct assay_tree_write {
    struct assay_tree_write *next;
    const uint8_t *data;
    size_t size;
    uint8_t key_size;
    uint8_t key[ASSAY_TREE_KEY_MAX];
} assay_tree_write;

// One thread's share of an update: where it reads, and what it wants written.
typedef struct {
    assay_tree_source source;
    assay_arena arena;
    assay_tree_write *buckets, **buckets_end;
    assay_tree_write *pages, **pages_end;
    uint8_t *page_data[ASSAY_SMT_DEPTH_MAX / ASSAY_TREE_LEVELS]; // a buffer a depth
    assay_status status;
    assay_error error;
} assay_tree_worker;

// An update: the writes in workers[0 .. worker_count). A zeroed struct is safe to close.
typedef struct {
    assay_tree_worker workers[ASSAY_TREE_WORKERS_MAX];
    size_t worker_count;
} assay_tree_update;

// memory_max: bytes each worker's scratch memory may take.
void assay_tree_update_init(assay_tree_update *update, size_t worker_count, size_t memory_max);
// Forgets the writes and frees their memory.
void assay_tree_update_reset(assay_tree_update *update);
void assay_tree_update_close(assay_tree_update *update);

// Computes the root after `changes` [count] (sorted here by path; paths differ), and the writes
// that make the stored tree follow. Reads by workers[i].source, which must show the same tree,
// whose root is old_root; with one worker or pool NULL on the caller's thread. Writes of an earlier
// run are forgotten. Errors: CORRUPT, CAPACITY (memory_max), MEMORY, those of read. Spec: P-81,
// P-82.
assay_status assay_tree_update_run(assay_tree_update *update, assay_pool *pool,
                                   const assay_hash *old_root, assay_tree_leaf *changes,
                                   size_t count, assay_hash *root, assay_error *err);

#endif
