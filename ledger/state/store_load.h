// SPDX-License-Identifier: Apache-2.0
// A whole state into a new store at once: entries in key order are appended to LMDB, the tree is
// built over all of them at the end, and the height lands last. Memory is that of the leaves, not
// of the values.
//
//   open → put* → root → aux* → commit
//
// Until commit the store says that it has no block: whoever finds it half made removes it. The
// folder is a temporary one, so nothing but commit waits for the disk.
#ifndef ASSAY_LEDGER_STATE_STORE_LOAD_H
#define ASSAY_LEDGER_STATE_STORE_LOAD_H

#include "ledger/state/store.h"

typedef struct assay_store_load assay_store_load;

// Begins a store in a folder that is new or holds none. Options as for assay_store_open; the pool
// builds the tree. Errors: EXISTS (entries are there), and those of assay_store_open. Lives: until
// close, which keeps what commit has landed.
assay_status assay_store_load_open(assay_store_load **out, const char *folder,
                                   const assay_hash *genesis, const assay_store_options *options,
                                   assay_error *err);
void assay_store_load_close(assay_store_load *load);

// Adds a state entry; nothing is taken on trust. Errors: RANGE (sizes), FORMAT (an aux key),
// ORDER (not above the key before), CAPACITY (map_size), DISK_FULL, MEMORY, IO. Spec: P-80.
assay_status assay_store_load_put(assay_store_load *load, const void *key, size_t key_size,
                                  const void *value, size_t value_size, assay_error *err);

// Hands what was put to the file, and lets go of LMDB's writer, which belongs to a thread: before
// another one goes on with the load. Errors: CAPACITY, DISK_FULL, IO.
assay_status assay_store_load_pause(assay_store_load *load, assay_error *err);

// Ends the state entries and builds their tree. Memory: about 200 bytes an entry.
// Errors: CAPACITY, DISK_FULL, MEMORY, IO. Spec: P-81, P-82.
assay_status assay_store_load_root(assay_store_load *load, assay_hash *root, assay_error *err);

// The store, for snapshots of the state after root. Lives: until close.
assay_store *assay_store_load_store(assay_store_load *load);

// Writes an aux entry, after root, in any order. key_size, value_size and the class are the
// caller's duty (asserted). Errors: CAPACITY, DISK_FULL, MEMORY, IO. Spec: P-80.
assay_status assay_store_load_aux(assay_store_load *load, const void *key, size_t key_size,
                                  const void *value, size_t value_size, assay_error *err);

// Lands it all, fsynced unless skip_sync, as the commit of this height; the store is then opened
// anew. Errors: DISK_FULL, CAPACITY, IO. Spec: P-86, P-87.
assay_status assay_store_load_commit(assay_store_load *load, uint64_t height,
                                     const assay_hash *app_hash, assay_error *err);

#endif
