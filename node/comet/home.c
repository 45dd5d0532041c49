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
#include "consensus/ledger_application.h"
#include "consensus/types/comet_json.h"
#include "node/json_file.h"

enum {
    EVIDENCE_BYTES = 256 << 10,
    SIGNED = 3, // CometBFT's step of a precommit, a round's last
    FILE_BYTES_MAX = 4 << 20,
};

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
                               .evidence_max_blocks = (int64_t)assay_misbehavior_blocks(params),
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

static json_t *genesis_json(const assay_comet_start *start) {
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

// Nothing at or below the last block, or the last height signed before, is ever signed again: at
// that height no round is above the last one that CometBFT can count.
static json_t *state_json(const assay_comet_start *start) {
    bool before = start->signed_to > 0;
    return json_pack("{s:o,s:i,s:i}", "height",
                     assay_comet_number_json(before ? start->signed_to : start->height), "round",
                     before ? INT32_MAX : 0, "step", before || start->height ? SIGNED : 0);
}

static assay_status is_there(bool *there, const char *folder, const char *name, assay_error *err) {
    char path[PATH_MAX];
    struct stat info;
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, name, err));
    *there = stat(path, &info) == 0;
    return ASSAY_OK;
}

// Whether a file holds this document and nothing else; takes the reference. Errors: EXISTS (no).
static assay_status same_check(const char *folder, const char *name, json_t *document,
                               assay_error *err) {
    char path[PATH_MAX];
    json_t *found = NULL;
    assay_status status = assay_path_join(path, sizeof path, folder, name, err);
    if (status == ASSAY_OK &&
        (assay_json_read_many(&found, path, FILE_BYTES_MAX, SIZE_MAX, NULL) != ASSAY_OK ||
         !json_equal(found, document)))
        status = ASSAY_FAIL(err, EXISTS, "%s is there already, and another one", path);
    json_decref(found);
    json_decref(document);
    return status;
}

// Takes the reference.
static assay_status file_put(const char *folder, const char *name, json_t *document, unsigned mode,
                             assay_error *err) {
    bool there;
    assay_status status = is_there(&there, folder, name, err);
    if (status != ASSAY_OK) {
        json_decref(document);
        return status;
    }
    if (there) return same_check(folder, name, document, err);
    return assay_json_file_write(folder, name, document, mode, assay_file_create, err);
}

assay_status assay_comet_home_prepare(const char *folder, const assay_comet_start *start,
                                      const uint8_t *seed, bool repeated, assay_error *err) {
    char path[PATH_MAX];
    bool has_key, has_state, has_genesis;
    ASSAY_TRY(is_there(&has_key, folder, key_file, err));
    ASSAY_TRY(is_there(&has_state, folder, state_file, err));
    ASSAY_TRY(is_there(&has_genesis, folder, genesis_file, err));
    if (has_genesis) ASSAY_TRY(same_check(folder, genesis_file, genesis_json(start), err));
    if (seed && has_key && !repeated)
        return ASSAY_FAIL(err, EXISTS, "%s/%s is there already", folder, key_file);
    if (seed && has_key) ASSAY_TRY(same_check(folder, key_file, secret_json(seed, err), err));
    if (seed && has_key && !has_state)
        return ASSAY_FAIL(err, NOT_FOUND, "%s has the key but not %s: what was signed is not known",
                          folder, state_file);
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "config", err));
    ASSAY_TRY(assay_folder_make(path, err));
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "data", err));
    ASSAY_TRY(assay_folder_make(path, err));
    if (!seed || has_key) return ASSAY_OK;
    return file_put(folder, state_file, state_json(start), 0600, err);
}

assay_status assay_comet_home_write(const char *folder, const assay_comet_start *start,
                                    const uint8_t *seed, assay_error *err) {
    if (seed) ASSAY_TRY(file_put(folder, key_file, secret_json(seed, err), 0600, err));
    return file_put(folder, genesis_file, genesis_json(start), 0644, err);
}
