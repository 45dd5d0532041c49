// SPDX-License-Identifier: Apache-2.0
#include "consensus/light/block.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/merkle.h"
#include "consensus/types/comet_json.h"

enum { POWER_SHARE = 8, CHAIN_ID_MAX = ASSAY_CHAIN_ID_MAX, TIME_TEXT_SIZE = 40 };

assay_status assay_light_set_hash(assay_hash *out, const assay_light_set *set, assay_arena *arena,
                                  assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, set->count, sizeof(assay_hash), "validators", &room, err));
    assay_hash *leaves = room;
    for (uint32_t i = 0; i < set->count; i++)
        assay_validator_leaf(&leaves[i], set->validators[i].key, set->validators[i].power);
    assay_merkle_root(out, leaves, set->count);
    return ASSAY_OK;
}

// --- reading: what CometBFT's JSON calls each thing ---

// Hex without 0x into the arena, at most size_max bytes; "" and null are empty.
static assay_status hex_get(assay_bytes *out, const json_t *object, const char *name,
                            size_t size_max, assay_arena *arena, assay_error *err) {
    const json_t *value = json_object_get(object, name);
    const char *text = value && !json_is_null(value) ? json_string_value(value) : "";
    void *room;
    if (!text) return ASSAY_FAIL(err, FORMAT, "%s is no text", name);
    size_t size = strlen(text) / 2;
    if (size > size_max)
        return ASSAY_FAIL(err, CAPACITY, "%s has %zu bytes, limit %zu", name, size, size_max);
    ASSAY_TRY(assay_arena_get(arena, size, 1, name, &room, err));
    if (strncmp(text, "0x", 2) == 0) return ASSAY_FAIL(err, FORMAT, "%s begins with 0x", name);
    if (assay_hex_decode(room, size, text, NULL) != ASSAY_OK)
        return ASSAY_FAIL(err, FORMAT, "%s is not hexadecimal", name);
    *out = (assay_bytes){room, size};
    return ASSAY_OK;
}

static assay_status address_get(assay_address *out, const json_t *object, const char *name,
                                assay_arena *arena, assay_error *err) {
    assay_bytes bytes;
    ASSAY_TRY(hex_get(&bytes, object, name, ASSAY_ADDRESS_SIZE, arena, err));
    if (bytes.size != ASSAY_ADDRESS_SIZE)
        return ASSAY_FAIL(err, FORMAT, "%s has %zu bytes, not %d", name, bytes.size,
                          ASSAY_ADDRESS_SIZE);
    memcpy(out->bytes, bytes.data, ASSAY_ADDRESS_SIZE);
    return ASSAY_OK;
}

// "2026-01-02T03:04:05.678Z": RFC 3339 in UTC with up to nine decimals. What is before 1970 has its
// seconds in two's complement.
static assay_status time_get(assay_time *out, const json_t *object, const char *name,
                             assay_error *err) {
    const char *text;
    struct tm utc = {0};
    char same[96];
    ASSAY_TRY(assay_json_text(&text, object, name, TIME_TEXT_SIZE, err));
    const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    int64_t seconds = timegm(&utc); // makes a date that there is of 31 April
    int size = snprintf(same, sizeof same, "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900,
                        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    bool good = at && at - text == size && memcmp(text, same, (size_t)size) == 0;
    unsigned nanos = 0, place = 100000000;
    if (good && *at == '.') {
        for (at++; *at >= '0' && *at <= '9' && place; at++, place /= 10)
            nanos += (unsigned)(*at - '0') * place;
        good = place < 100000000; // one decimal at least
    }
    if (!good || strcmp(at, "Z") != 0 || utc.tm_year + 1900 < 1)
        return ASSAY_FAIL(err, FORMAT, "%s \"%.40s\" is no time in UTC", name, text);
    *out = (assay_time){(uint64_t)seconds, nanos};
    return ASSAY_OK;
}

assay_status assay_light_block_id_read(assay_block_id *out, const json_t *object, const char *name,
                                       assay_arena *arena, assay_error *err) {
    const json_t *id = json_object_get(object, name), *parts;
    uint64_t total;
    assay_bytes hash, root;
    static const char *const members[] = {"hash", "parts", "part_set_header", NULL};
    static const char *const part_members[] = {"total", "hash", NULL};
    memset(out, 0, sizeof *out);
    if (!id || json_is_null(id)) return ASSAY_OK; // the first block's
    ASSAY_TRY(assay_json_names(id, members, name, err));
    ASSAY_TRY(hex_get(&hash, id, "hash", ASSAY_HASH_SIZE, arena, err));
    // /commit calls them parts, protobuf's own JSON part_set_header.
    const char *parts_name = json_object_get(id, "parts") ? "parts" : "part_set_header";
    ASSAY_TRY(assay_json_object(&parts, id, parts_name, err));
    ASSAY_TRY(assay_json_names(parts, part_members, parts_name, err));
    ASSAY_TRY(assay_json_u64(&total, parts, "total", 0, UINT32_MAX, err));
    ASSAY_TRY(hex_get(&root, parts, "hash", ASSAY_HASH_SIZE, arena, err));
    if (hash.size % ASSAY_HASH_SIZE || root.size % ASSAY_HASH_SIZE)
        return ASSAY_FAIL(err, FORMAT, "%s has hashes of %zu and %zu bytes, not %d", name,
                          hash.size, root.size, ASSAY_HASH_SIZE);
    out->part_count = (uint32_t)total;
    if (hash.size) memcpy(out->hash.bytes, hash.data, hash.size);
    if (root.size) memcpy(out->part_root.bytes, root.data, root.size);
    return ASSAY_OK;
}

assay_status assay_light_header_read(assay_header_view *out, const json_t *object,
                                     assay_arena *arena, assay_error *err) {
    static const char *const names[ASSAY_HEADER_HASHES] = {
        "last_commit_hash", "data_hash", "validators_hash",   "next_validators_hash",
        "consensus_hash",   "app_hash",  "last_results_hash", "evidence_hash"};
    const json_t *version = json_object_get(object, "version");
    const char *chain_id;
    static const char *const members[] = {
        "version",        "chain_id",         "height",
        "time",           "last_block_id",    "last_commit_hash",
        "data_hash",      "validators_hash",  "next_validators_hash",
        "consensus_hash", "app_hash",         "last_results_hash",
        "evidence_hash",  "proposer_address", NULL};
    static const char *const versions[] = {"block", "app", NULL};
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_names(object, members, "header", err));
    ASSAY_TRY(assay_json_names(version, versions, "version", err));
    if (json_object_get(version, "block"))
        ASSAY_TRY(assay_json_u64(&out->block_version, version, "block", 0, UINT64_MAX, err));
    if (json_object_get(version, "app"))
        ASSAY_TRY(assay_json_u64(&out->app_version, version, "app", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_text(&chain_id, object, "chain_id", CHAIN_ID_MAX, err));
    ASSAY_TRY(assay_arena_copy(arena, chain_id, strlen(chain_id), "chain id", &out->chain_id, err));
    ASSAY_TRY(assay_json_u64(&out->height, object, "height", 1, INT64_MAX, err));
    ASSAY_TRY(time_get(&out->time, object, "time", err));
    if (out->time.seconds > ASSAY_TIME_SECONDS_MAX)
        return ASSAY_FAIL(err, RANGE, "a header's time is before 1970");
    ASSAY_TRY(assay_light_block_id_read(&out->last_block, object, "last_block_id", arena, err));
    for (int i = 0; i < ASSAY_HEADER_HASHES; i++) {
        ASSAY_TRY(hex_get(&out->hashes[i], object, names[i], ASSAY_HEADER_BYTES_MAX, arena, err));
        size_t size = out->hashes[i].size;
        if (i != ASSAY_HEADER_APP && size != 0 && size != ASSAY_HASH_SIZE)
            return ASSAY_FAIL(err, FORMAT, "%s has %zu bytes, not %d", names[i], size,
                              ASSAY_HASH_SIZE);
    }
    ASSAY_TRY(hex_get(&out->proposer, object, "proposer_address", ASSAY_ADDRESS_SIZE, arena, err));
    if (out->proposer.size == ASSAY_ADDRESS_SIZE) return ASSAY_OK;
    return ASSAY_FAIL(err, FORMAT, "proposer_address has %zu bytes, not %d", out->proposer.size,
                      ASSAY_ADDRESS_SIZE);
}

// Base64 of exactly `size` bytes.
static assay_status base64_get(uint8_t *out, size_t size, const json_t *object, const char *name,
                               assay_error *err) {
    const char *text;
    size_t decoded;
    ASSAY_TRY(assay_json_text(&text, object, name, ASSAY_BASE64_SIZE(size), err));
    ASSAY_TRY(assay_base64_decode(out, &decoded, size, text, strlen(text), err));
    if (decoded == size) return ASSAY_OK;
    return ASSAY_FAIL(err, FORMAT, "%s has %zu bytes, not %zu", name, decoded, size);
}

static assay_status signature_read(assay_light_signature *out, const json_t *object,
                                   assay_arena *arena, assay_error *err) {
    static const char *const members[] = {"block_id_flag", "validator_address", "timestamp",
                                          "signature", NULL};
    uint64_t flag;
    ASSAY_TRY(assay_json_names(object, members, "signature", err));
    ASSAY_TRY(
        assay_json_u64(&flag, object, "block_id_flag", ASSAY_LIGHT_ABSENT, ASSAY_LIGHT_NIL, err));
    out->flag = (assay_light_flag)flag;
    if (flag == ASSAY_LIGHT_ABSENT) return ASSAY_OK; // there is nothing to it
    ASSAY_TRY(address_get(&out->validator, object, "validator_address", arena, err));
    // Any that protobuf can state: CometBFT bounds no vote's, and what one validator states must
    // not make the whole commit unreadable.
    ASSAY_TRY(time_get(&out->time, object, "timestamp", err));
    return base64_get(out->signature, sizeof out->signature, object, "signature", err);
}

static assay_status signatures_read(const assay_light_signature **out, uint32_t *count,
                                    const json_t *commit, assay_arena *arena, assay_error *err) {
    const json_t *list;
    void *room;
    ASSAY_TRY(assay_json_array(&list, commit, "signatures", ASSAY_LIGHT_VALIDATORS_MAX, err));
    *count = (uint32_t)json_array_size(list);
    ASSAY_TRY(assay_arena_get(arena, *count, sizeof **out, "signatures", &room, err));
    assay_light_signature *signatures = room;
    for (uint32_t i = 0; i < *count; i++)
        ASSAY_TRY(signature_read(&signatures[i], json_array_get(list, i), arena, err));
    *out = signatures;
    return ASSAY_OK;
}

// Who is absent has Go's time of none, of the year 1, which no vote has: {flag 1: 1, time 3}.
static void signature_leaf(assay_hash *out, const assay_light_signature *signature) {
    static const uint8_t absent[] = {0x08, 0x01, 0x1a, 0x0b, 0x08, 0x80, 0x92, 0xb8,
                                     0xc3, 0x98, 0xfe, 0xff, 0xff, 0xff, 0x01};
    assay_commit vote = {.validator = signature->validator, .time = signature->time};
    if (signature->flag == ASSAY_LIGHT_ABSENT) {
        assay_merkle_leaf(out, absent, sizeof absent);
        return;
    }
    memcpy(vote.signature, signature->signature, sizeof vote.signature);
    assay_commit_vote_leaf(out, signature->flag, &vote);
}

assay_status assay_light_commit_hash(assay_hash *out, const json_t *commit, assay_arena *arena,
                                     assay_error *err) {
    const assay_light_signature *signatures;
    uint32_t count;
    void *room;
    ASSAY_TRY(signatures_read(&signatures, &count, commit, arena, err));
    ASSAY_TRY(assay_arena_get(arena, count, sizeof *out, "signatures", &room, err));
    assay_hash *leaves = room;
    for (uint32_t i = 0; i < count; i++)
        signature_leaf(&leaves[i], &signatures[i]);
    assay_merkle_root(out, leaves, count);
    return ASSAY_OK;
}

static assay_status commit_read(assay_light_block *out, const json_t *object, assay_arena *arena,
                                assay_error *err) {
    static const char *const members[] = {"height", "round", "block_id", "signatures", NULL};
    uint64_t round;
    ASSAY_TRY(assay_json_names(object, members, "commit", err));
    ASSAY_TRY(assay_json_u64(&out->commit_height, object, "height", 1, INT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&round, object, "round", 0, INT32_MAX, err));
    ASSAY_TRY(assay_light_block_id_read(&out->commit_block, object, "block_id", arena, err));
    out->round = (uint32_t)round;
    return signatures_read(&out->signatures, &out->signature_count, object, arena, err);
}

static assay_status validator_read(assay_light_validator *out, const json_t *object,
                                   assay_arena *arena, assay_error *err) {
    const json_t *key;
    const char *type;
    static const char *const members[] = {"address", "pub_key", "voting_power", NULL};
    static const char *const key_members[] = {"type", "value", NULL};
    assay_address named;
    ASSAY_TRY(assay_json_names(object, members, "validator", err));
    ASSAY_TRY(assay_json_object(&key, object, "pub_key", err));
    ASSAY_TRY(assay_json_names(key, key_members, "pub_key", err));
    ASSAY_TRY(assay_json_text(&type, key, "type", 64, err));
    if (strcmp(type, ASSAY_COMET_KEY_TYPE) != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "a validator's key is of type %s", type);
    ASSAY_TRY(base64_get(out->key, sizeof out->key, key, "value", err));
    ASSAY_TRY(assay_json_u64(&out->power, object, "voting_power", 1, INT64_MAX / POWER_SHARE, err));
    ASSAY_TRY(address_get(&named, object, "address", arena, err));
    assay_ed25519_address(&out->address, out->key);
    if (assay_address_equal(&named, &out->address)) return ASSAY_OK;
    return ASSAY_FAIL(err, MISMATCH, "a validator's address is not that of its key");
}

int assay_light_order(const void *a, const void *b) {
    const assay_light_validator *left = a, *right = b;
    if (left->power != right->power) return left->power > right->power ? -1 : 1;
    return memcmp(left->address.bytes, right->address.bytes, ASSAY_ADDRESS_SIZE);
}

static assay_status set_read(assay_light_set *out, const json_t *list, assay_arena *arena,
                             assay_error *err) {
    void *room;
    if (json_array_size(list) == 0) return ASSAY_FAIL(err, CAPACITY, "0 validators, at least 1");
    out->count = (uint32_t)json_array_size(list);
    ASSAY_TRY(
        assay_arena_get(arena, out->count, sizeof *out->validators, "validators", &room, err));
    assay_light_validator *validators = room;
    out->validators = validators;
    for (uint32_t i = 0; i < out->count; i++) {
        ASSAY_TRY(validator_read(&validators[i], json_array_get(list, i), arena, err));
        out->power += validators[i].power; // each below 2^60, and 10,000 of them below 2^64
        if (out->power > INT64_MAX / POWER_SHARE)
            return ASSAY_FAIL(err, RANGE, "the set's power passes %lld",
                              (long long)(INT64_MAX / POWER_SHARE));
    }
    // Lists that come otherwise mean the same set.
    qsort(validators, out->count, sizeof *validators, assay_light_order);
    return ASSAY_OK;
}

assay_status assay_light_document_read(assay_light_block *out, const json_t *document,
                                       assay_arena *arena, assay_error *err) {
    static const char *const names[] = {"signed_header", "validators", NULL};
    static const char *const members[] = {"header", "commit", NULL};
    const json_t *signed_header, *validators, *header, *commit;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_names(document, names, "light block", err));
    ASSAY_TRY(assay_json_object(&signed_header, document, "signed_header", err));
    ASSAY_TRY(
        assay_json_array(&validators, document, "validators", ASSAY_LIGHT_VALIDATORS_MAX, err));
    ASSAY_TRY(assay_json_names(signed_header, members, "signed header", err));
    ASSAY_TRY(assay_json_object(&header, signed_header, "header", err));
    ASSAY_TRY(assay_json_object(&commit, signed_header, "commit", err));
    ASSAY_TRY(assay_light_header_read(&out->header, header, arena, err));
    ASSAY_TRY(commit_read(out, commit, arena, err));
    ASSAY_TRY(set_read(&out->set, validators, arena, err));
    assay_header_view_hash(&out->hash, &out->header);
    return ASSAY_OK;
}
