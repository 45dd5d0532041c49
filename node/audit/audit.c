// SPDX-License-Identifier: Apache-2.0
#include "node/audit/audit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "consensus/blocklog.h"
#include "consensus/follower.h"
#include "consensus/replay.h"
#include "ledger/scan.h"
#include "ledger/view.h"
#include "node/command.h"

enum {
    BLOCK_ARENA_MAX = 256 << 20,
    ADDED_UP_FIRST = 2048, // blocks after each of which all money is added up,
    ADDED_UP_EVERY = 256,  // and so many from one such block to the next, later
};

static assay_status parts_open(assay_audit *audit, const assay_audit_options *options,
                               assay_error *err) {
    ASSAY_TRY(assay_home_open(&audit->home, options->home, err));
    audit->behind = options->comet || audit->home.config.engine == ASSAY_ENGINE_ABCI;
    if (audit->behind)
        ASSAY_TRY(assay_comet_open(
            &audit->comet, options->comet ? options->comet : audit->home.config.comet, err));
    ASSAY_TRY(assay_pool_open(&audit->pool, (unsigned)options->threads, err));
    // Whatever a crash loses of it can be replayed again.
    assay_app_options app = {
        .skip_sync = true, .pool = audit->pool, .map_size = audit->home.config.map_gib << 30};
    ASSAY_TRY(assay_app_open(&audit->app, options->folder, &audit->home.genesis, &app, err));
    ASSAY_TRY(assay_app_init_chain(audit->app, err));
    // Of a chain that several began there is no log.
    if (audit->behind && audit->home.genesis.validator_count > 1) return ASSAY_OK;
    return assay_replay_start(&audit->tip, audit->app, err);
}

assay_status assay_audit_open(assay_audit *audit, const assay_audit_options *options,
                              assay_error *err) {
    memset(audit, 0, sizeof *audit);
    assay_status status = parts_open(audit, options, err);
    if (status != ASSAY_OK) assay_audit_close(audit);
    return status;
}

void assay_audit_close(assay_audit *audit) {
    assay_app_close(audit->app);
    assay_pool_close(audit->pool);
    assay_home_close(&audit->home);
    memset(audit, 0, sizeof *audit);
}

// The home's own state, if there is one: its tip, and that its entries have the root it states.
// The snapshot does not stay open, since a running node could then not reuse its pages.
static assay_status recorded_read(assay_audit *audit, assay_error *err) {
    const assay_store_options options = {.read_only = true};
    char path[PATH_MAX];
    assay_store *store = NULL;
    assay_snapshot *snapshot = NULL;
    assay_error why = {0};
    ASSAY_TRY(assay_home_path(path, audit->home.path, "state", err));
    assay_status status = assay_store_open(&store, path, &audit->home.genesis.hash, &options, &why);
    if (status == ASSAY_NOT_FOUND) return ASSAY_OK;
    if (status == ASSAY_OK) status = assay_snapshot_open(&snapshot, store, &why);
    if (status == ASSAY_OK) {
        audit->recorded = *assay_snapshot_tip(snapshot);
        status = assay_snapshot_check(snapshot, &why);
    }
    if (status != ASSAY_OK) assay_fail(err, status, 0, "the home's state: %s", why.text);
    assay_snapshot_close(snapshot);
    assay_store_close(store);
    return status;
}

// Where the replay has come to the height of the home's state, both must be the same.
static assay_status recorded_compare(const assay_audit *audit, assay_error *err) {
    const assay_store_tip *own = assay_store_last(assay_app_store(audit->app));
    const assay_store_tip *recorded = &audit->recorded;
    if (!recorded->committed || recorded->height != own->height) return ASSAY_OK;
    if (assay_hash_equal(&recorded->state_root, &own->state_root) &&
        assay_hash_equal(&recorded->app_hash, &own->app_hash))
        return ASSAY_OK;
    return ASSAY_FAIL(err, MISMATCH, "the home's state of height %llu is not what its blocks say",
                      (ull)own->height);
}

static assay_status supply_check(assay_audit *audit, assay_error *err) {
    assay_view view;
    ASSAY_TRY(assay_view_open(&view, audit->app, err));
    uint64_t genesis = audit->home.genesis.supply;
    assay_status status = assay_totals_scan(&audit->totals, &view.reader, view.params, err);
    if (status == ASSAY_OK && assay_totals_sum(&audit->totals) != genesis)
        status = ASSAY_FAIL(err, MISMATCH,
                            "after block %llu all money is %llu nopen, the genesis made %llu",
                            (ull)view.height, (ull)assay_totals_sum(&audit->totals), (ull)genesis);
    assay_view_close(&view);
    return status;
}

static assay_status block_check(assay_audit *audit, assay_error *err) {
    uint64_t height = audit->tip.height;
    if (height <= ADDED_UP_FIRST || height % ADDED_UP_EVERY == 0)
        ASSAY_TRY(supply_check(audit, err));
    return recorded_compare(audit, err);
}

static assay_status block_replay(assay_audit *audit, assay_blocklog *log, uint64_t index,
                                 assay_arena *arena, assay_error *err) {
    uint8_t *data;
    size_t size;
    assay_block block;
    ASSAY_TRY(assay_blocklog_read(log, index, &data, &size, err));
    assay_status status = assay_block_read(&block, data, size, arena, err);
    if (status == ASSAY_OK)
        status = assay_replay_block(&audit->tip, audit->app, &block, arena, err);
    free(data);
    return status == ASSAY_OK ? block_check(audit, err) : status;
}

static assay_status log_replay(assay_audit *audit, assay_error *err) {
    char path[PATH_MAX];
    assay_blocklog *log;
    assay_arena arena;
    ASSAY_TRY(recorded_compare(audit, err));
    ASSAY_TRY(assay_home_path(path, audit->home.path, "blocks", err));
    if (audit->behind && access(path, F_OK) != 0) return ASSAY_OK; // it was never solo's
    uint64_t least = audit->behind ? 0 : audit->recorded.height;
    ASSAY_TRY(assay_blocklog_open(&log, path, false, least, err));
    uint64_t count = assay_blocklog_count(log);
    assay_status status = ASSAY_OK;
    assay_arena_init(&arena, BLOCK_ARENA_MAX);
    for (uint64_t i = 0; status == ASSAY_OK && i < count; i++) {
        status = block_replay(audit, log, i, &arena, err);
        assay_arena_reset(&arena);
        assay_progress_show("replaying", i + 1, count);
    }
    assay_arena_close(&arena);
    assay_blocklog_close(log);
    return status;
}

// --- CometBFT's blocks ---

// Its last block, whose commit vouches for all of them, into the arena.
static assay_status last_fetch(assay_light_block *out, const assay_audit *audit, assay_arena *arena,
                               assay_error *err) {
    const assay_light_source source = assay_comet_light_source(&audit->comet);
    return source.fetch(source.self, 0, out, arena, err);
}

static assay_status comet_block_replay(assay_audit *audit, assay_follower *follower,
                                       assay_arena *arena, assay_error *err) {
    assay_block block;
    const assay_misbehavior *misbehaviors;
    uint32_t misbehavior_count;
    ASSAY_TRY(assay_comet_block_get(&block, &misbehaviors, &misbehavior_count, &audit->comet,
                                    follower->height + 1, arena, err));
    ASSAY_TRY(assay_follower_take(follower, &block, misbehaviors, misbehavior_count, arena, err));
    audit->tip.height = follower->height;
    return block_check(audit, err);
}

static assay_status comet_replay(assay_audit *audit, assay_error *err) {
    static assay_follower follower;
    assay_light_block last;
    assay_arena last_arena, arena;
    assay_arena_init(&last_arena, ASSAY_LIGHT_ARENA_MAX);
    assay_arena_init(&arena, BLOCK_ARENA_MAX);
    assay_status status = assay_follower_start(&follower, audit->app, err);
    if (audit->tip.height) follower.time = audit->tip.time; // a moved chain's first block is later
    if (status == ASSAY_OK) status = last_fetch(&last, audit, &last_arena, err);
    uint64_t first = follower.height;
    while (status == ASSAY_OK && follower.height < last.header.height) {
        status = comet_block_replay(audit, &follower, &arena, err);
        assay_arena_reset(&arena);
        assay_progress_show("replaying", follower.height - first, last.header.height - first);
    }
    if (status == ASSAY_OK) status = assay_follower_check(&follower, &last, &arena, err);
    assay_arena_close(&last_arena);
    assay_arena_close(&arena);
    return status;
}

assay_status assay_audit_replay(assay_audit *audit, assay_error *err) {
    // The state first: a log that is read later has at least as many blocks.
    ASSAY_TRY(recorded_read(audit, err));
    ASSAY_TRY(log_replay(audit, err));
    if (audit->behind) ASSAY_TRY(comet_replay(audit, err));
    if (audit->behind && audit->recorded.height > audit->tip.height)
        return ASSAY_FAIL(err, NOT_FOUND, "CometBFT's blocks end at %llu, before the state of %llu",
                          (ull)audit->tip.height, (ull)audit->recorded.height);
    return supply_check(audit, err);
}
