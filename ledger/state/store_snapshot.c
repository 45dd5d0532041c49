// SPDX-License-Identifier: Apache-2.0
// The snapshots of ledger/state/store.h: an LMDB read transaction and what it says of itself.
#include <stdlib.h>

#include "base/sha256.h"
#include "ledger/state/smt_walk.h"
#include "ledger/state/store_db.h"

struct assay_snapshot {
    assay_store *store; // held
    assay_db_view view;
    assay_store_tip tip;
};

assay_status assay_snapshot_open(assay_snapshot **out, assay_store *store, assay_error *err) {
    const assay_db *db = assay_store_db(store);
    assay_snapshot *snapshot = calloc(1, sizeof *snapshot);
    *out = NULL;
    if (!snapshot) return ASSAY_FAIL(err, MEMORY, "no memory for a snapshot");
    snapshot->store = store;
    assay_store_hold(store);
    assay_status status = assay_db_view_open(&snapshot->view, db, err);
    if (status == ASSAY_OK)
        status = assay_db_record_read(db, snapshot->view.txn, &snapshot->tip, err);
    if (status != ASSAY_OK) {
        assay_snapshot_close(snapshot);
        return status;
    }
    *out = snapshot;
    return ASSAY_OK;
}

void assay_snapshot_close(assay_snapshot *snapshot) {
    if (!snapshot) return;
    assay_db_view_close(&snapshot->view);
    assay_store_release_hold(snapshot->store);
    free(snapshot);
}

const assay_store_tip *assay_snapshot_tip(const assay_snapshot *snapshot) {
    return &snapshot->tip;
}

assay_status assay_snapshot_get(assay_snapshot *snapshot, const void *key, size_t key_size,
                                assay_bytes *value, assay_error *err) {
    ASSAY_ASSERT(key_size >= 1 && key_size <= ASSAY_STORE_KEY_MAX);
    return assay_db_view_get(&snapshot->view, key, key_size, value, err);
}

// from may be position->key.
static assay_status step(assay_snapshot *snapshot, assay_store_position *position,
                         const uint8_t *from, size_t from_size, bool after, assay_error *err) {
    assay_bytes key;
    ASSAY_TRY(
        assay_db_view_step(&snapshot->view, from, from_size, after, &key, &position->value, err));
    size_t prefix_size = position->prefix_size;
    if (!key.data || key.size < prefix_size ||
        (prefix_size && memcmp(key.data, from, prefix_size) != 0)) {
        position->key_size = 0;
        position->value = (assay_bytes){NULL, 0};
        return ASSAY_OK;
    }
    if (key.size > ASSAY_STORE_KEY_MAX)
        return ASSAY_FAIL(err, CORRUPT, "stored key of %zu bytes, limit %d", key.size,
                          ASSAY_STORE_KEY_MAX);
    memmove(position->key, key.data, key.size);
    position->key_size = key.size;
    return ASSAY_OK;
}

assay_status assay_snapshot_seek(assay_snapshot *snapshot, assay_store_position *position,
                                 const void *from, size_t from_size, size_t prefix_size,
                                 assay_error *err) {
    ASSAY_ASSERT(from_size <= ASSAY_STORE_KEY_MAX && prefix_size <= from_size);
    position->prefix_size = prefix_size;
    return step(snapshot, position, from_size ? from : (const uint8_t *)"", from_size, false, err);
}

assay_status assay_snapshot_next(assay_snapshot *snapshot, assay_store_position *position,
                                 assay_error *err) {
    if (position->key_size == 0) return ASSAY_OK;
    return step(snapshot, position, position->key, position->key_size, true, err);
}

assay_status assay_snapshot_prove(assay_snapshot *snapshot, const void *key, size_t key_size,
                                  assay_smt_proof *proof, assay_error *err) {
    ASSAY_ASSERT(key_size >= 1 && key_size <= ASSAY_STORE_KEY_MAX);
    ASSAY_ASSERT(((const uint8_t *)key)[0] < ASSAY_STORE_AUX);
    assay_tree_source source = {assay_db_tree_read, &snapshot->view};
    assay_hash path;
    assay_bytes stranger, value;
    assay_sha256_of(&path, key, key_size);
    ASSAY_TRY(assay_tree_prove(&source, &snapshot->tip.state_root, &path, proof, &stranger, err));
    if (proof->kind == ASSAY_SMT_STRANGER) {
        ASSAY_TRY(assay_snapshot_get(snapshot, stranger.data, stranger.size, &value, err));
        if (!value.data) return ASSAY_FAIL(err, CORRUPT, "a leaf of the state tree has no entry");
        assay_sha256_of(&proof->stranger_value, value.data, value.size);
    }
    // Never hand out what nobody will accept: a damaged store is told here.
    ASSAY_TRY(assay_snapshot_get(snapshot, key, key_size, &value, err));
    assay_error why = {0};
    if (assay_smt_check(&snapshot->tip.state_root, key, key_size, value.data, value.size, proof,
                        &why) != ASSAY_OK)
        return ASSAY_FAIL(err, CORRUPT, "the store's own proof fails: %s", why.text);
    return ASSAY_OK;
}

static assay_status leaves_add(assay_tree_leaf **leaves, size_t *room, size_t count,
                               assay_bytes key, assay_bytes value, assay_error *err) {
    if (count == *room) {
        size_t wanted = *room ? 2 * *room : 1024;
        assay_tree_leaf *more = realloc(*leaves, wanted * sizeof *more);
        if (!more) return ASSAY_FAIL(err, MEMORY, "no memory for %zu leaves", wanted);
        *leaves = more;
        *room = wanted;
    }
    if (key.size > ASSAY_STORE_KEY_MAX)
        return ASSAY_FAIL(err, CORRUPT, "stored key of %zu bytes, limit %d", key.size,
                          ASSAY_STORE_KEY_MAX);
    assay_hash value_hash;
    assay_tree_leaf *leaf = &(*leaves)[count];
    *leaf = (assay_tree_leaf){.key = key.data, .key_size = (uint8_t)key.size};
    assay_sha256_of(&leaf->path, key.data, key.size);
    assay_sha256_of(&value_hash, value.data, value.size);
    assay_smt_leaf(&leaf->leaf, &leaf->path, &value_hash);
    return ASSAY_OK;
}

assay_status assay_db_leaves(assay_tree_leaf **leaves, size_t *count, const assay_db_view *view,
                             assay_error *err) {
    size_t room = 0;
    assay_bytes key, value;
    *leaves = NULL;
    *count = 0;
    ASSAY_TRY(assay_db_view_step(view, NULL, 0, false, &key, &value, err));
    while (key.data && key.data[0] < ASSAY_STORE_AUX) {
        ASSAY_TRY(leaves_add(leaves, &room, *count, key, value, err));
        ++*count;
        ASSAY_TRY(assay_db_view_step(view, key.data, key.size, true, &key, &value, err));
    }
    return ASSAY_OK;
}

assay_status assay_snapshot_check(assay_snapshot *snapshot, assay_error *err) {
    assay_tree_source source = {assay_db_tree_read, &snapshot->view};
    assay_tree_leaf *leaves = NULL;
    size_t count = 0;
    assay_status status = assay_db_leaves(&leaves, &count, &snapshot->view, err);
    if (status == ASSAY_OK)
        status = assay_tree_check(&source, &snapshot->tip.state_root, leaves, count, err);
    free(leaves);
    return status;
}

static uint64_t table_bytes(const MDB_stat *table) {
    uint64_t pages = table->ms_branch_pages + table->ms_leaf_pages + table->ms_overflow_pages;
    return pages * table->ms_psize;
}

// Pages on LMDB's free list: each of its records is a count and that many page numbers.
static int free_pages(MDB_txn *txn, uint64_t *count) {
    enum { FREE_TABLE = 0 };
    MDB_cursor *cursor;
    MDB_val key, value;
    size_t pages;
    *count = 0;
    int code = mdb_cursor_open(txn, FREE_TABLE, &cursor);
    if (code) return code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (value.mv_size < sizeof pages) continue;
        memcpy(&pages, value.mv_data, sizeof pages);
        *count += pages;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

assay_status assay_snapshot_measure(const assay_snapshot *snapshot, assay_store_usage *out,
                                    assay_error *err) {
    const assay_db *db = snapshot->view.db;
    MDB_txn *txn = snapshot->view.txn;
    MDB_envinfo info;
    MDB_stat file, entries, tree;
    uint64_t free_count = 0;
    int code = mdb_env_info(db->env, &info);
    if (code == 0) code = mdb_env_stat(db->env, &file);
    if (code == 0) code = mdb_stat(txn, db->entries, &entries);
    if (code == 0) code = mdb_stat(txn, db->tree, &tree);
    if (code == 0) code = free_pages(txn, &free_count);
    if (code) return assay_db_fail(err, code, "cannot measure the store");
    *out = (assay_store_usage){.map_size = info.me_mapsize,
                               .bytes_used = (info.me_last_pgno + 1) * (uint64_t)file.ms_psize,
                               .entry_count = entries.ms_entries,
                               .entry_bytes = table_bytes(&entries),
                               .tree_bytes = table_bytes(&tree),
                               .free_bytes = free_count * file.ms_psize};
    return ASSAY_OK;
}
