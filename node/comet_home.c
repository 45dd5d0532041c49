// SPDX-License-Identifier: Apache-2.0
#include "node/comet_home.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "consensus/ledger_application.h"

typedef unsigned long long ull;

enum {
    KEY_TEXT_SIZE = ASSAY_BASE64_SIZE(2 * ASSAY_ED25519_KEY_SIZE) + 1,
    TEXT_SIZE = 64,
    // What a block has beside its transactions: header, votes of 256 validators, evidence; and what
    // protobuf adds to each transaction, which CometBFT counts.
    BLOCK_OVERHEAD = 1 << 20,
    EVIDENCE_BYTES = 256 << 10,
};

static const char key_type[] = "tendermint/PubKeyEd25519";
static const char secret_type[] = "tendermint/PrivKeyEd25519";

static json_t *number_text(uint64_t value) {
    char text[TEXT_SIZE];
    snprintf(text, sizeof text, "%llu", (ull)value);
    return json_string(text);
}

static json_t *hash_text(const uint8_t *bytes, size_t size) {
    char text[2 * ASSAY_HASH_SIZE + 1];
    assay_hex_encode(text, bytes, size);
    for (char *at = text; *at; at++)
        if (*at >= 'a') *at -= 'a' - 'A';
    return json_string(text);
}

static json_t *time_text(assay_time time) {
    char text[TEXT_SIZE];
    struct tm parts;
    time_t seconds = (time_t)time.seconds;
    gmtime_r(&seconds, &parts);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09uZ", parts.tm_year + 1900,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
             time.nanos);
    return json_string(text);
}

static json_t *key_json(const char *type, const uint8_t *key, size_t size) {
    char text[KEY_TEXT_SIZE];
    assay_base64_encode(text, key, size);
    json_t *object = json_pack("{s:s,s:s}", "type", type, "value", text);
    OPENSSL_cleanse(text, sizeof text);
    return object;
}

static json_t *validators_json(const assay_comet_start *start) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < start->validator_count; i++) {
        const assay_validator_update *validator = &start->validators[i];
        assay_address address;
        assay_ed25519_address(&address, validator->ed25519);
        json_array_append_new(
            list,
            json_pack("{s:o,s:o,s:o,s:s}", "address", hash_text(address.bytes, ASSAY_ADDRESS_SIZE),
                      "pub_key", key_json(key_type, validator->ed25519, ASSAY_ED25519_KEY_SIZE),
                      "power", number_text(validator->power), "name", ""));
    }
    return list;
}

// Evidence is too old by blocks alone: a nanosecond is always over.
static json_t *params_json(const assay_params *params) {
    return json_pack(
        "{s:{s:o,s:s},s:{s:o,s:s,s:o},s:{s:[s]},s:{s:s},s:{s:s}}", "block", "max_bytes",
        number_text(params->block_bytes_max + BLOCK_OVERHEAD), "max_gas", "-1", "evidence",
        "max_age_num_blocks", number_text(assay_params_evidence_blocks(params)), "max_age_duration",
        "1", "max_bytes", number_text(EVIDENCE_BYTES), "validator", "pub_key_types", "ed25519",
        "version", "app", "1", "abci", "vote_extensions_enable_height", "0");
}

json_t *assay_comet_genesis_json(const assay_comet_start *start) {
    char chain_name[ASSAY_CHAIN_ID_MAX + 1];
    assay_chain_name(chain_name, start->genesis);
    size_t hash_size = start->height ? ASSAY_HASH_SIZE : 0;
    return json_pack("{s:o,s:s,s:o,s:o,s:o,s:o}", "genesis_time", time_text(start->time),
                     "chain_id", chain_name, "initial_height", number_text(start->height + 1),
                     "consensus_params", params_json(&start->genesis->params), "validators",
                     validators_json(start), "app_hash",
                     hash_text(start->app_hash.bytes, hash_size));
}

static json_t *secret_json(const uint8_t *seed, assay_error *err) {
    uint8_t pair[2 * ASSAY_ED25519_KEY_SIZE];
    assay_address address;
    memcpy(pair, seed, ASSAY_ED25519_KEY_SIZE);
    if (assay_ed25519_public(pair + ASSAY_ED25519_KEY_SIZE, seed, err) != ASSAY_OK) return NULL;
    assay_ed25519_address(&address, pair + ASSAY_ED25519_KEY_SIZE);
    json_t *object = json_pack(
        "{s:o,s:o,s:o}", "address", hash_text(address.bytes, ASSAY_ADDRESS_SIZE), "pub_key",
        key_json(key_type, pair + ASSAY_ED25519_KEY_SIZE, ASSAY_ED25519_KEY_SIZE), "priv_key",
        key_json(secret_type, pair, sizeof pair));
    OPENSSL_cleanse(pair, sizeof pair);
    return object;
}

static assay_status json_create(const char *folder, const char *name, json_t *document,
                                unsigned mode, assay_error *err) {
    char path[PATH_MAX];
    assay_status status = assay_path_join(path, sizeof path, folder, name, err);
    char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    json_decref(document);
    if (status == ASSAY_OK)
        status = text ? assay_file_create(path, text, strlen(text), mode, err)
                      : ASSAY_FAIL(err, MEMORY, "no memory to write %s", path);
    if (text) OPENSSL_cleanse(text, strlen(text));
    free(text);
    return status;
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
        json_t *state = json_pack("{s:o,s:i,s:i}", "height", number_text(start->height), "round", 0,
                                  "step", start->height ? 3 : 0);
        ASSAY_TRY(json_create(folder, "config/priv_validator_key.json", secret_json(seed, err),
                              0600, err));
        ASSAY_TRY(json_create(folder, "data/priv_validator_state.json", state, 0600, err));
    }
    return json_create(folder, "config/genesis.json", assay_comet_genesis_json(start), 0644, err);
}
