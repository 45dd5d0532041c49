// SPDX-License-Identifier: Apache-2.0
// What votes add up to (P-58, P-59, P-60).

#include "ledger/tally.h"
#include "tests/test.h"

static assay_vote vote(uint64_t bond, uint8_t verdict, uint8_t probe) {
    return (assay_vote){
        .bond = bond, .committed = true, .revealed = true, .verdict = verdict, .probe = {{probe}}};
}

static assay_tally add_up(const assay_case *record, const assay_vote *votes, uint32_t count) {
    assay_tally tally;
    assay_tally_votes(&tally, record, votes, count);
    return tally;
}

static void two_thirds_are_not_enough(void **state) {
    assay_case record = {0};
    assay_vote votes[3] = {vote(100, 0, 1), vote(100, 0, 1), vote(100, 3, 1)};
    assay_tally tally = add_up(&record, votes, 3);
    assert_int_equal(tally.bond, 300);
    assert_int_equal(tally.best, 200);
    assert_false(assay_tally_is_decided(&tally, tally.best));
    votes[2].bond = 99;
    tally = add_up(&record, votes, 3);
    assert_true(assay_tally_is_decided(&tally, tally.best));
    assert_int_equal(tally.verdict, 0);
    assert_false(tally.all_match);
    tally = add_up(&record, votes, 0);
    assert_false(assay_tally_is_decided(&tally, tally.best));
    assert_false(tally.all_match);
    assert_int_equal(tally.revealed, 0);
}

// A pair is a verdict with a probe; without its reveal, or struck, a vote is no vote.
static void pairs_differ_by_probe(void **state) {
    assay_case record = {0};
    assay_vote votes[4] = {vote(10, 0, 1), vote(20, 0, 2), vote(40, 0, 1), vote(80, 0, 2)};
    votes[3].revealed = false;
    assay_tally tally = add_up(&record, votes, 4);
    assert_int_equal(tally.revealed, 3);
    assert_int_equal(tally.best, 50);
    assert_int_equal(tally.probe.bytes[0], 1);
    assert_false(tally.all_match);
    votes[1].struck = true;
    tally = add_up(&record, votes, 4);
    assert_true(tally.all_match);
    assert_int_equal(tally.bond, 50);
}

static void guilty_pairs_stand_together(void **state) {
    assay_case record = {0};
    assay_vote votes[4] = {vote(30, 3, 1), vote(40, 32, 0), vote(20, 0, 1), vote(10, 35, 9)};
    assay_tally tally = add_up(&record, votes, 4);
    assert_int_equal(tally.bond, 100);
    assert_int_equal(tally.guilty, 70);
    assert_int_equal(tally.guilty_verdict, 32);
    assert_true(tally.leaf_unavailable);
    assert_false(tally.table_unavailable);
    assert_true(assay_tally_is_decided(&tally, tally.guilty));
    assert_false(assay_tally_is_decided(&tally, tally.best));
    votes[0].bond = 40; // among equals the lower verdict
    tally = add_up(&record, votes, 4);
    assert_int_equal(tally.guilty_verdict, 3);
    assert_int_equal(tally.verdict, 3);
}

static void answered_votes_do_not_count(void **state) {
    assay_case record = {.leaf_answered = 5};
    assay_vote votes[3] = {vote(50, 32, 0), vote(30, 34, 0), vote(20, 0, 1)};
    assay_tally tally = add_up(&record, votes, 3);
    assert_int_equal(tally.revealed, 3);
    assert_int_equal(tally.bond, 100); // what the others have two thirds of
    assert_int_equal(tally.best, 30);
    assert_false(tally.leaf_unavailable);
    assert_true(tally.table_unavailable);
    assert_true(assay_vote_is_neutral(&record, &votes[0]));
    assert_false(assay_vote_counts(&record, &votes[0]));
    assert_true(assay_vote_counts(&record, &votes[1]));
    record.table_answered = 6;
    tally = add_up(&record, votes, 3);
    assert_int_equal(tally.bond, 100);
    assert_int_equal(tally.best, 20);
    assert_false(assay_tally_is_decided(&tally, tally.best));
    assert_int_equal(tally.guilty, 0);
    assert_int_equal(tally.neutral, 2);
    assert_true(tally.all_match);
    votes[2].struck = true;
    assert_false(add_up(&record, votes, 3).all_match); // nobody says so
}

// P-60: in time is at the last height of the window at the latest; a round is not behind an answer
// that came while it was running.
static void late_answers_bind_later_rounds(void **state) {
    assay_vote votes[2] = {vote(50, 32, 0), vote(50, 34, 0)};
    assay_case record = {.start = 20, .leaf_answered = 20, .table_answered = 21};
    for (uint64_t end = 0; end < 30; end++) {
        record.answer_end = end;
        assert_int_equal(assay_vote_is_neutral(&record, &votes[0]), end == 0 || end >= 20);
        assert_int_equal(assay_vote_is_neutral(&record, &votes[1]), end == 0 || end >= 21);
        assert_true(assay_vote_is_stale(&record, &votes[0]));
        assert_false(assay_vote_is_stale(&record, &votes[1]));
    }
    record.leaf_answered = 0; // not posted
    assert_false(assay_vote_is_neutral(&record, &votes[0]));
    assert_false(assay_vote_is_stale(&record, &votes[0]));
    votes[1].verdict = 3; // nothing is said to be missing
    record.table_answered = record.leaf_answered = 5;
    assert_false(assay_vote_is_neutral(&record, &votes[1]));
    assert_false(assay_vote_is_stale(&record, &votes[1]));
}

// P-59: what a window asked for and did not get by its end.
static void a_window_without_its_answer(void **state) {
    assay_case record = {.answer_end = 20};
    assert_int_equal(assay_case_withheld(&record), 0);
    record.table_asked = true;
    assert_int_equal(assay_case_withheld(&record), 34);
    record.leaf_asked = true;
    assert_int_equal(assay_case_withheld(&record), 32);
    record.leaf_answered = 20;
    record.table_answered = 21;
    assert_int_equal(assay_case_withheld(&record), 34);
    record.table_answered = 20;
    assert_int_equal(assay_case_withheld(&record), 0);
}

static void sums_of_all_supply_do_not_wrap(void **state) {
    assay_case record = {0};
    assay_vote votes[2] = {vote(UINT64_C(1) << 62, 0, 1), vote(UINT64_C(1) << 61, 3, 1)};
    assay_tally tally = add_up(&record, votes, 2);
    assert_false(assay_tally_is_decided(&tally, tally.best)); // exactly two thirds
    votes[1].bond--;
    tally = add_up(&record, votes, 2);
    assert_true(assay_tally_is_decided(&tally, tally.best));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_thirds_are_not_enough),
        cmocka_unit_test(pairs_differ_by_probe),
        cmocka_unit_test(guilty_pairs_stand_together),
        cmocka_unit_test(answered_votes_do_not_count),
        cmocka_unit_test(late_answers_bind_later_rounds),
        cmocka_unit_test(a_window_without_its_answer),
        cmocka_unit_test(sums_of_all_supply_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
