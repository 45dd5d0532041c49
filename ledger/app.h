// SPDX-License-Identifier: Apache-2.0
// The state machine behind an engine, shaped like ABCI 2.0: the engine orders bytes, the app says
// what they mean.
//   info → init_chain (no block yet) → { finalize_block → commit }*, and between them, from any
//   thread, check_tx; prepare_proposal and process_proposal by the engine's thread.
// Nothing persists before commit; a finalised block is repeated after a crash with equal results.
#ifndef ASSAY_LEDGER_APP_H
#define ASSAY_LEDGER_APP_H

#include "base/pool.h"
#include "ledger/counters.h"
#include "ledger/genesis.h"
#include "ledger/state/store.h"
#include "ledger/tx_result.h"
#include "ledger/validator.h"

typedef struct assay_app assay_app;

enum {
    ASSAY_APP_TXS_MAX = 1 << 17, // transactions of one block
    ASSAY_APP_TX_OVERHEAD = 8,   // bytes an engine may need beside each transaction
};

// A zeroed struct gives the defaults.
typedef struct {
    bool skip_sync;       // no fsync at commit: tests and comparisons only
    assay_pool *pool;     // borrowed, verifies signatures and hashes; NULL: the caller's thread
    uint64_t map_size;    // bytes the state may ever take; 0: the store's default
    uint32_t readers;     // views that others hold at once, beside this app's own; 0: a few hundred
    uint64_t waiting_max; // bytes of what check_tx lets wait; 0: block_bytes_max. What an engine
                          // offers a proposer must have room for all of it (E-28)
} assay_app_options;

// Opens the state of `genesis` (borrowed, must outlive the app) in `folder`.
// Errors: as assay_store_open. Lives: until close, which drops a block not committed.
assay_status assay_app_open(assay_app **out, const char *folder, const assay_genesis *genesis,
                            const assay_app_options *options, assay_error *err);
void assay_app_close(assay_app *app);

typedef struct {
    bool initialised;    // init_chain has happened
    uint64_t height;     // of the last committed block, 0 before the first
    assay_hash app_hash; // after it
} assay_app_info;

void assay_app_info_get(const assay_app *app, assay_app_info *out);

// Applies the genesis as height 0 and commits it; a repeated call changes nothing.
// Errors: as assay_store_commit. Spec: P-21.
assay_status assay_app_init_chain(assay_app *app, assay_error *err);

// A snapshot of the last commit. Any thread. Errors: BUSY (no state yet, or too many at once),
// CORRUPT, MEMORY, IO. Lives: until closed, before the app is.
assay_status assay_app_snapshot(assay_app *app, assay_snapshot **out, assay_error *err);

// Whether a restored state may take this one's place: there is none, or no block was committed on
// it since the genesis or since it was restored itself. Errors: EXISTS (it may not), CORRUPT,
// MEMORY, IO. Spec: E-65.
assay_status assay_app_replaceable(assay_app *app, assay_error *err);

// Takes a restored state (ledger/restore.h) from another folder of the same file system as its own,
// in one step that a crash leaves undone or done; a block in progress is dropped. By the engine's
// thread, while others ask: a snapshot that is open shows the old state, but nobody may hold what
// assay_app_store gives. Errors: as assay_app_replaceable; CORRUPT (not a whole one), MISMATCH
// (another chain's), IO; the app is then as before. Spec: E-65.
assay_status assay_app_adopt(assay_app *app, const char *folder, assay_error *err);

// Is this transaction worth keeping for a block? Decodes, verifies the signature on this thread,
// and then, against the last block and what was accepted since: nonce next in its signer's lane,
// agent in scope, fee covered, room among those that wait: one that waits already has it (again),
// and whoever came since cannot take it away. Accepting it makes its nonce pending. Any thread.
// Errors: REJECTED (err->reject and sentence), FORMAT and other decode errors as REJECTED too;
// CORRUPT, MEMORY, IO. Spec: P-26, E-28.
assay_status assay_app_check_tx(assay_app *app, const void *tx, size_t size, bool again,
                                assay_hash *id, assay_error *err);

// Before a transaction is given to an engine that spreads it: is there half as much room as
// check_tx asks for? A node that is a block behind, and has not emptied its own yet, then has the
// other half. Reads its head alone, and no further check of it. Any thread. Errors: REJECTED
// (PENDING). Spec: E-28.
assay_status assay_app_room(assay_app *app, const void *tx, size_t size, assay_error *err);

// These will be asked of check_tx next, in this order: verifies signatures on the pool before it is
// asked, which changes no answer. At most ASSAY_VERIFIER_AHEAD_MAX of them. Any thread. Spec: E-22.
void assay_app_expect(assay_app *app, const assay_bytes *txs, uint32_t count);

// Whether that gains anything: the pool has more threads than the caller's.
bool assay_app_pooled(const assay_app *app);

// The nonce that a signer's next transaction in a lane needs: behind the last block and everything
// that was accepted since. Any thread. Errors: NOT_FOUND (no genesis state), CORRUPT, MEMORY, IO.
// Spec: P-26.
assay_status assay_app_next_nonce(assay_app *app, const assay_address *signer, uint8_t lane,
                                  uint64_t *nonce, assay_error *err);

// Forgets what waits: call after commit, then check the transactions still waiting again, oldest
// first (their signatures are remembered). A transaction checked by another thread in between is
// admitted before them, which costs at most a later refusal.
void assay_app_forget_waiting(assay_app *app);

// What there is to choose from. Borrowed for the call.
typedef struct {
    uint64_t height;
    assay_address proposer;
    const assay_bytes *candidates;
    uint32_t candidate_count;
    const assay_bytes *beacon; // a beacon transaction to put first, NULL: none
    uint64_t bytes_max;        // the engine's limit of all sizes and ASSAY_APP_TX_OVERHEAD for
                               // each, 0: none; any transaction fits into 2 MiB + 16
} assay_app_proposal;

// Selects from `candidates` (oldest first) what the next block holds: the proposer's beacon first
// (if there is one), then verdicts and evidence within their half of the block's bytes, principals
// taking turns, then the rest, each signer's nonces in order. picked [candidate_count]: index of
// the i-th transaction; *with_beacon: whether the beacon is before it.
// Errors: CORRUPT, MEMORY, IO. Spec: P-26, P-27.
assay_status assay_app_prepare_proposal(assay_app *app, const assay_app_proposal *proposal,
                                        uint32_t *picked, uint32_t *picked_count, bool *with_beacon,
                                        assay_error *err);

// A block as the engine hands it over. Borrowed for the call.
typedef struct {
    uint64_t height; // last committed + 1
    uint64_t time;   // header seconds; no rule reads it
    assay_address proposer;
    const assay_bytes *txs; // [tx_count]
    uint32_t tx_count;
    const assay_misbehavior *misbehaviors; // [misbehavior_count], what the engine has proven
    uint32_t misbehavior_count;
    uint32_t time_nanos; // of time; counters tell it, nothing else
} assay_app_block;

// Would an honest proposer have made this block? Decodes every transaction, verifies signatures,
// sizes, the proposer's beacon and nonce order. Errors: REJECTED (names the transaction), MEMORY,
// IO. Spec: P-26.
assay_status assay_app_process_proposal(assay_app *app, const assay_app_block *block,
                                        assay_error *err);

typedef struct {
    assay_tx_result *results; // [tx_count]; lives until the next finalize_block or close
    const char **texts;       // [tx_count] the refusals' sentences, "" if accepted; as long
    uint32_t tx_count;
    assay_hash app_hash;                   // for the next header
    const assay_validator_update *updates; // [update_count], as long
    uint32_t update_count;
} assay_app_outcome;

// Executes the block in an open write transaction. A transaction that is refused is a result, not
// an error. Asserts the supply equation. Errors: RANGE (height), CAPACITY, CORRUPT, MEMORY, IO,
// DISK_FULL: the block is then dropped and may be tried again. Spec: P-24, P-25, P-26, P-27.
assay_status assay_app_finalize_block(assay_app *app, const assay_app_block *block,
                                      assay_app_outcome *out, assay_error *err);

// Lands the finalised block. On failure it stays finalised: try again or close.
// Errors: DISK_FULL, CAPACITY, CORRUPT, IO.
assay_status assay_app_commit(assay_app *app, assay_error *err);

// What an operator wants to know of a running application.
typedef struct {
    assay_counts counts;     // since it was opened, as of the last commit
    uint64_t since;          // height at which it was opened
    uint64_t admitted;       // by check_tx as they came,
    uint64_t turned_away;    // and refused there
    uint64_t time_ns;        // of the last block's header; 0: none came since
    uint64_t time_ns_before; // of the one before it; 0: the same
} assay_app_counters;

// A copy; takes a lock for no longer than that. Any thread. Spec: F-70.
void assay_app_counters_get(assay_app *app, assay_app_counters *out);

// What is known of one validator since the app was opened. Returns: whether anything is; else *out
// is zeros. Any thread. Spec: F-70.
bool assay_app_score_get(assay_app *app, const assay_address *validator, assay_score *out);

const assay_genesis *assay_app_genesis(const assay_app *app);
assay_store *assay_app_store(assay_app *app); // for audits and tests; until adopt

#endif
