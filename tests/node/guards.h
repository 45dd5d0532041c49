// SPDX-License-Identifier: Apache-2.0
// Validators at work in a small world: batches of honest receipts, the validators' steps, and what
// became of their votes.
#ifndef ASSAY_TESTS_NODE_GUARDS_H
#define ASSAY_TESTS_NODE_GUARDS_H

#include "node/verifier/watch.h"
#include "tests/node/work.h"

enum { TOKENS = 4, WATCHERS = 3, FETCH_MS = 500, SAMPLES = 3 };

static uint32_t prompt[PROMPT];
static assay_workshop *guards_shop = &world.shop;
static char votes_paths[WATCHERS][128]; // "": in memory only

// ---- batches ----

static inline void provider_open(assay_provider *provider, char *home, uint32_t actor,
                                 const char *url) {
    static uint32_t number;
    snprintf(home, 128, "%s/home%u", world.folder, number++);
    assay_provider_options options = {.home = home, .batch_count = 1};
    snprintf(options.url, sizeof options.url, "%s%s", url ? url : "file://", url ? "" : home);
    must(assay_provider_open(provider, &world.shop, &world.wallets[actor], &world.genesis, &options,
                             err));
}

// A batch of one honest receipt in a session of its own, drawn.
static inline assay_hash batch_of(assay_provider *provider) {
    uint32_t *ids;
    assay_receipt receipt;
    assay_provider_batched batch;
    uint32_t actor =
        assay_address_equal(&provider->wallet->principal, &world.wallets[RIVAL].address) ? RIVAL
                                                                                         : PROVIDER;
    assay_hash session = work_session(&world, actor, OPEN, 1000, 2000);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    r.provider = provider->wallet->principal;
    work_sign(&world, &r, CONSUMER);
    must(assay_provider_answer(provider, &r, prompt, PROMPT, &receipt, &ids, err));
    free(ids);
    must(assay_provider_batch(provider, &batch, err));
    work_drawn(&world, &batch.id);
    return batch.id;
}

// ---- validators ----

typedef struct {
    assay_checker checker;
    assay_watch watch;
} guard;

static inline void guard_open(guard *g, uint32_t index, bool allow_private) {
    g->checker = (assay_checker){
        .shop = guards_shop,
        .client = &world.wallets[VALIDATOR + index].client,
        .params = &world.genesis.params,
        .limits = {.timeout_ms = FETCH_MS, .allow_private = allow_private, .allow_file = true}};
    const assay_watch_options options = {.checker = &g->checker,
                                         .wallet = &world.wallets[VALIDATOR + index],
                                         .votes_path =
                                             *votes_paths[index] ? votes_paths[index] : NULL,
                                         .commit_blocks = world.genesis.params.commit_blocks};
    must(assay_watch_open(&g->watch, &options, err));
}

static inline void guards_step(guard *guards) {
    for (int i = 0; i < WATCHERS; i++)
        must(assay_watch_step(&guards[i].watch, err));
    work_sleep(10);
}

static inline json_t *case_get(const assay_hash *batch, uint32_t sample) {
    char id[ASSAY_HEX_HASH_MAX];
    json_t *document;
    assay_hex_encode_0x(id, batch->bytes, ASSAY_HASH_SIZE);
    must(assay_client_get(&document, &world.wallets[CONSUMER].client, err, "case/%s/%u", id,
                          sample));
    return document;
}

static inline bool flag(const json_t *vote, const char *name) {
    return json_is_true(json_object_get(vote, name));
}

// Votes of round 0 over all samples that are `what`; all of them are counted in *all.
static inline unsigned votes_count(const assay_hash *batch, const char *what, unsigned *all) {
    unsigned count = 0;
    *all = 0;
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        json_t *document = case_get(batch, sample);
        const json_t *round = json_array_get(json_object_get(document, "rounds"), 0);
        for (size_t i = 0; i < json_array_size(round); i++, (*all)++)
            count += flag(json_array_get(round, i), what);
        json_decref(document);
    }
    return count;
}

static inline void until_all(guard *guards, const assay_hash *batch, const char *what) {
    unsigned all = 0;
    for (int i = 0; i < 1000; i++) {
        if (votes_count(batch, what, &all) == all) return;
        guards_step(guards);
    }
    fail_msg("not all votes of a batch are %s", what);
}

// Every vote of round 0 was this one, and cost nothing.
static inline void expect_votes(const assay_hash *batch, uint8_t verdict) {
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        json_t *document = case_get(batch, sample);
        const json_t *round = json_array_get(json_object_get(document, "rounds"), 0);
        assert_int_equal(json_array_size(round), 2);
        for (size_t i = 0; i < 2; i++) {
            const json_t *vote = json_array_get(round, i);
            assert_int_equal(json_integer_value(json_object_get(vote, "verdict")), verdict);
            assert_int_equal(json_integer_value(json_object_get(vote, "slashed")), 0);
        }
        json_decref(document);
    }
}

static inline assay_batch_state run_out(guard *guards, const assay_hash *batch) {
    assay_batch found = work_drawn(&world, batch);
    for (int i = 0; i < 3000 && found.state < ASSAY_BATCH_SETTLED; i++) {
        guards_step(guards);
        found = work_drawn(&world, batch);
    }
    return found.state;
}

#endif
