// SPDX-License-Identifier: Apache-2.0
#include "ledger/state/smt_node.h"

#include <stdlib.h>

#include "base/sha256.h"

enum { PAGE_TAG = 1, BUCKET_TAG = 2 };

assay_tree_place assay_tree_child(const assay_tree_place *place, unsigned bit) {
    ASSAY_ASSERT(place->depth < ASSAY_SMT_DEPTH_MAX);
    assay_tree_place child = *place;
    if (bit) child.prefix.bytes[place->depth / 8] |= (uint8_t)(0x80 >> place->depth % 8);
    child.depth++;
    return child;
}

size_t assay_tree_page_key(uint8_t key[ASSAY_TREE_KEY_MAX], const assay_tree_place *place) {
    size_t size = place->depth / 8;
    key[0] = PAGE_TAG;
    memcpy(key + 1, place->prefix.bytes, size);
    return 1 + size;
}

size_t assay_tree_bucket_key(uint8_t key[ASSAY_TREE_KEY_MAX], const assay_tree_place *place) {
    size_t size = (place->depth + 7) / 8;
    key[0] = BUCKET_TAG;
    memcpy(key + 1, place->prefix.bytes, size);
    key[1 + size] = place->depth ? (uint8_t)((place->depth - 1) % 8 + 1) : 0;
    return 2 + size;
}

void assay_tree_record_read(assay_tree_record *record, assay_cursor *page) {
    record->kind = assay_cursor_u8(page);
    if (record->kind > ASSAY_TREE_BUCKET_MAX && record->kind != ASSAY_TREE_INNER)
        page->failed = true;
    if (record->kind)
        assay_cursor_hash(page, &record->hash);
    else
        record->hash = (assay_hash){{0}};
}

void assay_tree_record_skip(assay_tree_record *record, assay_cursor *page, uint32_t level) {
    assay_tree_record_read(record, page);
    if (page->failed || record->kind != ASSAY_TREE_INNER || level == ASSAY_TREE_LEVELS) return;
    assay_tree_record below;
    assay_tree_record_skip(&below, page, level + 1);
    assay_tree_record_skip(&below, page, level + 1);
}

size_t assay_tree_record_write(uint8_t *out, const assay_tree_record *record) {
    out[0] = record->kind;
    if (record->kind == 0) return 1;
    memcpy(out + 1, record->hash.bytes, ASSAY_HASH_SIZE);
    return ASSAY_TREE_RECORD_MAX;
}

static int leaf_order(const void *left, const void *right) {
    const assay_tree_leaf *a = left, *b = right;
    return memcmp(a->path.bytes, b->path.bytes, ASSAY_HASH_SIZE);
}

void assay_tree_leaves_sort(assay_tree_leaf *leaves, size_t count) {
    if (count > 1) qsort(leaves, count, sizeof leaves[0], leaf_order);
}

size_t assay_tree_leaves_split(const assay_tree_leaf *leaves, size_t count, uint32_t depth) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (assay_smt_bit(&leaves[middle].path, depth))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void assay_tree_leaves_hash(assay_hash *out, const assay_tree_leaf *leaves, size_t count,
                            uint32_t depth) {
    if (count == 0) {
        *out = (assay_hash){{0}};
    } else if (count == 1) {
        *out = leaves[0].leaf;
    } else {
        ASSAY_ASSERT(depth < ASSAY_SMT_DEPTH_MAX); // equal paths would come here
        size_t left_count = assay_tree_leaves_split(leaves, count, depth);
        assay_hash left, right;
        assay_tree_leaves_hash(&left, leaves, left_count, depth + 1);
        assay_tree_leaves_hash(&right, leaves + left_count, count - left_count, depth + 1);
        assay_smt_node(out, &left, &right);
    }
}

size_t assay_tree_bucket_size(const assay_tree_leaf *leaves, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += 1 + leaves[i].key_size + ASSAY_HASH_SIZE;
    return size;
}

void assay_tree_bucket_write(uint8_t *out, const assay_tree_leaf *leaves, size_t count) {
    for (size_t i = 0; i < count; i++) {
        *out++ = leaves[i].key_size;
        memcpy(out, leaves[i].key, leaves[i].key_size);
        out += leaves[i].key_size;
        memcpy(out, leaves[i].leaf.bytes, ASSAY_HASH_SIZE);
        out += ASSAY_HASH_SIZE;
    }
}

static bool place_holds(const assay_tree_place *place, const assay_hash *path) {
    uint32_t whole = place->depth / 8, rest = place->depth % 8;
    if (memcmp(path->bytes, place->prefix.bytes, whole) != 0) return false;
    return rest == 0 || (path->bytes[whole] ^ place->prefix.bytes[whole]) >> (8 - rest) == 0;
}

assay_status assay_tree_bucket_read(assay_tree_leaf *leaves, size_t count,
                                    const assay_tree_place *place, assay_bytes value,
                                    assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    bool sound = true;
    for (size_t i = 0; i < count && sound; i++) {
        assay_tree_leaf *leaf = &leaves[i];
        leaf->removed = false;
        leaf->key_size = assay_cursor_u8(&cursor);
        leaf->key = assay_cursor_take(&cursor, leaf->key_size);
        assay_cursor_hash(&cursor, &leaf->leaf);
        sound = !cursor.failed && leaf->key_size && leaf->key_size <= ASSAY_TREE_LEAF_KEY_MAX;
        if (!sound) break;
        assay_sha256_of(&leaf->path, leaf->key, leaf->key_size);
        sound = place_holds(place, &leaf->path) && (i == 0 || leaf_order(leaf - 1, leaf) < 0);
    }
    if (!sound || assay_cursor_left(&cursor) != 0)
        return ASSAY_FAIL(err, CORRUPT, "bucket of %zu leaves, %zu bytes, at depth %u is damaged",
                          count, value.size, place->depth);
    return ASSAY_OK;
}

assay_status assay_tree_page_open(assay_cursor *page, const assay_tree_source *source,
                                  const assay_tree_place *place, const assay_hash *hash,
                                  assay_error *err) {
    static const uint8_t empty_page[1] = {0};
    uint8_t key[ASSAY_TREE_KEY_MAX];
    assay_bytes value;
    ASSAY_TRY(source->read(source->context, key, assay_tree_page_key(key, place), &value, err));
    if (!value.data && place->depth == 0) value = (assay_bytes){empty_page, sizeof empty_page};
    if (!value.data)
        return ASSAY_FAIL(err, CORRUPT, "state tree page at depth %u is missing", place->depth);
    assay_cursor_init(page, value.data, value.size);
    assay_cursor peek = *page;
    assay_tree_record top;
    assay_tree_record_skip(&top, &peek, 0);
    if (peek.failed || assay_cursor_left(&peek) != 0 || !assay_hash_equal(&top.hash, hash))
        return ASSAY_FAIL(err, CORRUPT, "state tree page at depth %u is damaged", place->depth);
    return ASSAY_OK;
}

assay_status assay_tree_bucket_load(assay_tree_leaf *leaves, size_t count,
                                    const assay_tree_source *source, const assay_tree_place *place,
                                    assay_error *err) {
    uint8_t key[ASSAY_TREE_KEY_MAX];
    assay_bytes value;
    ASSAY_TRY(source->read(source->context, key, assay_tree_bucket_key(key, place), &value, err));
    if (!value.data)
        return ASSAY_FAIL(err, CORRUPT, "state tree bucket at depth %u is missing", place->depth);
    return assay_tree_bucket_read(leaves, count, place, value, err);
}
