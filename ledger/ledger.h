// SPDX-License-Identifier: Apache-2.0
// The block being executed: what every rule gets. One transaction runs at a time; everything a rule
// writes goes through here, so that new keys are counted and a reject leaves no trace.
#ifndef ASSAY_LEDGER_LEDGER_H
#define ASSAY_LEDGER_LEDGER_H

#include "ledger/counters.h"
#include "ledger/genesis.h"
#include "ledger/state/reader.h"
#include "ledger/tx/reject.h"

// Where every nopen is (P-24). The order is the record's.
typedef enum {
    ASSAY_MONEY_BALANCES,
    ASSAY_MONEY_DEPOSITS, // sessions, free and reserved, and escrows
    ASSAY_MONEY_BONDS,    // all roles, unbonding, registrations
    ASSAY_MONEY_POOLS,    // taken out of a batch, not yet paid
    ASSAY_MONEY_CLAIMS,   // left for the EVM
    ASSAY_MONEY_BURNED,
    ASSAY_MONEY_COUNT,
} assay_money;

typedef struct {
    uint64_t nopen[ASSAY_MONEY_COUNT];
} assay_totals;

// Borrows the store's open block and the genesis. Lives: from begin to commit or abort of a block.
//
// The work of a block is metered in writes, each put and delete, rolled back ones too: one, and one
// more for every ASSAY_WRITE_BYTES of the value. A transaction begins while fewer than
// ASSAY_WRITES_TXS are made; at the end of the block each part that may have much to do (draws,
// cases, settlements) takes up the next thing while it has made fewer than ASSAY_WRITES_PART
// itself. What is left over comes first in the next block. So memory suffices for every block:
//
//   transactions  2^18: what lane 0 makes when it is full of sets of 256 roots, and nothing more
//   the last one  2^18, at most 10 for a row of 72 bytes: 145,640 for a MiB of them
//   admission     393,216: signer, principal and allowance of 131,072 transactions (P-26, P-39)
//   due           98,304: 3 kinds of 4,096 entries (P-40), at most 8 each
//   sweeps        8,192: payouts of closed epochs (P-73), offences (P-93)
//   parts         3 * 2^18
//   last batches  3 * 2^18, one of draws, one that a case ends, one of settlements: rows as of a
//                 transaction
//   last case     800,000: (2 + 8) rounds of 256 votes, each slashed once, with the sums of the 256
//                 roots that its voter declares (P-36) and 30 for itself; 256 rows for each voter
//                 whose bond counts no more
//   the rest      65,536: powers, epoch, history (3 each for 4,096 due cases, for 14,000 that
//                 waited too long, and for as many batches)
//
// 3.5 million in all. One takes at most 160 bytes of entry, 24 for its place in the order and 8 in
// the sorted list, and 256 of value: 641 MiB of entries, to which reads add 256 MiB at most, and
// 855 MiB of values: each below the GiB that a store gives (assay_store_options). Spec: P-98.
enum {
    ASSAY_WRITES_TXS = 1 << 18,
    ASSAY_WRITES_PART = 1 << 18,
    ASSAY_WRITE_BYTES = 256,
    // So many bytes of block_bytes_max for each vote that escalations call for (P-59). A commit and
    // a reveal take 435 bytes; of the votes' quarter each of four validators may fill a seventh,
    // and by its own node's API an eleventh (P-26, E-28): 219 votes a block, of which escalations
    // then call for 32 and draws, two for each of 192 cases, for 96.
    ASSAY_BLOCK_BYTES_VOTE = 1 << 15,
};

typedef struct {
    assay_store *store;
    assay_reader reader; // of the store's open block
    const assay_genesis *genesis;
    const assay_params *params; // the genesis's

    uint64_t height;
    assay_address proposer;

    assay_totals totals; // as of now; only ledger/money.c changes it

    uint64_t writes;       // of this block so far; no rollback takes one back
    uint64_t writes_max;   // with so many made, nothing more is taken up
    uint32_t votes_called; // by the escalations that began at this block's end

    assay_counts counts;  // of this block
    assay_scores *scores; // borrowed, or NULL

    // The transaction in progress; zeros outside of one.
    uint32_t tx_index; // its place in the block, from 0
    assay_address signer;
    assay_address principal;
    assay_hash digest; // open_session, submit_batch: the id of what it makes (EIP-712 digest)
    uint32_t new_keys; // state keys it has made so far
    bool by_agent;     // signer is an agent of principal
} assay_ledger;

// A place to return to if what follows is refused: contents, totals, counts and new key count.
typedef struct {
    assay_store_mark mark;
    assay_totals totals;
    assay_counts counts;
    uint32_t new_keys;
} assay_ledger_mark;

assay_ledger_mark assay_ledger_savepoint(assay_ledger *ledger);
void assay_ledger_rollback(assay_ledger *ledger, const assay_ledger_mark *mark);
void assay_ledger_release(assay_ledger *ledger, const assay_ledger_mark *mark);

// Counts a vote's fate, of its validator and of all. For the end of a block only: no rollback takes
// a validator's score back.
static inline void assay_ledger_score(assay_ledger *ledger, const assay_address *validator,
                                      assay_scored what, uint64_t by) {
    ledger->counts.scored[what] += by;
    assay_scores_add(ledger->scores, validator, what, by, ledger->height);
}

// Is there room to take up another transaction, draw, case or settlement? Spec: P-98.
static inline bool assay_ledger_has_room(const assay_ledger *ledger) {
    return ledger->writes < ledger->writes_max;
}

// Writes or removes a record. put counts a state key that was absent as new (P-27).
// Errors: CAPACITY, CORRUPT, MEMORY, IO: all fatal to the block.
assay_status assay_ledger_put(assay_ledger *ledger, const assay_record_key *key, const void *value,
                              size_t size, assay_error *err);
assay_status assay_ledger_delete(assay_ledger *ledger, const assay_record_key *key,
                                 assay_error *err);

// Deletes every key under a prefix. Errors: as above.
assay_status assay_ledger_drop(assay_ledger *ledger, const assay_record_key *prefix,
                               assay_error *err);

// Deletes the first keys of a table whose number (u64, behind the table's byte) is below `end`, at
// most ASSAY_SWEEP_MAX of them. Errors: as above.
enum { ASSAY_SWEEP_MAX = 4096 };
assay_status assay_ledger_sweep(assay_ledger *ledger, uint8_t table, uint64_t end,
                                assay_error *err);

#endif
