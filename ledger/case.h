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
assay_status assay_case_commit(assay_ledger *ledger, const assay_tx_verdict_commit *body,
                               assay_error *err);
assay_status assay_case_reveal(assay_ledger *ledger, const assay_tx_verdict_reveal *body,
                               assay_error *err);

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

// What an account must do now.
typedef enum {
    ASSAY_DUTY_COMMIT = 1,       // verdict_commit
    ASSAY_DUTY_REVEAL = 2,       // verdict_reveal
    ASSAY_DUTY_ANSWER_LEAF = 3,  // provider: post_evidence of the leaf
    ASSAY_DUTY_ANSWER_TABLE = 4, // provider: post_evidence of the whole table
} assay_duty_kind;

typedef struct {
    assay_duty_kind kind;
    assay_hash batch;
    uint32_t sample;
    uint8_t round;
    uint64_t position;
    uint64_t deadline;     // last height at which it counts
    bool leaf_posted;      // good leaf evidence is on the chain: judge that
    bool table_posted;     // the same for the table
    assay_hash commitment; // REVEAL: what was committed
} assay_duty;

// Duties of `account` for a transaction in block `height` (the view's height + 1), nearest deadline
// first, ties by (batch, sample, kind): the first `capacity` (at least 1) of them; *more: there are
// others. out [capacity].
// Errors: CORRUPT, MEMORY, IO. Spec: P-55, P-56, F-40.
assay_status assay_case_duties(assay_duty *out, uint32_t *count, bool *more, uint32_t capacity,
                               const assay_reader *reader, uint64_t height,
                               const assay_address *account, assay_error *err);

// A batch's beacon has come: opens its case `sample` with the first draw of its checkers.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-55.
assay_status assay_case_open(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                             uint32_t sample, const assay_checkers *checkers, assay_error *err);

// Begins a round of `kind` at the end of this block, its number following the last one's: a draw
// asks some of the checkers, an escalation all. Stores the record. Errors: CAPACITY, CORRUPT,
// MEMORY, IO. Spec: P-50, P-55.
assay_status assay_case_round(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                              uint32_t sample, assay_case *record, assay_round_kind kind,
                              const assay_checkers *checkers, assay_error *err);

// The last height at which an escalation of a batch's cases may begin. Spec: P-59.
static inline uint64_t assay_case_last_start(const assay_params *params, const assay_batch *batch) {
    return batch->height + assay_params_window(params) - params->commit_blocks -
           params->reveal_blocks;
}

// Puts a case among those that wait for their escalation, or takes it from there.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-59.
assay_status assay_case_wait(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                             uint32_t sample, assay_case *record, assay_error *err);
assay_status assay_case_wait_end(assay_ledger *ledger, const assay_hash *id,
                                 const assay_batch *batch, uint32_t sample, assay_error *err);

// For ledger/verdict.c and ledger/evidence.c: store a changed record or vote of an open case; when
// its next step is due; its end. Errors: CAPACITY, CORRUPT, MEMORY, IO.
assay_status assay_case_put(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                            const assay_case *record, assay_error *err);
assay_status assay_case_vote_put(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                                 uint8_t round, const assay_vote *vote, assay_error *err);
assay_status assay_case_due_put(assay_ledger *ledger, uint64_t height, const assay_hash *batch,
                                uint32_t sample, assay_error *err);

// Moves an ended case with all its votes, as stored, out of the state, into history.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-77.
assay_status assay_case_end(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                            assay_case *record, assay_error *err);

// Accusations of a validator that are still open, in batches whose fee total has as many bits as
// fee_total or more (0: all); add changes those of one fee total by `by`, +1 or -1.
// Errors: CORRUPT, MEMORY, IO. Spec: P-61.
assay_status assay_case_accusations(uint32_t *out, const assay_reader *reader,
                                    const assay_address *validator, uint64_t fee_total,
                                    assay_error *err);
assay_status assay_case_accusations_add(assay_ledger *ledger, const assay_address *validator,
                                        uint64_t fee_total, int by, assay_error *err);

#endif
