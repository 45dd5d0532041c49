// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include "base/file.h"
#include "tests/sim/writes.h"

static sim_world worlds[SIM_WORLDS];

static void *copy(const void *data, size_t size) {
    void *own = malloc(size + 1);
    assert_true(own != NULL);
    if (size != 0) memcpy(own, data, size);
    return own;
}

void sim_decision_copy(sim_decision *out, const assay_app_block *block,
                       const assay_app_outcome *outcome) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < block->tx_count; i++)
        bytes += block->txs[i].size;
    assay_bytes *txs = calloc(block->tx_count + 1, sizeof *txs);
    uint8_t *data = malloc(bytes + 1);
    out->results = calloc(block->tx_count + 1, sizeof *out->results);
    assert_true(txs != NULL && data != NULL && out->results != NULL);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        memcpy(data, block->txs[i].data, block->txs[i].size);
        txs[i] = (assay_bytes){data, block->txs[i].size};
        data += txs[i].size;
        out->results[i] = outcome->results[i];
    }
    txs[block->tx_count].data = data - bytes; // to free
    out->block = *block;
    out->block.txs = txs;
    out->block.misbehaviors =
        copy(block->misbehaviors, block->misbehavior_count * sizeof *block->misbehaviors);
    out->updates = copy(outcome->updates, outcome->update_count * sizeof *outcome->updates);
    out->update_count = outcome->update_count;
    out->app_hash = outcome->app_hash;
}

void sim_decision_free(sim_decision *decision) {
    if (decision->block.txs != NULL) {
        free((void *)decision->block.txs[decision->block.tx_count].data);
        free((void *)decision->block.txs);
    }
    free((void *)decision->block.misbehaviors);
    free(decision->updates);
    free(decision->results);
    *decision = (sim_decision){0};
}

// Between two blocks only a commit writes.
static void writes_note(sim_world *world) {
    uint64_t count = sim_writes_count();
    world->decisions[world->height].writes = (uint32_t)(count - world->writes);
    world->writes = count;
}

static void record(chain *c, const assay_app_block *block) {
    sim_world *world = c->context;
    assert_true(block->height < SIM_HEIGHTS_MAX / 2);
    writes_note(world);
    if (block->height == 1) {
        assay_app_info info;
        assay_app_info_get(c->app, &info);
        world->decisions[0].app_hash = info.app_hash;
    }
    sim_decision_copy(&world->decisions[block->height], block, &c->outcome);
    world->height = block->height;
}

// Windows so short that a batch's whole life, with an escalation, fits into a seed.
static void params_set(assay_params *params, uint32_t number) {
    static const struct {
        uint64_t samples, voters, commit, reveal, epoch, accusations;
    } variants[SIM_WORLDS] = {{2, 2, 3, 2, 6, 16}, {1, 3, 2, 1, 3, 16}, {3, 1, 2, 2, 9, 1}};
    params->block_bytes_max = ASSAY_PARAM_BLOCK_BYTES_MIN;
    params->close_delay = 2;
    params->answer_blocks = 2;
    params->unbond_trust_blocks = 0;
    params->beacon_delay = 2;
    params->beacon_misses_max = 6;
    params->settle_max = 2;
    params->samples = variants[number].samples;
    params->validators_per_sample = variants[number].voters;
    params->commit_blocks = variants[number].commit;
    params->reveal_blocks = variants[number].reveal;
    params->epoch_blocks = variants[number].epoch;
    params->open_escalations_max = variants[number].accusations;
    params->commitment_blocks = 1 + number;
}

static void things_commit(chain *c) {
    assay_hash salt = trial_hash("salt");
    for (uint32_t i = 0; i < SIM_THINGS; i++) {
        assay_hash root = sim_thing(i);
        chain_commit_add(c, DORA, &root, &salt);
        chain_commit_add(c, DORA, &root, NULL);
    }
    chain_block(c);
}

const sim_world *sim_world_get(uint32_t number) {
    static const uint64_t bonds[SIM_NODES_MAX] = {100, 60, 40, 30, 20, 20, 10};
    static const uint32_t validators[SIM_WORLDS] = {1, 4, SIM_NODES_MAX};
    sim_world *world = &worlds[number];
    char path[128];
    if (world->trial != NULL) return world;
    world->trial = trial_new();
    chain *c = &world->trial->chain;
    params_set(&c->genesis.params, number);
    world->validator_count = validators[number];
    chain_validators(c, bonds, world->validator_count);
    c->witness = record;
    c->context = world;
    trial_start(world->trial);
    things_commit(c);
    writes_note(world);
    world->session = world->trial->session;
    snprintf(path, sizeof path, "%s/copy", c->folder);
    must(assay_store_backup(assay_app_store(c->app), path, err));
    snprintf(path, sizeof path, "%s/copy/data.mdb", c->folder);
    must(assay_file_read(path, 1 << 30, &world->state, &world->state_size, err));
    assay_app_close(c->app);
    c->app = NULL;
    assay_folder_remove(c->folder);
    return world;
}
