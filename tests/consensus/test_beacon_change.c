// SPDX-License-Identifier: Apache-2.0
// F-57, P-46: a proposer goes from one beacon chain into the next without a block that lacks one.
#include "tests/ledger/chain.h"

#include "consensus/ledger_application.h"

enum { EPOCH = 5, BLOCKS = 6 * EPOCH };

typedef struct {
    chain c;
    assay_beacon_chains chains;
    assay_ledger_application ledger;
    assay_application calls;
    assay_address proposer; // consensus address
} stand;

static void stand_open(stand *s, uint64_t length) {
    const assay_hash secret = chain_seed(0), seed = {{5}};
    memset(s, 0, sizeof *s);
    chain_init(&s->c);
    assay_genesis_validator *own = &s->c.genesis.validators[0];
    s->c.genesis.params.epoch_blocks = EPOCH;
    must(assay_beacon_chains_open(&s->chains, secret.bytes, &seed, length, err));
    own->chain_length = length;
    assay_beacon_chains_at(&own->chain_tip, &s->chains, 0, length);
    chain_start(&s->c);
    s->ledger = (assay_ledger_application){.app = s->c.app, .chains = &s->chains};
    s->calls = assay_ledger_application_calls(&s->ledger);
    assay_ed25519_address(&s->proposer, own->ed25519);
}

static void stand_close(stand *s) {
    assay_beacon_chains_close(&s->chains);
    chain_close(&s->c);
}

static assay_chain now(const stand *s) {
    assay_view view = chain_view(&s->c);
    assay_chain out;
    must(assay_chain_get(&out, &view.reader, &s->c.actors[0], err));
    assay_view_close(&view);
    return out;
}

// The node proposes the next block of what was added, takes it and executes it.
static void block(stand *s) {
    chain *c = &s->c;
    uint32_t picked[2], count;
    assay_bytes first, txs[3];
    assay_tx_result results[3] = {{0}};
    const char *texts[3];
    assay_engine_outcome outcome;
    assert_in_range(c->tx_count, 0, 1);
    const assay_engine_candidates candidates = {
        .height = c->height + 1, .proposer = s->proposer, .txs = c->txs, .tx_count = c->tx_count};
    void *self = s->calls.self;
    must(s->calls.prepare_proposal(self, &candidates, picked, &count, &first, err));
    assert_int_equal(count, c->tx_count);
    uint32_t tx_count = 0;
    if (first.size) txs[tx_count++] = first;
    if (count) txs[tx_count++] = c->txs[picked[0]];
    const assay_engine_block made = {.height = c->height + 1,
                                     .time = {1700000000 + c->height, 0},
                                     .proposer = s->proposer,
                                     .txs = txs,
                                     .tx_count = tx_count};
    must(s->calls.process_proposal(self, &made, err));
    must(s->calls.finalize_block(self, &made, results, texts, &outcome, err));
    for (uint32_t i = 0; i < tx_count; i++)
        assert_int_equal(results[i].code, 0);
    must(s->calls.commit(self, err));
    s->calls.recheck(self);
    c->height++;
    chain_block_clear(c);
}

static void next_register(stand *s, uint64_t number) {
    assay_tx tx = chain_tx(&s->c, 0, ASSAY_TX_REGISTER_CHAIN);
    tx.body.register_chain.length = s->chains.length;
    assay_beacon_chains_at(&tx.body.register_chain.tip, &s->chains, number, s->chains.length);
    chain_add(&s->c, &tx);
}

// Registered in block `at`. A chain of `length` links: more than it takes until the next is in
// force, or none too many, so that its last is revealed in the block before. One that lasts shorter
// would have to miss.
static void change(uint64_t length, uint64_t at) {
    static stand s;
    const uint64_t in_force = (at - 1) / EPOCH * EPOCH + 2 * EPOCH + 1;
    stand_open(&s, length);
    while (s.c.height < BLOCKS && s.c.height < in_force + length - 1) {
        if (s.c.height + 1 == at) next_register(&s, 1);
        block(&s);
        assay_chain links = now(&s);
        assert_int_equal(links.revealed, s.c.height);
        assert_int_equal(links.misses, 0);
        bool changed = s.c.height >= in_force;
        assert_int_equal(s.chains.number, changed);
        assert_int_equal(links.left, length - s.c.height + (changed ? in_force - 1 : 0));
    }
    assert_true(s.c.height > in_force);
    stand_close(&s);
}

static void no_beacon_is_missed(void **state) {
    change(100, 1); // in force with the third epoch's first block, the 11th
    change(10, 1);
    change(10, EPOCH);
    change(15, EPOCH + 1);
    change(1500, 2 * EPOCH);
}

// A restarted node opens chain 0, and finds the chain in force.
static void a_restart_finds_the_chain(void **state) {
    static stand s;
    stand_open(&s, 12);
    next_register(&s, 1);
    for (int i = 0; i < 10; i++)
        block(&s);
    for (int i = 0; i < 4; i++) {
        const assay_hash secret = chain_seed(0), seed = {{5}};
        assay_beacon_chains_close(&s.chains);
        must(assay_beacon_chains_open(&s.chains, secret.bytes, &seed, 12, err));
        block(&s);
        assert_int_equal(now(&s).revealed, s.c.height);
        assert_int_equal(now(&s).left, 11 - i);
    }
    stand_close(&s);
}

// Blocks go on without beacons where the chain is used up, or is none of the node's.
static void without_its_chain_it_proposes_none(void **state) {
    static stand s;
    stand_open(&s, 4);
    for (int i = 0; i < 6; i++)
        block(&s);
    assert_int_equal(now(&s).revealed, 4);
    assay_tx tx = chain_tx(&s.c, 0, ASSAY_TX_REGISTER_CHAIN);
    tx.body.register_chain = (assay_tx_register_chain){{{9}}, 3};
    chain_add(&s.c, &tx);
    while (s.c.height < 20)
        block(&s);
    assert_int_equal(now(&s).revealed, 4);
    assert_int_equal(now(&s).left, 3);
    next_register(&s, 1);
    while (s.c.height < 31)
        block(&s);
    assert_int_equal(now(&s).revealed, 31);
    stand_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_beacon_is_missed),
        cmocka_unit_test(a_restart_finds_the_chain),
        cmocka_unit_test(without_its_chain_it_proposes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
