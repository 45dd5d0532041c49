// SPDX-License-Identifier: Apache-2.0
// A chain whose validators change, signed as CometBFT signs, and its forks: as a light client's
// source, for tests and fuzz targets.
#ifndef ASSAY_TESTS_CONSENSUS_LIGHT_MADE_CHAIN_H
#define ASSAY_TESTS_CONSENSUS_LIGHT_MADE_CHAIN_H

#include <stdlib.h>

#include "consensus/light/client.h"

enum {
    SET_SIZE = 6,
    HEIGHT_MAX = 2002,
    START_SECONDS = 1700000000,
};

// A chain that is made as it is asked for: at height h the validators are SET_SIZE keys in a row,
// the first of them number h / steady.
typedef struct {
    uint64_t latest, steady;
    uint64_t fork_from;    // heights above have other blocks
    uint32_t fork_signers; // which so many of the set sign; 0: all
    uint64_t fork_late;    // and are so many seconds later
    bool fork_strangers;   // and two in three of each set are others than in the chain
    uint64_t bent;         // a height whose signatures are bad
    uint64_t absent;       // a height that the source doesn't have
    uint64_t shifted;      // it answers with the height above this one in its place
    uint32_t asked;
    assay_hash *hashes; // [HEIGHT_MAX]
    uint64_t hashed;    // of which so many are known
} chain;

static inline void seed_of(uint8_t seed[32], uint64_t number) {
    memset(seed, 0x5a, 32);
    memcpy(seed, &number, sizeof number);
}

static inline const assay_light_validator *validator_of(uint64_t number) {
    static assay_light_validator known[HEIGHT_MAX + SET_SIZE];
    assay_light_validator *one = &known[number];
    uint8_t seed[32];
    if (one->power) return one;
    seed_of(seed, number);
    ASSAY_ASSERT(assay_ed25519_public(one->key, seed, NULL) == ASSAY_OK);
    assay_ed25519_address(&one->address, one->key);
    one->power = 10;
    return one;
}

// The number of the validator at a place of a set.
static inline uint64_t number_of(const chain *c, uint64_t height, uint32_t place) {
    uint64_t number = height / c->steady + place;
    bool strange = c->fork_strangers && height > c->fork_from && number % 3;
    return strange ? HEIGHT_MAX / 2 + number : number;
}

static inline assay_light_set set_of(const chain *c, uint64_t height, assay_arena *arena) {
    assay_light_validator *validators = assay_arena_take(arena, SET_SIZE, sizeof *validators);
    if (!validators) return (assay_light_set){0};
    for (uint32_t i = 0; i < SET_SIZE; i++)
        validators[i] = *validator_of(number_of(c, height, i));
    return (assay_light_set){validators, SET_SIZE, 10 * SET_SIZE};
}

static inline assay_bytes bytes_of(const void *data, size_t size, assay_arena *arena) {
    uint8_t *copy = assay_arena_take(arena, size, 1);
    if (copy) memcpy(copy, data, size);
    return (assay_bytes){copy, copy ? size : 0};
}

static inline assay_bytes set_hash_of(const chain *c, uint64_t height, assay_arena *arena) {
    assay_light_set set = set_of(c, height, arena);
    assay_hash hash;
    if (assay_light_set_hash(&hash, &set, arena, NULL) != ASSAY_OK) return (assay_bytes){NULL, 0};
    return bytes_of(&hash, sizeof hash, arena);
}

// What a header names as the next one's: where a fork begins the chain has named its own.
static inline assay_bytes next_hash_of(const chain *c, uint64_t height, assay_arena *arena) {
    chain named = *c;
    named.fork_strangers = c->fork_strangers && height > c->fork_from;
    return set_hash_of(&named, height + 1, arena);
}

static inline void header_hash(chain *c, uint64_t height, assay_hash *out);

static inline void header_make(chain *c, uint64_t height, assay_header_view *header,
                               assay_arena *arena) {
    static const uint8_t proposer[ASSAY_ADDRESS_SIZE] = {9};
    uint8_t app = height > c->fork_from ? 0xff : 1;
    *header = (assay_header_view){
        .block_version = ASSAY_BLOCK_PROTOCOL,
        .chain_id = bytes_of("light-7001", 10, arena),
        .height = height,
        .time = {START_SECONDS + height + (height > c->fork_from ? c->fork_late : 0), 7},
        .proposer = {proposer, sizeof proposer},
    };
    header->hashes[ASSAY_HEADER_APP] = bytes_of(&app, 1, arena);
    header->hashes[ASSAY_HEADER_VALIDATORS] = set_hash_of(c, height, arena);
    header->hashes[ASSAY_HEADER_NEXT_VALIDATORS] = next_hash_of(c, height, arena);
    if (height == 1) return;
    header->last_block.part_count = 1;
    header_hash(c, height - 1, &header->last_block.hash);
}

// Each header names the one before, so the first ones are made first.
static inline void header_hash(chain *c, uint64_t height, assay_hash *out) {
    ASSAY_ASSERT(height < HEIGHT_MAX);
    while (c->hashed < height) {
        assay_arena arena;
        assay_header_view header;
        assay_arena_init(&arena, 1 << 20);
        header_make(c, c->hashed + 1, &header, &arena);
        assay_header_view_hash(&c->hashes[++c->hashed], &header);
        assay_arena_close(&arena);
    }
    *out = c->hashes[height];
}

static inline void sign_all(const chain *c, assay_light_block *out,
                            assay_light_signature *signatures) {
    uint64_t height = out->header.height;
    for (uint32_t i = 0; i < SET_SIZE; i++) {
        uint8_t seed[32], bytes[ASSAY_VOTE_BYTES_MAX];
        assay_light_signature *signature = &signatures[i];
        bool forked = height > c->fork_from && c->fork_signers;
        if (forked && i >= c->fork_signers) {
            signature->flag = ASSAY_LIGHT_ABSENT;
            continue;
        }
        *signature = (assay_light_signature){.flag = ASSAY_LIGHT_COMMIT,
                                             .validator = out->set.validators[i].address,
                                             .time = {START_SECONDS + height, i}};
        const assay_precommit vote = {height, out->round, out->commit_block, signature->time};
        size_t size = assay_precommit_sign_bytes(bytes, &vote, out->header.chain_id);
        seed_of(seed, number_of(c, height, i));
        ASSAY_ASSERT(assay_ed25519_sign(signature->signature, seed, bytes, size, NULL) == ASSAY_OK);
        if (height == c->bent) signature->signature[0] ^= 1;
    }
}

static inline assay_status chain_fetch(void *self, uint64_t height, assay_light_block *out,
                                       assay_arena *arena, assay_error *err) {
    chain *c = self;
    c->asked++;
    if (height == 0) height = c->latest;
    if (height == c->absent || height > c->latest)
        return ASSAY_FAIL(err, NOT_FOUND, "height %llu is not there", (ull)height);
    if (height == c->shifted) height++;
    memset(out, 0, sizeof *out);
    header_make(c, height, &out->header, arena);
    out->set = set_of(c, height, arena);
    assay_light_signature *signatures = assay_arena_take(arena, SET_SIZE, sizeof *signatures);
    if (!signatures) return ASSAY_FAIL(err, CAPACITY, "the arena is full");
    assay_header_view_hash(&out->hash, &out->header);
    out->commit_height = height;
    out->round = height % 3;
    out->commit_block = (assay_block_id){out->hash, 1, out->hash};
    out->signatures = signatures;
    out->signature_count = SET_SIZE;
    sign_all(c, out, signatures);
    return ASSAY_OK;
}

static inline chain chain_of(uint64_t latest, uint64_t steady) {
    chain c = {.latest = latest, .steady = steady, .fork_from = UINT64_MAX};
    c.hashes = calloc(HEIGHT_MAX, sizeof *c.hashes);
    ASSAY_ASSERT(c.hashes);
    return c;
}

// The same chain up to a height, another one above it.
static inline void chain_fork(chain *c, uint64_t above, uint32_t signers) {
    c->fork_from = above;
    c->fork_signers = signers;
    c->hashed = 0;
}

static inline assay_light_source source_of(chain *c, const char *name) {
    return (assay_light_source){c, name, chain_fetch};
}

#endif
