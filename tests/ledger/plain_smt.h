// SPDX-License-Identifier: Apache-2.0
// The state root by its definition: halve by one bit, no order, no sharing, no code of the tree.
#ifndef ASSAY_TESTS_LEDGER_PLAIN_SMT_H
#define ASSAY_TESTS_LEDGER_PLAIN_SMT_H

#include <stdlib.h>

#include "base/sha256.h"

typedef struct {
    assay_hash path, leaf;
} plain_leaf;

static inline void plain_leaf_make(plain_leaf *leaf, const void *key, size_t key_size,
                                   const void *value, size_t value_size) {
    uint8_t data[65] = {0};
    assay_hash hash;
    assay_sha256_of(&leaf->path, key, key_size);
    assay_sha256_of(&hash, value, value_size);
    memcpy(data + 1, leaf->path.bytes, 32);
    memcpy(data + 33, hash.bytes, 32);
    assay_sha256_of(&leaf->leaf, data, sizeof data);
}

// leaves [count], in any order; depth 0 for the root. P-82.
static inline void plain_root(assay_hash *out, const plain_leaf *const *leaves, size_t count,
                              unsigned depth) {
    uint8_t data[65] = {1};
    if (count < 2) {
        memset(out, 0, sizeof *out);
        if (count) *out = leaves[0]->leaf;
        return;
    }
    const plain_leaf **sides = malloc(2 * count * sizeof *sides);
    if (!sides) abort();
    size_t counts[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        size_t bit = leaves[i]->path.bytes[depth / 8] >> (7 - depth % 8) & 1;
        sides[bit * count + counts[bit]++] = leaves[i];
    }
    for (size_t bit = 0; bit < 2; bit++) {
        assay_hash hash;
        plain_root(&hash, sides + bit * count, counts[bit], depth + 1);
        memcpy(data + 1 + 32 * bit, hash.bytes, 32);
    }
    assay_sha256_of(out, data, sizeof data);
    free(sides);
}

#endif
