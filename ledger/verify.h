// SPDX-License-Identifier: Apache-2.0
// From bytes to a transaction that is well-formed and signed: everything that needs no state, so
// it runs on all threads, and once: what check_tx has verified is remembered by its id.
#ifndef ASSAY_LEDGER_VERIFY_H
#define ASSAY_LEDGER_VERIFY_H

#include "base/arena.h"
#include "base/pool.h"
#include "ledger/genesis.h"
#include "ledger/tx/tx.h"

// A signature costs ~30 us, an id 0.3 us. 64k transactions are remembered, 2 MiB.
typedef struct assay_verifier assay_verifier;

typedef struct {
    assay_bytes bytes;
    assay_tx tx;
    assay_hash id;
    assay_hash digest; // open_session and submit_batch: the id of what it makes; else zero
    uint32_t code;     // 0, or the reject code: tx is then not to be used
    const char *text;  // the reject's sentence, "" if none
} assay_verified_tx;

// Errors: MEMORY. Lives: until close; copies what it needs of the genesis.
assay_status assay_verifier_open(assay_verifier **out, const assay_genesis *genesis,
                                 assay_error *err);
void assay_verifier_close(assay_verifier *verifier);

// Decodes and verifies one transaction, on the caller's thread; any thread. Lists and the text are
// in the arena, texts of the transaction borrow its bytes. A refusal is in out->code, not a
// status. Errors: MEMORY, CAPACITY (arena). Spec: P-4, P-26.
assay_status assay_verifier_check(assay_verifier *verifier, assay_verified_tx *out,
                                  assay_bytes bytes, assay_arena *arena, assay_error *err);

// Verifies on the pool what check will be asked next, at most as many transactions as AHEAD_MAX, so
// that it finds the signatures remembered: no answer depends on it. It waits for nobody: where the
// pool is in use nothing happens, and what is refused or finds no memory is left to check. Any
// thread. Spec: E-22.
enum { ASSAY_VERIFIER_AHEAD_MAX = 64 }; // a block that wants the pool waits for one such run
void assay_verifier_expect(assay_verifier *verifier, const assay_bytes *txs, uint32_t count,
                           assay_pool *pool);

// All transactions of a block. A zeroed struct is safe to close.
typedef struct {
    assay_verified_tx *txs; // [count]
    uint32_t count;
    assay_arena *arenas; // [arena_count]
    uint32_t arena_count;
} assay_verified;

// The same for many, on the pool (NULL: the caller's thread). Errors: MEMORY, CAPACITY.
// Lives: until close, and as long as the bytes. Spec: P-26.
assay_status assay_verifier_check_all(assay_verifier *verifier, assay_verified *out,
                                      const assay_bytes *txs, uint32_t count, assay_pool *pool,
                                      assay_error *err);
void assay_verified_close(assay_verified *verified);

#endif
