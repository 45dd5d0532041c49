// SPDX-License-Identifier: Apache-2.0
// Signed transfers between uniformly random accounts, and the bare recovery of their signatures.
#ifndef ASSAY_NODE_BENCH_TRANSFERS_H
#define ASSAY_NODE_BENCH_TRANSFERS_H

#include "base/pool.h"
#include "ledger/tx/typed.h"

enum { ASSAY_BENCH_TX_SIZE = ASSAY_TX_HEAD_SIZE + ASSAY_ADDRESS_SIZE + 8 + ASSAY_SIGNATURE_SIZE };

typedef struct {
    assay_key key; // follows from the account's index: everyone knows it
    assay_address address;
    uint64_t nonce; // its next
} assay_bench_account;

typedef struct {
    uint8_t bytes[ASSAY_BENCH_TX_SIZE];
    assay_hash digest;
    assay_signature signature;
} assay_bench_transfer;

// A zeroed struct is safe to close.
typedef struct {
    assay_pool *pool; // borrowed
    assay_domain domain;
    assay_bench_account *accounts; // [account_count]
    uint32_t account_count;
    assay_bench_transfer *items; // [count] of the block in work
    assay_tx *txs;               // [count] the same as structs
    uint32_t *senders;           // [count] indices
    uint32_t count;
    uint64_t drawn; // random words so far
    bool in_turn;   // account after account sends, instead of random ones
    uint64_t signed_count;
} assay_bench_transfers;

// Makes account_count keys. The domain is the caller's to fill. Errors: MEMORY.
// Lives: until close.
assay_status assay_bench_transfers_open(assay_bench_transfers *transfers, uint32_t account_count,
                                        uint32_t count, assay_pool *pool, assay_error *err);
void assay_bench_transfers_close(assay_bench_transfers *transfers);

// Draws and signs the next `count` transfers. Errors: those of tx_sign and tx_encode. Spec: P-4,
// P-6.
assay_status assay_bench_transfers_sign(assay_bench_transfers *transfers, assay_error *err);

// libsecp256k1 alone: one signature's public key. Returns: whether there is one. Spec: P-4.
bool assay_bench_transfer_recover(const assay_bench_transfer *transfer);

// The same of all, on the pool. Returns: how many failed.
// Spec: P-4.
uint32_t assay_bench_transfers_recover(const assay_bench_transfers *transfers);

#endif
