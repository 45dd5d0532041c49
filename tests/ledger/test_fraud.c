// SPDX-License-Identifier: Apache-2.0
// What a void batch costs and pays: refunds, the slash and its division (P-65, P-66, P-67).
#include "tests/ledger/trial.h"
#include "tests/vectors.h"

static const uint64_t PRICE = 100000 + 4 * 10000; // of a check

static uint8_t guilty_verdict;
static uint32_t guilty_samples; // the first so many
static ballot convict(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = duty->sample < guilty_samples ? guilty_verdict : 0};
}

// A trial, to be started, whose validators convict so many samples, the first ones.
static trial *convicting(uint8_t verdict, uint32_t samples) {
    trial *t = trial_new();
    t->votes = convict;
    guilty_verdict = verdict;
    guilty_samples = samples;
    return t;
}

// Payments out of one batch, by reason; all of them go to one of its two owners or a validator.
typedef struct {
    uint64_t by_reason[8];
    uint64_t by_owner[2];
    uint64_t validators[VALIDATOR_COUNT]; // catch rewards
} payments;

static payments paid(trial *t, const assay_hash *batch) {
    assay_view view = chain_view(&t->chain);
    payments out = {{0}, {0}, {0}};
    bool found = true;
    for (uint32_t i = 0; found; i++) {
        assay_payout_line line;
        must(assay_payout_line_get(&line, &found, &view.reader, batch, i, err));
        if (!found) break;
        out.by_reason[line.reason] += line.amount;
        uint32_t actor = trial_actor(t, &line.account);
        if (line.reason == ASSAY_PAID_FOR_DATA) {
            assert_int_equal(line.role, ASSAY_PAID_CONTRIBUTOR);
            for (uint32_t j = 0; j < 2; j++)
                if (t->owners[j] == actor) out.by_owner[j] += line.amount;
        } else {
            assert_int_equal(line.role, ASSAY_PAID_VALIDATOR);
            if (line.reason == ASSAY_PAID_FOR_CATCH)
                out.validators[actor - VALIDATOR] += line.amount;
        }
    }
    assay_view_close(&view);
    return out;
}

// P-66
static void contributions_match_the_oracle(void **state) {
    json_t *root = vectors_read("settlement.json"), *item;
    size_t i;
    json_array_foreach(vectors_at(root, "frauds"), i, item) {
        assay_u128 weight = 0;
        uint64_t due;
        for (const char *c = json_string_value(json_object_get(item, "weight")); *c; c++)
            weight = weight * 10 + (assay_u128)(*c - '0');
        assert_int_equal(assay_json_u64(&due, item, "due", 0, UINT64_MAX, NULL), ASSAY_OK);
        assert_int_equal(assay_fraud_contribution(
                             weight,
                             (uint64_t)json_integer_value(json_object_get(item, "data_ppm")),
                             (uint32_t)json_integer_value(json_object_get(item, "samples")),
                             (uint32_t)json_integer_value(json_object_get(item, "caught"))),
                         due);
    }
    assert_int_equal(i, 100);
    json_decref(root);
}

// The rows of a batch as money: what its data sets would have earned, floored by the fraud's rule.
static uint64_t due(const bundle *b, uint32_t row, uint32_t caught) {
    return (uint64_t)(b->datasets[row].weight / 1000000 * 250000 / 1000000 * (3 - caught) / 3);
}

// P-65, P-77: neither exposure nor counts of right votes outlast a void batch.
static void nothing_left(const trial *t) {
    static const uint8_t tables[] = {ASSAY_TABLE_EXPOSURE, ASSAY_TABLE_CHECKER,
                                     ASSAY_TABLE_CATCHER};
    assay_view view = chain_view(&t->chain);
    for (size_t i = 0; i < sizeof tables; i++) {
        assay_record_key from;
        assay_store_position at;
        assay_record_key_start(&from, tables[i]);
        must(assay_reader_seek(&view.reader, &at, &from, 1, err));
        assert_int_equal(at.key_size, 0);
    }
    assay_view_close(&view);
}

static void slash_adds_up(void **state) {
    trial *t = convicting(ASSAY_VERDICT_TRACE, 0);
    trial_start(t);
    for (guilty_samples = 1; guilty_samples <= 3; guilty_samples++) {
        bundle b;
        trial_submit(t, &b, 8);
        uint64_t provider = chain_balance(&t->chain, PROVIDER);
        assay_totals before = chain_totals(&t->chain);
        trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
        assay_batch batch = trial_run_out(t, &b.id);
        payments out = paid(t, &b.id);
        assert_int_equal(batch.caught, guilty_samples);
        assert_int_equal(batch.slashed, 10 * batch.fee_total);
        assert_int_equal(out.by_owner[0], due(&b, 0, guilty_samples));
        assert_int_equal(out.by_owner[1], due(&b, 1, guilty_samples));
        uint64_t reward = batch.slashed * 3 / 10, parts = 2 * guilty_samples, sum = 0;
        for (uint32_t i = 0; i < VALIDATOR_COUNT; i++) {
            assert_int_equal(out.validators[i] % (reward / parts), 0);
            sum += out.validators[i];
        }
        assert_int_equal(sum, reward / parts * parts);
        assert_int_equal(batch.slashed, batch.burned + sum + out.by_reason[ASSAY_PAID_FOR_DATA]);
        // Every drawn validator was right, in every case: all checks are paid, nothing returns.
        assert_int_equal(out.by_reason[ASSAY_PAID_FOR_CHECK], 6 * PRICE);
        assert_int_equal(chain_balance(&t->chain, PROVIDER), provider);
        assay_totals after = chain_totals(&t->chain);
        assert_true(after.nopen[ASSAY_MONEY_BURNED] - before.nopen[ASSAY_MONEY_BURNED] >=
                    batch.burned);
        nothing_left(t);
    }
    trial_close(t);
}

// A retired data set is paid nothing out of a slash either: its part burns.
static void a_retired_data_set_is_no_contributor(void **state) {
    trial *t = convicting(ASSAY_VERDICT_OUTPUT, 1);
    trial_start(t);
    bundle b;
    trial_submit(t, &b, 8);
    assay_tx tx = chain_tx(&t->chain, t->owners[1], ASSAY_TX_RETIRE_DATASET);
    tx.body.retire_dataset.dataset = t->datasets[1];
    chain_run(&t->chain, &tx, NONE);
    assay_batch batch = trial_run_out(t, &b.id);
    payments out = paid(t, &b.id);
    assert_int_equal(out.by_owner[0], due(&b, 0, 1));
    assert_int_equal(out.by_owner[1], 0);
    assert_int_equal(batch.burned,
                     batch.slashed - out.by_owner[0] - out.by_reason[ASSAY_PAID_FOR_CATCH]);
    trial_close(t);
}

// A big fraud: the reward stops at catch_cap. Its parts are equal, and what they leave burns
// (P-67).
static void the_catch_reward_is_capped(void **state) {
    trial *t = convicting(ASSAY_VERDICT_OUTPUT, 3);
    t->chain.genesis.params.catch_cap = 6000 + 5;
    trial_start(t);
    bundle b;
    trial_submit(t, &b, 8);
    trial_run_out(t, &b.id);
    payments out = paid(t, &b.id);
    assert_int_equal(out.by_reason[ASSAY_PAID_FOR_CATCH], 6000);
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++)
        assert_int_equal(out.validators[i] % 1000, 0);
    trial_close(t);
}

// P-67: nor is it more than contributors left.
static void contributors_come_before_the_catch_reward(void **state) {
    trial *t = convicting(ASSAY_VERDICT_OUTPUT, 1);
    t->chain.genesis.params.catch_share_ppm = 1000000;
    t->chain.genesis.params.catch_cap = UINT64_C(1) << 56;
    trial_start(t);
    bundle b;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    payments out = paid(t, &b.id);
    uint64_t left = batch.slashed - due(&b, 0, 1) - due(&b, 1, 1);
    assert_int_equal(out.by_reason[ASSAY_PAID_FOR_CATCH], left / 2 * 2);
    assert_int_equal(batch.burned, left % 2);
    trial_close(t);
}

// A table or a share that is wrong does not say whose data it was; bytes that are not there say
// nothing (P-66).
static void where_the_table_cannot_be_trusted_no_contributor_is_paid(void **state) {
    static const uint8_t kinds[] = {ASSAY_VERDICT_ATTRIBUTION, ASSAY_VERDICT_TABLE,
                                    ASSAY_VERDICT_UNAVAILABLE, ASSAY_VERDICT_TABLE_UNAVAILABLE};
    trial *t = trial_new();
    trial_start(t);
    t->votes = convict;
    guilty_samples = 1;
    for (size_t i = 0; i < sizeof kinds; i++) {
        bundle b;
        guilty_verdict = kinds[i];
        trial_submit(t, &b, 8);
        assay_batch batch = trial_run_out(t, &b.id);
        payments out = paid(t, &b.id);
        assert_int_equal(batch.table_bad, 1);
        assert_int_equal(out.by_reason[ASSAY_PAID_FOR_DATA], 0);
        assert_int_equal(out.by_reason[ASSAY_PAID_FOR_CATCH], batch.slashed * 3 / 10 / 2 * 2);
        assert_int_equal(batch.burned, batch.slashed - out.by_reason[ASSAY_PAID_FOR_CATCH]);
    }
    trial_close(t);
}

// A session that ended while its batch was checked: the refund goes to the principal (P-65).
static void refunds_of_ended_sessions_go_to_the_principal(void **state) {
    trial *t = convicting(ASSAY_VERDICT_OUTPUT, 1);
    trial_start(t);
    bundle b;
    trial_submit(t, &b, 8);
    uint64_t fees = b.tx.body.submit_batch.fee_total;
    assay_tx tx = chain_tx(&t->chain, CONSUMER, ASSAY_TX_CLOSE_SESSION);
    tx.body.close_session.session = t->session;
    chain_run(&t->chain, &tx, NONE);
    while (trial_session(t, &t->session).ended == 0)
        trial_step(t);
    assert_int_equal(trial_session(t, &t->session).reserved, fees);
    uint64_t balance = chain_balance(&t->chain, CONSUMER);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.refunded, fees);
    assert_int_equal(chain_balance(&t->chain, CONSUMER), balance + fees);
    trial_close(t);
}

// Three sessions in one batch, settled once and void once: each gets, or gives, its own row.
static void every_session_has_its_row(void **state) {
    trial *t = convicting(ASSAY_VERDICT_OUTPUT, 0);
    trial_start(t);
    assay_session_row rows[3] = {{t->session, 1, 1, 0}};
    for (uint32_t i = 1; i < 3; i++)
        rows[i] = (assay_session_row){trial_open_session(t, 10), 1, 1, 0};
    chain_block(&t->chain);
    for (uint32_t i = 0; i < 3; i++)
        rows[i].fee_sum = (i + 1) * CHAIN_OPEN / 100;
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t j = 0; j < 2; j++)
            if (memcmp(&rows[j].session, &rows[j + 1].session, 32) > 0) {
                assay_session_row other = rows[j];
                rows[j] = rows[j + 1];
                rows[j + 1] = other;
            }
    for (guilty_samples = 0; guilty_samples < 2; guilty_samples++) {
        bundle b;
        uint64_t held[3];
        for (uint32_t i = 0; i < 3; i++) {
            held[i] = trial_session(t, &rows[i].session).free;
            rows[i].first_sequence = 1 + guilty_samples;
        }
        trial_bundle(t, &b, 3);
        uint64_t fees = rows[0].fee_sum + rows[1].fee_sum + rows[2].fee_sum;
        b.tx.body.submit_batch.sessions = (assay_session_list){rows, 3};
        b.tx.body.submit_batch.fee_total = b.model.fee_sum = fees;
        b.id = chain_add(&t->chain, &b.tx);
        chain_block(&t->chain);
        trial_all_accepted(t);
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(trial_session(t, &rows[i].session).reserved, rows[i].fee_sum);
        assay_batch batch = trial_run_out(t, &b.id);
        assert_int_equal(batch.state, guilty_samples > 0 ? ASSAY_BATCH_VOID : ASSAY_BATCH_SETTLED);
        assert_int_equal(batch.refunded, guilty_samples > 0 ? fees : 0);
        for (uint32_t i = 0; i < 3; i++) {
            assay_session session = trial_session(t, &rows[i].session);
            assert_int_equal(session.reserved, 0);
            assert_int_equal(session.free, held[i] - (guilty_samples > 0 ? 0 : rows[i].fee_sum));
        }
    }
    trial_close(t);
}

// A bond that is already gone: what there is is taken, and no more is paid than that.
static void the_bond_is_the_limit(void **state) {
    trial *t = convicting(ASSAY_VERDICT_OUTPUT, 1);
    t->chain.genesis.params.bond_multiple = 1;
    trial_start(t);
    bundle b;
    trial_submit(t, &b, 8);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    // Another slash leaves less than this batch's fees.
    assay_ledger ledger = chain_by_hand(&t->chain);
    must(assay_bond_slash(&ledger, ASSAY_ROLE_PROVIDER, &t->chain.actors[PROVIDER],
                          100 * CHAIN_OPEN - 7, assay_purse_burned(), NULL, err));
    assay_batch batch;
    bool found;
    must(assay_batch_get(&batch, &found, &ledger.reader, &b.id, err));
    batch.caught = 1;
    must(assay_fraud_void(&ledger, &b.id, &batch, ASSAY_VOID_FRAUD, err));
    assert_int_equal(batch.slashed, 7);
    assert_int_equal(batch.burned, 0); // contributors come first
    assert_int_equal(ledger.totals.nopen[ASSAY_MONEY_POOLS], 0);
    assert_int_equal(assay_totals_sum(&ledger.totals), t->chain.genesis.supply);
    assay_store_abort(ledger.store);
    trial_close(t);
}

// The receipts of a void batch cannot be billed again, and neither can those of a settled one:
// their sequence numbers are used (P-37, P-53).
static void replayed_batches_are_refused(void **state) {
    trial *t = convicting(ASSAY_VERDICT_OUTPUT, 0);
    trial_start(t);
    for (guilty_samples = 0; guilty_samples < 2; guilty_samples++) {
        bundle b;
        trial_submit(t, &b, 8);
        for (uint32_t twice = 0; twice < 2; twice++) {
            assay_tx tx = chain_tx(&t->chain, PROVIDER, ASSAY_TX_SUBMIT_BATCH);
            tx.body = b.tx.body;
            chain_refuse(&t->chain, &tx, SEQUENCE);
            trial_run_out(t, &b.id);
        }
    }
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contributions_match_the_oracle),
        cmocka_unit_test(slash_adds_up),
        cmocka_unit_test(a_retired_data_set_is_no_contributor),
        cmocka_unit_test(the_catch_reward_is_capped),
        cmocka_unit_test(contributors_come_before_the_catch_reward),
        cmocka_unit_test(where_the_table_cannot_be_trusted_no_contributor_is_paid),
        cmocka_unit_test(refunds_of_ended_sessions_go_to_the_principal),
        cmocka_unit_test(every_session_has_its_row),
        cmocka_unit_test(the_bond_is_the_limit),
        cmocka_unit_test(replayed_batches_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
