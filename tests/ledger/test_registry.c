// SPDX-License-Identifier: Apache-2.0
// Models, adapters with their lineage, and what validators declare.
#include "ledger/agent.h"
#include "tests/ledger/chain.h"

enum { PUBLISHER = 1, TUNER = 2, PROVIDER = 3, FIRST_VALIDATOR = 4 };

static int setup(void **state) {
    chain *c = *state = chain_new();
    c->genesis.params.adapter_bytes_max = 1000;
    chain_start(c);
    return 0;
}

static assay_hash root_of(uint8_t number) {
    assay_hash root;
    memset(root.bytes, number, sizeof root.bytes);
    return root;
}

static assay_bytes text(const char *words) {
    return (assay_bytes){(const uint8_t *)words, strlen(words)};
}

static assay_tx model_tx(const chain *c, uint8_t root, uint32_t royalty_ppm) {
    assay_tx tx = chain_tx(c, PUBLISHER, ASSAY_TX_REGISTER_MODEL);
    tx.body.register_model = (assay_tx_register_model){root_of(root), 5 << 20, royalty_ppm,
                                                       text("base"), text("file:///base")};
    return tx;
}

static assay_tx adapter_tx(const chain *c, uint8_t base, uint8_t root, uint32_t royalty_ppm,
                           const assay_source_row *sources, uint32_t count) {
    assay_tx tx = chain_tx(c, TUNER, ASSAY_TX_REGISTER_ADAPTER);
    tx.body.register_adapter = (assay_tx_register_adapter){
        root_of(base), root_of(root),     1 << 20,          royalty_ppm,
        text("tuned"), text("file:///t"), {sources, count},
    };
    return tx;
}

// A block with commitments of the publisher and the tuner to a root.
static void both_commit(chain *c, uint8_t root) {
    assay_hash id = root_of(root);
    chain_commit_add(c, PUBLISHER, &id, NULL);
    chain_commit_add(c, TUNER, &id, NULL);
    chain_block(c);
}

static void model_make(chain *c, uint8_t root, uint32_t royalty_ppm) {
    both_commit(c, root);
    assay_tx tx = model_tx(c, root, royalty_ppm);
    chain_run(c, &tx, NONE);
}

static void adapter_make(chain *c, uint8_t base, uint8_t root, uint32_t royalty_ppm,
                         const assay_source_row *sources, uint32_t count) {
    both_commit(c, root);
    assay_tx tx = adapter_tx(c, base, root, royalty_ppm, sources, count);
    chain_run(c, &tx, NONE);
}

static assay_tx declare_tx(const chain *c, uint32_t actor, const assay_hash *roots,
                           uint32_t count) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_DECLARE_ROOTS);
    tx.body.declare_roots.roots = (assay_hash_list){roots, count};
    return tx;
}

static void dataset_make(chain *c, uint8_t root, uint64_t byte_count) {
    assay_hash id = root_of(root), salt = root_of(0);
    chain_commit_add(c, TUNER, &id, &salt);
    chain_block(c);
    assay_tx tx = chain_tx(c, TUNER, ASSAY_TX_REGISTER_DATASET);
    tx.body.register_dataset = (assay_tx_register_dataset){.root = id,
                                                           .chunk_count = 1,
                                                           .byte_count = byte_count,
                                                           .license = text("MIT"),
                                                           .name = text("d"),
                                                           .uri = text("u")};
    chain_run(c, &tx, NONE);
}

static void bond(chain *c, uint32_t actor, uint64_t amount) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_BOND);
    tx.body.bond = (assay_tx_bond){ASSAY_ROLE_VERIFICATION, amount};
    chain_run(c, &tx, NONE);
}

// P-34
static void test_model(void **state) {
    chain *c = *state;
    uint32_t max = (uint32_t)c->genesis.params.max_royalty_ppm;
    assay_tx tx = model_tx(c, 1, max + 1);
    chain_refuse(c, &tx, ROYALTY);
    tx = model_tx(c, 0, max);
    chain_refuse(c, &tx, ROOT_ZERO);
    model_make(c, 1, max);
    tx = model_tx(c, 1, 0);
    chain_refuse(c, &tx, MODEL_EXISTS);

    assay_view view = chain_view(c);
    assay_model_entry entry;
    bool found;
    assay_hash root = {{0}};
    must(assay_model_next(&root, &entry, &found, &view.reader, err));
    assert_true(found && root.bytes[0] == 1);
    assert_true(assay_address_equal(&entry.owner, &c->actors[PUBLISHER]));
    assert_int_equal(entry.royalty_ppm, max);
    assert_int_equal(entry.byte_count, 5 << 20);
    assert_int_equal(entry.bond, CHAIN_OPEN);
    assert_string_equal(entry.name, "base");
    assert_string_equal(entry.uri, "file:///base");
    must(assay_model_next(&root, &entry, &found, &view.reader, err));
    assert_false(found);
    assay_view_close(&view);
}

// P-35
static void test_adapter(void **state) {
    chain *c = *state;
    assay_tx tx = adapter_tx(c, 1, 2, 10, NULL, 0);
    chain_refuse(c, &tx, MODEL_UNKNOWN);
    model_make(c, 1, 0);
    dataset_make(c, 0x11, 600);
    dataset_make(c, 0x12, 400);
    dataset_make(c, 0x13, 1);
    assay_source_row sources[] = {
        {root_of(0x11), 500000}, {root_of(0x12), 499999}, {root_of(0x13), 1}};
    tx = adapter_tx(c, 1, 2, 10, sources, 3);
    chain_refuse(c, &tx, ADAPTER_SIZE);
    sources[1].weight_ppm = 500000;
    tx = adapter_tx(c, 1, 2, 150001, sources, 2);
    chain_refuse(c, &tx, ROYALTY);
    tx = adapter_tx(c, 1, 0, 10, sources, 2);
    chain_refuse(c, &tx, ROOT_ZERO);
    sources[1].dataset = root_of(0x14);
    tx = adapter_tx(c, 1, 2, 10, sources, 2);
    chain_refuse(c, &tx, DATASET_UNKNOWN);
    sources[1].dataset = root_of(0x12);
    adapter_make(c, 1, 2, 10, sources, 2); // exactly 1,000 bytes
    tx = adapter_tx(c, 1, 2, 10, NULL, 0);
    chain_refuse(c, &tx, ADAPTER_EXISTS);
    adapter_make(c, 1, 3, 10, NULL, 0); // no lineage is a lineage too

    // A retired source binds the adapters it has and no new ones.
    tx = chain_tx(c, TUNER, ASSAY_TX_RETIRE_DATASET);
    tx.body.retire_dataset.dataset = root_of(0x12);
    chain_run(c, &tx, NONE);
    tx = adapter_tx(c, 1, 4, 10, sources, 2);
    chain_refuse(c, &tx, DATASET_RETIRED);

    assay_view view = chain_view(c);
    assay_adapter_entry adapter;
    bool found;
    assay_hash root = {{0}};
    must(assay_adapter_next(&root, &adapter, &found, &view.reader, err));
    assert_true(found && root.bytes[0] == 2);
    assert_int_equal(adapter.base.bytes[0], 1);
    assert_int_equal(adapter.source_count, 2);
    assert_int_equal(adapter.sources[1].dataset.bytes[0], 0x12);
    assert_int_equal(adapter.sources[1].weight_ppm, 500000);
    assert_string_equal(adapter.entry.name, "tuned");
    must(assay_adapter_next(&root, &adapter, &found, &view.reader, err));
    assert_true(found && root.bytes[0] == 3 && adapter.source_count == 0);
    assay_view_close(&view);
}

// P-34, P-35: no root is a model and an adapter, whichever it is first, and whoever comes second.
static void test_a_root_has_one_kind(void **state) {
    chain *c = *state;
    model_make(c, 1, 0);
    model_make(c, 2, 0);
    assay_tx tx = adapter_tx(c, 1, 1, 0, NULL, 0);
    chain_refuse(c, &tx, MODEL_EXISTS);
    tx = adapter_tx(c, 1, 2, 0, NULL, 0);
    chain_refuse(c, &tx, MODEL_EXISTS);
    adapter_make(c, 1, 3, 0, NULL, 0);
    tx = model_tx(c, 3, 0);
    chain_refuse(c, &tx, ADAPTER_EXISTS);

    // Not even within one block.
    both_commit(c, 4);
    tx = adapter_tx(c, 1, 4, 0, NULL, 0);
    chain_add(c, &tx);
    tx = model_tx(c, 4, 0);
    chain_add(c, &tx);
    chain_block(c);
    chain_expect(c, 0, NONE);
    chain_expect(c, 1, ADAPTER_EXISTS);
}

static uint64_t sum_of(const chain *c, uint8_t root) {
    assay_view view = chain_view(c);
    uint64_t sum;
    assay_hash id = root_of(root);
    must(assay_declared_sum(&sum, &view.reader, &id, err));
    assay_view_close(&view);
    return sum;
}

static bool declares(const chain *c, uint32_t actor, const assay_hash *root) {
    assay_view view = chain_view(c);
    bool has;
    must(assay_declared_has(&has, &view.reader, root, &c->actors[actor], err));
    assay_view_close(&view);
    return has;
}

// P-36: sets replace each other, and the sums follow sets and bonds (chain_scan checks them all).
static void test_declared(void **state) {
    chain *c = *state;
    const assay_hash first[] = {root_of(1), root_of(2), root_of(3)};
    const assay_hash second[] = {root_of(2), root_of(4)};
    uint32_t v = FIRST_VALIDATOR;
    assay_tx tx = declare_tx(c, v, first, 3);
    chain_refuse(c, &tx, NO_VERIFIER);
    tx = declare_tx(c, v, NULL, 0); // to leave takes no bond
    chain_run(c, &tx, NONE);
    assay_view before = chain_view(c);
    assay_record_key set = assay_record_key_of_address(ASSAY_TABLE_DECLARED, &c->actors[v]);
    assay_bytes left;
    must(assay_reader_get(&before.reader, &set, &left, err));
    assert_null(left.data); // no set and an empty one are one state
    assay_view_close(&before);
    bond(c, v, 20 * CHAIN_OPEN);
    bond(c, v + 1, 30 * CHAIN_OPEN);
    tx = declare_tx(c, v, first, 3);
    chain_run(c, &tx, NONE);
    tx = declare_tx(c, v + 1, second, 2);
    chain_run(c, &tx, NONE);
    assert_int_equal(sum_of(c, 1), 20 * CHAIN_OPEN);
    assert_int_equal(sum_of(c, 2), 50 * CHAIN_OPEN);
    assert_int_equal(sum_of(c, 4), 30 * CHAIN_OPEN);
    bond(c, v + 1, 5 * CHAIN_OPEN);
    assert_int_equal(sum_of(c, 2), 55 * CHAIN_OPEN);
    tx = declare_tx(c, v, second, 2);
    chain_run(c, &tx, NONE);
    assert_int_equal(sum_of(c, 1), 0);
    assert_int_equal(sum_of(c, 3), 0);
    assert_int_equal(sum_of(c, 4), 55 * CHAIN_OPEN);

    // A slash below half of the minimum takes the whole bond out of the sums; topping up returns
    // it.
    assay_ledger ledger = chain_by_hand(c);
    must(assay_bond_slash(&ledger, ASSAY_ROLE_VERIFICATION, &c->actors[v], 16 * CHAIN_OPEN,
                          assay_purse_burned(), NULL, err));
    chain_by_hand_end(c, &ledger);
    assert_int_equal(sum_of(c, 2), 35 * CHAIN_OPEN);
    assert_false(declares(c, v, &second[0]));
    bond(c, v, 6 * CHAIN_OPEN);
    assert_int_equal(sum_of(c, 2), 45 * CHAIN_OPEN);
    assert_true(declares(c, v, &second[0]));
    tx = declare_tx(c, v, NULL, 0);
    chain_run(c, &tx, NONE);
    assert_int_equal(sum_of(c, 2), 35 * CHAIN_OPEN);

    assay_view view = chain_view(c);
    assay_address at = {{0}};
    uint64_t weight;
    bool found;
    must(assay_declarer_next(&at, &weight, &found, &view.reader, view.params, &second[0], err));
    assert_true(found && assay_address_equal(&at, &c->actors[v + 1]));
    assert_int_equal(weight, 35 * CHAIN_OPEN);
    must(assay_declarer_next(&at, &weight, &found, &view.reader, view.params, &second[0], err));
    assert_false(found);
    assay_view_close(&view);
    assert_false(declares(c, v, &second[0]));
}

// P-36: the largest set, replaced by another of that size; 512 keys and their fees.
static void test_declared_max(void **state) {
    chain *c = *state;
    static assay_hash roots[ASSAY_ROOTS_MAX];
    bond(c, FIRST_VALIDATOR, 20 * CHAIN_OPEN);
    for (uint8_t round = 1; round <= 2; round++) {
        for (int i = 0; i < ASSAY_ROOTS_MAX; i++) {
            memset(roots[i].bytes, round, sizeof roots[i].bytes);
            roots[i].bytes[0] = (uint8_t)i;
        }
        uint64_t balance = chain_balance(c, FIRST_VALIDATOR);
        assay_tx tx = declare_tx(c, FIRST_VALIDATOR, roots, ASSAY_ROOTS_MAX);
        chain_run(c, &tx, NONE);
        uint64_t keys = 2 * ASSAY_ROOTS_MAX + (round == 1);
        assert_int_equal(chain_balance(c, FIRST_VALIDATOR),
                         balance - chain_fee(c, &tx) - keys * c->genesis.params.key_fee);
    }
}

static uint32_t payable(const chain *c, uint8_t model, uint8_t adapter, uint64_t *bytes) {
    assay_error err = {0};
    assay_view view = chain_view(c);
    assay_hash m = root_of(model), a = root_of(adapter);
    assay_status status = assay_registry_payable(bytes, &view.reader, view.params, &m, &a,
                                                 &c->actors[PROVIDER], &err);
    assay_view_close(&view);
    assert_true(status == ASSAY_OK || status == ASSAY_REJECTED);
    return err.reject;
}

// P-36: more than two thirds, the provider's own bond aside on both sides.
static void test_payable(void **state) {
    chain *c = *state;
    const assay_hash roots[] = {root_of(1), root_of(2)};
    uint32_t v = FIRST_VALIDATOR;
    uint64_t bytes;
    model_make(c, 1, 0);
    model_make(c, 9, 0);
    adapter_make(c, 1, 2, 0, NULL, 0);
    assert_int_equal(payable(c, 7, 0, &bytes), ASSAY_REJECT_MODEL_UNKNOWN);
    assert_int_equal(payable(c, 1, 0, &bytes), ASSAY_REJECT_NOT_DECLARED); // no bond at all

    bond(c, v, 20 * CHAIN_OPEN);
    bond(c, v + 1, 10 * CHAIN_OPEN);
    bond(c, PROVIDER, 500 * CHAIN_OPEN); // its own declaration must not help, nor its bond hinder
    assay_tx tx = declare_tx(c, PROVIDER, roots, 2);
    chain_run(c, &tx, NONE);
    assert_int_equal(payable(c, 1, 0, &bytes), ASSAY_REJECT_NOT_DECLARED);
    tx = declare_tx(c, v, roots, 2);
    chain_run(c, &tx, NONE);
    assert_int_equal(payable(c, 1, 0, &bytes), ASSAY_REJECT_NOT_DECLARED); // exactly 2/3
    bond(c, v, 1);
    assert_int_equal(payable(c, 1, 0, &bytes), ASSAY_REJECT_NONE);
    assert_int_equal(bytes, 5 << 20);
    assert_int_equal(payable(c, 1, 2, &bytes), ASSAY_REJECT_NONE);
    assert_int_equal(bytes, 6 << 20);
    assert_int_equal(payable(c, 1, 3, &bytes), ASSAY_REJECT_ADAPTER_UNKNOWN);
    tx = declare_tx(c, v, roots, 1);
    chain_run(c, &tx, NONE);
    assert_int_equal(payable(c, 1, 2, &bytes), ASSAY_REJECT_NOT_DECLARED);
    const assay_hash base[] = {root_of(9)};
    tx = declare_tx(c, v, base, 1);
    chain_run(c, &tx, NONE);
    assert_int_equal(payable(c, 9, 2, &bytes), ASSAY_REJECT_ADAPTER_BASE);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, chain_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_model),    TEST(test_adapter),      TEST(test_a_root_has_one_kind),
        TEST(test_declared), TEST(test_declared_max), TEST(test_payable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
