// SPDX-License-Identifier: Apache-2.0
// The chain of one validator in tests/vectors/cometbft.json, as blocks of ours.
#ifndef ASSAY_TESTS_CONSENSUS_CHAIN_H
#define ASSAY_TESTS_CONSENSUS_CHAIN_H

#include "consensus/tip.h"
#include "tests/consensus/cometbft.h"

typedef struct {
    json_t *root;
    const json_t *chain, *blocks;
    const char *chain_id;
    uint8_t seed[32], key[32];
    uint64_t power;
    assay_arena arena;
} cometbft_chain;

static inline cometbft_chain cometbft_chain_open(void) {
    cometbft_chain c = {.root = cometbft_read()};
    c.chain = vectors_at(c.root, "chain");
    c.blocks = json_object_get(c.chain, "blocks");
    c.chain_id = text_at(c.chain, "chain_id");
    c.power = number_at(c.chain, "power");
    must(assay_json_hex(c.seed, sizeof c.seed, c.chain, "seed", err));
    must(assay_ed25519_public(c.key, c.seed, err));
    assay_arena_init(&c.arena, 64 << 20);
    return c;
}

static inline void cometbft_chain_close(cometbft_chain *c) {
    assay_arena_close(&c->arena);
    json_decref(c->root);
}

// As main.go makes them.
static inline void pattern_fill(uint8_t *tx, size_t size, uint64_t fill) {
    for (size_t i = 0; i < size; i++)
        tx[i] = (uint8_t)(i * 131 + fill + (i >> 8));
}

// Block `index`, its transactions and results in the arena; app_hash_after is the next header's.
static inline assay_block cometbft_block(cometbft_chain *c, size_t index) {
    const json_t *object = json_array_get(c->blocks, index);
    const json_t *next = json_array_get(c->blocks, index + 1);
    const json_t *list = json_object_get(object, "txs");
    const json_t *results = json_object_get(object, "results");
    assay_block block = {.header = header_of(json_object_get(object, "header")),
                         .commit = commit_of(json_object_get(object, "commit")),
                         .tx_count = (uint32_t)json_array_size(list)};
    assay_bytes *txs = assay_arena_take(&c->arena, block.tx_count + 1, sizeof *txs);
    assay_tx_result *outcomes = assay_arena_take(&c->arena, block.tx_count + 1, sizeof *outcomes);
    for (uint32_t i = 0; i < block.tx_count; i++) {
        const json_t *tx = json_array_get(list, i), *result = json_array_get(results, i);
        size_t size;
        uint8_t *data = assay_arena_take(&c->arena, 1, number_at(tx, "size"));
        pattern_fill(data, number_at(tx, "size"), number_at(tx, "fill"));
        txs[i] = (assay_bytes){data, number_at(tx, "size")};
        outcomes[i].code = (uint32_t)number_at(result, "code");
        must(assay_json_bytes(outcomes[i].data, &size, ASSAY_RESULT_DATA_MAX, result, "data", err));
        outcomes[i].data_size = (uint8_t)size;
    }
    block.txs = txs;
    block.results = outcomes;
    if (next) block.app_hash_after = hash_at(json_object_get(next, "header"), "app_hash");
    return block;
}

static inline assay_tip cometbft_tip(cometbft_chain *c) {
    assay_tip tip;
    assay_block first = cometbft_block(c, 0);
    assay_tip_init(&tip, c->chain_id, c->key, c->power, number_at(c->chain, "genesis_seconds"),
                   &first.header.app_hash);
    return tip;
}

static inline void tip_step(assay_tip *tip, cometbft_chain *c, const assay_block *block) {
    assay_hash results;
    must(assay_results_hash(&results, block->results, block->tx_count, &c->arena, err));
    assay_tip_advance(tip, block, &results);
}

#endif
