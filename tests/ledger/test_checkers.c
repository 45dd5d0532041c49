// SPDX-License-Identifier: Apache-2.0
// Who may check a batch (P-50), and that nothing after its inclusion changes it.
#include "ledger/checkers.h"

#include "tests/ledger/trial.h"

#include "ledger/declared.h"
#include "ledger/money.h"

static ballot draws_sleep(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.no_commit = duty->sample == 0 && duty->round < 2};
}

// What a proposer that knows the beacon would like: more bond for one, new validators that declare,
// some that no longer do, and one that leaves.
static void everything_changes(trial *t) {
    assay_hash roots[2];
    trial_roots(t, roots);
    trial_bond(t, VALIDATOR, ASSAY_ROLE_VERIFICATION, 100);
    trial_declare(t, VALIDATOR + 1, NULL, 0);
    assay_tx leave = chain_tx(&t->chain, VALIDATOR + 2, ASSAY_TX_UNBOND);
    leave.body.unbond = (assay_tx_unbond){ASSAY_ROLE_VERIFICATION, TRIAL_BOND * CHAIN_OPEN};
    chain_add(&t->chain, &leave);
    trial_bond(t, SPARE, ASSAY_ROLE_VERIFICATION, 500);
    trial_declare(t, SPARE, roots, 2);
    chain_block(&t->chain);
    trial_all_accepted(t);
}

static void drawn_check(trial *t, const assay_hash *id, const assay_checkers *checkers,
                        uint8_t round) {
    uint32_t picked[ASSAY_VOTERS_MAX];
    assay_vote votes[ASSAY_VOTERS_MAX];
    assay_batch batch = trial_batch(t, id);
    for (uint32_t sample = 0; sample < (round ? 1 : 3); sample++) {
        assert_int_equal(trial_votes(t, id, sample, round, votes), 2);
        assert_int_equal(assay_draw_voters(picked, checkers->voters, checkers->count, 2,
                                           &batch.beacon, id, sample, round),
                         2);
        for (uint32_t i = 0; i < 2; i++)
            assert_true(
                assay_address_equal(&votes[i].validator, &checkers->voters[picked[i]].address));
    }
}

static void fixed_at_inclusion(void **state) {
    trial *t = trial_new();
    assay_checkers checkers;
    assay_vote votes[ASSAY_VOTERS_MAX];
    bundle b;
    bool found;
    trial_start(t);
    t->votes = draws_sleep;
    trial_submit(t, &b, 8);
    assay_view view = chain_view(&t->chain);
    must(assay_checkers_get(&checkers, &found, &view.reader, &b.id, err));
    assay_view_close(&view);
    assert_true(found);
    assert_int_equal(checkers.count, VALIDATOR_COUNT);
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++) {
        assert_int_equal(checkers.voters[i].bond, TRIAL_BOND * CHAIN_OPEN);
        assert_true(assay_checkers_have(&checkers, &t->chain.actors[VALIDATOR + i]));
    }
    assert_false(assay_checkers_have(&checkers, &t->chain.actors[SPARE]));
    assert_false(assay_checkers_have(&checkers, &t->chain.actors[PROVIDER]));

    everything_changes(t);
    assert_int_equal(trial_until(t, &b.id, ASSAY_BATCH_CHECKING).state, ASSAY_BATCH_CHECKING);
    drawn_check(t, &b.id, &checkers, 0);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    drawn_check(t, &b.id, &checkers, 1);
    assert_int_equal(trial_votes(t, &b.id, 0, 2, votes), VALIDATOR_COUNT); // the escalation
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++) {
        assert_true(assay_address_equal(&votes[i].validator, &checkers.voters[i].address));
        assert_int_equal(votes[i].bond, TRIAL_BOND * CHAIN_OPEN);
        assert_true(votes[i].revealed);
    }
    view = chain_view(&t->chain);
    must(assay_checkers_get(&checkers, &found, &view.reader, &b.id, err));
    assay_view_close(&view);
    assert_false(found);
    assert_int_equal(checkers.count, 0);
    trial_close(t);
}

// P-26: lane 1 is closed to who has no part in the batch, from its inclusion on.
static void strangers_stay_out(void **state) {
    static const uint32_t strangers[] = {SPARE, CONSUMER, PROVIDER};
    static const uint8_t blob[8];
    trial *t = trial_new();
    chain *c = &t->chain;
    bundle b;
    trial_start(t);
    trial_submit(t, &b, 8);
    for (uint32_t i = 0; i < 3; i++) {
        const assay_duty duty = {.batch = b.id};
        const ballot mind = {0};
        trial_commit_add(t, strangers[i], &duty, &mind);
        assay_tx reveal = trial_reveal_tx(t, strangers[i], &duty, &mind);
        reveal.nonce = 0;
        chain_add(c, &reveal);
    }
    for (uint32_t i = 0; i < 2; i++) {
        assay_tx post = chain_tx(c, i ? PROVIDER : VALIDATOR, ASSAY_TX_POST_EVIDENCE);
        post.nonce = 0;
        post.body.post_evidence =
            (assay_tx_post_evidence){.batch = b.id, .part_count = 1, .data = {blob, sizeof blob}};
        chain_add(c, &post);
    }
    chain_block(c);
    for (uint32_t i = 0; i < 6; i++)
        chain_expect(c, i, CASE_VOTER);
    chain_expect(c, 6, EVIDENCE_PROVIDER);
    chain_expect(c, 7, BATCH_UNKNOWN); // admitted, but nothing is asked of it yet
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(chain_account(c, &c->actors[strangers[i]]).nonces[1],
                         strangers[i] == PROVIDER);
    assert_int_equal(chain_account(c, &c->actors[VALIDATOR]).nonces[1], 0);
    trial_close(t);
}

static uint32_t gone; // who sleeps from the first draw on
static ballot one_is_gone(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.no_commit = actor == gone};
}

// Bond that leaves answers for the votes that its validator still owes.
static void who_leaves_stays_on_duty(void **state) {
    trial *t = trial_new();
    uint64_t leaving = TRIAL_BOND * CHAIN_OPEN;
    uint32_t owed = 0;
    bundle b;
    trial_start(t);
    t->votes = one_is_gone;
    gone = VALIDATOR + 2;
    trial_submit(t, &b, 6);
    everything_changes(t);
    trial_run_out(t, &b.id);
    for (uint32_t sample = 0; sample < 3; sample++)
        for (uint8_t round = 0; round <= trial_case(t, &b.id, sample).round; round++) {
            assay_vote votes[ASSAY_VOTERS_MAX];
            uint32_t count = trial_votes(t, &b.id, sample, round, votes);
            for (uint32_t i = 0; i < count; i++)
                owed += assay_address_equal(&votes[i].validator, &t->chain.actors[gone]);
        }
    assert_true(owed > 0); // true of this chain's beacons
    assay_view view = chain_view(&t->chain);
    assay_bond bond;
    must(assay_bond_get(&bond, &view.reader, ASSAY_ROLE_VERIFICATION, &t->chain.actors[gone], err));
    assay_view_close(&view);
    assert_int_equal(bond.active, 0);
    assert_int_equal(bond.unbonding_count, 1);
    assert_int_equal(bond.unbonding[0].amount,
                     leaving - owed * t->chain.genesis.params.no_vote_slash);
    trial_close(t);
}

// P-54: who may check a batch of several models declares all of them.
static void every_model_is_declared(void **state) {
    trial *t = trial_begin();
    assay_hash roots[2] = {{{1}}, {{2}}};
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++)
        trial_declare(t, VALIDATOR + i, roots + (i == 0), i < 2 ? 1 : 2);
    chain_block(&t->chain);
    trial_all_accepted(t);
    const assay_model_row rows[] = {{.model = roots[0]}, {.model = roots[1]}};
    assay_view view = chain_view(&t->chain);
    for (uint32_t count = 1; count <= 2; count++) {
        assay_checkers found;
        uint64_t bond;
        must(assay_checkers_find(&found, &bond, &view.reader, &t->chain.genesis.params,
                                 &t->chain.actors[PROVIDER], &(assay_model_list){rows, count},
                                 err));
        assert_int_equal(found.count, 4 - count);
        assert_int_equal(bond, (4 - count) * TRIAL_BOND * CHAIN_OPEN);
        assert_false(assay_checkers_have(&found, &t->chain.actors[VALIDATOR]));
    }
    assay_view_close(&view);
    trial_close(t);
}

// Of more than 256 declarers the largest bonds are asked; among equals the lower addresses (P-50).
static void only_the_largest_bonds_vote(void **state) {
    enum { MANY = 301 }; // the last one is of the small ones
    trial *t = trial_begin();
    assay_ledger ledger = chain_by_hand(&t->chain);
    assay_hash root = trial_hash("popular");
    assay_tx declare = {.kind = ASSAY_TX_DECLARE_ROOTS};
    declare.body.declare_roots.roots = (assay_hash_list){&root, 1};
    for (uint32_t i = 0; i < MANY; i++) { // bonds 10 OPEN, but 11 for every tenth
        assay_address address = {{0xee}};
        assay_store_be32(address.bytes + 16, i);
        must(assay_money_move(&ledger, assay_purse_balance(&t->chain.actors[SPARE - i % 4]),
                              assay_purse_bond(ASSAY_ROLE_VERIFICATION, &address),
                              (i % 10 == 9 ? 11 : 10) * CHAIN_OPEN, err));
        ledger.principal = address;
        must(assay_declared_replace(&ledger, &declare, err));
    }
    assay_checkers found;
    uint32_t large = 0;
    uint64_t bond;
    assay_model_row row = {.model = root};
    must(assay_checkers_find(&found, &bond, &ledger.reader, ledger.params,
                             &t->chain.actors[PROVIDER], &(assay_model_list){&row, 1}, err));
    const assay_voter *voters = found.voters;
    assert_int_equal(found.count, ASSAY_VOTERS_MAX);
    assert_int_equal(bond, (MANY * 10 + MANY / 10) * CHAIN_OPEN);
    for (uint32_t i = 0; i < found.count; i++) {
        uint32_t place = assay_load_be32(voters[i].address.bytes + 16);
        large += voters[i].bond == 11 * CHAIN_OPEN;
        if (voters[i].bond == 10 * CHAIN_OPEN) // the first 226 of the small ones
            assert_true(place - place / 10 < ASSAY_VOTERS_MAX - MANY / 10);
        if (i > 0) assert_true(memcmp(&voters[i - 1].address, &voters[i].address, 20) < 0);
    }
    assert_int_equal(large, MANY / 10);
    assay_store_abort(ledger.store);
    trial_close(t);
}

// A record that is not whole addresses and bonds, or of too many, is damage.
static void damage(void **state) {
    static const size_t sizes[] = {1, 27, 29, 257 * 28};
    uint8_t value[257 * 28] = {0};
    trial *t = trial_begin();
    assay_ledger ledger = chain_by_hand(&t->chain);
    assay_hash batch = trial_hash("batch");
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MAY_CHECK, &batch);
    assay_checkers checkers;
    assay_error error = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        must(assay_ledger_put(&ledger, &key, value, sizes[i], err));
        assert_int_equal(assay_checkers_get(&checkers, NULL, &ledger.reader, &batch, &error),
                         ASSAY_CORRUPT);
    }
    chain_by_hand_end(&t->chain, &ledger);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_at_inclusion),          cmocka_unit_test(who_leaves_stays_on_duty),
        cmocka_unit_test(strangers_stay_out),          cmocka_unit_test(every_model_is_declared),
        cmocka_unit_test(only_the_largest_bonds_vote), cmocka_unit_test(damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
