// SPDX-License-Identifier: Apache-2.0
// Data sets: committed first, registered once, dated by the commitment.
#include "tests/ledger/chain.h"

enum { OWNER = 1, THIEF = 2 };

static int setup(void **state) {
    chain *c = *state = chain_new();
    c->genesis.params.epoch_blocks = 3;
    chain_start(c);
    return 0;
}

static assay_hash root_of(uint8_t number) {
    assay_hash root;
    memset(root.bytes, number, sizeof root.bytes);
    return root;
}

static assay_tx commit_tx(const chain *c, uint32_t actor, uint8_t root, uint8_t salt) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_COMMIT_DATASET);
    assay_hash r = root_of(root), s = root_of(salt);
    assay_commitment_hash(&tx.body.commit_dataset.commitment, &r, &s, &tx.principal);
    return tx;
}

static assay_bytes text(const char *words) {
    return (assay_bytes){(const uint8_t *)words, strlen(words)};
}

static assay_tx register_tx(const chain *c, uint32_t actor, uint8_t root, uint8_t salt) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_REGISTER_DATASET);
    tx.body.register_dataset = (assay_tx_register_dataset){
        .root = root_of(root),
        .salt = root_of(salt),
        .chunk_count = 7,
        .byte_count = UINT64_MAX,
        .license = text("CC0-1.0"),
        .name = text("tales"),
        .uri = text("https://example.org/tales"),
        .fingerprint_root = root_of(0xf0),
    };
    return tx;
}

static assay_tx retire_tx(const chain *c, uint32_t actor, uint8_t root) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_RETIRE_DATASET);
    tx.body.retire_dataset.dataset = root_of(root);
    return tx;
}

static assay_dataset dataset_of(const chain *c, uint8_t root) {
    assay_view view = chain_view(c);
    assay_dataset out;
    bool found;
    assay_hash id = root_of(root);
    must(assay_dataset_get(&out, &found, &view.reader, &id, err));
    assert_true(found);
    assay_view_close(&view);
    return out;
}

// P-33: SHA-256(root || salt || owner), spelled out.
static void test_commitment(void **state) {
    uint8_t bytes[84];
    assay_hash root = root_of(1), salt = root_of(2), expected, commitment;
    assay_address owner = {{9}};
    memcpy(bytes, root.bytes, 32);
    memcpy(bytes + 32, salt.bytes, 32);
    memcpy(bytes + 64, owner.bytes, 20);
    assay_sha256_of(&expected, bytes, sizeof bytes);
    assay_commitment_hash(&commitment, &root, &salt, &owner);
    assert_memory_equal(&commitment, &expected, sizeof expected);
}

// P-33: what is registered is what is read.
static void test_register(void **state) {
    chain *c = *state;
    assay_tx noise = chain_tx(c, 3, ASSAY_TX_TRANSFER);
    noise.body.transfer = (assay_tx_transfer){c->actors[4], 1};
    assay_tx tx = commit_tx(c, OWNER, 1, 2);
    chain_add(c, &noise);
    chain_add(c, &tx);
    chain_block(c);
    uint64_t committed = c->height, balance = chain_balance(c, OWNER);
    chain_blocks(c, 3);
    tx = register_tx(c, OWNER, 1, 2);
    chain_run(c, &tx, NONE);

    assay_dataset dataset = dataset_of(c, 1);
    assert_true(assay_address_equal(&dataset.owner, &c->actors[OWNER]));
    assert_int_equal(dataset.committed, committed);
    assert_int_equal(dataset.committed_index, 2); // after the beacon and the transfer
    assert_int_equal(dataset.registered, c->height);
    assert_int_equal(dataset.retired, 0);
    assert_int_equal(dataset.chunk_count, 7);
    assert_int_equal(dataset.byte_count, UINT64_MAX);
    assert_string_equal(dataset.license, "CC0-1.0");
    assert_string_equal(dataset.name, "tales");
    assert_string_equal(dataset.uri, "https://example.org/tales");
    assert_int_equal(dataset.fingerprint_root.bytes[9], 0xf0);
    assert_int_equal(dataset.bond, CHAIN_OPEN);
    uint64_t fee = chain_fee(c, &tx) + c->genesis.params.key_fee;
    assert_int_equal(chain_balance(c, OWNER), balance - CHAIN_OPEN - fee);
}

// P-33: nothing without a commitment of one's own that is a block old; a root only once.
static void test_refused(void **state) {
    chain *c = *state;
    assay_tx tx = register_tx(c, OWNER, 1, 2);
    chain_refuse(c, &tx, COMMITMENT_UNKNOWN);
    tx = commit_tx(c, OWNER, 1, 2);
    chain_add(c, &tx);
    tx = register_tx(c, OWNER, 1, 2);
    chain_add(c, &tx);
    chain_block(c);
    chain_expect(c, 0, NONE);
    chain_expect(c, 1, COMMITMENT_EARLY);
    tx = commit_tx(c, OWNER, 1, 2);
    chain_refuse(c, &tx, COMMITMENT_EXISTS);

    // The thief has seen root and salt: the owner's commitment is not his, and his comes later.
    tx = register_tx(c, THIEF, 1, 2);
    chain_refuse(c, &tx, COMMITMENT_UNKNOWN);
    tx = register_tx(c, OWNER, 1, 3);
    chain_refuse(c, &tx, COMMITMENT_UNKNOWN);
    tx = commit_tx(c, THIEF, 1, 2);
    chain_run(c, &tx, NONE);
    tx = register_tx(c, OWNER, 1, 2);
    chain_run(c, &tx, NONE);
    tx = register_tx(c, THIEF, 1, 2);
    chain_refuse(c, &tx, DATASET_EXISTS);
    tx = register_tx(c, OWNER, 1, 2);
    chain_refuse(c, &tx, DATASET_EXISTS);

    tx = commit_tx(c, OWNER, 0, 2);
    chain_run(c, &tx, NONE);
    tx = register_tx(c, OWNER, 0, 2);
    chain_refuse(c, &tx, ROOT_ZERO);
}

// P-33: a bond that the balance does not hold leaves no trace, not even of the commitment's use.
static void test_poor(void **state) {
    chain *c = *state;
    assay_tx tx = commit_tx(c, OWNER, 1, 2);
    chain_run(c, &tx, NONE);
    tx = chain_tx(c, OWNER, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[3], chain_balance(c, OWNER) - CHAIN_OPEN};
    chain_run(c, &tx, NONE);
    tx = register_tx(c, OWNER, 1, 2);
    chain_refuse(c, &tx, BALANCE_SHORT);
    tx = chain_tx(c, 3, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[OWNER], CHAIN_OPEN};
    chain_run(c, &tx, NONE);
    tx = register_tx(c, OWNER, 1, 2);
    chain_run(c, &tx, NONE);
}

// P-33: dates order by commitment, then by place, and not by registration.
static void test_earliest(void **state) {
    chain *c = *state;
    for (uint8_t i = 1; i <= 3; i++) { // 1 and 2 in one block, 3 in the next
        assay_tx tx = commit_tx(c, i, i, 9);
        chain_add(c, &tx);
        if (i >= 2) chain_block(c);
    }
    for (uint8_t i = 3; i >= 1; i--) {
        assay_tx tx = register_tx(c, i, i, 9);
        chain_run(c, &tx, NONE);
    }
    assay_dataset a = dataset_of(c, 1), b = dataset_of(c, 2), d = dataset_of(c, 3);
    assert_true(a.committed == b.committed && a.committed_index < b.committed_index);
    assert_true(b.committed < d.committed);

    assay_view view = chain_view(c);
    assay_hash root = {{0}};
    assay_dataset at;
    bool found;
    for (uint8_t i = 1; i <= 3; i++) {
        must(assay_dataset_next(&root, &at, &found, &view.reader, err));
        assert_true(found && root.bytes[0] == i);
    }
    must(assay_dataset_next(&root, &at, &found, &view.reader, err));
    assert_false(found);
    assay_view_close(&view);
}

// P-33, P-40: retiring is the owner's, once; what is left of the bond returns in time.
static void test_retire(void **state) {
    chain *c = *state;
    assay_tx tx = commit_tx(c, OWNER, 1, 2);
    chain_run(c, &tx, NONE);
    tx = register_tx(c, OWNER, 1, 2);
    chain_run(c, &tx, NONE);
    tx = retire_tx(c, OWNER, 5);
    chain_refuse(c, &tx, DATASET_UNKNOWN);
    tx = retire_tx(c, THIEF, 1);
    chain_refuse(c, &tx, DATASET_OWNER);
    tx = retire_tx(c, OWNER, 1);
    chain_run(c, &tx, NONE);
    uint64_t release = c->height + assay_params_unbond_blocks(&c->genesis.params);
    assert_int_equal(dataset_of(c, 1).retired, c->height);
    assert_int_equal(dataset_of(c, 1).released, release);
    tx = retire_tx(c, OWNER, 1);
    chain_refuse(c, &tx, DATASET_RETIRED);

    assay_ledger ledger = chain_by_hand(c);
    assay_hash root = root_of(1);
    must(assay_money_move(&ledger, assay_purse_registration(ASSAY_TABLE_DATASET, &root),
                          assay_purse_burned(), CHAIN_OPEN / 4, err));
    chain_by_hand_end(c, &ledger);
    uint64_t balance = chain_balance(c, OWNER);
    chain_until(c, release - 1);
    assert_int_equal(chain_balance(c, OWNER), balance);
    chain_block(c);
    assert_int_equal(chain_balance(c, OWNER), balance + CHAIN_OPEN - CHAIN_OPEN / 4);
    assert_int_equal(dataset_of(c, 1).bond, 0);
    tx = commit_tx(c, THIEF, 1, 2);
    chain_run(c, &tx, NONE);
    tx = register_tx(c, THIEF, 1, 2);
    chain_refuse(c, &tx, DATASET_EXISTS);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, chain_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_commitment), TEST(test_register), TEST(test_refused),
        TEST(test_poor),       TEST(test_earliest), TEST(test_retire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
