// SPDX-License-Identifier: Apache-2.0
// A state taken from strangers: a manifest is offered with a trusted app hash, its chunks are
// applied in order, and what they make is compared with that hash before anything counts.
#ifndef ASSAY_CONSENSUS_STATESYNC_RESTORE_H
#define ASSAY_CONSENSUS_STATESYNC_RESTORE_H

#include "consensus/statesync/manifest.h"
#include "consensus/statesync/snapshot.h"
#include "ledger/app.h"

enum {
    ASSAY_STATESYNC_WRONG_MAX = 256, // senders of chunks of one snapshot that are not what it says
    ASSAY_STATESYNC_LIES_MAX = 64,   // snapshots remembered as false, the last ones
    // Bounds on what an entry takes beside its bytes while its state is rooted. Measured with keys
    // of ASSAY_RECORD_KEY_MAX, the longest, and up to 2,500,000 entries: 457 bytes of memory (a
    // leaf of 80, its place in the sort, the tree's writes, LMDB's dirty pages), 175 of the tree.
    ASSAY_STATESYNC_ENTRY_MEMORY = 512,
    ASSAY_STATESYNC_ENTRY_DISK = 256,
};

typedef struct assay_statesync_restore assay_statesync_restore;

typedef struct {
    assay_app *app;     // gets the state; borrowed, outlives the restore
    const char *folder; // a temporary one, beside the app's; copied
    uint64_t map_size;  // as the app's; 0: the store's default
    assay_pool *pool;   // borrowed, builds the tree; NULL: the caller's thread
    uint64_t memory;    // bytes a restore may take; 0: half of the machine's
    bool skip_sync;     // tests only
} assay_statesync_restore_options;

// Removes what a crash left in the folder. Errors: CAPACITY, MEMORY. Lives: until close, which
// drops a state that is not whole. The engine's thread, but for open and close. Spec: E-65.
assay_status assay_statesync_restore_open(assay_statesync_restore **out,
                                          const assay_statesync_restore_options *options,
                                          assay_error *err);
void assay_statesync_restore_close(assay_statesync_restore *restore);

// The numbers of ResponseOfferSnapshot.
typedef enum {
    ASSAY_STATESYNC_OFFER_ACCEPT = 1,
    ASSAY_STATESYNC_OFFER_ABORT = 2,         // no snapshot can be restored here: err says why
    ASSAY_STATESYNC_OFFER_REJECT = 3,        // not this one
    ASSAY_STATESYNC_OFFER_REJECT_FORMAT = 4, // none of its format
} assay_statesync_offer;

// Takes up a snapshot; one that was being restored is dropped. app_hash is trusted, all else is a
// stranger's. err: the reason of anything but ACCEPT. Spec: E-66.
assay_statesync_offer assay_statesync_restore_offer(assay_statesync_restore *restore,
                                                    const assay_statesync_snapshot *snapshot,
                                                    assay_bytes app_hash, assay_error *err);

// The numbers of ResponseApplySnapshotChunk.
typedef enum {
    ASSAY_STATESYNC_APPLY_ACCEPT = 1,
    ASSAY_STATESYNC_APPLY_ABORT = 2,           // the disk fails: err says why
    ASSAY_STATESYNC_APPLY_RETRY = 3,           // fetch it again, and not from its sender
    ASSAY_STATESYNC_APPLY_RETRY_SNAPSHOT = 4,  // offer it again: this chunk is not the next one
    ASSAY_STATESYNC_APPLY_REJECT_SNAPSHOT = 5, // its chunks are as it says, and it lied; no room
} assay_statesync_apply;

// Applies the next chunk; the one before may come again. With the last one the state is compared
// with the trusted app hash, and is the app's when this returns ACCEPT. sender: whom CometBFT has
// it from; without a name each is another. err: the reason of anything but ACCEPT. Spec: E-65,
// E-66.
assay_statesync_apply assay_statesync_restore_apply(assay_statesync_restore *restore,
                                                    uint32_t index, assay_bytes chunk,
                                                    assay_bytes sender, assay_error *err);

// Whether a chunk refused with this status is its sender's doing: it lied, or serves who did.
bool assay_statesync_is_lie(assay_status status);

// Chunks applied and chunks in all, of the snapshot in progress; zeros without one, and so after
// the last.
void assay_statesync_restore_progress(const assay_statesync_restore *restore, uint32_t *done,
                                      uint32_t *total);

#endif
