// SPDX-License-Identifier: Apache-2.0
// The parts of the stored state tree: places, records, leaves and buckets, and the keys of the
// values that hold them. The form is described in ledger/state/smt_tree.h.
#ifndef ASSAY_LEDGER_STATE_SMT_NODE_H
#define ASSAY_LEDGER_STATE_SMT_NODE_H

#include "ledger/state/smt.h"

enum {
    ASSAY_TREE_BUCKET_MAX = 12, // part of the stored form
    ASSAY_TREE_LEVELS = 8,      // of a page
    ASSAY_TREE_INNER = 0xff,    // record kind of a node with more leaves than a bucket takes
    ASSAY_TREE_RECORD_MAX = 1 + ASSAY_HASH_SIZE,
    ASSAY_TREE_PAGE_MAX = ((2 << ASSAY_TREE_LEVELS) - 1) * ASSAY_TREE_RECORD_MAX,
    ASSAY_TREE_KEY_MAX = 34,
    ASSAY_TREE_LEAF_KEY_MAX = 128, // bytes of a state key
};

// A node's place: the first `depth` bits of prefix; the others are zero.
typedef struct {
    assay_hash prefix;
    uint32_t depth;
} assay_tree_place;

// The place one step down: bit 0 left, 1 right. place->depth < 256.
assay_tree_place assay_tree_child(const assay_tree_place *place, unsigned bit);

// Keys of the values that hold a page or a bucket. Returns: the key's size.
size_t assay_tree_page_key(uint8_t key[ASSAY_TREE_KEY_MAX], const assay_tree_place *place);
size_t assay_tree_bucket_key(uint8_t key[ASSAY_TREE_KEY_MAX], const assay_tree_place *place);

// What a page says of one node.
typedef struct {
    uint8_t kind; // 0 empty, 1..ASSAY_TREE_BUCKET_MAX leaves of a bucket, ASSAY_TREE_INNER
    assay_hash hash;
} assay_tree_record;

// Reads one record; an impossible kind fails the cursor. Lives: the copy.
void assay_tree_record_read(assay_tree_record *record, assay_cursor *page);

// Reads a node's record and passes over all below it. level: the node's, in its page, 0..8.
void assay_tree_record_skip(assay_tree_record *record, assay_cursor *page, uint32_t level);

// Writes a record; an inner one may be written again in its place. Returns: its size.
size_t assay_tree_record_write(uint8_t *out, const assay_tree_record *record);

// A leaf or, in a batch, what becomes of one.
typedef struct {
    assay_hash path;
    assay_hash leaf; // of no meaning if removed
    const uint8_t *key;
    uint8_t key_size;
    bool removed;
} assay_tree_leaf;

// Sorts leaves [count] by path. No two paths may be equal.
void assay_tree_leaves_sort(assay_tree_leaf *leaves, size_t count);

// Returns: how many of the sorted leaves [count] at a place of this depth go left.
size_t assay_tree_leaves_split(const assay_tree_leaf *leaves, size_t count, uint32_t depth);

// The hash of the subtree at `depth` that holds exactly the sorted leaves [count]. Spec: P-82.
void assay_tree_leaves_hash(assay_hash *out, const assay_tree_leaf *leaves, size_t count,
                            uint32_t depth);

// A bucket's stored form: its size, and its bytes.
size_t assay_tree_bucket_size(const assay_tree_leaf *leaves, size_t count);
void assay_tree_bucket_write(uint8_t *out, const assay_tree_leaf *leaves, size_t count);

// Reads the bucket at `place` of `count` leaves; keys borrow `value`. Errors: CORRUPT (count,
// order, a path off the place).
assay_status assay_tree_bucket_read(assay_tree_leaf *leaves, size_t count,
                                    const assay_tree_place *place, assay_bytes value,
                                    assay_error *err);

// Where pages and buckets come from. read gives value->data NULL for what is not there; values
// live until the update or proof that read them is done with.
typedef struct {
    assay_status (*read)(void *context, const uint8_t *key, size_t key_size, assay_bytes *value,
                         assay_error *err);
    void *context;
} assay_tree_source;

// Opens a page for reading at its top record. An absent page is an empty one at depth 0.
// Errors: CORRUPT (absent elsewhere, the top's hash is not `hash`), those of read.
assay_status assay_tree_page_open(assay_cursor *page, const assay_tree_source *source,
                                  const assay_tree_place *place, const assay_hash *hash,
                                  assay_error *err);

// As bucket_read, from the source. Errors: CORRUPT, those of read.
assay_status assay_tree_bucket_load(assay_tree_leaf *leaves, size_t count,
                                    const assay_tree_source *source, const assay_tree_place *place,
                                    assay_error *err);

#endif
