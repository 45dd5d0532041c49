// SPDX-License-Identifier: Apache-2.0
// Why the ledger refuses something: one stable number, name and sentence a reason (P-19). A block's
// result code is this number, so it is part of consensus. Never renumber, never reuse; append.
#ifndef ASSAY_LEDGER_TX_REJECT_H
#define ASSAY_LEDGER_TX_REJECT_H

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
    X(TX_BEACON, 115, "a beacon has its signer as principal, and a signature of 64 bytes")         \
    X(REQUEST_RANGE, 121, "a field of the request is out of its range")                            \
    X(REQUEST_FEE, 122, "the request's fee limit does not cover its longest answer")               \
    X(RECEIPT_FORM, 123, "the receipt's bytes are malformed")                                      \
    X(RECEIPT_RANGE, 124, "a field of the receipt is out of its range")                            \
    X(RECEIPT_ATTRIBUTION, 125, "the receipt's attribution is unordered or does not add up")       \
    X(FEE_OVERFLOW, 126, "a fee is 2^64 nano-OPEN or more")                                        \
    X(SUMTREE_EMPTY, 130, "a sum tree has no leaves")                                              \
    X(SUMTREE_ZERO, 131, "a leaf of a sum tree has no fee")                                        \
    X(SUMTREE_OVERFLOW, 132, "a sum in a sum tree is 2^64 or more")                                \
    X(SUMTREE_PATH, 133, "a path does not lead to the sum tree's root")

// 140-199: money, registries, sessions.
#define ASSAY_REJECT_ACCOUNT_LIST(X)                                                               \
    X(NONCE, 140, "the nonce is not the signer's next one in this lane")                           \
    X(FEE_SHORT, 141, "the principal's balance does not cover the fee")                            \
    X(BALANCE_SHORT, 142, "the balance is too small")                                              \
    X(AGENT_UNKNOWN, 143, "the signer is no agent of the principal")                               \
    X(AGENT_EXPIRED, 144, "the agent's authority has expired")                                     \
    X(AGENT_SCOPE, 145, "the agent may not sign this kind")                                        \
    X(AGENT_LIMIT, 146, "the agents' limit for this epoch is used up")                             \
    X(AGENT_SELF, 147, "a principal is no agent of its own")                                       \
    X(AGENT_EXPIRY, 148, "an authority must end after its beginning")                              \
    X(ROOT_ZERO, 149, "no content has the zero root")                                              \
    X(ADDRESS_ZERO, 150, "the zero address takes part in nothing")                                 \
    X(BOND_MIN, 151, "the bond would be under its role's minimum")                                 \
    X(BOND_SHORT, 152, "the active bond is too small")                                             \
    X(UNBONDING_FULL, 153, "too many parts of this bond are leaving")                              \
    X(PROVIDER_BOND, 154, "the provider has no bond that counts")                                  \
    X(EXPOSURE, 155, "the provider's bond does not cover its open batches")                        \
    X(COMMITMENT_EXISTS, 156, "this commitment is already there")                                  \
    X(COMMITMENT_UNKNOWN, 157, "no commitment of this owner to this root")                         \
    X(COMMITMENT_EARLY, 158, "the commitment is younger than commitment_blocks")                   \
    X(DATASET_EXISTS, 159, "this data set is already registered")                                  \
    X(DATASET_UNKNOWN, 160, "no such data set")                                                    \
    X(DATASET_OWNER, 161, "the data set belongs to another")                                       \
    X(DATASET_RETIRED, 162, "the data set is retired")                                             \
    X(MODEL_EXISTS, 163, "this model is already registered")                                       \
    X(MODEL_UNKNOWN, 164, "no such model")                                                         \
    X(ADAPTER_EXISTS, 165, "this adapter is already registered")                                   \
    X(ADAPTER_UNKNOWN, 166, "no such adapter")                                                     \
    X(ADAPTER_BASE, 167, "the adapter belongs to another base model")                              \
    X(ADAPTER_SIZE, 168, "the adapter's sources are too large")                                    \
    X(ROYALTY, 169, "the royalty is over its limit")                                               \
    X(NOT_DECLARED, 170, "too little verification bond can rerun this")                            \
    X(NO_VERIFIER, 171, "the signer has no verification bond that counts")                         \
    X(SESSION_UNKNOWN, 172, "no such session")                                                     \
    X(SESSION_OWNER, 173, "the session belongs to another")                                        \
    X(SESSION_CLOSED, 174, "the session is already closing")                                       \
    X(SESSION_ENDED, 175, "the session has ended")                                                 \
    X(SESSION_PROVIDER, 176, "the session is with another provider")                               \
    X(SESSION_EXPIRY, 177, "the session's expiry is out of its range")                             \
    X(SEQUENCE, 178, "the first sequence does not follow the session's last")                      \
    X(DEPOSIT_SHORT, 179, "the session's free deposit is too small")                               \
    X(BLOCK_BYTES, 181, "the block or a lane's part of it is over its size")                       \
    X(PENDING, 183, "too many transactions of this signer are waiting")                            \
    X(BLOCK_WORK, 184, "the block has made as many writes as it may")                              \
    X(BLOCK_ORDER, 185, "a transaction of lane 1 comes behind one of lane 0")

// 200-259: batches, verdicts, settlement.
#define ASSAY_REJECT_BATCH_LIST(X)                                                                 \
    X(CHAIN_LENGTH, 200, "a hash chain has no links or too many")                                  \
    X(CHAIN_BOND, 201, "only a proposer with a consensus bond registers a hash chain")             \
    X(BEACON_PLACE, 202, "a block's first transaction, and no other, is its proposer's beacon")    \
    X(BEACON_NO_CHAIN, 203, "the proposer has no hash chain in force")                             \
    X(BEACON_PREIMAGE, 204, "not the next preimage of the proposer's hash chain")                  \
    X(VALIDATOR_BOND, 205, "only an account with a consensus bond registers a consensus key")      \
    X(VALIDATOR_KEY, 206, "a consensus key and an account belong together for ever")               \
    X(VALIDATOR_PROOF, 207, "the proof is not by the consensus key for this account and chain")    \
    X(VALIDATOR_BARRED, 208, "the validator has signed two blocks of one height")                  \
    X(VALIDATORS_FULL, 209, "there are as many validators as there may be")                        \
    X(BATCH_COUNT, 210, "the session rows do not add up to the receipt count")                     \
    X(BATCH_FEE, 211, "a batch's fees are under the minimum or over the maximum")                  \
    X(BATCH_BYTES, 212, "a batch's receipts take too many or too few bytes")                       \
    X(BATCH_BLOCK_FULL, 213, "the block already holds as many batches as it may")                  \
    X(BATCH_ROW, 214, "a row of a batch's table has too little money or weight")                   \
    X(BATCH_SESSION_SUM, 215, "the session rows do not add up to the fee total")                   \
    X(BATCH_MODEL_SUM, 216, "the model rows do not add up to the fee total")                       \
    X(BATCH_DATASET, 217, "a batch names a data set that is not registered")                       \
    X(BATCH_DATASET_SUM, 218, "the data set rows claim more than the fees carry")                  \
    X(BATCH_ROOTS, 219, "too few validators can rerun everything in the batch")                    \
    X(BATCH_UNKNOWN, 220, "no such batch is being checked")                                        \
    X(CASE_UNKNOWN, 221, "the batch has no such sample")                                           \
    X(CASE_ROUND, 222, "the case is not in this round")                                            \
    X(CASE_WINDOW, 223, "outside the window of this step")                                         \
    X(CASE_VOTER, 224, "not a voter of this round")                                                \
    X(VOTE_TWICE, 225, "this vote is already there")                                               \
    X(VOTE_NOT_COMMITTED, 226, "a reveal without its commit")                                      \
    X(VOTE_COMMITMENT, 227, "the reveal does not open the commit")                                 \
    X(VOTE_PROBE, 229, "this verdict does not go with this probe")                                 \
    X(EVIDENCE_PROVIDER, 230, "only the batch's provider posts evidence")                          \
    X(EVIDENCE_PART, 231, "evidence parts come in order")                                          \
    X(EVIDENCE_KIND, 232, "posted evidence is neither a leaf nor a table")                         \
    X(EVIDENCE_SIZE, 233, "posted evidence is over its limit")                                     \
    X(EVIDENCE_TWICE, 234, "this evidence is already posted")                                      \
    X(EVIDENCE_BAD, 235, "posted evidence is not what the batch commits to")                       \
    X(BEACON_SIGNATURE, 236, "the beacon is not signed by its proposer's consensus key")

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

#endif
