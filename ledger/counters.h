// SPDX-License-Identifier: Apache-2.0
// What has happened on this node since it was started, counted while blocks are executed. For
// operators alone: it is in no record and no hash, no rule reads it, and a restart begins anew.
// A block counts when it is committed; what a refused transaction did is taken back with the rest.
// Spec: F-70.
#ifndef ASSAY_LEDGER_COUNTERS_H
#define ASSAY_LEDGER_COUNTERS_H

#include "base/bytes.h"
#include "base/status.h"

// The last two are how many there are now; the others only grow.
typedef enum {
    ASSAY_COUNTED_BLOCKS,
    ASSAY_COUNTED_TXS_DONE,
    ASSAY_COUNTED_TXS_REFUSED, // in a block
    ASSAY_COUNTED_BATCHES_INCLUDED,
    ASSAY_COUNTED_BATCHES_SETTLED,
    ASSAY_COUNTED_BATCHES_VOID,
    ASSAY_COUNTED_RECEIPTS_INCLUDED,
    ASSAY_COUNTED_RECEIPTS_SETTLED,
    ASSAY_COUNTED_RECEIPTS_VOID,
    ASSAY_COUNTED_PENALTIES,       // bonds that lost something
    ASSAY_COUNTED_PENALTIES_NOPEN, // what they lost
    ASSAY_COUNTED_BEACON_MISSES,
    ASSAY_COUNTED_BATCHES_OPEN,
    ASSAY_COUNTED_VERDICTS_DUE, // votes of running rounds, not revealed yet
    ASSAY_COUNTED_MAX,
} assay_counted;

// What became of the votes a validator was drawn for, when their round ended.
typedef enum {
    ASSAY_SCORE_ASKED, // when the round began
    ASSAY_SCORE_REVEALED,
    ASSAY_SCORE_MISSED,     // no commit
    ASSAY_SCORE_UNREVEALED, // a commit, no reveal
    ASSAY_SCORE_STRUCK,     // revealed "unavailable" of what was posted before the round
    ASSAY_SCORE_WRONG,      // overruled; once a case
    ASSAY_SCORE_NOPEN,      // what all that cost
    ASSAY_SCORE_MAX,
} assay_scored;

typedef struct {
    uint64_t of[ASSAY_COUNTED_MAX];
    uint64_t scored[ASSAY_SCORE_MAX]; // of all validators
} assay_counts;

// One validator's part of it.
typedef struct {
    uint64_t of[ASSAY_SCORE_MAX];
    uint64_t fault_height; // of the last vote missed, unrevealed, struck or wrong; 0: none
} assay_score;

void assay_counts_add(assay_counts *sum, const assay_counts *more);

enum { ASSAY_SCORES_MAX = 768 }; // validators; later ones are not told apart

// Scores by validator: a table of bounded size. No two threads at once.
typedef struct assay_scores assay_scores;

// Errors: MEMORY. Lives: until close; NULL is safe to close.
assay_status assay_scores_open(assay_scores **out, assay_error *err);
void assay_scores_close(assay_scores *scores);
void assay_scores_reset(assay_scores *scores);

// NULL scores count nothing.
void assay_scores_add(assay_scores *scores, const assay_address *validator, assay_scored what,
                      uint64_t by, uint64_t height);

// Adds all of `more`.
void assay_scores_merge(assay_scores *scores, const assay_scores *more);

// Returns: whether anything is known of it; else *out is zeros.
bool assay_scores_find(assay_score *out, const assay_scores *scores,
                       const assay_address *validator);

#endif
