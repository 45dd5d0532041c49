// SPDX-License-Identifier: Apache-2.0
// A block and its results as CometBFT's RPC tells them.
#ifndef ASSAY_NODE_COMET_BLOCK_H
#define ASSAY_NODE_COMET_BLOCK_H

#include <jansson.h>

#include "consensus/block.h"
#include "ledger/validator.h"

// Reads the results of /block and /block_results of one height. The header has the hash that the
// answer gives for it, the transactions the header's data_hash; of the results only the count is
// checked, since the next header alone names their hash. commit: all zero but for its block,
// because several validators signed. results NULL: not asked for; none are there then, nor
// app_hash_after. Errors: FORMAT, MISSING, RANGE, CAPACITY, VERSION, MISMATCH,
// UNKNOWN. Lives: in the arena. Spec: E-91.
assay_status assay_comet_block_read(assay_block *out, const json_t *block, const json_t *results,
                                    uint64_t height, assay_arena *arena, assay_error *err);

// Whether the last commit of a block that was read of /block is its header's, and whether it has
// evidence where its header names some and only there. Errors: MISMATCH, FORMAT, MISSING, RANGE,
// CAPACITY, UNKNOWN. Spec: E-93.
assay_status assay_comet_rest_check(const assay_block *block, const json_t *answer,
                                    assay_arena *arena, assay_error *err);

// The misbehaviour that a block of /block tells the application of, in its order. Errors: FORMAT,
// MISSING, RANGE, CAPACITY, UNSUPPORTED (another kind of evidence). Lives: in the arena. Spec:
// E-93.
assay_status assay_comet_misbehaviors_read(const assay_misbehavior **out, uint32_t *count,
                                           const json_t *block, assay_arena *arena,
                                           assay_error *err);

// Reads a transaction's result. Errors: FORMAT, RANGE, CAPACITY, MISSING. Spec: F-60.
assay_status assay_comet_result_read(assay_tx_result *out, const json_t *result, assay_error *err);

#endif
