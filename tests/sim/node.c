// SPDX-License-Identifier: Apache-2.0
// One node's life, as CometBFT's handshake and block execution lead it:
//
//   down ──start──→ info, init_chain if new ──replay A+1 … S, catch up──→ up
//    ↑                     │ crash                                         │
//    └─────────────────────┴───── crash before, between and inside ←── finalize, commit
//
//   S1  what commit has promised is there after any crash: promised <= A
//   S2  the application is never ahead of the engine's store: A <= S
//   S3  nothing but commit and opening writes
//   S4  codes, data and hash of every block, also when repeated or replayed, are the judge's
// Each is checked here, for every block; tests/sim/test_sim.c plants a node that breaks it.
#include "tests/sim/private.h"

#include <fcntl.h>

void sim_node_init(sim *s, sim_node *node, uint32_t index, bool empty) {
    char path[SIM_PATH_MAX + 16];
    node->index = index;
    node->app = NULL;
    node->mempool_count = node->checks = 0;
    node->stored = node->state = node->promised = empty ? 0 : s->world->height;
    snprintf(path, sizeof path, "%s/data.mdb", node->folder);
    unlink(path);
    if (!empty) {
        int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
        if (fd < 0 || write(fd, s->world->state, s->world->state_size) < 0)
            sim_die("cannot write %s", path);
        close(fd);
    }
    snprintf(path, sizeof path, "%s/lock.mdb", node->folder);
    unlink(path);
}

void sim_node_crash(sim_node *node) {
    assay_app_close(node->app);
    node->app = NULL;
    node->mempool_count = 0;
}

bool sim_node_execute(sim *s, sim_node *node, uint64_t height, bool replay) {
    const sim_decision *expected = &s->decisions[height];
    uint64_t writes = sim_writes_count();
    assay_app_outcome out;
    assay_error err = {0};
    if (sim_finalize(node, &expected->block, replay, &out, &err) != ASSAY_OK)
        return sim_fail(s, node, "finalize_block %llu: %s", (ull)height, err.text);
    if (writes != sim_writes_count()) return sim_fail(s, node, "finalize_block has written");
    if (out.tx_count != expected->block.tx_count)
        return sim_fail(s, node, "%u results for %u transactions", out.tx_count,
                        expected->block.tx_count);
    for (uint32_t i = 0; i < out.tx_count; i++) {
        const assay_tx_result *one = &out.results[i], *other = &expected->results[i];
        if (one->code != other->code)
            return sim_fail(s, node, "block %llu, transaction %u: code %u, the judge's is %u",
                            (ull)height, i, one->code, other->code);
        if (one->data_size != other->data_size ||
            memcmp(one->data, other->data, one->data_size) != 0)
            return sim_fail(s, node, "block %llu, transaction %u: other data than the judge's",
                            (ull)height, i);
    }
    if (out.update_count != expected->update_count ||
        (out.update_count != 0 &&
         memcmp(out.updates, expected->updates, out.update_count * sizeof *out.updates) != 0))
        return sim_fail(s, node, "block %llu: other validator updates than the judge's",
                        (ull)height);
    if (!assay_hash_equal(&out.app_hash, &expected->app_hash))
        return sim_fail(s, node, "block %llu: another application hash than the judge's",
                        (ull)height);
    return true;
}

// Height and hash as info gives them are those of a decided block.
static bool info_check(sim *s, sim_node *node, uint64_t *height) {
    assay_app_info info;
    assay_app_info_get(node->app, &info);
    *height = info.height;
    if (info.height < node->promised)
        return sim_fail(s, node, "height %llu after commit of %llu", (ull)info.height,
                        (ull)node->promised);
    if (info.height > node->stored)
        return sim_fail(s, node, "height %llu, the engine's store ends at %llu", (ull)info.height,
                        (ull)node->stored);
    if (info.initialised && !assay_hash_equal(&info.app_hash, &s->decisions[info.height].app_hash))
        return sim_fail(s, node, "info: another hash than block %llu's", (ull)info.height);
    return true;
}

// Some fault in one of the next `writes`, sometimes.
static void fault_arm(sim *s, uint32_t percent, uint32_t writes) {
    if (s->quiet || !chance(s, percent)) return;
    uint32_t at = draw(s, writes);
    s->last_write = at + 1 == writes;
    sim_writes_arm(chance(s, 40) ? SIM_WRITES_FAIL : SIM_WRITES_DIE, at);
}

// Commits under whatever fault is armed. The node may be down afterwards.
static bool commit(sim *s, sim_node *node, uint64_t height) {
    assay_error err = {0};
    assay_status status = sim_commit(node, &err);
    bool struck = sim_writes_disarm();
    s->report->meta_struck += struck && s->last_write;
    if (status != ASSAY_OK && !struck)
        return sim_fail(s, node, "commit %llu: %s", (ull)height, err.text);
    if (status != ASSAY_OK && chance(s, 50)) {
        // "On failure it stays finalised: try again or close".
        s->report->write_faults++;
        status = sim_commit(node, &err);
    }
    if (status != ASSAY_OK) {
        s->report->crashes++;
        s->report->deaths++;
        sim_node_crash(node);
        return true;
    }
    node->promised = height;
    uint64_t now;
    return info_check(s, node, &now);
}

static bool replay(sim *s, sim_node *node, uint64_t height, bool faults) {
    if (node->stored < height) node->stored = height;
    SIM_TRY(sim_node_execute(s, node, height, true));
    s->report->replays++;
    if (faults && chance(s, 2)) {
        s->report->crashes++;
        sim_node_crash(node);
        return true;
    }
    if (faults) fault_arm(s, 4, s->decisions[height].writes);
    return commit(s, node, height);
}

// A new application gets its genesis; opening and this are repeated after a crash inside.
static bool open_app(sim *s, sim_node *node, bool faults) {
    enum { OPENING = 2 }; // writes, as many as init_chain makes
    assay_app_options options = {.skip_sync = true, .map_size = SIM_MAP_SIZE};
    assay_error err = {0};
    assay_app_info info = {0};
    if (faults && node->promised > 0) fault_arm(s, 5, OPENING);
    assay_status status =
        assay_app_open(&node->app, node->folder, &s->trial->chain.genesis, &options, &err);
    if (status == ASSAY_OK) {
        assay_app_info_get(node->app, &info);
        if (!info.initialised && faults) fault_arm(s, 30, OPENING);
        if (!info.initialised) status = assay_app_init_chain(node->app, &err);
    }
    bool struck = sim_writes_disarm();
    if (status == ASSAY_OK) return true;
    if (!struck) return sim_fail(s, node, "opening: %s", err.text);
    s->report->crashes++;
    sim_node_crash(node);
    return true;
}

bool sim_node_start(sim *s, sim_node *node, bool faults) {
    uint64_t height;
    SIM_TRY(open_app(s, node, faults));
    if (node->app == NULL) return true;
    SIM_TRY(info_check(s, node, &height));
    // A == S with the engine's own state one behind is CometBFT's mock replay (E-29): it believes
    // the application's hash, which info_check has compared.
    node->state = height;
    while (node->app != NULL && node->state < s->height) {
        SIM_TRY(replay(s, node, node->state + 1, faults));
        if (node->app != NULL) node->state++;
    }
    return true;
}

// --- waiting transactions ---

bool sim_node_offer(sim *s, sim_node *node, uint32_t entry) {
    uint32_t code;
    for (uint32_t i = 0; i < node->mempool_count; i++)
        if (node->mempool[i] == entry) return true; // the engine's cache
    SIM_TRY(sim_check_tx(s, node, &s->entries[entry], false, &code));
    if (code != 0) return true;
    node->mempool[node->mempool_count++] = entry;
    return true;
}

static bool in_block(const sim *s, uint32_t entry) {
    const assay_app_block *block = &s->decisions[s->height].block;
    assay_bytes bytes = s->entries[entry].bytes;
    for (uint32_t i = 0; i < block->tx_count; i++)
        if (block->txs[i].size == bytes.size &&
            memcmp(block->txs[i].data, bytes.data, bytes.size) == 0)
            return true;
    return false;
}

// After commit: what is in the block goes, the rest is checked again, oldest first.
static bool recheck(sim *s, sim_node *node) {
    uint32_t kept = 0, code;
    assay_app_forget_waiting(node->app);
    for (uint32_t i = 0; i < node->mempool_count; i++) {
        if (in_block(s, node->mempool[i])) continue;
        SIM_TRY(sim_check_tx(s, node, &s->entries[node->mempool[i]], true, &code));
        if (code == 0) node->mempool[kept++] = node->mempool[i];
    }
    node->mempool_count = kept;
    return true;
}

// --- one height ---

// R12 of the engine's side: a height is delivered again, or one is left out.
static bool twice_check(sim *s, sim_node *node, uint64_t height) {
    assay_app_block block = s->decisions[height].block;
    for (uint64_t wrong = height - 1; wrong <= height + 2; wrong++) {
        assay_app_outcome out = {0};
        if (wrong == height + 1) continue;
        block.height = wrong;
        if (sim_finalize(node, &block, false, &out, NULL) != ASSAY_RANGE)
            return sim_fail(s, node, "block %llu taken after block %llu", (ull)wrong, (ull)height);
    }
    return true;
}

// Another block for the same height, which comes to nothing.
static bool replaced(sim *s, sim_node *node) {
    assay_app_outcome out;
    assay_error err = {0};
    assay_app_block block = {.height = s->height,
                             .proposer = s->abandoned.proposer,
                             .txs = s->abandoned.txs,
                             .tx_count = s->abandoned.count,
                             .misbehaviors = s->abandoned.misbehaviors,
                             .misbehavior_count = s->abandoned.misbehavior_count};
    s->report->replaced++;
    if (sim_finalize(node, &block, false, &out, &err) != ASSAY_OK)
        return sim_fail(s, node, "finalize_block of another block: %s", err.text);
    return true;
}

static void crash(sim *s, sim_node *node) {
    s->report->crashes++;
    sim_node_crash(node);
}

bool sim_node_height(sim *s, sim_node *node) {
    enum { UNSEEN, STORED, FINALISED, COMMITTED, NEVER };
    uint32_t end = !s->quiet && chance(s, 10) ? draw(s, NEVER) : NEVER;
    if (end != UNSEEN) node->stored = s->height;
    if (end == UNSEEN || end == STORED) {
        crash(s, node);
        return true;
    }
    if (chance(s, 20)) SIM_TRY(replaced(s, node));
    SIM_TRY(sim_node_execute(s, node, s->height, false));
    if (chance(s, 10)) SIM_TRY(sim_node_execute(s, node, s->height, false));
    if (end == FINALISED) {
        crash(s, node);
        return true;
    }
    fault_arm(s, 8, s->decisions[s->height].writes);
    SIM_TRY(commit(s, node, s->height));
    if (node->app != NULL && end == COMMITTED) crash(s, node);
    if (node->app == NULL) return true;
    node->state = s->height;
    if (chance(s, 25)) SIM_TRY(twice_check(s, node, s->height));
    return recheck(s, node);
}

bool sim_node_digest(sim *s, const sim_node *node, assay_hash *out) {
    assay_snapshot *snapshot;
    assay_store_position at;
    assay_sha256 sha;
    assay_error err = {0};
    if (assay_snapshot_open(&snapshot, assay_app_store(node->app), &err) != ASSAY_OK)
        return sim_fail(s, node, "snapshot: %s", err.text);
    assay_sha256_init(&sha);
    assay_status status = assay_snapshot_seek(snapshot, &at, "", 0, 0, &err);
    while (status == ASSAY_OK && at.key_size != 0) {
        assay_sha256_update(&sha, at.key, at.key_size);
        assay_sha256_update(&sha, at.value.data, at.value.size);
        status = assay_snapshot_next(snapshot, &at, &err);
    }
    assay_sha256_final(&sha, out);
    assay_snapshot_close(snapshot);
    return status == ASSAY_OK ? true : sim_fail(s, node, "reading: %s", err.text);
}
