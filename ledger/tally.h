// SPDX-License-Identifier: Apache-2.0
// What a round's votes add up to. Pure functions.
#ifndef ASSAY_LEDGER_TALLY_H
#define ASSAY_LEDGER_TALLY_H

#include "ledger/case.h"

typedef struct {
    uint32_t revealed; // votes revealed and not struck
    uint32_t neutral;  // of them, those that are neither right nor wrong
    bool all_match;    // the others are all (match, the same probe); false without any
    bool leaf_unavailable, table_unavailable; // some of them say so, and it is not answered
    uint64_t bond;                            // of those revealed, neutral ones too
    uint64_t best;                            // bond behind the strongest pair that counts:
    uint8_t verdict;
    assay_hash probe;
    uint64_t guilty;        // bond behind all pairs that find the provider guilty,
    uint8_t guilty_verdict; // and the strongest such pair's verdict
    assay_hash guilty_probe;
} assay_tally;

// "unavailable" of bytes that were posted before the answer window had passed: neither right nor
// wrong. Spec: P-60.
bool assay_vote_is_neutral(const assay_case *record, const assay_vote *vote);

// What the provider was asked for in an answer window and did not post in time: UNAVAILABLE, else
// TABLE_UNAVAILABLE; 0: nothing. Once the window is over. Spec: P-59.
uint8_t assay_case_withheld(const assay_case *record);

// "unavailable" in the current round, which began when the bytes had been posted: no vote.
// Spec: P-60.
bool assay_vote_is_stale(const assay_case *record, const assay_vote *vote);

// Does the vote count? Revealed, not struck, not neutral. Spec: P-60.
bool assay_vote_counts(const assay_case *record, const assay_vote *vote);

// Whether a draw's vote is an accusation, open until its case ends. "Unavailable" is none: the
// provider decides whom it refuses. Spec: P-61.
bool assay_vote_accuses(const assay_vote *vote);

// Does this verdict, if right, void the batch? Spec: P-60.
bool assay_verdict_is_guilty(uint8_t verdict);

// Does it say that bytes could not be had, rather than what they say? Spec: P-60.
bool assay_verdict_is_unavailable(uint8_t verdict);

// Adds up votes [count]. Among equals the lower verdict, then the lower probe, is the stronger
// pair. Spec: P-58, P-59.
void assay_tally_votes(assay_tally *out, const assay_case *record, const assay_vote *votes,
                       uint32_t count);

// More than two thirds of the bond that was revealed. Spec: P-59.
bool assay_tally_is_decided(const assay_tally *tally, uint64_t bond);

#endif
