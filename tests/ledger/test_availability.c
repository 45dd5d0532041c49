// SPDX-License-Identifier: Apache-2.0
// A provider decides whom it serves, and when: what that costs it, and that it costs no honest
// validator anything (P-59, P-60, P-61).
#include "ledger/tally.h"
#include "tests/ledger/trial.h"

static const uint64_t PRICE = 100000 + 4 * 10000; // of a check: 3 MiB model, 1 MiB adapter
static const uint64_t WRONG = 2 * CHAIN_OPEN, ABSENT = CHAIN_OPEN / 2;
enum {
    BAD = ASSAY_VERDICT_OUTPUT,
    LEAF = ASSAY_VERDICT_UNAVAILABLE,
    TABLE = ASSAY_VERDICT_TABLE_UNAVAILABLE,
    LAZY = 0x80, // "match" without having run anything
    AWAY = 0x81, // no vote
    ROUNDS = 4,
};

// Verdicts about sample 0: of the draw by place, of the escalations by validator.
static uint8_t script[ROUNDS][VALIDATOR_COUNT];

static ballot scripted(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0) return (ballot){0};
    int place = duty->round == 0 ? trial_place(t, actor, duty, 0) : (int)(actor - VALIDATOR);
    uint8_t said = script[duty->round][place];
    if (said == AWAY) return (ballot){.no_commit = true};
    if (said == LAZY) return (ballot){.wrong_probe = true};
    return (ballot){.verdict = said};
}

static trial *scripted_begun(const uint8_t rounds[ROUNDS][VALIDATOR_COUNT]) {
    trial *t = trial_new();
    memcpy(script, rounds, sizeof script);
    t->votes = scripted;
    trial_start(t);
    return t;
}

// ---- who was served what ----

typedef struct {
    const char *name;
    uint8_t rounds[ROUNDS][VALIDATOR_COUNT];
    assay_case_state state;
    uint8_t verdict;
    uint8_t last;
    uint64_t loss; // of all verification bond
} path;

static void paths_run(const path *paths, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const path *p = &paths[i];
        trial *t = scripted_begun(p->rounds);
        bundle b;
        trial_submit(t, &b, 8);
        assay_batch batch = trial_run_out(t, &b.id);
        uint64_t loss = VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - trial_bonds(t);
        if (loss != p->loss) fail_msg("%s: %llu lost", p->name, (ull)loss);
        trial_expect(t, &b.id, 0, p->state, p->verdict, p->last);
        bool guilty = assay_verdict_is_guilty(p->verdict);
        assert_int_equal(batch.state, guilty ? ASSAY_BATCH_VOID : ASSAY_BATCH_SETTLED);
        assert_int_equal(batch.slashed, guilty ? 10 * batch.fee_total : 0);
        trial_close(t);
    }
}

// Whoever read the bytes, true or false ones, before they were gone or while others were refused,
// was honest: when the case ends with "unavailable", the provider alone pays.
static void unavailable_bytes_make_no_reader_wrong(void **state) {
    static const path paths[] = {
        {"gone after the draw",
         {{BAD, BAD}, {TABLE, TABLE, TABLE, TABLE}, {TABLE, TABLE, TABLE, TABLE}},
         ASSAY_CASE_RIGHT,
         TABLE,
         2,
         0},
        {"one still has the false bytes",
         {{BAD, BAD}, {TABLE, TABLE, TABLE, TABLE}, {TABLE, TABLE, TABLE, BAD}},
         ASSAY_CASE_RIGHT,
         TABLE,
         2,
         0},
        {"one has true bytes",
         {{0, TABLE}, {TABLE, TABLE, TABLE, 0}},
         ASSAY_CASE_RIGHT,
         TABLE,
         1,
         0},
        {"the leaf is gone, one has it",
         {{BAD, BAD}, {LEAF, LEAF, LEAF, LEAF}, {LEAF, LEAF, 0, LEAF}},
         ASSAY_CASE_RIGHT,
         LEAF,
         2,
         0},
        {"one has the table",
         {{TABLE, TABLE}, {TABLE, LEAF, TABLE, TABLE}},
         ASSAY_CASE_RIGHT,
         TABLE,
         1,
         0},
        {"guilty of withholding this or that",
         {{TABLE, TABLE}, {TABLE, TABLE, LEAF, 0}, {TABLE, TABLE, LEAF, 0}},
         ASSAY_CASE_GUILTY,
         TABLE,
         2,
         0},
        {"guilty, and one who could lie finds it false",
         {{TABLE, TABLE}, {TABLE, TABLE, BAD, 0}},
         ASSAY_CASE_GUILTY,
         TABLE,
         1,
         0},
    };
    paths_run(paths, sizeof paths / sizeof *paths);
}

// Whoever was refused bytes that others had was honest as well, unless the provider answers in its
// window.
static void who_was_refused_is_not_wrong(void **state) {
    static const path paths[] = {
        {"one in the draw",
         {{TABLE, 0}, {0, 0, 0, 0}},
         ASSAY_CASE_RIGHT,
         ASSAY_VERDICT_MATCH,
         1,
         0},
        {"one in draw and escalation",
         {{TABLE, TABLE}, {0, TABLE, 0, 0}},
         ASSAY_CASE_RIGHT,
         ASSAY_VERDICT_MATCH,
         1,
         0},
        {"one of a leaf that is false",
         {{BAD, BAD}, {BAD, BAD, BAD, LEAF}},
         ASSAY_CASE_RIGHT,
         BAD,
         1,
         0},
    };
    paths_run(paths, sizeof paths / sizeof *paths);
}

// P-59: showing bytes to some and not to others, so that nobody decides, costs the provider what a
// fraud costs, if it did not post what it was asked for; nobody else anything.
static void who_is_asked_in_vain_is_guilty(void **state) {
    static const path paths[] = {
        {"the table for half of them",
         {{0, TABLE}, {TABLE, TABLE, 0, 0}, {TABLE, TABLE, 0, 0}, {0, 0, TABLE, TABLE}},
         ASSAY_CASE_WITHHELD,
         TABLE,
         3,
         0},
        {"the leaf, and friends call it false",
         {{0, LEAF}, {BAD, BAD, 0, 0}, {LEAF, BAD, 0, 0}, {BAD, BAD, 0, 0}},
         ASSAY_CASE_WITHHELD,
         LEAF,
         3,
         0},
    };
    paths_run(paths, sizeof paths / sizeof *paths);
}

// P-61: it pays for the round that its answer would have spared the others.
static void who_is_asked_in_vain_pays_the_reruns(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {{0, LEAF}, {0, 0, 0, 0}};
    trial *t = scripted_begun(rounds);
    assay_vote votes[ASSAY_VOTERS_MAX];
    bundle b;
    trial_submit(t, &b, 8);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_PROVIDER, PROVIDER),
                     100 * CHAIN_OPEN - VALIDATOR_COUNT * PRICE);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN);
    trial_votes(t, &b.id, 0, 1, votes);
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++)
        assert_int_equal(votes[i].paid, PRICE);
    trial_close(t);
}

// Bytes that were read by enough of them leave no excuse, whatever others could not have.
static void who_misreads_bytes_is_wrong(void **state) {
    const path paths[] = {
        {"half find them false",
         {{TABLE, TABLE}, {BAD, BAD, TABLE, 0}},
         ASSAY_CASE_GUILTY,
         BAD,
         1,
         WRONG},
        {"false bytes", {{BAD, BAD}, {BAD, BAD, BAD, 0}}, ASSAY_CASE_RIGHT, BAD, 1, WRONG},
        {"false bytes unread in the draw", // a provider found guilty pays the reruns itself
         {{0, BAD}, {BAD, BAD, BAD, BAD}},
         ASSAY_CASE_RIGHT,
         BAD,
         1,
         WRONG},
        {"nothing run in the draw",
         {{0, LAZY}, {0, 0, 0, 0}},
         ASSAY_CASE_RIGHT,
         ASSAY_VERDICT_MATCH,
         1,
         WRONG + VALIDATOR_COUNT * PRICE},
    };
    paths_run(paths, sizeof paths / sizeof *paths);
}

// ---- who pays the reruns ----

// Two drawn validators are wrong about an innocent provider. `loss`: of their bonds, in the order
// of the draw, beside WRONG if `first_has` is all of the first's; `each`: what a right rerun earns.
typedef struct {
    uint64_t price_base;
    uint32_t right; // of the four in the escalation; one who was not drawn stays away
    uint64_t first_has;
    uint64_t loss[2];
    uint64_t each;
} overruled;

// What a validator has left of its bond is slashed to `left`, by whatever.
static void bond_cut(trial *t, uint32_t actor, uint64_t left) {
    assay_ledger ledger = chain_by_hand(&t->chain);
    must(assay_bond_slash(&ledger, ASSAY_ROLE_VERIFICATION, &t->chain.actors[actor],
                          TRIAL_BOND * CHAIN_OPEN - left, assay_purse_burned(), NULL, err));
    chain_by_hand_end(&t->chain, &ledger);
}

static void overruled_run(const overruled *o) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {{BAD, BAD}, {0, 0, 0, 0}};
    const uint64_t bond = TRIAL_BOND * CHAIN_OPEN;
    trial *t = trial_new();
    assay_vote votes[ASSAY_VOTERS_MAX];
    bundle b;
    uint32_t drawn[2], away = VALIDATOR;
    memcpy(script, rounds, sizeof script);
    t->votes = scripted;
    t->chain.genesis.params.check_price_base = o->price_base;
    trial_start(t);
    trial_submit(t, &b, 8);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    assert_int_equal(trial_votes(t, &b.id, 0, 0, votes), 2);
    for (int i = 0; i < 2; i++)
        drawn[i] = trial_actor(t, &votes[i].validator);
    while (away == drawn[0] || away == drawn[1])
        away++;
    if (o->right < VALIDATOR_COUNT) script[1][away - VALIDATOR] = AWAY;
    while (trial_case(t, &b.id, 0).round == 0)
        trial_step(t);
    if (o->first_has < bond) bond_cut(t, drawn[0], o->first_has);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    for (uint32_t actor = VALIDATOR; actor < VALIDATOR + VALIDATOR_COUNT; actor++) {
        uint64_t has = bond;
        if (actor == drawn[0]) has = o->first_has - o->loss[0] - (o->first_has < bond ? 0 : WRONG);
        if (actor == drawn[1]) has -= o->loss[1] + WRONG;
        if (actor == away && o->right < VALIDATOR_COUNT) has -= ABSENT;
        assert_int_equal(trial_bond_of(t, ASSAY_ROLE_VERIFICATION, actor), has);
    }
    uint32_t count = trial_votes(t, &b.id, 0, 1, votes), paid = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (votes[i].revealed) assert_int_equal(votes[i].paid, o->each);
        paid += votes[i].revealed;
    }
    assert_int_equal(paid, o->right);
    trial_close(t);
}

// P-61: in equal parts, the odd unit from the first; what one's bond lacks the other does not pay,
// so the right get less.
static void the_wrong_pay_the_reruns_in_equal_parts(void **state) {
    static const overruled all[] = {
        {100000, 4, TRIAL_BOND * CHAIN_OPEN, {280000, 280000}, 140000},
        {100001, 3, TRIAL_BOND * CHAIN_OPEN, {210002, 210001}, 140001},
        {100001, 3, 100001, {100001, 210002}, 103334},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        overruled_run(&all[i]);
}

// ---- how many readers prove it ----

// What validators 0 to 3 bond, in OPEN and nano-OPEN beyond.
static void bond_more(trial *t, const uint64_t open[VALIDATOR_COUNT], uint64_t more) {
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++) {
        assay_tx tx = chain_tx(&t->chain, VALIDATOR + i, ASSAY_TX_BOND);
        tx.body.bond =
            (assay_tx_bond){ASSAY_ROLE_VERIFICATION, (open[i] - TRIAL_BOND) * CHAIN_OPEN};
        if (i == 0) tx.body.bond.amount += more;
        if (tx.body.bond.amount > 0) chain_add(&t->chain, &tx);
    }
    chain_block(&t->chain);
    trial_all_accepted(t);
}

// A third of the bond may lie; with one nano-OPEN more an honest validator is among them.
static void more_than_a_third_prove_it(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {{TABLE, TABLE}, {BAD, TABLE, TABLE, 0}};
    static const uint64_t bonds[VALIDATOR_COUNT] = {40, 30, 30, 20};
    for (uint64_t more = 0; more < 2; more++) {
        trial *t = scripted_begun(rounds);
        bundle b;
        bond_more(t, bonds, more);
        trial_submit(t, &b, 8);
        assert_int_equal(trial_run_out(t, &b.id).reason, ASSAY_VOID_FRAUD);
        trial_expect(t, &b.id, 0, ASSAY_CASE_GUILTY, TABLE, 1);
        assert_int_equal(trial_bonds(t), 120 * CHAIN_OPEN + more - more * WRONG);
        trial_close(t);
    }
}

// One with a third of the bond outvotes the only other that votes: it decides, and proves nothing.
static void bond_that_stays_away_proves_nothing(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {{BAD, BAD}, {BAD, 0, AWAY, AWAY}};
    static const uint64_t bonds[VALIDATOR_COUNT] = {80, 20, 70, 70};
    trial *t = scripted_begun(rounds);
    bundle b;
    bond_more(t, bonds, 0);
    trial_submit(t, &b, 8);
    trial_run_out(t, &b.id);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, BAD, 1);
    assert_int_equal(trial_bonds(t), 240 * CHAIN_OPEN - 2 * ABSENT);
    trial_close(t);
}

// ---- answers in time and too late ----

// Submits a batch whose first answer window opens.
static void window_open(trial *t, bundle *b) {
    trial_submit(t, b, 8);
    trial_until(t, &b->id, ASSAY_BATCH_CHECKING);
    while (trial_case(t, &b->id, 0).state != ASSAY_CASE_ANSWERING)
        trial_step(t);
}

// Posts all of one kind in block `height`.
static void post_at(trial *t, const bundle *b, uint64_t height, assay_evidence_kind kind) {
    uint8_t data[8192];
    while (t->chain.height + 1 < height)
        trial_step(t);
    assert_int_equal(t->chain.height + 1, height);
    size_t size = kind == ASSAY_EVIDENCE_LEAF
                      ? trial_leaf_evidence(b, trial_case(t, &b->id, 0).position, data, sizeof data)
                      : trial_table_evidence(b, data, sizeof data);
    assay_tx tx = trial_post_tx(t, &b->id, 0, 0, 1, data, size);
    chain_add(&t->chain, &tx);
    trial_step(t);
}

// Posts all of one kind in the second block of a round's reveals.
static void post_among_reveals(trial *t, const bundle *b, uint8_t round, assay_evidence_kind kind) {
    while (trial_case(t, &b->id, 0).round < round && trial_case(t, &b->id, 0).ended == 0)
        trial_step(t);
    assay_case record = trial_case(t, &b->id, 0);
    assert_int_equal(record.ended, 0);
    assert_int_equal(record.round, round);
    post_at(t, b, record.commit_end + 2, kind);
}

// A false leaf, shown in the draw and then withheld: among the reveals of two escalations the
// provider answers the votes of everyone but its friend, who says "match" and is not left to
// decide.
static void a_friend_does_not_decide_alone(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {
        {BAD, BAD},
        {0, TABLE, TABLE, TABLE},
        {0, LEAF, LEAF, LEAF},
        {0, BAD, BAD, BAD},
    };
    trial *t = scripted_begun(rounds);
    bundle b;
    trial_submit(t, &b, 8);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    post_among_reveals(t, &b, 1, ASSAY_EVIDENCE_TABLE);
    post_among_reveals(t, &b, 2, ASSAY_EVIDENCE_LEAF);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
    assert_int_equal(batch.slashed, 10 * batch.fee_total);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, BAD, 3);
    assert_int_equal(trial_case(t, &b.id, 0).answer_end, 0);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - WRONG);
    trial_close(t);
}

// A false leaf, shown in the draw, so that the escalation begins without an answer window; then
// nothing, not in the window that follows either, but the table among the reveals of the next
// round, when everyone has committed to not having it. It comes too late to undo that round.
static void fraud_does_not_escape_by_late_answers(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {
        {BAD, BAD},
        {TABLE, TABLE, TABLE, TABLE},
        {TABLE, TABLE, TABLE, TABLE},
    };
    trial *t = scripted_begun(rounds);
    bundle b;
    uint64_t bond = trial_bond_of(t, ASSAY_ROLE_PROVIDER, PROVIDER);
    trial_submit(t, &b, 8);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    post_among_reveals(t, &b, 2, ASSAY_EVIDENCE_TABLE);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, TABLE, 2);
    assert_true(trial_case(t, &b.id, 0).table_answered > trial_case(t, &b.id, 0).answer_end);
    assert_int_equal(batch.slashed, 10 * batch.fee_total);
    assert_int_equal(trial_bond_of(t, ASSAY_ROLE_PROVIDER, PROVIDER), bond - batch.slashed);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN);
    trial_close(t);
}

// The same with the table in its window: the leaf has one of its own, and no third.
static void table_and_leaf_have_a_window_each(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {{BAD, BAD},
                                                            {TABLE, TABLE, TABLE, TABLE},
                                                            {LEAF, LEAF, LEAF, LEAF},
                                                            {LEAF, LEAF, LEAF, LEAF}};
    trial *t = scripted_begun(rounds);
    bundle b;
    window_open(t, &b);
    uint64_t first = trial_case(t, &b.id, 0).answer_end;
    post_at(t, &b, t->chain.height + 1, ASSAY_EVIDENCE_TABLE);
    post_among_reveals(t, &b, 3, ASSAY_EVIDENCE_LEAF);
    assay_batch batch = trial_run_out(t, &b.id);
    assert_int_equal(batch.reason, ASSAY_VOID_FRAUD);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, LEAF, 3);
    assert_true(trial_case(t, &b.id, 0).answer_end > first);
    assert_int_equal(batch.slashed, 10 * batch.fee_total);
    trial_close(t);
}

// A posting in the last block of the window saves the provider; one block later it does not.
static void the_last_block_of_the_window_is_in_time(void **state) {
    static const uint8_t rounds[2][ROUNDS][VALIDATOR_COUNT] = {
        {{TABLE, TABLE}, {0, 0, 0, 0}},
        {{TABLE, TABLE}, {TABLE, TABLE, TABLE, TABLE}},
    };
    for (uint32_t late = 0; late < 2; late++) {
        trial *t = scripted_begun(rounds[late]);
        bundle b;
        window_open(t, &b);
        uint64_t end = trial_case(t, &b.id, 0).answer_end;
        assay_duty duties[TRIAL_DUTIES];
        while (t->chain.height + 1 < end + late)
            trial_step(t);
        assert_int_equal(trial_duties(t, PROVIDER, duties), !late);
        post_at(t, &b, end + late, ASSAY_EVIDENCE_TABLE);
        assay_batch batch = trial_run_out(t, &b.id);
        assay_case record = trial_case(t, &b.id, 0);
        assert_int_equal(record.table_answered, end + late);
        assert_int_equal(batch.state, late ? ASSAY_BATCH_VOID : ASSAY_BATCH_SETTLED);
        trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, late ? TABLE : 0, 1);
        assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN -
                                             (late ? 0 : 2 * record.table_cost));
        trial_close(t);
    }
}

// ---- who was refused is replaced ----

// P-58, P-61: all that was said otherwise is answered, and others are drawn. What the escrow holds
// is shared by those who were right in both.
static void a_redraw_follows_the_answer(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {{0, LEAF}, {0, 0, 0, 0}};
    trial *t = scripted_begun(rounds);
    assay_vote votes[ASSAY_VOTERS_MAX];
    bundle b;
    window_open(t, &b);
    post_at(t, &b, t->chain.height + 1, ASSAY_EVIDENCE_LEAF);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 1);
    assert_int_equal(trial_case(t, &b.id, 0).escalations, 0);
    uint32_t right = 0;
    for (uint8_t round = 0; round < 2; round++) {
        uint32_t count = trial_votes(t, &b.id, 0, round, votes);
        assert_int_equal(count, 2);
        for (uint32_t i = 0; i < count; i++) {
            bool refused = votes[i].verdict == LEAF;
            assert_int_equal(votes[i].paid, refused ? 0 : 2 * PRICE / 3);
            right += !refused;
        }
    }
    assert_int_equal(right, 3);
    assert_int_equal(trial_bonds(t),
                     VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - trial_case(t, &b.id, 0).leaf_cost);
    trial_close(t);
}

// A first draw that says something else, or a redraw that does, is for all to decide.
static void a_redraw_that_disagrees_escalates(void **state) {
    static const uint8_t rounds[2][ROUNDS][VALIDATOR_COUNT] = {
        {{LAZY, LEAF}, {0, 0, 0, 0}, {0, 0, 0, 0}},
        {{0, LEAF}, {BAD, BAD, BAD, BAD}, {0, 0, 0, 0}},
    };
    for (int i = 0; i < 2; i++) {
        trial *t = scripted_begun(rounds[i]);
        bundle b;
        window_open(t, &b);
        post_at(t, &b, t->chain.height + 1, ASSAY_EVIDENCE_LEAF);
        assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
        trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 2);
        assert_int_equal(trial_case(t, &b.id, 0).escalations, 1);
        trial_close(t);
    }
}

// In time, it is safe from everyone: who insists in the rounds that follow has no vote.
static void an_answer_in_time_is_safe(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {
        {TABLE, TABLE}, {TABLE, TABLE, TABLE, TABLE}, {TABLE, TABLE, TABLE, 0}};
    trial *t = scripted_begun(rounds);
    bundle b;
    window_open(t, &b);
    post_at(t, &b, trial_case(t, &b.id, 0).answer_end, ASSAY_EVIDENCE_TABLE);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 2);
    uint64_t cost = trial_case(t, &b.id, 0).table_cost;
    assert_int_equal(trial_bonds(t),
                     VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - 2 * cost - 5 * ABSENT);
    trial_close(t);
}

// Too late for the round in which it comes, it binds the next: the bytes are judged, who says they
// are not there has no vote, and who said so before was honest.
static void a_late_answer_binds_later_rounds(void **state) {
    static const uint8_t rounds[ROUNDS][VALIDATOR_COUNT] = {
        {TABLE, TABLE}, {TABLE, TABLE, 0, 0}, {TABLE, 0, 0, 0}};
    trial *t = scripted_begun(rounds);
    bundle b;
    trial_submit(t, &b, 8);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    post_among_reveals(t, &b, 1, ASSAY_EVIDENCE_TABLE);
    assert_int_equal(trial_run_out(t, &b.id).state, ASSAY_BATCH_SETTLED);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_MATCH, 2);
    assert_int_equal(trial_bonds(t), VALIDATOR_COUNT * TRIAL_BOND * CHAIN_OPEN - ABSENT);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unavailable_bytes_make_no_reader_wrong),
        cmocka_unit_test(who_was_refused_is_not_wrong),
        cmocka_unit_test(who_is_asked_in_vain_is_guilty),
        cmocka_unit_test(who_is_asked_in_vain_pays_the_reruns),
        cmocka_unit_test(who_misreads_bytes_is_wrong),
        cmocka_unit_test(the_wrong_pay_the_reruns_in_equal_parts),
        cmocka_unit_test(more_than_a_third_prove_it),
        cmocka_unit_test(bond_that_stays_away_proves_nothing),
        cmocka_unit_test(a_friend_does_not_decide_alone),
        cmocka_unit_test(fraud_does_not_escape_by_late_answers),
        cmocka_unit_test(table_and_leaf_have_a_window_each),
        cmocka_unit_test(the_last_block_of_the_window_is_in_time),
        cmocka_unit_test(a_redraw_follows_the_answer),
        cmocka_unit_test(a_redraw_that_disagrees_escalates),
        cmocka_unit_test(an_answer_in_time_is_safe),
        cmocka_unit_test(a_late_answer_binds_later_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
