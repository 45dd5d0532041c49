// SPDX-License-Identifier: Apache-2.0
// What CometBFT made (tests/oracles/cometbft), read into our own structs. ASSAY_COMETBFT_VECTORS
// names another file of the same form: the live test makes one with a new seed.
#ifndef ASSAY_TESTS_CONSENSUS_COMETBFT_H
#define ASSAY_TESTS_CONSENSUS_COMETBFT_H

#include "consensus/block.h"
#include "tests/vectors.h"

static inline json_t *cometbft_read(void) {
    const char *path = getenv("ASSAY_COMETBFT_VECTORS");
    json_t *root;
    if (!path) return vectors_read("cometbft.json");
    must(assay_json_read_many(&root, path, 16 << 20, SIZE_MAX, err));
    return root;
}

static inline uint64_t number_at(const json_t *object, const char *name) {
    uint64_t value;
    must(assay_json_u64(&value, object, name, 0, UINT64_MAX, err));
    return value;
}

static inline assay_hash hash_at(const json_t *object, const char *name) {
    assay_hash hash;
    must(assay_json_hash(&hash, object, name, err));
    return hash;
}

static inline assay_time time_at(const json_t *object, const char *name) {
    const json_t *time = json_object_get(object, name);
    return (assay_time){number_at(time, "seconds"), (uint32_t)number_at(time, "nanos")};
}

static inline assay_block_id block_id_at(const json_t *object, const char *name) {
    const json_t *id = json_object_get(object, name);
    if (json_is_null(id)) return (assay_block_id){{{0}}, 0, {{0}}};
    return (assay_block_id){hash_at(id, "hash"), (uint32_t)number_at(id, "part_count"),
                            hash_at(id, "part_root")};
}

static inline const char *text_at(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static inline assay_header header_of(const json_t *object) {
    assay_header header = {
        .height = number_at(object, "height"),
        .time = time_at(object, "time"),
        .last_block = block_id_at(object, "last_block"),
        .last_commit_hash = hash_at(object, "last_commit_hash"),
        .data_hash = hash_at(object, "data_hash"),
        .validators_hash = hash_at(object, "validators_hash"),
        .next_validators_hash = hash_at(object, "next_validators_hash"),
        .consensus_hash = hash_at(object, "consensus_hash"),
        .app_hash = hash_at(object, "app_hash"),
        .last_results_hash = hash_at(object, "last_results_hash"),
        .evidence_hash = hash_at(object, "evidence_hash"),
    };
    must(assay_json_address(&header.proposer, object, "proposer", err));
    snprintf(header.chain_id, sizeof header.chain_id, "%s", text_at(object, "chain_id"));
    return header;
}

static inline assay_commit commit_of(const json_t *object) {
    assay_commit commit = {
        .height = number_at(object, "height"),
        .block = block_id_at(object, "block"),
        .time = time_at(object, "time"),
    };
    must(assay_json_address(&commit.validator, object, "validator", err));
    must(assay_json_hex(commit.signature, sizeof commit.signature, object, "signature", err));
    return commit;
}

// A member's hex is what the writer holds.
static inline void expect_hex(const json_t *object, const char *name, const uint8_t *data,
                              size_t size) {
    char *hex = malloc(2 * size + 1);
    assay_hex_encode(hex, data, size);
    assert_string_equal(hex, text_at(object, name));
    free(hex);
}

static inline void expect_hash(const json_t *object, const char *name, const assay_hash *hash) {
    assay_hash expected = hash_at(object, name);
    assert_memory_equal(expected.bytes, hash->bytes, ASSAY_HASH_SIZE);
}

#endif
