// SPDX-License-Identifier: Apache-2.0
#include "ledger/claims.h"

#include <stdlib.h>

#include "base/keccak.h"

void assay_claims_leaf(assay_hash *out, const assay_claim *claim) {
    uint8_t words[2 * 32] = {0};
    assay_u128 wei = (assay_u128)claim->amount * ASSAY_WEI_PER_NOPEN;
    memcpy(words + 12, claim->recipient.bytes, ASSAY_ADDRESS_SIZE);
    assay_store_be64(words + 48, (uint64_t)(wei >> 64));
    assay_store_be64(words + 56, (uint64_t)wei);
    assay_keccak256_of(out, words, sizeof words);
    assay_keccak256_of(out, out->bytes, sizeof out->bytes);
}

// The lower hash goes first, so that a proof needs no sides.
static void pair(assay_hash *out, const assay_hash *a, const assay_hash *b) {
    uint8_t data[2 * ASSAY_HASH_SIZE];
    bool swap = memcmp(a->bytes, b->bytes, ASSAY_HASH_SIZE) > 0;
    memcpy(data, (swap ? b : a)->bytes, ASSAY_HASH_SIZE);
    memcpy(data + ASSAY_HASH_SIZE, (swap ? a : b)->bytes, ASSAY_HASH_SIZE);
    assay_keccak256_of(out, data, sizeof data);
}

typedef struct {
    assay_hash hash;
    uint32_t claim;
} ranked_leaf;

static int leaf_compare(const void *a, const void *b) {
    return memcmp(((const ranked_leaf *)a)->hash.bytes, ((const ranked_leaf *)b)->hash.bytes,
                  ASSAY_HASH_SIZE);
}

// Four takes: the caller's list, and those of assay_claims_build in its order.
size_t assay_claims_memory(uint64_t count) {
    return count * (sizeof(assay_claim) + 2 * sizeof(assay_hash) + sizeof(uint32_t) +
                    sizeof(ranked_leaf)) +
           4 * (size_t)ASSAY_ARENA_ALIGNMENT;
}

assay_status assay_claims_build(assay_claims *out, const assay_claim *claims, uint32_t count,
                                assay_arena *arena, assay_error *err) {
    *out = (assay_claims){0};
    if (count == 0) return ASSAY_OK;
    void *nodes, *places, *ranked;
    size_t node_count = 2 * (size_t)count - 1;
    ASSAY_TRY(assay_arena_get(arena, node_count, sizeof(assay_hash), "claims", &nodes, err));
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(uint32_t), "claims", &places, err));
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(ranked_leaf), "claims", &ranked, err));
    *out = (assay_claims){nodes, places, count};
    ranked_leaf *leaves = ranked;
    for (uint32_t i = 0; i < count; i++) {
        assay_claims_leaf(&leaves[i].hash, &claims[i]);
        leaves[i].claim = i;
    }
    qsort(leaves, count, sizeof *leaves, leaf_compare);
    for (uint32_t i = 0; i < count; i++) {
        size_t node = node_count - 1 - i;
        out->nodes[node] = leaves[i].hash;
        out->places[leaves[i].claim] = (uint32_t)node;
    }
    for (size_t i = count - 1; i-- > 0;)
        pair(&out->nodes[i], &out->nodes[2 * i + 1], &out->nodes[2 * i + 2]);
    return ASSAY_OK;
}

void assay_claims_root(assay_hash *out, const assay_claims *claims) {
    *out = claims->count ? claims->nodes[0] : (assay_hash){{0}};
}

uint32_t assay_claims_path(assay_hash *path, const assay_claims *claims, uint32_t index) {
    ASSAY_ASSERT(index < claims->count);
    uint32_t steps = 0;
    for (uint32_t at = claims->places[index]; at; at = (at - 1) / 2)
        path[steps++] = claims->nodes[at & 1 ? at + 1 : at - 1];
    return steps;
}
