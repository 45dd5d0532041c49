// SPDX-License-Identifier: Apache-2.0
// What a light client knows of a height of any CometBFT chain: header, commit and validators.
// Source: CometBFT types/light.go, validator_set.go.
#ifndef ASSAY_CONSENSUS_LIGHT_BLOCK_H
#define ASSAY_CONSENSUS_LIGHT_BLOCK_H

#include <jansson.h>

#include "base/arena.h"
#include "consensus/types/commit.h"

enum {
    ASSAY_LIGHT_VALIDATORS_MAX = 10000, // CometBFT's own limit on votes
    ASSAY_LIGHT_ARENA_MAX = 16 << 20,   // holds a block of so many, and its checks
};

typedef struct {
    uint8_t key[ASSAY_ED25519_KEY_SIZE];
    assay_address address; // of the key
    uint64_t power;        // 1 to INT64_MAX / 8, and so is the sum
} assay_light_validator;

// For qsort: a set's order, power down and addresses up. Spec: E-41.
int assay_light_order(const void *a, const void *b);

typedef struct {
    const assay_light_validator *validators; // [count], power down, address up
    uint32_t count;
    uint64_t power; // of all
} assay_light_set;

typedef enum {
    ASSAY_LIGHT_ABSENT = 1,
    ASSAY_LIGHT_COMMIT = 2,
    ASSAY_LIGHT_NIL = 3
} assay_light_flag;

typedef struct {
    assay_light_flag flag;
    assay_address validator; // zero if absent
    assay_time time;
    uint8_t signature[ASSAY_ED25519_SIGNATURE_SIZE];
} assay_light_signature;

// Fixed to its arena.
typedef struct {
    assay_header_view header;
    assay_hash hash; // of the header
    uint64_t commit_height;
    uint32_t round;
    assay_block_id commit_block;
    const assay_light_signature *signatures; // [signature_count], one a validator
    uint32_t signature_count;
    assay_light_set set;
} assay_light_block;

// Reads a header as CometBFT's JSON has it, and an id of a block (absent or null: all zero).
// Errors: FORMAT, MISSING, RANGE, CAPACITY, UNKNOWN. Lives: as long as the arena. Spec: E-40.
assay_status assay_light_header_read(assay_header_view *out, const json_t *object,
                                     assay_arena *arena, assay_error *err);
assay_status assay_light_block_id_read(assay_block_id *out, const json_t *object, const char *name,
                                       assay_arena *arena, assay_error *err);

// The hash that the next header names of a commit in CometBFT's JSON: of its signatures alone, none
// before the first block. Errors: FORMAT, MISSING, RANGE, CAPACITY, UNKNOWN. Spec: C-6, E-93.
assay_status assay_light_commit_hash(assay_hash *out, const json_t *commit, assay_arena *arena,
                                     assay_error *err);

// The set's hash, as headers name it. Errors: CAPACITY (arena). Spec: E-41.
assay_status assay_light_set_hash(assay_hash *out, const assay_light_set *set, assay_arena *arena,
                                  assay_error *err);

// Reads CometBFT's JSON as proof files hold it, {"signed_header", "validators"}: the former is
// /commit's, the latter the list of /validators, whole. Errors: FORMAT, MISSING, UNKNOWN, RANGE,
// CAPACITY, UNSUPPORTED (a key that is not ed25519), MISMATCH (an address that is not its key's).
// Lives: as long as the arena. Spec: E-40, F-44.
assay_status assay_light_document_read(assay_light_block *out, const json_t *document,
                                       assay_arena *arena, assay_error *err);

// Leaves out what a node of CometBFT's says of its validators beside that: proposer_priority.
// Spec: E-40.
void assay_light_document_strip(json_t *document);

// One of our own blocks in that form: its header, commit and the one validator. Returns: a new
// reference, NULL if memory is out. Spec: E-40, E-46.
json_t *assay_light_document(const assay_header *header, const assay_commit *commit,
                             const uint8_t *public_key, uint64_t power);

#endif
