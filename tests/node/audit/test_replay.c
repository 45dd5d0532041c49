// SPDX-License-Identifier: Apache-2.0
// The replay half of `assay audit`: what holds, and everything that a disk, a thief of the log or
// the operator itself can change about a home (F-50).
#include "base/file.h"
#include "tests/node/logged.h"

enum { LAST = 24 }; // height of the last block: past the first epoch's end

static logged *shared;
static char before_last[64]; // a copy of the state before the last block

static void transfer_add(chain *c, uint64_t amount) {
    assay_tx tx = chain_tx(c, SPARE, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[CONSUMER], amount};
    chain_add(c, &tx);
}

static int chain_make(void **state) {
    shared = logged_new();
    trial *t = shared->trial;
    chain *c = &t->chain;
    static bundle b;
    trial_start(t);
    trial_submit(t, &b, 3);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    chain_until(c, LAST - 1);
    snprintf(before_last, sizeof before_last, "%s/before", shared->folder);
    must(assay_store_backup(assay_app_store(c->app), before_last, err));
    transfer_add(c, 1000);
    transfer_add(c, 2000);
    chain_block(c);
    trial_all_accepted(t);
    assert_int_equal(c->height, LAST);
    return 0;
}

static int chain_free(void **state) {
    logged_free(shared);
    return 0;
}

// A copy of the home to do harm to.
static void home_copy(void) {
    logged_do(shared, "rm -rf copy && cp -rL home copy");
}

// The audit of the copy says no, with this sentence in it.
static void copy_refused(const char *sentence) {
    json_t *document = logged_audit(shared, 1, "--home copy --rerun none");
    const char *problem = json_string_value(json_object_get(document, "problem"));
    assert_true(json_is_false(json_object_get(document, "agrees")));
    if (!problem || !strstr(problem, sentence)) fail_msg("\"%s\", not \"%s\"", problem, sentence);
    json_decref(document);
}

static void an_honest_home_agrees(void **state) {
    assay_view view = chain_view(&shared->trial->chain);
    assay_epoch epoch;
    bool closed;
    must(assay_epoch_get(&epoch, &closed, &view.reader, 0, err));
    assert_true(closed && epoch.payout_count > 0);
    json_t *document = logged_audit(shared, 0, "--home home --rerun none");
    assert_true(json_is_true(json_object_get(document, "agrees")));
    assert_string_equal(json_string_value(json_object_get(document, "problem")), "");
    assert_int_equal(logged_number(document, "blocks"), LAST);
    assert_int_equal(logged_number(document, "height"), LAST);
    logged_expect_hash(document, "state_root", &view.state_root);
    logged_expect_hash(document, "app_hash", &view.app_hash);
    const json_t *roots = json_object_get(document, "payout_roots");
    assert_int_equal(json_array_size(roots), 1);
    logged_expect_hash(json_array_get(roots, 0), "root", &epoch.payout_root);
    const json_t *home = json_object_get(document, "home");
    assert_int_equal(logged_number(home, "height"), LAST);
    logged_expect_hash(home, "state_root", &view.state_root);
    const json_t *supply = json_object_get(document, "supply");
    static const char *const parts[] = {"balances", "deposits", "bonds", "claims", "burned"};
    uint64_t sum = 0;
    for (int i = 0; i < 5; i++)
        sum += logged_number(supply, parts[i]);
    assert_int_equal(sum, shared->trial->chain.genesis.supply);
    assert_int_equal(logged_number(supply, "genesis"), sum);
    assert_int_equal(logged_number(document, "receipts"), 3);
    assert_int_equal(logged_number(document, "receipts_rerun"), 0);
    json_decref(document);
    assay_view_close(&view);
}

static void nothing_is_left_behind(void **state) {
    static char out[LOGGED_OUTPUT];
    logged_do(shared, "mkdir temporary");
    assert_int_equal(logged_run(shared, out,
                                "TMPDIR=temporary assay audit --home home --rerun none && rmdir "
                                "temporary"),
                     0);
    assert_non_null(strstr(out, "everything agrees"));
    logged_do(shared, "mkdir temporary && TMPDIR=temporary assay audit --home home --rerun none "
                      "--keep && rm temporary/assay-audit-*/data.mdb && rm -r temporary");
}

static void a_log_alone_can_be_audited(void **state) {
    home_copy();
    logged_do(shared, "rm -r copy/state");
    json_t *document = logged_audit(shared, 0, "--home copy --rerun none");
    assert_true(json_is_null(json_object_get(document, "home")));
    assert_int_equal(logged_number(document, "blocks"), LAST);
    json_decref(document);
}

// C-10: any bit of the log.
static void flipped_bits_are_found(void **state) {
    char path[96];
    uint8_t *data;
    size_t size;
    snprintf(path, sizeof path, "%s/copy/blocks/blocks.log", shared->folder);
    home_copy();
    must(assay_file_read(path, 64 << 20, &data, &size, err));
    for (int i = 0; i <= 16; i++) {
        size_t at = (size - 1) * (size_t)i / 16;
        data[at] ^= (uint8_t)(1 << i % 8);
        must(assay_file_replace(path, data, size, 0600, err));
        copy_refused("block");
        data[at] ^= (uint8_t)(1 << i % 8);
    }
    free(data);
}

// Rewrites the copy's log: its last block goes through `change`, NULL drops it.
static void log_rewrite(void (*change)(assay_block *block, assay_blocklog *out,
                                       assay_arena *arena)) {
    char path[96];
    assay_blocklog *from, *to;
    assay_arena arena;
    home_copy();
    logged_do(shared, "mv copy/blocks copy/genuine");
    snprintf(path, sizeof path, "%s/copy/genuine", shared->folder);
    must(assay_blocklog_open(&from, path, false, LAST, err));
    snprintf(path, sizeof path, "%s/copy/blocks", shared->folder);
    must(assay_blocklog_open(&to, path, true, 0, err));
    assay_arena_init(&arena, LOGGED_ARENA);
    for (uint64_t i = 0; i < LAST; i++) {
        uint8_t *data;
        size_t size;
        assay_block block;
        must(assay_blocklog_read(from, i, &data, &size, err));
        if (i + 1 < LAST) {
            must(assay_blocklog_append(to, data, size, err));
        } else if (change) {
            must(assay_block_read(&block, data, size, &arena, err));
            change(&block, to, &arena);
        }
        free(data);
    }
    assay_arena_close(&arena);
    assay_blocklog_close(to);
    assay_blocklog_close(from);
}

static void log_write(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    assay_bytes record;
    must(assay_block_write(&record, block, arena, err));
    must(assay_blocklog_append(out, record.data, record.size, err));
}

static void other_key_signs(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    uint8_t seed[32] = {9};
    must(assay_commit_sign(&block->commit, shared->before.chain_id, seed, err));
    log_write(block, out, arena);
}

static void other_validator_makes(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    uint8_t seed[32] = {9};
    assay_tip tip = shared->before;
    must(assay_ed25519_public(tip.public_key, seed, err));
    assay_ed25519_address(&tip.validator, tip.public_key);
    logged_header(&tip, block, block->header.time, arena);
    logged_append(out, &tip, block, seed, arena);
}

static void signature_is_damaged(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    block->commit.signature[5] ^= 1;
    log_write(block, out, arena);
}

static void result_is_changed(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    ((assay_tx_result *)block->results)[1].code = ASSAY_REJECT_BALANCE_SHORT;
    log_write(block, out, arena);
}

static void app_hash_is_changed(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    block->app_hash_after.bytes[0] ^= 1;
    log_write(block, out, arena);
}

// From here on the operator's own key signs: only execution can tell.
static void transaction_is_left_out(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    block->tx_count--;
    logged_header(&shared->before, block, block->header.time, arena);
    logged_append(out, &shared->before, block, shared->seed, arena);
}

static void transaction_comes_twice(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    assay_bytes txs[4] = {block->txs[0], block->txs[1], block->txs[2], block->txs[2]};
    assay_tx_result results[4] = {
        block->results[0], block->results[1], block->results[2], {.code = ASSAY_REJECT_NONCE}};
    assert_int_equal(block->tx_count, 3);
    block->txs = txs;
    block->results = results;
    block->tx_count = 4;
    logged_header(&shared->before, block, block->header.time, arena);
    logged_append(out, &shared->before, block, shared->seed, arena);
}

static void time_stands_still(assay_block *block, assay_blocklog *out, assay_arena *arena) {
    block->header.time = shared->before.time;
    logged_append(out, &shared->before, block, shared->seed, arena);
}

// C-10, C-16, P-26.
static void forged_blocks_are_found(void **state) {
    static const struct {
        void (*change)(assay_block *block, assay_blocklog *out, assay_arena *arena);
        const char *sentence;
    } cases[] = {
        {NULL, "block log has 23 whole records of at least 24"},
        {other_key_signs, "signature 0 is not that of validator 0"},
        {other_validator_makes, "has another validators_hash"},
        {signature_is_damaged, "did not sign height 24 as it stands"},
        {result_is_changed, "block 24 records code"},
        {app_hash_is_changed, "replaying block 24 comes to another state"},
        {transaction_is_left_out, "replaying block 24 comes to another state"},
        {transaction_comes_twice, "block 24: transaction 3"},
        {time_stands_still, "block 24 has a time that is not above the last one's"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        log_rewrite(cases[i].change);
        copy_refused(cases[i].sentence);
    }
}

// A record inside the chain, swapped for a later one: its link is wrong.
static void a_swapped_block_is_found(void **state) {
    char path[96];
    assay_blocklog *from, *to;
    home_copy();
    logged_do(shared, "rm -r copy/blocks copy/state");
    snprintf(path, sizeof path, "%s/home/blocks", shared->folder);
    must(assay_blocklog_open(&from, path, false, LAST, err));
    snprintf(path, sizeof path, "%s/copy/blocks", shared->folder);
    must(assay_blocklog_open(&to, path, true, 0, err));
    for (uint64_t i = 0; i < LAST; i++) {
        uint8_t *data;
        size_t size;
        must(assay_blocklog_read(from, i == 7 ? 8 : i, &data, &size, err));
        must(assay_blocklog_append(to, data, size, err));
        free(data);
    }
    assay_blocklog_close(to);
    assay_blocklog_close(from);
    copy_refused("block 9, where 8 is next");
}

// P-81: a state of the same height and application hash, with one balance changed.
static void another_state_is_found(void **state) {
    const chain *c = &shared->trial->chain;
    assay_store *store;
    assay_hash root;
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_ACCOUNT, &c->actors[CONSUMER]);
    const uint8_t account[ASSAY_ACCOUNT_SIZE] = {0x7f};
    const assay_store_options options = {.map_size = 1 << 30};
    home_copy();
    logged_do(shared, "rm -r copy/state && cp -r before copy/state");
    char path[96];
    snprintf(path, sizeof path, "%s/copy/state", shared->folder);
    must(assay_store_open(&store, path, &c->genesis.hash, &options, err));
    must(assay_store_begin(store, err));
    must(assay_store_put(store, key.bytes, key.size, account, sizeof account, err));
    must(assay_store_root(store, &root, err));
    must(assay_store_commit(store, LAST, &c->outcome.app_hash, err));
    assay_store_close(store);
    copy_refused("the home's state of height 24 is not what its blocks say");
}

// P-81: a balance changed on the disk, under the tree and the root of the true one.
static void a_tampered_state_is_found(void **state) {
    const chain *c = &shared->trial->chain;
    char path[96];
    uint8_t *data, entry[1 + ASSAY_ADDRESS_SIZE + 8] = {ASSAY_TABLE_ACCOUNT};
    size_t size;
    int found = 0;
    memcpy(entry + 1, c->actors[EMIL].bytes, ASSAY_ADDRESS_SIZE);
    assay_store_be64(entry + 1 + ASSAY_ADDRESS_SIZE, chain_balance(c, EMIL));
    home_copy();
    snprintf(path, sizeof path, "%s/copy/state/data.mdb", shared->folder);
    must(assay_file_read(path, 1 << 30, &data, &size, err));
    for (uint8_t *at = data; (at = memmem(at, size - (size_t)(at - data), entry, sizeof entry));
         at++, found++)
        at[sizeof entry - 1] ^= 1;
    assert_true(found > 0);
    must(assay_file_replace(path, data, size, 0600, err));
    free(data);
    copy_refused("the home's state: ");
}

static void another_genesis_is_found(void **state) {
    home_copy();
    logged_do(shared, "sed -i 's/\"a small chain\"/\"a smaller chain\"/' copy/genesis.json");
    copy_refused("the home's state: the store belongs to the chain of genesis");
    // Without a state to contradict it, the first block does.
    logged_do(shared, "rm -r copy/state");
    copy_refused("block 1");
    // More money for someone.
    home_copy();
    logged_do(shared, "rm -r copy/state && sed -i 's/1000000000000/1000000000001/' "
                      "copy/genesis.json");
    copy_refused("block 1, where 1 is next, has another chain_id");
}

static void what_cannot_be_audited_is_an_error(void **state) {
    static char out[LOGGED_OUTPUT];
    assert_int_equal(logged_run(shared, out, "assay audit --home nowhere 2>&1"), 3);
    assert_non_null(strstr(out, "nowhere"));
    assert_int_equal(logged_run(shared, out, "assay audit --home home --rerun some 2>&1"), 2);
    assert_non_null(strstr(out, "known are none, sampled, all"));
    // A rerun of settled receipts needs their model.
    assert_int_equal(logged_run(shared, out, "assay audit --home home --rerun all 2>&1"), 2);
    assert_non_null(strstr(out, "a rerun needs the base model"));
    home_copy();
    logged_do(shared, "rm -r copy/blocks");
    assert_int_equal(logged_run(shared, out, "assay audit --home copy --rerun none 2>&1"), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_home_agrees),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(a_log_alone_can_be_audited),
        cmocka_unit_test(flipped_bits_are_found),
        cmocka_unit_test(forged_blocks_are_found),
        cmocka_unit_test(a_swapped_block_is_found),
        cmocka_unit_test(another_state_is_found),
        cmocka_unit_test(a_tampered_state_is_found),
        cmocka_unit_test(another_genesis_is_found),
        cmocka_unit_test(what_cannot_be_audited_is_an_error),
    };
    return cmocka_run_group_tests(tests, chain_make, chain_free);
}
