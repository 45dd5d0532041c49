// SPDX-License-Identifier: Apache-2.0
// What the kv application keeps: keys in order with their values, a count and a height, in memory,
// and as one file that is replaced as a whole.
#ifndef ASSAY_CONSENSUS_ABCI_KV_STORE_H
#define ASSAY_CONSENSUS_ABCI_KV_STORE_H

#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_ABCI_KV_FILE_MAX = 256 << 20 };

typedef struct {
    assay_bytes key;
    assay_bytes value;
} assay_abci_kv_entry;

// A zeroed struct is empty and is safe to close.
typedef struct {
    assay_abci_kv_entry *entries; // [count], by key
    uint32_t count, room;
    uint64_t bytes; // of the entries in the file
    int64_t size;   // transactions so far
    int64_t height;
} assay_abci_kv_store;

// Returns: NULL where there is none. Lives: until it is set or removed.
const assay_bytes *assay_abci_kv_get(const assay_abci_kv_store *store, assay_bytes key);

// Errors: MEMORY, CAPACITY (a file over 256 MiB). Spec: E-9.
assay_status assay_abci_kv_set(assay_abci_kv_store *store, assay_bytes key, assay_bytes value,
                               assay_error *err);
void assay_abci_kv_remove(assay_abci_kv_store *store, assay_bytes key);

// Fills an empty store. Errors: NOT_FOUND, TRUNCATED, TRAILING, ORDER, VERSION, CAPACITY, IO,
// PERMISSION, MEMORY; the store is then to be closed. Spec: E-9.
assay_status assay_abci_kv_load(assay_abci_kv_store *store, const char *path, assay_error *err);

// Errors: DISK_FULL, PERMISSION, IO, MEMORY; the old file then stays. Spec: E-9.
assay_status assay_abci_kv_save(const assay_abci_kv_store *store, const char *path,
                                assay_error *err);

void assay_abci_kv_store_close(assay_abci_kv_store *store);

#endif
