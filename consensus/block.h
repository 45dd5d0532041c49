// SPDX-License-Identifier: Apache-2.0
// A block, its transactions' results, and the hashes CometBFT takes of both.
#ifndef ASSAY_CONSENSUS_BLOCK_H
#define ASSAY_CONSENSUS_BLOCK_H

#include "base/arena.h"
#include "consensus/types/commit.h"
#include "ledger/tx_result.h"

enum {
    ASSAY_BLOCK_SIZE_MAX = 80 << 20,  // encoded: 64 MiB of transactions, and their results
    ASSAY_BLOCK_TXS_MAX = 1 << 17,    // transactions a block
    ASSAY_BLOCK_PART_SIZE = 64 << 10, // CometBFT's part size
    // What a block of CometBFT's has beside its transactions: header, votes of 288 validators,
    // evidence; and what protobuf adds to each transaction, which CometBFT counts (E-30).
    ASSAY_BLOCK_OVERHEAD = 1 << 20,
};

// Views into one arena or buffer; owns nothing.
typedef struct {
    assay_header header;
    assay_commit commit; // by this chain's validator, over this block
    const assay_bytes *txs;
    uint32_t tx_count;
    const assay_tx_result *results; // [tx_count]
    assay_hash app_hash_after;      // the application's hash after this block
} assay_block;

// DataHash: RFC 6962 over the transactions' SHA-256 [tx_count], in their order. ids: as filled by
// assay_block_tx_ids. Errors: CAPACITY (arena). Spec: C-8.
assay_status assay_block_data_hash(assay_hash *out, const assay_hash *ids, uint32_t tx_count,
                                   assay_arena *arena, assay_error *err);

// The transactions' SHA-256 into ids [tx_count]. Spec: C-8.
void assay_block_tx_ids(assay_hash *ids, const assay_block *block);

// LastResultsHash: RFC 6962 over the deterministic part of each result. Errors: CAPACITY. Spec:
// C-8.
assay_status assay_results_hash(assay_hash *out, const assay_tx_result *results, uint32_t count,
                                assay_arena *arena, assay_error *err);

// Fills the block's id from its header, transactions and the commit before it (NULL at height 1):
// the header's hash, and the part set of the block as CometBFT would gossip it.
// Errors: CAPACITY. Spec: C-9.
assay_status assay_block_id_of(assay_block_id *out, const assay_block *block,
                               const assay_commit *last_commit, assay_arena *arena,
                               assay_error *err);

// The record kept in the block log. Errors: CAPACITY; VERSION, TRUNCATED, TRAILING on reading.
// Lives: what is read points into data and arena. Spec: C-4.
assay_status assay_block_write(assay_bytes *out, const assay_block *block, assay_arena *arena,
                               assay_error *err);
assay_status assay_block_read(assay_block *block, const uint8_t *data, size_t size,
                              assay_arena *arena, assay_error *err);

#endif
