// SPDX-License-Identifier: Apache-2.0
// What CometBFT asks on the way from one block to the next, on the consensus thread.
#include "consensus/abci/engine_private.h"

typedef long long ll;

// --- init_chain ---

// CometBFT's genesis names the same validators as ours, in any order.
static assay_status validators_check(assay_abci_engine *engine, const assay_abci_request *request,
                                     assay_error *err) {
    const assay_application *app = &engine->options.application;
    assay_validator_update own[ASSAY_ENGINE_VALIDATORS_MAX];
    const assay_abci_validator_update *named = request->init_chain.validators;
    uint32_t count, named_count = request->init_chain.validator_count;
    ASSAY_TRY(app->validators(app->self, own, &count, err));
    if (count != named_count)
        return ASSAY_FAIL(err, MISMATCH, "CometBFT's genesis has %u validators, this home's %u",
                          named_count, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < named_count &&
               (named[at].key_type != ASSAY_ABCI_ED25519 ||
                named[at].key.size != ASSAY_ED25519_KEY_SIZE ||
                memcmp(named[at].key.data, own[i].ed25519, ASSAY_ED25519_KEY_SIZE) != 0))
            at++;
        if (at == named_count || (uint64_t)named[at].power != own[i].power)
            return ASSAY_FAIL(err, MISMATCH,
                              "CometBFT's genesis does not have validator %u of this home's with "
                              "power %llu",
                              i, (ull)own[i].power);
    }
    return ASSAY_OK;
}

// E-30: those of another genesis make other headers, or evidence that outlasts the bonds.
static assay_status params_check(const assay_abci_params *named, const assay_abci_params *own,
                                 assay_error *err) {
    const struct {
        const char *name;
        int64_t named, own;
    } numbers[] = {
        {"block.max_bytes", named->block_max_bytes, own->block_max_bytes},
        {"block.max_gas", named->block_max_gas, own->block_max_gas},
        {"evidence.max_age_num_blocks", named->evidence_max_blocks, own->evidence_max_blocks},
        {"evidence.max_age_duration's seconds", named->evidence_max_seconds,
         own->evidence_max_seconds},
        {"evidence.max_age_duration's nanoseconds", named->evidence_max_nanos,
         own->evidence_max_nanos},
        {"evidence.max_bytes", named->evidence_max_bytes, own->evidence_max_bytes},
        {"version.app", (int64_t)named->app_version, (int64_t)own->app_version},
        {"abci.vote_extensions_enable_height", named->vote_extensions_height,
         own->vote_extensions_height},
    };
    for (size_t i = 0; i < ASSAY_COUNT(numbers); i++)
        if (numbers[i].named != numbers[i].own)
            return ASSAY_FAIL(err, MISMATCH,
                              "CometBFT's genesis has %s %lld, this home's chain %lld: write it "
                              "with assay export --to-cometbft",
                              numbers[i].name, (ll)numbers[i].named, (ll)numbers[i].own);
    if (named->only_ed25519 != own->only_ed25519)
        return ASSAY_FAIL(err, MISMATCH, "CometBFT's genesis allows other keys than ed25519");
    return ASSAY_OK;
}

// E-23
static assay_status init_chain(assay_abci_engine *engine, const assay_abci_request *request,
                               assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    const assay_application *app = &engine->options.application;
    assay_bytes chain_id = request->init_chain.chain_id;
    assay_app_info info;
    if (chain_id.size != strlen(engine->chain_id) ||
        memcmp(chain_id.data, engine->chain_id, chain_id.size) != 0)
        return ASSAY_FAIL(err, MISMATCH,
                          "CometBFT's genesis is of chain \"%.*s\", this home of \"%s\": write it "
                          "with assay export --to-cometbft",
                          (int)(chain_id.size < 64 ? chain_id.size : 64),
                          (const char *)chain_id.data, engine->chain_id);
    ASSAY_TRY(app->init_chain(app->self, err));
    app->info(app->self, &info);
    if (request->init_chain.initial_height != (int64_t)info.height + 1)
        return ASSAY_FAIL(err, MISMATCH,
                          "CometBFT's first block is %lld, this home's state of height %llu",
                          (ll)request->init_chain.initial_height, (ull)info.height);
    ASSAY_TRY(validators_check(engine, request, err));
    if (engine->options.params.has_block)
        ASSAY_TRY(params_check(&request->init_chain.params, &engine->options.params, err));
    return assay_abci_copy(&reply->init_chain.app_hash, info.app_hash.bytes, ASSAY_HASH_SIZE, arena,
                           err);
}

// --- proposals ---

static assay_status block_of(assay_engine_block *out, const assay_abci_block *block,
                             assay_error *err) {
    if (block->height < 1)
        return ASSAY_FAIL(err, RANGE, "a block of height %lld, minimum 1", (ll)block->height);
    if (block->time.seconds < 0 || (uint64_t)block->time.seconds > ASSAY_TIME_SECONDS_MAX ||
        block->time.nanos < 0 || block->time.nanos > 999999999)
        return ASSAY_FAIL(err, RANGE, "a block at %lld s and %d ns, limits 0 to the year 9999",
                          (ll)block->time.seconds, block->time.nanos);
    if (block->proposer.size != ASSAY_ADDRESS_SIZE)
        return ASSAY_FAIL(err, FORMAT, "a proposer's address of %zu bytes, not %d",
                          block->proposer.size, ASSAY_ADDRESS_SIZE);
    *out = (assay_engine_block){
        .height = (uint64_t)block->height,
        .time = {(uint64_t)block->time.seconds, (uint32_t)block->time.nanos},
        .txs = block->txs,
        .tx_count = block->tx_count,
    };
    memcpy(out->proposer.bytes, block->proposer.data, ASSAY_ADDRESS_SIZE);
    return ASSAY_OK;
}

// E-24
static assay_status prepare(assay_abci_engine *engine, const assay_abci_block *block,
                            assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    assay_engine_block checked;
    ASSAY_TRY(block_of(&checked, block, err));
    uint64_t bytes_max = block->max_tx_bytes > 0 ? (uint64_t)block->max_tx_bytes : 0;
    const assay_engine_candidates candidates = {checked.height, checked.proposer, bytes_max,
                                                block->txs, block->tx_count};
    engine->proposer = checked.proposer;
    return assay_proposal_make(&reply->txs.txs, &reply->txs.count, &engine->options.application,
                               &candidates, arena, err);
}

// CometBFT is told no reason. why: OK if it is accepted.
static void proposal_note(assay_abci_engine *engine, const assay_engine_block *block,
                          const assay_error *why) {
    assay_abci_proposals *noted = &engine->proposals;
    bool refused = why->status != ASSAY_OK;
    pthread_mutex_lock(&engine->lock);
    if (assay_address_equal(&block->proposer, &engine->proposer))
        noted->own_height = refused ? block->height : 0;
    if (refused) {
        noted->refused++;
        noted->height = block->height;
        memcpy(noted->problem, why->text, sizeof noted->problem);
    }
    pthread_mutex_unlock(&engine->lock);
}

// E-25: a verdict on the block alone; what is this machine's own trouble is none, and ends it. What
// cannot even be handed on is a proposer's doing as well.
static assay_status process(assay_abci_engine *engine, const assay_abci_block *block,
                            assay_abci_reply *reply, assay_error *err) {
    const assay_application *app = &engine->options.application;
    assay_engine_block checked;
    assay_error refusal = {0};
    reply->process.status = ASSAY_ABCI_REJECT;
    if (block->overfull || block_of(&checked, block, NULL) != ASSAY_OK) return ASSAY_OK;
    assay_status status = app->process_proposal(app->self, &checked, &refusal);
    if (status != ASSAY_OK && status != ASSAY_REJECTED) return assay_error_pass(err, &refusal);
    reply->process.status = status == ASSAY_OK ? ASSAY_ABCI_ACCEPT : ASSAY_ABCI_REJECT;
    proposal_note(engine, &checked, &refusal);
    return ASSAY_OK;
}

// --- blocks ---

static assay_status results_reply(const assay_executed *all, assay_abci_reply *reply,
                                  assay_arena *arena, assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, all->count, sizeof(assay_abci_result), "results", &room, err));
    assay_abci_result *results = room;
    for (uint32_t i = 0; i < all->count; i++) {
        const assay_tx_result *own = &all->results[i];
        results[i] = (assay_abci_result){.code = own->code};
        ASSAY_TRY(assay_abci_copy(&results[i].data, own->data, own->data_size, arena, err));
        ASSAY_TRY(
            assay_abci_copy(&results[i].log, all->texts[i], strlen(all->texts[i]), arena, err));
    }
    reply->finalize.results = results;
    reply->finalize.result_count = all->count;
    return ASSAY_OK;
}

static assay_status updates_of(const assay_abci_validator_update **out,
                               const assay_validator_update *validators, uint32_t count,
                               assay_arena *arena, assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, count, sizeof **out, "validators", &room, err));
    assay_abci_validator_update *updates = room;
    for (uint32_t i = 0; i < count; i++) {
        updates[i] = (assay_abci_validator_update){.key_type = ASSAY_ABCI_ED25519,
                                                   .power = (int64_t)validators[i].power};
        ASSAY_TRY(assay_abci_copy(&updates[i].key, validators[i].ed25519, ASSAY_ED25519_KEY_SIZE,
                                  arena, err));
    }
    *out = updates;
    return ASSAY_OK;
}

static assay_status misbehaviors_of(assay_engine_block *out, const assay_abci_block *block,
                                    assay_arena *arena, assay_error *err) {
    void *room;
    uint32_t count = block->misbehavior_count;
    ASSAY_TRY(
        assay_arena_get(arena, count, sizeof *out->misbehaviors, "misbehaviours", &room, err));
    assay_misbehavior *list = room;
    for (uint32_t i = 0; i < count; i++) {
        const assay_abci_misbehavior *from = &block->misbehaviors[i];
        if (from->address.size != ASSAY_ADDRESS_SIZE || from->height < 0)
            return ASSAY_FAIL(err, FORMAT, "misbehaviour %u names no validator and height", i);
        list[i].height = (uint64_t)from->height;
        list[i].type = from->type <= UINT8_MAX ? (uint8_t)from->type : 0; // none that is known
        memcpy(list[i].validator.bytes, from->address.data, ASSAY_ADDRESS_SIZE);
    }
    out->misbehaviors = list;
    out->misbehavior_count = count;
    return ASSAY_OK;
}

// E-24: nothing persists; executed again, the block comes to the same.
static assay_status finalize(assay_abci_engine *engine, const assay_abci_block *block,
                             assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    const assay_application *app = &engine->options.application;
    assay_engine_block checked;
    assay_engine_outcome outcome;
    ASSAY_TRY(block_of(&checked, block, err));
    ASSAY_TRY(misbehaviors_of(&checked, block, arena, err));
    assay_abci_finalized *done = &engine->finalized;
    assay_executed *all = &done->executed;
    *done = (assay_abci_finalized){0};
    assay_arena_reset(&engine->arena);
    ASSAY_TRY(assay_executed_room(all, checked.txs, checked.tx_count, &engine->arena, err));
    ASSAY_TRY(app->finalize_block(app->self, &checked, all->results, all->texts, &outcome, err));
    done->height = checked.height;
    done->rounds =
        block->vote_count && block->commit_round >= 0 ? (uint64_t)block->commit_round + 1 : 0;
    ASSAY_TRY(results_reply(all, reply, arena, err));
    ASSAY_TRY(
        updates_of(&reply->finalize.updates, outcome.updates, outcome.update_count, arena, err));
    reply->finalize.update_count = outcome.update_count;
    return assay_abci_copy(&reply->finalize.app_hash, outcome.app_hash.bytes, ASSAY_HASH_SIZE,
                           arena, err);
}

static assay_status commit(assay_abci_engine *engine, assay_abci_reply *reply, assay_error *err) {
    const assay_application *app = &engine->options.application;
    uint64_t height = engine->finalized.height;
    if (height == 0) return ASSAY_FAIL(err, FORMAT, "Commit without a finalised block");
    ASSAY_TRY(app->commit(app->self, err));
    app->recheck(app->self);
    assay_abci_engine_publish(engine);
    engine->finalized.height = 0;
    if (engine->options.maker) {
        assay_statesync_maker_commit(engine->options.maker, height);
        reply->commit.retain_height = (int64_t)assay_statesync_maker_retain(
            engine->options.maker, height, engine->options.keep_blocks);
    }
    return ASSAY_OK;
}

assay_status assay_abci_block_call(assay_abci_engine *engine, const assay_abci_request *request,
                                   assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    switch (request->kind) {
    case ASSAY_ABCI_INIT_CHAIN:
        return init_chain(engine, request, reply, arena, err);
    case ASSAY_ABCI_PREPARE_PROPOSAL:
        return prepare(engine, &request->block, reply, arena, err);
    case ASSAY_ABCI_PROCESS_PROPOSAL:
        return process(engine, &request->block, reply, err);
    case ASSAY_ABCI_FINALIZE_BLOCK:
        return finalize(engine, &request->block, reply, arena, err);
    case ASSAY_ABCI_OFFER_SNAPSHOT:
    case ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK:
        return assay_abci_snapshot_call(engine, request, reply, arena, err);
    default:
        ASSAY_ASSERT(request->kind == ASSAY_ABCI_COMMIT);
        return commit(engine, reply, err);
    }
}
