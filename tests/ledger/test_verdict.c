// SPDX-License-Identifier: Apache-2.0
// Every path of a case, from the beacon to the end of its batch, on a real chain whose whole state
// is added up after every block (P-55, P-58, P-59, P-60, P-61, P-62, P-65).
#include "tests/ledger/trial.h"

static const uint64_t PRICE = 100000 + 4 * 10000; // of a check: 3 MiB model, 1 MiB adapter
static const uint64_t WRONG = 2 * CHAIN_OPEN, ABSENT = CHAIN_OPEN / 2;
enum { C = 4, R = 3, E = 4, DELAY = 2 };

// The actor at a place of round 0.
static uint32_t drawn(trial *t, const assay_hash *id, uint32_t sample, uint32_t place) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    assert_int_equal(trial_votes(t, id, sample, 0, votes), 2);
    return trial_actor(t, &votes[place].validator);
}

// ---- draws ----

static void honest_validators_settle_a_batch(void **state) {
    trial *t = trial_begin();
    bundle b;
    trial_submit(t, &b, 8);
    uint64_t height = t->chain.height;
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.state, ASSAY_BATCH_SETTLED);
    assert_int_equal(batch.beacon_height, height + DELAY);
    assert_int_equal(batch.ended, batch.beacon_height + C + R);
    for (uint32_t i = 0; i < batch.sample_count; i++)
        trial_expect(t, &b.id, i, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 0);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN);
    trial_close(t);
}

static ballot first_hides(trial *t, uint32_t actor, const assay_duty *duty) {
    bool first = duty->sample == 0 && trial_place(t, actor, duty, 0) == 0;
    return (ballot){.no_reveal = first};
}

// A commit without its reveal costs as much as a wrong verdict; the other reveal is enough.
static void a_missing_reveal_costs_and_does_not_delay(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = first_hides;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 0);
    assay_vote votes[ASSAY_VOTERS_MAX];
    trial_votes(t, &b.id, 0, 0, votes);
    assert_int_equal(votes[0].slashed, WRONG);
    assert_int_equal(votes[0].paid, 0);
    assert_int_equal(votes[1].slashed, 0);
    assert_int_equal(votes[1].paid, PRICE);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - WRONG);
    trial_close(t);
}

static ballot first_sleeps(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.no_commit = duty->sample == 0 && trial_place(t, actor, duty, 0) == 0};
}

static void no_vote_costs_less(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = first_sleeps;
    trial_submit(t, &b, 8);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 0);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - ABSENT);
    trial_close(t);
}

static ballot round_0_sleeps(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.no_commit = duty->sample == 0 && duty->round == 0};
}

// No reveal at all: drawn once more, freshly.
static void silence_is_redrawn(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = round_0_sleeps;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    assay_case record = trial_case(t, &b.id, 0);
    assert_int_equal(record.kind, ASSAY_ROUND_REDRAW);
    assert_int_equal(record.ended, batch.beacon_height + 2 * (C + R));
    assay_vote votes[ASSAY_VOTERS_MAX];
    assert_int_equal(trial_votes(t, &b.id, 0, 1, votes), 2);
    assert_int_equal(votes[0].paid + votes[1].paid, 2 * PRICE);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - 2 * ABSENT);
    trial_close(t);
}

static ballot draws_sleep(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.no_commit = duty->sample == 0 && duty->round < 2};
}

static void silence_twice_escalates(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = draws_sleep;
    trial_submit(t, &b, 8);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 2);
    assert_int_equal(trial_case(t, &b.id, 0).kind, ASSAY_ROUND_ESCALATION);
    assay_vote votes[ASSAY_VOTERS_MAX];
    assert_int_equal(trial_votes(t, &b.id, 0, 2, votes), VALIDATOR_COUNT);
    trial_close(t);
}

// ---- liars ----

static uint32_t stubborn_actor;

static ballot first_copies(trial *t, uint32_t actor, const assay_duty *duty) {
    bool first = duty->sample == 0 && trial_place(t, actor, duty, 0) == 0;
    return (ballot){.wrong_probe = first && duty->round == 0};
}

// "match" without having run anything: the probe tells, and the copier pays the reruns.
static void a_copier_is_overruled_and_pays_the_reruns(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = first_copies;
    trial_submit(t, &b, 8);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    uint32_t copier = drawn(t, &b.id, 0, 0);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_VERIFICATION, copier),
                     TRIAL_BOND * CHAIN_OPEN - WRONG - VALIDATOR_COUNT * PRICE);
    assay_vote votes[ASSAY_VOTERS_MAX];
    trial_votes(t, &b.id, 0, 1, votes);
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++) // the copier too: in the escalation it was right
        assert_int_equal(votes[i].paid, PRICE);
    trial_close(t);
}

static ballot first_accuses(trial *t, uint32_t actor, const assay_duty *duty) {
    bool first = duty->sample == 0 && trial_place(t, actor, duty, 0) == 0;
    return (ballot){.verdict = first ? ASSAY_VERDICT_OUTPUT : ASSAY_VERDICT_MATCH};
}

// Wrong in the draw and in the escalation: slashed once, and only three reruns were right.
static void an_overruled_accuser_pays_the_reruns(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = first_accuses;
    trial_submit(t, &b, 8);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    uint32_t accuser = drawn(t, &b.id, 0, 0);
    while (trial_case(t, &b.id, 0).round == 0)
        trial_step(t);
    uint32_t open;
    assay_view view = chain_view(&t->chain);
    must(assay_accusations_open(&open, &view.reader, &t->chain.actors[accuser], 0, err));
    assay_view_close(&view);
    assert_int_equal(open, 1);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_VERIFICATION, accuser),
                     TRIAL_BOND * CHAIN_OPEN - WRONG - (VALIDATOR_COUNT - 1) * PRICE);
    view = chain_view(&t->chain);
    must(assay_accusations_open(&open, &view.reader, &t->chain.actors[accuser], 0, err));
    assay_view_close(&view);
    assert_int_equal(open, 0);
    trial_close(t);
}

// What each validator got of a settled batch's validators' pool.
static void pool_shares(const trial *t, const assay_hash *id, uint64_t shares[VALIDATOR_COUNT]) {
    assay_view view = chain_view(&t->chain);
    bool found = true;
    memset(shares, 0, VALIDATOR_COUNT * sizeof *shares);
    for (uint32_t i = 0; found; i++) {
        assay_payout_line line;
        must(assay_payout_line_get(&line, &found, &view.reader, id, i, err));
        if (found && line.role == ASSAY_PAID_VALIDATOR && line.reason == ASSAY_PAID_FOR_FEES)
            shares[trial_actor(t, &line.account) - VALIDATOR] += line.amount;
    }
    assay_view_close(&view);
}

// The validators' pool goes to whoever was right in the rounds that decided, no case weighing more
// than another (P-70): by bond in the escalated one, where three are right, in halves in the
// others.
static void right_checkers_share_the_pool(void **state) {
    trial *t = trial_begin();
    bundle b;
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++)
        trial_bond(t, VALIDATOR + i, ASSAY_ROLE_VERIFICATION, 1 + 20 * i);
    t->votes = first_accuses;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    uint64_t weights[VALIDATOR_COUNT] = {0}, shares[VALIDATOR_COUNT], whole = 0;
    for (uint32_t sample = 0; sample < 3; sample++) {
        assay_vote votes[ASSAY_VOTERS_MAX];
        uint8_t last = trial_case(t, &b.id, sample).round;
        uint32_t count = trial_votes(t, &b.id, sample, last, votes);
        assert_int_equal(last, sample == 0);
        uint64_t sum = 0, right = 0;
        for (uint32_t i = 0; i < count; i++)
            if (votes[i].verdict == ASSAY_VERDICT_MATCH) sum += votes[i].bond, right++;
        assert_int_equal(right, sample == 0 ? 3 : 2);
        for (uint32_t i = 0; i < count; i++) {
            if (votes[i].verdict != ASSAY_VERDICT_MATCH) continue;
            uint64_t weight = (UINT64_C(1) << 32) / 2;
            if (sample == 0) weight = (uint64_t)(((assay_u128)votes[i].bond << 32) / sum);
            weights[trial_actor(t, &votes[i].validator) - VALIDATOR] += weight;
            whole += weight;
        }
    }
    pool_shares(t, &b.id, shares);
    uint64_t pool = batch.fee_total / 10;
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++)
        assert_in_range(shares[i], (uint64_t)((assay_u128)pool * weights[i] / whole),
                        (uint64_t)((assay_u128)pool * weights[i] / whole) + 1);
    assert_int_equal(shares[0] + shares[1] + shares[2] + shares[3], pool);
    trial_close(t);
}

// Draws accuse and the first escalation is torn; of those right in it one is gone from the next.
static ballot torn_then_one_gone(trial *t, uint32_t actor, const assay_duty *duty) {
    int place = trial_place(t, actor, duty, 0);
    bool gone = place < 0 && duty->round == 2 &&
                actor == (trial_place(t, VALIDATOR, duty, 0) < 0 ? VALIDATOR : VALIDATOR + 1);
    if (gone) stubborn_actor = actor;
    bool accuses = place >= 0 && duty->round < 2;
    return (ballot){.no_commit = gone, .verdict = accuses ? ASSAY_VERDICT_OUTPUT : 0};
}

// P-70: of the escalations only the round that decided counts, and each voter of it once.
static void escalations_before_the_last_earn_nothing(void **state) {
    trial *t = trial_new();
    t->chain.genesis.params.samples = 1;
    trial_start(t);
    bundle b;
    t->votes = torn_then_one_gone;
    uint64_t shares[VALIDATOR_COUNT];
    do {
        trial_submit(t, &b, 8);
        trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
        assay_duty any = {.batch = b.id};
        if (trial_place(t, VALIDATOR, &any, 0) < 0 || trial_place(t, VALIDATOR + 1, &any, 0) < 0)
            break;
        trial_run_out(t, &b.id);
    } while (true);
    assay_batch batch = trial_run_out(t, &b.id);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 2);
    pool_shares(t, &b.id, shares);
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++) {
        bool gone = VALIDATOR + i == stubborn_actor;
        uint64_t third = batch.fee_total / 10 / 3;
        assert_in_range(shares[i], gone ? 0 : third, gone ? 0 : third + 1);
    }
    trial_close(t);
}

static uint32_t accuser_of_all;
static ballot one_accuses_everywhere(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = actor == accuser_of_all ? ASSAY_VERDICT_OUTPUT : 0};
}

// One validator of those that check eight samples may have one accusation open.
static trial *bounded_begun(ballot (*votes)(trial *t, uint32_t actor, const assay_duty *duty)) {
    trial *t = trial_new();
    t->chain.genesis.params.open_escalations_max = 1;
    t->chain.genesis.params.samples = 8;
    trial_start(t);
    t->votes = votes;
    accuser_of_all = VALIDATOR + 1;
    return t;
}

static ballot one_is_refused_everywhere(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = actor == accuser_of_all ? ASSAY_VERDICT_UNAVAILABLE : 0};
}

// With one accusation open the next ones count for nothing, and cost nothing either.
static void accusations_are_bounded(void **state) {
    trial *t = bounded_begun(one_accuses_everywhere);
    bundle b;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.state, ASSAY_BATCH_SETTLED);
    uint32_t counted = 0, struck = 0;
    for (uint32_t i = 0; i < batch.sample_count; i++) {
        assay_vote votes[ASSAY_VOTERS_MAX];
        uint32_t count = trial_votes(t, &b.id, i, 0, votes);
        for (uint32_t j = 0; j < count; j++) {
            if (trial_actor(t, &votes[j].validator) != accuser_of_all) continue;
            counted += !votes[j].struck;
            struck += votes[j].struck;
            if (votes[j].struck) assert_int_equal(votes[j].slashed + votes[j].paid, 0);
        }
    }
    assert_int_equal(counted, 1);
    assert_true(struck > 0);
    assert_int_equal(trial_accusations(t), 0);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_VERIFICATION, accuser_of_all),
                     TRIAL_BOND * CHAIN_OPEN - WRONG - (VALIDATOR_COUNT - 1) * PRICE);
    trial_close(t);
}

static ballot wrong_output(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = ASSAY_VERDICT_OUTPUT};
}

// P-61: a struck accusation counts for nothing, though it was right.
static void a_struck_accusation_earns_nothing(void **state) {
    trial *t = trial_new();
    t->chain.genesis.params.open_escalations_max = 1;
    t->chain.genesis.params.samples = 8;
    trial_start(t);
    bundle b;
    t->votes = wrong_output;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.caught, batch.sample_count);
    uint32_t struck = 0;
    for (uint32_t i = 0; i < batch.sample_count; i++) {
        assay_vote votes[ASSAY_VOTERS_MAX];
        uint32_t count = trial_votes(t, &b.id, i, 0, votes);
        for (uint32_t j = 0; j < count; j++) {
            struck += votes[j].struck;
            assert_int_equal(votes[j].paid, votes[j].struck ? 0 : PRICE);
        }
    }
    assert_true(struck > 0);
    trial_close(t);
}

// Whether the accusation in sample 0 of a batch was struck.
static bool is_struck(trial *t, const assay_hash *id) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    uint32_t count = trial_votes(t, id, 0, 0, votes);
    for (uint32_t i = 0; i < count; i++)
        if (trial_actor(t, &votes[i].validator) == accuser_of_all) return votes[i].struck;
    fail_msg("not drawn");
    return false;
}

// An open accusation stands in the way of one in a batch as large as its own, but not of one that
// is more than twice as large: small frauds silence nobody about a large one.
static void small_accusations_hide_no_large_one(void **state) {
    static const uint32_t sizes[][2] = {{8, 2}, {2, 8}, {8, 8}};
    for (int i = 0; i < 3; i++) {
        bundle before, after;
        trial *t = trial_new();
        t->chain.genesis.params.open_escalations_max = 1;
        t->chain.genesis.params.samples = 1;
        t->chain.genesis.params.validators_per_sample = VALIDATOR_COUNT;
        trial_start(t);
        t->votes = one_accuses_everywhere;
        accuser_of_all = VALIDATOR + 1;
        trial_submit(t, &before, sizes[i][0]);
        trial_submit(t, &after, sizes[i][1]);
        trial_run_out(t, &before.id);
        trial_run_out(t, &after.id);
        assert_false(is_struck(t, &before.id));
        assert_int_equal(is_struck(t, &after.id), sizes[i][1] <= sizes[i][0]);
        trial_close(t);
    }
}

// P-61: a provider that refuses a validator again and again silences it about nothing.
static void refusals_silence_nobody(void **state) {
    trial *t = bounded_begun(one_is_refused_everywhere);
    bundle b;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < batch.sample_count; i++) {
        assay_vote votes[ASSAY_VOTERS_MAX];
        uint32_t count = trial_votes(t, &b.id, i, 0, votes);
        for (uint32_t j = 0; j < count; j++) {
            refused += votes[j].verdict == ASSAY_VERDICT_UNAVAILABLE;
            assert_false(votes[j].struck);
        }
    }
    assert_true(refused > 1);
    trial_close(t);
}

// ---- fraud ----

static uint8_t everyone_says;
static ballot everyone(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = duty->sample == 0 ? everyone_says : 0};
}

// Each kind of fraud, seen in sample 0 by everyone: void, refunded, slashed.
static void every_kind_of_fraud_voids_the_batch(void **state) {
    static const uint8_t kinds[] = {
        ASSAY_VERDICT_REQUEST, ASSAY_VERDICT_FEE,         ASSAY_VERDICT_OUTPUT,
        ASSAY_VERDICT_STOP,    ASSAY_VERDICT_TRACE,       ASSAY_VERDICT_ATTRIBUTION,
        ASSAY_VERDICT_TABLE,   ASSAY_VERDICT_UNAVAILABLE, ASSAY_VERDICT_TABLE_UNAVAILABLE,
    };
    trial *t = trial_begin();
    t->votes = everyone;
    for (size_t i = 0; i < sizeof kinds; i++) {
        bundle b;
        everyone_says = kinds[i];
        uint64_t bond = trial_bond_of(t, ASSAY_ROLE_PROVIDER, PROVIDER);
        uint64_t free_before = trial_session(t, &t->session).free;
        trial_submit(t, &b, 8);
        uint64_t fees = b.tx.body.submit_batch.fee_total;
        assert_int_equal(trial_session(t, &t->session).free, free_before - fees);
        assay_batch batch = trial_run_out(t, &b.id);
        bool asked =
            kinds[i] == ASSAY_VERDICT_UNAVAILABLE || kinds[i] == ASSAY_VERDICT_TABLE_UNAVAILABLE;
        assert_int_equal(batch.state, ASSAY_BATCH_VOID);
        assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
        assert_int_equal(batch.caught, 1);
        assert_int_equal(batch.table_bad, kinds[i] == 6 || kinds[i] > 31);
        assert_int_equal(batch.ended, batch.beacon_height + 2 * (C + R) + asked * E);
        assert_int_equal(batch.refunded, fees);
        assert_int_equal(batch.slashed, 10 * fees);
        trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, kinds[i], 1);
        assert_int_equal(trial_session(t, &t->session).free, free_before);
        assert_int_equal(trial_session(t, &t->session).reserved, 0);
        assert_int_equal(trial_bond_of(t, ASSAY_ROLE_PROVIDER, PROVIDER), bond - 10 * fees);
    }
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN);
    trial_close(t);
}

static ballot selective(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0) return (ballot){0};
    return (ballot){.verdict = actor % 2 ? ASSAY_VERDICT_OUTPUT : ASSAY_VERDICT_UNAVAILABLE};
}

// A provider that serves its bad output to half of the validators only: no pair has two thirds,
// but together they find it guilty, once it had its time to answer.
static void selective_serving_does_not_escape(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = selective;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
    assay_case record = trial_case(t, &b.id, 0);
    assert_int_equal(record.state, ASSAY_CASE_GUILTY);
    assert_true(record.answer_end > 0);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN);
    trial_close(t);
}

static ballot late_unavailable(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0) return (ballot){0};
    if (duty->round > 0) return (ballot){.verdict = ASSAY_VERDICT_UNAVAILABLE};
    return (ballot){.verdict = ASSAY_VERDICT_OUTPUT};
}

// Taken offline between the draw and the escalation: the answer window comes first, then the round
// that decides.
static void unavailable_decides_only_after_the_answer_window(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = late_unavailable;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_UNAVAILABLE, 2);
    assert_int_equal(trial_case(t, &b.id, 0).answer_end, batch.beacon_height + 2 * (C + R) + E);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN);
    trial_close(t);
}

// Leaving bond counts for nothing and is slashed all the same.
static void bond_that_leaves_is_still_slashed(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = everyone;
    everyone_says = ASSAY_VERDICT_OUTPUT;
    trial_submit(t, &b, 8);
    uint64_t fees = b.tx.body.submit_batch.fee_total;
    assay_tx tx = chain_tx(&t->chain, PROVIDER, ASSAY_TX_UNBOND);
    tx.body.unbond = (assay_tx_unbond){ASSAY_ROLE_PROVIDER, 100 * CHAIN_OPEN};
    chain_run(&t->chain, &tx, NONE);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_PROVIDER, PROVIDER), 0);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.slashed, 10 * fees);
    assay_view view = chain_view(&t->chain);
    assay_bond bond;
    must(assay_bond_get(&bond, &view.reader, ASSAY_ROLE_PROVIDER, &t->chain.actors[PROVIDER], err));
    assert_int_equal(bond.unbonding_count, 1);
    assert_int_equal(bond.unbonding[0].amount, 100 * CHAIN_OPEN - 10 * fees);
    assay_view_close(&view);
    trial_close(t);
}

// ---- answers ----

static ballot first_cannot_fetch(trial *t, uint32_t actor, const assay_duty *duty) {
    bool first = duty->sample == 0 && duty->round == 0 && trial_place(t, actor, duty, 0) == 0;
    return (ballot){.verdict = first ? everyone_says : 0};
}

// Posts what is asked, in two parts, as soon as the provider's duties say so.
static uint64_t answer(trial *t, const bundle *b, assay_duty_kind kind) {
    assay_duty duties[TRIAL_DUTIES];
    uint8_t data[8192];
    while (trial_duties(t, PROVIDER, duties) == 0)
        trial_step(t);
    assert_int_equal(duties[0].kind, kind);
    assert_int_equal(duties[0].sample, 0);
    size_t size = kind == ASSAY_DUTY_ANSWER_LEAF
                      ? trial_leaf_evidence(b, duties[0].position, data, sizeof data)
                      : trial_table_evidence(b, data, sizeof data);
    assay_tx tx = trial_post_tx(t, &b->id, 0, 0, 2, data, 100);
    chain_add(&t->chain, &tx);
    tx = trial_post_tx(t, &b->id, 0, 1, 2, data + 100, size - 100);
    chain_add(&t->chain, &tx);
    trial_step(t);
    assert_int_equal(trial_duties(t, PROVIDER, duties), 0);
    return 2 * t->chain.genesis.params.tx_fee_base + size * t->chain.genesis.params.tx_fee_byte;
}

static void answered(uint8_t verdict, assay_duty_kind kind) {
    trial *t = trial_begin();
    bundle b;
    t->votes = first_cannot_fetch;
    everyone_says = verdict;
    trial_submit(t, &b, 8);
    uint64_t cost = answer(t, &b, kind);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.state, ASSAY_BATCH_SETTLED);
    assert_int_equal(batch.ended, batch.beacon_height + 2 * (C + R) + E);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    uint32_t accuser = drawn(t, &b.id, 0, 0);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_VERIFICATION, accuser),
                     TRIAL_BOND * CHAIN_OPEN - cost);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - cost);
    trial_close(t);
}

static void a_leaf_that_is_posted_was_neither_there_nor_not(void **state) {
    answered(ASSAY_VERDICT_UNAVAILABLE, ASSAY_DUTY_ANSWER_LEAF);
}

static void a_table_that_is_posted_was_neither_there_nor_not(void **state) {
    answered(ASSAY_VERDICT_TABLE_UNAVAILABLE, ASSAY_DUTY_ANSWER_TABLE);
}

static ballot stubborn(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0) return (ballot){0};
    if (duty->round == 0) return (ballot){.verdict = ASSAY_VERDICT_UNAVAILABLE};
    bool first = trial_place(t, actor, duty, 1) == 0;
    if (first) stubborn_actor = actor;
    return (ballot){.verdict = first ? ASSAY_VERDICT_UNAVAILABLE : 0};
}

// In a round that began after the answer, "unavailable" is no vote.
static void unavailable_after_the_answer_is_no_vote(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = stubborn;
    trial_submit(t, &b, 8);
    uint64_t cost = answer(t, &b, ASSAY_DUTY_ANSWER_LEAF);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    bool drawn_twice =
        stubborn_actor == drawn(t, &b.id, 0, 0) || stubborn_actor == drawn(t, &b.id, 0, 1);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_VERIFICATION, stubborn_actor),
                     TRIAL_BOND * CHAIN_OPEN - ABSENT - (drawn_twice ? cost : 0));
    trial_close(t);
}

static ballot one_still_cannot_fetch(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0)
        return (ballot){.no_reveal = duty->sample == 1 && trial_place(t, actor, duty, 0) == 0};
    bool first = duty->round > 0 && trial_place(t, actor, duty, 1) == 0;
    if (first) stubborn_actor = actor;
    return (ballot){.no_commit = duty->round == 0,
                    .verdict = first ? ASSAY_VERDICT_UNAVAILABLE : 0};
}

// Gives the validators consensus keys of a kind, so that what they miss is counted (P-95).
static void keys_by_hand(trial *t) {
    assay_ledger ledger = chain_by_hand(&t->chain);
    for (uint32_t i = VALIDATOR; i < VALIDATOR + VALIDATOR_COUNT; i++) {
        uint8_t record[ASSAY_ED25519_KEY_SIZE + 1] = {(uint8_t)i};
        assay_record_key key =
            assay_record_key_of_address(ASSAY_TABLE_VALIDATOR, &t->chain.actors[i]);
        must(assay_ledger_put(&ledger, &key, record, sizeof record, err));
    }
    chain_by_hand_end(&t->chain, &ledger);
}

static uint64_t votes_missed(const trial *t) {
    assay_view view = chain_view(&t->chain);
    uint64_t sum = 0;
    for (uint32_t i = VALIDATOR; i < VALIDATOR + VALIDATOR_COUNT; i++) {
        assay_chain links;
        must(assay_chain_get(&links, &view.reader, &t->chain.actors[i], err));
        sum += links.vote_misses;
    }
    assay_view_close(&view);
    return sum;
}

// P-60, P-61: nor is it one in a redraw, where it is no accusation either. P-95: it is a vote that
// was missed, like those without a commit, but unlike the commit in sample 1 without its reveal.
static void unavailable_in_a_redraw_after_the_answer_is_no_vote(void **state) {
    trial *t = trial_new();
    t->chain.genesis.params.epoch_blocks = 1000;
    trial_start(t);
    bundle b;
    uint8_t data[8192];
    keys_by_hand(t);
    t->votes = one_still_cannot_fetch;
    trial_submit(t, &b, 8);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    size_t size = trial_leaf_evidence(&b, trial_case(t, &b.id, 0).position, data, sizeof data);
    assay_tx tx = trial_post_tx(t, &b.id, 0, 0, 1, data, size);
    chain_add(&t->chain, &tx);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    assert_int_equal(trial_case(t, &b.id, 0).kind, ASSAY_ROUND_REDRAW);
    assert_int_equal(trial_bonds(t),
                     VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - 3 * ABSENT - WRONG);
    assert_int_equal(votes_missed(t), 3);
    trial_close(t);
}

// ---- no decision ----

static ballot torn(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0) return (ballot){0};
    return (ballot){.verdict = actor % 2 ? ASSAY_VERDICT_OUTPUT : ASSAY_VERDICT_MATCH};
}

// Two against two, three times: void, and no one is slashed.
static void three_rounds_without_decision_void_without_slash(void **state) {
    trial *t = trial_new();
    t->chain.genesis.params.samples = 1;
    trial_start(t);
    bundle b;
    t->votes = torn;
    uint64_t balance = trial_session(t, &t->session).free;
    // With one sample, draws of two equal minds would end at once: take a batch they disagree on.
    assay_batch batch;
    do {
        trial_submit(t, &b, 8);
        trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
        uint32_t first = drawn(t, &b.id, 0, 0), second = drawn(t, &b.id, 0, 1);
        bool differ = first % 2 != second % 2;
        batch = trial_run_out(t, &b.id);
        if (differ) break;
        balance = trial_session(t, &t->session).free;
    } while (true);
    assert_int_equal(batch.state, ASSAY_BATCH_VOID);
    assert_int_equal(batch.reason, ASSAY_VOID_UNDECIDED);
    assert_int_equal(batch.slashed, 0);
    assert_int_equal(batch.ended, batch.beacon_height + 4 * (C + R));
    trial_expect(t, &b.id, 0, ASSAY_CASE_UNDECIDED, 0, 3);
    assert_int_equal(trial_session(t, &t->session).free, balance);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_PROVIDER, PROVIDER), 100 * CHAIN_OPEN);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN);
    trial_close(t);
}

static ballot gone_in_the_last_round(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0) return (ballot){0};
    uint8_t said = duty->round < 4 ? ASSAY_VERDICT_OUTPUT : ASSAY_VERDICT_UNAVAILABLE;
    return (ballot){.no_commit = duty->round < 2, .verdict = actor % 2 ? said : 0};
}

// P-59: what is said to be unavailable in the last round only is not asked for: no round is left.
static void the_last_round_is_the_last(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = gone_in_the_last_round;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.reason, ASSAY_VOID_UNDECIDED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_UNDECIDED, 0, 4);
    assert_int_equal(trial_case(t, &b.id, 0).answer_end, 0);
    assert_int_equal(batch.ended, batch.beacon_height + 5 * (C + R));
    trial_close(t);
}

static ballot guilty_and_torn(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample == 0) return (ballot){.verdict = ASSAY_VERDICT_OUTPUT};
    return duty->sample == 1 && duty->round < 2 ? (ballot){.no_commit = true}
           : duty->sample == 1 && actor % 2     ? (ballot){.verdict = ASSAY_VERDICT_TRACE}
                                                : (ballot){0};
}

// P-62: a guilty case makes it fraud, whatever the others end as.
static void fraud_comes_before_what_is_undecided(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = guilty_and_torn;
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.caught, 1);
    assert_int_equal(batch.undecided, 1);
    assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
    assert_int_equal(batch.slashed, 10 * batch.fee_total);
    trial_close(t);
}

// A silent draw, a redraw and an escalation that ask for leaf and table, each with its window, then
// two torn rounds: still within W (P-23). It ends withheld: nobody answered (P-59).
static ballot slowest(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0) return (ballot){0};
    if (duty->round < 1) return (ballot){.no_commit = true};
    if (duty->round == 1) return (ballot){.verdict = ASSAY_VERDICT_UNAVAILABLE};
    uint8_t other = duty->round == 2 ? ASSAY_VERDICT_TABLE_UNAVAILABLE : ASSAY_VERDICT_OUTPUT;
    return (ballot){.verdict = actor % 2 ? other : ASSAY_VERDICT_MATCH};
}

static void the_longest_path_fits_the_window(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->votes = slowest;
    trial_submit(t, &b, 8);
    uint64_t height = t->chain.height;
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
    trial_expect(t, &b.id, 0, ASSAY_CASE_WITHHELD, ASSAY_VERDICT_UNAVAILABLE, 4);
    assert_int_equal(batch.ended, batch.beacon_height + 5 * (C + R) + 2 * E);
    assert_true(batch.ended - height <= assay_params_window(&t->chain.genesis.params));
    trial_close(t);
}

static void a_batch_without_a_beacon_is_void(void **state) {
    trial *t = trial_begin();
    bundle b;
    t->chain.silent = true;
    trial_submit(t, &b, 8);
    uint64_t height = t->chain.height;
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.state, ASSAY_BATCH_VOID);
    assert_int_equal(batch.reason, ASSAY_VOID_NO_BEACON);
    assert_int_equal(batch.ended, height + 2 * DELAY + 1); // one proposer
    assert_int_equal(batch.refunded, b.tx.body.submit_batch.fee_total);
    assert_int_equal(trial_session(t, &t->session).reserved, 0);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_validators_settle_a_batch),
        cmocka_unit_test(a_missing_reveal_costs_and_does_not_delay),
        cmocka_unit_test(no_vote_costs_less),
        cmocka_unit_test(silence_is_redrawn),
        cmocka_unit_test(silence_twice_escalates),
        cmocka_unit_test(a_copier_is_overruled_and_pays_the_reruns),
        cmocka_unit_test(an_overruled_accuser_pays_the_reruns),
        cmocka_unit_test(right_checkers_share_the_pool),
        cmocka_unit_test(escalations_before_the_last_earn_nothing),
        cmocka_unit_test(accusations_are_bounded),
        cmocka_unit_test(a_struck_accusation_earns_nothing),
        cmocka_unit_test(small_accusations_hide_no_large_one),
        cmocka_unit_test(refusals_silence_nobody),
        cmocka_unit_test(every_kind_of_fraud_voids_the_batch),
        cmocka_unit_test(selective_serving_does_not_escape),
        cmocka_unit_test(unavailable_decides_only_after_the_answer_window),
        cmocka_unit_test(bond_that_leaves_is_still_slashed),
        cmocka_unit_test(a_leaf_that_is_posted_was_neither_there_nor_not),
        cmocka_unit_test(a_table_that_is_posted_was_neither_there_nor_not),
        cmocka_unit_test(unavailable_after_the_answer_is_no_vote),
        cmocka_unit_test(unavailable_in_a_redraw_after_the_answer_is_no_vote),
        cmocka_unit_test(three_rounds_without_decision_void_without_slash),
        cmocka_unit_test(the_last_round_is_the_last),
        cmocka_unit_test(fraud_comes_before_what_is_undecided),
        cmocka_unit_test(the_longest_path_fits_the_window),
        cmocka_unit_test(a_batch_without_a_beacon_is_void),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
