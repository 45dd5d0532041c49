// SPDX-License-Identifier: Apache-2.0
// The small chain of tests/ledger/trial.h, with a header and a commit over every block, up to a
// closed epoch in which everyone was paid.
#ifndef ASSAY_TESTS_CONSENSUS_SETTLED_H
#define ASSAY_TESTS_CONSENSUS_SETTLED_H

#include "tests/ledger/trial.h"

#include "consensus/ledger_application.h"
#include "consensus/proof.h"
#include "consensus/tip.h"

typedef struct {
    trial *trial;
    uint8_t seed[32]; // the operator's consensus key
    assay_tip tip;
    assay_header header; // of the last block
    uint64_t epoch;      // closed, with payouts
} settled;

static inline void settled_witness(chain *c, const assay_app_block *input) {
    settled *s = c->context;
    assay_arena arena;
    assay_hash results_hash;
    assay_block block = {.txs = input->txs, .tx_count = input->tx_count};
    if (s->tip.power == 0) {
        char name[ASSAY_CHAIN_ID_MAX + 1];
        assay_app_info info;
        assay_app_info_get(c->app, &info);
        assay_chain_name(name, &c->genesis);
        assay_tip_init(&s->tip, name, c->genesis.validators[0].ed25519,
                       assay_voting_power(c->genesis.validators[0].consensus_bond), c->genesis.time,
                       &info.app_hash);
    }
    assay_arena_init(&arena, 64 << 20);
    assay_hash *ids = assay_arena_take(&arena, input->tx_count + 1, sizeof *ids);
    assay_block_tx_ids(ids, &block);
    must(assay_tip_header(&s->tip, &block, ids, (assay_time){input->time, 0}, &arena, err));
    block.commit.height = block.header.height;
    block.commit.time = block.header.time;
    must(assay_block_id_of(&block.commit.block, &block, s->tip.height ? &s->tip.commit : NULL,
                           &arena, err));
    must(assay_commit_sign(&block.commit, s->tip.chain_id, s->seed, err));
    must(assay_results_hash(&results_hash, c->outcome.results, block.tx_count, &arena, err));
    block.app_hash_after = c->outcome.app_hash;
    assay_tip_advance(&s->tip, &block, &results_hash);
    s->header = block.header;
    assay_arena_close(&arena);
}

static inline settled *settled_new(void) {
    static bundle b;
    settled *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->trial = trial_new();
    chain *c = &s->trial->chain;
    assay_hash seed = chain_seed(0);
    memcpy(s->seed, seed.bytes, sizeof s->seed);
    c->witness = settled_witness;
    c->context = s;
    trial_start(s->trial);
    trial_submit(s->trial, &b, 3);
    assert_int_equal(trial_run_out(s->trial, &b.id).state, ASSAY_BATCH_SETTLED);
    s->epoch = assay_params_epoch(&c->genesis.params, c->height);
    chain_until(c, (s->epoch + 1) * c->genesis.params.epoch_blocks);
    return s;
}

static inline void settled_free(settled *s) {
    trial_close(s->trial);
    free(s);
}

// Makes a proof of the last block's state, and the next block, which states it.
static inline void settled_prove(settled *s, assay_proof *proof, uint32_t actor) {
    chain *c = &s->trial->chain;
    assay_view view = chain_view(c);
    must(assay_proof_make(proof, &view, s->epoch, &c->actors[actor], err));
    assay_view_close(&view);
    chain_block(c);
    proof->light_block =
        assay_light_document(&s->header, &s->tip.commit, s->tip.public_key, s->tip.power);
}

#endif
