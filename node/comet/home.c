// SPDX-License-Identifier: Apache-2.0
#include "node/comet/home.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "consensus/block.h"
#include "consensus/comet_json.h"
#include "consensus/ledger_application.h"
#include "node/json_file.h"

typedef unsigned long long ull;

enum { EVIDENCE_BYTES = 256 << 10 };

static const char secret_type[] = "tendermint/PrivKeyEd25519";

static json_t *validators_json(const assay_comet_start *start) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < start->validator_count; i++) {
        const assay_validator_update *validator = &start->validators[i];
        assay_address address;
        assay_ed25519_address(&address, validator->ed25519);
        json_array_append_new(
            list, json_pack("{s:o,s:o,s:o,s:s}", "address",
                            assay_comet_hex_json(address.bytes, ASSAY_ADDRESS_SIZE), "pub_key",
                            assay_comet_key_json(ASSAY_COMET_KEY_TYPE, validator->ed25519,
                                                 ASSAY_ED25519_KEY_SIZE),
                            "power", assay_comet_number_json(validator->power), "name", ""));
    }
    return list;
}

// Evidence is too old by blocks alone: a nanosecond is always over.
void assay_comet_params(assay_abci_params *out, const assay_params *params) {
    *out = (assay_abci_params){.has_block = true,
                               .has_evidence = true,
                               .has_validator = true,
                               .has_version = true,
                               .has_abci = true,
                               .block_max_bytes =
                                   (int64_t)(params->block_bytes_max + ASSAY_BLOCK_OVERHEAD),
                               .block_max_gas = -1,
                               .evidence_max_blocks = (int64_t)assay_evidence_blocks(params),
                               .evidence_max_nanos = 1,
                               .evidence_max_bytes = EVIDENCE_BYTES,
                               .only_ed25519 = true,
                               .app_version = ASSAY_APP_PROTOCOL};
}

static json_t *params_json(const assay_params *params) {
    assay_abci_params own;
    assay_comet_params(&own, params);
    return json_pack("{s:{s:o,s:s},s:{s:o,s:s,s:o},s:{s:[s]},s:{s:o},s:{s:s}}", "block",
                     "max_bytes", assay_comet_number_json((uint64_t)own.block_max_bytes), "max_gas",
                     "-1", "evidence", "max_age_num_blocks",
                     assay_comet_number_json((uint64_t)own.evidence_max_blocks), "max_age_duration",
                     "1", "max_bytes", assay_comet_number_json((uint64_t)own.evidence_max_bytes),
                     "validator", "pub_key_types", "ed25519", "version", "app",
                     assay_comet_number_json(own.app_version), "abci",
                     "vote_extensions_enable_height", "0");
}

json_t *assay_comet_genesis_json(const assay_comet_start *start) {
    char chain_name[ASSAY_CHAIN_ID_MAX + 1];
    assay_chain_name(chain_name, start->genesis);
    size_t hash_size = start->height ? ASSAY_HASH_SIZE : 0;
    return json_pack("{s:o,s:s,s:o,s:o,s:o,s:o}", "genesis_time",
                     assay_comet_time_json(&start->time), "chain_id", chain_name, "initial_height",
                     assay_comet_number_json(start->height + 1), "consensus_params",
                     params_json(&start->genesis->params), "validators", validators_json(start),
                     "app_hash", assay_comet_hex_json(start->app_hash.bytes, hash_size));
}

static json_t *secret_json(const uint8_t *seed, assay_error *err) {
    uint8_t pair[2 * ASSAY_ED25519_KEY_SIZE];
    assay_address address;
    memcpy(pair, seed, ASSAY_ED25519_KEY_SIZE);
    if (assay_ed25519_public(pair + ASSAY_ED25519_KEY_SIZE, seed, err) != ASSAY_OK) return NULL;
    assay_ed25519_address(&address, pair + ASSAY_ED25519_KEY_SIZE);
    json_t *object =
        json_pack("{s:o,s:o,s:o}", "address",
                  assay_comet_hex_json(address.bytes, ASSAY_ADDRESS_SIZE), "pub_key",
                  assay_comet_key_json(ASSAY_COMET_KEY_TYPE, pair + ASSAY_ED25519_KEY_SIZE,
                                       ASSAY_ED25519_KEY_SIZE),
                  "priv_key", assay_comet_key_json(secret_type, pair, sizeof pair));
    OPENSSL_cleanse(pair, sizeof pair);
    return object;
}

static const char key_file[] = "config/priv_validator_key.json";
static const char state_file[] = "data/priv_validator_state.json";
static const char genesis_file[] = "config/genesis.json";

assay_status assay_comet_home_check(const char *folder, assay_error *err) {
    const char *const files[] = {key_file, state_file, genesis_file};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[PATH_MAX];
        struct stat info;
        ASSAY_TRY(assay_path_join(path, sizeof path, folder, files[i], err));
        if (stat(path, &info) == 0) return ASSAY_FAIL(err, EXISTS, "%s is there already", path);
    }
    return ASSAY_OK;
}

assay_status assay_comet_home_write(const char *folder, const assay_comet_start *start,
                                    const uint8_t *seed, assay_error *err) {
    char path[PATH_MAX];
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "config", err));
    ASSAY_TRY(assay_folder_make(path, err));
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "data", err));
    ASSAY_TRY(assay_folder_make(path, err));
    if (seed) {
        // Nothing at or below this height is ever signed again.
        json_t *state = json_pack("{s:o,s:i,s:i}", "height", assay_comet_number_json(start->height),
                                  "round", 0, "step", start->height ? 3 : 0);
        ASSAY_TRY(assay_json_file_write(folder, state_file, state, 0600, assay_file_create, err));
        ASSAY_TRY(assay_json_file_write(folder, key_file, secret_json(seed, err), 0600,
                                        assay_file_create, err));
    }
    return assay_json_file_write(folder, genesis_file, assay_comet_genesis_json(start), 0644,
                                 assay_file_create, err);
}
