// SPDX-License-Identifier: Apache-2.0
#include "consensus/tip.h"

#include <assert.h>

#include "base/merkle.h"
#include "consensus/light/verify.h"

static_assert(sizeof(assay_block_id) == 68, "compared as bytes");

void assay_tip_init(assay_tip *tip, const char *chain_id, const uint8_t *public_key, uint64_t power,
                    uint64_t genesis_seconds, const assay_hash *app_hash) {
    size_t size = strlen(chain_id);
    ASSAY_ASSERT(size <= ASSAY_CHAIN_ID_MAX);
    *tip = (assay_tip){.power = power, .time = {genesis_seconds, 0}, .app_hash = *app_hash};
    memcpy(tip->chain_id, chain_id, size);
    memcpy(tip->public_key, public_key, sizeof tip->public_key);
    assay_ed25519_address(&tip->validator, public_key);
    assay_merkle_root(&tip->results_hash, NULL, 0);
}

// All fields but the time, for the next block.
static assay_status header_expect(const assay_tip *tip, assay_header *header, const assay_hash *ids,
                                  uint32_t tx_count, assay_arena *arena, assay_error *err) {
    *header = (assay_header){.height = tip->height + 1,
                             .last_block = tip->commit.block,
                             .app_hash = tip->app_hash,
                             .last_results_hash = tip->results_hash,
                             .proposer = tip->validator};
    memcpy(header->chain_id, tip->chain_id, sizeof header->chain_id);
    assay_commit_hash(&header->last_commit_hash, tip->height ? &tip->commit : NULL);
    assay_validator_leaf(&header->validators_hash, tip->public_key, tip->power);
    header->next_validators_hash = header->validators_hash;
    assay_consensus_hash(&header->consensus_hash, ASSAY_BLOCK_SIZE_MAX);
    assay_merkle_root(&header->evidence_hash, NULL, 0);
    return assay_block_data_hash(&header->data_hash, ids, tx_count, arena, err);
}

assay_status assay_tip_header(const assay_tip *tip, assay_block *block, const assay_hash *ids,
                              assay_time time, assay_arena *arena, assay_error *err) {
    ASSAY_TRY(header_expect(tip, &block->header, ids, block->tx_count, arena, err));
    block->header.time =
        assay_time_is_later(&time, &tip->time) ? time : assay_time_next(&tip->time);
    if (block->header.time.seconds > ASSAY_TIME_SECONDS_MAX)
        return ASSAY_FAIL(err, RANGE, "block %llu would be of second %llu, limit %llu",
                          (ull)block->header.height, (ull)block->header.time.seconds,
                          (ull)ASSAY_TIME_SECONDS_MAX);
    return ASSAY_OK;
}

static assay_status header_check(const assay_header *header, const assay_header *expected,
                                 assay_error *err) {
    const struct {
        const char *name;
        const void *found, *expected;
        size_t size;
    } fields[] = {
#define FIELD(name) {#name, &header->name, &expected->name, sizeof header->name}
        FIELD(chain_id),          FIELD(height),
        FIELD(last_block.hash),   FIELD(last_block),
        FIELD(last_commit_hash),  FIELD(data_hash),
        FIELD(validators_hash),   FIELD(next_validators_hash),
        FIELD(consensus_hash),    FIELD(app_hash),
        FIELD(last_results_hash), FIELD(evidence_hash),
        FIELD(proposer),
#undef FIELD
    };
    for (size_t i = 0; i < ASSAY_COUNT(fields); i++)
        if (memcmp(fields[i].found, fields[i].expected, fields[i].size) != 0)
            return ASSAY_FAIL(err, MISMATCH, "block %llu, where %llu is next, has another %s",
                              (ull)header->height, (ull)expected->height, fields[i].name);
    return ASSAY_OK;
}

assay_status assay_tip_check(const assay_tip *tip, const assay_block *block, assay_arena *arena,
                             assay_error *err) {
    assay_header expected;
    assay_block_id id;
    void *room;
    ASSAY_TRY(assay_arena_get(arena, block->tx_count, sizeof(assay_hash), "ids", &room, err));
    assay_block_tx_ids(room, block);
    ASSAY_TRY(header_expect(tip, &expected, room, block->tx_count, arena, err));
    ASSAY_TRY(header_check(&block->header, &expected, err));
    if (!assay_time_is_later(&block->header.time, &tip->time))
        return ASSAY_FAIL(err, MISMATCH, "block %llu has a time that is not above the last one's",
                          (ull)block->header.height);
    ASSAY_TRY(assay_block_id_of(&id, block, tip->height ? &tip->commit : NULL, arena, err));
    if (id.part_count != block->commit.block.part_count ||
        !assay_hash_equal(&id.part_root, &block->commit.block.part_root))
        return ASSAY_FAIL(err, MISMATCH, "commit of block %llu signs other parts",
                          (ull)block->header.height);
    return assay_light_check_own(&block->commit, &block->header, tip->chain_id, tip->public_key,
                                 tip->power, arena, err);
}

void assay_tip_advance(assay_tip *tip, const assay_block *block, const assay_hash *results_hash) {
    tip->height = block->header.height;
    tip->time = block->header.time;
    tip->commit = block->commit;
    tip->results_hash = *results_hash;
    tip->app_hash = block->app_hash_after;
}
