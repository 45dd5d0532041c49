// SPDX-License-Identifier: Apache-2.0
// Bonds: what counts, what leaves and when, and what a slash takes.
#include "ledger/due.h"
#include "tests/ledger/chain.h"

enum { WHO = 1 };

static int setup(void **state) {
    chain *c = *state = chain_new();
    c->genesis.params.epoch_blocks = 3;
    c->genesis.params.provider_bond_min = 3 * CHAIN_OPEN; // unlike the others'
    chain_start(c);
    return 0;
}

static assay_tx bond_tx(const chain *c, assay_tx_kind kind, uint8_t role, uint64_t amount) {
    assay_tx tx = chain_tx(c, WHO, kind);
    tx.body.bond = (assay_tx_bond){role, amount};
    return tx;
}

static assay_bond bond_of(const chain *c, uint8_t role) {
    assay_view view = chain_view(c);
    assay_bond bond;
    must(assay_bond_get(&bond, &view.reader, role, &c->actors[WHO], err));
    assay_view_close(&view);
    return bond;
}

static uint64_t total_of(const chain *c, uint8_t role) {
    assay_view view = chain_view(c);
    uint64_t total;
    must(assay_bond_total(&total, &view.reader, role, err));
    assay_view_close(&view);
    return total;
}

// P-28: each role by itself, its minimum to the nopen.
static void test_minimum(void **state) {
    chain *c = *state;
    for (uint8_t role = 1; role <= ASSAY_ROLE_MAX; role++) {
        uint64_t min = assay_bond_min(&c->genesis.params, role);
        uint64_t others = total_of(c, role);
        assay_tx tx = bond_tx(c, ASSAY_TX_BOND, role, min - 1);
        chain_refuse(c, &tx, BOND_MIN);
        tx = bond_tx(c, ASSAY_TX_BOND, role, min);
        chain_run(c, &tx, NONE);
        assert_int_equal(total_of(c, role), others + min); // the minimum itself counts
        tx = bond_tx(c, ASSAY_TX_BOND, role, 1);           // on top of enough, any amount will do
        chain_run(c, &tx, NONE);
        assert_int_equal(bond_of(c, role).active, min + 1);
        assert_int_equal(total_of(c, role), others + min + 1);

        tx = bond_tx(c, ASSAY_TX_UNBOND, role, min + 2);
        chain_refuse(c, &tx, BOND_SHORT);
        tx = bond_tx(c, ASSAY_TX_UNBOND, role, 2);
        chain_refuse(c, &tx, BOND_MIN);
        tx = bond_tx(c, ASSAY_TX_UNBOND, role, UINT64_MAX);
        chain_refuse(c, &tx, BOND_SHORT);
        tx = bond_tx(c, ASSAY_TX_UNBOND, role, 1);
        chain_run(c, &tx, NONE);
        tx = bond_tx(c, ASSAY_TX_UNBOND, role, min);
        chain_run(c, &tx, NONE);
        assert_int_equal(bond_of(c, role).active, 0);
        assert_int_equal(bond_of(c, role).unbonding_count, 2);
        assert_int_equal(total_of(c, role), others);
    }
}

// P-28, P-23, P-40: leaving bond returns at its height, not a block earlier.
static void test_release(void **state) {
    chain *c = *state;
    assay_tx tx = bond_tx(c, ASSAY_TX_BOND, ASSAY_ROLE_PROVIDER, 30 * CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_PROVIDER, 4 * CHAIN_OPEN);
    chain_add(c, &tx);
    tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_PROVIDER, CHAIN_OPEN);
    chain_add(c, &tx);
    chain_block(c);
    uint64_t first = c->height + assay_params_unbond_blocks(&c->genesis.params);
    tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_PROVIDER, 2 * CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    assay_bond bond = bond_of(c, ASSAY_ROLE_PROVIDER);
    assert_int_equal(bond.unbonding_count, 2); // one block, one part
    assert_int_equal(bond.unbonding[0].amount, 5 * CHAIN_OPEN);
    assert_int_equal(bond.unbonding[0].release, first);
    assert_int_equal(bond.unbonding[1].release, first + 1);

    uint64_t balance = chain_balance(c, WHO);
    chain_until(c, first - 1);
    assert_int_equal(chain_balance(c, WHO), balance);
    chain_block(c);
    assert_int_equal(chain_balance(c, WHO), balance + 5 * CHAIN_OPEN);
    chain_block(c);
    assert_int_equal(chain_balance(c, WHO), balance + 7 * CHAIN_OPEN);
    assert_int_equal(bond_of(c, ASSAY_ROLE_PROVIDER).unbonding_count, 0);
    assert_int_equal(bond_of(c, ASSAY_ROLE_PROVIDER).active, 23 * CHAIN_OPEN);
}

// P-28: sixteen parts at a time; what leaves in the last one's block is of it.
static void test_parts(void **state) {
    chain *c = *state;
    assay_tx tx = bond_tx(c, ASSAY_TX_BOND, ASSAY_ROLE_VERIFICATION, 100 * CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    for (int i = 1; i < ASSAY_UNBONDING_MAX; i++) {
        tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_VERIFICATION, 1);
        chain_run(c, &tx, NONE);
    }
    for (uint64_t i = 1; i <= 2; i++) {
        tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_VERIFICATION, i);
        chain_add(c, &tx);
    }
    chain_block(c);
    chain_expect(c, 1, NONE);
    assert_int_equal(bond_of(c, ASSAY_ROLE_VERIFICATION).unbonding_count, ASSAY_UNBONDING_MAX);
    tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_VERIFICATION, 1);
    chain_refuse(c, &tx, UNBONDING_FULL);
    chain_until(c, bond_of(c, ASSAY_ROLE_VERIFICATION).unbonding[0].release);
    tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_VERIFICATION, 1);
    chain_run(c, &tx, NONE);
}

static void slash(chain *c, uint64_t amount, uint64_t expected) {
    assay_ledger ledger = chain_by_hand(c);
    uint64_t taken;
    must(assay_bond_slash(&ledger, ASSAY_ROLE_VERIFICATION, &c->actors[WHO], amount,
                          assay_purse_burned(), &taken, err));
    assert_int_equal(taken, expected);
    assert_int_equal(ledger.counts.of[ASSAY_COUNTED_PENALTIES], expected > 0);
    chain_by_hand_end(c, &ledger);
}

// P-29: active first, then what leaves, earliest first; never more than there is.
static void test_slash(void **state) {
    chain *c = *state;
    assay_tx tx = bond_tx(c, ASSAY_TX_BOND, ASSAY_ROLE_VERIFICATION, 20 * CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    for (int i = 0; i < 2; i++) {
        tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_VERIFICATION, 3 * CHAIN_OPEN);
        chain_run(c, &tx, NONE);
    }
    uint64_t burned = chain_totals(c).nopen[ASSAY_MONEY_BURNED];
    slash(c, 5 * CHAIN_OPEN, 5 * CHAIN_OPEN);
    assay_bond bond = bond_of(c, ASSAY_ROLE_VERIFICATION);
    assert_int_equal(bond.active, 9 * CHAIN_OPEN);
    assert_int_equal(total_of(c, ASSAY_ROLE_VERIFICATION), 9 * CHAIN_OPEN);
    // Under half of the minimum it no longer counts.
    slash(c, 5 * CHAIN_OPEN, 5 * CHAIN_OPEN);
    assert_int_equal(total_of(c, ASSAY_ROLE_VERIFICATION), 0);

    slash(c, 5 * CHAIN_OPEN, 5 * CHAIN_OPEN);
    bond = bond_of(c, ASSAY_ROLE_VERIFICATION);
    assert_int_equal(bond.active, 0);
    assert_int_equal(bond.unbonding_count, 2);
    assert_int_equal(bond.unbonding[0].amount, 2 * CHAIN_OPEN);
    assert_int_equal(bond.unbonding[1].amount, 3 * CHAIN_OPEN);
    uint64_t release = bond.unbonding[1].release, balance = chain_balance(c, WHO);

    slash(c, 2 * CHAIN_OPEN, 2 * CHAIN_OPEN);
    assert_int_equal(bond_of(c, ASSAY_ROLE_VERIFICATION).unbonding_count, 1);
    chain_until(c, release); // the emptied part's entry in the queue does nothing
    assert_int_equal(chain_balance(c, WHO), balance + 3 * CHAIN_OPEN);
    slash(c, UINT64_MAX, 0);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_BURNED], burned + 17 * CHAIN_OPEN);
}

// P-29: a slash that takes all of it, whatever it names.
static void test_slash_all(void **state) {
    chain *c = *state;
    assay_tx tx = bond_tx(c, ASSAY_TX_BOND, ASSAY_ROLE_VERIFICATION, 20 * CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    tx = bond_tx(c, ASSAY_TX_UNBOND, ASSAY_ROLE_VERIFICATION, 5 * CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    slash(c, UINT64_MAX, 20 * CHAIN_OPEN);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_BONDS],
                     c->genesis.validators[0].consensus_bond);
}

// P-30: exposure against the bond, to the nopen, and only a bond that counts.
// P-28: what strangers can cost a checker does not put it out; other roles have their minimum.
static void test_effective(void **state) {
    assay_params params;
    assay_params_init(&params);
    params.verification_bond_min = params.provider_bond_min = params.consensus_bond_min = 7;
    for (uint64_t active = 0; active < 9; active++) {
        const assay_bond bond = {.active = active};
        assert_int_equal(assay_bond_effective(&params, ASSAY_ROLE_VERIFICATION, &bond),
                         active < 4 ? 0 : active);
        assert_int_equal(assay_bond_effective(&params, ASSAY_ROLE_PROVIDER, &bond),
                         active < 7 ? 0 : active);
        assert_int_equal(assay_bond_effective(&params, ASSAY_ROLE_CONSENSUS, &bond),
                         active < 7 ? 0 : active);
    }
}

static void test_exposure(void **state) {
    chain *c = *state;
    uint64_t multiple = c->genesis.params.bond_multiple, open;
    assay_error refusal = {0};
    assay_ledger ledger = chain_by_hand(c);
    assert_int_equal(assay_exposure_add(&ledger, &c->actors[WHO], 1, &refusal), ASSAY_REJECTED);
    assert_int_equal(refusal.reject, ASSAY_REJECT_PROVIDER_BOND);
    chain_by_hand_end(c, &ledger);

    assay_tx tx = bond_tx(c, ASSAY_TX_BOND, ASSAY_ROLE_PROVIDER, 10 * CHAIN_OPEN + multiple - 1);
    chain_run(c, &tx, NONE);
    ledger = chain_by_hand(c);
    const uint64_t limit = 10 * CHAIN_OPEN / multiple;
    must(assay_exposure_add(&ledger, &c->actors[WHO], limit - 5, err));
    const uint64_t over[] = {6, limit, UINT64_MAX - limit, UINT64_MAX};
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        assert_int_equal(assay_exposure_add(&ledger, &c->actors[WHO], over[i], &refusal),
                         ASSAY_REJECTED);
        assert_int_equal(refusal.reject, ASSAY_REJECT_EXPOSURE);
    }
    must(assay_exposure_add(&ledger, &c->actors[WHO], 5, err));
    must(assay_exposure_get(&open, &ledger.reader, &c->actors[WHO], err));
    assert_int_equal(open, limit);
    must(assay_exposure_remove(&ledger, &c->actors[WHO], limit, err));
    must(assay_exposure_get(&open, &ledger.reader, &c->actors[WHO], err));
    assert_int_equal(open, 0);
    chain_by_hand_end(c, &ledger);
}

// P-40: so many of a kind a block, the rest in the next.
static void test_due_limit(void **state) {
    chain *c = *state;
    assay_ledger ledger = chain_by_hand(c);
    for (uint32_t i = 0; i < 4096 + 1; i++) {
        uint8_t id[1 + ASSAY_ADDRESS_SIZE] = {ASSAY_ROLE_PROVIDER};
        assay_store_be32(id + 1, i);
        must(assay_due_put(&ledger, 1, ASSAY_DUE_UNBONDING, id, sizeof id, err));
    }
    for (int left = 1; left >= 0; left--) {
        uint64_t height;
        bool found;
        must(assay_due_run(&ledger, err));
        must(assay_due_first(&height, &found, ASSAY_DUE_UNBONDING, &ledger.reader, err));
        assert_int_equal(found, left);
    }
    chain_by_hand_end(c, &ledger);
}

// P-28: bonded addresses in order.
static void test_list(void **state) {
    chain *c = *state;
    for (uint32_t i = 1; i < 8; i++) {
        assay_tx tx = chain_tx(c, i, ASSAY_TX_BOND);
        tx.body.bond = (assay_tx_bond){ASSAY_ROLE_VERIFICATION, (10 + i) * CHAIN_OPEN};
        chain_add(c, &tx);
    }
    chain_block(c);
    assay_view view = chain_view(c);
    assay_address at = {{0}};
    assay_bond bond;
    bool found;
    uint64_t sum = 0;
    uint32_t seen = 0;
    for (;; seen++) {
        assay_address last = at;
        must(assay_bond_next(&at, &bond, &found, &view.reader, ASSAY_ROLE_VERIFICATION, err));
        if (!found) break;
        assert_true(memcmp(last.bytes, at.bytes, ASSAY_ADDRESS_SIZE) < 0);
        sum += bond.active;
    }
    assert_int_equal(seen, 7);
    assert_int_equal(sum, total_of(c, ASSAY_ROLE_VERIFICATION));
    assay_view_close(&view);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, chain_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_minimum),  TEST(test_release),   TEST(test_parts),
        TEST(test_slash),    TEST(test_slash_all), TEST(test_effective),
        TEST(test_exposure), TEST(test_due_limit), TEST(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
