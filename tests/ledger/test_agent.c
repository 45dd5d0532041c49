// SPDX-License-Identifier: Apache-2.0
// Agents: who may sign what for whom, until when, and for how much of the principal's money.
#include "ledger/agent.h"
#include "tests/ledger/chain.h"

enum { BOSS = 1, AGENT = 2, OTHER = 3 };

static assay_tx authorize(const chain *c, uint32_t agent, uint32_t scopes, uint64_t expiry,
                          uint64_t limit) {
    assay_tx tx = chain_tx(c, BOSS, ASSAY_TX_AUTHORIZE_AGENT);
    tx.body.authorize_agent = (assay_tx_authorize_agent){c->actors[agent], scopes, expiry, limit};
    return tx;
}

static assay_tx withdraw_authority(const chain *c, uint32_t agent) {
    assay_tx tx = chain_tx(c, BOSS, ASSAY_TX_REVOKE_AGENT);
    tx.body.revoke_agent.agent = c->actors[agent];
    return tx;
}

static assay_tx spend(const chain *c, uint32_t agent, uint64_t amount) {
    assay_tx tx = chain_agent_tx(c, agent, BOSS, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[OTHER], amount};
    return tx;
}

static assay_allowance allowance(const chain *c) {
    assay_view view = chain_view(c);
    assay_allowance out;
    must(assay_allowance_get(&out, &view.reader, &c->actors[BOSS], err));
    assay_view_close(&view);
    return out;
}

// P-31, P-9: the principal's money, the agent's nonce.
static void test_acts(void **state) {
    chain *c = *state;
    assay_tx tx = spend(c, AGENT, 5);
    chain_keep_out(c, &tx, AGENT_UNKNOWN);
    tx = authorize(c, AGENT, ASSAY_SCOPE_TRANSFER, 1000, CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    uint64_t before = chain_balance(c, BOSS);
    tx = spend(c, AGENT, 5);
    chain_run(c, &tx, NONE);
    assert_int_equal(chain_balance(c, BOSS), before - 5 - chain_fee(c, &tx));
    assert_int_equal(chain_balance(c, AGENT), CHAIN_BALANCE);
    assert_int_equal(chain_account(c, &c->actors[AGENT]).nonces[0], 1);
    assert_int_equal(allowance(c).spent, 5 + chain_fee(c, &tx));

    // A refused transaction still took its fee from the limit.
    tx = spend(c, AGENT, 5);
    tx.body.transfer.to = (assay_address){{0}};
    chain_run(c, &tx, ADDRESS_ZERO);
    assert_int_equal(allowance(c).spent, 5 + 2 * chain_fee(c, &tx));

    tx = withdraw_authority(c, AGENT);
    chain_run(c, &tx, NONE);
    tx = spend(c, AGENT, 5);
    chain_keep_out(c, &tx, AGENT_UNKNOWN);
    tx = withdraw_authority(c, AGENT);
    chain_refuse(c, &tx, AGENT_UNKNOWN);
}

// P-31: what cannot be authorised.
static void test_refused(void **state) {
    chain *c = *state;
    assay_tx tx = authorize(c, BOSS, ASSAY_SCOPE_ALL, 1000, 1);
    chain_refuse(c, &tx, AGENT_SELF);
    tx = authorize(c, AGENT, ASSAY_SCOPE_ALL, 1000, 1);
    tx.body.authorize_agent.agent = (assay_address){{0}};
    chain_refuse(c, &tx, ADDRESS_ZERO);
    tx = authorize(c, AGENT, ASSAY_SCOPE_ALL, c->height + 1, 1);
    chain_refuse(c, &tx, AGENT_EXPIRY);
}

// P-31: the last height is inclusive.
static void test_expiry(void **state) {
    chain *c = *state;
    uint64_t last = c->height + 3;
    assay_tx tx = authorize(c, AGENT, ASSAY_SCOPE_TRANSFER, last, CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    chain_until(c, last - 1);
    tx = spend(c, AGENT, 1);
    chain_run(c, &tx, NONE);
    assert_int_equal(c->height, last);
    tx = spend(c, AGENT, 1);
    chain_keep_out(c, &tx, AGENT_EXPIRED);
}

static assay_hash open_batch; // lane 1 needs one (P-26)

// Fills what decoding checks; whether the rule then accepts is not the question here.
static void body_fill(const chain *c, assay_tx *tx) {
    static const assay_session_row session = {.first_sequence = 1, .count = 1, .fee_sum = 1};
    static const assay_model_row model = {.fee_sum = 1};
    static const uint8_t proof[64];
    const assay_bytes word = {(const uint8_t *)"x", 1};
    switch (tx->kind) {
    case ASSAY_TX_TRANSFER:
    case ASSAY_TX_WITHDRAW:
        tx->body.transfer.amount = 1;
        break;
    case ASSAY_TX_BOND:
    case ASSAY_TX_UNBOND:
        tx->body.bond = (assay_tx_bond){1, 1};
        break;
    case ASSAY_TX_AUTHORIZE_AGENT:
        tx->body.authorize_agent = (assay_tx_authorize_agent){c->actors[OTHER], 1, 9999, 1};
        break;
    case ASSAY_TX_REGISTER_DATASET:
        tx->body.register_dataset = (assay_tx_register_dataset){
            .chunk_count = 1, .byte_count = 1, .license = word, .name = word, .uri = word};
        break;
    case ASSAY_TX_REGISTER_MODEL:
        tx->body.register_model =
            (assay_tx_register_model){.byte_count = 1, .name = word, .uri = word};
        break;
    case ASSAY_TX_REGISTER_ADAPTER:
        tx->body.register_adapter =
            (assay_tx_register_adapter){.byte_count = 1, .name = word, .uri = word};
        break;
    case ASSAY_TX_REGISTER_VALIDATOR:
        tx->body.register_validator.proof = (assay_bytes){proof, sizeof proof};
        break;
    case ASSAY_TX_REGISTER_CHAIN:
        tx->body.register_chain.length = 1;
        break;
    case ASSAY_TX_OPEN_SESSION:
        tx->body.open_session = (assay_tx_open_session){c->actors[OTHER], 1, 1, 1, 1};
        break;
    case ASSAY_TX_SUBMIT_BATCH:
        tx->body.submit_batch = (assay_tx_submit_batch){.count = 1,
                                                        .fee_total = 1,
                                                        .receipt_bytes = 1,
                                                        .uri = word,
                                                        .sessions = {&session, 1},
                                                        .models = {&model, 1}};
        break;
    case ASSAY_TX_POST_EVIDENCE:
        tx->body.post_evidence =
            (assay_tx_post_evidence){open_batch, .part_count = 1, .data = word};
        break;
    case ASSAY_TX_VERDICT_COMMIT:
        tx->body.verdict_commit.batch = open_batch;
        break;
    case ASSAY_TX_VERDICT_REVEAL:
        tx->body.verdict_reveal.batch = open_batch;
        break;
    default:
        break;
    }
}

// P-9: each kind with every scope but its own, and with its own alone.
static void test_scopes(void **state) {
    chain *c = *state;
    open_batch = chain_open_batch(c, BOSS);
    for (uint32_t kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++) {
        if (kind == ASSAY_TX_BEACON) continue;
        uint32_t needed = assay_tx_scope((assay_tx_kind)kind);
        assay_tx tx = authorize(c, AGENT, needed ? ASSAY_SCOPE_ALL & ~needed : ASSAY_SCOPE_ALL,
                                c->height + 1000, 100 * CHAIN_OPEN);
        chain_run(c, &tx, NONE);
        assay_tx act = chain_agent_tx(c, AGENT, BOSS, (assay_tx_kind)kind);
        body_fill(c, &act);
        chain_keep_out(c, &act, AGENT_SCOPE);
        if (needed == 0) continue;
        tx = authorize(c, AGENT, needed, c->height + 1000, 100 * CHAIN_OPEN);
        chain_run(c, &tx, NONE);
        chain_add(c, &act);
        chain_block(c);
        assert_true(chain_code(c, 0) != ASSAY_REJECT_AGENT_SCOPE);
        assert_int_equal(chain_account(c, &c->actors[AGENT]).nonces[act.lane], act.nonce + 1);
    }
}

// P-31: one limit for all agents of a principal, in each epoch anew, to the nopen.
static void test_limit(void **state) {
    chain *c = *state;
    chain_until(c, 20); // a fresh epoch: 21 … 40
    assay_tx tx = spend(c, AGENT, 1000);
    uint64_t fee = chain_fee(c, &tx), limit = 3 * fee + 1000;
    tx = authorize(c, AGENT, ASSAY_SCOPE_TRANSFER, 1000, 1);
    chain_run(c, &tx, NONE);
    tx = authorize(c, OTHER, ASSAY_SCOPE_TRANSFER, 1000, limit);
    chain_run(c, &tx, NONE);
    tx = spend(c, AGENT, 400);
    chain_run(c, &tx, NONE);
    tx = spend(c, OTHER, fee + 601); // refused by its rule, so its fee counts
    chain_run(c, &tx, AGENT_LIMIT);
    assert_int_equal(allowance(c).spent, 2 * fee + 400);
    tx = spend(c, OTHER, 600);
    chain_run(c, &tx, NONE);
    assert_int_equal(allowance(c).spent, limit);
    tx = spend(c, AGENT, 1);
    chain_keep_out(c, &tx, AGENT_LIMIT);

    // A new limit does not forget what was spent; a new epoch does.
    tx = authorize(c, AGENT, ASSAY_SCOPE_TRANSFER, 1000, limit + fee - 1);
    chain_run(c, &tx, NONE);
    tx = spend(c, AGENT, 1);
    chain_keep_out(c, &tx, AGENT_LIMIT);
    tx = authorize(c, AGENT, ASSAY_SCOPE_TRANSFER, 1000, 1); // less than was spent
    chain_run(c, &tx, NONE);
    tx = spend(c, AGENT, 1);
    chain_keep_out(c, &tx, AGENT_LIMIT);
    tx = authorize(c, AGENT, ASSAY_SCOPE_TRANSFER, 1000, limit);
    chain_run(c, &tx, NONE);
    chain_until(c, 40);
    tx = spend(c, AGENT, 1);
    chain_run(c, &tx, NONE);
    assert_int_equal(allowance(c).epoch, 2);
    assert_int_equal(allowance(c).spent, fee + 1);
}

// P-31: limits at the end of the range.
static void test_limit_max(void **state) {
    chain *c = *state;
    assay_tx tx = authorize(c, AGENT, ASSAY_SCOPE_TRANSFER, UINT64_MAX, UINT64_MAX);
    chain_run(c, &tx, NONE);
    tx = spend(c, AGENT, UINT64_MAX);
    chain_run(c, &tx, AGENT_LIMIT); // the fee is spent already: less than 2^64 - 1 is left
    tx = spend(c, AGENT, UINT64_MAX / 2);
    chain_run(c, &tx, BALANCE_SHORT);
    tx = spend(c, AGENT, CHAIN_OPEN);
    chain_run(c, &tx, NONE);
}

// P-31: deposits and bonds count too, and belong to the principal.
static void test_all_money(void **state) {
    chain *c = *state;
    assay_tx tx = authorize(c, AGENT, ASSAY_SCOPE_ALL, 1000, 50 * CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    tx = chain_agent_tx(c, AGENT, BOSS, ASSAY_TX_OPEN_SESSION);
    tx.body.open_session = (assay_tx_open_session){c->actors[OTHER], 20 * CHAIN_OPEN, 1, 1, 500};
    chain_run(c, &tx, NONE);
    assert_true(allowance(c).spent > 20 * CHAIN_OPEN);
    tx = chain_agent_tx(c, AGENT, BOSS, ASSAY_TX_BOND);
    tx.body.bond = (assay_tx_bond){ASSAY_ROLE_PROVIDER, 29 * CHAIN_OPEN};
    chain_run(c, &tx, NONE);
    assert_true(allowance(c).spent > 49 * CHAIN_OPEN);
    tx = chain_agent_tx(c, AGENT, BOSS, ASSAY_TX_WITHDRAW);
    tx.body.withdraw = (assay_tx_withdraw){c->actors[AGENT], CHAIN_OPEN};
    chain_run(c, &tx, AGENT_LIMIT);

    assay_view view = chain_view(c);
    assay_bond bond;
    must(assay_bond_get(&bond, &view.reader, ASSAY_ROLE_PROVIDER, &c->actors[BOSS], err));
    assert_int_equal(bond.active, 29 * CHAIN_OPEN);
    assay_view_close(&view);
}

// P-27: an agent's first transaction makes its account, in whichever lane, and pays for that once.
static void test_new_account(void **state) {
    enum { NEW = CHAIN_ACTORS - 1 };
    chain *c = chain_new();
    c->genesis.account_count--; // the last actor has none
    chain_start(c);
    assay_hash batch = chain_open_batch(c, OTHER);
    assay_tx tx = authorize(c, NEW, ASSAY_SCOPE_ALL, 1000, CHAIN_OPEN);
    chain_run(c, &tx, NONE);
    uint64_t before = chain_balance(c, BOSS);
    tx = chain_agent_tx(c, NEW, BOSS, ASSAY_TX_VERDICT_COMMIT);
    tx.body.verdict_commit.batch = batch;
    chain_run(c, &tx, CASE_UNKNOWN);
    assert_int_equal(before - chain_balance(c, BOSS),
                     chain_fee(c, &tx) + c->genesis.params.key_fee);
    before = chain_balance(c, BOSS);
    tx = spend(c, NEW, 5);
    chain_run(c, &tx, NONE);
    assert_int_equal(before - chain_balance(c, BOSS), chain_fee(c, &tx) + 5);
    chain_end(c);
}

// P-31: the list of a principal's agents.
static void test_list(void **state) {
    chain *c = *state;
    for (uint32_t i = 2; i < 6; i++) {
        assay_tx tx = authorize(c, i, i, 1000 + i, 9);
        chain_run(c, &tx, NONE);
    }
    assay_view view = chain_view(c);
    assay_address at = {{0}};
    assay_agent agent;
    bool found;
    uint32_t seen = 0;
    for (;;) {
        assay_address last = at;
        must(assay_agent_next(&at, &agent, &found, &view.reader, &c->actors[BOSS], err));
        if (!found) break;
        assert_true(memcmp(last.bytes, at.bytes, ASSAY_ADDRESS_SIZE) < 0);
        assert_true(assay_address_equal(&at, &c->actors[agent.scopes]));
        assert_int_equal(agent.expiry, 1000 + agent.scopes);
        seen++;
    }
    assert_int_equal(seen, 4);
    assay_view_close(&view);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, chain_setup, chain_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_acts),      TEST(test_refused), TEST(test_expiry),
        TEST(test_scopes),    TEST(test_limit),   TEST(test_limit_max),
        TEST(test_all_money), TEST(test_list),    cmocka_unit_test(test_new_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
