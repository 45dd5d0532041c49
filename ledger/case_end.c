// SPDX-License-Identifier: Apache-2.0
#include "ledger/case_end.h"

#include <stdlib.h>

#include "ledger/accusations.h"
#include "ledger/bond.h"
#include "ledger/case_private.h"
#include "ledger/evidence.h"
#include "ledger/missing.h"
#include "ledger/payout.h"
#include "ledger/spoils.h"
#include "ledger/tally.h"

// A vote with the round it was cast in.
typedef struct {
    uint8_t round;
    bool drawn; // the round was a draw
    bool last;  // the round was the last
    assay_vote vote;
} ballot;

// The end in hand.
typedef struct {
    assay_ledger *ledger;
    const assay_hash *id; // of the batch
    const assay_case *record;
    const assay_batch *batch;
    ballot *ballots; // [count], every vote of the case, ordered by (round, address)
    uint32_t count;
    bool proven; // P-61: what is not right is wrong
} ending;

assay_status assay_vote_slash(assay_ledger *ledger, assay_vote *vote, uint64_t amount,
                              assay_purse to, uint64_t *taken, assay_error *err) {
    uint64_t slashed = 0;
    if (amount > 0)
        ASSAY_TRY(assay_bond_slash(ledger, ASSAY_ROLE_VERIFICATION, &vote->validator, amount, to,
                                   &slashed, err));
    vote->slashed += slashed;
    assay_ledger_score(ledger, &vote->validator, ASSAY_SCORE_NOPEN, slashed);
    if (taken != NULL) *taken = slashed;
    return ASSAY_OK;
}

static bool is_right(const ending *e, const assay_vote *vote) {
    const assay_case *record = e->record;
    if (!assay_vote_counts(record, vote)) return false;
    if (record->state == ASSAY_CASE_GUILTY) return assay_verdict_is_guilty(vote->verdict);
    if (record->state == ASSAY_CASE_WITHHELD) return assay_verdict_is_unavailable(vote->verdict);
    return record->state == ASSAY_CASE_RIGHT && vote->verdict == record->verdict &&
           assay_hash_equal(&vote->probe, &record->probe);
}

static bool is_wrong(const ending *e, const assay_vote *vote) {
    return e->proven && assay_vote_counts(e->record, vote) && !is_right(e, vote) &&
           !assay_verdict_is_unavailable(vote->verdict);
}

// P-61: did right voters with more than a third of the bond called read the bytes? Bond that stays
// away does not lower the bar: it may be the honest part.
static bool is_proven(const ending *e) {
    assay_u128 called = 0, read = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        const assay_vote *vote = &e->ballots[i].vote;
        if (!e->ballots[i].last) continue;
        called += vote->bond;
        if (is_right(e, vote) && !assay_verdict_is_unavailable(vote->verdict)) read += vote->bond;
    }
    return read * 3 > called;
}

// Was this validator wrong in an earlier round already? Each pays once a case.
static bool was_wrong(const ending *e, const ballot *b) {
    for (const ballot *before = e->ballots; before < b; before++)
        if (assay_address_equal(&before->vote.validator, &b->vote.validator) &&
            is_wrong(e, &before->vote))
            return true;
    return false;
}

// P-70: what a right vote weighs among those that decided its case: draws go by bond already.
static uint64_t share_of(const ending *e, const ballot *b) {
    if (!is_right(e, &b->vote)) return 0;
    if (e->record->escalations == 0) return 1;
    return b->last ? b->vote.bond : 0;
}

// P-61: right reruns of drawn validators are paid by the provider, whose escrow holds
// validators_per_sample prices; who was right is noted for the settlement or the catch reward.
static assay_status reward(ending *e, assay_error *err) {
    bool guilty = assay_verdict_is_guilty(e->record->verdict);
    uint64_t drawn = 0, held = e->ledger->params->validators_per_sample,
             price = e->batch->check_price;
    assay_u128 whole = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        drawn += e->ballots[i].drawn && is_right(e, &e->ballots[i].vote);
        whole += share_of(e, &e->ballots[i]);
    }
    if (drawn > held) price = (uint64_t)((assay_u128)price * held / drawn);
    for (uint32_t i = 0; i < e->count; i++) {
        assay_vote *vote = &e->ballots[i].vote;
        uint64_t share = share_of(e, &e->ballots[i]);
        if (e->ballots[i].drawn && is_right(e, vote)) {
            ASSAY_TRY(assay_payout_pay(e->ledger, assay_purse_escrow(e->id), &vote->validator,
                                       ASSAY_PAID_VALIDATOR, ASSAY_PAID_FOR_CHECK, e->id, NULL,
                                       price, err));
            vote->paid += price;
            if (guilty)
                ASSAY_TRY(assay_spoils_add(e->ledger, ASSAY_TABLE_CATCHER, e->id, &vote->validator,
                                           1, err));
        }
        if (guilty || share == 0) continue;
        uint64_t weight = (uint64_t)(((assay_u128)share << 32) / whole);
        ASSAY_TRY(
            assay_spoils_add(e->ledger, ASSAY_TABLE_CHECKER, e->id, &vote->validator, weight, err));
    }
    return ASSAY_OK;
}

// Pays `pool` in equal parts to those who were right in the last round; the rest burns.
static assay_status reruns_pay(ending *e, uint64_t pool, uint32_t right_count, assay_error *err) {
    uint64_t each = pool / right_count;
    for (uint32_t i = 0; i < e->count; i++) {
        assay_vote *vote = &e->ballots[i].vote;
        if (!e->ballots[i].last || !is_right(e, vote)) continue;
        ASSAY_TRY(assay_payout_pay(e->ledger, assay_purse_pool(), &vote->validator,
                                   ASSAY_PAID_VALIDATOR, ASSAY_PAID_FOR_RERUN, e->id, NULL, each,
                                   err));
        vote->paid += each;
    }
    return assay_money_move(e->ledger, assay_purse_pool(), assay_purse_burned(),
                            pool - each * right_count, err);
}

// P-61: drawn validators who were wrong about an innocent provider pay the last round's reruns; if
// none was, the provider does that left an answer window without its answer.
static assay_status reruns_charge(ending *e, assay_error *err) {
    uint32_t wrong_count = 0, right_count = 0;
    if (e->record->escalations == 0 || assay_verdict_is_guilty(e->record->verdict)) return ASSAY_OK;
    for (uint32_t i = 0; i < e->count; i++) {
        wrong_count += e->ballots[i].drawn && is_wrong(e, &e->ballots[i].vote);
        right_count += e->ballots[i].last && is_right(e, &e->ballots[i].vote);
    }
    bool withheld = wrong_count == 0 && assay_case_withheld(e->record) != ASSAY_VERDICT_MATCH;
    if ((wrong_count == 0 && !withheld) || right_count == 0) return ASSAY_OK;
    assay_u128 cost = (assay_u128)e->batch->check_price * right_count;
    assay_u128 part = withheld ? cost : (cost + wrong_count - 1) / wrong_count;
    uint64_t pool = 0;
    if (withheld)
        ASSAY_TRY(assay_bond_slash(e->ledger, ASSAY_ROLE_PROVIDER, &e->batch->provider,
                                   part > INT64_MAX ? INT64_MAX : (uint64_t)part,
                                   assay_purse_pool(), &pool, err));
    for (uint32_t i = 0; i < e->count; i++) {
        uint64_t taken;
        if (!e->ballots[i].drawn || !is_wrong(e, &e->ballots[i].vote)) continue;
        if (part > cost - pool) part = cost - pool;
        ASSAY_TRY(assay_vote_slash(e->ledger, &e->ballots[i].vote,
                                   part > INT64_MAX ? INT64_MAX : (uint64_t)part,
                                   assay_purse_pool(), &taken, err));
        pool += taken;
    }
    return reruns_pay(e, pool, right_count, err);
}

// P-61: wrong votes, once a validator; and whoever called available bytes unavailable pays their
// posting, as the provider did.
static assay_status punish(ending *e, ballot *b, assay_error *err) {
    assay_ledger *ledger = e->ledger;
    assay_vote *vote = &b->vote;
    assay_purse burned = assay_purse_burned();
    if (is_wrong(e, vote) && !was_wrong(e, b)) {
        assay_ledger_score(ledger, &vote->validator, ASSAY_SCORE_WRONG, 1);
        ASSAY_TRY(
            assay_vote_slash(ledger, vote, ledger->params->wrong_verdict_slash, burned, NULL, err));
    }
    if (!b->drawn || !vote->revealed || vote->struck) return ASSAY_OK;
    uint64_t posting =
        vote->verdict == ASSAY_VERDICT_UNAVAILABLE ? e->record->leaf_cost : e->record->table_cost;
    if (assay_vote_is_neutral(e->record, vote))
        ASSAY_TRY(assay_vote_slash(ledger, vote, posting, burned, NULL, err));
    if (!assay_vote_accuses(vote)) return ASSAY_OK;
    return assay_accusations_add(ledger, &vote->validator, e->batch->fee_total, -1, err);
}

static assay_status ballots_load(ending *e, uint32_t sample, assay_error *err) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    uint32_t draws = assay_case_draw_rounds(e->record), last = e->record->round, found;
    size_t capacity = (size_t)(last + 1) * ASSAY_VOTERS_MAX;
    e->ballots = malloc(capacity * sizeof *e->ballots);
    if (e->ballots == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for %zu votes", capacity);
    for (uint32_t round = 0; round <= last; round++) {
        ASSAY_TRY(assay_case_votes(votes, &found, &e->ledger->reader, e->id, sample, (uint8_t)round,
                                   err));
        for (uint32_t i = 0; i < found; i++)
            e->ballots[e->count++] =
                (ballot){(uint8_t)round, round < draws, round == last, votes[i]};
    }
    return ASSAY_OK;
}

static assay_status consequences(ending *e, uint32_t sample, assay_error *err) {
    ASSAY_TRY(ballots_load(e, sample, err));
    e->proven = is_proven(e);
    if (e->record->state != ASSAY_CASE_UNDECIDED) {
        ASSAY_TRY(reward(e, err));
        ASSAY_TRY(reruns_charge(e, err));
        if (e->record->verdict == ASSAY_VERDICT_DATA_MISSING)
            ASSAY_TRY(assay_missing_note(e->ledger, e->id, &e->record->probe, err));
    }
    for (uint32_t i = 0; i < e->count; i++)
        ASSAY_TRY(punish(e, &e->ballots[i], err));
    for (uint32_t i = 0; i < e->count; i++)
        ASSAY_TRY(assay_case_vote_put(e->ledger, e->id, sample, e->ballots[i].round,
                                      &e->ballots[i].vote, err));
    return ASSAY_OK;
}

// P-62
assay_status assay_case_conclude(assay_ledger *ledger, const assay_hash *id, uint32_t sample,
                                 assay_case *record, assay_batch *batch, assay_error *err) {
    ending e = {.ledger = ledger, .id = id, .record = record, .batch = batch};
    assay_status status = consequences(&e, sample, err);
    free(e.ballots);
    ASSAY_TRY(status);
    ASSAY_TRY(assay_evidence_drop(ledger, id, sample, err));
    ASSAY_TRY(assay_case_end(ledger, id, sample, record, err));
    batch->cases_open--;
    if (record->state == ASSAY_CASE_UNDECIDED) {
        batch->undecided++;
    } else if (assay_verdict_is_guilty(record->verdict)) {
        batch->caught++;
        // P-66: then the rows do not tell whose data it was.
        if (record->verdict == ASSAY_VERDICT_ATTRIBUTION ||
            record->verdict > ASSAY_VERDICT_MISMATCH_MAX)
            batch->table_bad++;
    }
    return assay_batch_resolve(ledger, id, batch, err);
}
