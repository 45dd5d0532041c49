// SPDX-License-Identifier: Apache-2.0
// The end of an epoch: its record, swept tables, claims against OpenZeppelin's trees; and that the
// same blocks always give the same state (P-73, P-74, P-75, P-77).
#include "tests/ledger/claim_proof.h"
#include "tests/ledger/trial.h"
#include "tests/vectors.h"

#include "ledger/epoch.h"
#include "ledger/state/history.h"

static assay_epoch epoch_of(const chain *c, uint64_t epoch, bool *found) {
    assay_view view = chain_view(c);
    assay_epoch record;
    must(assay_epoch_get(&record, found, &view.reader, epoch, err));
    assay_view_close(&view);
    return record;
}

static uint32_t entries(const chain *c, uint8_t table) {
    assay_view view = chain_view(c);
    assay_record_key from;
    assay_store_position at;
    uint32_t count = 0;
    assay_record_key_start(&from, table);
    must(assay_reader_seek(&view.reader, &at, &from, 1, err));
    for (; at.key_size > 0; count++)
        must(assay_reader_next(&view.reader, &at, err));
    assay_view_close(&view);
    return count;
}

// Written in the last block of the epoch, not before; even when nothing was paid.
static void an_empty_epoch_closes(void **state) {
    chain *c = chain_begin();
    bool found;
    chain_until(c, 19);
    epoch_of(c, 0, &found);
    assert_false(found);
    chain_block(c);
    assay_epoch record = epoch_of(c, 0, &found);
    assert_true(found);
    assay_hash empty;
    assay_sha256_of(&empty, NULL, 0);
    assert_memory_equal(&record.payout_root, &empty, 32);
    assert_true(assay_hash_is_zero(&record.claims_root));
    assert_int_equal(record.payout_count + record.payout_total + record.claims_count, 0);
    // Its leaf in the history is its record.
    assay_view view = chain_view(c);
    assay_history_proof proof;
    uint8_t leaf[1 + ASSAY_EPOCH_SIZE] = {3};
    assay_epoch_encode(&record, leaf + 1);
    must(assay_history_prove(&proof, &view.reader, view.history_count - 1, err));
    must(assay_history_check(&view.history_root, leaf, sizeof leaf, &proof, err));
    assay_view_close(&view);
    chain_until(c, 40);
    epoch_of(c, 1, &found);
    assert_true(found);
    chain_end(c);
}

// The open epoch's table is state; after the close it is swept, and read from the aux copy.
static void sweeps(void **state) {
    trial *t = trial_begin();
    bundle b;
    bool found;
    trial_submit(t, &b, 8);
    trial_run_out(t, &b.id);
    uint64_t epoch = t->chain.height / 20;
    assert_true(t->chain.height % 20 != 0);
    uint32_t paid = entries(&t->chain, ASSAY_TABLE_PAYOUT);
    assert_true(paid > 5);
    chain_until(&t->chain, 20 * (epoch + 1));
    assert_int_equal(epoch_of(&t->chain, epoch, &found).payout_count, paid);
    assert_int_equal(entries(&t->chain, ASSAY_TABLE_PAYOUT), paid);
    chain_block(&t->chain);
    assert_int_equal(entries(&t->chain, ASSAY_TABLE_PAYOUT), 0);
    assert_int_equal(entries(&t->chain, ASSAY_TABLE_PAID), paid);
    trial_close(t);
}

// A block by hand at any height.
static assay_ledger ledger_at(chain *c, uint64_t height) {
    assay_ledger ledger = chain_by_hand(c);
    ledger.height = height;
    return ledger;
}

// `count` payouts of an epoch, to accounts that ascend with their amounts.
static void payouts_put(assay_ledger *ledger, uint64_t epoch, uint32_t count) {
    for (uint32_t i = 1; i <= count; i++) {
        uint8_t account[ASSAY_ADDRESS_SIZE] = {0}, amount[8];
        assay_record_key key;
        assay_store_be32(account, i);
        assay_store_be64(amount, i);
        assay_record_key_start(&key, ASSAY_TABLE_PAYOUT);
        assay_record_key_add_u64(&key, epoch);
        assay_record_key_add(&key, account, sizeof account);
        assay_record_key_add_u8(&key, ASSAY_PAID_VALIDATOR);
        must(assay_ledger_put(ledger, &key, amount, sizeof amount, err));
    }
}

// What is left in the table: the epoch and the amount of its first entry, and how many.
static void payouts_expect(const assay_ledger *ledger, uint64_t epoch, uint64_t amount,
                           uint32_t count) {
    assay_record_key from;
    assay_store_position at;
    assay_record_key_start(&from, ASSAY_TABLE_PAYOUT);
    must(assay_reader_seek(&ledger->reader, &at, &from, 1, err));
    assert_int_equal(assay_load_be64(at.key + 1), epoch);
    assert_int_equal(assay_load_be64(at.value.data), amount);
    for (; at.key_size > 0; count--)
        must(assay_reader_next(&ledger->reader, &at, err));
    assert_int_equal(count, 0);
}

// P-73: of all closed epochs 4,096 entries a block, the first ones first, and none of the open one,
// in whose last block all of them are still there.
static void so_many_are_swept_a_block(void **state) {
    enum { BLOCK = 4096 };
    chain *c = chain_begin();
    assay_ledger ledger = ledger_at(c, 41); // of epoch 2
    payouts_put(&ledger, 0, BLOCK + 3);
    payouts_put(&ledger, 1, BLOCK);
    payouts_put(&ledger, 2, 5);
    must(assay_epoch_end_block(&ledger, err));
    payouts_expect(&ledger, 0, BLOCK + 1, 3 + BLOCK + 5);
    ledger.height++;
    must(assay_epoch_end_block(&ledger, err));
    payouts_expect(&ledger, 1, BLOCK - 2, 3 + 5);
    ledger.height = 60;
    must(assay_epoch_end_block(&ledger, err));
    payouts_expect(&ledger, 2, 1, 5);
    assay_store_abort(ledger.store);
    chain_end(c);
}

// ---- claims ----

// wei texts end in nine zeros.
static uint64_t nopen_of(const char *wei) {
    uint64_t amount = 0;
    for (size_t i = 0; i + 9 < strlen(wei); i++)
        amount = 10 * amount + (uint64_t)(wei[i] - '0');
    return amount;
}

static void claim_put(assay_ledger *ledger, const assay_address *recipient, uint64_t nopen) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_CLAIM, recipient);
    uint8_t record[ASSAY_CLAIM_SIZE] = {0};
    assay_store_be64(record, nopen);
    must(assay_ledger_put(ledger, &key, record, sizeof record, err));
}

static void claims_match(const json_t *vector, assay_ledger *ledger) {
    json_t *list = json_object_get(vector, "claims"), *item, *step;
    size_t i, j;
    json_array_foreach(list, i, item) {
        assay_claim claim;
        assay_hash path[ASSAY_CLAIMS_PATH_MAX], expected;
        assay_address recipient;
        uint32_t count;
        assay_epoch epoch;
        must(assay_json_address(&recipient, item, "address", err));
        must(assay_epoch_claim_prove(&claim, path, &count, &epoch, &ledger->reader, ledger->params,
                                     ledger->height, &recipient, err));
        must(assay_json_hash(&expected, vector, "root", err));
        assert_memory_equal(&epoch.claims_root, &expected, 32);
        assert_int_equal(epoch.claims_count, json_array_size(list));
        assert_int_equal(claim.amount, nopen_of(json_string_value(json_object_get(item, "wei"))));
        assert_int_equal(count, json_array_size(json_object_get(item, "proof")));
        json_array_foreach(json_object_get(item, "proof"), j, step) {
            must(assay_hex_decode(expected.bytes, 32, json_string_value(step), err));
            assert_memory_equal(&path[j], &expected, 32);
        }
    }
}

// Trees that OpenZeppelin made, closed by an epoch of ours: the same roots and proofs.
// Their amounts are more than any supply, so the claims are written as records.
static void claims_roots_are_openzeppelins(void **state) {
    json_t *root = vectors_read("claims.json"), *vector, *item;
    size_t i, j;
    json_array_foreach(vectors_at(root, "trees"), i, vector) {
        chain *c = chain_begin();
        assay_ledger ledger = ledger_at(c, 20);
        json_array_foreach(json_object_get(vector, "claims"), j, item) {
            assay_address recipient;
            must(assay_json_address(&recipient, item, "address", err));
            claim_put(&ledger, &recipient,
                      nopen_of(json_string_value(json_object_get(item, "wei"))));
        }
        must(assay_epoch_end_block(&ledger, err));
        claims_match(vector, &ledger);
        assay_store_abort(ledger.store);
        chain_end(c);
    }
    assert_true(i >= 9);
    json_decref(root);
}

static assay_address large_recipient(uint32_t index) {
    assay_address recipient = {0};
    assay_store_be32(recipient.bytes, index);
    return recipient;
}

// However many claims there are, an epoch closes: OpenZeppelin's root of 5,000 of them, each of
// them provable, and with the memory that a tree is said to take.
static void thousands_of_claims_close(void **state) {
    json_t *root = vectors_read("claims.json"), *large = json_object_get(root, "large");
    uint32_t count = (uint32_t)json_integer_value(json_object_get(large, "count")), steps;
    assay_hash expected, path[ASSAY_CLAIMS_PATH_MAX];
    must(assay_json_hash(&expected, large, "root", err));
    assert_int_equal(count, 5000);
    chain *c = chain_begin();
    assay_ledger ledger = ledger_at(c, 20);
    for (uint32_t i = 1; i <= count; i++) {
        assay_address recipient = large_recipient(i);
        claim_put(&ledger, &recipient, (uint64_t)i * i);
    }
    must(assay_epoch_end_block(&ledger, err));
    for (uint32_t i = 1; i <= count; i += 833) {
        assay_address recipient = large_recipient(i);
        assay_epoch epoch;
        assay_claim claim;
        must(assay_epoch_claim_prove(&claim, path, &steps, &epoch, &ledger.reader, ledger.params,
                                     ledger.height, &recipient, err));
        assert_int_equal(epoch.claims_count, count);
        assert_memory_equal(&epoch.claims_root, &expected, 32);
        assert_int_equal(claim.amount, (uint64_t)i * i);
        assert_true(claim_is_proven(&expected, &claim, path, steps));
    }
    assay_store_abort(ledger.store);
    chain_end(c);
    json_decref(root);
}

// What the last close published is told in the middle of the next epoch, however many withdrawals
// there have been since: of recipients that it had and of new ones, in one epoch or after many.
static void claims_are_told_as_published(void **state) {
    enum { RECIPIENTS = 64, EPOCH = 20 };
    uint64_t now[RECIPIENTS] = {0}, closed[RECIPIENTS];
    chain *c = chain_begin();
    assay_ledger ledger = chain_by_hand(c);
    const assay_address *payer = &c->actors[1];
    for (uint32_t round = 0; round < 12; round++) {
        memcpy(closed, now, sizeof closed);
        for (uint32_t step = 0; step < EPOCH; step++) {
            ledger.height = EPOCH * round + step + 1;
            for (uint32_t i = 0; round < 11 && i < RECIPIENTS; i++) {
                assay_address recipient = large_recipient(1 + i);
                if ((i * 7 + ledger.height * 5) % (29 + round) != 0) continue;
                must(assay_money_move(&ledger, assay_purse_balance(payer),
                                      assay_purse_claim(&recipient), 1 + step, err));
                now[i] += 1 + step;
            }
            assay_claim claim = {0};
            bool found;
            for (uint32_t i = 0; round > 0 && i < RECIPIENTS; i++) {
                if (closed[i] == 0) continue;
                must(assay_epoch_claim_next(&claim, &found, &ledger.reader, round - 1, err));
                assert_true(found);
                assert_int_equal(assay_load_be32(claim.recipient.bytes), 1 + i);
                assert_int_equal(claim.amount, closed[i]);
            }
            if (round > 0)
                must(assay_epoch_claim_next(&claim, &found, &ledger.reader, round - 1, err));
            if (round > 0) assert_false(found);
        }
        must(assay_epoch_end_block(&ledger, err));
    }
    assert_true(memcmp(now, closed, sizeof now) == 0 && now[0] > 0 && now[RECIPIENTS - 1] > 0);
    assay_store_abort(ledger.store);
    chain_end(c);
}

static void withdraw(chain *c, uint32_t actor, uint8_t recipient, uint64_t amount) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_WITHDRAW);
    tx.body.withdraw = (assay_tx_withdraw){{{recipient}}, amount};
    chain_run(c, &tx, NONE);
}

// Claims count from the close of the epoch on, cumulatively; what comes later is not yet provable,
// and an epoch without withdrawals repeats the root.
static void claims_are_published_at_the_close(void **state) {
    chain *c = chain_begin();
    bool found;
    withdraw(c, 3, 0x33, 1000);
    withdraw(c, 4, 0x44, 50);
    chain_until(c, 20);
    assay_epoch first = epoch_of(c, 0, &found);
    assert_int_equal(first.claims_count, 2);
    assert_int_equal(first.claims_total, 1050);
    withdraw(c, 5, 0x33, 7);
    withdraw(c, 5, 0x11, 1);
    assay_view view = chain_view(c);
    assay_claim claim = {0};
    assay_address me = {{0x33}}, new = {{0x11}};
    assay_hash path[ASSAY_CLAIMS_PATH_MAX];
    assay_epoch epoch;
    uint32_t count;
    must(assay_epoch_claim_next(&claim, &found, &view.reader, 0, err));
    assert_int_equal(claim.recipient.bytes[0], 0x33);
    must(assay_epoch_claim_prove(&claim, path, &count, &epoch, &view.reader, view.params,
                                 view.height, &me, err));
    assert_int_equal(claim.amount, 1000);
    assert_true(claim_is_proven(&first.claims_root, &claim, path, count));
    assay_error why = {0};
    assert_int_equal(assay_epoch_claim_prove(&claim, path, &count, &epoch, &view.reader,
                                             view.params, view.height, &new, &why),
                     ASSAY_NOT_FOUND);
    assay_view_close(&view);
    chain_until(c, 60);
    assay_epoch second = epoch_of(c, 1, &found), third = epoch_of(c, 2, &found);
    assert_int_equal(second.claims_count, 3);
    assert_int_equal(second.claims_total, 1058);
    assert_memory_not_equal(&second.claims_root, &first.claims_root, 32);
    assert_memory_equal(&third.claims_root, &second.claims_root, 32);
    view = chain_view(c);
    must(assay_epoch_claim_prove(&claim, path, &count, &epoch, &view.reader, view.params,
                                 view.height, &me, err));
    assert_int_equal(claim.amount, 1007);
    assert_int_equal(epoch.epoch, 2);
    assert_true(claim_is_proven(&third.claims_root, &claim, path, count));
    assay_view_close(&view);
    withdraw(c, 5, 0x33, 3); // nobody is new
    chain_until(c, 80);
    assay_epoch fourth = epoch_of(c, 3, &found);
    assert_int_equal(fourth.claims_count, 3);
    view = chain_view(c);
    must(assay_epoch_claim_prove(&claim, path, &count, &epoch, &view.reader, view.params,
                                 view.height, &me, err));
    assert_int_equal(claim.amount, 1010);
    assert_true(claim_is_proven(&fourth.claims_root, &claim, path, count));
    assay_view_close(&view);
    chain_end(c);
}

// ---- determinism ----

static ballot mixed(trial *t, uint32_t actor, const assay_duty *duty) {
    uint32_t luck = (actor * 7 + duty->sample * 3 + duty->round + duty->batch.bytes[0]) % 11;
    if (luck == 0) return (ballot){.no_commit = true};
    if (luck == 1) return (ballot){.no_reveal = true};
    if (luck == 2) return (ballot){.wrong_probe = true};
    if (luck == 3) return (ballot){.verdict = ASSAY_VERDICT_UNAVAILABLE};
    if (luck == 4) return (ballot){.verdict = ASSAY_VERDICT_OUTPUT};
    return (ballot){0};
}

// A busy chain of every kind of luck; its app hashes, one after the other.
static assay_hash busy_chain(bool reopen) {
    trial *t = trial_new();
    assay_sha256 sha;
    assay_hash digest;
    assay_sha256_init(&sha);
    t->chain.genesis.params.wrong_verdict_slash /= 100; // so that nobody runs out of bond
    t->chain.genesis.params.no_vote_slash /= 100;
    trial_start(t);
    t->votes = mixed;
    for (uint32_t i = 0; i < 12; i++) {
        bundle *b = calloc(1, sizeof *b);
        trial_submit(t, b, 1 + i);
        for (uint32_t j = 0; j < 5; j++) {
            trial_step(t);
            assay_sha256_update(&sha, t->chain.outcome.app_hash.bytes, 32);
        }
        free(b);
        if (!reopen) continue;
        assay_app_close(t->chain.app); // nothing lives in memory only
        chain_app_open(&t->chain);
    }
    for (uint32_t i = 0; i < 60; i++)
        trial_step(t);
    static const uint8_t empty[] = {ASSAY_TABLE_CASE,     ASSAY_TABLE_BATCH, ASSAY_TABLE_ACCUSER,
                                    ASSAY_TABLE_CASE_DUE, ASSAY_TABLE_VOTE,  ASSAY_TABLE_WAITING,
                                    ASSAY_TABLE_FINAL,    ASSAY_TABLE_ESCROW};
    for (size_t i = 0; i < sizeof empty; i++)
        assert_int_equal(entries(&t->chain, empty[i]), 0);
    assay_sha256_update(&sha, t->chain.outcome.app_hash.bytes, 32);
    assay_sha256_final(&sha, &digest);
    trial_close(t);
    return digest;
}

static void the_same_blocks_give_the_same_state(void **state) {
    assay_hash once = busy_chain(false), again = busy_chain(true);
    assert_memory_equal(&once, &again, 32);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_epoch_closes),
        cmocka_unit_test(sweeps),
        cmocka_unit_test(so_many_are_swept_a_block),
        cmocka_unit_test(claims_roots_are_openzeppelins),
        cmocka_unit_test(thousands_of_claims_close),
        cmocka_unit_test(claims_are_told_as_published),
        cmocka_unit_test(claims_are_published_at_the_close),
        cmocka_unit_test(the_same_blocks_give_the_same_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
