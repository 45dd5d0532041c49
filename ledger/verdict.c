// SPDX-License-Identifier: Apache-2.0
// A case's transitions; all happen here, at the end of the block in which a deadline falls.
//
//   VOTING draw ──all reveals (match, same probe)─────────────────────────→ RIGHT match
//       │  │ no reveal, or what        VOTING redraw ──the same, and so ──→ RIGHT match
//       │  │ was unavailable is posted    │          did the first draw
//       │  └───────────────────────────→  │ anything else
//       │ any other reveal                │
//       ▼                                 ▼
//   [ANSWERING, if something is said to be unavailable: E blocks, once for leaf and table each]
//       ▼
//   [WAITING, while escalations of the block have called for enough votes]
//       ▼
//   VOTING escalation 1 … escalation_rounds
//       ├─ a pair with > 2/3 of the bond revealed ────────────────────────→ RIGHT
//       ├─ no such pair, but > 2/3 find it guilty ────────────────────────→ GUILTY
//       └─ last round, neither, or too late to begin one ─────────────────→ UNDECIDED,
//                              or WITHHELD if a window passed without its answer
//
//   I1  a step is taken once: the CASE_DUE entry goes before it
//       test_epoch: the_same_blocks_give_the_same_state
//   I2  ANSWERING comes at most twice a case; no escalation begins, and no answer is waited for, so
//       late that W would be over before the round's end: a case ends within W
//       test_verdict: the_longest_path_fits_the_window; test_escalation:
//       no_escalation_waits_for_ever, no_answer_is_asked_for_in_vain
//   I3  accusations open = Σ over open cases that do not wait of draw votes that accuse
//       test_verdict: an_overruled_accuser_pays_the_reruns, accusations_are_bounded;
//       test_escalation: escalations_wait_their_turn, later_escalations_wait_without_accusations
//   I4  a batch whose last case ends is final or void in the same block
//       test_verdict: every test, by the height at which its batch ends
#include "ledger/verdict.h"

#include <stdlib.h>

#include "ledger/accusations.h"
#include "ledger/beacon.h"
#include "ledger/bond.h"
#include "ledger/case_private.h"
#include "ledger/dataset.h"
#include "ledger/evidence.h"
#include "ledger/money.h"
#include "ledger/payout.h"
#include "ledger/spoils.h"
#include "ledger/tally.h"

// One case in hand.
typedef struct {
    assay_ledger *ledger;
    assay_hash id; // of the batch
    uint32_t sample;
    assay_case record;
    assay_batch batch;
    bool proven; // once ended: P-61, what is not right is wrong
} docket;

// A vote with the round it was cast in.
typedef struct {
    uint8_t round;
    assay_vote vote;
} ballot;

static assay_status batch_load(docket *d, assay_error *err) {
    bool found;
    ASSAY_TRY(assay_batch_get(&d->batch, &found, &d->ledger->reader, &d->id, err));
    ASSAY_ASSERT(found && d->batch.state == ASSAY_BATCH_CHECKING);
    return ASSAY_OK;
}

// Takes up to `amount` of the voter's verification bond and notes it in the vote. P-61
static assay_status slash(docket *d, assay_vote *vote, uint64_t amount, assay_purse to,
                          uint64_t *taken, assay_error *err) {
    uint64_t slashed = 0;
    if (amount > 0)
        ASSAY_TRY(assay_bond_slash(d->ledger, ASSAY_ROLE_VERIFICATION, &vote->validator, amount, to,
                                   &slashed, err));
    vote->slashed += slashed;
    assay_ledger_score(d->ledger, &vote->validator, ASSAY_SCORE_NOPEN, slashed);
    if (taken != NULL) *taken = slashed;
    return ASSAY_OK;
}

// ---- the end of a case ----

static bool is_right(const docket *d, const assay_vote *vote) {
    const assay_case *record = &d->record;
    if (!assay_vote_counts(record, vote)) return false;
    if (record->state == ASSAY_CASE_GUILTY) return assay_verdict_is_guilty(vote->verdict);
    if (record->state == ASSAY_CASE_WITHHELD) return assay_verdict_is_unavailable(vote->verdict);
    return record->state == ASSAY_CASE_RIGHT && vote->verdict == record->verdict &&
           assay_hash_equal(&vote->probe, &record->probe);
}

static bool is_wrong(const docket *d, const assay_vote *vote) {
    return d->proven && assay_vote_counts(&d->record, vote) && !is_right(d, vote) &&
           !assay_verdict_is_unavailable(vote->verdict);
}

// P-61: did right voters with more than a third of the bond called read the bytes? Bond that stays
// away does not lower the bar: it may be the honest part.
static bool is_proven(const docket *d, const ballot *ballots, uint32_t count) {
    assay_u128 called = 0, read = 0;
    for (uint32_t i = 0; i < count; i++) {
        const assay_vote *vote = &ballots[i].vote;
        if (ballots[i].round != d->record.round) continue;
        called += vote->bond;
        if (is_right(d, vote) && !assay_verdict_is_unavailable(vote->verdict)) read += vote->bond;
    }
    return read * 3 > called;
}

// Rounds before this one were draws.
static uint8_t draw_rounds(const docket *d) {
    return (uint8_t)(d->record.round + 1 - d->record.escalations);
}

// Was this validator wrong in an earlier round already? Each pays once a case.
static bool was_wrong(const docket *d, const ballot *ballots, uint32_t index) {
    for (uint32_t i = 0; i < index; i++)
        if (assay_address_equal(&ballots[i].vote.validator, &ballots[index].vote.validator) &&
            is_wrong(d, &ballots[i].vote))
            return true;
    return false;
}

// P-70: what a right vote weighs among those that decided its case: draws go by bond already.
static uint64_t share_of(const docket *d, const ballot *b) {
    if (!is_right(d, &b->vote)) return 0;
    if (d->record.escalations == 0) return 1;
    return b->round == d->record.round ? b->vote.bond : 0;
}

// P-61: right reruns of drawn validators are paid by the provider, whose escrow holds
// validators_per_sample prices; who was right is noted for the settlement or the catch reward.
static assay_status reward(docket *d, ballot *ballots, uint32_t count, assay_error *err) {
    bool guilty = assay_verdict_is_guilty(d->record.verdict);
    uint64_t drawn = 0, held = d->ledger->params->validators_per_sample,
             price = d->batch.check_price;
    assay_u128 whole = 0;
    for (uint32_t i = 0; i < count; i++) {
        drawn += ballots[i].round < draw_rounds(d) && is_right(d, &ballots[i].vote);
        whole += share_of(d, &ballots[i]);
    }
    if (drawn > held) price = (uint64_t)((assay_u128)price * held / drawn);
    for (uint32_t i = 0; i < count; i++) {
        assay_vote *vote = &ballots[i].vote;
        uint64_t share = share_of(d, &ballots[i]);
        if (ballots[i].round < draw_rounds(d) && is_right(d, vote)) {
            ASSAY_TRY(assay_payout_pay(d->ledger, assay_purse_escrow(&d->id), &vote->validator,
                                       ASSAY_PAID_VALIDATOR, ASSAY_PAID_FOR_CHECK, &d->id, NULL,
                                       price, err));
            vote->paid += price;
            if (guilty)
                ASSAY_TRY(assay_spoils_add(d->ledger, ASSAY_TABLE_CATCHER, &d->id, &vote->validator,
                                           1, err));
        }
        if (guilty || share == 0) continue;
        uint64_t weight = (uint64_t)(((assay_u128)share << 32) / whole);
        ASSAY_TRY(assay_spoils_add(d->ledger, ASSAY_TABLE_CHECKER, &d->id, &vote->validator, weight,
                                   err));
    }
    return ASSAY_OK;
}

// Pays `pool` in equal parts to those who were right in the last round; the rest burns.
static assay_status reruns_pay(docket *d, ballot *ballots, uint32_t count, uint64_t pool,
                               uint32_t right_count, assay_error *err) {
    uint64_t each = pool / right_count;
    for (uint32_t i = 0; i < count; i++) {
        assay_vote *vote = &ballots[i].vote;
        if (ballots[i].round != d->record.round || !is_right(d, vote)) continue;
        ASSAY_TRY(assay_payout_pay(d->ledger, assay_purse_pool(), &vote->validator,
                                   ASSAY_PAID_VALIDATOR, ASSAY_PAID_FOR_RERUN, &d->id, NULL, each,
                                   err));
        vote->paid += each;
    }
    return assay_money_move(d->ledger, assay_purse_pool(), assay_purse_burned(),
                            pool - each * right_count, err);
}

// P-61: drawn validators who were wrong about an innocent provider pay the last round's reruns; if
// none was, the provider does that left an answer window without its answer.
static assay_status reruns_charge(docket *d, ballot *ballots, uint32_t count, assay_error *err) {
    uint32_t wrong_count = 0, right_count = 0;
    if (d->record.escalations == 0 || assay_verdict_is_guilty(d->record.verdict)) return ASSAY_OK;
    for (uint32_t i = 0; i < count; i++) {
        wrong_count += ballots[i].round < draw_rounds(d) && is_wrong(d, &ballots[i].vote);
        right_count += ballots[i].round == d->record.round && is_right(d, &ballots[i].vote);
    }
    bool withheld = wrong_count == 0 && assay_case_withheld(&d->record) != ASSAY_VERDICT_MATCH;
    if ((wrong_count == 0 && !withheld) || right_count == 0) return ASSAY_OK;
    assay_u128 cost = (assay_u128)d->batch.check_price * right_count;
    assay_u128 part = withheld ? cost : (cost + wrong_count - 1) / wrong_count;
    uint64_t pool = 0;
    if (withheld)
        ASSAY_TRY(assay_bond_slash(d->ledger, ASSAY_ROLE_PROVIDER, &d->batch.provider,
                                   part > INT64_MAX ? INT64_MAX : (uint64_t)part,
                                   assay_purse_pool(), &pool, err));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t taken;
        if (ballots[i].round >= draw_rounds(d) || !is_wrong(d, &ballots[i].vote)) continue;
        if (part > cost - pool) part = cost - pool;
        ASSAY_TRY(slash(d, &ballots[i].vote, part > INT64_MAX ? INT64_MAX : (uint64_t)part,
                        assay_purse_pool(), &taken, err));
        pool += taken;
    }
    return reruns_pay(d, ballots, count, pool, right_count, err);
}

// P-61: wrong votes, once a validator; and whoever called available bytes unavailable pays their
// posting, as the provider did.
static assay_status punish(docket *d, ballot *ballots, uint32_t count, assay_error *err) {
    const assay_params *params = d->ledger->params;
    assay_purse burned = assay_purse_burned();
    for (uint32_t i = 0; i < count; i++) {
        assay_vote *vote = &ballots[i].vote;
        bool drawn = ballots[i].round < draw_rounds(d);
        if (is_wrong(d, vote) && !was_wrong(d, ballots, i)) {
            assay_ledger_score(d->ledger, &vote->validator, ASSAY_SCORE_WRONG, 1);
            ASSAY_TRY(slash(d, vote, params->wrong_verdict_slash, burned, NULL, err));
        }
        if (!drawn || !vote->revealed || vote->struck) continue;
        if (assay_vote_is_neutral(&d->record, vote))
            ASSAY_TRY(slash(d, vote,
                            vote->verdict == ASSAY_VERDICT_UNAVAILABLE ? d->record.leaf_cost
                                                                       : d->record.table_cost,
                            burned, NULL, err));
        if (assay_vote_accuses(vote))
            ASSAY_TRY(
                assay_accusations_add(d->ledger, &vote->validator, d->batch.fee_total, -1, err));
    }
    return ASSAY_OK;
}

// ---- data missing ----

static assay_record_key missing_key(const assay_hash *dataset) {
    return assay_record_key_of_hash(ASSAY_TABLE_MISSING_SINCE, dataset);
}

assay_status assay_verdict_missing(uint64_t *since, uint64_t *last, const assay_reader *reader,
                                   const assay_hash *dataset, assay_error *err) {
    assay_record_key key = missing_key(dataset);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    if (value.data != NULL && value.size != 16)
        return ASSAY_FAIL(err, CORRUPT, "a missing data set's record is damaged");
    *since = value.data == NULL ? 0 : assay_load_be64(value.data);
    *last = value.data == NULL ? 0 : assay_load_be64(value.data + 8);
    return ASSAY_OK;
}

// P-76: this batch pays the data set nothing; one that stays missing loses its bond. A complaint
// after a silence of data_missing_blocks starts anew.
static assay_status missing_note(docket *d, assay_error *err) {
    assay_ledger *ledger = d->ledger;
    const assay_hash *dataset = &d->record.probe;
    uint64_t since, last, blocks = ledger->params->data_missing_blocks;
    uint8_t value[16];
    assay_record_key key = missing_key(dataset);
    ASSAY_TRY(assay_spoils_missing(ledger, &d->id, dataset, err));
    ASSAY_TRY(assay_verdict_missing(&since, &last, &ledger->reader, dataset, err));
    if (since == 0 || ledger->height - last > blocks) since = ledger->height;
    if (ledger->height - since >= blocks) {
        assay_purse bond = assay_purse_registration(ASSAY_TABLE_DATASET, dataset);
        assay_dataset record;
        bool found;
        ASSAY_TRY(assay_dataset_get(&record, &found, &ledger->reader, dataset, err));
        ASSAY_ASSERT(found); // checked at the reveal; data sets stay
        ASSAY_TRY(assay_money_move(ledger, bond, assay_purse_burned(), record.bond, err));
        return assay_ledger_delete(ledger, &key, err);
    }
    assay_store_be64(value, since);
    assay_store_be64(value + 8, ledger->height);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

// ---- ending ----

// Every vote of the case so far, ordered by (round, address).
static assay_status ballots_load(docket *d, ballot **out, uint32_t *count, assay_error *err) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    size_t capacity = (size_t)(d->record.round + 1) * ASSAY_VOTERS_MAX;
    ballot *ballots = malloc(capacity * sizeof *ballots);
    if (ballots == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for %zu votes", capacity);
    *count = 0;
    for (uint32_t round = 0; round <= d->record.round; round++) {
        uint32_t found;
        assay_status status = assay_case_votes(votes, &found, &d->ledger->reader, &d->id, d->sample,
                                               (uint8_t)round, err);
        if (status != ASSAY_OK) {
            free(ballots);
            return status;
        }
        for (uint32_t i = 0; i < found; i++)
            ballots[(*count)++] = (ballot){(uint8_t)round, votes[i]};
    }
    *out = ballots;
    return ASSAY_OK;
}

static assay_status consequences(docket *d, ballot *ballots, uint32_t count, assay_error *err) {
    d->proven = is_proven(d, ballots, count);
    if (d->record.state != ASSAY_CASE_UNDECIDED) {
        ASSAY_TRY(reward(d, ballots, count, err));
        ASSAY_TRY(reruns_charge(d, ballots, count, err));
        if (d->record.verdict == ASSAY_VERDICT_DATA_MISSING) ASSAY_TRY(missing_note(d, err));
    }
    ASSAY_TRY(punish(d, ballots, count, err));
    for (uint32_t i = 0; i < count; i++)
        ASSAY_TRY(assay_case_vote_put(d->ledger, &d->id, d->sample, ballots[i].round,
                                      &ballots[i].vote, err));
    return ASSAY_OK;
}

// P-62
static assay_status end(docket *d, assay_case_state state, uint8_t verdict, const assay_hash *probe,
                        assay_error *err) {
    ballot *ballots;
    uint32_t count;
    d->record.state = state;
    d->record.verdict = verdict;
    d->record.probe = *probe;
    ASSAY_TRY(ballots_load(d, &ballots, &count, err));
    assay_status status = consequences(d, ballots, count, err);
    free(ballots);
    ASSAY_TRY(status);
    ASSAY_TRY(assay_evidence_drop(d->ledger, &d->id, d->sample, err));
    ASSAY_TRY(assay_case_end(d->ledger, &d->id, d->sample, &d->record, err));
    d->batch.cases_open--;
    if (state == ASSAY_CASE_UNDECIDED) {
        d->batch.undecided++;
    } else if (assay_verdict_is_guilty(verdict)) {
        d->batch.caught++;
        // P-66: then the rows do not tell whose data it was.
        if (verdict == ASSAY_VERDICT_ATTRIBUTION || verdict > ASSAY_VERDICT_MISMATCH_MAX)
            d->batch.table_bad++;
    }
    return assay_batch_resolve(d->ledger, &d->id, &d->batch, err);
}

// P-59: nobody else decides, but whoever was asked for bytes and did not post them has.
static assay_status end_undecided(docket *d, assay_error *err) {
    static const assay_hash none;
    uint8_t withheld = assay_case_withheld(&d->record);
    return end(d, withheld ? ASSAY_CASE_WITHHELD : ASSAY_CASE_UNDECIDED, withheld, &none, err);
}

// ---- rounds ----

static assay_status next_round(docket *d, assay_round_kind kind, assay_error *err) {
    assay_checkers checkers;
    ASSAY_TRY(assay_checkers_get(&checkers, NULL, &d->ledger->reader, &d->id, err));
    if (kind == ASSAY_ROUND_ESCALATION) d->ledger->votes_called += checkers.count;
    return assay_case_round(d->ledger, &d->id, &d->batch, d->sample, &d->record, kind, &checkers,
                            err);
}

// P-59: more votes than a block and its validators' share of it carry could be cast by nobody.
static bool votes_fit(const assay_ledger *ledger) {
    return ledger->votes_called < ledger->params->block_bytes_max / ASSAY_BLOCK_BYTES_VOTE;
}

// P-61: a case that waits keeps nobody from accusing others. I3
static assay_status accusations_move(docket *d, int by, assay_error *err) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    for (uint8_t round = 0; round < draw_rounds(d); round++) {
        uint32_t count;
        ASSAY_TRY(
            assay_case_votes(votes, &count, &d->ledger->reader, &d->id, d->sample, round, err));
        for (uint32_t i = 0; i < count; i++)
            if (assay_vote_accuses(&votes[i]))
                ASSAY_TRY(assay_accusations_add(d->ledger, &votes[i].validator, d->batch.fee_total,
                                                by, err));
    }
    return ASSAY_OK;
}

static assay_status wait_begin(docket *d, assay_error *err) {
    ASSAY_TRY(accusations_move(d, -1, err));
    return assay_case_wait(d->ledger, &d->id, &d->batch, d->sample, &d->record, err);
}

static assay_status wait_end(docket *d, assay_error *err) {
    ASSAY_TRY(accusations_move(d, 1, err));
    return assay_case_wait_end(d->ledger, &d->id, &d->batch, d->sample, err);
}

static assay_status escalate(docket *d, assay_error *err) {
    if (d->ledger->height > assay_case_last_start(d->ledger->params, &d->batch))
        return end_undecided(d, err);
    if (votes_fit(d->ledger)) return next_round(d, ASSAY_ROUND_ESCALATION, err);
    return wait_begin(d, err);
}

// Whether something is said to be unavailable that no answer window has asked for.
static bool is_unasked(const docket *d, bool leaf, bool table) {
    return (leaf && !d->record.leaf_asked) || (table && !d->record.table_asked);
}

// P-60: an answer window, once for each kind, if W leaves a round after it.
static assay_status ask(docket *d, const assay_tally *tally, assay_error *err) {
    uint64_t last = assay_case_last_start(d->ledger->params, &d->batch);
    if (d->ledger->height + d->ledger->params->answer_blocks > last) return end_undecided(d, err);
    d->record.leaf_asked |= tally->leaf_unavailable;
    d->record.table_asked |= tally->table_unavailable;
    d->record.state = ASSAY_CASE_ANSWERING;
    d->record.answer_end = d->ledger->height + d->ledger->params->answer_blocks;
    ASSAY_TRY(assay_case_due_put(d->ledger, d->record.answer_end, &d->id, d->sample, err));
    return assay_case_put(d->ledger, &d->id, d->sample, &d->record, err);
}

// For operators: what became of it.
static void vote_score(docket *d, const assay_vote *vote) {
    assay_scored fate = ASSAY_SCORE_REVEALED;
    if (!vote->revealed) d->ledger->counts.of[ASSAY_COUNTED_VERDICTS_DUE]--;
    if (!vote->committed)
        fate = ASSAY_SCORE_MISSED;
    else if (!vote->revealed)
        fate = ASSAY_SCORE_UNREVEALED;
    else if (vote->struck)
        fate = ASSAY_SCORE_STRUCK;
    assay_ledger_score(d->ledger, &vote->validator, fate, 1);
}

// P-61: what a vote of the round that ends costs by itself. A vote of "unavailable" in a round
// that began after the answer is no vote.
static assay_status absent_punish(docket *d, assay_vote *vote, assay_error *err) {
    const assay_params *params = d->ledger->params;
    const assay_case *record = &d->record;
    if (vote->revealed && assay_vote_is_stale(record, vote)) vote->struck = true;
    uint64_t amount = 0;
    vote_score(d, vote);
    if (!vote->committed || vote->struck) {
        amount = params->no_vote_slash;
        ASSAY_TRY(assay_beacon_vote_missed(d->ledger, &vote->validator, err));
    }
    if (vote->committed && !vote->revealed) amount = params->wrong_verdict_slash;
    return slash(d, vote, amount, assay_purse_burned(), NULL, err);
}

// P-61: an accusation of someone with too many open ones, in batches as large, is struck; the
// others are counted.
static assay_status accusations_strike(docket *d, assay_vote *votes, uint32_t count,
                                       assay_error *err) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t open;
        if (!assay_vote_accuses(&votes[i])) continue;
        ASSAY_TRY(assay_accusations_open(&open, &d->ledger->reader, &votes[i].validator,
                                         d->batch.fee_total, err));
        votes[i].struck = open >= d->ledger->params->open_escalations_max;
        if (!votes[i].struck)
            ASSAY_TRY(
                assay_accusations_add(d->ledger, &votes[i].validator, d->batch.fee_total, 1, err));
    }
    return ASSAY_OK;
}

// Do the first draw's votes say what those of the redraw say, as far as they count?
static assay_status first_agrees(bool *agrees, docket *d, const assay_tally *tally,
                                 assay_error *err) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    uint32_t count;
    assay_tally first;
    ASSAY_TRY(assay_case_votes(votes, &count, &d->ledger->reader, &d->id, d->sample, 0, err));
    assay_tally_votes(&first, &d->record, votes, count);
    *agrees = first.revealed == first.neutral ||
              (first.all_match && assay_hash_equal(&first.probe, &tally->probe));
    return ASSAY_OK;
}

// P-58. Whom the provider refused until it had to post is replaced: nobody has contradicted it.
static assay_status draw_close(docket *d, const assay_tally *tally, assay_error *err) {
    bool first = d->record.kind == ASSAY_ROUND_DRAW;
    bool agreed = tally->all_match && tally->neutral == 0;
    if (agreed && !first) ASSAY_TRY(first_agrees(&agreed, d, tally, err));
    if (agreed) return end(d, ASSAY_CASE_RIGHT, tally->verdict, &tally->probe, err);
    if (first && (tally->all_match || tally->revealed == tally->neutral))
        return next_round(d, ASSAY_ROUND_REDRAW, err);
    bool unasked = is_unasked(d, tally->leaf_unavailable, tally->table_unavailable);
    return unasked ? ask(d, tally, err) : escalate(d, err);
}

// P-59. An "unavailable" decides nothing before the provider had its answer window.
static assay_status escalation_close(docket *d, const assay_tally *tally, assay_error *err) {
    bool last = d->record.escalations >= d->ledger->params->escalation_rounds;
    bool unasked = is_unasked(d, tally->leaf_unavailable, tally->table_unavailable);
    bool decided = assay_tally_is_decided(tally, tally->best);
    if (decided && !is_unasked(d, tally->verdict == ASSAY_VERDICT_UNAVAILABLE,
                               tally->verdict == ASSAY_VERDICT_TABLE_UNAVAILABLE))
        return end(d, ASSAY_CASE_RIGHT, tally->verdict, &tally->probe, err);
    if (!unasked && assay_tally_is_decided(tally, tally->guilty))
        return end(d, ASSAY_CASE_GUILTY, tally->guilty_verdict, &tally->guilty_probe, err);
    if (last) return end_undecided(d, err);
    return unasked ? ask(d, tally, err) : escalate(d, err);
}

static assay_status round_close(docket *d, assay_error *err) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    uint32_t count;
    assay_tally tally;
    bool escalation = d->record.kind == ASSAY_ROUND_ESCALATION;
    ASSAY_TRY(assay_case_votes(votes, &count, &d->ledger->reader, &d->id, d->sample,
                               d->record.round, err));
    for (uint32_t i = 0; i < count; i++)
        ASSAY_TRY(absent_punish(d, &votes[i], err));
    if (!escalation) ASSAY_TRY(accusations_strike(d, votes, count, err));
    for (uint32_t i = 0; i < count; i++)
        ASSAY_TRY(
            assay_case_vote_put(d->ledger, &d->id, d->sample, d->record.round, &votes[i], err));
    assay_tally_votes(&tally, &d->record, votes, count);
    return escalation ? escalation_close(d, &tally, err) : draw_close(d, &tally, err);
}

// A draw's votes once more, now that what was asked for has been posted or not.
static assay_status answers_close(docket *d, assay_error *err) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    uint32_t count;
    assay_tally tally;
    if (d->record.kind == ASSAY_ROUND_ESCALATION) return escalate(d, err);
    ASSAY_TRY(assay_case_votes(votes, &count, &d->ledger->reader, &d->id, d->sample,
                               d->record.round, err));
    assay_tally_votes(&tally, &d->record, votes, count);
    return draw_close(d, &tally, err);
}

// The case that a queue's entry names: a u64, its batch, its sample.
static assay_status docket_load(docket *d, const assay_record_key *key, assay_error *err) {
    bool found;
    memcpy(d->id.bytes, key->bytes + 9, ASSAY_HASH_SIZE);
    d->sample = assay_load_be32(key->bytes + 9 + ASSAY_HASH_SIZE);
    ASSAY_TRY(assay_case_get(&d->record, &found, &d->ledger->reader, &d->id, d->sample, err));
    ASSAY_ASSERT(found && d->record.ended == 0);
    return batch_load(d, err);
}

// The queue's entry after *key, into it; its size is 0 if there is none with a u64 up to `last`.
static assay_status queue_next(assay_record_key *key, const assay_ledger *ledger, uint64_t last,
                               assay_error *err) {
    assay_store_position at;
    ASSAY_TRY(assay_reader_after(&ledger->reader, &at, key, 1, err));
    key->size = 0;
    if (at.key_size == 0 || assay_load_be64(at.key + 1) > last) return ASSAY_OK;
    *key = assay_record_key_at(&at);
    return ASSAY_OK;
}

// P-59: those that wait come first.
static assay_status waiting_escalate(assay_ledger *ledger, assay_error *err) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_CASE_WAITING);
    while (votes_fit(ledger) && assay_ledger_has_room(ledger)) {
        docket d = {.ledger = ledger};
        ASSAY_TRY(queue_next(&key, ledger, UINT64_MAX, err));
        if (key.size == 0) break;
        ASSAY_TRY(docket_load(&d, &key, err));
        ASSAY_TRY(wait_end(&d, err));
        ASSAY_TRY(escalate(&d, err));
    }
    return ASSAY_OK;
}

static assay_status case_due(docket *d, assay_error *err) {
    if (d->record.state == ASSAY_CASE_VOTING) return round_close(d, err);
    if (d->record.state == ASSAY_CASE_ANSWERING) return answers_close(d, err);
    ASSAY_TRY(wait_end(d, err));
    return end_undecided(d, err);
}

assay_status assay_verdict_due(assay_ledger *ledger, assay_error *err) {
    assay_record_key key;
    ledger->votes_called = 0;
    ASSAY_TRY(waiting_escalate(ledger, err));
    assay_record_key_start(&key, ASSAY_TABLE_CASE_DUE);
    // From the last one on: to begin anew would pass over all that this block has removed.
    for (uint32_t i = 0; i < ASSAY_CASES_BLOCK_MAX && assay_ledger_has_room(ledger); i++) {
        docket d = {.ledger = ledger};
        ASSAY_TRY(queue_next(&key, ledger, ledger->height, err));
        if (key.size == 0) break;
        ASSAY_TRY(docket_load(&d, &key, err));
        ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
        ASSAY_TRY(case_due(&d, err));
    }
    return ASSAY_OK;
}
