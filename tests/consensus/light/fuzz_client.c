// SPDX-License-Identifier: Apache-2.0
// A light client among sources that fail, answer out of order, forge and change what they say from
// one question to the next, some of them honest. Whatever comes: it ends, and what it believes was
// signed by more than 2/3 of its set; while no more than a third of the validators is bought it is
// the chain's, and when all are it is so where a witness is honest. Rules E-42 … E-45, E-95.
//
// An input is six bytes of circumstances, then three for each answer of a source that is not
// honest: what it is made of, and two for how.
#include "tests/consensus/light/made_chain.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    LATEST = 48,     // of the chain; forks have heights that it has not come to
    FORGED_MAX = 55, // their last
    STEADY = 5,      // after 20 heights nobody of a set is left
    FORK_FROM = 20,
    DRIFT_SECONDS = 10,
    WITNESSES_MAX = 3,
    CIRCUMSTANCES = 6,
    ANSWER_SIZE = 3,
    ARENA_MAX = 64 << 20,
};

enum { // circumstances[0]
    BOUGHT = 1,
    WITNESSES = 2, // and 4: how many
    HONEST = 8,    // and the next bits: the primary, then each witness
    NAMED = 128,   // the chain's id is given
};

typedef enum { THE_CHAIN, TOO_FEW, STRANGERS, SOLD, WORLDS } world;

static const uint8_t *script, *script_end;
static bool all_bought; // nobody can answer out of SOLD otherwise
static uint32_t asked, asked_max;

// --- blocks, made once ---

static assay_arena made;
static chain worlds[WORLDS];

static void worlds_make(void) {
    assay_arena_init(&made, ARENA_MAX);
    for (int i = 0; i < WORLDS; i++) {
        worlds[i] = chain_of(i == THE_CHAIN ? LATEST : FORGED_MAX, STEADY);
        if (i != THE_CHAIN) chain_fork(&worlds[i], FORK_FROM, i == TOO_FEW ? 4 : 0);
    }
    worlds[STRANGERS].fork_strangers = true;
    worlds[SOLD].fork_late = 3;
}

static void worlds_free(void) {
    for (int i = 0; i < WORLDS; i++)
        free(worlds[i].hashes);
    assay_arena_close(&made);
}

static assay_status block_get(assay_light_block *out, world w, uint64_t height, assay_error *err) {
    static assay_light_block known[WORLDS][FORGED_MAX + 1];
    if (height == 0) height = worlds[w].latest;
    if (height > worlds[w].latest)
        return ASSAY_FAIL(err, NOT_FOUND, "height %llu is not there", (ull)height);
    assay_light_block *block = &known[w][height];
    if (!block->header.height)
        ASSAY_ASSERT(chain_fetch(&worlds[w], height, block, &made, NULL) == ASSAY_OK);
    *out = *block;
    return ASSAY_OK;
}

static bool is_the_chains(const assay_light_block *block) {
    assay_light_block own;
    return block->header.height <= LATEST &&
           block_get(&own, THE_CHAIN, block->header.height, NULL) == ASSAY_OK &&
           assay_hash_equal(&own.hash, &block->hash);
}

// --- answers ---

static void block_bend(assay_light_block *block, unsigned how, uint8_t a, uint8_t b,
                       assay_arena *arena) {
    assay_light_signature *signatures = assay_arena_take(arena, SET_SIZE, sizeof *signatures);
    assay_light_validator *validators = assay_arena_take(arena, SET_SIZE, sizeof *validators);
    uint8_t at = a % SET_SIZE, other = b % SET_SIZE;
    if (!signatures || !validators) return;
    memcpy(signatures, block->signatures, SET_SIZE * sizeof *signatures);
    memcpy(validators, block->set.validators, SET_SIZE * sizeof *validators);
    block->signatures = signatures;
    block->set.validators = validators;
    switch (how) {
    case 2:
        signatures[at].signature[b % ASSAY_ED25519_SIGNATURE_SIZE] ^= 1;
        break;
    case 3:
        signatures[at].flag = ASSAY_LIGHT_ABSENT + b % 3;
        break;
    case 4:
        signatures[at] = signatures[other];
        break;
    case 5:
        block->header.time.seconds += b;
        assay_header_view_hash(&block->hash, &block->header);
        if (a & 1) block->commit_block.hash = block->hash;
        break;
    case 6:
        validators[at] = validators[other];
        break;
    case 7:
        block->commit_height += a & 1;
        block->round ^= b;
        break;
    }
}

static assay_status lie(uint64_t height, assay_light_block *out, assay_arena *arena,
                        assay_error *err) {
    static const assay_status failures[] = {ASSAY_NOT_FOUND, ASSAY_NETWORK, ASSAY_TIMEOUT,
                                            ASSAY_FORMAT,    ASSAY_RANGE,   ASSAY_CAPACITY};
    uint8_t kind = script[0], a = script[1], b = script[2];
    world of = kind % WORLDS == SOLD && !all_bought ? TOO_FEW : kind % WORLDS;
    script += ANSWER_SIZE;
    if (kind >> 6 == 3)
        return assay_fail(err, failures[a % ASSAY_COUNT(failures)], 0, "it says so");
    ASSAY_TRY(block_get(out, of, kind & 4 ? a % (FORGED_MAX + 1) : height, err));
    block_bend(out, kind >> 3 & 7, a, b, arena);
    return ASSAY_OK;
}

// self: whether it is honest. Who has no more lies is.
static assay_status answer(void *self, uint64_t height, assay_light_block *out, assay_arena *arena,
                           assay_error *err) {
    ASSAY_ASSERT(++asked <= asked_max);
    if (*(const bool *)self || script_end - script < ANSWER_SIZE)
        return block_get(out, THE_CHAIN, height, err);
    return lie(height, out, arena, err);
}

// --- what is believed ---

// By signatures alone, each at its own place.
static uint64_t power_of(const assay_light_block *block) {
    uint64_t power = 0;
    for (uint32_t i = 0; i < block->signature_count && i < block->set.count; i++) {
        uint8_t message[ASSAY_VOTE_BYTES_MAX];
        const assay_light_signature *signature = &block->signatures[i];
        const assay_precommit vote = {block->header.height, block->round, block->commit_block,
                                      signature->time};
        size_t size = assay_precommit_sign_bytes(message, &vote, block->header.chain_id);
        const assay_light_validator *validator = &block->set.validators[i];
        if (signature->flag == ASSAY_LIGHT_COMMIT &&
            assay_ed25519_check(validator->key, signature->signature, message, size, NULL) ==
                ASSAY_OK)
            power += validator->power;
    }
    return power;
}

typedef struct {
    assay_light_options options;
    uint64_t height;
    bool witness_honest, all_honest;
    bool timely; // nothing of the chain is from the future, and the trusted header not too old
} circumstances;

static void believed_check(const circumstances *c, const assay_light_block *block,
                           const assay_light_report *report) {
    uint64_t height = block->header.height;
    bool agreed = false;
    assay_hash hash;
    assay_header_view_hash(&hash, &block->header);
    ASSAY_ASSERT(assay_hash_equal(&hash, &block->hash));
    ASSAY_ASSERT(assay_hash_equal(&hash, &block->commit_block.hash));
    ASSAY_ASSERT(3 * power_of(block) > 2 * block->set.power);
    ASSAY_ASSERT(c->height ? height == c->height : height >= c->options.trusted_height);
    if (!all_bought || (c->witness_honest && c->timely && height <= LATEST))
        ASSAY_ASSERT(is_the_chains(block));
    for (uint32_t i = 0; i < c->options.witness_count; i++)
        agreed |= report->witnesses[i].verdict == ASSAY_WITNESS_AGREES;
    ASSAY_ASSERT(agreed || c->options.witness_count == 0);
}

static void fork_check(const circumstances *c, const assay_light_report *report) {
    bool proved = false;
    ASSAY_ASSERT(all_bought);
    for (uint32_t i = 0; i < c->options.witness_count; i++)
        proved |= report->witnesses[i].verdict == ASSAY_WITNESS_PROVES;
    ASSAY_ASSERT(proved && report->common_height >= c->options.trusted_height &&
                 report->common_height < FORGED_MAX);
}

static void circumstances_read(circumstances *out, bool honest[1 + WITNESSES_MAX],
                               assay_light_source witnesses[WITNESSES_MAX], const uint8_t *data) {
    static const uint32_t levels[][2] = {{1, 3}, {1, 2}, {2, 3}, {1, 1}};
    assay_light_options *options = &out->options;
    assay_light_block trusted;
    *out = (circumstances){.height = data[2] % (FORGED_MAX + 1), .all_honest = true};
    all_bought = data[0] & BOUGHT;
    options->policy =
        (assay_light_policy){data[0] & NAMED ? "light-7001" : NULL, data[4], DRIFT_SECONDS,
                             levels[data[5] % 4][0], levels[data[5] % 4][1]};
    options->trusted_height = 1 + data[1] % LATEST;
    ASSAY_ASSERT(block_get(&trusted, THE_CHAIN, options->trusted_height, NULL) == ASSAY_OK);
    options->trusted_hash = trusted.hash;
    options->now = (assay_time){START_SECONDS + LATEST - 2 * DRIFT_SECONDS + data[3] % 64, 8};
    options->witness_count = data[0] / WITNESSES % (WITNESSES_MAX + 1);
    options->witnesses = witnesses;
    for (uint32_t i = 0; i <= options->witness_count; i++) {
        honest[i] = data[0] & HONEST << i;
        out->all_honest &= honest[i];
        out->witness_honest |= i > 0 && honest[i];
    }
    options->primary = (assay_light_source){&honest[0], "primary", answer};
    for (uint32_t i = 0; i < options->witness_count; i++)
        witnesses[i] = (assay_light_source){&honest[i + 1], "witness", answer};
    out->timely = options->now.seconds + DRIFT_SECONDS >= START_SECONDS + LATEST &&
                  trusted.header.time.seconds + data[4] > options->now.seconds;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool begun, honest[1 + WITNESSES_MAX];
    assay_light_source witnesses[WITNESSES_MAX];
    assay_light_block block;
    assay_light_report report;
    assay_error err = {0};
    assay_arena arena;
    circumstances c;
    if (!begun) worlds_make(), atexit(worlds_free);
    begun = true;
    if (size < CIRCUMSTANCES) return 0;
    circumstances_read(&c, honest, witnesses, data);
    script = data + CIRCUMSTANCES;
    script_end = data + size;
    asked = 0;
    asked_max = (1 + c.options.witness_count) * ASSAY_LIGHT_FETCHES_MAX;
    assay_arena_init(&arena, ARENA_MAX);
    assay_status status = assay_light_follow(&block, &report, &c.options, c.height, &arena, &err);
    ASSAY_ASSERT(report.fetches == asked);
    ASSAY_ASSERT(status == ASSAY_OK || (err.status == status && *err.text));
    if (status == ASSAY_OK) believed_check(&c, &block, &report);
    if (status == ASSAY_FORK) fork_check(&c, &report);
    if (c.all_honest && c.timely && c.height <= LATEST) ASSAY_ASSERT(status == ASSAY_OK);
    assay_arena_close(&arena);
    return 0;
}
