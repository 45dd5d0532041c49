// SPDX-License-Identifier: Apache-2.0
// What the kv application keeps: keys in order with their values, a count and a height, in memory,
// and as one file that is replaced as a whole.
#ifndef ASSAY_CONSENSUS_KVSTORE_STORE_H
#define ASSAY_CONSENSUS_KVSTORE_STORE_H

#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_KVSTORE_FILE_MAX = 256 << 20 };

typedef struct {
    assay_bytes key;
    assay_bytes value;
} assay_kvstore_entry;

// A zeroed struct is empty and is safe to close.
typedef struct {
    assay_kvstore_entry *entries; // [count], by key
    uint32_t count, room;
    uint64_t bytes; // of the entries in the file
    int64_t size;   // transactions so far
    int64_t height;
} assay_kvstore_store;

// Returns: NULL where there is none. Lives: until it is set or removed.
const assay_bytes *assay_kvstore_get(const assay_kvstore_store *store, assay_bytes key);

// Errors: MEMORY, CAPACITY (a file over 256 MiB). Spec: E-9.
assay_status assay_kvstore_set(assay_kvstore_store *store, assay_bytes key, assay_bytes value,
                               assay_error *err);
void assay_kvstore_remove(assay_kvstore_store *store, assay_bytes key);

// Fills an empty store. Errors: NOT_FOUND, TRUNCATED, TRAILING, ORDER, VERSION, CAPACITY, IO,
// PERMISSION, MEMORY; the store is then to be closed. Spec: E-9.
assay_status assay_kvstore_load(assay_kvstore_store *store, const char *path, assay_error *err);

// Errors: DISK_FULL, PERMISSION, IO, MEMORY; the old file then stays. Spec: E-9.
assay_status assay_kvstore_save(const assay_kvstore_store *store, const char *path,
                                assay_error *err);

void assay_kvstore_store_close(assay_kvstore_store *store);

#endif
