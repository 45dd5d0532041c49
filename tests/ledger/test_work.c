// SPDX-License-Identifier: Apache-2.0
// P-98: how many writes a block makes, what then becomes of its transactions, and that the end of a
// block leaves the rest to the next one.
#include "tests/ledger/trial.h"

#include "ledger/case_private.h"
#include "ledger/epoch.h"
#include "ledger/settle.h"
#include "ledger/verdict.h"

static void put(assay_ledger *ledger, uint8_t table, size_t size) {
    static const uint8_t zeros[1024];
    const assay_address address = {{0x77}};
    assay_record_key key = assay_record_key_of_address(table, &address);
    must(assay_ledger_put(ledger, &key, zeros, size, err));
}

// One, and one more for 256 bytes; aux tables too; removing what is not there too; and a rollback
// takes none back.
static void every_put_and_delete_counts(void **state) {
    static const struct {
        size_t size;
        uint64_t writes;
    } cases[] = {{0, 1}, {255, 1}, {256, 2}, {511, 2}, {512, 3}, {1024, 5}};
    chain *c = chain_begin();
    assay_ledger ledger = chain_by_hand(c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (uint32_t aux = 0; aux < 2; aux++) {
            uint64_t before = ledger.writes;
            assay_ledger_mark mark = assay_ledger_savepoint(&ledger);
            put(&ledger, aux ? ASSAY_TABLE_BEACON_AT : ASSAY_TABLE_ESCROW, cases[i].size);
            assay_ledger_rollback(&ledger, &mark);
            assert_int_equal(ledger.writes - before, cases[i].writes);
        }
    }
    uint64_t before = ledger.writes;
    const assay_address nobody = {{0x78}};
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_ESCROW, &nobody);
    must(assay_ledger_delete(&ledger, &key, err));
    assert_int_equal(ledger.writes - before, 1);
    assay_store_abort(ledger.store);
    chain_end(c);
}

// Sets of 256 roots, each in the place of the one before, until a block has made 2^18 writes: those
// behind are refused, whoever sends them, and have paid for their admission and nothing else.
static void a_block_without_room_refuses(void **state) {
    enum { SETS = 300, SET_WRITES = 2 + 4 * ASSAY_ROOTS_MAX + 1 + 32 };
    static assay_hash roots[2][ASSAY_ROOTS_MAX];
    chain *c = chain_begin();
    assay_tx tx = chain_tx(c, 1, ASSAY_TX_BOND);
    tx.body.bond = (assay_tx_bond){ASSAY_ROLE_VERIFICATION, 20 * CHAIN_OPEN};
    chain_run(c, &tx, NONE);
    for (uint32_t i = 0; i < 2 * ASSAY_ROOTS_MAX; i++) {
        roots[i % 2][i / 2].bytes[0] = (uint8_t)(i / 2);
        roots[i % 2][i / 2].bytes[1] = 1 + i % 2;
    }
    for (uint32_t i = 0; i < SETS; i++) {
        tx = chain_tx(c, 1, ASSAY_TX_DECLARE_ROOTS);
        tx.body.declare_roots.roots = (assay_hash_list){roots[i % 2], ASSAY_ROOTS_MAX};
        chain_add(c, &tx);
    }
    tx = chain_tx(c, 2, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[3], 7};
    chain_add(c, &tx);
    uint64_t fee = chain_fee(c, &tx);
    chain_block(c);
    uint32_t done = 0;
    while (done < SETS && chain_code(c, done) == 0)
        done++;
    // The first one had nothing to remove; the beacon's writes are few.
    assert_in_range(done, ASSAY_WRITES_TXS / SET_WRITES, ASSAY_WRITES_TXS / SET_WRITES + 2);
    for (uint32_t i = done; i <= SETS; i++)
        assert_int_equal(chain_code(c, i), ASSAY_REJECT_BLOCK_WORK);
    assert_int_equal(chain_balance(c, 2), CHAIN_BALANCE - fee);
    assert_int_equal(chain_balance(c, 3), CHAIN_BALANCE);
    assert_int_equal(chain_account(c, &c->actors[1]).nonces[0], 1 + SETS);

    // The next block has room again.
    tx = chain_tx(c, 2, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[3], 7};
    chain_run(c, &tx, NONE);
    assert_int_equal(chain_balance(c, 3), CHAIN_BALANCE + 7);
    chain_end(c);
}

// Entries of a table, whose keys begin with a height, that are due.
static uint32_t count_of(const assay_ledger *ledger, uint8_t table) {
    assay_record_key from;
    assay_store_position at;
    uint32_t count = 0;
    assay_record_key_start(&from, table);
    must(assay_reader_seek(&ledger->reader, &at, &from, 1, err));
    for (; at.key_size > 0 && assay_load_be64(at.key + 1) <= ledger->height; count++)
        must(assay_reader_next(&ledger->reader, &at, err));
    return count;
}

typedef assay_status (*part)(assay_ledger *ledger, assay_error *err);

// The part of the next block's end that empties `table`, after `before` (NULL: nothing): with no
// room it does nothing, with room for one write one thing of `count`, and in the end all is as if
// it had been done at once.
static void goes_step_by_step(chain *c, part before, part run, uint8_t table, uint32_t count) {
    assay_hash at_once, stepped;
    assay_ledger ledger = chain_by_hand(c);
    if (before != NULL) must(before(&ledger, err));
    assert_int_equal(count_of(&ledger, table), count);
    must(run(&ledger, err));
    assert_int_equal(count_of(&ledger, table), 0);
    must(assay_store_root(ledger.store, &at_once, err));
    assay_store_abort(ledger.store);

    ledger = chain_by_hand(c);
    if (before != NULL) must(before(&ledger, err));
    uint64_t writes = ledger.writes_max = ledger.writes;
    must(run(&ledger, err));
    assert_int_equal(ledger.writes, writes);
    while (count > 0) {
        ledger.writes_max = ledger.writes + 1;
        must(run(&ledger, err));
        assert_int_equal(count_of(&ledger, table), --count);
    }
    must(assay_store_root(ledger.store, &stepped, err));
    assert_memory_equal(&at_once, &stepped, sizeof stepped);
    assay_store_abort(ledger.store);
}

// Draws, cases and settlements, of two batches with three cases each.
static void the_end_of_a_block_leaves_the_rest(void **state) {
    static bundle first, second;
    trial *t = trial_new();
    chain *c = &t->chain;
    trial_start(t);
    trial_bundle(t, &first, 3);
    first.id = chain_add(c, &first.tx);
    trial_bundle(t, &second, 2);
    second.id = chain_add(c, &second.tx);
    chain_block(c);
    trial_all_accepted(t);
    chain_block(c);
    goes_step_by_step(c, NULL, assay_batch_draw_due, ASSAY_TABLE_WAITING, 2);

    // Nobody votes on the first draws, everybody on the second ones.
    chain_block(c);
    chain_until(c, trial_case(t, &first.id, 0).reveal_end - 1);
    goes_step_by_step(c, NULL, assay_verdict_due, ASSAY_TABLE_CASE_DUE, 6);
    chain_block(c);
    uint64_t end = trial_case(t, &first.id, 0).reveal_end;
    while (c->height < end - 1)
        trial_step(t);
    goes_step_by_step(c, assay_verdict_due, assay_settle_due, ASSAY_TABLE_FINAL, 2);
    assay_ledger ledger = chain_by_hand(c); // each part has room, whatever transactions took
    ledger.writes = ASSAY_WRITES_TXS;
    must(assay_epoch_end_block(&ledger, err));
    assert_int_equal(count_of(&ledger, ASSAY_TABLE_CASE_DUE), 0);
    assert_int_equal(count_of(&ledger, ASSAY_TABLE_FINAL), 0);
    assay_store_abort(ledger.store);
    trial_step(t);
    assert_int_equal(trial_batch(t, &first.id).state, ASSAY_BATCH_SETTLED);
    assert_int_equal(trial_batch(t, &second.id).state, ASSAY_BATCH_SETTLED);
    trial_close(t);
}

// P-74: so many cases a block, whatever room is left. They are made up, and too late to escalate.
static void only_so_many_cases_are_closed(void **state) {
    enum { CASES = 4096 + 1, FIRST = 1000 };
    static bundle b;
    trial *t = trial_begin();
    trial_submit(t, &b, 2);
    assay_batch batch = trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    uint32_t real = batch.cases_open;
    assay_ledger ledger = chain_by_hand(&t->chain);
    ledger.height += assay_params_window(&t->chain.genesis.params);
    ledger.writes_max = UINT64_MAX;
    batch.cases_open += CASES;
    must(assay_batch_put(&ledger, &b.id, &batch, err));
    for (uint32_t i = FIRST; i < FIRST + CASES; i++) {
        const assay_case record = {.state = ASSAY_CASE_ANSWERING, .escalations = 1};
        must(assay_case_put(&ledger, &b.id, i, &record, err));
        must(assay_case_due_put(&ledger, 1, &b.id, i, err));
    }
    must(assay_verdict_due(&ledger, err));
    assert_int_equal(count_of(&ledger, ASSAY_TABLE_CASE_DUE), 1 + real);
    assay_store_abort(ledger.store);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_put_and_delete_counts),
        cmocka_unit_test(a_block_without_room_refuses),
        cmocka_unit_test(the_end_of_a_block_leaves_the_rest),
        cmocka_unit_test(only_so_many_cases_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
