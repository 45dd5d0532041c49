// SPDX-License-Identifier: Apache-2.0
// Commits and reveals: who, when, once, and what opens what (P-55, P-56, P-57); duties tell a
// validator exactly what it may do next.
#include "tests/ledger/trial.h"

enum { C = 8, R = 8 };

// A batch under way, its first case, and the place of sample 0's two voters.
typedef struct {
    trial *t;
    bundle b;
    assay_case record;
    uint32_t voters[2];
    uint32_t stranger; // a validator that was not drawn
} docket;

static docket *docket_new(void) {
    docket *d = calloc(1, sizeof *d);
    assay_vote votes[ASSAY_VOTERS_MAX];
    d->t = trial_new();
    // Room for many refusals, a block each, in which nothing else happens.
    d->t->chain.genesis.params.commit_blocks = C;
    d->t->chain.genesis.params.reveal_blocks = R;
    d->t->chain.genesis.params.epoch_blocks = 1000;
    trial_start(d->t);
    trial_submit(d->t, &d->b, 8);
    trial_until(d->t, &d->b.id, ASSAY_BATCH_CHECKING);
    d->record = trial_case(d->t, &d->b.id, 0);
    assert_int_equal(trial_votes(d->t, &d->b.id, 0, 0, votes), 2);
    for (uint32_t i = 0; i < 2; i++)
        d->voters[i] = trial_actor(d->t, &votes[i].validator);
    d->stranger = VALIDATOR;
    while (d->stranger == d->voters[0] || d->stranger == d->voters[1])
        d->stranger++;
    return d;
}

static void docket_close(docket *d) {
    trial_close(d->t);
    free(d);
}

static assay_tx commit_tx(docket *d, uint32_t actor, uint8_t verdict, assay_hash probe) {
    assay_tx tx = chain_tx(&d->t->chain, actor, ASSAY_TX_VERDICT_COMMIT);
    assay_hash salt = trial_hash("grain");
    tx.body.verdict_commit = (assay_tx_verdict_commit){d->b.id, 0, 0, {{0}}};
    assay_verdict_commitment(&tx.body.verdict_commit.commitment, &d->t->chain.actors[actor], &salt,
                             verdict, &probe);
    return tx;
}

static assay_tx reveal_tx(docket *d, uint32_t actor, uint8_t verdict, assay_hash probe) {
    assay_tx tx = chain_tx(&d->t->chain, actor, ASSAY_TX_VERDICT_REVEAL);
    tx.body.verdict_reveal =
        (assay_tx_verdict_reveal){d->b.id, 0, 0, trial_hash("grain"), verdict, probe};
    return tx;
}

static assay_hash probe(docket *d) {
    return trial_probe(&d->b.id, 0);
}

static void commits_are_for_voters_of_open_cases(void **state) {
    docket *d = docket_new();
    chain *c = &d->t->chain;
    assay_tx tx = commit_tx(d, d->voters[0], 0, probe(d));
    assay_tx_verdict_commit *body = &tx.body.verdict_commit;
    body->batch.bytes[0] ^= 1;
    chain_keep_out(c, &tx, BATCH_UNKNOWN);
    tx = commit_tx(d, d->voters[0], 0, probe(d));
    body->sample = 3;
    chain_refuse(c, &tx, CASE_UNKNOWN);
    tx = commit_tx(d, d->voters[0], 0, probe(d));
    body->round = 1;
    chain_refuse(c, &tx, CASE_ROUND);
    tx = commit_tx(d, d->stranger, 0, probe(d));
    chain_refuse(c, &tx, CASE_VOTER);
    docket_close(d);
}

// The last block of each window counts, the next one does not (P-55).
static void windows(void **state) {
    docket *d = docket_new();
    chain *c = &d->t->chain;
    assert_int_equal(d->record.start, c->height);
    assert_int_equal(d->record.commit_end, c->height + C);
    assert_int_equal(d->record.reveal_end, c->height + C + R);
    chain_until(c, d->record.commit_end - 2);
    assay_tx tx = reveal_tx(d, d->voters[0], 0, probe(d));
    chain_refuse(c, &tx, CASE_WINDOW); // too early for a reveal
    tx = reveal_tx(d, d->voters[1], 0, probe(d));
    chain_add(c, &tx); // in the last block of commits still
    tx = commit_tx(d, d->voters[0], 0, probe(d));
    chain_add(c, &tx);
    chain_block(c);
    chain_expect(c, 0, CASE_WINDOW);
    chain_expect(c, 1, NONE);
    assert_int_equal(c->height, d->record.commit_end);
    tx = commit_tx(d, d->voters[1], 0, probe(d));
    chain_refuse(c, &tx, CASE_WINDOW); // too late for a commit
    chain_until(c, d->record.reveal_end - 1);
    tx = reveal_tx(d, d->voters[0], 0, probe(d));
    chain_run(c, &tx, NONE);
    assert_int_equal(trial_case(d->t, &d->b.id, 0).state, ASSAY_CASE_RIGHT);
    tx = reveal_tx(d, d->voters[1], 0, probe(d));
    chain_refuse(c, &tx, CASE_UNKNOWN); // the case has ended
    docket_close(d);
}

static void a_vote_is_cast_once(void **state) {
    docket *d = docket_new();
    chain *c = &d->t->chain;
    assay_tx tx = commit_tx(d, d->voters[0], 0, probe(d));
    chain_run(c, &tx, NONE);
    tx = commit_tx(d, d->voters[0], 3, probe(d));
    chain_refuse(c, &tx, VOTE_TWICE);
    chain_until(c, d->record.commit_end);
    tx = reveal_tx(d, d->voters[1], 0, probe(d));
    chain_refuse(c, &tx, VOTE_NOT_COMMITTED);
    tx = reveal_tx(d, d->voters[0], 0, probe(d));
    chain_run(c, &tx, NONE);
    tx = reveal_tx(d, d->voters[0], 0, probe(d));
    chain_refuse(c, &tx, VOTE_TWICE);
    docket_close(d);
}

// Salt, verdict, probe and validator are all bound by the commitment.
static void reveal_checks(void **state) {
    docket *d = docket_new();
    chain *c = &d->t->chain;
    assay_hash wrong = probe(d);
    wrong.bytes[9] ^= 1;
    assay_tx tx = commit_tx(d, d->voters[0], 0, probe(d));
    chain_add(c, &tx);
    assay_tx copied = commit_tx(d, d->voters[1], 0, probe(d));
    copied.body = tx.body; // another's commitment, copied
    chain_add(c, &copied);
    chain_block(c);
    trial_all_accepted(d->t);
    chain_until(c, d->record.commit_end);
    tx = reveal_tx(d, d->voters[1], 0, probe(d));
    chain_refuse(c, &tx, VOTE_COMMITMENT);
    tx = reveal_tx(d, d->voters[0], ASSAY_VERDICT_OUTPUT, probe(d));
    chain_refuse(c, &tx, VOTE_COMMITMENT);
    tx = reveal_tx(d, d->voters[0], 0, wrong);
    tx.body.verdict_reveal.salt.bytes[0] ^= 1;
    chain_refuse(c, &tx, VOTE_COMMITMENT);
    docket_close(d);
}

// Verdicts that need no rerun have no probe; "data missing" names a data set that exists.
static void probes_go_with_their_verdicts(void **state) {
    static const uint8_t without[] = {ASSAY_VERDICT_REQUEST, ASSAY_VERDICT_UNAVAILABLE,
                                      ASSAY_VERDICT_TABLE, ASSAY_VERDICT_TABLE_UNAVAILABLE};
    assay_hash zero = {{0}};
    for (size_t i = 0; i < 2; i++) {
        docket *d = docket_new();
        chain *c = &d->t->chain;
        assay_hash good = i == 0 ? zero : d->t->datasets[0];
        uint8_t verdict = i == 0 ? without[0] : ASSAY_VERDICT_DATA_MISSING;
        assay_tx tx = commit_tx(d, d->voters[0], verdict, good);
        chain_run(c, &tx, NONE);
        chain_until(c, d->record.commit_end);
        if (i == 0) {
            for (size_t j = 0; j < sizeof without; j++) {
                assay_tx each = reveal_tx(d, d->voters[0], without[j], probe(d));
                chain_add(c, &each);
            }
            chain_block(c);
            for (uint32_t j = 0; j < sizeof without; j++)
                chain_expect(c, j, VOTE_PROBE);
        } else {
            tx = reveal_tx(d, d->voters[0], verdict, zero);
            chain_refuse(c, &tx, VOTE_PROBE);
        }
        tx = reveal_tx(d, d->voters[0], verdict, good);
        chain_run(c, &tx, NONE);
        docket_close(d);
    }
}

// An agent of the validator may vote for it: the vote, and the address in the commitment, is the
// principal's.
static void an_agent_votes_for_its_validator(void **state) {
    docket *d = docket_new();
    chain *c = &d->t->chain;
    assay_tx tx = chain_tx(c, d->voters[0], ASSAY_TX_AUTHORIZE_AGENT);
    tx.body.authorize_agent = (assay_tx_authorize_agent){c->actors[SPARE], ASSAY_SCOPE_VERIFY,
                                                         c->height + 1000, CHAIN_OPEN};
    chain_run(c, &tx, NONE);
    tx = chain_agent_tx(c, SPARE, d->voters[0], ASSAY_TX_VERDICT_COMMIT);
    tx.body = commit_tx(d, d->voters[0], 0, probe(d)).body;
    chain_run(c, &tx, NONE);
    chain_until(c, d->record.commit_end);
    tx = chain_agent_tx(c, SPARE, d->voters[0], ASSAY_TX_VERDICT_REVEAL);
    tx.body = reveal_tx(d, d->voters[0], 0, probe(d)).body;
    chain_run(c, &tx, NONE);
    assay_vote votes[ASSAY_VOTERS_MAX];
    trial_votes(d->t, &d->b.id, 0, 0, votes);
    assert_true(votes[0].revealed);
    docket_close(d);
}

// Duties: commit until done, nothing, reveal until done, nothing; with deadline and place.
static void duties_follow_the_windows(void **state) {
    docket *d = docket_new();
    chain *c = &d->t->chain;
    assay_duty duties[TRIAL_DUTIES];
    uint32_t me = d->voters[0], other = d->voters[1], count = trial_duties(d->t, me, duties);
    assert_true(count >= 1);
    assert_int_equal(duties[0].kind, ASSAY_DUTY_COMMIT);
    assert_memory_equal(&duties[0].batch, &d->b.id, 32);
    assert_int_equal(duties[0].sample, 0);
    assert_int_equal(duties[0].round, 0);
    assert_int_equal(duties[0].deadline, d->record.commit_end);
    assert_int_equal(duties[0].position, d->record.position);
    assert_true(duties[0].position < d->b.model.fee_sum);
    assay_tx tx = commit_tx(d, me, 0, probe(d));
    chain_run(c, &tx, NONE);
    assert_int_equal(trial_duties(d->t, me, duties), count - 1);
    chain_until(c, d->record.commit_end - 1);
    assert_true(trial_duties(d->t, other, duties) >= 1);
    assert_int_equal(duties[0].kind, ASSAY_DUTY_COMMIT); // the last block for it
    tx = commit_tx(d, other, 0, probe(d));
    chain_run(c, &tx, NONE);
    tx = commit_tx(d, me, 0, probe(d));
    assert_int_equal(trial_duties(d->t, me, duties), 1); // the others were not committed
    assert_int_equal(duties[0].kind, ASSAY_DUTY_REVEAL);
    assert_int_equal(duties[0].deadline, d->record.reveal_end);
    assert_memory_equal(&duties[0].commitment, &tx.body.verdict_commit.commitment, 32);
    tx = reveal_tx(d, me, 0, probe(d));
    chain_run(c, &tx, NONE);
    assert_int_equal(trial_duties(d->t, me, duties), 0);
    assert_int_equal(trial_duties(d->t, CONSUMER, duties), 0);
    chain_until(c, d->record.reveal_end - 1);
    assert_int_equal(trial_duties(d->t, other, duties), 1); // the last block for it
    docket_close(d);
}

// A small capacity says that there is more.
static void duties_can_be_cut(void **state) {
    docket *d = docket_new();
    assay_duty all[TRIAL_DUTIES], one[1];
    for (uint32_t actor = VALIDATOR; actor < VALIDATOR + VALIDATOR_COUNT; actor++) {
        uint32_t total = trial_duties(d->t, actor, all), count;
        bool more;
        assay_view view = chain_view(&d->t->chain);
        must(assay_duty_list(one, &count, &more, 1, &view.reader, view.height + 1,
                             &d->t->chain.actors[actor], err));
        assay_view_close(&view);
        assert_int_equal(count, total > 0);
        assert_int_equal(more, total > 1);
        if (count > 0) assert_int_equal(one[0].sample, all[0].sample);
    }
    docket_close(d);
}

static ballot all_sleep(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.no_commit = true};
}

static int duty_compare(const void *a, const void *b) {
    const assay_duty *x = a, *y = b;
    if (x->deadline != y->deadline) return x->deadline < y->deadline ? -1 : 1;
    int order = memcmp(x->batch.bytes, y->batch.bytes, sizeof x->batch.bytes);
    return order ? order : (x->sample > y->sample) - (x->sample < y->sample);
}

// The nearest deadlines come first, whatever the batches' ids are, and a short page has those.
static void duties_come_by_deadline(void **state) {
    trial *t = trial_new();
    static bundle bundles[6];
    assay_duty all[TRIAL_DUTIES], sorted[TRIAL_DUTIES], page[TRIAL_DUTIES];
    bool by_id = true;
    t->chain.genesis.params.commit_blocks = 100;
    t->chain.genesis.params.epoch_blocks = 1000;
    t->votes = all_sleep;
    trial_start(t);
    for (uint32_t i = 0; i < 6; i++) {
        trial_submit(t, &bundles[i], 8);
        trial_until(t, &bundles[i].id, ASSAY_BATCH_CHECKING);
    }
    uint32_t total = trial_duties(t, VALIDATOR, all);
    assert_true(total >= 4);
    memcpy(sorted, all, sizeof sorted);
    qsort(sorted, total, sizeof *sorted, duty_compare);
    for (uint32_t i = 0; i < total; i++) {
        assert_int_equal(duty_compare(&all[i], &sorted[i]), 0);
        if (i) by_id &= memcmp(all[i - 1].batch.bytes, all[i].batch.bytes, 32) <= 0;
    }
    assert_true(all[0].deadline < all[total - 1].deadline);
    assert_false(by_id);
    for (uint32_t capacity = 1; capacity <= total; capacity++) {
        assay_view view = chain_view(&t->chain);
        uint32_t count;
        bool more;
        must(assay_duty_list(page, &count, &more, capacity, &view.reader, view.height + 1,
                             &t->chain.actors[VALIDATOR], err));
        assay_view_close(&view);
        assert_int_equal(count, capacity);
        assert_int_equal(more, capacity < total);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(duty_compare(&page[i], &sorted[i]), 0);
    }
    trial_close(t);
}

// Every open case is due exactly once, at its next deadline (I1).
static void one_due_entry(void **state) {
    docket *d = docket_new();
    assay_view view = chain_view(&d->t->chain);
    assay_record_key from;
    assay_store_position at;
    uint32_t due = 0, open = 0, sample = 0;
    assay_hash batch = {{0}};
    bool found = true;
    assay_record_key_start(&from, ASSAY_TABLE_CASE_DUE);
    must(assay_reader_seek(&view.reader, &at, &from, 1, err));
    for (; at.key_size > 0; due++) {
        assert_int_equal(assay_load_be64(at.key + 1), d->record.reveal_end);
        must(assay_reader_next(&view.reader, &at, err));
    }
    for (;; open++) {
        assay_case record;
        must(assay_case_next_open(&batch, &sample, &record, &found, &view.reader, err));
        if (!found) break;
        assert_int_equal(sample, open);
        assert_int_equal(record.state, ASSAY_CASE_VOTING);
    }
    assert_int_equal(due, 3);
    assert_int_equal(open, 3);
    assay_view_close(&view);
    docket_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_are_for_voters_of_open_cases),
        cmocka_unit_test(windows),
        cmocka_unit_test(a_vote_is_cast_once),
        cmocka_unit_test(reveal_checks),
        cmocka_unit_test(probes_go_with_their_verdicts),
        cmocka_unit_test(an_agent_votes_for_its_validator),
        cmocka_unit_test(duties_follow_the_windows),
        cmocka_unit_test(duties_can_be_cut),
        cmocka_unit_test(duties_come_by_deadline),
        cmocka_unit_test(one_due_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
