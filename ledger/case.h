// SPDX-License-Identifier: Apache-2.0
// A case: what validators find out about one sample of one batch. Rounds of votes, each committed
// before it is revealed:
//
//   first draw ──(no reveal, or all that is missing was posted)──→ redraw
//      │  │                                                         │  │
//      │  └──(anything else)──→ [answer E] → escalation 1 … ←───────│──┘ (anything else)
//      ▼                                     │      │               ▼
//   right: match               right: a verdict, or guilty      right: match
//                                                   └→ undecided, or withheld
//
// What is said to be missing is asked for first, once for leaf and table each [answer E].
// An escalation waits its turn where those of a block call for as many votes as a block carries.
// Round r starts at the end of a block s: commit in (s, s + C], reveal in (s + C, s + C + R].
// Ended cases leave the state and stay readable as aux records.
#ifndef ASSAY_LEDGER_CASE_H
#define ASSAY_LEDGER_CASE_H

#include "ledger/batch.h"
#include "ledger/checkers.h"

typedef enum {
    ASSAY_CASE_VOTING = 1,    // commit and reveal windows of the current round
    ASSAY_CASE_ANSWERING = 2, // the provider may post what is said to be unavailable
    ASSAY_CASE_RIGHT = 3,     // ended: (verdict, probe) is right
    ASSAY_CASE_GUILTY = 4,    // ended: > 2/3 found it guilty, of different things
    ASSAY_CASE_UNDECIDED = 5, // ended
    ASSAY_CASE_WAITING = 6,   // for its turn to be escalated, since `start`
    ASSAY_CASE_WITHHELD = 7,  // ended: undecided, and what was asked for had not been posted
} assay_case_state;

typedef enum {
    ASSAY_ROUND_DRAW = 0,
    ASSAY_ROUND_REDRAW = 1,
    ASSAY_ROUND_ESCALATION = 2,
} assay_round_kind;

typedef struct {
    assay_case_state state;
    assay_round_kind kind;   // of the current (last) round
    uint8_t round;           // its number, from 0: verdict_commit and _reveal name it
    uint8_t escalations;     // escalation rounds begun
    uint64_t position;       // sampled nano-OPEN of the batch
    uint64_t start;          // s of the current round
    uint64_t commit_end;     // last height for a commit
    uint64_t reveal_end;     // last height for a reveal
    uint64_t answer_end;     // last height of the last answer window, 0: never opened
    bool leaf_asked;         // an answer window has asked for the leaf
    bool table_asked;        // the same of the table
    uint64_t leaf_answered;  // height at which good leaf evidence was complete, 0: not
    uint64_t table_answered; // the same for the table
    uint64_t leaf_cost;      // nopen its posting cost
    uint64_t table_cost;
    uint8_t verdict; // the right pair, once ended; GUILTY: the verdict with most bond
    assay_hash probe;
    uint64_t ended; // height, 0 while open
} assay_case;

// One voter of one round. slashed, paid: what this vote cost or earned so far, nopen.
typedef struct {
    assay_address validator;
    uint64_t bond; // as of the batch's inclusion
    bool committed;
    bool revealed;
    bool struck; // revealed in vain: an accusation too many, or "unavailable" long answered
    uint8_t verdict;
    assay_hash commitment;
    assay_hash probe;
    uint64_t slashed;
    uint64_t paid;
} assay_vote;

// verdict_commit and verdict_reveal by the principal (a drawn validator, or a voter of the
// escalation). Errors: REJECTED (CASE_UNKNOWN, CASE_ROUND, CASE_WINDOW, CASE_VOTER,
// VOTE_TWICE, VOTE_NOT_COMMITTED, VOTE_COMMITMENT, VOTE_PROBE), CAPACITY, CORRUPT,
// MEMORY, IO. Spec: P-56, P-57.
assay_status assay_case_commit(assay_ledger *ledger, const assay_tx *tx, assay_error *err);
assay_status assay_case_reveal(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// One case, open or ended. Errors: CORRUPT, MEMORY, IO. Spec: P-55.
assay_status assay_case_get(assay_case *out, bool *found, const assay_reader *reader,
                            const assay_hash *batch, uint32_t sample, assay_error *err);

// The voters of a round ascending by address into out [ASSAY_VOTERS_MAX]; open or ended case.
// Errors: CORRUPT, MEMORY, IO. Spec: P-55.
assay_status assay_case_votes(assay_vote *out, uint32_t *count, const assay_reader *reader,
                              const assay_hash *batch, uint32_t sample, uint8_t round,
                              assay_error *err);

// The next open case after (*batch, *sample); start from the zero hash and 0.
// Errors: CORRUPT, MEMORY, IO.
assay_status assay_case_next_open(assay_hash *batch, uint32_t *sample, assay_case *out, bool *found,
                                  const assay_reader *reader, assay_error *err);

#endif
