// SPDX-License-Identifier: Apache-2.0
// The store's LMDB environment: opening and guarding it, its record, views of one commit, and
// LMDB's errors in our words.
//
// In the folder: data.mdb and lock.mdb (LMDB's), writer.lock (held while a writer has it open).
// Three tables: `entries` (both classes of keys), `tree` (ledger/state/smt_tree.h), and `store`
// with one record (P-87) that says whose store this is and what its last commit was.
#ifndef ASSAY_LEDGER_STATE_STORE_DB_H
#define ASSAY_LEDGER_STATE_STORE_DB_H

#include <lmdb.h>

#include "ledger/state/smt_node.h"
#include "ledger/state/store.h"

typedef struct {
    MDB_env *env;
    MDB_dbi store, entries, tree;
    int lock_fd; // of writer.lock, if locked
    bool locked;
    assay_hash genesis;
} assay_db;

// One commit as seen by one thread at a time. A zeroed struct is safe to close.
typedef struct {
    const assay_db *db;
    MDB_txn *txn;
    MDB_cursor *cursor; // over entries
    MDB_cursor *tree;   // over tree: reads go in path order, mostly within one LMDB page
} assay_db_view;

// Fails with the status that fits an LMDB code; the text is "<what>: <reason>".
// Errors: that one, always.
assay_status assay_db_fail(assay_error *err, int code, const char *what);

// As above, after a write. LMDB calls a write that stopped half way EIO: where the disk or the
// file's limit leaves no room, that is why. Errors: that one, always.
assay_status assay_db_write_fail(const assay_db *db, assay_error *err, int code, const char *what);

// A zeroed struct is safe to close. Errors: as assay_store_open. Spec: P-87.
assay_status assay_db_open(assay_db *db, const char *folder, const assay_hash *genesis,
                           const assay_store_options *options, assay_error *err);
void assay_db_close(assay_db *db);

// Reads and writes the record. Errors: VERSION, MISMATCH, CORRUPT, NOT_FOUND, IO. Spec: P-87.
assay_status assay_db_record_read(const assay_db *db, MDB_txn *txn, assay_store_tip *tip,
                                  assay_error *err);
assay_status assay_db_record_write(const assay_db *db, MDB_txn *txn, const assay_store_tip *tip,
                                   assay_error *err);

// Keeps the file longer than its last page: open tells a file cut short by its length.
// Errors: IO, PERMISSION.
assay_status assay_db_extend(const assay_db *db, assay_error *err);

// Errors: BUSY, MEMORY, IO. Lives: until close.
assay_status assay_db_view_open(assay_db_view *view, const assay_db *db, assay_error *err);
void assay_db_view_close(assay_db_view *view);

// An entry's value; data NULL: no such key. Lives: as long as the view. Errors: CORRUPT, IO.
assay_status assay_db_view_get(const assay_db_view *view, const void *key, size_t key_size,
                               assay_bytes *value, assay_error *err);

// The first entry >= from (> from if after); key->data NULL: none. Cheap if `from` is where the
// last step ended. Lives: as long as the view. Errors: CORRUPT, IO.
assay_status assay_db_view_step(const assay_db_view *view, const void *from, size_t from_size,
                                bool after, assay_bytes *key, assay_bytes *value, assay_error *err);

// The leaf of every state entry, in key order; keys borrow the view. Memory: about 80 bytes an
// entry. Errors: CORRUPT, MEMORY, IO. Lives: the caller frees *leaves, also after a failure.
assay_status assay_db_leaves(assay_tree_leaf **leaves, size_t *count, const assay_db_view *view,
                             assay_error *err);

// assay_tree_source.read over a view (the context). Errors: CORRUPT, IO.
assay_status assay_db_tree_read(void *view, const uint8_t *key, size_t key_size, assay_bytes *value,
                                assay_error *err);

// The environment of a store, for its snapshots.
const assay_db *assay_store_db(const assay_store *store);

// For a snapshot: the environment stays until as many holds are released, and the store is closed.
void assay_store_hold(assay_store *store);
void assay_store_release_hold(assay_store *store);

#endif
