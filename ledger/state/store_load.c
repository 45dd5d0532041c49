// SPDX-License-Identifier: Apache-2.0
//   open ──put*──▶ loading ──root──▶ rooted ──aux*──▶ rooted ──commit──▶ landed
//
// Invariants:
//  1. the store's record says "not committed" until everything else is on disk (test_store_load:
//     nothing_counts_before_the_commit)
//  2. the tree is the one that blocks would have built (test_store_load: like_blocks)
#include "ledger/state/store_load.h"

#include <stdlib.h>

#include "ledger/state/smt_tree.h"
#include "ledger/state/store_db.h"

enum {
    PART = 64 << 20,           // bytes put before LMDB lets go of its dirty pages
    TREE_BYTES_LEAF = 512,     // bound on what the tree's writes take, an entry
    TREE_BYTES_FIX = 64 << 20, // and beside
};

struct assay_store_load {
    assay_store *store;
    const assay_db *db;
    assay_store_options options;
    MDB_txn *txn;       // open between parts
    MDB_cursor *cursor; // over entries, in it
    size_t part;        // bytes put in it
    bool rooted;
    uint8_t last[ASSAY_STORE_KEY_MAX];
    size_t last_size; // 0: no entry yet
    assay_hash root;
};

static assay_status empty_check(const assay_db *db, const char *folder, assay_error *err) {
    assay_db_view view;
    MDB_stat entries;
    ASSAY_TRY(assay_db_view_open(&view, db, err));
    int code = mdb_stat(view.txn, db->entries, &entries);
    assay_db_view_close(&view);
    if (code) return assay_db_fail(err, code, "cannot look into the store");
    if (entries.ms_entries) return ASSAY_FAIL(err, EXISTS, "%s holds entries", folder);
    return ASSAY_OK;
}

assay_status assay_store_load_open(assay_store_load **out, const char *folder,
                                   const assay_hash *genesis, const assay_store_options *options,
                                   assay_error *err) {
    *out = NULL;
    assay_store_load *load = calloc(1, sizeof *load);
    if (!load) return ASSAY_FAIL(err, MEMORY, "no memory for a load");
    if (options) load->options = *options;
    assay_store_options own = load->options;
    own.skip_sync = true; // commit syncs once
    assay_status status = assay_store_open(&load->store, folder, genesis, &own, err);
    if (status == ASSAY_OK) {
        load->db = assay_store_db(load->store);
        status = empty_check(load->db, folder, err);
    }
    if (status != ASSAY_OK) {
        assay_store_load_close(load);
        return status;
    }
    *out = load;
    return ASSAY_OK;
}

void assay_store_load_close(assay_store_load *load) {
    if (!load) return;
    if (load->cursor) mdb_cursor_close(load->cursor);
    if (load->txn) mdb_txn_abort(load->txn);
    assay_store_close(load->store);
    free(load);
}

assay_store *assay_store_load_store(assay_store_load *load) {
    return load->store;
}

static assay_status part_begin(assay_store_load *load, assay_error *err) {
    if (load->txn) return ASSAY_OK;
    int code = mdb_txn_begin(load->db->env, NULL, 0, &load->txn);
    if (code == 0) code = mdb_cursor_open(load->txn, load->db->entries, &load->cursor);
    return code ? assay_db_fail(err, code, "cannot begin a part of a load") : ASSAY_OK;
}

static assay_status part_end(assay_store_load *load, assay_error *err) {
    if (load->cursor) mdb_cursor_close(load->cursor);
    MDB_txn *txn = load->txn;
    load->cursor = NULL;
    load->txn = NULL;
    load->part = 0;
    int code = txn ? mdb_txn_commit(txn) : 0;
    return code ? assay_db_write_fail(load->db, err, code, "cannot write a part of a load")
                : ASSAY_OK;
}

static assay_status entry_put(assay_store_load *load, const void *key, size_t key_size,
                              const void *value, size_t value_size, unsigned flags,
                              assay_error *err) {
    ASSAY_TRY(part_begin(load, err));
    MDB_val name = {key_size, (void *)key}, data = {value_size, (void *)value};
    int code = mdb_cursor_put(load->cursor, &name, &data, flags);
    if (code) return assay_db_write_fail(load->db, err, code, "cannot write an entry");
    load->part += key_size + value_size;
    return load->part < PART ? ASSAY_OK : part_end(load, err);
}

assay_status assay_store_load_pause(assay_store_load *load, assay_error *err) {
    return part_end(load, err);
}

assay_status assay_store_load_put(assay_store_load *load, const void *key, size_t key_size,
                                  const void *value, size_t value_size, assay_error *err) {
    ASSAY_ASSERT(!load->rooted);
    if (key_size == 0 || key_size > ASSAY_STORE_KEY_MAX)
        return ASSAY_FAIL(err, RANGE, "key of %zu bytes, 1 to %d are legal", key_size,
                          ASSAY_STORE_KEY_MAX);
    if (value_size > ASSAY_STORE_VALUE_MAX)
        return ASSAY_FAIL(err, RANGE, "value of %zu bytes, limit %d", value_size,
                          ASSAY_STORE_VALUE_MAX);
    const uint8_t *bytes = key;
    if (bytes[0] >= ASSAY_STORE_AUX)
        return ASSAY_FAIL(err, FORMAT, "an entry of table 0x%02x, which is no state", bytes[0]);
    if (load->last_size && assay_bytes_order(load->last, load->last_size, bytes, key_size) >= 0)
        return ASSAY_FAIL(err, ORDER, "an entry of table 0x%02x does not follow the one before",
                          bytes[0]);
    ASSAY_TRY(entry_put(load, key, key_size, value, value_size, MDB_APPEND, err));
    memcpy(load->last, key, key_size);
    load->last_size = key_size;
    return ASSAY_OK;
}

// --- the tree ---

static assay_status nothing_read(void *context, const uint8_t *key, size_t key_size,
                                 assay_bytes *value, assay_error *err) {
    *value = (assay_bytes){NULL, 0};
    return ASSAY_OK;
}

static int writes_put(MDB_cursor *cursor, const assay_tree_write *write) {
    int code = 0;
    for (; write && code == 0; write = write->next) {
        MDB_val key = {write->key_size, (void *)write->key};
        MDB_val value = {write->size, (void *)write->data};
        if (write->size) code = mdb_cursor_put(cursor, &key, &value, 0);
    }
    return code;
}

static assay_status tree_write(assay_store_load *load, const assay_tree_update *update,
                               assay_error *err) {
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    int code = mdb_txn_begin(load->db->env, NULL, 0, &txn);
    if (code) return assay_db_fail(err, code, "cannot begin the state tree");
    code = mdb_cursor_open(txn, load->db->tree, &cursor);
    for (size_t i = 0; i < update->worker_count && code == 0; i++)
        code = writes_put(cursor, update->workers[i].pages);
    for (size_t i = 0; i < update->worker_count && code == 0; i++)
        code = writes_put(cursor, update->workers[i].buckets);
    if (cursor) mdb_cursor_close(cursor);
    // The record's root is what the tree's top says, though nothing is committed yet.
    const assay_store_tip tip = {.state_root = load->root};
    assay_status status = ASSAY_OK;
    if (code == 0) status = assay_db_record_write(load->db, txn, &tip, err);
    if (code || status != ASSAY_OK) {
        mdb_txn_abort(txn);
        return code ? assay_db_write_fail(load->db, err, code, "cannot write the state tree")
                    : status;
    }
    code = mdb_txn_commit(txn);
    return code ? assay_db_write_fail(load->db, err, code, "cannot write the state tree")
                : ASSAY_OK;
}

static assay_status tree_build(assay_store_load *load, assay_tree_leaf *leaves, size_t count,
                               assay_error *err) {
    static const assay_hash empty;
    assay_tree_update update;
    unsigned threads = assay_pool_thread_count(load->options.pool);
    size_t workers = threads < ASSAY_TREE_WORKERS_MAX ? threads : ASSAY_TREE_WORKERS_MAX;
    assay_tree_update_init(&update, workers, count * TREE_BYTES_LEAF + TREE_BYTES_FIX);
    for (size_t i = 0; i < workers; i++)
        update.workers[i].source = (assay_tree_source){nothing_read, NULL};
    assay_status status =
        assay_tree_update_run(&update, load->options.pool, &empty, leaves, count, &load->root, err);
    if (status == ASSAY_OK) status = tree_write(load, &update, err);
    assay_tree_update_close(&update);
    return status;
}

assay_status assay_store_load_root(assay_store_load *load, assay_hash *root, assay_error *err) {
    assay_db_view view;
    assay_tree_leaf *leaves = NULL;
    size_t count = 0;
    ASSAY_ASSERT(!load->rooted);
    ASSAY_TRY(part_end(load, err));
    ASSAY_TRY(assay_db_view_open(&view, load->db, err));
    assay_status status = assay_db_leaves(&leaves, &count, &view, err);
    if (status == ASSAY_OK) status = tree_build(load, leaves, count, err);
    free(leaves);
    assay_db_view_close(&view);
    load->rooted = status == ASSAY_OK;
    *root = load->root;
    return status;
}

// --- the end ---

assay_status assay_store_load_aux(assay_store_load *load, const void *key, size_t key_size,
                                  const void *value, size_t value_size, assay_error *err) {
    ASSAY_ASSERT(load->rooted && key_size >= 1 && key_size <= ASSAY_STORE_KEY_MAX);
    ASSAY_ASSERT(value_size <= ASSAY_STORE_VALUE_MAX);
    ASSAY_ASSERT(((const uint8_t *)key)[0] >= ASSAY_STORE_AUX);
    return entry_put(load, key, key_size, value, value_size, 0, err);
}

assay_status assay_store_load_commit(assay_store_load *load, uint64_t height,
                                     const assay_hash *app_hash, assay_error *err) {
    ASSAY_ASSERT(load->rooted);
    const assay_store_tip tip = {true, height, load->root, *app_hash};
    ASSAY_TRY(part_end(load, err));
    // What the record speaks of is on disk before the record is.
    int code = load->options.skip_sync ? 0 : mdb_env_sync(load->db->env, 1);
    if (code) return assay_db_write_fail(load->db, err, code, "cannot sync a load");
    ASSAY_TRY(part_begin(load, err));
    ASSAY_TRY(assay_db_record_write(load->db, load->txn, &tip, err));
    ASSAY_TRY(part_end(load, err));
    code = load->options.skip_sync ? 0 : mdb_env_sync(load->db->env, 1);
    if (code) return assay_db_write_fail(load->db, err, code, "cannot sync a load");
    return assay_db_extend(load->db, err);
}
