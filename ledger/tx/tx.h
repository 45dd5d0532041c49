// SPDX-License-Identifier: Apache-2.0
// Transactions: what they hold and their one binary form (P-6 … P-8). Every kind is one table of
// fields (ledger/tx/tx.c), from which the codec, the EIP-712 types and the JSON form all follow.
#ifndef ASSAY_LEDGER_TX_TX_H
#define ASSAY_LEDGER_TX_TX_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"
#include "ledger/tx/sign.h"

// X(NAME, number, member, lane, scope): the scope an agent needs to sign this kind, 0 = no agent
// may (P-9).
#define ASSAY_TX_KIND_LIST(X)                                                                      \
    X(TRANSFER, 1, transfer, 0, ASSAY_SCOPE_TRANSFER)                                              \
    X(BOND, 2, bond, 0, ASSAY_SCOPE_BOND)                                                          \
    X(UNBOND, 3, unbond, 0, ASSAY_SCOPE_BOND)                                                      \
    X(AUTHORIZE_AGENT, 4, authorize_agent, 0, 0)                                                   \
    X(REVOKE_AGENT, 5, revoke_agent, 0, 0)                                                         \
    X(COMMIT_DATASET, 6, commit_dataset, 0, ASSAY_SCOPE_REGISTER)                                  \
    X(REGISTER_DATASET, 7, register_dataset, 0, ASSAY_SCOPE_REGISTER)                              \
    X(RETIRE_DATASET, 8, retire_dataset, 0, ASSAY_SCOPE_REGISTER)                                  \
    X(REGISTER_MODEL, 9, register_model, 0, ASSAY_SCOPE_REGISTER)                                  \
    X(REGISTER_ADAPTER, 10, register_adapter, 0, ASSAY_SCOPE_REGISTER)                             \
    X(DECLARE_ROOTS, 11, declare_roots, 0, ASSAY_SCOPE_VERIFY)                                     \
    X(REGISTER_CHAIN, 12, register_chain, 0, ASSAY_SCOPE_VERIFY)                                   \
    X(OPEN_SESSION, 13, open_session, 0, ASSAY_SCOPE_SESSION)                                      \
    X(CLOSE_SESSION, 14, close_session, 0, ASSAY_SCOPE_SESSION)                                    \
    X(SUBMIT_BATCH, 15, submit_batch, 0, ASSAY_SCOPE_BATCH)                                        \
    X(VERDICT_COMMIT, 16, verdict_commit, 1, ASSAY_SCOPE_VERIFY)                                   \
    X(VERDICT_REVEAL, 17, verdict_reveal, 1, ASSAY_SCOPE_VERIFY)                                   \
    X(POST_EVIDENCE, 18, post_evidence, 1, ASSAY_SCOPE_VERIFY)                                     \
    X(WITHDRAW, 19, withdraw, 0, ASSAY_SCOPE_WITHDRAW)                                             \
    X(BEACON, 20, beacon, 0, 0)                                                                    \
    X(REGISTER_VALIDATOR, 21, register_validator, 0, 0)

typedef enum {
#define X(name, number, member, lane, scope) ASSAY_TX_##name = number,
    ASSAY_TX_KIND_LIST(X)
#undef X
} assay_tx_kind;

enum {
    ASSAY_TX_KIND_COUNT = 21, // kinds are 1 … this
    ASSAY_TX_VERSION = 1,
    ASSAY_TX_LANE_COUNT = 2,
    // version, kind, chain id, signer, principal, lane, nonce; the body follows, then the signature
    ASSAY_TX_KIND_AT = 1,
    ASSAY_TX_SIGNER_AT = 1 + 1 + 8,
    ASSAY_TX_PRINCIPAL_AT = ASSAY_TX_SIGNER_AT + ASSAY_ADDRESS_SIZE,
    ASSAY_TX_LANE_AT = ASSAY_TX_PRINCIPAL_AT + ASSAY_ADDRESS_SIZE,
    ASSAY_TX_NONCE_AT = ASSAY_TX_LANE_AT + 1,
    ASSAY_TX_HEAD_SIZE = ASSAY_TX_NONCE_AT + 8,
    ASSAY_TX_SIZE_MAX = 1024 * 1024,
    // What one decode may take from an arena: rows are at most 56 bytes in memory for 52 on the
    // wire.
    ASSAY_TX_ARENA_MAX = 2 * ASSAY_TX_SIZE_MAX,
};

// Limits of fields. Counts and sizes are checked before anything is allocated (P-7).
enum {
    ASSAY_NAME_SIZE_MAX = 64,
    ASSAY_LICENSE_SIZE_MAX = 64,
    ASSAY_URI_SIZE_MAX = 256,
    ASSAY_SOURCES_MAX = 32,
    ASSAY_ROOTS_MAX = 256,
    ASSAY_BATCH_RECEIPTS_MAX = 65536,
    ASSAY_BATCH_ROWS_MAX = 65536, // of each of the three tables; the size limit binds earlier
    ASSAY_EVIDENCE_PART_MAX = 64 * 1024,
    ASSAY_SHARE_SUM = 1000000, // shares in ppm
};
#define ASSAY_FILE_BYTES_MAX (UINT64_C(1) << 44) // of a model or adapter: its checks stay payable

// Roles a bond can stand for (P-8).
enum { ASSAY_ROLE_PROVIDER = 1, ASSAY_ROLE_VERIFICATION = 2, ASSAY_ROLE_CONSENSUS = 3 };

// What an agent may sign for its principal, a bit mask (P-9).
enum {
    ASSAY_SCOPE_TRANSFER = 1,
    ASSAY_SCOPE_SESSION = 2,
    ASSAY_SCOPE_REGISTER = 4,
    ASSAY_SCOPE_VERIFY = 8,
    ASSAY_SCOPE_BATCH = 16,
    ASSAY_SCOPE_BOND = 32,
    ASSAY_SCOPE_WITHDRAW = 64,
    ASSAY_SCOPE_ALL = 127,
    ASSAY_SCOPE_COUNT = 7,
};
extern const char *const assay_scope_names[ASSAY_SCOPE_COUNT]; // of bit i

// The names of a mask's bits, with commas between. Spec: P-9.
enum { ASSAY_SCOPES_TEXT_MAX = 64 };
void assay_scopes_text(char out[ASSAY_SCOPES_TEXT_MAX], uint32_t scopes);

// Verdicts (P-10). 1 … 31 are mismatch kinds; a verifier reports the first check that fails.
enum {
    ASSAY_VERDICT_MATCH = 0,
    ASSAY_VERDICT_REQUEST = 1,
    ASSAY_VERDICT_FEE = 2,
    ASSAY_VERDICT_OUTPUT = 3,
    ASSAY_VERDICT_STOP = 4,
    ASSAY_VERDICT_TRACE = 5,
    ASSAY_VERDICT_ATTRIBUTION = 6,
    ASSAY_VERDICT_MISMATCH_MAX = 31,
    ASSAY_VERDICT_UNAVAILABLE = 32,
    ASSAY_VERDICT_TABLE = 33,
    ASSAY_VERDICT_TABLE_UNAVAILABLE = 34,
    ASSAY_VERDICT_DATA_MISSING = 35,
};

// A share of a data set, in ppm.
typedef struct {
    assay_hash dataset;
    uint32_t weight_ppm;
} assay_source_row;

// What a batch takes from one session: `count` requests from first_sequence on, nopen.
typedef struct {
    assay_hash session;
    uint64_t first_sequence;
    uint32_t count;
    uint64_t fee_sum;
} assay_session_row;

// What a batch earned with one model and adapter (zero = none), nopen.
typedef struct {
    assay_hash model;
    assay_hash adapter;
    uint64_t fee_sum;
} assay_model_row;

// A data set's Σ fee · ppm over a batch.
typedef struct {
    assay_hash dataset;
    assay_u128 weight;
} assay_dataset_row;

typedef struct {
    const assay_hash *items;
    uint32_t count;
} assay_hash_list;

typedef struct {
    const assay_source_row *items;
    uint32_t count;
} assay_source_list;

typedef struct {
    const assay_session_row *items;
    uint32_t count;
} assay_session_list;

typedef struct {
    const assay_model_row *items;
    uint32_t count;
} assay_model_list;

typedef struct {
    const assay_dataset_row *items;
    uint32_t count;
} assay_dataset_list;

// Bodies, fields in wire order. Amounts and prices are nopen; heights and expiries are blocks.
// Texts are UTF-8 without control characters and without a terminator.
typedef struct {
    assay_address to;
    uint64_t amount;
} assay_tx_transfer;

typedef struct {
    uint8_t role;
    uint64_t amount;
} assay_tx_bond;

typedef struct {
    assay_address agent;
    uint32_t scopes;
    uint64_t expiry;
    uint64_t limit; // per epoch, one for all agents of the principal
} assay_tx_authorize_agent;

typedef struct {
    assay_address agent;
} assay_tx_revoke_agent;

typedef struct {
    assay_hash commitment; // SHA-256(root || salt || owner)
} assay_tx_commit_dataset;

typedef struct {
    assay_hash root;
    assay_hash salt;
    uint64_t chunk_count;
    uint64_t byte_count;
    assay_bytes license;
    assay_bytes name;
    assay_bytes uri;
    assay_hash fingerprint_root; // zero = none
} assay_tx_register_dataset;

typedef struct {
    assay_hash dataset;
} assay_tx_retire_dataset;

typedef struct {
    assay_hash root;
    uint64_t byte_count;
    uint32_t royalty_ppm;
    assay_bytes name;
    assay_bytes uri;
} assay_tx_register_model;

typedef struct {
    assay_hash base;
    assay_hash root;
    uint64_t byte_count;
    uint32_t royalty_ppm;
    assay_bytes name;
    assay_bytes uri;
    assay_source_list sources; // ascending, unique; sum ASSAY_SHARE_SUM, or none
} assay_tx_register_adapter;

typedef struct {
    assay_hash_list roots; // ascending, unique
} assay_tx_declare_roots;

typedef struct {
    assay_hash tip;
    uint64_t length;
} assay_tx_register_chain;

typedef struct {
    assay_address provider;
    uint64_t deposit;
    uint64_t price_in; // nopen a token
    uint64_t price_out;
    uint64_t expiry;
} assay_tx_open_session;

typedef struct {
    assay_hash session;
} assay_tx_close_session;

typedef struct {
    assay_hash root; // of the Merkle-sum tree
    uint32_t count;  // receipts, 1 … ASSAY_BATCH_RECEIPTS_MAX
    uint64_t fee_total;
    uint32_t receipt_bytes; // of all receipts together
    assay_bytes uri;
    assay_session_list sessions; // each ascending, unique; not empty except datasets
    assay_model_list models;
    assay_dataset_list datasets;
} assay_tx_submit_batch;

// The tables of submit_batch, alone: what the ledger keeps of them, and tells.
typedef struct {
    assay_session_list sessions;
    assay_model_list models;
    assay_dataset_list datasets;
} assay_batch_tables;

typedef struct {
    assay_hash batch;
    uint32_t sample;
    uint8_t round;
    assay_hash commitment; // assay_verdict_commitment
} assay_tx_verdict_commit;

typedef struct {
    assay_hash batch;
    uint32_t sample;
    uint8_t round;
    assay_hash salt;
    uint8_t verdict;
    assay_hash probe;
} assay_tx_verdict_reveal;

typedef struct {
    assay_hash batch;
    uint32_t sample;
    uint16_t part; // < part_count
    uint16_t part_count;
    assay_bytes data;
} assay_tx_post_evidence;

typedef struct {
    assay_address recipient; // on the EVM chain
    uint64_t amount;
} assay_tx_withdraw;

typedef struct {
    assay_hash preimage; // zeros: the proposer has none to give
} assay_tx_beacon;

typedef struct {
    assay_hash ed25519; // the consensus key
    assay_bytes proof;  // [ASSAY_ED25519_SIGNATURE_SIZE] by it (P-91)
} assay_tx_register_validator;

typedef assay_tx_bond assay_tx_unbond;

// One transaction. Lists live in the arena of the decode (or with the caller who filled them);
// texts and blobs borrow the encoded bytes. A beacon has its block's height as nonce, and
// an ed25519 signature and a zero byte (P-45) as signature.
typedef struct {
    assay_tx_kind kind;
    uint64_t chain_id;
    assay_address signer;
    assay_address principal; // pays; the signer itself or the one it is an agent of
    uint8_t lane;            // assay_tx_lane(kind)
    uint64_t nonce;          // of the signer in this lane
    union {
#define X(name, number, member, lane, scope) assay_tx_##member member;
        ASSAY_TX_KIND_LIST(X)
#undef X
    } body;
    assay_signature signature;
} assay_tx;

// Reads one transaction; everything that can be checked without state and keys is. Texts borrow
// data; lists come from the arena (≤ ASSAY_TX_ARENA_MAX bytes).
// Errors: TX_SIZE to TX_SUM, TX_BEACON (rejects), CAPACITY (arena). On failure tx is unspecified.
// Lives: as long as data and the arena. Spec: P-2, P-6, P-7.
assay_status assay_tx_decode(assay_tx *tx, const uint8_t *data, size_t size, assay_arena *arena,
                             assay_error *err);

// The rules of form that decode and encode both apply: kind, lane, limits, order, sums.
// Errors: TX_KIND, TX_LANE, TX_TEXT to TX_SUM, TX_BEACON (rejects). Spec: P-7.
assay_status assay_tx_check(const assay_tx *tx, assay_error *err);

// Writes the one encoding. out [capacity]; capacity ASSAY_TX_SIZE_MAX always suffices. The same
// rules as in decode are checked, so what is written can be read.
// Errors: as decode, CAPACITY (out). Spec: P-6.
assay_status assay_tx_encode(const assay_tx *tx, uint8_t *out, size_t capacity, size_t *size,
                             assay_error *err);

// The size of the encoding, bytes. Never fails.
size_t assay_tx_size(const assay_tx *tx);

// Transaction id: SHA-256 of the whole encoding. Spec: P-6.
void assay_tx_id(assay_hash *out, const uint8_t *data, size_t size);

// "open_session" …; NULL for a number that is no kind. Lives: for ever. Spec: P-8.
const char *assay_tx_kind_name(uint32_t kind);

// The kind of that name, 0 for none. Spec: P-8.
uint32_t assay_tx_kind_find(const char *name);

// 0 or 1. kind must be one. Spec: P-8.
uint8_t assay_tx_lane(assay_tx_kind kind);

// The scope bit an agent needs, 0 = only the principal itself. kind must be one. Spec: P-9.
uint32_t assay_tx_scope(assay_tx_kind kind);

// Whether the number is a verdict of P-10.
bool assay_verdict_is_known(uint8_t verdict);

// Whether a probe goes with it: not with what needs no run. Spec: P-57.
bool assay_verdict_has_probe(uint8_t verdict);

// SHA-256(validator || salt || verdict || probe). Spec: P-10.
void assay_verdict_commitment(assay_hash *out, const assay_address *validator,
                              const assay_hash *salt, uint8_t verdict, const assay_hash *probe);

#endif
