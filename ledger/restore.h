// SPDX-License-Identifier: Apache-2.0
// The end of a restore: a loaded state becomes the store of a node at that height. What is aux and
// follows from the state is written; what is mere history stays away (E-61).
#ifndef ASSAY_LEDGER_RESTORE_H
#define ASSAY_LEDGER_RESTORE_H

#include "ledger/params.h"
#include "ledger/state/history.h"

// After assay_store_load_root: sessions in their indexes, open batches in their list with their
// beacons, the payouts of the height's epoch, the last beacon, the history's peaks, and at which
// height this was; then the commit. height >= 1. Errors: CORRUPT (records that no rule wrote),
// NOT_FOUND (no beacon), CAPACITY, DISK_FULL, MEMORY, IO. Spec: E-61.
assay_status assay_restore_finish(assay_store_load *load, const assay_params *params,
                                  uint64_t height, const assay_merkle_peaks *history,
                                  const assay_hash *app_hash, assay_error *err);

// Whether a restored state may take the place of what a snapshot shows: no state, the genesis's, or
// a restored one on which no block has been committed. Errors: CORRUPT, IO. Spec: E-65.
assay_status assay_restore_may_replace(bool *may, assay_snapshot *snapshot, assay_error *err);

// Moves the files of the store in `from`, which its owner may have open, over those of the store in
// `to`: the data last, in one rename. Errors: NOT_FOUND, CAPACITY (path), PERMISSION, IO. Spec:
// E-65.
assay_status assay_restore_install(const char *from, const char *to, assay_error *err);

#endif
