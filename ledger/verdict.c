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

#include "ledger/accusations.h"
#include "ledger/beacon.h"
#include "ledger/case_end.h"
#include "ledger/case_private.h"
#include "ledger/money.h"
#include "ledger/tally.h"

// One case in hand.
typedef struct {
    assay_ledger *ledger;
    assay_hash id; // of the batch
    uint32_t sample;
    assay_case record;
    assay_batch batch;
} docket;

static assay_status end(docket *d, assay_case_state state, uint8_t verdict, const assay_hash *probe,
                        assay_error *err) {
    d->record.state = state;
    d->record.verdict = verdict;
    d->record.probe = *probe;
    return assay_case_conclude(d->ledger, &d->id, d->sample, &d->record, &d->batch, err);
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
    for (uint8_t round = 0; round < assay_case_draw_rounds(&d->record); round++) {
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
    return assay_vote_slash(d->ledger, vote, amount, assay_purse_burned(), NULL, err);
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
    ASSAY_TRY(assay_batch_get(&d->batch, &found, &d->ledger->reader, &d->id, err));
    ASSAY_ASSERT(found && d->batch.state == ASSAY_BATCH_CHECKING);
    return ASSAY_OK;
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
