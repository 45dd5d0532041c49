// SPDX-License-Identifier: Apache-2.0
// States of a store:
//
//   closed --open--> ready --begin--> open block --root--> rooted --commit--> ready
//                      ^                  ^  |                |  |
//                      |                  |  +--put/delete----+  |
//                      +------abort-------+----------------------+
//
// Invariants:
//  1. LMDB changes in commit alone, by one transaction (test_store_db: killed_at_random_moments)
//  2. while a block is open, its view shows the last commit: values may be borrowed from the map
//     (test_store: borrowed_values_stay)
//  3. the tree's root is that of the state entries of the same commit (test_store:
//  like_a_plain_map)
//  4. a failed commit leaves the block open and the last commit as it was (…
//  full_map_loses_nothing)
#include "ledger/state/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/merkle.h"
#include "base/sha256.h"
#include "ledger/state/smt_tree.h"
#include "ledger/state/store_db.h"
#include "ledger/state/store_overlay.h"

static_assert((int)ASSAY_STORE_KEY_MAX == (int)ASSAY_TREE_LEAF_KEY_MAX, "a state key is a leaf's");

static const uint64_t block_size_default = 1ull << 30;

// A changed leaf makes a bucket of the tree new, at most 1.4 KiB where its entry took 200 bytes,
// and one worker may have to hold them all.
enum { TREE_SHARE = 8 };

struct assay_store {
    assay_db db;
    atomic_uint users; // whoever opened it, until close, and the open snapshots
    assay_store_options options;
    assay_store_tip tip;
    assay_overlay overlay;
    assay_tree_update update;
    assay_db_view view; // of the open block
    bool block_open;
    bool rooted; // root and update are those of the block's present contents
    assay_hash root;
};

const assay_db *assay_store_db(const assay_store *store) {
    return &store->db;
}

static size_t worker_count(assay_pool *pool) {
    unsigned threads = assay_pool_thread_count(pool);
    if (threads == 1) return 1;
    return threads < ASSAY_TREE_WORKERS_MAX / 4 ? 4 * threads : ASSAY_TREE_WORKERS_MAX;
}

static assay_status tip_load(assay_store *store, assay_error *err) {
    assay_db_view view;
    ASSAY_TRY(assay_db_view_open(&view, &store->db, err));
    assay_status status = assay_db_record_read(&store->db, view.txn, &store->tip, err);
    assay_db_view_close(&view);
    return status;
}

assay_status assay_store_open(assay_store **out, const char *folder, const assay_hash *genesis,
                              const assay_store_options *options, assay_error *err) {
    *out = NULL;
    assay_store *store = calloc(1, sizeof *store);
    if (!store) return ASSAY_FAIL(err, MEMORY, "no memory for a store");
    atomic_init(&store->users, 1);
    if (options) store->options = *options;
    if (!store->options.block_size) store->options.block_size = block_size_default;
    assay_tree_update_init(&store->update, worker_count(store->options.pool),
                           TREE_SHARE * store->options.block_size);
    assay_status status = assay_overlay_open(&store->overlay, store->options.block_size, err);
    if (status == ASSAY_OK)
        status = assay_db_open(&store->db, folder, genesis, &store->options, err);
    if (status == ASSAY_OK) status = tip_load(store, err);
    if (status != ASSAY_OK) {
        assay_store_close(store);
        return status;
    }
    *out = store;
    return ASSAY_OK;
}

void assay_store_hold(assay_store *store) {
    atomic_fetch_add(&store->users, 1);
}

void assay_store_release_hold(assay_store *store) {
    if (atomic_fetch_sub(&store->users, 1) > 1) return;
    assay_db_close(&store->db);
    free(store);
}

void assay_store_close(assay_store *store) {
    if (!store) return;
    assay_store_abort(store);
    assay_overlay_close(&store->overlay);
    assay_tree_update_close(&store->update);
    assay_store_release_hold(store);
}

const assay_store_tip *assay_store_last(const assay_store *store) {
    return &store->tip;
}

assay_status assay_store_begin(assay_store *store, assay_error *err) {
    ASSAY_ASSERT(!store->block_open);
    if (store->options.read_only)
        return ASSAY_FAIL(err, FORBIDDEN, "the store is open for reading only");
    // A reader that died keeps its commit's pages from reuse until somebody clears its slot.
    int dead;
    mdb_reader_check(store->db.env, &dead);
    ASSAY_TRY(assay_db_view_open(&store->view, &store->db, err));
    store->block_open = true;
    store->rooted = false;
    return ASSAY_OK;
}

void assay_store_abort(assay_store *store) {
    if (!store->block_open) return;
    assay_overlay_reset(&store->overlay);
    assay_tree_update_reset(&store->update);
    assay_db_view_close(&store->view);
    store->block_open = false;
}

// The key's entry, made from the last commit if this block has not met it.
static assay_status entry_load(assay_store *store, const void *key, size_t key_size,
                               assay_overlay_entry **out, assay_error *err) {
    assay_bytes base;
    *out = assay_overlay_find(&store->overlay, key, key_size);
    if (*out) return ASSAY_OK;
    ASSAY_TRY(assay_db_view_get(&store->view, key, key_size, &base, err));
    return assay_overlay_add(&store->overlay, key, key_size, base, out, err);
}

static void key_assert(const assay_store *store, size_t key_size) {
    ASSAY_ASSERT(store->block_open);
    ASSAY_ASSERT(key_size >= 1 && key_size <= ASSAY_STORE_KEY_MAX);
}

assay_status assay_store_get(assay_store *store, const void *key, size_t key_size,
                             assay_bytes *value, assay_error *err) {
    key_assert(store, key_size);
    assay_overlay_entry *entry = assay_overlay_find(&store->overlay, key, key_size);
    if (entry) {
        *value = entry->value;
        return ASSAY_OK;
    }
    ASSAY_TRY(assay_db_view_get(&store->view, key, key_size, value, err));
    // Remembered while that leaves three quarters of the room to writes: reading uses none of
    // theirs.
    if (store->overlay.entries.used < store->overlay.entries.capacity / 4)
        assay_overlay_add(&store->overlay, key, key_size, *value, &entry, NULL);
    return ASSAY_OK;
}

assay_status assay_store_put(assay_store *store, const void *key, size_t key_size,
                             const void *value, size_t value_size, assay_error *err) {
    static const uint8_t nothing[1];
    assay_overlay_entry *entry;
    key_assert(store, key_size);
    ASSAY_ASSERT(value_size <= ASSAY_STORE_VALUE_MAX && (value || value_size == 0));
    ASSAY_TRY(entry_load(store, key, key_size, &entry, err));
    if (((const uint8_t *)key)[0] < ASSAY_STORE_AUX) store->rooted = false;
    return assay_overlay_set(&store->overlay, entry, value_size ? value : nothing, value_size, err);
}

assay_status assay_store_delete(assay_store *store, const void *key, size_t key_size,
                                assay_error *err) {
    assay_overlay_entry *entry;
    key_assert(store, key_size);
    ASSAY_TRY(entry_load(store, key, key_size, &entry, err));
    if (((const uint8_t *)key)[0] < ASSAY_STORE_AUX) store->rooted = false;
    return entry->value.data ? assay_overlay_set(&store->overlay, entry, NULL, 0, err) : ASSAY_OK;
}

// prefix may be NULL if its size is 0.
static bool has_prefix(const assay_store_position *position, const uint8_t *key, size_t key_size,
                       const uint8_t *prefix) {
    size_t size = position->prefix_size;
    return size == 0 || (key_size >= size && memcmp(key, prefix, size) == 0);
}

// The first entry of the last commit, as the block changed it, from `from` on.
static assay_status old_step(assay_store *store, const assay_store_position *position,
                             const uint8_t *from, size_t from_size, bool after, assay_bytes *key,
                             assay_bytes *value, assay_error *err) {
    *key = (assay_bytes){from, from_size};
    do {
        assay_bytes last = *key;
        ASSAY_TRY(assay_db_view_step(&store->view, last.data, last.size, after, key, value, err));
        if (!key->data || !has_prefix(position, key->data, key->size, from)) {
            *key = *value = (assay_bytes){NULL, 0};
            return ASSAY_OK;
        }
        const assay_overlay_entry *entry =
            assay_overlay_find(&store->overlay, key->data, key->size);
        if (entry) *value = entry->value;
        after = true;
    } while (!value->data);
    return ASSAY_OK;
}

// from may be position->key.
static assay_status step(assay_store *store, assay_store_position *position, const uint8_t *from,
                         size_t from_size, bool after, assay_error *err) {
    assay_bytes key, value;
    ASSAY_ASSERT(store->block_open);
    ASSAY_TRY(old_step(store, position, from, from_size, after, &key, &value, err));
    const assay_overlay_entry *fresh = assay_overlay_step(&store->overlay, from, from_size, after);
    if (fresh && has_prefix(position, fresh->key, fresh->key_size, from) &&
        (!key.data || assay_bytes_order(fresh->key, fresh->key_size, key.data, key.size) < 0)) {
        key = (assay_bytes){fresh->key, fresh->key_size};
        value = fresh->value;
    }
    if (key.data) memmove(position->key, key.data, key.size);
    position->key_size = key.size;
    position->value = value;
    return ASSAY_OK;
}

assay_status assay_store_seek(assay_store *store, assay_store_position *position, const void *from,
                              size_t from_size, size_t prefix_size, assay_error *err) {
    ASSAY_ASSERT(from_size <= ASSAY_STORE_KEY_MAX && prefix_size <= from_size);
    position->prefix_size = prefix_size;
    return step(store, position, from_size ? from : (const uint8_t *)"", from_size, false, err);
}

assay_status assay_store_next(assay_store *store, assay_store_position *position,
                              assay_error *err) {
    if (position->key_size == 0) return ASSAY_OK;
    return step(store, position, position->key, position->key_size, true, err);
}

assay_store_mark assay_store_savepoint(assay_store *store) {
    ASSAY_ASSERT(store->block_open);
    return assay_overlay_mark(&store->overlay);
}

void assay_store_rollback(assay_store *store, assay_store_mark mark) {
    assay_overlay_rollback(&store->overlay, (uint32_t)mark);
    store->rooted = false;
}

void assay_store_release(assay_store *store, assay_store_mark mark) {
    assay_overlay_release(&store->overlay, (uint32_t)mark);
}

// Hashes a part of the changed state entries into leaves.
enum { HASH_PART = 256 };
typedef struct {
    const assay_overlay_entry **entries;
    assay_tree_leaf *leaves;
    size_t count;
} hash_run;

static void leaves_hash_part(void *context, size_t part) {
    hash_run *run = context;
    size_t end = (part + 1) * HASH_PART < run->count ? (part + 1) * HASH_PART : run->count;
    for (size_t i = part * HASH_PART; i < end; i++) {
        const assay_overlay_entry *entry = run->entries[i];
        assay_tree_leaf *leaf = &run->leaves[i];
        *leaf = (assay_tree_leaf){.key = entry->key, .key_size = entry->key_size};
        assay_sha256_of(&leaf->path, entry->key, entry->key_size);
        leaf->removed = !entry->value.data;
        if (leaf->removed) continue;
        assay_hash value_hash;
        assay_sha256_of(&value_hash, entry->value.data, entry->value.size);
        assay_smt_leaf(&leaf->leaf, &leaf->path, &value_hash);
    }
}

// The workers read by views of their own: LMDB's transactions are for one thread at a time.
static assay_status tree_update(assay_store *store, assay_tree_leaf *leaves, size_t count,
                                assay_error *err) {
    assay_db_view views[ASSAY_TREE_WORKERS_MAX] = {0};
    assay_tree_update *update = &store->update;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < update->worker_count && status == ASSAY_OK; i++) {
        assay_db_view *view = i == 0 ? &store->view : &views[i];
        if (i) status = assay_db_view_open(view, &store->db, err);
        update->workers[i].source = (assay_tree_source){assay_db_tree_read, view};
    }
    if (status == ASSAY_OK)
        status = assay_tree_update_run(update, store->options.pool, &store->tip.state_root, leaves,
                                       count, &store->root, err);
    for (size_t i = 1; i < update->worker_count; i++)
        assay_db_view_close(&views[i]);
    return status;
}

assay_status assay_store_root(assay_store *store, assay_hash *root, assay_error *err) {
    ASSAY_ASSERT(store->block_open);
    if (!store->rooted) {
        size_t room = store->overlay.count + 1;
        hash_run run = {malloc(room * sizeof *run.entries), malloc(room * sizeof *run.leaves), 0};
        assay_status status = ASSAY_OK;
        if (!run.entries || !run.leaves)
            status = ASSAY_FAIL(err, MEMORY, "no memory for the root of %zu keys", room - 1);
        for (const assay_overlay_entry *entry = store->overlay.first; entry && status == ASSAY_OK;
             entry = entry->next)
            if (entry->key[0] < ASSAY_STORE_AUX && assay_overlay_changed(entry))
                run.entries[run.count++] = entry;
        if (status == ASSAY_OK) {
            assay_pool_run(store->options.pool, (run.count + HASH_PART - 1) / HASH_PART,
                           leaves_hash_part, &run);
            status = tree_update(store, run.leaves, run.count, err);
        }
        free(run.entries);
        free(run.leaves);
        if (status != ASSAY_OK) return status;
        store->rooted = true;
    }
    *root = store->root;
    return ASSAY_OK;
}

static int entry_write(MDB_cursor *cursor, const assay_overlay_entry *entry) {
    MDB_val key = {entry->key_size, (void *)entry->key};
    MDB_val value = {entry->value.size, (void *)entry->value.data};
    if (entry->value.data) return mdb_cursor_put(cursor, &key, &value, 0);
    int code = mdb_cursor_get(cursor, &key, NULL, MDB_SET);
    if (code == 0) code = mdb_cursor_del(cursor, 0);
    return code == MDB_NOTFOUND ? MDB_CORRUPTED : code;
}

static int tree_write(MDB_cursor *cursor, const assay_tree_write *write) {
    int code = 0;
    for (; write && code == 0; write = write->next) {
        MDB_val key = {write->key_size, (void *)write->key};
        MDB_val value = {write->size, (void *)write->data};
        if (write->size) {
            code = mdb_cursor_put(cursor, &key, &value, 0);
        } else {
            code = mdb_cursor_get(cursor, &key, NULL, MDB_SET);
            if (code == 0) code = mdb_cursor_del(cursor, 0);
            if (code == MDB_NOTFOUND) code = MDB_CORRUPTED;
        }
    }
    return code;
}

// All of the block into one write transaction, in key order: neighbours share pages.
static assay_status block_write(assay_store *store, MDB_txn *txn, const assay_store_tip *tip,
                                assay_error *err) {
    const assay_overlay_entry **entries;
    size_t count;
    MDB_cursor *cursor = NULL;
    ASSAY_TRY(assay_overlay_list(&store->overlay, &entries, &count, err));
    int code = mdb_cursor_open(txn, store->db.entries, &cursor);
    for (size_t i = 0; i < count && code == 0; i++)
        code = entry_write(cursor, entries[i]);
    if (cursor) mdb_cursor_close(cursor);
    cursor = NULL;
    if (code == 0) code = mdb_cursor_open(txn, store->db.tree, &cursor);
    for (size_t i = 0; i < store->update.worker_count && code == 0; i++)
        code = tree_write(cursor, store->update.workers[i].pages);
    for (size_t i = 0; i < store->update.worker_count && code == 0; i++)
        code = tree_write(cursor, store->update.workers[i].buckets);
    if (cursor) mdb_cursor_close(cursor);
    if (code) return assay_db_write_fail(&store->db, err, code, "cannot write the block");
    return assay_db_record_write(&store->db, txn, tip, err);
}

assay_status assay_store_commit(assay_store *store, uint64_t height, const assay_hash *app_hash,
                                assay_error *err) {
    ASSAY_ASSERT(store->block_open && store->rooted && store->overlay.mark_count == 0);
    ASSAY_ASSERT(!store->tip.committed || height == store->tip.height + 1);
    assay_store_tip tip = {true, height, store->root, *app_hash};
    MDB_txn *txn;
    int code = mdb_txn_begin(store->db.env, NULL, 0, &txn);
    if (code) return assay_db_fail(err, code, "cannot begin a commit");
    assay_status status = block_write(store, txn, &tip, err);
    if (status != ASSAY_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    code = mdb_txn_commit(txn);
    if (code) return assay_db_write_fail(&store->db, err, code, "cannot commit the block");
    store->tip = tip;
    assay_store_abort(store);          // what it holds has landed
    assay_db_extend(&store->db, NULL); // a guard for the next open; the block is safe without it
    return ASSAY_OK;
}

void assay_store_app_hash(assay_hash *out, const assay_hash *state_root,
                          const assay_hash *history_root) {
    assay_merkle_node(out, state_root, history_root);
}

assay_status assay_store_backup(assay_store *store, const char *folder, assay_error *err) {
    char path[PATH_MAX];
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "data.mdb", err));
    ASSAY_TRY(assay_folder_make(folder, err));
    if (access(path, F_OK) == 0) return ASSAY_FAIL(err, EXISTS, "%s holds a store", folder);
    int code = mdb_env_copy(store->db.env, folder);
    int fd = code ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (code == 0 && (fd < 0 || fsync(fd) != 0)) code = errno;
    if (fd >= 0) close(fd);
    if (code == 0) return assay_folder_sync(folder, err);
    unlink(path);
    return assay_db_fail(err, code, "cannot copy the store");
}
