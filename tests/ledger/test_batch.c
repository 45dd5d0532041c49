// SPDX-License-Identifier: Apache-2.0
// submit_batch: every refusal leaves no trace, what is accepted is reserved (P-52, P-53, P-54), and
// batches can be found (P-52).
#include "tests/ledger/trial.h"

static const uint64_t CHECKS = 3 * 2 * (100000 + 4 * 10000);

// What the tables say about themselves.
static void sums_that_do_not_add_up(void **state) {
    trial *t = trial_begin();
    bundle b;
    trial_bundle(t, &b, 8);
    assay_tx_submit_batch good = b.tx.body.submit_batch, *body = &b.tx.body.submit_batch;
    assay_session_row session = b.session;
    assay_model_row model = b.model;
#define REFUSED(name)                                                                              \
    do {                                                                                           \
        b.tx.nonce = chain_tx(&t->chain, PROVIDER, ASSAY_TX_SUBMIT_BATCH).nonce;                   \
        chain_refuse(&t->chain, &b.tx, name);                                                      \
        *body = good;                                                                              \
        b.session = session;                                                                       \
        b.model = model;                                                                           \
    } while (0)
    body->count = 9;
    body->receipt_bytes = 9 * 400;
    REFUSED(BATCH_COUNT);
    body->fee_total++;
    REFUSED(BATCH_SESSION_SUM);
    b.session.fee_sum++;
    REFUSED(BATCH_SESSION_SUM);
    b.model.fee_sum--;
    REFUSED(BATCH_MODEL_SUM);
    body->fee_total++;
    b.session.fee_sum++;
    REFUSED(BATCH_MODEL_SUM);
    body->fee_total = b.session.fee_sum = b.model.fee_sum = 999;
    REFUSED(BATCH_FEE);
    body->fee_total = b.session.fee_sum = b.model.fee_sum = ASSAY_BATCH_FEE_MAX + 1;
    REFUSED(BATCH_FEE);
    body->receipt_bytes = 8 * ASSAY_RECEIPT_SIZE_MIN - 1;
    REFUSED(BATCH_BYTES);
    body->receipt_bytes = (4 << 20) + 1;
    REFUSED(BATCH_BYTES);
    b.session.fee_sum = 7; // 8 requests for 7 nopen
    REFUSED(BATCH_ROW);
#undef REFUSED
    trial_close(t);
}

// P-52: what stands on a limit is within it.
static void limits_are_legal(void **state) {
    trial *t = trial_new();
    t->chain.genesis.params.min_batch_fee = 8;
    trial_start(t);
    bundle b;
    trial_bundle(t, &b, 8);
    assay_tx_submit_batch *body = &b.tx.body.submit_batch;
    body->fee_total = b.session.fee_sum = b.model.fee_sum = ASSAY_BATCH_FEE_MAX;
    chain_refuse(&t->chain, &b.tx, EXPOSURE); // no bond carries it
    b.tx.nonce++;
    body->fee_total = b.session.fee_sum = b.model.fee_sum = 8;
    body->receipt_bytes = 8 * ASSAY_RECEIPT_SIZE_MIN;
    b.datasets[0].weight = 8000000 - 1;
    b.datasets[1].weight = 1;
    chain_run(&t->chain, &b.tx, NONE);
    b.tx.nonce++;
    b.session.first_sequence += 8;
    body->receipt_bytes = (uint32_t)t->chain.genesis.params.receipt_bytes_max;
    chain_run(&t->chain, &b.tx, NONE);
    trial_close(t);
}

// P-19: of all that is wrong with a batch, the first in the order of P-52, P-36 and P-37 is told.
static void the_first_in_the_list_decides(void **state) {
    trial *t = trial_begin();
    bundle b;
    trial_bundle(t, &b, 8);
    const assay_tx_submit_batch good = b.tx.body.submit_batch;
    const assay_session_row session = b.session;
    const assay_model_row model = b.model;
    const assay_dataset_row dataset = b.datasets[0];
    assay_tx_submit_batch *body = &b.tx.body.submit_batch;
    body->fee_total = 999;
    body->receipt_bytes = 1;
    body->count = 9;
    b.session = (assay_session_row){{{1}}, 7, 8, 7};
    b.model = (assay_model_row){{{1}}, {{1}}, 1};
    b.datasets[0].weight = 0;
    b.datasets[0].dataset.bytes[31] ^= 1;
#define REFUSED(name, mend)                                                                        \
    do {                                                                                           \
        chain_refuse(&t->chain, &b.tx, name);                                                      \
        b.tx.nonce++;                                                                              \
        mend;                                                                                      \
    } while (0)
    REFUSED(BATCH_FEE, body->fee_total = good.fee_total);
    REFUSED(BATCH_BYTES, body->receipt_bytes = good.receipt_bytes + ASSAY_RECEIPT_SIZE_MIN);
    REFUSED(BATCH_ROW, b.session.fee_sum = 8);
    REFUSED(BATCH_COUNT, body->count = 8);
    REFUSED(BATCH_SESSION_SUM, b.session.fee_sum = session.fee_sum);
    REFUSED(BATCH_MODEL_SUM, b.model.fee_sum = model.fee_sum);
    REFUSED(BATCH_ROW, b.datasets[0].weight = ~(assay_u128)0);
    REFUSED(BATCH_DATASET_SUM, b.datasets[0].weight = dataset.weight);
    REFUSED(BATCH_DATASET, b.datasets[0] = dataset);
    REFUSED(MODEL_UNKNOWN, b.model.model = model.model);
    REFUSED(ADAPTER_UNKNOWN, b.model.adapter = model.adapter);
    REFUSED(SESSION_UNKNOWN, b.session.session = session.session);
    REFUSED(SEQUENCE, b.session = session);
#undef REFUSED
    chain_run(&t->chain, &b.tx, NONE);
    trial_close(t);
}

// Data set rows: registered, with weight, and not more than the fees carry.
static void data_sets_share_at_most_the_fees(void **state) {
    trial *t = trial_begin();
    bundle b;
    trial_bundle(t, &b, 8);
    assay_u128 whole = (assay_u128)b.model.fee_sum * 1000000;
    b.datasets[0].weight = whole - b.datasets[1].weight + 1;
    chain_refuse(&t->chain, &b.tx, BATCH_DATASET_SUM);
    b.tx.nonce++;
    b.datasets[0].weight = ~(assay_u128)0; // a sum that would wrap
    chain_refuse(&t->chain, &b.tx, BATCH_DATASET_SUM);
    b.tx.nonce++;
    b.datasets[0].weight = 0;
    chain_refuse(&t->chain, &b.tx, BATCH_ROW);
    b.tx.nonce++;
    b.datasets[0].weight = whole - b.datasets[1].weight;
    b.datasets[1].dataset.bytes[31] ^= 1;
    chain_refuse(&t->chain, &b.tx, BATCH_DATASET);
    b.tx.nonce++;
    b.datasets[1].dataset.bytes[31] ^= 1;
    chain_run(&t->chain, &b.tx, NONE); // all of it is legal
    trial_close(t);
}

// What others keep: sessions, deposits, registries, bonds.
static void the_rest_of_the_state_has_a_say(void **state) {
    trial *t = trial_begin();
    bundle b;
    trial_bundle(t, &b, 8);
    b.session.first_sequence++;
    chain_refuse(&t->chain, &b.tx, SEQUENCE);
    b.tx.nonce++;
    b.session.first_sequence--;
    b.session.session.bytes[0] ^= 1;
    chain_refuse(&t->chain, &b.tx, SESSION_UNKNOWN);
    b.tx.nonce++;
    b.session.session.bytes[0] ^= 1;
    b.model.adapter.bytes[0] ^= 1;
    chain_refuse(&t->chain, &b.tx, ADAPTER_UNKNOWN);
    b.tx.nonce++;
    b.model.adapter.bytes[0] ^= 1;
    b.model.model.bytes[0] ^= 1;
    chain_refuse(&t->chain, &b.tx, MODEL_UNKNOWN);
    b.model.model.bytes[0] ^= 1;
    assay_tx other = chain_tx(&t->chain, SPARE, ASSAY_TX_SUBMIT_BATCH);
    other.body = b.tx.body;
    chain_refuse(&t->chain, &other, PROVIDER_BOND); // not a provider
    trial_bond(t, SPARE, ASSAY_ROLE_PROVIDER, 50);
    chain_block(&t->chain);
    other = chain_tx(&t->chain, SPARE, ASSAY_TX_SUBMIT_BATCH);
    other.body = b.tx.body;
    chain_refuse(&t->chain, &other, SESSION_PROVIDER); // not this session's
    trial_close(t);
}

// bond_multiple × fees not yet final ≤ bond: 100 OPEN carry 10 OPEN, in however many batches.
static void exposure(void **state) {
    trial *t = trial_begin();
    bundle b;
    const uint64_t half = 5 * CHAIN_OPEN;
    trial_bundle(t, &b, 1);
    b.datasets[0].weight = b.datasets[1].weight = 1;
    b.tx.body.submit_batch.fee_total = b.session.fee_sum = b.model.fee_sum = half;
    chain_run(&t->chain, &b.tx, NONE);
    b.tx.nonce++;
    b.session.first_sequence++;
    b.tx.body.submit_batch.fee_total = b.session.fee_sum = b.model.fee_sum = half + 1;
    chain_refuse(&t->chain, &b.tx, EXPOSURE);
    b.tx.nonce++;
    b.tx.body.submit_batch.fee_total = b.session.fee_sum = b.model.fee_sum = half;
    assay_hash id = chain_add(&t->chain, &b.tx);
    chain_block(&t->chain);
    trial_all_accepted(t);
    assay_view view = chain_view(&t->chain);
    uint64_t sum;
    must(assay_exposure_get(&sum, &view.reader, &t->chain.actors[PROVIDER], err));
    assay_view_close(&view);
    assert_int_equal(sum, 2 * half);
    trial_run_out(t, &id); // final: the room is free again
    trial_bundle(t, &b, 1);
    b.session.first_sequence = 3;
    b.datasets[0].weight = b.datasets[1].weight = 1;
    b.tx.body.submit_batch.fee_total = b.session.fee_sum = b.model.fee_sum = 2 * half;
    chain_run(&t->chain, &b.tx, NONE);
    trial_close(t);
}

// A deposit backs what it can: the second batch on the rest of it is refused.
static void a_deposit_is_promised_once(void **state) {
    trial *t = trial_begin();
    t->session = trial_open_session(t, 1);
    chain_block(&t->chain);
    bundle b;
    trial_bundle(t, &b, 1);
    b.session.first_sequence = 1;
    b.datasets[0].weight = b.datasets[1].weight = 1;
    b.tx.body.submit_batch.fee_total = b.session.fee_sum = b.model.fee_sum = CHAIN_OPEN - 1000;
    chain_run(&t->chain, &b.tx, NONE);
    b.tx.nonce++;
    b.session.first_sequence = 2;
    b.tx.body.submit_batch.fee_total = b.session.fee_sum = b.model.fee_sum = 1001;
    chain_refuse(&t->chain, &b.tx, DEPOSIT_SHORT);
    b.tx.nonce++;
    b.tx.body.submit_batch.fee_total = b.session.fee_sum = b.model.fee_sum = 1000;
    chain_run(&t->chain, &b.tx, NONE);
    trial_close(t);
}

// Fees and check prices are set aside at inclusion; unspent check prices return.
static void reserves(void **state) {
    trial *t = trial_begin();
    bundle b;
    trial_bundle(t, &b, 8);
    uint64_t fees = b.tx.body.submit_batch.fee_total;
    assay_session before = trial_session(t, &t->session);
    uint64_t provider = chain_balance(&t->chain, PROVIDER);
    assay_totals was = chain_totals(&t->chain);
    b.id = chain_add(&t->chain, &b.tx);
    chain_block(&t->chain);
    trial_all_accepted(t);
    assert_memory_equal(t->chain.outcome.results[1].data, b.id.bytes, 32); // after the beacon
    assay_session after = trial_session(t, &t->session);
    assert_int_equal(after.free, before.free - fees);
    assert_int_equal(after.reserved, fees);
    assert_int_equal(after.last_sequence, 8);
    assay_totals is = chain_totals(&t->chain);
    uint64_t burned = is.nopen[ASSAY_MONEY_BURNED] - was.nopen[ASSAY_MONEY_BURNED];
    assert_int_equal(chain_balance(&t->chain, PROVIDER), provider - burned - CHECKS);
    assert_int_equal(is.nopen[ASSAY_MONEY_DEPOSITS], was.nopen[ASSAY_MONEY_DEPOSITS] + CHECKS);
    assay_batch batch = trial_batch(t, &b.id);
    assert_int_equal(batch.state, ASSAY_BATCH_WAITING);
    assert_int_equal(batch.check_price * 6, CHECKS);
    assert_int_equal(batch.height, t->chain.height);
    assert_int_equal(batch.index, 0);
    assert_int_equal(batch.uri_size, 20);
    assert_memory_equal(batch.uri, "http://127.0.0.1:1/b", 20);
    assert_memory_equal(&batch.root, &b.tx.body.submit_batch.root, 32);
    t->chain.silent = true; // no beacon: nobody reruns anything
    trial_run_out(t, &b.id);
    assert_int_equal(chain_balance(&t->chain, PROVIDER), provider - burned);
    trial_close(t);
}

static void check_prices_follow_the_largest_model(void **state) {
    assay_params params;
    assay_params_init(&params);
    assert_int_equal(assay_batch_check_price(&params, 0), 100000);
    assert_int_equal(assay_batch_check_price(&params, 1), 110000);
    assert_int_equal(assay_batch_check_price(&params, 1 << 20), 110000);
    assert_int_equal(assay_batch_check_price(&params, (1 << 20) + 1), 120000);
    params.check_price_mib = UINT64_C(1) << 56;
    assert_int_equal(assay_batch_check_price(&params, UINT64_MAX), INT64_MAX);
}

// P-53: prices that no supply could cover do not wrap into one that costs nothing.
static void check_prices_do_not_wrap(void **state) {
    trial *t = trial_new();
    t->chain.genesis.params.check_price_base = 0;
    t->chain.genesis.params.check_price_mib = UINT64_C(1) << 56; // of 4 MiB, 64 times: 2^64
    t->chain.genesis.params.samples = 64;
    t->chain.genesis.params.validators_per_sample = 1;
    trial_start(t);
    bundle b;
    trial_bundle(t, &b, 8);
    chain_refuse(&t->chain, &b.tx, BALANCE_SHORT);
    trial_close(t);
}

static void adapter_add(trial *t, const assay_hash *root, uint64_t byte_count) {
    chain_commit_add(&t->chain, TUNER, root, NULL);
    chain_block(&t->chain);
    assay_tx tx = chain_tx(&t->chain, TUNER, ASSAY_TX_REGISTER_ADAPTER);
    tx.body.register_adapter = (assay_tx_register_adapter){
        .base = t->model,
        .root = *root,
        .byte_count = byte_count,
        .name = {(const uint8_t *)"a", 1},
        .uri = {(const uint8_t *)"file:a", 6},
    };
    chain_run(&t->chain, &tx, NONE);
}

static int hash_order(const void *a, const void *b) {
    return memcmp(a, b, ASSAY_HASH_SIZE);
}

static void declare_both(trial *t, uint32_t actor, assay_hash a, const assay_hash *b) {
    assay_hash roots[3] = {t->model, a};
    if (b != NULL) roots[2] = *b;
    qsort(roots, b != NULL ? 3 : 2, sizeof roots[0], hash_order);
    trial_declare(t, actor, roots, b != NULL ? 3 : 2);
}

// Three of four validators declare each adapter, but only two with exactly 2/3 of the bond declare
// both (P-54). A check costs what the larger one does (P-53), which comes first.
static void roots_are_declared_together(void **state) {
    trial *t = trial_begin();
    assay_hash first = trial_hash("bulky"), second = trial_hash("slim");
    assert_true(hash_order(&first, &second) < 0);
    adapter_add(t, &first, 2 << 20);
    adapter_add(t, &second, 1000);
    trial_bond(t, VALIDATOR + 1, ASSAY_ROLE_VERIFICATION, TRIAL_BOND);
    trial_bond(t, VALIDATOR + 2, ASSAY_ROLE_VERIFICATION, TRIAL_BOND);
    declare_both(t, VALIDATOR, first, NULL);
    declare_both(t, VALIDATOR + 1, first, &second);
    declare_both(t, VALIDATOR + 2, first, &second);
    declare_both(t, VALIDATOR + 3, second, NULL);
    chain_block(&t->chain);
    trial_all_accepted(t);
    bundle b;
    trial_bundle(t, &b, 1);
    uint64_t fees = b.model.fee_sum;
    assay_model_row rows[2] = {{t->model, first, fees - 1}, {t->model, second, 1}};
    b.tx.body.submit_batch.models = (assay_model_list){rows, 2};
    chain_refuse(&t->chain, &b.tx, BATCH_ROOTS);
    declare_both(t, VALIDATOR, first, &second);
    chain_block(&t->chain);
    b.tx.nonce++;
    assay_hash id = chain_add(&t->chain, &b.tx);
    chain_block(&t->chain);
    trial_all_accepted(t);
    assert_int_equal(trial_batch(t, &id).check_price,
                     assay_batch_check_price(&t->chain.genesis.params, (3 + 2) << 20));
    trial_until(t, &id, ASSAY_BATCH_CHECKING);
    for (uint32_t sample = 0; sample < 3; sample++) { // the fourth is never drawn
        assay_vote votes[ASSAY_VOTERS_MAX];
        assert_int_equal(trial_votes(t, &id, sample, 0, votes), 2);
        for (uint32_t i = 0; i < 2; i++)
            assert_true(trial_actor(t, &votes[i].validator) < VALIDATOR + 3);
    }
    // Undeclared by one more, a row is not payable at all.
    trial_declare(t, VALIDATOR + 1, NULL, 0);
    chain_block(&t->chain);
    b.tx.nonce = chain_tx(&t->chain, PROVIDER, ASSAY_TX_SUBMIT_BATCH).nonce;
    b.session.first_sequence++;
    chain_refuse(&t->chain, &b.tx, NOT_DECLARED);
    trial_close(t);
}

// A provider that validates too is asked neither for payability nor for votes.
static void the_provider_does_not_check_itself(void **state) {
    trial *t = trial_begin();
    assay_hash roots[2];
    trial_roots(t, roots);
    trial_bond(t, PROVIDER, ASSAY_ROLE_VERIFICATION, 500); // most of all bond
    trial_declare(t, PROVIDER, roots, 2);
    chain_block(&t->chain);
    bundle b;
    trial_submit(t, &b, 4);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    for (uint32_t sample = 0; sample < 3; sample++) {
        assay_vote votes[ASSAY_VOTERS_MAX];
        uint32_t count = trial_votes(t, &b.id, sample, 0, votes);
        assert_int_equal(count, 2);
        for (uint32_t i = 0; i < count; i++)
            assert_int_not_equal(trial_actor(t, &votes[i].validator), PROVIDER);
    }
    trial_run_out(t, &b.id);
    // Its own declaration does not help either: two of the others are not > 2/3.
    trial_declare(t, VALIDATOR, NULL, 0);
    trial_declare(t, VALIDATOR + 1, NULL, 0);
    chain_block(&t->chain);
    trial_bundle(t, &b, 4);
    chain_refuse(&t->chain, &b.tx, NOT_DECLARED);
    trial_close(t);
}

// Lists: by place, ended ones too; open ones by id.
static void batches_can_be_found(void **state) {
    trial *t = trial_begin();
    bundle b[4];
    for (uint32_t i = 0; i < 4; i++) {
        trial_bundle(t, &b[i], 2);
        b[i].id = chain_add(&t->chain, &b[i].tx);
        if (i % 2) chain_block(&t->chain);
    }
    trial_run_out(t, &b[1].id);
    assay_view view = chain_view(&t->chain);
    uint64_t height = 0;
    uint32_t index = 0, open = 0;
    assay_hash id, zero = {{0}};
    bool found;
    for (uint32_t i = 0; i < 4; i++) {
        must(assay_batch_next(&height, &index, &id, &found, &view.reader, err));
        assert_true(found);
        assert_int_equal(index, i % 2);
        assert_memory_equal(&id, &b[i].id, 32);
    }
    must(assay_batch_next(&height, &index, &id, &found, &view.reader, err));
    assert_false(found);
    for (id = zero;; open++) {
        assay_batch batch;
        must(assay_batch_next_open(&id, &batch, &found, &view.reader, err));
        if (!found) break;
        assert_int_equal(batch.state, ASSAY_BATCH_CHECKING);
        assert_true(assay_hash_equal(&id, &b[2].id) || assay_hash_equal(&id, &b[3].id));
    }
    assert_int_equal(open, 2);
    assay_batch batch;
    must(assay_batch_get(&batch, &found, &view.reader, &zero, err));
    assert_false(found);
    assay_view_close(&view);
    trial_close(t);
}

// What is kept of a batch's tables, cut, lengthened or with a wrong count of rows, is damage; where
// memory does not suffice, it is not.
static void damaged_tables_are_told(void **state) {
    trial *t = trial_new();
    trial_start(t);
    bundle b;
    trial_submit(t, &b, 4);
    assay_ledger ledger = chain_by_hand(&t->chain);
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_BATCH_TABLES, &b.id);
    assay_bytes found;
    must(assay_reader_get(&ledger.reader, &key, &found, err));
    uint8_t value[512] = {0};
    size_t size = found.size;
    assert_in_range(size, 3 * 4 + 52 + 72, sizeof value - 1);
    memcpy(value, found.data, size);
    assay_batch_tables tables;
    assay_arena arena;
    for (size_t damaged = 1; damaged <= size + 1; damaged++) {
        assay_arena_init(&arena, damaged == size ? 64 : ASSAY_TX_ARENA_MAX);
        must(assay_ledger_put(&ledger, &key, value, damaged, err));
        assert_int_equal(assay_batch_tables_get(&tables, &ledger.reader, &b.id, &arena, NULL),
                         damaged == size ? ASSAY_CAPACITY : ASSAY_CORRUPT);
        assay_arena_close(&arena);
    }
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    must(assay_ledger_put(&ledger, &key, value, size, err));
    must(assay_batch_tables_get(&tables, &ledger.reader, &b.id, &arena, err));
    assert_int_equal(tables.sessions.items[0].fee_sum, b.session.fee_sum);
    assert_memory_equal(&tables.models.items[0].adapter, &b.model.adapter, ASSAY_HASH_SIZE);
    value[0] = 0xff;
    must(assay_ledger_put(&ledger, &key, value, size, err));
    assert_int_equal(assay_batch_tables_get(&tables, &ledger.reader, &b.id, &arena, NULL),
                     ASSAY_CORRUPT);
    value[0] = 0;
    must(assay_ledger_put(&ledger, &key, value, size, err));
    assay_arena_close(&arena);
    chain_by_hand_end(&t->chain, &ledger);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_that_do_not_add_up),
        cmocka_unit_test(limits_are_legal),
        cmocka_unit_test(the_first_in_the_list_decides),
        cmocka_unit_test(data_sets_share_at_most_the_fees),
        cmocka_unit_test(the_rest_of_the_state_has_a_say),
        cmocka_unit_test(exposure),
        cmocka_unit_test(a_deposit_is_promised_once),
        cmocka_unit_test(reserves),
        cmocka_unit_test(check_prices_follow_the_largest_model),
        cmocka_unit_test(check_prices_do_not_wrap),
        cmocka_unit_test(roots_are_declared_together),
        cmocka_unit_test(the_provider_does_not_check_itself),
        cmocka_unit_test(batches_can_be_found),
        cmocka_unit_test(damaged_tables_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
