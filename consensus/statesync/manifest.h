// SPDX-License-Identifier: Apache-2.0
// What a snapshot of the state is: a manifest and chunks. Both are functions of the state and its
// height alone, so that every node makes the same bytes and chunks may come from all of them.
//   manifest = u32 format || genesis hash || u64 height || state root || u64 history count || peaks
//              || app hash || u64 entries || u64 bytes || u32 chunks || SHA-256 of each chunk
//   chunk    = entry*, entry = u8 key size || key || u32 value size || value, in key order
#ifndef ASSAY_CONSENSUS_STATESYNC_MANIFEST_H
#define ASSAY_CONSENSUS_STATESYNC_MANIFEST_H

#include "ledger/state/history.h"

enum {
    ASSAY_STATESYNC_FORMAT = 1,
    ASSAY_STATESYNC_CHUNK_MAX = 8 << 20, // CometBFT takes 16,000,000 bytes with its own frame
    ASSAY_STATESYNC_CHUNKS_MAX = 100000,
    ASSAY_STATESYNC_ENTRY_MIN = 1 + 1 + 4,
    ASSAY_STATESYNC_ENTRY_MAX = 1 + ASSAY_STORE_KEY_MAX + 4 + ASSAY_STORE_VALUE_MAX,
    ASSAY_STATESYNC_HEAD_MAX =
        4 + 3 * ASSAY_HASH_SIZE + 8 + 8 + ASSAY_MERKLE_PEAKS_MAX * ASSAY_HASH_SIZE + 8 + 8 + 4,
    ASSAY_STATESYNC_MANIFEST_MAX =
        ASSAY_STATESYNC_HEAD_MAX + ASSAY_STATESYNC_CHUNKS_MAX * ASSAY_HASH_SIZE,
};

// Borrows `chunks`.
typedef struct {
    assay_hash genesis;
    uint64_t height;
    assay_hash state_root;
    assay_merkle_peaks history;
    assay_hash app_hash;
    uint64_t entry_count;
    uint64_t byte_count; // of all chunks
    uint32_t chunk_count;
    const assay_hash *chunks; // [chunk_count] SHA-256
} assay_statesync_manifest;

// The app hash that the manifest's roots give. Spec: P-88, P-89.
void assay_statesync_app_hash(assay_hash *out, const assay_statesync_manifest *manifest);

// The writer fails if its buffer is short of ASSAY_STATESYNC_MANIFEST_MAX. Spec: E-62.
void assay_statesync_manifest_write(assay_writer *writer, const assay_statesync_manifest *manifest);

// Reads a stranger's manifest. Nothing in it is true yet, but it agrees with itself: sizes, limits,
// and the app hash with the roots. Errors: VERSION (format), CAPACITY, RANGE, MISMATCH (app hash),
// TRUNCATED, TRAILING. Lives: chunks borrow `data`. Spec: E-62.
assay_status assay_statesync_manifest_read(assay_statesync_manifest *out, const uint8_t *data,
                                           size_t size, assay_error *err);

// One entry of a chunk. Spec: E-63.
size_t assay_statesync_entry_size(size_t key_size, size_t value_size);
void assay_statesync_entry_write(assay_writer *writer, assay_bytes key, assay_bytes value);

// The next entry of a stranger's chunk, while the cursor has bytes left; order and class are the
// load's to check. Errors: TRUNCATED, RANGE (sizes). Lives: as the chunk. Spec: E-63.
assay_status assay_statesync_entry_read(assay_bytes *key, assay_bytes *value, assay_cursor *cursor,
                                        assay_error *err);

#endif
