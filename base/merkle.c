// SPDX-License-Identifier: Apache-2.0
#include "base/merkle.h"

#include "base/sha256.h"

void assay_merkle_leaf(assay_hash *out, const void *data, size_t size) {
    static const uint8_t prefix = 0;
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, &prefix, 1);
    assay_sha256_update(&sha, data, size);
    assay_sha256_final(&sha, out);
}

void assay_merkle_node(assay_hash *out, const assay_hash *left, const assay_hash *right) {
    uint8_t data[1 + 2 * ASSAY_HASH_SIZE];
    data[0] = 1;
    memcpy(data + 1, left->bytes, ASSAY_HASH_SIZE);
    memcpy(data + 1 + ASSAY_HASH_SIZE, right->bytes, ASSAY_HASH_SIZE);
    assay_sha256_of(out, data, sizeof data);
}

static uint64_t split(uint64_t count) {
    return (uint64_t)1 << (63 - __builtin_clzll(count - 1));
}

void assay_merkle_root(assay_hash *out, const assay_hash *leaves, uint64_t count) {
    if (count == 0) {
        assay_sha256_of(out, "", 0);
    } else if (count == 1) {
        *out = leaves[0];
    } else {
        uint64_t left_count = split(count);
        assay_hash left, right;
        assay_merkle_root(&left, leaves, left_count);
        assay_merkle_root(&right, leaves + left_count, count - left_count);
        assay_merkle_node(out, &left, &right);
    }
}

uint32_t assay_merkle_peak_count(uint64_t count) {
    return (uint32_t)__builtin_popcountll(count);
}

void assay_merkle_peaks_add(assay_merkle_peaks *peaks, const assay_hash *leaf) {
    assay_hash node = *leaf;
    for (uint64_t bits = peaks->count++; bits & 1; bits >>= 1)
        assay_merkle_node(&node, &peaks->peaks[--peaks->peak_count], &node);
    peaks->peaks[peaks->peak_count++] = node;
}

void assay_merkle_peaks_root(assay_hash *out, const assay_merkle_peaks *peaks) {
    if (peaks->peak_count == 0) {
        assay_merkle_root(out, NULL, 0);
        return;
    }
    *out = peaks->peaks[peaks->peak_count - 1];
    for (uint32_t i = peaks->peak_count - 1; i-- > 0;)
        assay_merkle_node(out, &peaks->peaks[i], out);
}

uint32_t assay_merkle_path(assay_hash *path, const assay_hash *leaves, uint64_t count,
                           uint64_t index) {
    ASSAY_ASSERT(index < count);
    if (count == 1) return 0;
    uint64_t left_count = split(count);
    uint32_t steps;
    if (index < left_count) {
        steps = assay_merkle_path(path, leaves, left_count, index);
        assay_merkle_root(path + steps, leaves + left_count, count - left_count);
    } else {
        steps =
            assay_merkle_path(path, leaves + left_count, count - left_count, index - left_count);
        assay_merkle_root(path + steps, leaves, left_count);
    }
    return steps + 1;
}

assay_status assay_merkle_check(const assay_hash *root, uint64_t count, uint64_t index,
                                const assay_hash *leaf, const assay_hash *path, uint32_t path_count,
                                assay_error *err) {
    if (index >= count)
        return ASSAY_FAIL(err, RANGE, "leaf %llu of a tree of %llu leaves", (ull)index, (ull)count);
    uint64_t at = index, last = count - 1;
    assay_hash hash = *leaf;
    for (uint32_t i = 0; i < path_count; i++) {
        if (last == 0)
            return ASSAY_FAIL(err, MISMATCH, "path has %u steps too many", path_count - i);
        if ((at & 1) || at == last) {
            assay_merkle_node(&hash, &path[i], &hash);
            while (!(at & 1)) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            assay_merkle_node(&hash, &hash, &path[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    if (last != 0) return ASSAY_FAIL(err, MISMATCH, "path of %u steps is too short", path_count);
    if (!assay_hash_equal(&hash, root))
        return ASSAY_FAIL(err, MISMATCH, "path leads to another root");
    return ASSAY_OK;
}
