// SPDX-License-Identifier: Apache-2.0
// The end of a chain of one validator: all that the next block refers to. Whoever makes a block
// fills its header from here, and whoever replays or audits a chain checks it against here.
#ifndef ASSAY_CONSENSUS_TIP_H
#define ASSAY_CONSENSUS_TIP_H

#include "consensus/block.h"

// Fixed size, owns nothing.
typedef struct {
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];
    uint8_t public_key[ASSAY_ED25519_KEY_SIZE];
    uint64_t power;
    assay_address validator;
    uint64_t height;         // 0: before the first block
    assay_time time;         // of the last header, of the genesis before the first
    assay_commit commit;     // over the last block; zeros before the first
    assay_hash results_hash; // of the last block's results
    assay_hash app_hash;     // the application's after the last block
} assay_tip;

// Before the first block. chain_id: at most ASSAY_CHAIN_ID_MAX characters (asserted). Spec: C-18.
void assay_tip_init(assay_tip *tip, const char *chain_id, const uint8_t *public_key, uint64_t power,
                    uint64_t genesis_seconds, const assay_hash *app_hash);

// Fills block->header for the next block over block->txs, whose SHA-256 are ids. time: the clock's,
// moved up where it has not passed the last header's. Errors: CAPACITY (arena), RANGE (a clock
// beyond ASSAY_TIME_SECONDS_MAX). Spec: C-18.
assay_status assay_tip_header(const assay_tip *tip, assay_block *block, const assay_hash *ids,
                              assay_time time, assay_arena *arena, assay_error *err);

// Whether a block follows: every field of its header, its time, its id and the validator's
// signature. What its transactions come to is not asked. Errors: MISMATCH (names the field),
// SIGNATURE, CAPACITY (arena). Spec: C-18.
assay_status assay_tip_check(const assay_tip *tip, const assay_block *block, assay_arena *arena,
                             assay_error *err);

// Makes `block` the last one. results_hash: of its results. Spec: C-18.
void assay_tip_advance(assay_tip *tip, const assay_block *block, const assay_hash *results_hash);

#endif
