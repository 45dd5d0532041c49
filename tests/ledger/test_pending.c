// SPDX-License-Identifier: Apache-2.0
// What waits at a node is as much as a block can hold, in parts that do not crowd each other out
// (P-26, E-28).
#include "ledger/pending.h"

#include "tests/ledger/chain.h"

enum { PROVIDER = 1, FLOODER = 2, VOTER = 3, AGENT = 4, EVIDENCE = 64000 };

static uint64_t room; // of all that waits

static chain *small(void) {
    chain *c = chain_new();
    c->genesis.params.block_bytes_max = ASSAY_PARAM_BLOCK_BYTES_MIN;
    room = ASSAY_PARAM_BLOCK_BYTES_MIN;
    chain_start(c);
    return c;
}

// check_tx with the signer's next nonce behind what waits. Returns: the code; *bytes grows by what
// an accepted one takes.
static uint32_t check(chain *c, assay_tx *tx, uint64_t *bytes) {
    assay_hash id;
    assay_error error = {0};
    must(assay_app_next_nonce(c->app, &tx->signer, tx->lane, &tx->nonce, err));
    chain_block_clear(c);
    chain_add(c, tx);
    assay_status status =
        assay_app_check_tx(c->app, c->txs[0].data, c->txs[0].size, false, &id, &error);
    assert_true(status == ASSAY_OK || status == ASSAY_REJECTED);
    if (status == ASSAY_OK) *bytes += c->txs[0].size + ASSAY_APP_TX_OVERHEAD;
    return error.reject;
}

static assay_tx vote_of(const chain *c, uint32_t actor, const assay_hash *batch) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_VERDICT_COMMIT);
    tx.body.verdict_commit.batch = *batch;
    return tx;
}

// Until the first that may not wait. Returns: the bytes that wait.
static uint64_t flood(chain *c, assay_tx *tx) {
    uint64_t bytes = 0;
    uint32_t code;
    while ((code = check(c, tx, &bytes)) == 0)
        continue;
    assert_int_equal(code, ASSAY_REJECT_PENDING);
    return bytes;
}

static uint64_t votes_flood(chain *c, uint32_t actor, const assay_hash *batch) {
    assay_tx tx = vote_of(c, actor, batch);
    return flood(c, &tx);
}

static void no_class_crowds_out_another(void **state) {
    static const uint8_t blob[EVIDENCE];
    chain *c = small();
    assay_hash batch = chain_open_batch(c, PROVIDER), roots[ASSAY_ROOTS_MAX];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < ASSAY_ROOTS_MAX; i++)
        roots[i] = (assay_hash){{1, (uint8_t)i}};
    assay_tx large = chain_tx(c, FLOODER, ASSAY_TX_DECLARE_ROOTS);
    large.body.declare_roots.roots = (assay_hash_list){roots, ASSAY_ROOTS_MAX};
    assert_in_range(flood(c, &large), room / 2 - 10000, room / 2);
    assay_tx other = chain_tx(c, VOTER, ASSAY_TX_DECLARE_ROOTS);
    other.body = large.body;
    assert_int_equal(check(c, &other, &bytes), ASSAY_REJECT_PENDING); // lane 0 is everyone's

    assay_tx post = chain_tx(c, PROVIDER, ASSAY_TX_POST_EVIDENCE);
    post.body.post_evidence =
        (assay_tx_post_evidence){.batch = batch, .part_count = 1, .data = {blob, EVIDENCE}};
    uint64_t part = room / 4, posted = flood(c, &post);
    assert_in_range(posted, part * 3 / 4 - EVIDENCE - 1000, part * 3 / 4);
    assay_tx vote = vote_of(c, VOTER, &batch);
    assert_int_equal(check(c, &vote, &bytes), 0);

    chain_block_clear(c);
    chain_block(c); // what waits is checked again after it: here, nothing
    assert_int_equal(check(c, &other, &bytes), 0);
    chain_end(c);
}

// E-28: who comes between a commit and the rechecks after it, and CometBFT's RPC /check_tx lets
// anyone, takes nobody's room.
static void what_waits_keeps_its_room(void **state) {
    chain *c = small();
    assay_hash roots[ASSAY_ROOTS_MAX], id;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < ASSAY_ROOTS_MAX; i++)
        roots[i] = (assay_hash){{1, (uint8_t)i}};
    assay_tx large = chain_tx(c, FLOODER, ASSAY_TX_DECLARE_ROOTS);
    large.body.declare_roots.roots = (assay_hash_list){roots, ASSAY_ROOTS_MAX};
    assay_tx waits = chain_tx(c, VOTER, ASSAY_TX_DECLARE_ROOTS);
    waits.body = large.body;
    assert_int_equal(check(c, &waits, &bytes), 0);
    assay_app_forget_waiting(c->app);
    flood(c, &large);
    assert_int_equal(check(c, &waits, &bytes), ASSAY_REJECT_PENDING);
    must(assay_app_check_tx(c->app, c->txs[0].data, c->txs[0].size, true, &id, err));
    chain_end(c);
}

// Votes of one principal, by itself and its agents, take a quarter of what the others leave.
static void no_principal_crowds_out_another(void **state) {
    chain *c = small();
    assay_hash batch = chain_open_batch(c, PROVIDER);
    uint64_t own = room / 4 / 4, left = room / 4, bytes = 0;
    assay_tx allow = chain_tx(c, FLOODER, ASSAY_TX_AUTHORIZE_AGENT);
    allow.body.authorize_agent =
        (assay_tx_authorize_agent){c->actors[AGENT], ASSAY_SCOPE_ALL, 1000, CHAIN_OPEN};
    chain_run(c, &allow, NONE);
    uint64_t flooded = votes_flood(c, FLOODER, &batch);
    assert_in_range(flooded, own - 400, own);
    assay_tx by_agent = chain_agent_tx(c, AGENT, FLOODER, ASSAY_TX_VERDICT_COMMIT);
    by_agent.body.verdict_commit.batch = batch;
    assert_int_equal(check(c, &by_agent, &bytes), ASSAY_REJECT_PENDING);
    assay_tx of_its_own = vote_of(c, AGENT, &batch);
    assert_int_equal(check(c, &of_its_own, &bytes), 0);

    assay_app_forget_waiting(c->app); // forgets what waits
    for (uint32_t actor = 0; actor < CHAIN_ACTORS; actor++) {
        uint64_t taken = votes_flood(c, actor, &batch);
        assert_in_range(taken, left / 4 - 400, left / 4);
        left -= taken;
    }
    chain_end(c);
}

// E-28: what an API takes leaves half of the room to a peer that is a block behind; whatever its
// bytes are, it is the engine that judges them.
static void half_of_the_room_is_for_who_is_behind(void **state) {
    static const uint8_t strange[200] = {[1] = 255, [50] = 9};
    chain *c = small();
    assay_hash batch = chain_open_batch(c, PROVIDER);
    assay_tx tx = vote_of(c, VOTER, &batch);
    uint64_t own = room / 4 / 4, bytes = 0;
    for (bool taken = true; taken;) {
        assay_error error = {0};
        assert_int_equal(check(c, &tx, &bytes), 0);
        assay_status status = assay_app_room(c->app, c->txs[0].data, c->txs[0].size, &error);
        taken = status == ASSAY_OK;
        if (!taken) assert_int_equal(error.reject, ASSAY_REJECT_PENDING);
    }
    assert_in_range(bytes, own / 2 - 400, own / 2);
    assert_in_range(flood(c, &tx), own / 2 - 400, own / 2 + 400);
    tx = vote_of(c, FLOODER, &batch);
    chain_block_clear(c);
    chain_add(c, &tx);
    must(assay_app_room(c->app, c->txs[0].data, c->txs[0].size, err));
    for (size_t size = 0; size <= sizeof strange; size++)
        must(assay_app_room(c->app, strange, size, err));
    chain_end(c);
}

// E-28: a node's own API takes votes into half of their part, evidence into all of its.
static void evidence_by_the_api_has_its_whole_part(void **state) {
    const assay_address who = {{1}};
    for (uint32_t i = ASSAY_CLASS_VOTE; i <= ASSAY_CLASS_EVIDENCE; i++) {
        assay_pending pending = {0};
        pending.waiting[i] = 600; // of 1,000
        assert_int_equal(assay_pending_room(&pending, i, &who, 0, 4000, true, NULL),
                         i == ASSAY_CLASS_EVIDENCE ? ASSAY_OK : ASSAY_REJECTED);
    }
}

// P-26, P-39: a change of authorities keeps agents out of a proposal behind it, not from waiting.
static void agents_wait_behind_a_change_of_authorities(void **state) {
    chain *c = small();
    uint64_t bytes = 0;
    assay_tx allow = chain_tx(c, FLOODER, ASSAY_TX_AUTHORIZE_AGENT);
    allow.body.authorize_agent =
        (assay_tx_authorize_agent){c->actors[AGENT], ASSAY_SCOPE_ALL, 1000, CHAIN_OPEN};
    chain_run(c, &allow, NONE);
    assert_int_equal(check(c, &allow, &bytes), 0);
    assay_tx by_agent = chain_agent_tx(c, AGENT, FLOODER, ASSAY_TX_TRANSFER);
    by_agent.body.transfer = (assay_tx_transfer){c->actors[VOTER], 1};
    assert_int_equal(check(c, &by_agent, &bytes), 0);
    chain_end(c);
}

// P-26: blocks may hold more of a signer than waits here; the next nonce is then the state's.
static void what_blocks_hold_comes_before_what_waits(void **state) {
    chain *c = small();
    uint64_t bytes = 0;
    assay_tx tx = chain_tx(c, FLOODER, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[VOTER], 1};
    assert_int_equal(check(c, &tx, &bytes), 0);
    chain_block_clear(c);
    for (tx.nonce = 0; tx.nonce < 2; tx.nonce++)
        chain_add(c, &tx);
    assay_app_block block = chain_block_input(c);
    must(assay_app_finalize_block(c->app, &block, &c->outcome, err));
    must(assay_app_commit(c->app, err)); // what waits is not checked again yet
    c->height++;
    assert_int_equal(check(c, &tx, &bytes), 0);
    assert_int_equal(tx.nonce, 2);
    chain_end(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_class_crowds_out_another),
        cmocka_unit_test(what_waits_keeps_its_room),
        cmocka_unit_test(no_principal_crowds_out_another),
        cmocka_unit_test(half_of_the_room_is_for_who_is_behind),
        cmocka_unit_test(evidence_by_the_api_has_its_whole_part),
        cmocka_unit_test(agents_wait_behind_a_change_of_authorities),
        cmocka_unit_test(what_blocks_hold_comes_before_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
