// SPDX-License-Identifier: Apache-2.0
// ABCI 2.0 messages as plain structs, the set common to CometBFT v0.38, v0.39 and v0.40. Source:
// CometBFT proto/tendermint/abci/types.proto. What is read borrows the frame and the arena of its
// call; so does what is answered, until it is encoded. Fields of a request that nothing acts on are
// there for the wire's oracle, which compares every one (tests/oracles/cometbft).
#ifndef ASSAY_CONSENSUS_ABCI_MESSAGE_H
#define ASSAY_CONSENSUS_ABCI_MESSAGE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"
#include "consensus/statesync/snapshot.h"

// Numbers of Request's oneof; Response's are the next one up (exception is 1).
typedef enum {
    ASSAY_ABCI_NONE = 0, // no request at all
    ASSAY_ABCI_ECHO = 1,
    ASSAY_ABCI_FLUSH = 2,
    ASSAY_ABCI_INFO = 3,
    ASSAY_ABCI_INIT_CHAIN = 5,
    ASSAY_ABCI_QUERY = 6,
    ASSAY_ABCI_CHECK_TX = 8,
    ASSAY_ABCI_COMMIT = 11,
    ASSAY_ABCI_LIST_SNAPSHOTS = 12,
    ASSAY_ABCI_OFFER_SNAPSHOT = 13,
    ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK = 14,
    ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK = 15,
    ASSAY_ABCI_PREPARE_PROPOSAL = 16,
    ASSAY_ABCI_PROCESS_PROPOSAL = 17,
    ASSAY_ABCI_EXTEND_VOTE = 18,
    ASSAY_ABCI_VERIFY_VOTE_EXTENSION = 19,
    ASSAY_ABCI_FINALIZE_BLOCK = 20,
    ASSAY_ABCI_INSERT_TX = 21,
    ASSAY_ABCI_REAP_TXS = 22,
} assay_abci_kind;

// The status of a proposal and of a vote extension.
enum { ASSAY_ABCI_ACCEPT = 1, ASSAY_ABCI_REJECT = 2 };

enum {
    ASSAY_ABCI_TXS_MAX = 1 << 17,         // of one block or proposal
    ASSAY_ABCI_VALIDATORS_MAX = 10000,    // CometBFT's MaxVotesCount
    ASSAY_ABCI_MISBEHAVIOR_MAX = 1 << 12, // of one block
    ASSAY_ABCI_EVENTS_MAX = 16,           // of one result
    ASSAY_ABCI_EXPECT_MAX = 64,           // told at once of what comes next
};

typedef struct {
    int64_t seconds;
    int32_t nanos;
} assay_abci_time;

typedef enum { ASSAY_ABCI_ED25519 = 1, ASSAY_ABCI_SECP256K1 = 2 } assay_abci_key_type;

typedef struct {
    uint32_t key_type; // field number in PublicKey's oneof, 0: none
    assay_bytes key;
    int64_t power; // 0 removes it
} assay_abci_validator_update;

// One validator's part in the last commit. flag: 1 absent, 2 commit, 3 nil.
typedef struct {
    assay_bytes address; // first 20 bytes of SHA-256 of its key
    int64_t power;
    uint32_t flag;
} assay_abci_vote;

typedef struct {
    uint32_t type;       // 1 duplicate vote, 2 light client attack
    assay_bytes address; // 20 bytes
    int64_t power;
    int64_t height;
    assay_abci_time time;
    int64_t total_power;
} assay_abci_misbehavior;

typedef struct {
    bool has_block, has_evidence, has_validator, has_version, has_abci;
    int64_t block_max_bytes, block_max_gas;
    int64_t evidence_max_blocks, evidence_max_seconds, evidence_max_bytes;
    int32_t evidence_max_nanos;
    bool only_ed25519; // validator.pub_key_types is ["ed25519"]
    uint64_t app_version;
    int64_t vote_extensions_height;
} assay_abci_params;

// What PrepareProposal, ProcessProposal, ExtendVote and FinalizeBlock say of a block.
typedef struct {
    int64_t max_tx_bytes;   // prepare only
    const assay_bytes *txs; // [tx_count]
    uint32_t tx_count;
    int32_t commit_round;
    const assay_abci_vote *votes; // [vote_count] last commit
    uint32_t vote_count;
    const assay_abci_misbehavior *misbehaviors; // [misbehavior_count]
    uint32_t misbehavior_count;
    assay_bytes hash;
    int64_t height;
    assay_abci_time time;
    assay_bytes next_validators_hash;
    assay_bytes proposer; // 20 bytes
    bool overfull; // there was more in its lists, which was dropped; process and prepare only
} assay_abci_block;

typedef struct {
    assay_abci_kind kind;
    union {
        struct {
            assay_bytes message;
        } echo;
        struct {
            assay_bytes version, abci_version;
            uint64_t block_version, p2p_version;
        } info;
        struct {
            assay_abci_time time;
            assay_bytes chain_id;
            assay_abci_params params;
            const assay_abci_validator_update *validators; // [validator_count]
            uint32_t validator_count;
            assay_bytes app_state;
            int64_t initial_height;
        } init_chain;
        struct {
            assay_bytes data, path;
            int64_t height;
            bool prove;
        } query;
        struct {
            assay_bytes tx;
            bool recheck;
        } check_tx; // and insert_tx
        struct {
            uint64_t max_bytes, max_gas;
        } reap_txs;
        struct {
            assay_statesync_snapshot snapshot;
            assay_bytes app_hash;
        } offer_snapshot;
        struct {
            uint64_t height;
            uint32_t format, chunk;
        } load_chunk;
        struct {
            uint32_t index;
            assay_bytes chunk, sender;
        } apply_chunk;
        assay_abci_block block; // prepare, process, finalize, extend
        struct {
            assay_bytes hash, validator, extension;
            int64_t height;
        } verify;
    };
} assay_abci_request;

typedef struct {
    assay_bytes key, value;
    bool index;
} assay_abci_attribute;

typedef struct {
    assay_bytes type;
    const assay_abci_attribute *attributes;
    uint32_t attribute_count;
} assay_abci_event;

// ExecTxResult, CheckTx's answer, and the common part of Query's.
typedef struct {
    uint32_t code;
    assay_bytes data, log, info, codespace;
    int64_t gas_wanted, gas_used;
    const assay_abci_event *events; // [event_count]
    uint32_t event_count;
} assay_abci_result;

// Zeroed but for `kind`, which is the request's, when the application gets it.
typedef struct {
    assay_abci_kind kind;
    union {
        struct {
            assay_bytes message;
        } echo;
        struct {
            assay_bytes data, version;
            uint64_t app_version;
            int64_t height;
            assay_bytes app_hash;
        } info;
        struct {
            const assay_abci_validator_update *validators;
            uint32_t validator_count; // 0: CometBFT's own genesis stands
            assay_bytes app_hash;
        } init_chain;
        struct {
            assay_abci_result result; // its data is not sent
            int64_t index, height;
            assay_bytes key, value;
        } query;
        assay_abci_result check_tx; // insert_tx sends the code alone
        struct {
            int64_t retain_height;
        } commit;
        struct {
            const assay_statesync_snapshot *snapshots; // [count]
            uint32_t count;
        } list_snapshots;
        struct {
            uint32_t result; // 1 accept, 2 abort, 3 reject, 4 reject format, 5 reject sender
        } offer_snapshot;
        struct {
            assay_bytes chunk; // empty: not to be had
        } load_chunk;
        struct {
            uint32_t result; // 1 accept, 2 abort, 3 retry, 4 retry snapshot, 5 reject snapshot
            const uint32_t *refetch; // [refetch_count]
            uint32_t refetch_count;
            const assay_bytes *reject_senders; // [reject_count]
            uint32_t reject_count;
        } apply_chunk;
        struct {
            const assay_bytes *txs; // [count]
            uint32_t count;
        } txs; // prepare_proposal, reap_txs
        struct {
            uint32_t status; // 1 accept, 2 reject
        } process;           // and verify
        struct {
            assay_bytes extension;
        } extend;
        struct {
            const assay_abci_result *results; // [result_count], one a transaction
            uint32_t result_count;
            const assay_abci_validator_update *updates; // [update_count]
            uint32_t update_count;
            assay_bytes app_hash;
            const assay_abci_event *events; // of the block
            uint32_t event_count;
        } finalize;
    };
} assay_abci_reply;

// What a server serves. Echo and Flush never reach it.
typedef struct {
    void *self;

    // Answers one request; what *reply points to is in `arena` or outlives the next call on the
    // same connection. One call a connection at a time, several connections at once. A failure is
    // sent as an Exception, which ends the engine: nothing a transaction can cause.
    assay_status (*call)(void *self, const assay_abci_request *request, assay_abci_reply *reply,
                         assay_arena *arena, assay_error *err);

    // These transactions [count <= ASSAY_ABCI_EXPECT_MAX] are new ones of the CheckTx requests that
    // this connection brings to `call` next, in this order; borrowed for the call. Nothing depends
    // on it: the application may do beforehand what needs no order. NULL: it is not told.
    void (*expect)(void *self, const assay_bytes *txs, uint32_t count);
} assay_abci_application;

#endif
