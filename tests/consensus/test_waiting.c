// SPDX-License-Identifier: Apache-2.0
// C-15: what keeps blocks coming where nobody sends anything.
#include "tests/ledger/chain.h"

#include "consensus/ledger_application.h"

enum { CONSUMER = 1, PROVIDER = 2, TRUST = 300 };

static bool waits(chain *c) {
    assay_ledger_application own = {.app = c->app};
    assay_application calls = assay_ledger_application_calls(&own);
    return calls.waiting(calls.self);
}

static void chain_open(chain *c) {
    chain_init(c);
    c->genesis.params.unbond_trust_blocks = TRUST;
    chain_start(c);
    chain_blocks(c, 1);
    assert_false(waits(c));
}

// Money that leaves a bond, until it is there, however long an unbonding time is.
static void until_money_is_there(void **state) {
    chain c;
    chain_open(&c);
    assay_tx tx = chain_tx(&c, PROVIDER, ASSAY_TX_BOND);
    tx.body.bond = (assay_tx_bond){ASSAY_ROLE_PROVIDER, 30 * CHAIN_OPEN};
    chain_run(&c, &tx, NONE);
    assert_false(waits(&c));
    tx = chain_tx(&c, PROVIDER, ASSAY_TX_UNBOND);
    tx.body.bond = (assay_tx_bond){ASSAY_ROLE_PROVIDER, CHAIN_OPEN};
    chain_run(&c, &tx, NONE);
    uint64_t release = c.height + assay_params_unbond_blocks(&c.genesis.params);
    assert_true(waits(&c));
    chain_until(&c, release - 1);
    assert_true(waits(&c));
    chain_until(&c, release);
    assert_false(waits(&c));
    chain_close(&c);
}

// A session that ends soon; one that ends later does not, for as long as it is later.
static void until_a_session_ends(void **state) {
    chain c;
    chain_open(&c);
    const assay_params *params = &c.genesis.params;
    uint64_t soon = assay_params_window(params) + 2 * params->epoch_blocks;
    assay_tx tx = chain_tx(&c, CONSUMER, ASSAY_TX_OPEN_SESSION);
    uint64_t expiry = c.height + soon + 20;
    tx.body.open_session = (assay_tx_open_session){c.actors[PROVIDER], 7, 3, 4, expiry};
    chain_run(&c, &tx, NONE);
    uint64_t end = expiry + params->close_delay;
    assert_true(end < c.height + assay_params_unbond_blocks(params));
    chain_until(&c, end - soon - 1);
    assert_false(waits(&c));
    chain_until(&c, end - soon);
    assert_true(waits(&c));
    chain_until(&c, end + 1);
    assert_false(waits(&c));
    chain_close(&c);
}

// A withdrawal, until the close of its epoch has made a claim of it; so the next ones.
static void until_withdrawals_are_claims(void **state) {
    chain c;
    chain_open(&c);
    uint64_t epoch_blocks = c.genesis.params.epoch_blocks;
    for (uint64_t i = 1; i <= 2; i++) {
        assay_tx tx = chain_tx(&c, CONSUMER, ASSAY_TX_WITHDRAW);
        tx.body.withdraw = (assay_tx_withdraw){c.actors[PROVIDER], 5};
        chain_run(&c, &tx, NONE);
        assert_true(waits(&c));
        while (!assay_params_epoch_ends(&c.genesis.params, c.height + 1))
            chain_blocks(&c, 1);
        assert_true(waits(&c));
        chain_blocks(&c, 1);
        assert_int_equal(assay_params_epoch(&c.genesis.params, c.height), i == 1 ? 0 : 2);
        assert_false(waits(&c));
        chain_blocks(&c, (uint32_t)epoch_blocks + 1); // rests in epochs that none withdraws in
        assert_false(waits(&c));
    }
    chain_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_money_is_there),
        cmocka_unit_test(until_a_session_ends),
        cmocka_unit_test(until_withdrawals_are_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
