// SPDX-License-Identifier: Apache-2.0
// Our own blocks in CometBFT's JSON: what our light client reads, and CometBFT's.
#include "consensus/light/block.h"
#include "consensus/types/comet_json.h"

static json_t *hash_json(const assay_hash *hash) {
    return assay_comet_hex_json(hash->bytes, assay_hash_is_zero(hash) ? 0 : ASSAY_HASH_SIZE);
}

static json_t *block_id_json(const assay_block_id *id) {
    return json_pack("{s:o,s:{s:I,s:o}}", "hash", hash_json(&id->hash), "parts", "total",
                     (json_int_t)id->part_count, "hash", hash_json(&id->part_root));
}

static json_t *header_json(const assay_header *header) {
    return json_pack(
        "{s:{s:o,s:o},s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "version", "block",
        assay_comet_number_json(ASSAY_BLOCK_PROTOCOL), "app",
        assay_comet_number_json(ASSAY_APP_PROTOCOL), "chain_id", header->chain_id, "height",
        assay_comet_number_json(header->height), "time", assay_comet_time_json(&header->time),
        "last_block_id", block_id_json(&header->last_block), "last_commit_hash",
        hash_json(&header->last_commit_hash), "data_hash", hash_json(&header->data_hash),
        "validators_hash", hash_json(&header->validators_hash), "next_validators_hash",
        hash_json(&header->next_validators_hash), "consensus_hash",
        hash_json(&header->consensus_hash), "app_hash", hash_json(&header->app_hash),
        "last_results_hash", hash_json(&header->last_results_hash), "evidence_hash",
        hash_json(&header->evidence_hash), "proposer_address",
        assay_comet_hex_json(header->proposer.bytes, ASSAY_ADDRESS_SIZE));
}

static json_t *commit_json(const assay_commit *commit) {
    return json_pack("{s:o,s:i,s:o,s:[{s:i,s:o,s:o,s:o}]}", "height",
                     assay_comet_number_json(commit->height), "round", 0, "block_id",
                     block_id_json(&commit->block), "signatures", "block_id_flag",
                     ASSAY_LIGHT_COMMIT, "validator_address",
                     assay_comet_hex_json(commit->validator.bytes, ASSAY_ADDRESS_SIZE), "timestamp",
                     assay_comet_time_json(&commit->time), "signature",
                     assay_comet_base64_json(commit->signature, sizeof commit->signature));
}

json_t *assay_light_document(const assay_header *header, const assay_commit *commit,
                             const uint8_t *public_key, uint64_t power) {
    assay_address address;
    assay_ed25519_address(&address, public_key);
    return json_pack("{s:{s:o,s:o},s:[{s:o,s:o,s:o}]}", "signed_header", "header",
                     header_json(header), "commit", commit_json(commit), "validators", "address",
                     assay_comet_hex_json(address.bytes, ASSAY_ADDRESS_SIZE), "pub_key",
                     assay_comet_key_json(ASSAY_COMET_KEY_TYPE, public_key, ASSAY_ED25519_KEY_SIZE),
                     "voting_power", assay_comet_number_json(power));
}

void assay_light_document_strip(json_t *document) {
    json_t *validators = json_object_get(document, "validators");
    for (size_t i = 0; i < json_array_size(validators); i++)
        json_object_del(json_array_get(validators, i), "proposer_priority");
}
