// SPDX-License-Identifier: Apache-2.0
// Who was paid what, in which role: each payment adds to the epoch's table, whose tree is closed at
// the epoch's last block, and leaves a line with its reason under its batch.
//   leaf = account[20] || role u8 || amount u64, ascending by (account, role); RFC 6962
#ifndef ASSAY_LEDGER_PAYOUT_H
#define ASSAY_LEDGER_PAYOUT_H

#include "base/merkle.h"
#include "ledger/ledger.h"
#include "ledger/money.h"

typedef enum {
    ASSAY_PAID_CONTRIBUTOR = 1,
    ASSAY_PAID_PUBLISHER = 2,
    ASSAY_PAID_TUNER = 3,
    ASSAY_PAID_PROVIDER = 4,
    ASSAY_PAID_VALIDATOR = 5,
} assay_paid_role;
extern const char *const assay_paid_role_names[ASSAY_PAID_VALIDATOR + 1]; // "" at 0

typedef enum {
    ASSAY_PAID_FOR_FEES = 1,  // share of a settled batch
    ASSAY_PAID_FOR_CHECK = 2, // check price of a right rerun
    ASSAY_PAID_FOR_RERUN = 3, // by an overruled accuser
    ASSAY_PAID_FOR_CATCH = 4, // out of a fraud's slash
    ASSAY_PAID_FOR_DATA = 5,  // contributors' part of a fraud's slash
} assay_paid_reason;

typedef struct {
    assay_address account;
    uint8_t role;
    uint64_t amount; // nopen
} assay_payout;

// One payment. id: the data set, model or adapter it is for; zero otherwise.
typedef struct {
    assay_address account;
    uint8_t role;
    uint8_t reason;
    assay_hash id;
    uint64_t amount; // nopen
    uint64_t height;
} assay_payout_line;

// A closed epoch (record EPOCH of keys.h, under assay_epoch_key). Claims: as of its last block.
typedef struct {
    uint64_t epoch;
    assay_hash payout_root;
    uint64_t payout_count;
    uint64_t payout_total;  // nopen
    assay_hash claims_root; // zero: no claims yet
    uint64_t claims_count;
    uint64_t claims_total; // nopen, cumulative
} assay_epoch;
enum { ASSAY_EPOCH_SIZE = 8 + 2 * (32 + 8 + 8) };

// Pays amount from a purse to an account's balance, adds it to the epoch's table and writes a line
// under the batch. id: what it is for, NULL for none. 0 does nothing. Errors: as assay_money_move.
// Spec: P-71.
assay_status assay_payout_pay(assay_ledger *ledger, assay_purse from, const assay_address *account,
                              assay_paid_role role, assay_paid_reason reason,
                              const assay_hash *batch, const assay_hash *id, uint64_t amount,
                              assay_error *err);

// Root, count and total of an epoch's table as it stands. An empty table has RFC 6962's empty
// root. O(log n) memory. Errors: CORRUPT, MEMORY, IO. Spec: P-72.
assay_status assay_payout_close(assay_hash *root, uint64_t *count, uint64_t *total,
                                const assay_reader *reader, uint64_t epoch, assay_error *err);

// The next entry of an epoch, closed or open, after (payout->account, payout->role); start from
// zeros. Errors: CORRUPT, MEMORY, IO. Spec: P-72.
assay_status assay_payout_next(assay_payout *payout, bool *found, const assay_reader *reader,
                               uint64_t epoch, assay_error *err);

// The place of one entry in a closed epoch's tree. Fixed size, owns nothing.
typedef struct {
    assay_payout payout;
    uint64_t index;
    uint64_t count;
    uint32_t path_count;
    assay_hash path[ASSAY_MERKLE_PATH_MAX];
} assay_payout_proof;

// Errors: NOT_FOUND (not paid in that epoch and role, or the epoch is not closed), CORRUPT, MEMORY,
// IO. Spec: P-72.
assay_status assay_payout_prove(assay_payout_proof *out, const assay_reader *reader, uint64_t epoch,
                                const assay_address *account, uint8_t role, assay_error *err);

// Needs no store. Errors: MISMATCH, RANGE. Spec: P-72.
assay_status assay_payout_check(const assay_hash *root, const assay_payout_proof *proof,
                                assay_error *err);

// The lines of a batch in order of payment: line *index, then *index + 1; *found false at the end.
// Errors: CORRUPT, MEMORY, IO. Spec: P-71.
assay_status assay_payout_line_get(assay_payout_line *out, bool *found, const assay_reader *reader,
                                   const assay_hash *batch, uint32_t index, assay_error *err);

// A closed epoch's record. Errors: CORRUPT, MEMORY, IO. Spec: P-73.
assay_status assay_epoch_get(assay_epoch *out, bool *found, const assay_reader *reader,
                             uint64_t epoch, assay_error *err);

// The record's key and bytes, as they stand under the state root: what a proof file carries.
// Errors: TRUNCATED, TRAILING. Spec: P-73.
assay_record_key assay_epoch_key(uint64_t epoch);
void assay_epoch_encode(const assay_epoch *epoch, uint8_t out[ASSAY_EPOCH_SIZE]);
assay_status assay_epoch_decode(assay_epoch *out, const uint8_t *data, size_t size,
                                assay_error *err);

#endif
