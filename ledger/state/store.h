// SPDX-License-Identifier: Apache-2.0
// The state: a bounded key-value map in LMDB whose contents have a root. One block is open at a
// time; its writes wait in memory and land with height and roots in one fsynced LMDB commit, or not
// at all. Readers take snapshots of the last commit and never wait.
//
// Keys are 1..128 bytes; the first byte names the table and the class (P-80):
//   0x00..0x7f  state: in the state root
//   0x80..0xef  aux: indexes and queues that follow from the blocks; not in the root
//   0xf0..0xff  aux, kept by ledger/state/history
// Order is bytewise (memcmp, the shorter first), so big-endian integers iterate in number order.
//
// A block:
//   begin, { savepoint, get/put/delete/seek/next …, release | rollback }*, root, commit | abort
//
// One thread at a time uses a store; snapshots may be opened, read and closed by any thread.
#ifndef ASSAY_LEDGER_STATE_STORE_H
#define ASSAY_LEDGER_STATE_STORE_H

#include "base/bytes.h"
#include "base/pool.h"
#include "base/status.h"
#include "ledger/state/smt.h"

typedef struct assay_store assay_store;
typedef struct assay_snapshot assay_snapshot;

enum {
    ASSAY_STORE_VERSION = 1,
    ASSAY_STORE_KEY_MAX = 128,
    ASSAY_STORE_VALUE_MAX = 4 << 20,
    ASSAY_STORE_AUX = 0x80,     // first byte of the first aux table
    ASSAY_STORE_HISTORY = 0xf0, // first byte of the first table of ledger/state/history
};

// A zeroed struct gives the defaults.
typedef struct {
    uint64_t map_size;   // bytes the store may ever take, sparse; 0: 64 GiB
    uint64_t block_size; // bytes of memory one block's writes may take; 0: 1 GiB
    uint32_t reader_max; // snapshots open at once, all processes together; 0: 512
    bool read_only;      // snapshots only, beside a running writer
    bool skip_sync;      // no fsync: tests and comparisons only; a power cut may lose the store
    assay_pool *pool;    // borrowed, hashes the tree; NULL: the caller's thread
} assay_store_options;

// What one commit left. A store without a commit has `committed` false and zeros.
typedef struct {
    bool committed;
    uint64_t height;
    assay_hash state_root;
    assay_hash app_hash;
} assay_store_tip;

// A place in key order; owns nothing, needs no close, and survives writes to the store.
typedef struct {
    uint8_t key[ASSAY_STORE_KEY_MAX];
    size_t key_size; // 0: past the end
    size_t prefix_size;
    assay_bytes value; // lives as long as what assay_store_get gives
} assay_store_position;

// Opens the store in `folder` (made if missing), and binds a new one to `genesis`. Kept: one writer
// process at a time, dead readers' slots are freed, the file is as long as its last page.
// options: NULL for defaults. Errors: BUSY (another writer), VERSION (newer schema), MISMATCH
// (another chain), CORRUPT, PERMISSION, DISK_FULL, NOT_FOUND (read_only without a store), MEMORY,
// IO. Lives: until close, which aborts an open block; what open snapshots read, and the writer's
// lock, stay until the last of them is closed. Spec: P-87.
assay_status assay_store_open(assay_store **out, const char *folder, const assay_hash *genesis,
                              const assay_store_options *options, assay_error *err);
void assay_store_close(assay_store *store);

// Holds the writer's lock of the store in `folder` without opening it: for what only its writer may
// do beside it. The file of the lock is made if missing and wanted. Errors: BUSY, NOT_FOUND,
// CAPACITY (path), PERMISSION, DISK_FULL, IO. Lives: until the caller closes *fd.
assay_status assay_store_lock(int *fd, const char *folder, bool make, assay_error *err);

// The last commit. Lives: as long as the store; changes at commit.
const assay_store_tip *assay_store_last(const assay_store *store);

// Opens a block on the last commit. No block may be open. Errors: CORRUPT, MEMORY, IO, FORBIDDEN
// (read_only).
assay_status assay_store_begin(assay_store *store, assay_error *err);

// Reads a key as the open block sees it. An absent key gives OK with value->data NULL; an empty
// value gives size 0 with data not NULL. Errors: CORRUPT, MEMORY, IO.
// Lives: until the key is next written or rolled back, or the block ends. Cost: ~0.1 us for a key
// this block has used before, ~0.5 us otherwise.
assay_status assay_store_get(assay_store *store, const void *key, size_t key_size,
                             assay_bytes *value, assay_error *err);

// Writes a key; the bytes are copied and may be borrowed from get. key_size 1..128 and value_size
// <= 4 MiB are the caller's duty (asserted). Errors: CAPACITY (block_size), CORRUPT, MEMORY, IO.
// Spec: P-80.
assay_status assay_store_put(assay_store *store, const void *key, size_t key_size,
                             const void *value, size_t value_size, assay_error *err);

// Removes a key; absent keys stay absent. Errors: as put.
assay_status assay_store_delete(assay_store *store, const void *key, size_t key_size,
                                assay_error *err);

// Finds the first key >= `from` among those that share its first prefix_size bytes (<= from_size;
// 0: all keys), in the block's view; position->key_size is 0 if there is none. Spec: P-80.
// Errors: CORRUPT, MEMORY, IO. Loop:
//   for (status = assay_store_seek(store, &at, "\x07", 1, 1, err);
//        status == ASSAY_OK && at.key_size; status = assay_store_next(store, &at, err))
assay_status assay_store_seek(assay_store *store, assay_store_position *position, const void *from,
                              size_t from_size, size_t prefix_size, assay_error *err);

// Moves to the next key after position->key with the same prefix, seeing all writes made since:
// the loop may put and delete, also at its own position. Errors: as seek.
assay_status assay_store_next(assay_store *store, assay_store_position *position, assay_error *err);

// Marks the block's present contents. Savepoints nest: marks end in the reverse order of their
// making, each by one rollback (contents as at the mark) or one release (contents kept).
// Cost: nothing but a copy of each key's state on its first write after the mark.
typedef uint64_t assay_store_mark;
assay_store_mark assay_store_savepoint(assay_store *store);
void assay_store_rollback(assay_store *store, assay_store_mark mark);
void assay_store_release(assay_store *store, assay_store_mark mark);

// The state root of the block's present contents. Writes nothing; may be called again after
// further writes, at full cost. Errors: CORRUPT, MEMORY, IO. Spec: P-81, P-82.
assay_status assay_store_root(assay_store *store, assay_hash *root, assay_error *err);

// Lands the block: every write, the tree, height, state root and app_hash in one LMDB commit,
// fsynced unless skip_sync. height is the last one + 1, or any for the first commit (asserted).
// On failure the block stays open and the last commit untouched: call again (after room was made)
// or abort. Errors: DISK_FULL, CAPACITY (map_size), CORRUPT, MEMORY, IO. Spec: P-86.
assay_status assay_store_commit(assay_store *store, uint64_t height, const assay_hash *app_hash,
                                assay_error *err);

// Drops the open block, if any.
void assay_store_abort(assay_store *store);

// app hash = SHA-256(0x01 || state root || history root). Spec: P-89.
void assay_store_app_hash(assay_hash *out, const assay_hash *state_root,
                          const assay_hash *history_root);

// A consistent copy of the last commit into an empty or missing folder, while blocks go on.
// Errors: EXISTS (folder holds a store), DISK_FULL, PERMISSION, IO.
assay_status assay_store_backup(assay_store *store, const char *folder, assay_error *err);

// What a store takes: `bytes_used` of `map_size`, and how many entries of both classes.
typedef struct {
    uint64_t map_size;
    uint64_t bytes_used; // pages ever used: the parts below and LMDB's own
    uint64_t entry_count;
    uint64_t entry_bytes; // pages of the entries
    uint64_t tree_bytes;  // pages of the state tree
    uint64_t free_bytes;  // pages that later blocks use again
} assay_store_usage;

// A view of the last commit; later commits do not change it. Each snapshot is used by one thread at
// a time. A long-lived one keeps old pages from reuse and lets the file grow: close it soon.
// Errors: BUSY (reader_max), CORRUPT, MEMORY, IO. Lives: until close, also after the store's.
assay_status assay_snapshot_open(assay_snapshot **out, assay_store *store, assay_error *err);
void assay_snapshot_close(assay_snapshot *snapshot);
const assay_store_tip *assay_snapshot_tip(const assay_snapshot *snapshot);

// As assay_store_get, seek and next, on the snapshot. Errors: CORRUPT, IO. Lives: until close.
assay_status assay_snapshot_get(assay_snapshot *snapshot, const void *key, size_t key_size,
                                assay_bytes *value, assay_error *err);
assay_status assay_snapshot_seek(assay_snapshot *snapshot, assay_store_position *position,
                                 const void *from, size_t from_size, size_t prefix_size,
                                 assay_error *err);
assay_status assay_snapshot_next(assay_snapshot *snapshot, assay_store_position *position,
                                 assay_error *err);

// Proves a state key present or absent against assay_snapshot_tip()->state_root; check with
// assay_smt_check. key[0] < 0x80 (asserted). Errors: CORRUPT, MEMORY, IO. Spec: P-83.
assay_status assay_snapshot_prove(assay_snapshot *snapshot, const void *key, size_t key_size,
                                  assay_smt_proof *proof, assay_error *err);

// What the store takes. Errors: IO.
assay_status assay_snapshot_measure(const assay_snapshot *snapshot, assay_store_usage *out,
                                    assay_error *err);

// Recomputes the state root from the entries alone, without the stored tree, and compares both.
// Memory: 64 bytes a state key. Errors: CORRUPT (the store disagrees with itself), MEMORY, IO.
// Spec: P-81.
assay_status assay_snapshot_check(assay_snapshot *snapshot, assay_error *err);

#endif
