// SPDX-License-Identifier: Apache-2.0
// The shell: genesis, blocks, crashes, what may wait, and what is proposed.
#include <pthread.h>
#include <stdatomic.h>

#include "tests/ledger/chain.h"

static assay_tx transfer(const chain *c, uint32_t from, uint32_t to, uint64_t amount) {
    assay_tx tx = chain_tx(c, from, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[to], amount};
    return tx;
}

static assay_app_info info_of(const chain *c) {
    assay_app_info info;
    assay_app_info_get(c->app, &info);
    return info;
}

static void reopen(chain *c) {
    assay_app_close(c->app);
    chain_app_open(c);
}

// P-21, P-25: genesis is height 0, once.
// What was added becomes the next block; nobody looks at its results.
static void block_commit(chain *c) {
    assay_app_block block = chain_block_input(c);
    must(assay_app_finalize_block(c->app, &block, &c->outcome, err));
    must(assay_app_commit(c->app, err));
    c->height++;
    chain_block_clear(c);
}

static void test_init(void **state) {
    chain *c = *state;
    assay_app_info before = info_of(c);
    assert_true(before.initialised);
    assert_int_equal(before.height, 0);
    must(assay_app_init_chain(c->app, err));
    reopen(c);
    assay_app_info after = info_of(c);
    assert_memory_equal(&before.app_hash, &after.app_hash, sizeof after.app_hash);
    chain_scan(c);
    for (uint32_t i = 0; i < CHAIN_ACTORS; i++)
        assert_int_equal(chain_balance(c, i), CHAIN_BALANCE);
    assay_totals totals = chain_totals(c);
    assert_int_equal(totals.nopen[ASSAY_MONEY_BALANCES], CHAIN_ACTORS * CHAIN_BALANCE);
    assert_int_equal(totals.nopen[ASSAY_MONEY_BONDS], 100 * CHAIN_OPEN);
}

// Another genesis does not open this store.
static void test_other_chain(void **state) {
    chain *c = *state;
    assay_app *app;
    assay_app_close(c->app);
    c->genesis.testnet = false;
    must(assay_genesis_seal(&c->genesis, err));
    assert_int_equal(assay_app_open(&app, c->folder, &c->genesis, NULL, NULL), ASSAY_MISMATCH);
    c->genesis.testnet = true;
    must(assay_genesis_seal(&c->genesis, err));
    chain_app_open(c);
}

// Only the next height.
static void test_height(void **state) {
    chain *c = *state;
    const uint64_t wrong[] = {0, 2, UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assay_app_block block = {.height = wrong[i], .proposer = c->actors[0]};
        assert_int_equal(assay_app_finalize_block(c->app, &block, &c->outcome, NULL), ASSAY_RANGE);
    }
    chain_block(c);
}

// A finalised block that is not committed never was: after a crash, and when another replaces it.
static void test_not_committed(void **state) {
    chain *c = *state;
    assay_tx tx = transfer(c, 1, 2, 5);
    chain_add(c, &tx);
    assay_app_block block = chain_block_input(c);
    assay_app_block empty = block;
    empty.tx_count = 1;
    must(assay_app_finalize_block(c->app, &block, &c->outcome, err));
    assay_hash first = c->outcome.app_hash;
    assert_int_equal(info_of(c).height, 0);
    assert_int_equal(chain_balance(c, 2), CHAIN_BALANCE);
    must(assay_app_finalize_block(c->app, &empty, &c->outcome, err));
    assert_memory_not_equal(&first, &c->outcome.app_hash, sizeof first);
    reopen(c);
    assert_int_equal(info_of(c).height, 0);
    must(assay_app_finalize_block(c->app, &block, &c->outcome, err));
    assert_memory_equal(&first, &c->outcome.app_hash, sizeof first);
    must(assay_app_commit(c->app, err));
    c->height++;
    chain_block_clear(c);
    reopen(c);
    assay_app_info info = info_of(c);
    assert_memory_equal(&first, &info.app_hash, sizeof first);
    assert_int_equal(chain_balance(c, 2), CHAIN_BALANCE + 5);
}

// A store that is full refuses the block and keeps what it has; with more room it goes on.
static void test_full(void **state) {
    chain *c = *state;
    assay_app_close(c->app);
    c->map_size = 2 << 20;
    chain_app_open(c);
    assay_status status = ASSAY_OK;
    assay_error err = {0};
    for (uint32_t block = 0; status == ASSAY_OK; block++) {
        assert_true(block < 100);
        assay_tx tx = transfer(c, 1, 2, 1);
        for (uint32_t i = 0; i < 1000; i++, tx.nonce++) {
            assay_store_be32(tx.body.transfer.to.bytes, 1 + block * 1000 + i);
            chain_add(c, &tx);
        }
        assay_app_block input = chain_block_input(c);
        status = assay_app_finalize_block(c->app, &input, &c->outcome, &err);
        if (status == ASSAY_OK) status = assay_app_commit(c->app, &err);
        if (status == ASSAY_OK) {
            c->height++;
            chain_scan(c);
        }
        chain_block_clear(c);
    }
    assert_int_equal(status, ASSAY_CAPACITY);
    assert_true(c->height > 0);
    assert_int_equal(info_of(c).height, c->height);
    c->map_size = 1 << 30;
    reopen(c);
    assert_int_equal(info_of(c).height, c->height);
    chain_block(c);
}

// P-96: an accepted transaction's data is its receipt; a sentence goes with each code.
static void test_results(void **state) {
    chain *c = *state;
    assay_tx good = transfer(c, 1, 2, 5), bad = transfer(c, 2, 3, UINT64_MAX);
    chain_add(c, &good);
    chain_add(c, &bad);
    chain_block(c);
    assert_int_equal(c->outcome.tx_count, 3);
    assert_int_equal(c->outcome.results[1].data_size, ASSAY_HASH_SIZE);
    assert_int_equal(c->outcome.results[2].data_size, 0);
    assert_string_equal(c->outcome.texts[1], "");
    assert_int_equal(c->outcome.results[2].code, ASSAY_REJECT_BALANCE_SHORT);
    assert_non_null(strstr(c->outcome.texts[2], "18446744073709551615 needed"));
}

static assay_status process(chain *c, uint32_t *reject) {
    assay_error err = {0};
    assay_app_block block = {
        .height = c->height + 1,
        .proposer = c->actors[0],
        .txs = c->txs,
        .tx_count = c->tx_count,
    };
    assay_status status = assay_app_process_proposal(c->app, &block, &err);
    *reject = err.reject;
    return status;
}

// P-39: the beacon is first and its proposer's; anywhere else it is refused and changes nothing.
static void test_beacon_place(void **state) {
    chain *c = *state;
    chain_beacon_add(c, 0);
    uint8_t first[512];
    size_t size = c->txs[0].size;
    memcpy(first, c->txs[0].data, size);
    chain_block_clear(c);
    assay_hash id;
    assay_error err = {0};
    assert_int_equal(assay_app_check_tx(c->app, first, size, false, &id, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_BEACON_PLACE);

    assay_hash before = chain_digest(c, NULL);
    c->silent = true;
    chain_add_bytes(c, first, size);
    chain_add_bytes(c, first, size);
    chain_block(c);
    chain_expect(c, 0, NONE);
    chain_expect(c, 1, BEACON_PLACE);
    assay_hash after = chain_digest(c, NULL);
    assert_memory_equal(&before, &after, sizeof after);

    chain_add_bytes(c, first, size); // of the height before
    chain_block(c);
    chain_expect(c, 0, BEACON_PLACE);
    chain_beacon_add(c, 0); // of its height, but used up
    chain_block(c);
    chain_expect(c, 0, BEACON_PREIMAGE);
}

// P-8, E-84: where a chain is registered again its preimages come again, its transactions do not.
static void test_beacon_once(void **state) {
    chain *c = *state;
    uint8_t old[512];
    uint32_t reject;
    chain_beacon_add(c, 0);
    size_t size = c->txs[0].size;
    memcpy(old, c->txs[0].data, size);
    c->silent = true;
    chain_block(c);
    chain_expect(c, 0, NONE);
    c->silent = false;
    assay_tx tx = chain_tx(c, 0, ASSAY_TX_REGISTER_CHAIN);
    tx.body.register_chain = (assay_tx_register_chain){c->links[0], CHAIN_PREIMAGES};
    chain_run(c, &tx, NONE);
    chain_until(c, 2 * c->genesis.params.epoch_blocks);
    c->silent = true;
    chain_add_bytes(c, old, size);
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_BEACON_PLACE);
    chain_block(c); // the first own one in which the chain registered again is in force
    chain_expect(c, 0, BEACON_PLACE);
    chain_beacon_add(c, 0);
    assert_int_equal(process(c, &reject), ASSAY_OK);
    chain_block(c);
    chain_expect(c, 0, NONE);
}

static uint32_t check(chain *c, assay_tx *tx) {
    assay_hash id;
    assay_error err = {0};
    chain_add(c, tx);
    assay_bytes bytes = c->txs[--c->tx_count];
    assay_status status = assay_app_check_tx(c->app, bytes.data, bytes.size, false, &id, &err);
    assert_true(status == ASSAY_OK || status == ASSAY_REJECTED);
    if (status == ASSAY_OK) {
        assay_hash expected;
        assay_tx_id(&expected, bytes.data, bytes.size);
        assert_memory_equal(&id, &expected, sizeof id);
    }
    return err.reject;
}

// P-26: nonces behind what waits; fees of one principal together; forgotten on recheck.
static void test_waiting(void **state) {
    chain *c = *state;
    assay_tx tx = transfer(c, 1, 2, 1);
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONE);
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONCE);
    tx.nonce = 2;
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONCE);
    tx.nonce = 1;
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONE);
    assay_app_forget_waiting(c->app);
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONCE);
    tx.nonce = 0;
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONE);

    // A block takes nonce 0; before the recheck, 1 is still next, and after it too.
    chain_run(c, &tx, NONE);
    tx.nonce = 1;
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONE);
    assay_app_forget_waiting(c->app);
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONE);
}

// P-26: fees of what waits add up.
static void test_waiting_fees(void **state) {
    chain *c = *state;
    assay_tx tx = transfer(c, 1, 2, 1);
    uint64_t fee = chain_fee(c, &tx);
    tx.body.transfer.amount = CHAIN_BALANCE - 4 * fee + 1; // leaves three fees less one nopen
    chain_run(c, &tx, NONE);
    tx.body.transfer.amount = 1;
    for (int i = 0; i < 3; i++) {
        tx.nonce++;
        assert_int_equal(check(c, &tx), i < 2 ? ASSAY_REJECT_NONE : ASSAY_REJECT_FEE_SHORT);
    }
}

// P-26: what a waiting transaction names is gone for those behind it, so that blocks can charge
// them all: nobody fills the queue with 4,095 behind one that takes the balance.
static void test_waiting_amounts(void **state) {
    chain *c = *state;
    assay_tx first = transfer(c, 1, 2, 1), next = transfer(c, 1, 2, 1);
    uint64_t fee = chain_fee(c, &first);
    first.body.transfer.amount = CHAIN_BALANCE - 3 * fee - 1;
    assert_int_equal(check(c, &first), ASSAY_REJECT_NONE);
    next.nonce = 1;
    assert_int_equal(check(c, &next), ASSAY_REJECT_NONE);
    next.nonce = 2;
    assert_int_equal(check(c, &next), ASSAY_REJECT_NONE); // names what is no longer there
    next.nonce = 3;
    assert_int_equal(check(c, &next), ASSAY_REJECT_FEE_SHORT);
    chain_add(c, &first);
    for (next.nonce = 1; next.nonce < 3; next.nonce++)
        chain_add(c, &next);
    chain_block(c);
    chain_expect(c, 0, NONE);
    chain_expect(c, 1, NONE);
    chain_expect(c, 2, BALANCE_SHORT);
    assert_int_equal(chain_balance(c, 1), 0);

    // A bond to be paid for a registration counts likewise.
    assay_tx model = chain_tx(c, 3, ASSAY_TX_REGISTER_MODEL);
    model.body.register_model = (assay_tx_register_model){
        .root = {{1}}, .byte_count = 1, .name = {(const uint8_t *)"m", 1}, .uri = {NULL, 0}};
    first = transfer(c, 3, 2, CHAIN_BALANCE - c->genesis.params.model_bond);
    assert_int_equal(check(c, &first), ASSAY_REJECT_NONE);
    model.nonce = 1;
    assert_int_equal(check(c, &model), ASSAY_REJECT_NONE);
    next = transfer(c, 3, 2, 1);
    next.nonce = 2;
    assert_int_equal(check(c, &next), ASSAY_REJECT_FEE_SHORT);
}

// P-26: between a commit and the recheck nothing counts twice, so that who waits for a block can go
// on at once.
static void test_waiting_after_a_commit(void **state) {
    chain *c = *state;
    assay_tx tx = transfer(c, 1, 2, CHAIN_BALANCE / 2 + CHAIN_OPEN);
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONE);
    chain_add(c, &tx);
    block_commit(c);
    tx = transfer(c, 1, 2, 1);
    assert_int_equal(tx.nonce, 1);
    assert_int_equal(check(c, &tx), ASSAY_REJECT_NONE);
}

// P-26: an agent that names more than its limit has left does not keep its principal's own out.
static void test_waiting_agents(void **state) {
    chain *c = *state;
    assay_tx tx = chain_tx(c, 1, ASSAY_TX_AUTHORIZE_AGENT);
    tx.body.authorize_agent =
        (assay_tx_authorize_agent){c->actors[2], ASSAY_SCOPE_ALL, 1000, CHAIN_OPEN};
    chain_run(c, &tx, NONE);
    assay_tx spend = chain_agent_tx(c, 2, 1, ASSAY_TX_TRANSFER), own = transfer(c, 1, 3, 1);
    spend.body.transfer = (assay_tx_transfer){c->actors[3], CHAIN_BALANCE};
    assert_int_equal(check(c, &spend), ASSAY_REJECT_NONE);
    assert_int_equal(check(c, &own), ASSAY_REJECT_NONE);
    spend.nonce++;
    spend.body.transfer.amount = CHAIN_OPEN - CHAIN_OPEN / 100;
    assert_int_equal(check(c, &spend), ASSAY_REJECT_NONE); // within the limit: counts
    spend.nonce++;
    spend.body.transfer.amount = CHAIN_OPEN / 2;
    assert_int_equal(check(c, &spend), ASSAY_REJECT_NONE);
    spend.nonce++;
    assert_int_equal(check(c, &spend), ASSAY_REJECT_AGENT_LIMIT);
    own.nonce++;
    assert_int_equal(check(c, &own), ASSAY_REJECT_NONE);
}

// P-26: at most 4,096 of one signer.
static void test_waiting_max(void **state) {
    chain *c = *state;
    assay_tx tx = transfer(c, 1, 2, 1);
    for (; tx.nonce < 4096; tx.nonce++) {
        c->used = 0;
        assert_int_equal(check(c, &tx), ASSAY_REJECT_NONE);
    }
    assert_int_equal(check(c, &tx), ASSAY_REJECT_PENDING);
}

typedef struct {
    chain *c;
    uint32_t actor;
    uint32_t accepted;
} sender;

static void *send_many(void *context) {
    sender *self = context;
    assay_tx tx = {.kind = ASSAY_TX_TRANSFER, .chain_id = CHAIN_ID};
    tx.signer = tx.principal = self->c->actors[self->actor];
    tx.body.transfer = (assay_tx_transfer){self->c->actors[0], 1};
    for (tx.nonce = 0; tx.nonce < 50; tx.nonce++) {
        uint8_t bytes[256];
        size_t size;
        assay_hash id;
        if (assay_tx_sign(&tx, &self->c->domain, &self->c->keys[self->actor], NULL) == ASSAY_OK &&
            assay_tx_encode(&tx, bytes, sizeof bytes, &size, NULL) == ASSAY_OK &&
            assay_app_check_tx(self->c->app, bytes, size, false, &id, NULL) == ASSAY_OK)
            self->accepted++;
    }
    return NULL;
}

// check_tx comes from any thread, also while blocks are made.
static void test_threads(void **state) {
    chain *c = *state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    sender senders[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        senders[i] = (sender){c, i + 1, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    }
    for (int i = 0; i < 10; i++) {
        assay_tx tx = transfer(c, 9, 8, 1);
        chain_add(c, &tx);
        block_commit(c);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(senders[i].accepted, 50);
    }
}

// What prepare_proposal picks from the block being built, as a list of indices.
static uint32_t prepare(chain *c, uint32_t *picked, const assay_bytes *beacon, bool *with_beacon) {
    uint32_t count;
    assay_app_proposal proposal = {.height = c->height + 1,
                                   .proposer = c->actors[0],
                                   .candidates = c->txs,
                                   .candidate_count = c->tx_count,
                                   .beacon = beacon};
    must(assay_app_prepare_proposal(c->app, &proposal, picked, &count, with_beacon, err));
    return count;
}

// P-39: lane 1 first, nonces in order, nothing that would not be admitted.
static void test_prepare(void **state) {
    chain *c = *state;
    assay_hash batch = chain_open_batch(c, 1);
    assay_tx tx = transfer(c, 1, 2, 1); // 0: nonce 1 without its 0 before it
    tx.nonce = 1;
    chain_add(c, &tx);
    tx.nonce = 0; // 1
    chain_add(c, &tx);
    tx.nonce = 1; // 2
    chain_add(c, &tx);
    assay_tx vote = chain_tx(c, 2, ASSAY_TX_VERDICT_COMMIT); // 3: lane 1
    vote.body.verdict_commit.batch = batch;
    chain_add(c, &vote);
    chain_add_bytes(c, "junk", 4);                // 4
    tx = transfer(c, 3, 2, CHAIN_BALANCE - 5000); // 5: takes what the fee of 6 would need
    chain_add(c, &tx);
    tx.nonce++; // 6
    tx.body.transfer.amount = 1;
    chain_add(c, &tx);
    uint32_t picked[64];
    bool with_beacon;
    uint32_t count = prepare(c, picked, NULL, &with_beacon);
    const uint32_t expected[] = {3, 1, 2, 5};
    assert_false(with_beacon);
    assert_int_equal(count, 4);
    assert_memory_equal(picked, expected, sizeof expected);

    // A beacon that fits is used; one that is used up, or another's, is not.
    chain_beacon_add(c, 0);
    assay_bytes beacon = c->txs[0];
    prepare(c, picked, &beacon, &with_beacon);
    assert_true(with_beacon);
    chain_beacon_add(c, 1);
    prepare(c, picked, &c->txs[0], &with_beacon);
    assert_false(with_beacon);
    prepare(c, picked, &(assay_bytes){(const uint8_t *)"junk", 4}, &with_beacon);
    assert_false(with_beacon);
}

// P-39, P-31: agents behind each other's spending, and never behind a change of authority.
static void test_prepare_agents(void **state) {
    chain *c = *state;
    uint32_t picked[8];
    bool with_beacon;
    assay_tx tx = chain_tx(c, 1, ASSAY_TX_AUTHORIZE_AGENT);
    tx.body.authorize_agent =
        (assay_tx_authorize_agent){c->actors[2], ASSAY_SCOPE_ALL, 1000, CHAIN_OPEN};
    chain_run(c, &tx, NONE);

    assay_tx spend = chain_agent_tx(c, 2, 1, ASSAY_TX_TRANSFER);
    spend.body.transfer = (assay_tx_transfer){c->actors[3], CHAIN_OPEN / 2};
    chain_add(c, &spend);
    spend.nonce++; // the limit covers its fee, but not behind the first one's half and its own
    spend.body.transfer.amount = CHAIN_OPEN / 2;
    chain_add(c, &spend);
    spend.nonce++;
    chain_add(c, &spend);
    assert_int_equal(prepare(c, picked, NULL, &with_beacon), 2);
    chain_block(c);
    chain_expect(c, 0, NONE);
    chain_expect(c, 1, AGENT_LIMIT);

    tx = chain_tx(c, 1, ASSAY_TX_REVOKE_AGENT);
    tx.body.revoke_agent.agent = c->actors[2];
    chain_add(c, &tx);
    spend = chain_agent_tx(c, 2, 1, ASSAY_TX_TRANSFER);
    spend.body.transfer = (assay_tx_transfer){c->actors[3], 1};
    chain_add(c, &spend);
    assert_int_equal(prepare(c, picked, NULL, &with_beacon), 1);
    assert_int_equal(picked[0], 0);
    chain_block_clear(c);
}

// P-39: an honest proposal passes, each dishonest one is named.
static void test_process(void **state) {
    chain *c = *state;
    uint32_t reject;
    assay_tx tx = transfer(c, 1, 2, 1);
    chain_add(c, &tx);
    tx.nonce++;
    chain_add(c, &tx);
    chain_beacon_add(c, 0);
    assert_int_equal(process(c, &reject), ASSAY_OK);

    assay_bytes *txs = c->txs;
    assay_bytes beacon = txs[0], first = txs[1], second = txs[2];
    txs[1] = second, txs[2] = first;
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_NONCE);
    txs[0] = first, txs[1] = beacon, txs[2] = second;
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_BEACON_PLACE);
    txs[0] = beacon, txs[1] = first;
    ((uint8_t *)second.data)[second.size - 2] ^= 1;
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_true(reject == ASSAY_REJECT_SIGNATURE_FORM || reject == ASSAY_REJECT_SIGNATURE_SIGNER);
    c->tx_count = 2;
    assert_int_equal(process(c, &reject), ASSAY_OK);
    txs[0] = first, c->tx_count = 1; // whose block it is, nobody has signed
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_BEACON_PLACE);
    chain_block_clear(c);
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_BEACON_PLACE);
    chain_beacon_add(c, 1);
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_BEACON_PREIMAGE);
    chain_block_clear(c);
    chain_beacon_add(c, 0);
    txs = c->txs;
    ((uint8_t *)txs[0].data)[txs[0].size - 2] ^= 1;
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_BEACON_SIGNATURE);
}

// P-39: each lane has half of the bytes, whatever waits in the other.
static void test_lane_bytes(void **state) {
    chain *c = *state;
    static uint8_t blob[60000];
    assay_hash batch = chain_open_batch(c, 1);
    uint64_t half = c->genesis.params.block_bytes_max / 2;
    uint32_t each = 40, picked[2 * 40 + 1], count;
    bool with_beacon;
    for (uint32_t i = 0; i < each; i++) {
        assay_tx tx = chain_tx(c, 1, ASSAY_TX_POST_EVIDENCE);
        tx.body.post_evidence.batch = batch;
        tx.body.post_evidence.part_count = 1;
        tx.body.post_evidence.data = (assay_bytes){blob, sizeof blob};
        chain_add(c, &tx);
    }
    assay_tx tx = transfer(c, 2, 3, 1);
    chain_add(c, &tx);
    count = prepare(c, picked, NULL, &with_beacon);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i + 1 < count; i++) {
        assert_int_equal(picked[i], i);
        bytes += c->txs[i].size;
    }
    assert_int_equal(picked[count - 1], each);
    assert_true(bytes <= half && half - bytes < c->txs[0].size);

    uint32_t reject;
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_BLOCK_BYTES);
    c->tx_count = count - 1;
    chain_beacon_next(c);
    assert_int_equal(process(c, &reject), ASSAY_OK);

    // P-39: half to the byte.
    tx = chain_tx(c, 1, ASSAY_TX_POST_EVIDENCE);
    tx.nonce = count - 1;
    tx.body.post_evidence = (assay_tx_post_evidence){batch, 0, 0, 1, {blob, 0}};
    tx.body.post_evidence.data.size = half - bytes - (c->txs[1].size - sizeof blob);
    chain_add(c, &tx);
    assert_int_equal(process(c, &reject), ASSAY_OK);
    c->tx_count = count; // the beacon aside
    tx.body.post_evidence.data.size++;
    chain_add(c, &tx);
    assert_int_equal(process(c, &reject), ASSAY_REJECTED);
    assert_int_equal(reject, ASSAY_REJECT_BLOCK_BYTES);
}

// A view is of one block, whatever happens after.
static void test_view(void **state) {
    chain *c = *state;
    chain_block(c);
    assay_view view = chain_view(c);
    assay_tx tx = transfer(c, 1, 2, 5);
    chain_run(c, &tx, NONE);
    assay_account account;
    must(assay_account_get(&account, &view.reader, &c->actors[2], err));
    assert_int_equal(account.balance, CHAIN_BALANCE);
    assert_int_equal(view.height, 1);
    assay_hash app_hash;
    assay_store_app_hash(&app_hash, &view.state_root, &view.history_root);
    assert_memory_equal(&app_hash, &view.app_hash, sizeof app_hash);

    // The record of an account, proven under its state root.
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_ACCOUNT, &c->actors[2]);
    assay_bytes value;
    assay_smt_proof *proof = malloc(sizeof *proof);
    must(assay_view_prove(&view, &key, &value, proof, err));
    assert_int_equal(assay_load_be64(value.data), CHAIN_BALANCE);
    must(
        assay_smt_check(&view.state_root, key.bytes, key.size, value.data, value.size, proof, err));
    free(proof);
    assay_view_close(&view);
}

enum { INFO_BLOCKS = 200 };

typedef struct {
    chain *c;
    assay_hash told[INFO_BLOCKS + 1]; // by the height that came with it
    uint32_t asked;
    atomic_bool stop;
} asker;

static void *info_ask(void *context) {
    asker *self = context;
    while (!atomic_load(&self->stop)) {
        assay_app_info info = info_of(self->c);
        assay_hash *told = &self->told[info.height];
        static const assay_hash none;
        if (!assay_hash_equal(told, &none) && !assay_hash_equal(told, &info.app_hash)) break;
        *told = info.app_hash;
        self->asked++;
    }
    return NULL;
}

// Whoever asks while a block is committed is told the height and the hash of one block.
static void test_info_is_of_one_block(void **state) {
    chain *c = *state;
    asker *self = calloc(1, sizeof *self);
    assay_hash made[INFO_BLOCKS + 1];
    static const assay_hash none;
    pthread_t thread;
    assert_non_null(self);
    self->c = c;
    made[0] = info_of(c).app_hash;
    assert_int_equal(pthread_create(&thread, NULL, info_ask, self), 0);
    for (int i = 1; i <= INFO_BLOCKS; i++) {
        chain_block(c);
        made[i] = c->outcome.app_hash;
    }
    atomic_store(&self->stop, true);
    pthread_join(thread, NULL);
    assert_true(self->asked > 0);
    for (int i = 0; i <= INFO_BLOCKS; i++)
        if (!assay_hash_equal(&self->told[i], &none))
            assert_memory_equal(&self->told[i], &made[i], sizeof made[i]);
    free(self);
}

// As many views as were promised may be open, and a block finds its own places beside them: more of
// them are refused, and no block.
static void test_views_at_once(void **state) {
    enum { VIEWS = 600, MORE = 1000 };
    const assay_app_options options = {.skip_sync = true, .readers = VIEWS};
    chain *c = *state;
    assay_view *views = calloc(VIEWS + MORE, sizeof *views);
    assay_error why = {0};
    assert_non_null(views);
    assay_app_close(c->app); // opened for fewer, and that file's places are more now
    must(assay_app_open(&c->app, c->folder, &c->genesis, &options, err));
    uint32_t count = 0;
    for (; count < VIEWS; count++)
        must(assay_view_open(&views[count], c->app, err));
    assay_tx tx = transfer(c, 1, 2, 5);
    chain_run(c, &tx, NONE);
    while (count < VIEWS + MORE && assay_view_open(&views[count], c->app, &why) == ASSAY_OK)
        count++;
    assert_true(count < VIEWS + MORE);
    assert_int_equal(why.status, ASSAY_BUSY);
    assert_non_null(strstr(why.text, "lower connections_max in config.json"));
    while (count > 0)
        assay_view_close(&views[--count]);
    free(views);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, chain_setup, chain_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_init),
        TEST(test_other_chain),
        TEST(test_height),
        TEST(test_not_committed),
        TEST(test_results),
        TEST(test_full),
        TEST(test_beacon_place),
        TEST(test_waiting),
        TEST(test_waiting_fees),
        TEST(test_waiting_max),
        TEST(test_threads),
        TEST(test_prepare),
        TEST(test_prepare_agents),
        TEST(test_process),
        TEST(test_lane_bytes),
        TEST(test_view),
        TEST(test_beacon_once),
        TEST(test_views_at_once),
        TEST(test_info_is_of_one_block),
        TEST(test_waiting_amounts),
        TEST(test_waiting_agents),
        TEST(test_waiting_after_a_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
