// SPDX-License-Identifier: Apache-2.0
// Genesis parameters: every number a rule reads that a chain may choose. Fixed at genesis, under
// the genesis hash, never changed by a transaction.
#ifndef ASSAY_LEDGER_PARAMS_H
#define ASSAY_LEDGER_PARAMS_H

#include <assert.h>
#include <jansson.h>

#include "base/cursor.h"
#include "base/status.h"

#define ASSAY_OPEN_NOPEN UINT64_C(1000000000) // nopen in one OPEN
#define ASSAY_PPM        UINT64_C(1000000)    // the whole, in shares of a million

// X(name, default, min, max): the order is the canonical encoding's (P-22). Amounts are nopen,
// windows are blocks.
#define ASSAY_PARAM_LIST(X)                                                                        \
    X(tx_fee_base, 1000, 0, ASSAY_PARAM_RATE_MAX)                                                  \
    X(tx_fee_byte, 10, 0, ASSAY_PARAM_RATE_MAX)                                                    \
    X(key_fee, 5000, 0, ASSAY_PARAM_RATE_MAX)                                                      \
    X(block_bytes_max, 4 << 20, ASSAY_PARAM_BLOCK_BYTES_MIN, 8 << 20)                              \
    X(max_royalty_ppm, 150000, 0, ASSAY_PPM)                                                       \
    X(burn_ppm, 50000, 0, ASSAY_PPM)                                                               \
    X(data_ppm, 250000, 0, ASSAY_PPM)                                                              \
    X(validators_ppm, 100000, 0, ASSAY_PPM)                                                        \
    X(dataset_bond, ASSAY_OPEN_NOPEN, 0, ASSAY_PARAM_NOPEN_MAX)                                    \
    X(model_bond, ASSAY_OPEN_NOPEN, 0, ASSAY_PARAM_NOPEN_MAX)                                      \
    X(adapter_bond, ASSAY_OPEN_NOPEN, 0, ASSAY_PARAM_NOPEN_MAX)                                    \
    X(provider_bond_min, 10 * ASSAY_OPEN_NOPEN, 1, ASSAY_PARAM_NOPEN_MAX)                          \
    X(verification_bond_min, 10 * ASSAY_OPEN_NOPEN, 1, ASSAY_PARAM_NOPEN_MAX)                      \
    X(consensus_bond_min, 10 * ASSAY_OPEN_NOPEN, ASSAY_OPEN_NOPEN, ASSAY_PARAM_NOPEN_MAX)          \
    X(close_delay, 100, 1, ASSAY_PARAM_BLOCKS_MAX)                                                 \
    X(expiry_max, 1000000, 1, 1000 * ASSAY_PARAM_BLOCKS_MAX)                                       \
    X(min_batch_fee, 1000, 1, ASSAY_PARAM_NOPEN_MAX)                                               \
    X(receipt_bytes_max, 4 << 20, 1 << 10, 16 << 20)                                               \
    X(beacon_delay, 2, 1, 1000)                                                                    \
    X(commit_blocks, 60, 1, ASSAY_PARAM_BLOCKS_MAX)                                                \
    X(reveal_blocks, 20, 1, ASSAY_PARAM_BLOCKS_MAX)                                                \
    X(answer_blocks, 40, 1, ASSAY_PARAM_BLOCKS_MAX)                                                \
    X(samples, 3, 1, 64)                                                                           \
    X(validators_per_sample, 2, 1, 16)                                                             \
    X(check_price_base, 100000, 0, ASSAY_PARAM_NOPEN_MAX)                                          \
    X(check_price_mib, 10000, 0, ASSAY_PARAM_NOPEN_MAX)                                            \
    X(bond_multiple, 10, 1, 1000)                                                                  \
    X(wrong_verdict_slash, 2 * ASSAY_OPEN_NOPEN, 0, ASSAY_PARAM_NOPEN_MAX)                         \
    X(no_vote_slash, ASSAY_OPEN_NOPEN / 2, 0, ASSAY_PARAM_NOPEN_MAX)                               \
    X(catch_share_ppm, 300000, 0, ASSAY_PPM)                                                       \
    X(catch_cap, 5 * ASSAY_OPEN_NOPEN, 0, ASSAY_PARAM_NOPEN_MAX)                                   \
    X(settle_max, 64, 1, 4096)                                                                     \
    X(epoch_blocks, 1000, 1, 100 * ASSAY_PARAM_BLOCKS_MAX)                                         \
    X(span_tokens_min, 6, 1, 256)                                                                  \
    X(adapter_bytes_max, 1 << 30, 1, UINT64_C(1) << 40)                                            \
    X(beacon_misses_max, 100, 1, 100 * ASSAY_PARAM_BLOCKS_MAX)                                     \
    X(open_escalations_max, 16, 1, 4096)                                                           \
    X(data_missing_blocks, 1000, 1, 1000 * ASSAY_PARAM_BLOCKS_MAX)                                 \
    X(unbond_trust_blocks, 1000000, 0, 1000 * ASSAY_PARAM_BLOCKS_MAX)                              \
    X(escalation_rounds, 3, 3, 8)                                                                  \
    X(power_step_ppm, 166666, 1, ASSAY_PPM)                                                        \
    X(double_sign_slash_ppm, 200000, 0, ASSAY_PPM)                                                 \
    X(verdict_misses_max, 20, 1, 100 * ASSAY_PARAM_BLOCKS_MAX)                                     \
    X(commitment_blocks, 20, 1, ASSAY_PARAM_BLOCKS_MAX)                                            \
    X(request_tokens_max, 4096, 2, 1 << 17)

#define ASSAY_PARAM_NOPEN_MAX (UINT64_C(1) << 56) // keeps sums of a few prices far from 2^64
#define ASSAY_PARAM_RATE_MAX  (UINT64_C(1) << 40) // times bytes or keys of one tx: < 2^63
// Cases that a block closes (P-74), and so at most opens: settle_max batches of so many samples.
enum { ASSAY_CASES_BLOCK_MAX = 4096 };

#define ASSAY_PARAM_BLOCKS_MAX      UINT64_C(100000)
#define ASSAY_PARAM_BLOCK_BYTES_MIN (2 << 20)

typedef struct {
#define X(name, value, min, max) uint64_t name;
    ASSAY_PARAM_LIST(X)
#undef X
} assay_params;

enum {
    ASSAY_PARAM_COUNT = 0
#define X(name, value, min, max) +1
    ASSAY_PARAM_LIST(X)
#undef X
};
static_assert(sizeof(assay_params) == ASSAY_PARAM_COUNT * sizeof(uint64_t), "params are u64 each");

// Sets every param to its default. Spec: P-22.
void assay_params_init(assay_params *params);

// Overrides params from a JSON object. Errors: UNKNOWN (name), RANGE, FORMAT. Spec: P-22.
assay_status assay_params_override(assay_params *params, const json_t *object, assay_error *err);

// Checks what single ranges cannot: the shares add up to at most the whole, and settle_max batches
// have no more cases than a block ends. Errors: RANGE. Spec: P-22.
assay_status assay_params_check(const assay_params *params, assay_error *err);

// All params as u64, in order. Spec: P-22.
void assay_params_write(assay_writer *writer, const assay_params *params);

// All params as a JSON object. Returns: a new reference, NULL if memory is out.
json_t *assay_params_json(const assay_params *params);

// Blocks that a beacon may be late for: one for each proposer (P-48).
enum { ASSAY_BEACON_WAIT_MAX = 288 };

// W: by this many blocks after its inclusion a batch is final or void. Spec: P-23.
uint64_t assay_params_window(const assay_params *params);

// Blocks from an unbond to its release: W + 2 epochs + trust. Spec: P-23.
uint64_t assay_params_unbond_blocks(const assay_params *params);

// Epoch ends within which two thirds of all power leave at once, its step's floors included;
// whoever has more decides alone anyway. Spec: P-23.
uint64_t assay_params_leave_epochs(const assay_params *params);

// The unbonding time is so long that power does not outlive its bond, which then answers for two
// epochs more. For every chain but a testnet. Errors: RANGE. Spec: P-23.
assay_status assay_params_unbond_check(const assay_params *params, assay_error *err);

// What an engine's evidence may be old, in blocks: CometBFT's evidence.max_age_num_blocks. Two
// epochs less than the unbonding time: whoever still had power up to two epochs after its bond
// began to leave finds the evidence before its money. CometBFT keeps what is young by either of its
// two ages, so max_age_duration has to be no more than these blocks take. Spec: P-94.
uint64_t assay_misbehavior_blocks(const assay_params *params);

// Epochs count from 0; epoch e holds heights e * epoch_blocks + 1 .. (e + 1) * epoch_blocks, and
// its last block closes it. height >= 1. Spec: P-23.
uint64_t assay_params_epoch(const assay_params *params, uint64_t height);
bool assay_params_epoch_ends(const assay_params *params, uint64_t height);

#endif
