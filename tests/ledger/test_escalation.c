// SPDX-License-Identifier: Apache-2.0
// Escalations that wait for others, and what comes too late for its turn (P-59, P-60, P-61).
#include "ledger/case_private.h"
#include "tests/ledger/trial.h"

enum { C = 4, R = 3, E = 4, DELAY = 2 };

// A chain whose blocks begin escalations for 64 votes: 16 cases of four voters.
enum { VOTES_BLOCK = ASSAY_PARAM_BLOCK_BYTES_MIN / ASSAY_BLOCK_BYTES_VOTE, AT_ONCE = 16 };

static trial *trial_of_many(uint64_t samples, uint64_t rounds) {
    trial *t = trial_new();
    t->chain.genesis.params.block_bytes_max = ASSAY_PARAM_BLOCK_BYTES_MIN;
    t->chain.genesis.params.samples = samples;
    t->chain.genesis.params.escalation_rounds = rounds;
    t->chain.genesis.params.open_escalations_max = 4096;
    trial_start(t);
    return t;
}

static ballot wrong_output(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = ASSAY_VERDICT_OUTPUT};
}

static void escalations_wait_their_turn(void **state) {
    enum { SAMPLES = 2 * AT_ONCE + 3 };
    trial *t = trial_of_many(SAMPLES, 3);
    bundle b;
    assert_int_equal(VOTES_BLOCK, AT_ONCE * VALIDATOR_COUNT);
    t->votes = wrong_output;
    trial_submit(t, &b, 8);
    uint64_t drawn = trial_until(t, &b.id, ASSAY_BATCH_CHECKING).beacon_height;
    while (t->chain.height < drawn + C + R)
        trial_step(t);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        assay_case record = trial_case(t, &b.id, i);
        assert_int_equal(record.state, i < AT_ONCE ? ASSAY_CASE_VOTING : ASSAY_CASE_WAITING);
        assert_int_equal(record.start, drawn + C + R);
    }
    assert_int_equal(trial_accusations(t),
                     2 * AT_ONCE);                // who waits keeps nobody from accusing others
    assay_ledger full = chain_by_hand(&t->chain); // a block without room begins none (P-98)
    full.writes_max = 0;
    must(assay_verdict_due(&full, err));
    assert_int_equal(full.writes, 0);
    assay_store_abort(full.store);
    trial_step(t);
    assert_int_equal(trial_accusations(t), 2 * 2 * AT_ONCE);
    assert_int_equal(trial_case(t, &b.id, SAMPLES - 1).start, drawn + C + R); // waits as it did
    trial_step(t);
    assert_int_equal(trial_accusations(t), 2 * SAMPLES);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        assay_case record = trial_case(t, &b.id, i);
        assert_int_equal(record.state, ASSAY_CASE_VOTING);
        assert_int_equal(record.start, drawn + C + R + i / AT_ONCE);
    }
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
    assert_int_equal(batch.ended, drawn + 2 * (C + R) + 2);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN);
    assert_int_equal(trial_accusations(t), 0);
    trial_close(t);
}

static ballot late_and_torn(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->round < 2) return (ballot){.no_commit = true};
    return (ballot){.verdict = actor % 2 ? ASSAY_VERDICT_OUTPUT : ASSAY_VERDICT_MATCH};
}

// P-61: accusations are of draws; a second escalation that waits for others has none to put aside.
static void later_escalations_wait_without_accusations(void **state) {
    trial *t = trial_of_many(AT_ONCE, 3);
    t->chain.genesis.params.no_vote_slash = 0;
    bundle first, b;
    t->votes = late_and_torn;
    trial_submit(t, &first, 8);
    uint64_t height = t->chain.height;
    while (t->chain.height < height + C + R - 1)
        trial_step(t);
    uint64_t sequence = t->next_sequence;
    uint32_t size = 1;
    do { // one that comes before the first by its id
        assert_true(size <= TRIAL_RECEIPTS);
        chain_block_clear(&t->chain);
        t->next_sequence = sequence;
        trial_bundle(t, &b, size++);
        b.id = chain_add(&t->chain, &b.tx);
    } while (memcmp(&b.id, &first.id, sizeof b.id) > 0);
    chain_block(&t->chain);
    trial_all_accepted(t);
    while (t->chain.height < height + DELAY + 3 * (C + R))
        trial_step(t);
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        assert_int_equal(trial_case(t, &b.id, i).escalations, 1);
        assert_int_equal(trial_case(t, &first.id, i).escalations, 1);
        assert_int_equal(trial_case(t, &first.id, i).state, ASSAY_CASE_WAITING);
    }
    assert_int_equal(trial_accusations(t), 0);
    trial_step(t);
    assert_int_equal(trial_case(t, &first.id, 0).escalations, 2);
    assert_int_equal(trial_accusations(t), 0);
    trial_close(t);
}

// Small frauds in front of a large one, in one block: it comes before those that wait.
static void the_most_money_is_looked_at_first(void **state) {
    enum { SMALL = 3, SAMPLES = AT_ONCE };
    trial *t = trial_of_many(SAMPLES, 3);
    bundle b;
    assay_hash ids[SMALL + 1];
    t->votes = wrong_output;
    uint64_t sequence = t->next_sequence;
    bool behind = false; // the large one by its id, so that it is not first anyway
    for (uint32_t size = 2; !behind; size++) {
        assert_true(size <= TRIAL_RECEIPTS);
        chain_block_clear(&t->chain);
        t->next_sequence = sequence;
        behind = true;
        for (uint32_t i = 0; i <= SMALL; i++) {
            trial_bundle(t, &b, i < SMALL ? 1 : size);
            ids[i] = chain_add(&t->chain, &b.tx);
        }
        for (uint32_t i = 0; i < SMALL; i++)
            behind &= memcmp(&ids[i], &ids[SMALL], sizeof ids[i]) < 0;
    }
    chain_block(&t->chain);
    trial_all_accepted(t);
    uint64_t drawn = trial_until(t, &ids[0], ASSAY_BATCH_CHECKING).beacon_height;
    while (t->chain.height < drawn + C + R + 1)
        trial_step(t);
    // Cases fall due by batch id; of those behind the first 16 the dearest batch's come first.
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        assay_case record = trial_case(t, &ids[SMALL], sample);
        assert_int_equal(record.state, ASSAY_CASE_VOTING);
        assert_int_equal(record.start, drawn + C + R + 1);
    }
    for (uint32_t i = 0; i <= SMALL; i++)
        assert_int_equal(trial_run_out(t, &ids[i]).reason, ASSAY_VOID_FRAUD);
    trial_close(t);
}

// A case that has waited, and whose last round but one then asks for an answer.
static ballot gone_at_last(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->round < 2) return (ballot){.no_commit = true};
    return (ballot){.verdict = actor % 2 ? ASSAY_VERDICT_UNAVAILABLE : ASSAY_VERDICT_MATCH};
}

// The batch of a trial_of_many(1, 3) whose first escalation starts at the end of block `start`, as
// if others before it had taken all turns.
static assay_batch escalated_late(trial *t, bundle *b, uint64_t before_last) {
    t->votes = gone_at_last;
    trial_submit(t, b, 8);
    assay_batch batch = trial_until(t, &b->id, ASSAY_BATCH_CHECKING);
    while (trial_case(t, &b->id, 0).round < 1)
        trial_step(t);
    uint64_t start = assay_case_last_start(&t->chain.genesis.params, &batch) - before_last;
    assay_ledger ledger = chain_by_hand(&t->chain);
    assay_case record = trial_case(t, &b->id, 0);
    assay_record_key due;
    assay_record_key_start(&due, ASSAY_TABLE_CASE_DUE);
    assay_record_key_add_u64(&due, record.reveal_end);
    assay_record_key_add(&due, b->id.bytes, sizeof b->id.bytes);
    assay_record_key_add_u32(&due, 0);
    must(assay_ledger_delete(&ledger, &due, err));
    must(assay_case_due_put(&ledger, start, &b->id, 0, err));
    record.reveal_end = start;
    must(assay_case_put(&ledger, &b->id, 0, &record, err));
    chain_by_hand_end(&t->chain, &ledger);
    return trial_run_out(t, &b->id);
}

static void no_answer_is_asked_for_in_vain(void **state) {
    static const struct {
        uint64_t before_last;
        uint32_t escalations; // with the answer window before the second
    } late[] = {{0, 1}, {C + R + E - 1, 1}, {C + R + E, 2}};
    for (int i = 0; i < 3; i++) {
        trial *t = trial_of_many(1, 3);
        bundle b;
        assay_batch batch = escalated_late(t, &b, late[i].before_last);
        uint64_t end = batch.height + assay_params_window(&t->chain.genesis.params);
        bool asked = late[i].escalations > 1;
        assert_int_equal(batch.reason, asked ? ASSAY_VOID_FRAUD : ASSAY_VOID_UNDECIDED);
        assert_int_equal(trial_case(t, &b.id, 0).escalations, late[i].escalations);
        assert_int_equal(trial_case(t, &b.id, 0).answer_end > 0, asked);
        assert_int_equal(batch.ended, asked ? end : end - late[i].before_last);
        trial_close(t);
    }
}

// More than all turns within W: what has not had its own ends undecided, and in time.
static void no_escalation_waits_for_ever(void **state) {
    enum { BATCHES = 14, ROUNDS = 8, SAMPLES = 64 };
    trial *t = trial_of_many(SAMPLES, ROUNDS);
    bundle b;
    assay_hash ids[BATCHES];
    uint64_t window = assay_params_window(&t->chain.genesis.params), last = 0;
    uint32_t begun = 0, short_of = 0;
    for (uint32_t i = 0; i < BATCHES; i++) { // nobody ever votes
        trial_bundle(t, &b, 1);
        ids[i] = chain_add(&t->chain, &b.tx);
    }
    chain_block(&t->chain);
    trial_all_accepted(t);
    for (uint32_t i = 0; i < BATCHES; i++) {
        while (trial_batch(t, &ids[i]).ended == 0)
            chain_block(&t->chain);
        assay_batch batch = trial_batch(t, &ids[i]);
        assert_int_equal(batch.reason, ASSAY_VOID_UNDECIDED);
        assert_in_range(batch.ended, batch.height + 1, batch.height + window);
        if (batch.ended > last) last = batch.ended;
        for (uint32_t sample = 0; sample < SAMPLES; sample++) {
            assay_case record = trial_case(t, &ids[i], sample);
            assert_int_equal(record.state, ASSAY_CASE_UNDECIDED);
            begun += record.escalations;
            short_of += record.escalations < ROUNDS;
        }
    }
    assert_in_range(short_of, 1, BATCHES * SAMPLES - 1);
    assert_in_range(begun, AT_ONCE * window / 2, AT_ONCE * last);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escalations_wait_their_turn),
        cmocka_unit_test(later_escalations_wait_without_accusations),
        cmocka_unit_test(the_most_money_is_looked_at_first),
        cmocka_unit_test(no_answer_is_asked_for_in_vain),
        cmocka_unit_test(no_escalation_waits_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
