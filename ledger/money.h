// SPDX-License-Identifier: Apache-2.0
// The only way money moves: from one purse to another, in one call. Each purse belongs to one
// category of the supply equation, so no sequence of calls can break it:
//   balances + deposits + bonds + pools + claims + burned = genesis supply   (P-24)
// Sums cannot overflow: everything together is the supply, < 2^63.
#ifndef ASSAY_LEDGER_MONEY_H
#define ASSAY_LEDGER_MONEY_H

#include "ledger/ledger.h"
#include "ledger/tx/tx.h"

typedef enum {
    ASSAY_PURSE_BALANCE,      // address
    ASSAY_PURSE_DEPOSIT,      // session id: its free deposit
    ASSAY_PURSE_RESERVED,     // session id: promised to batches not yet final
    ASSAY_PURSE_ESCROW,       // any id: money put aside for it (check prices of a batch)
    ASSAY_PURSE_BOND,         // role, address: active bond
    ASSAY_PURSE_UNBONDING,    // role, address: leaving bond, earliest release first
    ASSAY_PURSE_REGISTRATION, // table and root of a dataset, model or adapter: its bond
    ASSAY_PURSE_POOL,         // one pool, for the length of a settlement
    ASSAY_PURSE_CLAIM,        // recipient address: only grows
    ASSAY_PURSE_BURNED,       // only grows
} assay_purse_kind;

// Names a purse; borrows what it points to.
typedef struct {
    assay_purse_kind kind;
    uint8_t role;                 // BOND, UNBONDING; REGISTRATION: the table
    const assay_address *address; // BALANCE, BOND, UNBONDING, CLAIM
    const assay_hash *id;         // DEPOSIT, RESERVED, ESCROW, REGISTRATION
} assay_purse;

static inline assay_purse assay_purse_balance(const assay_address *address) {
    return (assay_purse){ASSAY_PURSE_BALANCE, 0, address, NULL};
}
static inline assay_purse assay_purse_deposit(const assay_hash *session) {
    return (assay_purse){ASSAY_PURSE_DEPOSIT, 0, NULL, session};
}
static inline assay_purse assay_purse_reserved(const assay_hash *session) {
    return (assay_purse){ASSAY_PURSE_RESERVED, 0, NULL, session};
}
static inline assay_purse assay_purse_escrow(const assay_hash *id) {
    return (assay_purse){ASSAY_PURSE_ESCROW, 0, NULL, id};
}
static inline assay_purse assay_purse_bond(uint8_t role, const assay_address *address) {
    return (assay_purse){ASSAY_PURSE_BOND, role, address, NULL};
}
static inline assay_purse assay_purse_unbonding(uint8_t role, const assay_address *address) {
    return (assay_purse){ASSAY_PURSE_UNBONDING, role, address, NULL};
}
// table: ASSAY_TABLE_DATASET, _MODEL or _ADAPTER.
static inline assay_purse assay_purse_registration(uint8_t table, const assay_hash *root) {
    return (assay_purse){ASSAY_PURSE_REGISTRATION, table, NULL, root};
}
static inline assay_purse assay_purse_pool(void) {
    return (assay_purse){ASSAY_PURSE_POOL, 0, NULL, NULL};
}
static inline assay_purse assay_purse_claim(const assay_address *recipient) {
    return (assay_purse){ASSAY_PURSE_CLAIM, 0, recipient, NULL};
}
static inline assay_purse assay_purse_burned(void) {
    return (assay_purse){ASSAY_PURSE_BURNED, 0, NULL, NULL};
}

// Moves `amount` nopen; 0 does nothing. `from` and `to` may be the same purse.
// Errors: REJECTED (BALANCE_SHORT: it holds less than amount, the sentence names both; nothing has
// moved), CORRUPT, MEMORY, IO. Asserted, since a rule has looked before it takes from them: that
// much is in any other purse; nothing leaves CLAIM or BURNED or enters UNBONDING; session, bond and
// registration exist where money leaves or, but for bonds, enters. Spec: P-24.
assay_status assay_money_move(assay_ledger *ledger, assay_purse from, assay_purse to,
                              uint64_t amount, assay_error *err);

// As move, from the principal's balance on behalf of the transaction in progress; counts against
// the agent limit if an agent signed. Every amount a transaction names leaves this way.
// Errors: as move, and REJECTED (AGENT_LIMIT). Spec: P-24, P-31.
assay_status assay_money_spend(assay_ledger *ledger, assay_purse to, uint64_t amount,
                               assay_error *err);

// What an escrow holds, 0 if absent. Errors: CORRUPT, MEMORY, IO. Spec: P-24.
assay_status assay_escrow_get(uint64_t *out, const assay_reader *reader, const assay_hash *id,
                              assay_error *err);

// An account as stored. Absent accounts are all zeros.
typedef struct {
    uint64_t balance;
    uint64_t nonces[2]; // by lane: the number of transactions signed, so the next nonce
} assay_account;
enum { ASSAY_ACCOUNT_SIZE = 3 * 8 };

// Errors: CORRUPT, MEMORY, IO. Spec: P-24.
assay_status assay_account_get(assay_account *out, const assay_reader *reader,
                               const assay_address *address, assay_error *err);

// The next account after *address, ascending; *found false at the end. Start from the zero address,
// which never holds anything. Errors: CORRUPT, MEMORY, IO.
assay_status assay_account_next(assay_address *address, assay_account *out, bool *found,
                                const assay_reader *reader, assay_error *err);

// What a recipient may claim in all, nopen, and what it could before the epoch of the last change:
// so what the last closed epoch has published is known, and a close writes nothing for each.
typedef struct {
    uint64_t amount;
    uint64_t epoch;  // of the last change
    uint64_t before; // amount when that epoch began
} assay_claim_record;

// Of all keys only a claim is hashed again and again, at the close of every epoch in which some
// claim grew, and for ever: a new one costs as many keys. Spec: P-38.
enum { ASSAY_CLAIM_SIZE = 3 * 8, ASSAY_CLAIM_KEYS = 100 };

// Cumulative claims, ascending by recipient; start from the zero address (never a recipient).
// Errors: CORRUPT, MEMORY, IO. Spec: P-38.
assay_status assay_claim_next(assay_address *recipient, assay_claim_record *out, bool *found,
                              const assay_reader *reader, assay_error *err);

// The amount as of the close of `epoch`, the last closed one. Returns: 0 if there was no claim yet.
// Spec: P-75.
static inline uint64_t assay_claim_at(const assay_claim_record *claim, uint64_t epoch) {
    return claim->epoch > epoch ? claim->before : claim->amount;
}

// The totals as of the block (snapshot: the last block). Errors: CORRUPT, MEMORY, IO. Spec: P-24.
assay_status assay_totals_get(assay_totals *out, const assay_reader *reader, assay_error *err);

// Adds all categories; asserts nothing. Spec: P-24.
uint64_t assay_totals_sum(const assay_totals *totals);

// Transactions: transfer, and withdraw, which leaves a balance for the EVM claims for ever.
// Errors: REJECTED (ADDRESS_ZERO, BALANCE_SHORT, AGENT_LIMIT), CAPACITY, CORRUPT,
// MEMORY, IO. Spec: P-32, P-38.
assay_status assay_transfer_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err);
assay_status assay_withdraw_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// What follows is for the block, not for rules.
// Makes money: genesis only. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-21.
assay_status assay_money_mint(assay_ledger *ledger, const assay_address *address, uint64_t amount,
                              assay_error *err);

// Takes the signer's nonce in `lane` and burns `fee` of the principal's balance, which admission
// has found there. Errors: REJECTED (AGENT_LIMIT, FEE_SHORT), CORRUPT, MEMORY, IO. Spec: P-26,
// P-27.
assay_status assay_money_admit(assay_ledger *ledger, uint8_t lane, uint64_t fee, assay_error *err);

// Burns a further fee of the principal. Errors: as admit. Spec: P-27.
assay_status assay_money_fee(assay_ledger *ledger, uint64_t fee, assay_error *err);

// Writes the running totals to the state, at the end of a block. Errors: CAPACITY, MEMORY, IO.
// Spec: P-24.
assay_status assay_totals_put(assay_ledger *ledger, assay_error *err);

#endif
