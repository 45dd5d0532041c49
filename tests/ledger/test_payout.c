// SPDX-License-Identifier: Apache-2.0
// The payout table and its tree: roots against tests/oracles/settlement.py, proofs of every entry,
// and a real epoch in which every payment has its line (P-71, P-72, P-73).
#include "tests/ledger/trial.h"
#include "tests/vectors.h"

// An open block on the chain's store, to write tables by hand.
typedef struct {
    chain chain;
    assay_ledger ledger;
} bench;

static bench *bench_new(void) {
    bench *b = calloc(1, sizeof *b);
    chain_init(&b->chain);
    chain_start(&b->chain);
    b->ledger = chain_by_hand(&b->chain);
    b->ledger.height = 20;
    return b;
}

static void bench_close(bench *b) {
    assay_store_abort(b->ledger.store);
    chain_close(&b->chain);
    free(b);
}

// Writes a payout into both tables of an epoch.
static void entry_put(bench *b, uint64_t epoch, const assay_payout *payout) {
    static const uint8_t tables[] = {ASSAY_TABLE_PAYOUT, ASSAY_TABLE_PAID};
    uint8_t amount[8];
    assay_store_be64(amount, payout->amount);
    for (size_t i = 0; i < 2; i++) {
        assay_record_key key;
        assay_record_key_start(&key, tables[i]);
        assay_record_key_add_u64(&key, epoch);
        assay_record_key_add(&key, payout->account.bytes, 20);
        assay_record_key_add_u8(&key, payout->role);
        must(assay_ledger_put(&b->ledger, &key, amount, 8, err));
    }
}

static void epoch_put(bench *b, const assay_epoch *epoch) {
    uint8_t value[ASSAY_EPOCH_SIZE];
    assay_record_key key = assay_epoch_key(epoch->epoch);
    assay_epoch_encode(epoch, value);
    must(assay_ledger_put(&b->ledger, &key, value, sizeof value, err));
}

static void expect_bad(const assay_hash *root, const assay_payout_proof *proof) {
    assay_error why = {0};
    assert_int_not_equal(assay_payout_check(root, proof, &why), ASSAY_OK);
    assert_true(why.status == ASSAY_MISMATCH || why.status == ASSAY_RANGE);
}

// Each field of a proof matters.
static void proof_damage(const assay_hash *root, assay_payout_proof proof) {
    assay_payout_proof bad = proof;
    bad.payout.amount++;
    expect_bad(root, &bad);
    bad = proof;
    bad.payout.role ^= 7;
    expect_bad(root, &bad);
    bad = proof;
    bad.payout.account.bytes[19] ^= 1;
    expect_bad(root, &bad);
    bad = proof;
    bad.index = proof.count;
    expect_bad(root, &bad);
    bad = proof;
    bad.path_count = ASSAY_MERKLE_PATH_MAX + 1;
    expect_bad(root, &bad);
    if (proof.path_count == 0) return;
    bad = proof;
    bad.path[0].bytes[0] ^= 1;
    expect_bad(root, &bad);
    bad = proof;
    bad.path_count--;
    expect_bad(root, &bad);
}

static void trees_match_the_oracle(void **state) {
    json_t *root = vectors_read("settlement.json"), *item, *row;
    size_t i, j;
    bench *b = bench_new();
    json_array_foreach(vectors_at(root, "trees"), i, item) {
        json_t *rows = json_object_get(item, "payouts");
        uint64_t sum = 0, count, total;
        assay_hash expected, found;
        must(assay_json_hash(&expected, item, "root", err));
        json_array_foreach(rows, j, row) {
            assay_payout payout = {.role = (uint8_t)json_integer_value(json_array_get(row, 1))};
            must(assay_hex_decode(payout.account.bytes, 20,
                                  json_string_value(json_array_get(row, 0)), err));
            payout.amount = strtoull(json_string_value(json_array_get(row, 2)), NULL, 10);
            if (__builtin_add_overflow(sum, payout.amount, &sum)) sum = UINT64_MAX; // P-71
            entry_put(b, i, &payout);
        }
        must(assay_payout_close(&found, &count, &total, &b->ledger.reader, i, err));
        assert_memory_equal(&found, &expected, 32);
        assert_int_equal(count, json_array_size(rows));
        assert_int_equal(total, sum);
        epoch_put(b, &(assay_epoch){.epoch = i, .payout_root = found, .payout_count = count});
        assay_payout payout = {0};
        for (uint64_t at = 0;; at++) {
            bool more;
            assay_payout_proof proof;
            must(assay_payout_next(&payout, &more, &b->ledger.reader, i, err));
            if (!more) {
                assert_int_equal(at, count);
                break;
            }
            must(assay_payout_prove(&proof, &b->ledger.reader, i, &payout.account, payout.role,
                                    err));
            assert_int_equal(proof.index, at);
            assert_int_equal(proof.payout.amount, payout.amount);
            must(assay_payout_check(&expected, &proof, err));
            proof_damage(&expected, proof);
        }
    }
    assert_int_equal(i, 12);
    assay_payout_proof proof;
    assay_error why = {0};
    assert_int_equal(assay_payout_prove(&proof, &b->ledger.reader, 3, &b->chain.actors[1], 1, &why),
                     ASSAY_NOT_FOUND); // not paid
    assert_int_equal(
        assay_payout_prove(&proof, &b->ledger.reader, 99, &b->chain.actors[1], 1, &why),
        ASSAY_NOT_FOUND); // not closed
    bench_close(b);
    json_decref(root);
}

// P-71, P-72: an account has a place in the tree for each of its roles. What is not all there
// proves nothing.
static void each_role_has_its_place(void **state) {
    bench *b = bench_new();
    assay_epoch epoch = {.epoch = 1};
    assay_payout_proof proof;
    uint64_t total;
    for (uint8_t role = 1; role <= 5; role++)
        entry_put(b, 1, &(assay_payout){b->chain.actors[3], role, 100 + role});
    must(assay_payout_close(&epoch.payout_root, &epoch.payout_count, &total, &b->ledger.reader, 1,
                            err));
    epoch_put(b, &epoch);
    for (uint8_t role = 1; role <= 5; role++) {
        must(assay_payout_prove(&proof, &b->ledger.reader, 1, &b->chain.actors[3], role, err));
        assert_int_equal(proof.payout.amount, 100 + role);
        must(assay_payout_check(&epoch.payout_root, &proof, err));
    }
    epoch.payout_count++;
    epoch_put(b, &epoch);
    assert_int_equal(assay_payout_prove(&proof, &b->ledger.reader, 1, &b->chain.actors[3], 1, NULL),
                     ASSAY_CORRUPT);
    bench_close(b);
}

// Payments of one account and role add up; each has its line; money moves with them.
static void payments_add_up(void **state) {
    bench *b = bench_new();
    assay_hash batch = trial_hash("batch"), id = trial_hash("data");
    const assay_address *from = &b->chain.actors[1], *to = &b->chain.actors[2];
    must(assay_payout_pay(&b->ledger, assay_purse_balance(from), to, ASSAY_PAID_CONTRIBUTOR,
                          ASSAY_PAID_FOR_FEES, &batch, &id, 30, err));
    must(assay_payout_pay(&b->ledger, assay_purse_balance(from), to, ASSAY_PAID_CONTRIBUTOR,
                          ASSAY_PAID_FOR_DATA, &batch, &id, 12, err));
    must(assay_payout_pay(&b->ledger, assay_purse_balance(from), to, ASSAY_PAID_VALIDATOR,
                          ASSAY_PAID_FOR_CHECK, &batch, NULL, 5, err));
    must(assay_payout_pay(&b->ledger, assay_purse_balance(from), to, ASSAY_PAID_TUNER,
                          ASSAY_PAID_FOR_FEES, &batch, NULL, 0, err)); // nothing at all
    assay_payout payout = {0};
    static const uint64_t amounts[] = {42, 5};
    bool found;
    for (uint32_t i = 0; i < 2; i++) {
        must(assay_payout_next(&payout, &found, &b->ledger.reader, 0, err));
        assert_true(found);
        assert_int_equal(payout.amount, amounts[i]);
    }
    must(assay_payout_next(&payout, &found, &b->ledger.reader, 0, err));
    assert_false(found);
    assay_payout_line line;
    must(assay_payout_line_get(&line, &found, &b->ledger.reader, &batch, 1, err));
    assert_true(found);
    assert_int_equal(line.amount, 12);
    assert_int_equal(line.reason, ASSAY_PAID_FOR_DATA);
    assert_int_equal(line.height, 20);
    assert_memory_equal(&line.id, &id, 32);
    must(assay_payout_line_get(&line, &found, &b->ledger.reader, &batch, 3, err));
    assert_false(found);
    assay_account account;
    must(assay_account_get(&account, &b->ledger.reader, to, err));
    assert_int_equal(account.balance, CHAIN_BALANCE + 47);
    bench_close(b);
}

// P-71: the supply bounds no sum of an epoch; entry and total stop at 64 bits.
static void sums_stop_at_their_width(void **state) {
    bench *b = bench_new();
    assay_hash batch = trial_hash("batch"), root;
    const assay_address *from = &b->chain.actors[1];
    assay_payout payout = {b->chain.actors[2], ASSAY_PAID_PROVIDER, UINT64_MAX - 10};
    uint64_t count, total;
    bool found;
    entry_put(b, 0, &payout);
    for (uint64_t i = 0; i < 2; i++) { // to the last unit, then beyond
        must(assay_payout_pay(&b->ledger, assay_purse_balance(from), &payout.account,
                              ASSAY_PAID_PROVIDER, ASSAY_PAID_FOR_FEES, &batch, NULL, 10, err));
        assay_payout first = {0};
        must(assay_payout_next(&first, &found, &b->ledger.reader, 0, err));
        assert_true(found && first.amount == UINT64_MAX);
    }
    must(assay_payout_close(&root, &count, &total, &b->ledger.reader, 0, err));
    assert_true(count == 1 && total == UINT64_MAX);
    payout.role = ASSAY_PAID_VALIDATOR;
    entry_put(b, 0, &payout);
    must(assay_payout_close(&root, &count, &total, &b->ledger.reader, 0, err));
    assert_true(count == 2 && total == UINT64_MAX);
    bench_close(b);
}

// Two epochs of a real chain: the table is the sum of the lines, the record of a closed epoch never
// changes, and its proofs hold after the next.
static void epochs_of_a_real_chain(void **state) {
    trial *t = trial_begin();
    bundle b[2];
    for (uint32_t i = 0; i < 2; i++) {
        trial_submit(t, &b[i], 8);
        trial_run_out(t, &b[i].id);
    }
    uint64_t epoch = t->chain.height / 20;
    chain_until(&t->chain, 20 * (epoch + 2));
    assay_view view = chain_view(&t->chain);
    uint64_t lines = 0, tables = 0, records = 0;
    for (uint32_t i = 0; i < 2; i++) {
        bool found = true;
        for (uint32_t j = 0; found; j++) {
            assay_payout_line line;
            must(assay_payout_line_get(&line, &found, &view.reader, &b[i].id, j, err));
            lines += line.amount;
        }
    }
    for (uint64_t e = 0; e < epoch + 2; e++) {
        assay_epoch record;
        assay_payout payout = {0};
        bool found;
        must(assay_epoch_get(&record, &found, &view.reader, e, err));
        assert_true(found);
        assert_int_equal(record.epoch, e);
        records += record.payout_total;
        for (;;) {
            assay_payout_proof proof;
            must(assay_payout_next(&payout, &found, &view.reader, e, err));
            if (!found) break;
            tables += payout.amount;
            must(assay_payout_prove(&proof, &view.reader, e, &payout.account, payout.role, err));
            must(assay_payout_check(&record.payout_root, &proof, err));
        }
        // The record is proven against the state root: what a proof file ends with.
        assay_record_key key = assay_epoch_key(e);
        assay_bytes value;
        assay_smt_proof smt;
        uint8_t encoded[ASSAY_EPOCH_SIZE];
        assay_epoch back;
        must(assay_view_prove(&view, &key, &value, &smt, err));
        assay_epoch_encode(&record, encoded);
        assert_int_equal(value.size, sizeof encoded);
        assert_memory_equal(value.data, encoded, sizeof encoded);
        must(assay_smt_check(&view.state_root, key.bytes, key.size, encoded, sizeof encoded, &smt,
                             err));
        must(assay_epoch_decode(&back, encoded, sizeof encoded, err));
        assert_int_equal(back.payout_total, record.payout_total);
        assert_int_equal(assay_epoch_decode(&back, encoded, sizeof encoded - 1, NULL),
                         ASSAY_TRUNCATED);
    }
    assert_true(lines > 0);
    assert_int_equal(lines, tables);
    assert_int_equal(lines, records);
    assay_view_close(&view);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_match_the_oracle), cmocka_unit_test(each_role_has_its_place),
        cmocka_unit_test(payments_add_up),        cmocka_unit_test(sums_stop_at_their_width),
        cmocka_unit_test(epochs_of_a_real_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
