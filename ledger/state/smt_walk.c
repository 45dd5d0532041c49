// SPDX-License-Identifier: Apache-2.0
#include "ledger/state/smt_walk.h"

// Siblings are met from the top; ICS-23 lists them from the leaf.
static void siblings_turn(assay_smt_proof *proof) {
    for (uint32_t i = 0; i < proof->depth / 2; i++) {
        assay_hash other = proof->siblings[proof->depth - 1 - i];
        proof->siblings[proof->depth - 1 - i] = proof->siblings[i];
        proof->siblings[i] = other;
    }
}

// The rest of the path inside a bucket's sorted leaves [count >= 1].
static void bucket_prove(const assay_tree_leaf *leaves, size_t count, const assay_hash *path,
                         assay_smt_proof *proof, assay_bytes *stranger) {
    while (count > 1) {
        size_t left_count = assay_tree_leaves_split(leaves, count, proof->depth);
        bool right = assay_smt_bit(path, proof->depth);
        const assay_tree_leaf *other = right ? leaves : leaves + left_count;
        size_t other_count = right ? left_count : count - left_count;
        assay_tree_leaves_hash(&proof->siblings[proof->depth], other, other_count,
                               proof->depth + 1);
        if (right) leaves += left_count;
        count -= other_count;
        proof->depth++;
    }
    if (count == 0) {
        proof->kind = ASSAY_SMT_EMPTY;
    } else if (assay_hash_equal(&leaves[0].path, path)) {
        proof->kind = ASSAY_SMT_PRESENT;
    } else {
        proof->kind = ASSAY_SMT_STRANGER;
        proof->stranger_path = leaves[0].path;
        *stranger = (assay_bytes){leaves[0].key, leaves[0].key_size};
    }
}

// Goes down one page from its top. Ends at a bucket, an empty node or a link (level 8).
static void page_prove(assay_cursor *page, const assay_hash *path, assay_smt_proof *proof,
                       assay_tree_place *place, assay_tree_record *end) {
    assay_tree_record_read(end, page);
    for (uint32_t level = 0; end->kind == ASSAY_TREE_INNER && level < ASSAY_TREE_LEVELS; level++) {
        assay_cursor left = *page, right = *page;
        assay_tree_record left_top, right_top;
        assay_tree_record_skip(&left_top, &right, level + 1);
        assay_cursor right_start = right;
        assay_tree_record_read(&right_top, &right);
        bool bit = assay_smt_bit(path, place->depth);
        proof->siblings[proof->depth++] = bit ? left_top.hash : right_top.hash;
        *place = assay_tree_child(place, bit);
        *page = bit ? right_start : left;
        assay_tree_record_read(end, page);
    }
}

assay_status assay_tree_prove(const assay_tree_source *source, const assay_hash *root,
                              const assay_hash *path, assay_smt_proof *proof, assay_bytes *stranger,
                              assay_error *err) {
    assay_tree_place place = {0};
    assay_tree_record end = {ASSAY_TREE_INNER, *root};
    *proof = (assay_smt_proof){.kind = ASSAY_SMT_EMPTY};
    *stranger = (assay_bytes){NULL, 0};
    while (end.kind == ASSAY_TREE_INNER) {
        if (place.depth == ASSAY_SMT_DEPTH_MAX)
            return ASSAY_FAIL(err, CORRUPT, "state tree goes deeper than %u", place.depth);
        assay_cursor page;
        ASSAY_TRY(assay_tree_page_open(&page, source, &place, &end.hash, err));
        page_prove(&page, path, proof, &place, &end);
    }
    if (end.kind) {
        assay_tree_leaf leaves[ASSAY_TREE_BUCKET_MAX];
        ASSAY_TRY(assay_tree_bucket_load(leaves, end.kind, source, &place, err));
        bucket_prove(leaves, end.kind, path, proof, stranger);
    }
    siblings_turn(proof);
    return ASSAY_OK;
}

static assay_status bucket_check(const assay_tree_source *source, const assay_tree_place *place,
                                 const assay_tree_leaf *leaves, size_t count, assay_error *err) {
    assay_tree_leaf stored[ASSAY_TREE_BUCKET_MAX];
    if (count == 0) return ASSAY_OK;
    ASSAY_TRY(assay_tree_bucket_load(stored, count, source, place, err));
    for (size_t i = 0; i < count; i++)
        if (!assay_hash_equal(&stored[i].leaf, &leaves[i].leaf) ||
            !assay_hash_equal(&stored[i].path, &leaves[i].path))
            return ASSAY_FAIL(err, CORRUPT, "a leaf at depth %u is not that of its entry",
                              place->depth);
    return ASSAY_OK;
}

static assay_status node_check(const assay_tree_source *source, assay_cursor *page, uint32_t level,
                               const assay_tree_place *place, const assay_tree_leaf *leaves,
                               size_t count, assay_hash *hash, assay_error *err) {
    assay_tree_record record;
    assay_tree_record_read(&record, page);
    size_t kind = count <= ASSAY_TREE_BUCKET_MAX ? count : ASSAY_TREE_INNER;
    if (page->failed || record.kind != kind)
        return ASSAY_FAIL(err, CORRUPT, "node of kind %u at depth %u, for %zu entries", record.kind,
                          place->depth, count);
    assay_cursor below;
    if (kind != ASSAY_TREE_INNER) {
        ASSAY_TRY(bucket_check(source, place, leaves, count, err));
        assay_tree_leaves_hash(hash, leaves, count, place->depth);
    } else {
        if (level == ASSAY_TREE_LEVELS) {
            ASSAY_TRY(assay_tree_page_open(&below, source, place, &record.hash, err));
            assay_tree_record top;
            assay_tree_record_read(&top, &below);
            page = &below;
            level = 0;
        }
        size_t left_count = assay_tree_leaves_split(leaves, count, place->depth);
        assay_tree_place left = assay_tree_child(place, 0), right = assay_tree_child(place, 1);
        assay_hash left_hash, right_hash;
        ASSAY_TRY(node_check(source, page, level + 1, &left, leaves, left_count, &left_hash, err));
        ASSAY_TRY(node_check(source, page, level + 1, &right, leaves + left_count,
                             count - left_count, &right_hash, err));
        assay_smt_node(hash, &left_hash, &right_hash);
    }
    if (!assay_hash_equal(hash, &record.hash))
        return ASSAY_FAIL(err, CORRUPT, "hash of the node at depth %u is wrong", place->depth);
    return ASSAY_OK;
}

assay_status assay_tree_check(const assay_tree_source *source, const assay_hash *root,
                              assay_tree_leaf *leaves, size_t count, assay_error *err) {
    assay_tree_place top = {0};
    assay_cursor page;
    assay_hash hash;
    assay_tree_leaves_sort(leaves, count);
    ASSAY_TRY(assay_tree_page_open(&page, source, &top, root, err));
    return node_check(source, &page, 0, &top, leaves, count, &hash, err);
}
