// SPDX-License-Identifier: Apache-2.0
#include "node/bench/genesis.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/sha256.h"

void assay_bench_secrets_make(assay_operator *out, uint32_t index, uint64_t beacon_length) {
    uint8_t seed[] = "assay bench validator\0\0\0\0";
    assay_hash hash;
    assay_store_be32(seed + sizeof seed - 5, index);
    assay_sha256_of(&hash, seed, sizeof seed);
    *out = (assay_operator){.beacon_seed = hash, .beacon_length = beacon_length};
    memcpy(out->ed25519_seed, hash.bytes, sizeof out->ed25519_seed);
}

static assay_status validators_make(assay_genesis *genesis, const assay_operator *secrets,
                                    uint32_t count, assay_error *err) {
    genesis->validators = calloc(count, sizeof *genesis->validators);
    if (!genesis->validators) return ASSAY_FAIL(err, MEMORY, "no memory for a genesis");
    genesis->validator_count = count;
    for (uint32_t i = 0; i < count; i++) {
        assay_genesis_validator *own = &genesis->validators[i];
        memcpy(own->address.bytes, secrets[i].beacon_seed.bytes, ASSAY_ADDRESS_SIZE);
        own->consensus_bond = genesis->params.consensus_bond_min;
        ASSAY_TRY(assay_operator_entry(own, &secrets[i], err));
    }
    return ASSAY_OK;
}

assay_status assay_bench_genesis_make(assay_genesis *out, assay_bench_transfers *transfers,
                                      const assay_operator *secrets, uint32_t count,
                                      assay_error *err) {
    uint32_t accounts = transfers->account_count;
    *out = (assay_genesis){
        .chain_id = ASSAY_BENCH_CHAIN_ID, .testnet = true, .time = ASSAY_BENCH_GENESIS_SECONDS};
    snprintf(out->name, sizeof out->name, "bench");
    assay_params_init(&out->params);
    out->params.commitment_blocks = 1; // its one model waits no longer than it must
    ASSAY_TRY(validators_make(out, secrets, count, err));
    out->accounts = calloc(accounts, sizeof *out->accounts);
    if (!out->accounts) return ASSAY_FAIL(err, MEMORY, "no memory for %u accounts", accounts);
    out->account_count = accounts;
    for (uint32_t i = 0; i < accounts; i++)
        out->accounts[i] = (assay_genesis_account){transfers->accounts[i].address,
                                                   ASSAY_BENCH_BALANCE_OPEN * ASSAY_OPEN_NOPEN};
    ASSAY_TRY(assay_genesis_seal(out, err));
    assay_domain_init(&transfers->domain, out->chain_id, &out->hash);
    return ASSAY_OK;
}
