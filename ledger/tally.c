// SPDX-License-Identifier: Apache-2.0
#include "ledger/tally.h"

#include <stdlib.h>

// P-60: height at which what the vote says is unavailable was posted, 0: not, or it says no such
// thing.
static uint64_t answered_at(const assay_case *record, const assay_vote *vote) {
    if (vote->verdict == ASSAY_VERDICT_UNAVAILABLE) return record->leaf_answered;
    if (vote->verdict == ASSAY_VERDICT_TABLE_UNAVAILABLE) return record->table_answered;
    return 0;
}

static bool in_time(const assay_case *record, uint64_t at) {
    return at > 0 && (record->answer_end == 0 || at <= record->answer_end);
}

bool assay_vote_is_neutral(const assay_case *record, const assay_vote *vote) {
    return in_time(record, answered_at(record, vote));
}

uint8_t assay_case_withheld(const assay_case *record) {
    if (record->leaf_asked && !in_time(record, record->leaf_answered))
        return ASSAY_VERDICT_UNAVAILABLE;
    if (record->table_asked && !in_time(record, record->table_answered))
        return ASSAY_VERDICT_TABLE_UNAVAILABLE;
    return ASSAY_VERDICT_MATCH;
}

bool assay_vote_is_stale(const assay_case *record, const assay_vote *vote) {
    uint64_t at = answered_at(record, vote);
    return at > 0 && at <= record->start;
}

bool assay_vote_counts(const assay_case *record, const assay_vote *vote) {
    return vote->revealed && !vote->struck && !assay_vote_is_neutral(record, vote);
}

bool assay_verdict_is_guilty(uint8_t verdict) {
    return verdict != ASSAY_VERDICT_MATCH && verdict != ASSAY_VERDICT_DATA_MISSING;
}

bool assay_verdict_is_unavailable(uint8_t verdict) {
    return verdict == ASSAY_VERDICT_UNAVAILABLE || verdict == ASSAY_VERDICT_TABLE_UNAVAILABLE;
}

bool assay_vote_accuses(const assay_vote *vote) {
    return vote->revealed && !vote->struck && vote->verdict != ASSAY_VERDICT_MATCH &&
           !assay_verdict_is_unavailable(vote->verdict);
}

bool assay_tally_is_decided(const assay_tally *tally, uint64_t bond) {
    return (assay_u128)bond * 3 > (assay_u128)tally->bond * 2;
}

static int pair_compare(const void *left, const void *right) {
    const assay_vote *a = *(const assay_vote *const *)left;
    const assay_vote *b = *(const assay_vote *const *)right;
    if (a->verdict != b->verdict) return a->verdict < b->verdict ? -1 : 1;
    return memcmp(a->probe.bytes, b->probe.bytes, ASSAY_HASH_SIZE);
}

// Weighs the votes that count, pair by pair, in the pairs' order. P-59
static void weigh(assay_tally *out, const assay_vote **votes, uint32_t count) {
    uint64_t guilty_best = 0;
    qsort(votes, count, sizeof *votes, pair_compare);
    for (uint32_t i = 0, end; i < count; i = end) {
        uint64_t bond = 0;
        for (end = i; end < count && pair_compare(&votes[i], &votes[end]) == 0; end++)
            bond += votes[end]->bond;
        if (bond > out->best) {
            out->best = bond;
            out->verdict = votes[i]->verdict;
            out->probe = votes[i]->probe;
        }
        if (!assay_verdict_is_guilty(votes[i]->verdict)) continue;
        out->guilty += bond;
        if (bond > guilty_best) {
            guilty_best = bond;
            out->guilty_verdict = votes[i]->verdict;
            out->guilty_probe = votes[i]->probe;
        }
    }
}

void assay_tally_votes(assay_tally *out, const assay_case *record, const assay_vote *votes,
                       uint32_t count) {
    const assay_vote *counted[ASSAY_VOTERS_MAX];
    uint32_t counted_count = 0;
    ASSAY_ASSERT(count <= ASSAY_VOTERS_MAX);
    *out = (assay_tally){0};
    out->all_match = true;
    for (uint32_t i = 0; i < count; i++) {
        const assay_vote *vote = &votes[i];
        if (!vote->revealed || vote->struck) continue;
        out->revealed++;
        out->bond += vote->bond; // also of the neutral: who voted otherwise may be few
        if (assay_vote_is_neutral(record, vote)) {
            out->neutral++;
            continue;
        }
        if (vote->verdict != ASSAY_VERDICT_MATCH ||
            (counted_count > 0 && pair_compare(&counted[0], &vote) != 0))
            out->all_match = false;
        counted[counted_count++] = vote;
        out->leaf_unavailable |= vote->verdict == ASSAY_VERDICT_UNAVAILABLE;
        out->table_unavailable |= vote->verdict == ASSAY_VERDICT_TABLE_UNAVAILABLE;
    }
    if (counted_count == 0) out->all_match = false;
    weigh(out, counted, counted_count);
}
