// SPDX-License-Identifier: Apache-2.0
// The genesis file: who has what before the first block, and the params. Its hash names the chain:
// it salts every signature (P-5) and binds the store.
#ifndef ASSAY_LEDGER_GENESIS_H
#define ASSAY_LEDGER_GENESIS_H

#include "base/ed25519.h"
#include "ledger/params.h"

// Links of a proposer's hash chain, at genesis and later. Spec: P-46.
#define ASSAY_CHAIN_LENGTH_MAX (UINT64_C(1) << 40)

enum {
    ASSAY_GENESIS_VERSION = 1,
    ASSAY_GENESIS_NAME_MAX = 64,
    ASSAY_GENESIS_ACCOUNTS_MAX = 1 << 20,
    ASSAY_GENESIS_VALIDATORS_MAX = 256,
    ASSAY_GENESIS_JSON_MAX = 256 << 20,
    ASSAY_GENESIS_JSON_VALUES_MAX = 6 * ASSAY_GENESIS_ACCOUNTS_MAX, // an account has 5
};
// The year 6325: blocks need times after it, and those end with the year 9999.
#define ASSAY_GENESIS_TIME_MAX (UINT64_C(1) << 37)

typedef struct {
    assay_address address;
    uint64_t balance;
} assay_genesis_account;

// Makes blocks from the first one on: bonded, with a key and a beacon chain.
typedef struct {
    assay_address address;
    uint8_t ed25519[ASSAY_ED25519_KEY_SIZE]; // consensus key
    uint64_t consensus_bond;                 // nopen, beside its balance
    assay_hash chain_tip;                    // beacon hash chain, in force at once
    uint64_t chain_length;
} assay_genesis_validator;

// Owns `accounts` and `validators`. A zeroed struct is safe to close.
typedef struct {
    uint64_t chain_id;
    char name[ASSAY_GENESIS_NAME_MAX + 1];
    bool testnet;
    uint64_t time; // seconds since 1970, at most ASSAY_GENESIS_TIME_MAX
    assay_params params;
    assay_genesis_account *accounts; // [account_count], ascending by address, unique
    uint32_t account_count;
    assay_genesis_validator *validators; // [validator_count], likewise, with unique keys
    uint32_t validator_count;            // 1 to ASSAY_GENESIS_VALIDATORS_MAX
    assay_address distributor;           // EVM contract that pays claims
    uint64_t supply;                     // all balances and the validators' bonds, < 2^63
    assay_hash hash;
} assay_genesis;

// Reads, checks and hashes a genesis JSON text. Errors: FORMAT, MISSING, UNKNOWN, RANGE (a param,
// shares over the whole, supply >= 2^63), DUPLICATE (account, validator or its key), CAPACITY,
// MEMORY. Lives: until close. Spec: P-21, P-22.
assay_status assay_genesis_parse(assay_genesis *out, const void *json, size_t size,
                                 assay_error *err);

// The same from a file. Errors: also NOT_FOUND, PERMISSION, IO. Spec: P-21.
assay_status assay_genesis_read(assay_genesis *out, const char *path, assay_error *err);

void assay_genesis_close(assay_genesis *genesis);

// Checks a genesis made in memory, sorts accounts and validators, fills supply and hash; parse ends
// with it. Errors: as parse. Spec: P-21.
assay_status assay_genesis_seal(assay_genesis *genesis, assay_error *err);

// The one validator of a chain that the solo engine runs. Errors: RANGE (there are more).
// Lives: as the genesis. Spec: P-21.
assay_status assay_genesis_operator(const assay_genesis_validator **out,
                                    const assay_genesis *genesis, assay_error *err);

// The file's JSON, all params explicit. Returns: a new reference, NULL if memory is out.
// Spec: P-21.
json_t *assay_genesis_json(const assay_genesis *genesis);

// One validator as the file has it, and back from there. Errors: FORMAT, MISSING, UNKNOWN, RANGE.
// Spec: P-21.
json_t *assay_genesis_validator_json(const assay_genesis_validator *validator);
assay_status assay_genesis_validator_read(assay_genesis_validator *out, const json_t *object,
                                          assay_error *err);

#endif
