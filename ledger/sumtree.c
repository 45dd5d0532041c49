// SPDX-License-Identifier: Apache-2.0
#include "ledger/sumtree.h"

#include "base/sha256.h"
#include "ledger/tx/reject.h"

void assay_sumtree_leaf(assay_sumtree_node *out, uint64_t fee, const assay_hash *receipt) {
    uint8_t data[1 + 8 + ASSAY_HASH_SIZE];
    data[0] = 0;
    assay_store_be64(data + 1, fee);
    memcpy(data + 9, receipt->bytes, ASSAY_HASH_SIZE);
    out->sum = fee;
    assay_sha256_of(&out->hash, data, sizeof data);
}

static bool node_make(assay_sumtree_node *out, const assay_sumtree_node *left,
                      const assay_sumtree_node *right) {
    uint8_t data[1 + 2 * (8 + ASSAY_HASH_SIZE)];
    uint64_t sum;
    if (__builtin_add_overflow(left->sum, right->sum, &sum)) return false;
    data[0] = 1;
    assay_store_be64(data + 1, left->sum);
    memcpy(data + 9, left->hash.bytes, ASSAY_HASH_SIZE);
    assay_store_be64(data + 41, right->sum);
    memcpy(data + 49, right->hash.bytes, ASSAY_HASH_SIZE);
    out->sum = sum;
    assay_sha256_of(&out->hash, data, sizeof data);
    return true;
}

// Leaves on the left: the largest power of two below count.
static uint32_t split(uint32_t count) {
    return (uint32_t)1 << (31 - __builtin_clz(count - 1));
}

// Sums of these leaves are known not to overflow.
static void subtree(assay_sumtree_node *out, const assay_sumtree_node *leaves, uint32_t count) {
    if (count == 1) {
        *out = leaves[0];
        return;
    }
    uint32_t left_count = split(count);
    assay_sumtree_node left, right;
    subtree(&left, leaves, left_count);
    subtree(&right, leaves + left_count, count - left_count);
    ASSAY_ASSERT(node_make(out, &left, &right));
}

assay_status assay_sumtree_root(assay_sumtree_node *out, const assay_sumtree_node *leaves,
                                uint32_t count, assay_error *err) {
    if (count == 0) return ASSAY_REJECT(err, SUMTREE_EMPTY, "0 leaves, limit 1");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (leaves[i].sum == 0) return ASSAY_REJECT(err, SUMTREE_ZERO, "leaf %u has fee 0", i);
        if (__builtin_add_overflow(sum, leaves[i].sum, &sum))
            return ASSAY_REJECT(err, SUMTREE_OVERFLOW, "fees up to leaf %u reach 2^64", i);
    }
    subtree(out, leaves, count);
    return ASSAY_OK;
}

uint32_t assay_sumtree_path(assay_sumtree_step *path, const assay_sumtree_node *leaves,
                            uint32_t count, uint32_t index) {
    ASSAY_ASSERT(index < count);
    if (count == 1) return 0;
    uint32_t left_count = split(count);
    bool left = index >= left_count;
    uint32_t steps;
    if (left) {
        steps =
            assay_sumtree_path(path, leaves + left_count, count - left_count, index - left_count);
        subtree(&path[steps].node, leaves, left_count);
    } else {
        steps = assay_sumtree_path(path, leaves, left_count, index);
        subtree(&path[steps].node, leaves + left_count, count - left_count);
    }
    path[steps].left = left;
    return steps + 1;
}

// Walking the leaves reaches the one that going down the sums would: both find the first leaf whose
// running sum exceeds the position.
uint32_t assay_sumtree_find(const assay_sumtree_node *leaves, uint32_t count, uint64_t position) {
    uint32_t i = 0;
    while (i < count && position >= leaves[i].sum)
        position -= leaves[i++].sum;
    ASSAY_ASSERT(i < count);
    return i;
}

static assay_status path_refused(assay_error *err, uint32_t index, uint32_t count) {
    return ASSAY_REJECT(err, SUMTREE_PATH, "the path of leaf %u of %u does not lead to the root",
                        index, count);
}

// One step up. at, last: the node's place in its row and the row's last place, as RFC 9162 2.1.3.2.
static assay_status step_up(assay_sumtree_node *node, uint64_t *before, uint32_t *at,
                            uint32_t *last, const assay_sumtree_step *step, assay_error *err) {
    bool left = (*at & 1) || *at == *last;
    if (*last == 0 || step->left != left)
        return ASSAY_REJECT(err, SUMTREE_PATH, "a step too many or on the wrong side");
    if (step->node.sum == 0) return ASSAY_REJECT(err, SUMTREE_ZERO, "a sibling has sum 0");
    if (!node_make(node, left ? &step->node : node, left ? node : &step->node))
        return ASSAY_REJECT(err, SUMTREE_OVERFLOW, "sums on the path reach 2^64");
    if (left) {
        *before += step->node.sum;
        while (!(*at & 1)) {
            *at >>= 1;
            *last >>= 1;
        }
    }
    *at >>= 1;
    *last >>= 1;
    return ASSAY_OK;
}

assay_status assay_sumtree_check(uint64_t *start, const assay_sumtree_node *root, uint32_t count,
                                 uint32_t index, const assay_sumtree_node *leaf,
                                 const assay_sumtree_step *path, uint32_t path_count,
                                 assay_error *err) {
    if (index >= count) return path_refused(err, index, count);
    if (leaf->sum == 0) return ASSAY_REJECT(err, SUMTREE_ZERO, "leaf %u has fee 0", index);
    uint32_t at = index, last = count - 1;
    uint64_t before = 0; // below the node's sum, which is checked: cannot wrap
    assay_sumtree_node node = *leaf;
    for (uint32_t i = 0; i < path_count; i++)
        ASSAY_TRY(step_up(&node, &before, &at, &last, &path[i], err));
    if (last != 0 || node.sum != root->sum || !assay_hash_equal(&node.hash, &root->hash))
        return path_refused(err, index, count);
    if (start) *start = before;
    return ASSAY_OK;
}

assay_status assay_sumtree_position_check(const assay_sumtree_node *root, uint32_t count,
                                          uint32_t index, uint64_t position,
                                          const assay_sumtree_node *leaf,
                                          const assay_sumtree_step *path, uint32_t path_count,
                                          assay_error *err) {
    uint64_t start;
    ASSAY_TRY(assay_sumtree_check(&start, root, count, index, leaf, path, path_count, err));
    if (position < start || position - start >= leaf->sum)
        return ASSAY_REJECT(err, SUMTREE_PATH, "leaf %u does not hold nopen %llu", index,
                            (ull)position);
    return ASSAY_OK;
}
