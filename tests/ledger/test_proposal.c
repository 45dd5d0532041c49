// SPDX-License-Identifier: Apache-2.0
// Whatever waits, what prepare_proposal makes of it process_proposal takes, within the engine's
// limit (P-39, P-97).
#include "tests/ledger/chain.h"

enum { TRIALS = 1000, POOL = 400, MEMPOOL = 64, EVIDENCE = 60000, AGENT = 8 };

static uint32_t draw(uint32_t limit) {
    static uint64_t state = 1;
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 33) % limit;
}

// One transaction among all that may wait: any nonce near the next, sums that a balance has or not,
// agents, changes of their authority, both lanes, and large ones.
static void pool_add(chain *c, const assay_hash *batch) {
    static const uint8_t blob[EVIDENCE];
    static const assay_tx_kind kinds[] = {
        ASSAY_TX_TRANSFER,        ASSAY_TX_TRANSFER,      ASSAY_TX_BOND,
        ASSAY_TX_VERDICT_COMMIT,  ASSAY_TX_POST_EVIDENCE, ASSAY_TX_CLOSE_SESSION,
        ASSAY_TX_AUTHORIZE_AGENT, ASSAY_TX_REVOKE_AGENT};
    uint32_t actor = 1 + draw(AGENT);
    assay_tx tx = {.kind = kinds[draw(8)], .chain_id = CHAIN_ID};
    tx.lane = assay_tx_lane(tx.kind);
    tx.signer = tx.principal = c->actors[actor];
    if (actor == AGENT && tx.kind <= ASSAY_TX_UNBOND) tx.principal = c->actors[1 + draw(2)];
    tx.nonce = chain_account(c, &tx.signer).nonces[tx.lane] + draw(6);
    if (tx.kind == ASSAY_TX_TRANSFER)
        tx.body.transfer = (assay_tx_transfer){
            c->actors[2], draw(4) ? 1 + draw(1000) : CHAIN_BALANCE / (1 + draw(3))};
    if (tx.kind == ASSAY_TX_BOND)
        tx.body.bond = (assay_tx_bond){1 + (uint8_t)draw(3), CHAIN_BALANCE / (1 + draw(5))};
    if (tx.kind == ASSAY_TX_VERDICT_COMMIT) tx.body.verdict_commit.batch = *batch;
    if (tx.kind == ASSAY_TX_POST_EVIDENCE)
        tx.body.post_evidence =
            (assay_tx_post_evidence){.batch = *batch,
                                     .part_count = 1,
                                     .data = {blob, draw(3) ? EVIDENCE : 1 + draw(EVIDENCE)}};
    if (tx.kind == ASSAY_TX_AUTHORIZE_AGENT)
        tx.body.authorize_agent =
            (assay_tx_authorize_agent){c->actors[AGENT], 127, 1000, 50 * CHAIN_OPEN};
    if (tx.kind == ASSAY_TX_REVOKE_AGENT) tx.body.revoke_agent.agent = c->actors[AGENT];
    chain_add(c, &tx);
}

// Limits from too small for a beacon to none at all.
static uint64_t limit_draw(void) {
    switch (draw(4)) {
    case 0:
        return 0;
    case 1:
        return 1 + draw(3000);
    default:
        return 100000 + draw(3 << 20);
    }
}

typedef struct {
    uint32_t picked, beacons, cut; // cut: trials that the limit made smaller
} tally;

static void trial_run(chain *c, const assay_bytes *beacon, tally *sums) {
    assay_bytes mempool[MEMPOOL], txs[MEMPOOL + 1];
    uint32_t picked[MEMPOOL], free_count, count, size = 0;
    bool with_beacon, free_beacon;
    assay_app_proposal proposal = {.height = c->height + 1,
                                   .proposer = c->actors[0],
                                   .candidates = mempool,
                                   .candidate_count = draw(MEMPOOL + 1),
                                   .beacon = draw(4) ? beacon : NULL};
    for (uint32_t i = 0; i < proposal.candidate_count; i++)
        mempool[i] = c->txs[draw(c->tx_count)];
    must(assay_app_prepare_proposal(c->app, &proposal, picked, &free_count, &free_beacon, err));
    proposal.bytes_max = limit_draw();
    must(assay_app_prepare_proposal(c->app, &proposal, picked, &count, &with_beacon, err));
    if (with_beacon) txs[size++] = *beacon;
    for (uint32_t i = 0; i < count; i++)
        txs[size++] = mempool[picked[i]];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < size; i++)
        bytes += txs[i].size + ASSAY_APP_TX_OVERHEAD;
    if (proposal.bytes_max != 0) assert_true(bytes <= proposal.bytes_max);
    assay_app_block block = {
        .height = proposal.height, .proposer = proposal.proposer, .txs = txs, .tx_count = size};
    assay_error why = {0};
    assay_status status = assay_app_process_proposal(c->app, &block, &why);
    assert_int_equal(status, with_beacon ? ASSAY_OK : ASSAY_REJECTED);
    assert_int_equal(why.reject, with_beacon ? 0 : ASSAY_REJECT_BEACON_PLACE);
    sums->picked += count;
    sums->beacons += with_beacon;
    sums->cut += count < free_count;
}

static void every_proposal_is_honest_and_within_its_limit(void **state) {
    chain *c = chain_begin();
    tally sums = {0, 0, 0};
    assay_tx tx = chain_tx(c, 1, ASSAY_TX_AUTHORIZE_AGENT);
    tx.body.authorize_agent =
        (assay_tx_authorize_agent){c->actors[AGENT], 127, 1000, 50 * CHAIN_OPEN};
    chain_run(c, &tx, NONE);
    assay_hash batch = chain_open_batch(c, 3);
    chain_beacon_add(c, 1);
    uint8_t bytes[512];
    assay_bytes beacon = {bytes, c->txs[0].size};
    memcpy(bytes, c->txs[0].data, beacon.size);
    chain_block_clear(c);
    for (uint32_t i = 0; i < POOL; i++)
        pool_add(c, &batch);
    for (uint32_t i = 0; i < TRIALS; i++)
        trial_run(c, &beacon, &sums);
    assert_true(sums.picked > 4 * TRIALS);
    assert_true(sums.beacons > TRIALS / 3);
    assert_true(sums.cut > TRIALS / 10);
    chain_end(c);
}

enum { PROVIDER = 3, FLOODER = 4, VOTES = 20 };

static assay_tx vote_of(const chain *c, uint32_t actor, const assay_hash *batch) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_VERDICT_COMMIT);
    tx.body.verdict_commit.batch = *batch;
    return tx;
}

// P-39: a provider's evidence and a validator's flood wait longer than votes that come after them.
static void principals_take_turns_in_lane_1(void **state) {
    static const uint8_t blob[EVIDENCE];
    uint32_t picked[2000], count, evidence = 0, flooded = 0, voted = 0;
    chain *c = chain_begin();
    assay_hash batch = chain_open_batch(c, PROVIDER);
    for (uint32_t i = 0; i < 40; i++) { // 2.4 MB, more than lane 1 holds
        assay_tx tx = chain_tx(c, PROVIDER, ASSAY_TX_POST_EVIDENCE);
        tx.body.post_evidence =
            (assay_tx_post_evidence){.batch = batch, .part_count = 1, .data = {blob, EVIDENCE}};
        chain_add(c, &tx);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        assay_tx tx = vote_of(c, FLOODER, &batch);
        chain_add(c, &tx);
    }
    uint32_t late = c->tx_count;
    for (uint32_t i = 0; i < VOTES; i++) {
        assay_tx tx = vote_of(c, 5 + i % 2, &batch);
        chain_add(c, &tx);
    }
    const assay_app_proposal proposal = {.height = c->height + 1,
                                         .proposer = c->actors[0],
                                         .candidates = c->txs,
                                         .candidate_count = c->tx_count,
                                         .bytes_max = 600000};
    bool with_beacon;
    must(assay_app_prepare_proposal(c->app, &proposal, picked, &count, &with_beacon, err));
    for (uint32_t i = 0; i < count; i++) {
        evidence += picked[i] < 40;
        flooded += picked[i] >= 40 && picked[i] < late;
        voted += picked[i] >= late;
        if (picked[i] == c->tx_count - 1) // the last to come is before a second part of evidence
            assert_int_equal(evidence, 1);
    }
    assert_int_equal(voted, VOTES);
    assert_true(evidence > 1 && flooded > 100);
    chain_end(c);
}

// P-39: an agent's nonces stay in order though its principals have turns of their own.
static void an_agent_of_several_is_not_held_up(void **state) {
    uint32_t picked[64], count;
    bool with_beacon;
    chain *c = chain_begin();
    assay_hash batch = chain_open_batch(c, PROVIDER);
    for (uint32_t principal = 1; principal <= 2; principal++) {
        assay_tx tx = chain_tx(c, principal, ASSAY_TX_AUTHORIZE_AGENT);
        tx.body.authorize_agent =
            (assay_tx_authorize_agent){c->actors[AGENT], ASSAY_SCOPE_ALL, 1000, CHAIN_OPEN};
        chain_run(c, &tx, NONE);
    }
    for (uint32_t i = 0; i < VOTES; i++) { // ten of the first, then ten of the second
        assay_tx tx = chain_agent_tx(c, AGENT, i < VOTES / 2 ? 1 : 2, ASSAY_TX_VERDICT_COMMIT);
        tx.body.verdict_commit.batch = batch;
        chain_add(c, &tx);
    }
    const assay_app_proposal proposal = {.height = c->height + 1,
                                         .proposer = c->actors[0],
                                         .candidates = c->txs,
                                         .candidate_count = c->tx_count};
    must(assay_app_prepare_proposal(c->app, &proposal, picked, &count, &with_beacon, err));
    assert_int_equal(count, VOTES);
    chain_end(c);
}

// Lane 0 in front of lane 1 is no honest proposal: it could use up the work that votes need.
static void votes_come_first(void **state) {
    chain *c = chain_begin();
    assay_hash batch = chain_open_batch(c, 1);
    assay_tx vote = vote_of(c, 2, &batch), plain = chain_tx(c, 3, ASSAY_TX_BOND);
    plain.body.bond = (assay_tx_bond){ASSAY_ROLE_VERIFICATION, CHAIN_OPEN};
    for (int votes_behind = 0; votes_behind < 2; votes_behind++) {
        assay_error error = {0};
        chain_block_clear(c);
        chain_add(c, votes_behind ? &plain : &vote);
        chain_add(c, votes_behind ? &vote : &plain);
        chain_beacon_next(c);
        assay_app_block block = {.height = c->height + 1,
                                 .proposer = c->actors[0],
                                 .txs = c->txs,
                                 .tx_count = c->tx_count};
        assay_status status = assay_app_process_proposal(c->app, &block, &error);
        assert_int_equal(status, votes_behind ? ASSAY_REJECTED : ASSAY_OK);
        assert_int_equal(error.reject, votes_behind ? ASSAY_REJECT_BLOCK_ORDER : 0);
    }
    chain_end(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_proposal_is_honest_and_within_its_limit),
        cmocka_unit_test(votes_come_first),
        cmocka_unit_test(principals_take_turns_in_lane_1),
        cmocka_unit_test(an_agent_of_several_is_not_held_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
