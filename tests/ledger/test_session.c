// SPDX-License-Identifier: Apache-2.0
// Sessions: opened, reserved from, closed, ended, gone.
#include "ledger/due.h"
#include "tests/ledger/chain.h"

enum { CONSUMER = 1, PROVIDER = 2, OTHER = 3 };

static assay_tx open_tx(const chain *c, uint64_t deposit, uint64_t expiry) {
    assay_tx tx = chain_tx(c, CONSUMER, ASSAY_TX_OPEN_SESSION);
    tx.body.open_session = (assay_tx_open_session){c->actors[PROVIDER], deposit, 3, 4, expiry};
    return tx;
}

static assay_hash open_session(chain *c, uint64_t deposit, uint64_t expiry) {
    assay_tx tx = open_tx(c, deposit, expiry);
    assay_hash id = chain_add(c, &tx);
    chain_block(c);
    chain_expect(c, 0, NONE);
    return id;
}

static assay_tx close_tx(const chain *c, uint32_t actor, const assay_hash *id) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_CLOSE_SESSION);
    tx.body.close_session.session = *id;
    return tx;
}

// As a rule reads it.
static bool session_of(const chain *c, assay_session *out, const assay_hash *id) {
    assay_view view = chain_view(c);
    bool found;
    view.reader.rules = true;
    must(assay_session_get(out, &found, &view.reader, id, err));
    assay_view_close(&view);
    return found;
}

static uint32_t reserve(chain *c, const assay_hash *id, uint32_t provider, uint64_t first,
                        uint32_t count, uint64_t fee_sum) {
    assay_error refusal = {0};
    assay_ledger ledger = chain_by_hand(c);
    assay_status status =
        assay_session_reserve(&ledger, id, &c->actors[provider], first, count, fee_sum, &refusal);
    assert_true(status == ASSAY_OK || status == ASSAY_REJECTED);
    chain_by_hand_end(c, &ledger);
    return refusal.reject;
}

// P-37: what is opened is what is read; its id is the digest.
static void test_open(void **state) {
    chain *c = *state;
    assay_hash id = open_session(c, 7 * CHAIN_OPEN, 500);
    assay_session session;
    assert_true(session_of(c, &session, &id));
    assert_true(assay_address_equal(&session.principal, &c->actors[CONSUMER]));
    assert_true(assay_address_equal(&session.opener, &c->actors[CONSUMER]));
    assert_true(assay_address_equal(&session.provider, &c->actors[PROVIDER]));
    assert_int_equal(session.opened, c->height);
    assert_int_equal(session.price_in, 3);
    assert_int_equal(session.price_out, 4);
    assert_int_equal(session.expiry, 500);
    assert_int_equal(session.end, 500 + c->genesis.params.close_delay);
    assert_int_equal(session.free, 7 * CHAIN_OPEN);
    assert_int_equal(session.reserved + session.ended + session.last_sequence, 0);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_DEPOSITS], 7 * CHAIN_OPEN);
}

// P-37
static void test_open_refused(void **state) {
    chain *c = *state;
    uint64_t max = c->genesis.params.expiry_max;
    assay_tx tx = open_tx(c, 1, c->height + 1); // the height of its own block
    chain_refuse(c, &tx, SESSION_EXPIRY);
    tx = open_tx(c, 1, c->height + 1 + max + 1);
    chain_refuse(c, &tx, SESSION_EXPIRY);
    tx = open_tx(c, 1, UINT64_MAX);
    chain_refuse(c, &tx, SESSION_EXPIRY);
    tx = open_tx(c, 1, 100);
    tx.body.open_session.provider = c->actors[CONSUMER];
    chain_refuse(c, &tx, SESSION_PROVIDER);
    tx.body.open_session.provider = (assay_address){{0}};
    tx.nonce++;
    chain_refuse(c, &tx, ADDRESS_ZERO);
    tx = open_tx(c, 1, c->height + 1 + max);
    chain_run(c, &tx, NONE);
}

// P-37: sequences without gaps, from the free deposit, by the one provider.
static void test_reserve(void **state) {
    chain *c = *state;
    assay_hash id = open_session(c, 1000, 500), unknown = {{7}};
    assert_int_equal(reserve(c, &unknown, PROVIDER, 1, 1, 1), ASSAY_REJECT_SESSION_UNKNOWN);
    assert_int_equal(reserve(c, &id, OTHER, 1, 1, 1), ASSAY_REJECT_SESSION_PROVIDER);
    assert_int_equal(reserve(c, &id, PROVIDER, 0, 1, 1), ASSAY_REJECT_SEQUENCE);
    assert_int_equal(reserve(c, &id, PROVIDER, 2, 1, 1), ASSAY_REJECT_SEQUENCE);
    assert_int_equal(reserve(c, &id, PROVIDER, 1, 1, 1001), ASSAY_REJECT_DEPOSIT_SHORT);
    assert_int_equal(reserve(c, &id, PROVIDER, 1, 1, UINT64_MAX), ASSAY_REJECT_DEPOSIT_SHORT);
    assert_int_equal(reserve(c, &id, PROVIDER, 1, 65536, 600), ASSAY_REJECT_NONE);
    assert_int_equal(reserve(c, &id, PROVIDER, 65537, 2, 401), ASSAY_REJECT_DEPOSIT_SHORT);
    assert_int_equal(reserve(c, &id, PROVIDER, 65536, 2, 400), ASSAY_REJECT_SEQUENCE);
    assert_int_equal(reserve(c, &id, PROVIDER, 65537, 2, 400), ASSAY_REJECT_NONE);
    assay_session session;
    assert_true(session_of(c, &session, &id));
    assert_int_equal(session.free, 0);
    assert_int_equal(session.reserved, 1000);
    assert_int_equal(session.last_sequence, 65538);
}

// The height at which the first session ends by itself, 0: none does.
static void expect_due(const chain *c, uint64_t expected) {
    assay_view view = chain_view(c);
    uint64_t height = 0;
    bool found;
    must(assay_due_first(&height, &found, ASSAY_DUE_SESSION, &view.reader, err));
    assert_int_equal(found ? height : 0, expected);
    assay_view_close(&view);
}

// P-37, P-40: closing gives close_delay more blocks; what is free returns at the end of the last.
static void test_close(void **state) {
    chain *c = *state;
    uint64_t delay = c->genesis.params.close_delay;
    assay_hash id = open_session(c, 1000, 500), unknown = {{7}};
    assay_tx tx = close_tx(c, OTHER, &id);
    chain_refuse(c, &tx, SESSION_OWNER);
    tx = close_tx(c, CONSUMER, &unknown);
    chain_refuse(c, &tx, SESSION_UNKNOWN);
    for (int i = 0; i < 2; i++) {
        tx = close_tx(c, CONSUMER, &id);
        chain_add(c, &tx);
    }
    chain_block(c);
    chain_expect(c, 0, NONE);
    chain_expect(c, 1, SESSION_CLOSED); // to the same end
    uint64_t end = c->height + delay;
    tx = close_tx(c, CONSUMER, &id);
    chain_refuse(c, &tx, SESSION_CLOSED);
    expect_due(c, end);
    uint64_t balance = chain_balance(c, CONSUMER);
    assert_int_equal(reserve(c, &id, PROVIDER, 1, 5, 300), ASSAY_REJECT_NONE);
    chain_until(c, end - 1);
    assert_int_equal(chain_balance(c, CONSUMER), balance);
    chain_block(c);
    assert_int_equal(chain_balance(c, CONSUMER), balance + 700);

    // Ended, but something is reserved: it stays, for its batch alone.
    assay_session session;
    assert_true(session_of(c, &session, &id));
    assert_int_equal(session.ended, end);
    expect_due(c, 0); // nor at the end that it had before it was closed
    assert_int_equal(reserve(c, &id, PROVIDER, 6, 1, 0), ASSAY_REJECT_SESSION_ENDED);
    tx = close_tx(c, CONSUMER, &id);
    chain_run(c, &tx, SESSION_CLOSED);
    balance = chain_balance(c, CONSUMER);
    assay_ledger ledger = chain_by_hand(c);
    must(assay_session_settle(&ledger, &id, 100, err));
    must(assay_money_move(&ledger, assay_purse_pool(), assay_purse_burned(), 100, err));
    must(assay_session_refund(&ledger, &id, 200, err));
    chain_by_hand_end(c, &ledger);
    assert_int_equal(chain_balance(c, CONSUMER), balance + 200);
    assert_false(session_of(c, &session, &id));
}

// P-10: requests are signed by who opened the session, or by its principal.
static void test_signers(void **state) {
    chain *c = *state;
    assay_session session = {.principal = c->actors[CONSUMER], .opener = c->actors[OTHER]};
    for (uint32_t actor = 1; actor < 5; actor++) {
        assay_request request = {.sequence = 1};
        must(assay_request_sign(&request, &c->domain, &c->keys[actor], err));
        assert_int_equal(assay_session_signer_check(&session, &request, &c->domain, NULL),
                         actor == CONSUMER || actor == OTHER ? ASSAY_OK : ASSAY_SIGNATURE);
    }
}

// P-37: the last block still counts, the one after does not.
static void test_last_block(void **state) {
    chain *c = *state;
    assay_hash id = open_session(c, 1000, c->height + 10);
    assay_session session;
    assert_true(session_of(c, &session, &id));
    chain_until(c, session.end - 2);
    assert_int_equal(reserve(c, &id, PROVIDER, 1, 1, 1), ASSAY_REJECT_NONE);
    assert_int_equal(reserve(c, &id, PROVIDER, 2, 1, 1), ASSAY_REJECT_NONE);
    assert_int_equal(c->height, session.end);
    assert_int_equal(reserve(c, &id, PROVIDER, 3, 1, 1), ASSAY_REJECT_SESSION_ENDED);
}

// P-37: it expires by itself; refunds of an open session become free again.
static void test_expiry(void **state) {
    chain *c = *state;
    uint64_t expiry = c->height + 10;
    assay_hash id = open_session(c, 1000, expiry);
    assert_int_equal(reserve(c, &id, PROVIDER, 1, 1, 1000), ASSAY_REJECT_NONE);
    assay_ledger ledger = chain_by_hand(c);
    must(assay_session_refund(&ledger, &id, 400, err));
    must(assay_session_settle(&ledger, &id, 600, err));
    must(assay_money_move(&ledger, assay_purse_pool(), assay_purse_burned(), 600, err));
    chain_by_hand_end(c, &ledger);
    assay_session session;
    assert_true(session_of(c, &session, &id));
    assert_int_equal(session.free, 400);
    assert_int_equal(session.reserved, 0);
    uint64_t balance = chain_balance(c, CONSUMER);
    chain_until(c, expiry + c->genesis.params.close_delay - 1);
    assert_int_equal(chain_balance(c, CONSUMER), balance);
    chain_block(c);
    assert_int_equal(chain_balance(c, CONSUMER), balance + 400);
    assert_false(session_of(c, &session, &id));

    // Gone from the state, still to be looked up.
    assay_view view = chain_view(c);
    bool found;
    must(assay_session_get(&session, &found, &view.reader, &id, err));
    assert_true(found);
    assert_int_equal(session.ended, c->height);
    assert_int_equal(session.last_sequence, 1);
    assay_view_close(&view);
}

// P-37: the lists by principal and provider, ended ones too.
static void test_lists(void **state) {
    chain *c = *state;
    assay_hash first = open_session(c, 10, c->height + 2);
    open_session(c, 20, 500);
    chain_blocks(c, 10);
    assay_session session;
    assert_false(session_of(c, &session, &first));
    assay_view view = chain_view(c);
    bool found;
    for (int side = 0; side < 2; side++) {
        assay_hash at = {{0}};
        uint32_t seen = 0, ended = 0;
        for (;; seen++) {
            if (side == 0)
                must(assay_session_next_of_principal(&at, &session, &found, &view.reader,
                                                     &c->actors[CONSUMER], err));
            else
                must(assay_session_next_of_provider(&at, &session, &found, &view.reader,
                                                    &c->actors[PROVIDER], err));
            if (!found) break;
            ended += session.ended != 0;
        }
        assert_int_equal(seen, 2);
        assert_int_equal(ended, 1);
    }
    assay_view_close(&view);
}

// P-40: more sessions end at one height than one block handles; none is forgotten.
static void test_many_due(void **state) {
    chain *c = *state;
    enum { COUNT = 4096 + 200, EACH = COUNT / 8 };
    uint64_t expiry = 30, end = expiry + c->genesis.params.close_delay;
    for (uint32_t block = 0; block < 8; block++) {
        assay_tx tx = open_tx(c, 1, expiry);
        for (uint32_t i = 0; i < EACH; i++, tx.nonce++)
            chain_add(c, &tx);
        chain_block(c);
    }
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_DEPOSITS], COUNT);
    uint64_t balance = chain_balance(c, CONSUMER);
    chain_until(c, end);
    assert_int_equal(chain_balance(c, CONSUMER), balance + 4096);
    chain_block(c);
    assert_int_equal(chain_balance(c, CONSUMER), balance + COUNT);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_DEPOSITS], 0);
}

// P-40: what is due of one kind, however much, keeps nothing of another kind waiting.
static void test_kinds_wait_for_themselves(void **state) {
    chain *c = *state;
    enum { COUNT = 4096 + 200 };
    uint64_t expiry = 30, end = expiry + c->genesis.params.close_delay, first;
    bool found;
    assay_tx tx = open_tx(c, 1, expiry);
    chain_run(c, &tx, NONE);
    assay_ledger ledger = chain_by_hand(c);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t id[1 + ASSAY_ADDRESS_SIZE] = {ASSAY_ROLE_PROVIDER}; // of nobody's bond
        assay_store_be32(id + 1, i + 1);
        must(assay_due_put(&ledger, end, ASSAY_DUE_UNBONDING, id, sizeof id, err));
    }
    chain_by_hand_end(c, &ledger);
    uint64_t balance = chain_balance(c, CONSUMER);
    chain_until(c, end - 1);
    assert_int_equal(chain_balance(c, CONSUMER), balance);
    chain_block(c);
    assert_int_equal(chain_balance(c, CONSUMER), balance + 1);
    for (int left = 1; left >= 0; left--) {
        assay_view view = chain_view(c);
        must(assay_due_first(&first, &found, ASSAY_DUE_UNBONDING, &view.reader, err));
        assert_int_equal(found, left);
        if (left) assert_int_equal(first, end);
        assay_view_close(&view);
        chain_block(c);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, chain_setup, chain_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_open),     TEST(test_open_refused),
        TEST(test_reserve),  TEST(test_close),
        TEST(test_signers),  TEST(test_last_block),
        TEST(test_expiry),   TEST(test_lists),
        TEST(test_many_due), TEST(test_kinds_wait_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
