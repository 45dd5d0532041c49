// SPDX-License-Identifier: Apache-2.0
// Commitments: whoever learns a root from a registration is commitment_blocks too late for it.
#include "ledger/registry.h"
#include "tests/ledger/chain.h"

enum { MAKER = 1, THIEF = 2, RICH = 3, AGE = 5 };

static int setup(void **state) {
    chain *c = *state = chain_new();
    c->genesis.params.commitment_blocks = AGE;
    chain_start(c);
    return 0;
}

static assay_hash root_of(uint8_t number) {
    assay_hash root;
    memset(root.bytes, number, sizeof root.bytes);
    return root;
}

static const assay_hash *salt_of(assay_tx_kind kind) {
    static const assay_hash grain = {{7}};
    return kind == ASSAY_TX_REGISTER_DATASET ? &grain : NULL;
}

// A registration of a root; an adapter's base is model 9.
static assay_tx register_tx(const chain *c, uint32_t actor, assay_tx_kind kind, uint8_t root) {
    static const assay_bytes text = {(const uint8_t *)"text", 4};
    assay_tx tx = chain_tx(c, actor, kind);
    if (kind == ASSAY_TX_REGISTER_MODEL)
        tx.body.register_model = (assay_tx_register_model){root_of(root), 1 << 20, 0, text, text};
    else if (kind == ASSAY_TX_REGISTER_ADAPTER)
        tx.body.register_adapter = (assay_tx_register_adapter){
            root_of(9), root_of(root), 1 << 20, 0, text, text, {NULL, 0}};
    else
        tx.body.register_dataset = (assay_tx_register_dataset){
            root_of(root), *salt_of(kind), 1, 1, text, text, text, {{0}}};
    return tx;
}

static void commit(chain *c, uint32_t actor, assay_tx_kind kind, uint8_t root) {
    assay_hash id = root_of(root);
    chain_commit_add(c, actor, &id, salt_of(kind));
    chain_block(c);
    chain_expect(c, 0, NONE);
}

static void base_make(chain *c) {
    commit(c, RICH, ASSAY_TX_REGISTER_MODEL, 9);
    chain_blocks(c, AGE - 1);
    assay_tx tx = register_tx(c, RICH, ASSAY_TX_REGISTER_MODEL, 9);
    chain_run(c, &tx, NONE);
}

// The height of the actor's commitment to the root, 0 if it has none.
static uint64_t committed_at(const chain *c, uint32_t actor, assay_tx_kind kind, uint8_t root) {
    assay_view view = chain_view(c);
    assay_hash hash, id = root_of(root);
    assay_commitment date = {0};
    bool found;
    assay_commitment_hash(&hash, &id, salt_of(kind), &c->actors[actor]);
    must(assay_commitment_get(&date, &found, &view.reader, &hash, err));
    assay_view_close(&view);
    return found ? date.height : 0;
}

static const assay_tx_kind kinds[] = {ASSAY_TX_REGISTER_DATASET, ASSAY_TX_REGISTER_MODEL,
                                      ASSAY_TX_REGISTER_ADAPTER};
static const uint32_t taken[] = {ASSAY_REJECT_DATASET_EXISTS, ASSAY_REJECT_MODEL_EXISTS,
                                 ASSAY_REJECT_ADAPTER_EXISTS};

// P-34: without a salt the commitment is to 32 zeros.
static void test_hash(void **state) {
    uint8_t bytes[84] = {0};
    assay_hash root = root_of(1), zero = {{0}}, expected, plain, salted;
    assay_address owner = {{9}};
    memcpy(bytes, root.bytes, 32);
    memcpy(bytes + 64, owner.bytes, 20);
    assay_sha256_of(&expected, bytes, sizeof bytes);
    assay_commitment_hash(&plain, &root, NULL, &owner);
    assay_commitment_hash(&salted, &root, &zero, &owner);
    assert_memory_equal(&plain, &expected, sizeof expected);
    assert_memory_equal(&salted, &expected, sizeof expected);
}

// P-33, P-34, P-35: not without a commitment, not before it is commitment_blocks old, and then
// once.
static void test_age(void **state) {
    chain *c = *state;
    base_make(c);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t root = 10 + i;
        assay_tx tx = register_tx(c, MAKER, kinds[i], root);
        chain_refuse(c, &tx, COMMITMENT_UNKNOWN);
        commit(c, MAKER, kinds[i], root);
        uint64_t committed = c->height;
        assert_int_equal(committed_at(c, MAKER, kinds[i], root), committed);
        while (c->height + 1 < committed + AGE) {
            tx = register_tx(c, MAKER, kinds[i], root);
            chain_refuse(c, &tx, COMMITMENT_EARLY);
        }
        tx = register_tx(c, MAKER, kinds[i], root);
        chain_run(c, &tx, NONE);
        assert_int_equal(c->height, committed + AGE);
        assert_int_equal(committed_at(c, MAKER, kinds[i], root), 0); // used up
        commit(c, MAKER, kinds[i], root);                            // and may be made again
    }
}

// P-33, P-34, P-35: a proposer that sees a registration puts its own first, commitment and all.
static void test_copied_in_one_block(void **state) {
    chain *c = *state;
    base_make(c);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t root = 10 + i;
        assay_hash id = root_of(root);
        commit(c, MAKER, kinds[i], root);
        chain_blocks(c, AGE - 1);
        chain_commit_add(c, THIEF, &id, salt_of(kinds[i]));
        assay_tx tx = register_tx(c, THIEF, kinds[i], root);
        chain_add(c, &tx);
        tx = register_tx(c, MAKER, kinds[i], root);
        chain_add(c, &tx);
        chain_block(c);
        chain_expect(c, 0, NONE);
        chain_expect(c, 1, COMMITMENT_EARLY);
        chain_expect(c, 2, NONE);
    }
}

// P-33, P-34, P-35: a refused registration has shown its root; it keeps its commitment and has
// commitment_blocks until a thief's is good.
static void test_refused_then_copied(void **state) {
    chain *c = *state;
    base_make(c);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t root = 10 + i;
        commit(c, MAKER, kinds[i], root);
        uint64_t committed = c->height;
        chain_blocks(c, AGE - 1);
        assay_tx tx = chain_tx(c, MAKER, ASSAY_TX_TRANSFER);
        tx.body.transfer =
            (assay_tx_transfer){c->actors[RICH], chain_balance(c, MAKER) - CHAIN_OPEN / 2};
        chain_run(c, &tx, NONE);
        tx = register_tx(c, MAKER, kinds[i], root);
        chain_refuse(c, &tx, BALANCE_SHORT);
        assert_int_equal(committed_at(c, MAKER, kinds[i], root), committed);

        commit(c, THIEF, kinds[i], root);
        chain_blocks(c, AGE - 3);
        tx = chain_tx(c, RICH, ASSAY_TX_TRANSFER);
        tx.body.transfer = (assay_tx_transfer){c->actors[MAKER], 2 * CHAIN_OPEN};
        chain_run(c, &tx, NONE);
        tx = register_tx(c, THIEF, kinds[i], root);
        chain_add(c, &tx);
        tx = register_tx(c, MAKER, kinds[i], root);
        chain_add(c, &tx);
        chain_block(c);
        chain_expect(c, 0, COMMITMENT_EARLY);
        chain_expect(c, 1, NONE);
        tx = register_tx(c, THIEF, kinds[i], root);
        chain_add(c, &tx);
        chain_block(c);
        assert_int_equal(chain_code(c, 0), taken[i]);
    }
}

// P-33: what nobody registers in time is whose who does: an older commitment alone holds nothing.
static void test_first_registration_wins(void **state) {
    chain *c = *state;
    commit(c, MAKER, ASSAY_TX_REGISTER_MODEL, 1);
    commit(c, THIEF, ASSAY_TX_REGISTER_MODEL, 1);
    chain_blocks(c, AGE - 1);
    assay_tx tx = register_tx(c, THIEF, ASSAY_TX_REGISTER_MODEL, 1);
    chain_run(c, &tx, NONE);
    tx = register_tx(c, MAKER, ASSAY_TX_REGISTER_MODEL, 1);
    chain_refuse(c, &tx, MODEL_EXISTS);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, chain_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),        TEST(test_age),
        TEST(test_copied_in_one_block),     TEST(test_refused_then_copied),
        TEST(test_first_registration_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
