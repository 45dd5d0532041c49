// SPDX-License-Identifier: Apache-2.0
// Opening: the application is brought to the end of the log, or the engine refuses to go on.
#include <openssl/crypto.h>
#include <stdlib.h>

#include "consensus/light/verify.h"
#include "consensus/solo_private.h"

// How far back the log is read for what became of transactions.
enum { RECENT_BLOCKS_MAX = 4096, RECENT_BYTES_MAX = 64 << 20 };

// Executes a logged block again and compares. Spec: C-16.
static assay_status block_replay(assay_solo *solo, assay_error *err) {
    const assay_application *app = &solo->options.application;
    const assay_block *block = &solo->work.block;
    assay_hash app_hash, recorded;
    ASSAY_TRY(assay_tip_check(&solo->tip, block, &solo->arena, err));
    ASSAY_TRY(assay_results_hash(&recorded, block->results, block->tx_count, &solo->arena, err));
    ASSAY_TRY(assay_solo_execute(solo, &app_hash, err));
    if (!assay_hash_equal(&solo->work.results_hash, &recorded))
        return ASSAY_FAIL(err, CORRUPT, "replaying block %llu comes to other results",
                          (ull)block->header.height);
    if (!assay_hash_equal(&app_hash, &block->app_hash_after))
        return ASSAY_FAIL(err, CORRUPT, "replaying block %llu comes to another state",
                          (ull)block->header.height);
    return app->commit(app->self, err);
}

// A block that the application already has; the last of them is where the chain goes on.
static assay_status block_known(assay_solo *solo, const assay_app_info *info, assay_error *err) {
    const assay_block *block = &solo->work.block;
    if (block->header.height != info->height) return ASSAY_OK;
    if (!assay_hash_equal(&block->app_hash_after, &info->app_hash))
        return ASSAY_FAIL(err, CORRUPT, "state of height %llu is not the block log's",
                          (ull)info->height);
    ASSAY_TRY(assay_light_check_own(&block->commit, &block->header, solo->tip.chain_id,
                                    solo->tip.public_key, solo->tip.power, &solo->arena, err));
    return assay_results_hash(&solo->work.results_hash, block->results, block->tx_count,
                              &solo->arena, err);
}

static assay_status record_take(assay_solo *solo, uint64_t height, const assay_app_info *info,
                                assay_error *err) {
    uint8_t *data;
    size_t size;
    assay_block *block = &solo->work.block;
    ASSAY_TRY(assay_blocklog_read(solo->log, height - 1, &data, &size, err));
    assay_status status = assay_block_read(block, data, size, &solo->arena, err);
    if (status == ASSAY_OK && block->header.height != height)
        status = ASSAY_FAIL(err, CORRUPT, "record %llu of the block log is block %llu",
                            (ull)height - 1, (ull)block->header.height);
    if (status == ASSAY_OK)
        status =
            assay_executed_room(&solo->work.done, block->txs, block->tx_count, &solo->arena, err);
    if (status == ASSAY_OK)
        status = height <= info->height ? block_known(solo, info, err) : block_replay(solo, err);
    if (status == ASSAY_OK) assay_solo_publish(solo);
    assay_solo_work_end(solo);
    free(data);
    return status;
}

// The first height whose transactions are remembered when the application is at `height`.
static assay_status recent_first(assay_solo *solo, uint64_t height, uint64_t *out,
                                 assay_error *err) {
    uint64_t bytes = 0, count = 0, txs = 0;
    *out = height + 1;
    while (*out > 1 && bytes < RECENT_BYTES_MAX && txs < ASSAY_FATES_MAX &&
           count++ < RECENT_BLOCKS_MAX) {
        uint8_t *data;
        size_t size;
        assay_block block;
        ASSAY_TRY(assay_blocklog_read(solo->log, *out - 2, &data, &size, err));
        assay_status status = assay_block_read(&block, data, size, &solo->arena, err);
        txs += block.tx_count;
        bytes += size;
        free(data);
        assay_arena_reset(&solo->arena);
        ASSAY_TRY(status);
        --*out;
    }
    return ASSAY_OK;
}

static assay_status log_replay(assay_solo *solo, assay_error *err) {
    const assay_application *app = &solo->options.application;
    uint8_t public_key[ASSAY_ED25519_KEY_SIZE];
    assay_app_info info;
    uint64_t first;
    ASSAY_TRY(assay_ed25519_public(public_key, solo->options.seed, err));
    app->info(app->self, &info);
    if (!info.initialised) {
        ASSAY_TRY(app->init_chain(app->self, err));
        app->info(app->self, &info);
    }
    ASSAY_TRY(assay_blocklog_open(&solo->log, solo->options.folder, true, info.height, err));
    assay_tip_init(&solo->tip, solo->options.chain_id, public_key, solo->options.power,
                   solo->options.genesis_seconds, &info.app_hash);
    ASSAY_TRY(recent_first(solo, info.height, &first, err));
    uint64_t count = assay_blocklog_count(solo->log);
    for (uint64_t height = first; height <= count; height++) {
        if (height > info.height && solo->options.replayed &&
            !solo->options.replayed(solo->options.replayed_self, height, count))
            return ASSAY_FAIL(err, STOPPED, "asked to end before block %llu of %llu", (ull)height,
                              (ull)count);
        ASSAY_TRY(record_take(solo, height, &info, err));
    }
    return ASSAY_OK;
}

static void locks_init(assay_solo *solo) {
    assay_deadline_cond_init(&solo->changed);
    pthread_mutex_init(&solo->lock, NULL);
    // Submitters come without end; the engine must not wait for a gap between them.
    pthread_rwlockattr_t fair;
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&solo->gate, &fair);
    pthread_rwlockattr_destroy(&fair);
}

assay_status assay_solo_open(assay_solo **out, const assay_solo_options *options,
                             assay_error *err) {
    *out = NULL;
    size_t length = strlen(options->chain_id);
    if (length == 0 || length > ASSAY_CHAIN_ID_MAX)
        return ASSAY_FAIL(err, RANGE, "chain id of %zu characters, limits 1 to %d", length,
                          ASSAY_CHAIN_ID_MAX);
    assay_solo *solo = calloc(1, sizeof *solo);
    if (!solo) return ASSAY_FAIL(err, MEMORY, "no memory for the solo engine");
    locks_init(solo);
    solo->options = *options;
    assay_arena_init(&solo->arena, ASSAY_SOLO_ARENA_MAX);
    assay_status status = assay_fates_open(&solo->fates, err);
    if (status == ASSAY_OK) status = log_replay(solo, err);
    solo->options.folder = solo->options.chain_id = NULL; // borrowed for this call
    if (status != ASSAY_OK) {
        assay_solo_close(solo);
        return status;
    }
    *out = solo;
    return ASSAY_OK;
}

void assay_solo_close(assay_solo *solo) {
    if (!solo) return;
    assay_solo_drain(solo, 0);
    assay_blocklog_close(solo->log);
    assay_mempool_close(&solo->mempool);
    assay_fates_close(&solo->fates);
    assay_arena_close(&solo->arena);
    pthread_cond_destroy(&solo->changed);
    pthread_mutex_destroy(&solo->lock);
    pthread_rwlock_destroy(&solo->gate);
    OPENSSL_cleanse(solo->options.seed, sizeof solo->options.seed);
    free(solo);
}
