// SPDX-License-Identifier: Apache-2.0
#include "consensus/follower.h"

#include <stdlib.h>

#include "base/ed25519.h"
#include "base/sha256.h"
#include "consensus/light/verify.h"

// --- validators ---

// Power 0 takes a validator out.
static assay_status set_apply(assay_follower_set *set, const assay_validator_update *updates,
                              uint32_t count, assay_error *err) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < set->count &&
               memcmp(set->list[at].key, updates[i].ed25519, ASSAY_ED25519_KEY_SIZE) != 0)
            at++;
        if (updates[i].power == 0) {
            if (at < set->count) set->list[at] = set->list[--set->count];
            continue;
        }
        if (at == ASSAY_ENGINE_VALIDATORS_MAX)
            return ASSAY_FAIL(err, RANGE, "more than %d validators", ASSAY_ENGINE_VALIDATORS_MAX);
        if (at == set->count) set->count++;
        memcpy(set->list[at].key, updates[i].ed25519, ASSAY_ED25519_KEY_SIZE);
        assay_ed25519_address(&set->list[at].address, updates[i].ed25519);
        set->list[at].power = updates[i].power;
    }
    qsort(set->list, set->count, sizeof set->list[0], assay_light_order);
    return ASSAY_OK;
}

static assay_status set_hash(assay_hash *out, const assay_follower_set *set, assay_arena *arena,
                             assay_error *err) {
    const assay_light_set light = {.validators = set->list, .count = set->count};
    return assay_light_set_hash(out, &light, arena, err);
}

assay_status assay_follower_start(assay_follower *follower, assay_app *app, assay_error *err) {
    assay_validator_update own[ASSAY_ENGINE_VALIDATORS_MAX];
    uint32_t count;
    assay_app_info info;
    memset(follower, 0, sizeof *follower);
    follower->application.app = app;
    assay_app_info_get(app, &info);
    ASSAY_ASSERT(info.initialised);
    assay_chain_name(follower->chain_id, assay_app_genesis(app));
    follower->height = info.height;
    follower->app_hash = info.app_hash;
    assay_sha256_of(&follower->results_hash, NULL, 0); // CometBFT's hash of no results
    assay_consensus_hash(&follower->consensus_hash,
                         assay_app_genesis(app)->params.block_bytes_max + ASSAY_BLOCK_OVERHEAD);
    ASSAY_TRY(assay_ledger_validators(own, &count, app, err));
    ASSAY_TRY(set_apply(&follower->set, own, count, err));
    follower->next_set = follower->set;
    return ASSAY_OK;
}

// --- headers ---

static assay_status differs(const assay_follower *f, const char *what, assay_error *err) {
    return ASSAY_FAIL(err, MISMATCH, "block %llu: %s", (ull)f->height + 1, what);
}

static bool ids_equal(const assay_block_id *a, const assay_block_id *b) {
    return assay_hash_equal(&a->hash, &b->hash) && a->part_count == b->part_count &&
           assay_hash_equal(&a->part_root, &b->part_root);
}

static bool is_validator(const assay_follower_set *set, const assay_address *address) {
    for (uint32_t i = 0; i < set->count; i++)
        if (assay_address_equal(&set->list[i].address, address)) return true;
    return false;
}

static assay_status header_check(const assay_follower *f, const assay_header *header,
                                 assay_arena *arena, assay_error *err) {
    assay_hash now, next;
    ASSAY_TRY(set_hash(&now, &f->set, arena, err));
    ASSAY_TRY(set_hash(&next, &f->next_set, arena, err));
    if (strcmp(header->chain_id, f->chain_id) != 0)
        return differs(f, "it is of another chain", err);
    if (header->height != f->height + 1) return differs(f, "it has another height", err);
    if (!ids_equal(&header->last_block, &f->last))
        return differs(f, "it does not follow the block before it", err);
    if (!assay_time_is_later(&header->time, &f->time))
        return differs(f, "its time is not after that of the block before it", err);
    if (!assay_hash_equal(&header->app_hash, &f->app_hash))
        return differs(f, "its app hash is not what replaying the blocks before it comes to", err);
    if (!assay_hash_equal(&header->last_results_hash, &f->results_hash))
        return differs(f, "its results hash is not what replaying the block before comes to", err);
    if (!assay_hash_equal(&header->validators_hash, &now))
        return differs(f, "its validators are not those that the blocks before it lead to", err);
    if (!assay_hash_equal(&header->next_validators_hash, &next))
        return differs(f, "its next validators are not those that the blocks lead to", err);
    if (!assay_hash_equal(&header->consensus_hash, &f->consensus_hash))
        return differs(f, "its consensus parameters are not those of the genesis", err);
    if (!is_validator(&f->set, &header->proposer))
        return differs(f, "its proposer is no validator", err);
    return ASSAY_OK;
}

// --- blocks ---

static assay_status execute(const assay_application *calls, const assay_engine_block *block,
                            assay_tx_result *results, assay_engine_outcome *outcome,
                            assay_arena *arena, assay_error *err) {
    assay_error why = {0};
    void *texts;
    ASSAY_TRY(assay_arena_get(arena, block->tx_count, sizeof(char *), "texts", &texts, err));
    assay_status status = calls->process_proposal(calls->self, block, &why);
    if (status == ASSAY_OK)
        status = calls->finalize_block(calls->self, block, results, texts, outcome, &why);
    if (status == ASSAY_OK) return ASSAY_OK;
    return assay_fail(err, status, why.reject, "block %llu: %s", (ull)block->height, why.text);
}

assay_status assay_follower_take(assay_follower *follower, const assay_block *block,
                                 const assay_misbehavior *misbehaviors, uint32_t misbehavior_count,
                                 assay_arena *arena, assay_error *err) {
    const assay_application calls = assay_ledger_application_calls(&follower->application);
    const assay_header *header = &block->header;
    assay_engine_outcome outcome;
    assay_hash results_hash;
    void *results;
    ASSAY_TRY(header_check(follower, header, arena, err));
    const assay_engine_block input = {.height = header->height,
                                      .time = header->time,
                                      .proposer = header->proposer,
                                      .txs = block->txs,
                                      .tx_count = block->tx_count,
                                      .misbehaviors = misbehaviors,
                                      .misbehavior_count = misbehavior_count};
    ASSAY_TRY(
        assay_arena_get(arena, block->tx_count, sizeof(assay_tx_result), "results", &results, err));
    ASSAY_TRY(execute(&calls, &input, results, &outcome, arena, err));
    ASSAY_TRY(assay_results_hash(&results_hash, results, block->tx_count, arena, err));
    assay_follower_set after = follower->next_set;
    ASSAY_TRY(set_apply(&after, outcome.updates, outcome.update_count, err));
    assay_hash app_hash = outcome.app_hash; // lives until the next call
    ASSAY_TRY(calls.commit(calls.self, err));
    follower->set = follower->next_set;
    follower->next_set = after;
    follower->last = block->commit.block;
    follower->time = header->time;
    follower->app_hash = app_hash;
    follower->results_hash = results_hash;
    follower->height++;
    return ASSAY_OK;
}

assay_status assay_follower_check(const assay_follower *follower, const assay_light_block *block,
                                  assay_arena *arena, assay_error *err) {
    if (block->header.height != follower->height ||
        !assay_hash_equal(&block->hash, &follower->last.hash))
        return ASSAY_FAIL(err, MISMATCH, "the commit is not over the last block, %llu",
                          (ull)follower->height);
    return assay_light_check(block, follower->chain_id, arena, err);
}
