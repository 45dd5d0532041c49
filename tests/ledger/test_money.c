// SPDX-License-Identifier: Apache-2.0
// Transfers, withdrawals, fees and nonces, at their limits.
#include "ledger/execute.h"
#include "ledger/record.h"
#include "tests/ledger/chain.h"

static assay_tx transfer(const chain *c, uint32_t from, uint32_t to, uint64_t amount) {
    assay_tx tx = chain_tx(c, from, ASSAY_TX_TRANSFER);
    tx.body.transfer.to = c->actors[to];
    tx.body.transfer.amount = amount;
    return tx;
}

// P-32, P-27
static void test_transfer(void **state) {
    chain *c = *state;
    assay_tx tx = transfer(c, 1, 2, 5 * CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    assert_int_equal(chain_balance(c, 1), CHAIN_BALANCE - 5 * CHAIN_OPEN - chain_fee(c, &tx));
    assert_int_equal(chain_balance(c, 2), CHAIN_BALANCE + 5 * CHAIN_OPEN);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_BURNED], chain_fee(c, &tx));

    // To oneself: only the fee goes.
    assay_tx self = transfer(c, 3, 3, CHAIN_OPEN);
    chain_run(c, &self, NONE);
    assert_int_equal(chain_balance(c, 3), CHAIN_BALANCE - chain_fee(c, &self));

    assay_tx zero = transfer(c, 1, 2, 1);
    zero.body.transfer.to = (assay_address){{0}};
    chain_refuse(c, &zero, ADDRESS_ZERO);
}

// P-27: a transfer that makes an account pays for its key, after all else.
static void test_key_fee(void **state) {
    chain *c = *state;
    uint64_t key_fee = c->genesis.params.key_fee;
    assay_tx tx = transfer(c, 1, 2, 7);
    memset(tx.body.transfer.to.bytes, 0x77, ASSAY_ADDRESS_SIZE);
    chain_run(c, &tx, NONE);
    assert_int_equal(chain_balance(c, 1), CHAIN_BALANCE - 7 - chain_fee(c, &tx) - key_fee);

    // Enough for the amount and the base fee, one nopen short of the key: refused, base fee paid.
    uint64_t left = chain_balance(c, 2);
    assay_tx large = transfer(c, 2, 3, 1);
    memset(large.body.transfer.to.bytes, 0x78, ASSAY_ADDRESS_SIZE);
    large.body.transfer.amount = left - chain_fee(c, &large) - key_fee + 1;
    chain_refuse(c, &large, FEE_SHORT);

    // And exactly enough leaves an account with nothing but its nonce.
    large = transfer(c, 2, 3, 1);
    memset(large.body.transfer.to.bytes, 0x78, ASSAY_ADDRESS_SIZE);
    large.body.transfer.amount = chain_balance(c, 2) - chain_fee(c, &large) - key_fee;
    chain_run(c, &large, NONE);
    assert_int_equal(chain_balance(c, 2), 0);
    assert_int_equal(chain_account(c, &c->actors[2]).nonces[0], 2);

    // Each pays for its own keys, not for those before it in the block.
    for (uint32_t i = 4; i < 6; i++) {
        tx = transfer(c, i, 2, 7);
        tx.body.transfer.to.bytes[0] ^= (uint8_t)i;
        chain_add(c, &tx);
    }
    chain_block(c);
    for (uint32_t i = 4; i < 6; i++)
        assert_int_equal(chain_balance(c, i), CHAIN_BALANCE - 7 - chain_fee(c, &tx) - key_fee);
}

// P-38: the first claim of a recipient costs a hundred keys, for it stays and is hashed for ever;
// later ones, by whomever, cost none.
static void test_claim_fee(void **state) {
    chain *c = *state;
    uint64_t fee = ASSAY_CLAIM_KEYS * c->genesis.params.key_fee;
    assay_tx tx = chain_tx(c, 1, ASSAY_TX_WITHDRAW);
    tx.body.withdraw = (assay_tx_withdraw){c->actors[5], 7};
    assert_true(assay_outflow_max(&tx, &c->genesis.params) >= 7 + fee);
    chain_run(c, &tx, NONE);
    assert_int_equal(chain_balance(c, 1), CHAIN_BALANCE - 7 - chain_fee(c, &tx) - fee);
    tx = chain_tx(c, 2, ASSAY_TX_WITHDRAW);
    tx.body.withdraw = (assay_tx_withdraw){c->actors[5], 7};
    chain_run(c, &tx, NONE);
    assert_int_equal(chain_balance(c, 2), CHAIN_BALANCE - 7 - chain_fee(c, &tx));

    // One nopen short of it: refused, and nothing is claimed.
    tx = chain_tx(c, 3, ASSAY_TX_WITHDRAW);
    tx.body.withdraw =
        (assay_tx_withdraw){c->actors[6], CHAIN_BALANCE - chain_fee(c, &tx) - fee + 1};
    chain_refuse(c, &tx, FEE_SHORT);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_CLAIMS], 14);
}

// P-39: what a proposer keeps payable for a transaction: the amount it names, keys, check prices.
static void test_outflow(void **state) {
    const chain *c = *state;
    const assay_params *params = &c->genesis.params;
    assay_tx bond = chain_tx(c, 1, ASSAY_TX_BOND), session = chain_tx(c, 1, ASSAY_TX_OPEN_SESSION),
             adapter = chain_tx(c, 1, ASSAY_TX_REGISTER_ADAPTER),
             batch = chain_tx(c, 1, ASSAY_TX_SUBMIT_BATCH);
    bond.body.bond = (assay_tx_bond){ASSAY_ROLE_VERIFICATION, 7};
    session.body.open_session.deposit = 7;
    batch.body.submit_batch =
        (assay_tx_submit_batch){.sessions = {NULL, 3}, .models = {NULL, 2}, .datasets = {NULL, 1}};
    const uint64_t key = params->key_fee, price = 100000 + UINT64_C(65536) * 10000;
    assert_int_equal(assay_outflow_max(&bond, params), 7 + (4 + 2 * ASSAY_ROOTS_MAX) * key);
    assert_int_equal(assay_outflow_max(&session, params), 7 + 4 * key);
    assert_int_equal(assay_outflow_max(&adapter, params), params->adapter_bond + 4 * key);
    assert_int_equal(assay_outflow_max(&batch, params), (4 + 2 * 6) * key + price * 3 * 2);
    session.body.open_session.deposit = UINT64_MAX;
    assert_int_equal(assay_outflow_max(&session, params), INT64_MAX);
}

// P-24: a sum that does not match its records is found, whichever it is.
static void test_scan(void **state) {
    chain *c = *state;
    const assay_hash root = {{0x7a}};
    for (int i = 0; i < 4; i++) {
        assay_ledger ledger = chain_by_hand(c);
        assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_DECLARED_SUM, &root);
        assay_totals totals;
        if (i == 1) ledger.totals.nopen[ASSAY_MONEY_BALANCES]++;
        if (i == 2) must(assay_amount_put(&ledger, &key, 1, err)); // nobody declares it
        assay_record_key_start(&key, ASSAY_TABLE_BOND_TOTAL);
        assay_record_key_add_u8(&key, ASSAY_ROLE_PROVIDER);
        if (i == 3) must(assay_amount_put(&ledger, &key, 1, err)); // nobody has bonded
        must(assay_totals_put(&ledger, err));
        assert_int_equal(assay_totals_scan(&totals, &ledger.reader, ledger.params, NULL),
                         i == 0 ? ASSAY_OK : ASSAY_MISMATCH);
        assay_store_abort(ledger.store);
    }
}

// P-24: amounts up to 2^64 - 1 against a balance that is smaller.
static void test_amount_limits(void **state) {
    chain *c = *state;
    const uint64_t amounts[] = {CHAIN_BALANCE,           CHAIN_BALANCE + 1,          INT64_MAX,
                                (uint64_t)INT64_MAX + 1, UINT64_MAX - CHAIN_BALANCE, UINT64_MAX};
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        assay_tx tx = transfer(c, 1, 2, amounts[i]);
        chain_refuse(c, &tx, BALANCE_SHORT);
        tx = chain_tx(c, 1, ASSAY_TX_WITHDRAW);
        tx.body.withdraw.recipient = c->actors[2];
        tx.body.withdraw.amount = amounts[i];
        chain_refuse(c, &tx, BALANCE_SHORT);
        tx = chain_tx(c, 1, ASSAY_TX_OPEN_SESSION);
        tx.body.open_session = (assay_tx_open_session){c->actors[2], amounts[i], UINT64_MAX,
                                                       UINT64_MAX, c->height + 50};
        chain_refuse(c, &tx, BALANCE_SHORT);
        tx = chain_tx(c, 1, ASSAY_TX_BOND);
        tx.body.bond = (assay_tx_bond){ASSAY_ROLE_PROVIDER, amounts[i]};
        chain_refuse(c, &tx, BALANCE_SHORT);
    }
}

// P-26: an account that has nothing but a nonce, of either lane, keeps it.
static void test_nonce_alone(void **state) {
    chain *c = *state;
    assay_ledger ledger = chain_by_hand(c);
    for (uint8_t lane = 0; lane < 2; lane++) {
        assay_account account;
        ledger.signer = ledger.principal = (assay_address){{0x79, lane}};
        must(assay_money_admit(&ledger, lane, 0, err));
        must(assay_account_get(&account, &ledger.reader, &ledger.signer, err));
        assert_int_equal(account.nonces[lane], 1);
    }
    chain_by_hand_end(c, &ledger);
}

// P-20: money that came and went leaves the state it found, key by key.
static void test_absent(void **state) {
    chain *c = *state;
    const assay_address stranger = {{0x77}};
    const assay_hash id = {{0x78}};
    assay_hash before = chain_digest(c, NULL);
    assay_ledger ledger = chain_by_hand(c);
    const assay_purse self = assay_purse_balance(&c->actors[1]);
    const assay_purse purses[] = {
        assay_purse_balance(&stranger),
        assay_purse_escrow(&id),
        assay_purse_bond(ASSAY_ROLE_PROVIDER, &stranger),
        assay_purse_pool(),
    };
    for (size_t i = 0; i < sizeof purses / sizeof *purses; i++) {
        must(assay_money_move(&ledger, self, purses[i], 20 * CHAIN_OPEN, err));
        must(assay_money_move(&ledger, purses[i], self, 20 * CHAIN_OPEN, err));
    }
    chain_by_hand_end(c, &ledger);
    assay_hash after = chain_digest(c, NULL);
    assert_memory_equal(&before, &after, sizeof after);
}

// P-38
static void test_withdraw(void **state) {
    chain *c = *state;
    assay_tx tx = chain_tx(c, 1, ASSAY_TX_WITHDRAW);
    tx.body.withdraw.recipient = c->actors[5];
    tx.body.withdraw.amount = 3 * CHAIN_OPEN;
    chain_run(c, &tx, NONE);
    tx = chain_tx(c, 2, ASSAY_TX_WITHDRAW);
    tx.body.withdraw.recipient = c->actors[5];
    tx.body.withdraw.amount = CHAIN_OPEN;
    chain_run(c, &tx, NONE);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_CLAIMS], 4 * CHAIN_OPEN);

    assay_view view = chain_view(c);
    assay_address recipient = {{0}};
    assay_claim_record claim;
    bool found;
    must(assay_claim_next(&recipient, &claim, &found, &view.reader, err));
    assert_true(found && assay_address_equal(&recipient, &c->actors[5]));
    assert_int_equal(claim.amount, 4 * CHAIN_OPEN);
    must(assay_claim_next(&recipient, &claim, &found, &view.reader, err));
    assert_false(found);
    assay_view_close(&view);

    tx = chain_tx(c, 1, ASSAY_TX_WITHDRAW);
    tx.body.withdraw.amount = 1;
    chain_refuse(c, &tx, ADDRESS_ZERO);
}

// P-26: strictly the next nonce, in its lane; a replay is not admitted.
static void test_nonces(void **state) {
    chain *c = *state;
    assay_tx tx = transfer(c, 1, 2, 1);
    chain_run(c, &tx, NONE);
    chain_keep_out(c, &tx, NONCE);
    tx.nonce = 2;
    chain_keep_out(c, &tx, NONCE);
    tx.nonce = UINT64_MAX;
    chain_keep_out(c, &tx, NONCE);
    tx.nonce = 1;
    chain_run(c, &tx, NONE);

    // Lane 1 counts by itself: its first transaction has nonce 0.
    assay_tx vote = chain_tx(c, 1, ASSAY_TX_VERDICT_COMMIT);
    vote.body.verdict_commit.batch = chain_open_batch(c, 2);
    assert_int_equal(vote.nonce, 0);
    chain_refuse(c, &vote, CASE_UNKNOWN);
    assert_int_equal(chain_account(c, &c->actors[1]).nonces[0], 2);
    assert_int_equal(chain_account(c, &c->actors[1]).nonces[1], 1);
}

// P-26: several of one signer in a block, the third twice and the fourth out of order.
static void test_nonces_in_block(void **state) {
    chain *c = *state;
    assay_tx txs[4];
    for (uint32_t i = 0; i < 4; i++) {
        txs[i] = transfer(c, 1, 2, i + 1);
        txs[i].nonce = i;
    }
    chain_add(c, &txs[0]);
    chain_add(c, &txs[1]);
    chain_add(c, &txs[1]);
    chain_add(c, &txs[3]);
    chain_add(c, &txs[2]);
    chain_block(c);
    chain_expect(c, 0, NONE);
    chain_expect(c, 1, NONE);
    chain_expect(c, 2, NONCE);
    chain_expect(c, 3, NONCE);
    chain_expect(c, 4, NONE);
    assert_int_equal(chain_balance(c, 2), CHAIN_BALANCE + 1 + 2 + 3);
}

// P-26, P-27: a fee that is not covered keeps a transaction out, one nopen more lets it in.
static void test_fee_cover(void **state) {
    chain *c = *state;
    assay_tx all = transfer(c, 1, 2, 1);
    assay_tx next = transfer(c, 1, 2, 1);
    all.body.transfer.amount = CHAIN_BALANCE - chain_fee(c, &all) - chain_fee(c, &next) + 1;
    chain_run(c, &all, NONE);
    next = transfer(c, 1, 2, 1);
    chain_keep_out(c, &next, FEE_SHORT);
    assay_tx gift = transfer(c, 2, 1, 1);
    chain_run(c, &gift, NONE);
    next = transfer(c, 1, 2, 1);
    chain_refuse(c, &next, BALANCE_SHORT);
    assert_int_equal(chain_balance(c, 1), 0);

    // An account nobody has heard of has nothing to pay with.
    assay_tx unknown = transfer(c, 1, 2, 1);
    chain_key(&c->keys[11], 99);
    must(assay_key_address(&c->actors[11], &c->keys[11], err));
    unknown = transfer(c, 11, 2, 1);
    chain_keep_out(c, &unknown, FEE_SHORT);
}

// P-6, P-4, P-26: what is damaged or for another chain is a result and changes nothing.
static void test_damaged(void **state) {
    chain *c = *state;
    assay_tx tx = transfer(c, 1, 2, 1);
    chain_add(c, &tx);
    size_t size = c->txs[0].size;
    uint8_t copy[512];
    memcpy(copy, c->txs[0].data, size);
    chain_block_clear(c);
    assay_hash before = chain_digest(c, NULL);

    for (size_t i = 0; i < size; i++) {
        copy[i] ^= 0x40;
        chain_add_bytes(c, copy, size);
        copy[i] ^= 0x40;
    }
    chain_add_bytes(c, copy, size - 1);
    copy[size] = 0;
    chain_add_bytes(c, copy, size + 1);
    chain_add_bytes(c, copy, 0);
    uint32_t count = c->tx_count;
    chain_block(c);
    for (uint32_t i = 0; i < count; i++)
        assert_in_range(chain_code(c, i), 100, 139);
    chain_expect(c, (uint32_t)size, TX_TRUNCATED);
    chain_expect(c, (uint32_t)size + 1, TX_TRAILING);
    assay_hash after = chain_digest(c, NULL);
    assert_memory_equal(&before, &after, sizeof after);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, chain_setup, chain_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_transfer),      TEST(test_key_fee),         TEST(test_claim_fee),
        TEST(test_amount_limits), TEST(test_outflow),         TEST(test_scan),
        TEST(test_withdraw),      TEST(test_nonce_alone),     TEST(test_absent),
        TEST(test_nonces),        TEST(test_nonces_in_block), TEST(test_fee_cover),
        TEST(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
