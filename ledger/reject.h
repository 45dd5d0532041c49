// SPDX-License-Identifier: Apache-2.0
// Why the ledger refuses something: one stable number, name and sentence a reason (P-19). A block's
// result code is this number, so it is part of consensus. Never renumber, never reuse; append.
#ifndef ASSAY_LEDGER_REJECT_H
#define ASSAY_LEDGER_REJECT_H

#include "base/status.h"

// 100-139: bytes, identity, signatures, requests, receipts, trees.
#define ASSAY_REJECT_WIRE_LIST(X)                                                                  \
    X(TX_SIZE, 100, "the transaction is over its size limit")                                      \
    X(TX_TRUNCATED, 101, "the transaction ends too early")                                         \
    X(TX_TRAILING, 102, "the transaction has bytes after its end")                                 \
    X(TX_VERSION, 103, "unknown transaction version")                                              \
    X(TX_KIND, 104, "unknown transaction kind")                                                    \
    X(TX_LANE, 105, "the lane is not the one of this kind")                                        \
    X(TX_TEXT, 106, "a text is not UTF-8 or holds a control character")                            \
    X(TX_LENGTH, 107, "a text or blob is over its limit")                                          \
    X(TX_COUNT, 108, "a list is over its limit")                                                   \
    X(TX_ORDER, 109, "a list is not ascending and unique")                                         \
    X(TX_RANGE, 110, "a field is out of its range")                                                \
    X(TX_SUM, 111, "shares do not add up to 1,000,000")                                            \
    X(TX_CHAIN, 112, "the transaction is for another chain")                                       \
    X(SIGNATURE_FORM, 113, "the signature is not in its one accepted form")                        \
    X(SIGNATURE_SIGNER, 114, "the signature is not by the named signer")                           \
    X(TX_UNSIGNED, 115, "a beacon transaction has no nonce, principal or signature of its own")    \
    X(REQUEST_FORM, 120, "the request's bytes are malformed")                                      \
    X(REQUEST_RANGE, 121, "a field of the request is out of its range")                            \
    X(REQUEST_FEE, 122, "the request's fee limit does not cover its longest answer")               \
    X(RECEIPT_FORM, 123, "the receipt's bytes are malformed")                                      \
    X(RECEIPT_RANGE, 124, "a field of the receipt is out of its range")                            \
    X(RECEIPT_ATTRIBUTION, 125, "the receipt's attribution is unordered or does not add up")       \
    X(FEE_OVERFLOW, 126, "a fee is 2^64 nano-OPEN or more")                                        \
    X(SUMTREE_EMPTY, 130, "a sum tree has no leaves")                                              \
    X(SUMTREE_ZERO, 131, "a leaf of a sum tree has no fee")                                        \
    X(SUMTREE_OVERFLOW, 132, "a sum in a sum tree is 2^64 or more")                                \
    X(SUMTREE_PATH, 133, "a path does not lead to the sum tree's root")                            \
    X(CLAIM_PROOF, 134, "a claim is not under the claims root")

// 140-199: money, registries, sessions.
#define ASSAY_REJECT_ACCOUNT_LIST(X)

// 200-259: batches, verdicts, settlement.
#define ASSAY_REJECT_BATCH_LIST(X)                                                                 \
    X(CHAIN_LENGTH, 200, "a hash chain has no links or too many")                                  \
    X(CHAIN_BOND, 201, "only a proposer with a consensus bond registers a hash chain")             \
    X(BEACON_PLACE, 202, "a beacon preimage stands first in its proposer's block")                 \
    X(BEACON_NO_CHAIN, 203, "the proposer has no hash chain in force")                             \
    X(BEACON_PREIMAGE, 204, "not the next preimage of the proposer's hash chain")                  \
    X(BATCH_COUNT, 210, "a batch's receipt count is out of its range or not the sessions' sum")    \
    X(BATCH_FEE_LOW, 211, "a batch's fees are under the minimum")                                  \
    X(BATCH_BYTES, 212, "a batch's receipts take too many or too few bytes")                       \
    X(BATCH_BLOCK_FULL, 213, "the block already holds as many batches as it may")                  \
    X(BATCH_ROW, 214, "a row of a batch's table is empty or not in order")                         \
    X(BATCH_SESSION_SUM, 215, "the session rows do not add up to the fee total")                   \
    X(BATCH_MODEL_SUM, 216, "the model rows do not add up to the fee total")                       \
    X(BATCH_DATASET, 217, "a batch names a data set that is not registered")                       \
    X(BATCH_DATASET_SUM, 218, "the data set rows claim more than the fees carry")                  \
    X(BATCH_ROOTS, 219, "too few validators can rerun everything in the batch")                    \
    X(BATCH_EXISTS, 220, "the batch was submitted before")                                         \
    X(BATCH_UNKNOWN, 221, "no such batch is being checked")                                        \
    X(CASE_UNKNOWN, 222, "the batch has no such sample")                                           \
    X(CASE_ROUND, 223, "the case is not in this round")                                            \
    X(CASE_WINDOW, 224, "outside the window of this step")                                         \
    X(CASE_VOTER, 225, "not a voter of this round")                                                \
    X(VOTE_TWICE, 226, "this vote is already there")                                               \
    X(VOTE_NOT_COMMITTED, 227, "a reveal without its commit")                                      \
    X(VOTE_COMMITMENT, 228, "the reveal does not open the commit")                                 \
    X(VOTE_VERDICT, 229, "unknown verdict")                                                        \
    X(VOTE_PROBE, 230, "this verdict does not go with this probe")                                 \
    X(EVIDENCE_PROVIDER, 231, "only the batch's provider posts evidence")                          \
    X(EVIDENCE_PART, 232, "evidence parts come in order")                                          \
    X(EVIDENCE_KIND, 233, "posted evidence is neither a leaf nor a table")                         \
    X(EVIDENCE_SIZE, 234, "posted evidence is over its limit")                                     \
    X(EVIDENCE_TWICE, 235, "this evidence is already posted")                                      \
    X(EVIDENCE_BAD, 236, "posted evidence is not what the batch commits to")

#define ASSAY_REJECT_LIST(X)                                                                       \
    ASSAY_REJECT_WIRE_LIST(X)                                                                      \
    ASSAY_REJECT_ACCOUNT_LIST(X)                                                                   \
    ASSAY_REJECT_BATCH_LIST(X)

typedef enum {
    ASSAY_REJECT_NONE = 0,
#define X(name, number, text) ASSAY_REJECT_##name = number,
    ASSAY_REJECT_LIST(X)
#undef X
} assay_reject;

// Refuses by rule: `return ASSAY_REJECT(err, TX_LANE, "lane %u, transfer has lane 0", lane);`
// Returns: ASSAY_REJECTED, with the number in err->reject. Spec: P-19.
#define ASSAY_REJECT(err, NAME, ...)                                                               \
    assay_fail((err), ASSAY_REJECTED, ASSAY_REJECT_##NAME, __VA_ARGS__)

// The number's fixed sentence, e.g. "the transaction is for another chain"; "unknown reason" for a
// number that is none. Lives: for ever. Spec: P-19.
const char *assay_reject_text(uint32_t number);

// The number's name, e.g. "TX_CHAIN"; "UNKNOWN" for a number that is none. Lives: for ever.
// Spec: P-19.
const char *assay_reject_name(uint32_t number);

#endif
