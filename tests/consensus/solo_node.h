// SPDX-License-Identifier: Apache-2.0
// A node over the small chain of tests/ledger/chain.h: state, block log and solo engine in a
// folder.
#ifndef ASSAY_TESTS_CONSENSUS_SOLO_NODE_H
#define ASSAY_TESTS_CONSENSUS_SOLO_NODE_H

#include "tests/ledger/chain.h"

#include "consensus/ledger_application.h"
#include "consensus/solo.h"
#include "tests/consensus/recorder.h"

typedef struct {
    chain *chain;
    assay_pool *pool;
    assay_beacon_chains links;
    assay_ledger_application application;
    assay_solo *solo;
    assay_chain_engine engine;
} node;

static const uint8_t consensus_seed[32] = {11};

// The chain's genesis, with the validator's key that nodes have.
static inline void node_chain_init(chain *c) {
    chain_init(c);
    must(assay_ed25519_public(c->genesis.validators[0].ed25519, consensus_seed, err));
    must(assay_genesis_seal(&c->genesis, err));
    assay_domain_init(&c->domain, CHAIN_ID, &c->genesis.hash);
}

// between: stands between engine and ledger; NULL: nobody does.
static inline void node_open(node *n, chain *c, const char *folder, recorder *between) {
    char path[1024], name[ASSAY_CHAIN_ID_MAX + 1];
    *n = (node){.chain = c};
    snprintf(path, sizeof path, "%s/state", folder);
    must(assay_pool_open(&n->pool, 2, err));
    assay_app_options options = {.map_size = 1 << 30, .pool = n->pool};
    must(assay_app_open(&c->app, path, &c->genesis, &options, err));
    must(assay_beacon_chains_open(&n->links, consensus_seed, &c->links[CHAIN_PREIMAGES],
                                  CHAIN_PREIMAGES, err));
    n->application = (assay_ledger_application){.app = c->app, .chains = &n->links};
    assay_chain_name(name, &c->genesis);
    snprintf(path, sizeof path, "%s/blocks", folder);
    assay_solo_options solo = {
        .folder = path,
        .application = assay_ledger_application_calls(&n->application),
        .chain_id = name,
        .genesis_seconds = c->genesis.time,
        .power = assay_voting_power(c->genesis.validators[0].consensus_bond),
        .block_ms = 2,
    };
    if (between) {
        between->inner = solo.application;
        solo.application = recorder_calls(between);
    }
    memcpy(solo.seed, consensus_seed, sizeof solo.seed);
    must(assay_solo_open(&n->solo, &solo, err));
    n->engine = assay_solo_engine(n->solo);
}

static inline void node_close(node *n) {
    assay_solo_close(n->solo);
    assay_app_close(n->chain->app);
    assay_beacon_chains_close(&n->links);
    assay_pool_close(n->pool);
    n->chain->app = NULL;
}

#endif
