// SPDX-License-Identifier: Apache-2.0
// Batches of receipts: what a provider claims to have earned, checked against its sessions at
// once, against reality by samples, and then settled or void.
//   waiting → (beacon) checking → (all cases right) final → (queue) settled
//        \→ (no beacon) void          \→ (fraud, or no decision) void
// Ended batches leave the state and stay readable as aux records.
#ifndef ASSAY_LEDGER_BATCH_H
#define ASSAY_LEDGER_BATCH_H

#include "base/arena.h"
#include "ledger/ledger.h"
#include "ledger/tx/tx.h"

typedef enum {
    ASSAY_BATCH_WAITING = 1,  // for its beacon
    ASSAY_BATCH_CHECKING = 2, // cases are open
    ASSAY_BATCH_FINAL = 3,    // in the settlement queue
    ASSAY_BATCH_SETTLED = 4,
    ASSAY_BATCH_VOID = 5,
} assay_batch_state;
extern const char *const assay_batch_state_names[ASSAY_BATCH_VOID + 1]; // "none", "waiting", …

// Why a batch is void.
typedef enum {
    ASSAY_VOID_NOT = 0,
    ASSAY_VOID_FRAUD = 1,     // a case found it guilty: slashed
    ASSAY_VOID_UNDECIDED = 2, // a case ended without a decision
    ASSAY_VOID_NO_BEACON = 3, // too few proposers revealed in time
} assay_void_reason;

typedef struct {
    assay_batch_state state;
    assay_void_reason reason;
    assay_address provider; // principal of submit_batch
    uint64_t height;        // of inclusion
    uint32_t index;         // among the batches of that block
    assay_hash root;        // Merkle-sum root over its receipts
    uint32_t count;         // receipts
    uint64_t fee_total;     // nopen
    uint32_t receipt_bytes; // of all receipts together
    uint64_t check_price;   // nopen of one right rerun of one sample; k · v are in its escrow
    uint64_t beacon_height; // b; 0 before
    assay_hash beacon;      // B_b
    uint32_t sample_count;  // k
    uint32_t cases_open;
    uint32_t caught;    // cases that found it guilty
    uint32_t table_bad; // of them: by verdicts that speak against its tables (P-66)
    uint32_t undecided; // cases that ended without a decision
    uint64_t ended;     // height of settlement or voiding, 0 before
    uint64_t slashed;   // nopen taken from the provider's bond
    uint64_t refunded;  // nopen returned to sessions
    uint64_t burned;    // nopen burned, of fees or slash
    uint16_t uri_size;
    uint8_t uri[ASSAY_URI_SIZE_MAX]; // evidence, not terminated
} assay_batch;

// One batch's fees are below this, so that every product of settlement fits 128 bits.
#define ASSAY_BATCH_FEE_MAX (UINT64_C(1) << 50)

// submit_batch by the principal: its id is the transaction's digest. Reserves the money, advances
// the sequences, takes k · v check prices, joins the queue for a beacon. The tables are ascending
// and unique already (P-7). Errors: REJECTED (BATCH_COUNT, BATCH_FEE, BATCH_BYTES,
// BATCH_BLOCK_FULL, BATCH_ROW, BATCH_SESSION_SUM, BATCH_MODEL_SUM, BATCH_DATASET,
// BATCH_DATASET_SUM, BATCH_ROOTS, and those of session_reserve, registry_payable, exposure_add,
// money_spend), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-52, P-53, P-54.
assay_status assay_batch_submit(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// One batch, open or ended. Errors: CORRUPT, MEMORY, IO. Spec: P-52.
assay_status assay_batch_get(assay_batch *out, bool *found, const assay_reader *reader,
                             const assay_hash *id, assay_error *err);

// Its tables. Errors: NOT_FOUND, CAPACITY (arena), CORRUPT, MEMORY, IO. Lives: as long as the
// arena (ASSAY_TX_ARENA_MAX always suffices). Spec: P-52.
assay_status assay_batch_tables_get(assay_batch_tables *out, const assay_reader *reader,
                                    const assay_hash *id, assay_arena *arena, assay_error *err);

// The next batch in order of (height, index) after the place *height, *index, ended ones too.
// Start from (0, 0): no batch has height 0. Errors: CORRUPT, MEMORY, IO.
assay_status assay_batch_next(uint64_t *height, uint32_t *index, assay_hash *id, bool *found,
                              const assay_reader *reader, assay_error *err);

// The next batch still waiting, checking or final, ascending by id; start from the zero hash.
// Errors: CORRUPT, MEMORY, IO.
assay_status assay_batch_next_open(assay_hash *id, assay_batch *out, bool *found,
                                   const assay_reader *reader, assay_error *err);

// End of block: gives waiting batches their beacon and opens their cases, or voids those whose time
// is up. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-48, P-55.
assay_status assay_batch_draw_due(assay_ledger *ledger, assay_error *err);

// Stores a changed open batch. Errors: CAPACITY, CORRUPT, MEMORY, IO.
assay_status assay_batch_put(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                             assay_error *err);

// A case has ended, counted in `batch`: stores it and, if it was the last one, makes the batch
// final or void. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-62.
assay_status assay_batch_resolve(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                                 assay_error *err);

// The provider is exposed by a batch no more and gets back what is left in the batch's escrow.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-62, P-65.
assay_status assay_batch_release(assay_ledger *ledger, const assay_hash *id,
                                 const assay_batch *batch, assay_error *err);

// Moves a settled or void batch out of the state, into history. Errors: CAPACITY, CORRUPT, MEMORY,
// IO. Spec: P-77.
assay_status assay_batch_end(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                             assay_error *err);

// Nopen of one rerun: base + price a started MiB of the largest (model, adapter). Spec: P-53.
uint64_t assay_batch_check_price(const assay_params *params, uint64_t byte_count);

#endif
