// SPDX-License-Identifier: Apache-2.0
// What an application counts for its operator (F-70): each event once, in the block that is
// committed, and nothing of it in the state.
#include "tests/ledger/trial.h"

enum { RECEIPTS = 8 };

static assay_app_counters counters(trial *t) {
    assay_app_counters out;
    assay_app_counters_get(t->chain.app, &out);
    return out;
}

static uint64_t count(trial *t, assay_counted what) {
    return counters(t).counts.of[what];
}

static uint64_t scored(trial *t, assay_scored what) {
    return counters(t).counts.scored[what];
}

static assay_score score(trial *t, uint32_t actor) {
    assay_score out;
    assay_app_score_get(t->chain.app, &t->chain.actors[actor], &out);
    return out;
}

// Σ over the validators is what is counted of all.
static void scores_add_up(trial *t) {
    for (int what = 0; what < ASSAY_SCORE_MAX; what++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < VALIDATOR_COUNT; i++)
            sum += score(t, VALIDATOR + i).of[what];
        assert_int_equal(sum, scored(t, (assay_scored)what));
    }
}

static void an_honest_batch_is_counted_from_end_to_end(void **state) {
    trial *t = trial_begin();
    bundle b;
    uint64_t blocks = count(t, ASSAY_COUNTED_BLOCKS);
    assert_int_equal(blocks, t->chain.height);
    assert_int_equal(counters(t).since, 0);
    assert_int_equal(count(t, ASSAY_COUNTED_BATCHES_OPEN), 0);
    trial_submit(t, &b, RECEIPTS);
    assert_int_equal(count(t, ASSAY_COUNTED_BATCHES_INCLUDED), 1);
    assert_int_equal(count(t, ASSAY_COUNTED_BATCHES_OPEN), 1);
    assert_int_equal(count(t, ASSAY_COUNTED_RECEIPTS_INCLUDED), RECEIPTS);
    assert_int_equal(count(t, ASSAY_COUNTED_RECEIPTS_SETTLED), 0);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    uint64_t asked = scored(t, ASSAY_SCORE_ASKED);
    assert_true(asked > 0);
    assert_int_equal(count(t, ASSAY_COUNTED_VERDICTS_DUE), asked);
    trial_run_out(t, &b.id);
    assert_int_equal(count(t, ASSAY_COUNTED_VERDICTS_DUE), 0);
    assert_int_equal(count(t, ASSAY_COUNTED_BATCHES_OPEN), 0);
    assert_int_equal(count(t, ASSAY_COUNTED_BATCHES_SETTLED), 1);
    assert_int_equal(count(t, ASSAY_COUNTED_RECEIPTS_SETTLED), RECEIPTS);
    assert_int_equal(scored(t, ASSAY_SCORE_REVEALED), asked);
    assert_int_equal(scored(t, ASSAY_SCORE_MISSED), 0);
    assert_int_equal(count(t, ASSAY_COUNTED_PENALTIES), 0);
    scores_add_up(t);
    trial_close(t);
}

static bool is_drawn_first(trial *t, uint32_t actor, const assay_duty *duty) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    trial_votes(t, &duty->batch, duty->sample, 0, votes);
    return duty->sample == 0 && assay_address_equal(&votes[0].validator, &t->chain.actors[actor]);
}

static ballot first_hides(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.no_reveal = is_drawn_first(t, actor, duty)};
}

static ballot first_sleeps(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.no_commit = is_drawn_first(t, actor, duty)};
}

static ballot first_errs(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.wrong_probe = is_drawn_first(t, actor, duty)};
}

// One vote that goes wrong: counted once, of its validator, with what it cost (P-61).
static void each_failing_is_told_apart(void **state) {
    static const struct {
        habit habit;
        assay_scored what;
        uint64_t cost;
    } cases[] = {
        {first_sleeps, ASSAY_SCORE_MISSED, CHAIN_OPEN / 2},
        {first_hides, ASSAY_SCORE_UNREVEALED, 2 * CHAIN_OPEN},
        {first_errs, ASSAY_SCORE_WRONG, 2 * CHAIN_OPEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trial *t = trial_begin();
        bundle b;
        assay_vote votes[ASSAY_VOTERS_MAX];
        t->votes = cases[i].habit;
        trial_submit(t, &b, RECEIPTS);
        trial_run_out(t, &b.id);
        trial_votes(t, &b.id, 0, 0, votes);
        assay_score own = score(t, trial_actor(t, &votes[0].validator));
        assert_int_equal(scored(t, cases[i].what), 1);
        assert_int_equal(own.of[cases[i].what], 1);
        assert_true(own.fault_height > 0 && own.fault_height <= t->chain.height);
        // A wrong vote pays the reruns of the escalation beside the penalty.
        assert_true(own.of[ASSAY_SCORE_NOPEN] >= cases[i].cost);
        assert_int_equal(count(t, ASSAY_COUNTED_PENALTIES_NOPEN), own.of[ASSAY_SCORE_NOPEN]);
        assert_true(count(t, ASSAY_COUNTED_PENALTIES) >= 1);
        assert_int_equal(count(t, ASSAY_COUNTED_VERDICTS_DUE), 0);
        scores_add_up(t);
        trial_close(t);
    }
}

// Executing a block again, or in vain, counts nothing; what a refused transaction did neither.
static void only_committed_blocks_count(void **state) {
    trial *t = trial_begin();
    chain *c = &t->chain;
    assay_tx tx = chain_tx(c, CONSUMER, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[SPARE], UINT64_MAX};
    assay_app_counters before = counters(t);
    chain_add(c, &tx);
    assay_app_block block = chain_block_input(c);
    block.time_nanos = 250000000;
    must(assay_app_finalize_block(c->app, &block, &c->outcome, err));
    must(assay_app_finalize_block(c->app, &block, &c->outcome, err));
    assay_app_counters after = counters(t);
    assert_memory_equal(&before, &after, sizeof before);
    must(assay_app_commit(c->app, err));
    after = counters(t);
    const uint64_t *was = before.counts.of, *is = after.counts.of;
    assert_int_equal(is[ASSAY_COUNTED_BLOCKS], was[ASSAY_COUNTED_BLOCKS] + 1);
    assert_int_equal(is[ASSAY_COUNTED_TXS_REFUSED], was[ASSAY_COUNTED_TXS_REFUSED] + 1);
    assert_int_equal(is[ASSAY_COUNTED_TXS_DONE], was[ASSAY_COUNTED_TXS_DONE] + block.tx_count - 1);
    assert_int_equal(after.time_ns, block.time * 1000000000 + 250000000);
    assert_int_equal(after.time_ns_before, before.time_ns);
    c->height++;
    chain_block_clear(c);
    trial_close(t);
}

// A restart begins to count anew; what is open now is read from the state.
static void a_restart_keeps_what_is_open(void **state) {
    trial *t = trial_begin();
    chain *c = &t->chain;
    bundle b;
    trial_submit(t, &b, RECEIPTS);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    assay_app_counters before = counters(t);
    assert_true(before.counts.of[ASSAY_COUNTED_VERDICTS_DUE] > 0);
    assay_app_close(c->app);
    chain_app_open(c);
    assay_app_counters after = counters(t);
    assert_int_equal(after.since, c->height);
    for (int i = 0; i < ASSAY_COUNTED_MAX; i++) {
        bool now = i == ASSAY_COUNTED_BATCHES_OPEN || i == ASSAY_COUNTED_VERDICTS_DUE;
        assert_int_equal(after.counts.of[i], now ? before.counts.of[i] : 0);
    }
    trial_run_out(t, &b.id);
    assert_int_equal(count(t, ASSAY_COUNTED_VERDICTS_DUE), 0);
    assert_int_equal(count(t, ASSAY_COUNTED_BATCHES_OPEN), 0);
    trial_close(t);
}

// Validators beyond the table's size are counted with all, and none of the others is disturbed.
static void the_table_of_scores_is_bounded(void **state) {
    assay_scores *scores, *sum;
    assay_score out;
    must(assay_scores_open(&scores, err));
    must(assay_scores_open(&sum, err));
    for (uint32_t i = 1; i <= 2 * ASSAY_SCORES_MAX; i++) {
        assay_address address = {{0}};
        assay_store_be32(address.bytes, i * 1024); // all in one slot's row
        assay_scores_add(scores, &address, ASSAY_SCORE_ASKED, i, 7);
    }
    assay_scores_merge(sum, scores);
    assay_scores_merge(sum, scores);
    for (uint32_t i = 1; i <= 2 * ASSAY_SCORES_MAX; i++) {
        assay_address address = {{0}};
        assay_store_be32(address.bytes, i * 1024);
        assert_int_equal(assay_scores_find(&out, sum, &address), i <= ASSAY_SCORES_MAX);
        assert_int_equal(out.of[ASSAY_SCORE_ASKED], i <= ASSAY_SCORES_MAX ? 2 * i : 0);
        assert_int_equal(out.fault_height, 0);
    }
    assay_scores_reset(sum);
    assert_false(assay_scores_find(&out, sum, &(assay_address){{0, 0, 4}}));
    assay_scores_close(scores);
    assay_scores_close(sum);
}

// A transaction that waits is checked after every block, and came once.
static void a_recheck_is_no_arrival(void **state) {
    trial *t = trial_begin();
    chain *c = &t->chain;
    assay_hash id;
    assay_error err;
    assay_tx tx = chain_tx(c, SPARE, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[CONSUMER], 1};
    chain_add(c, &tx);
    for (int again = 0; again < 3; again++) {
        assert_int_equal(
            assay_app_check_tx(c->app, c->txs[0].data, c->txs[0].size, again, &id, &err), ASSAY_OK);
        assay_app_forget_waiting(c->app);
        assert_int_equal(counters(t).admitted, 1);
    }
    for (int again = 0; again < 2; again++)
        assert_int_equal(assay_app_check_tx(c->app, "", 1, again, &id, &err), ASSAY_REJECTED);
    assert_int_equal(counters(t).turned_away, 1);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_batch_is_counted_from_end_to_end),
        cmocka_unit_test(each_failing_is_told_apart),
        cmocka_unit_test(only_committed_blocks_count),
        cmocka_unit_test(a_restart_keeps_what_is_open),
        cmocka_unit_test(the_table_of_scores_is_bounded),
        cmocka_unit_test(a_recheck_is_no_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
