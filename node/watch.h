// SPDX-License-Identifier: Apache-2.0
// A validator at work: asks the node for its duties, reruns, commits, reveals.
//   duty commit → check run (kept) → verdict_commit in a block
//   duty reveal → the kept verdict (made again after a restart) → verdict_reveal in a block
// The salt of a vote follows from the key and the case, so nothing needs to be on disk.
#ifndef ASSAY_NODE_WATCH_H
#define ASSAY_NODE_WATCH_H

#include "node/check.h"
#include "node/wallet.h"

enum { ASSAY_WATCH_KEPT_MAX = 4096 };

// How a validator cheats; only on chains whose genesis says testnet.
typedef enum {
    ASSAY_VALIDATOR_HONEST,
    ASSAY_VALIDATOR_COPY,   // never reruns: says "match" like the others, with a probe of its own
    ASSAY_VALIDATOR_SILENT, // commits and never reveals
} assay_validator_manner;

// A verdict found and not yet shown.
typedef struct {
    assay_hash batch;
    uint32_t sample;
    uint8_t round;
    uint8_t verdict;
    assay_hash probe;
    bool revealed;
} assay_watch_vote;

// Borrows all but votes. A zeroed `votes` is empty.
typedef struct {
    assay_checker checker;
    assay_wallet *wallet;
    assay_validator_manner manner;
    bool json;               // lines as JSON
    assay_watch_vote *votes; // ring [ASSAY_WATCH_KEPT_MAX]
    uint64_t vote_count;
} assay_watch;

// Declares the workshop's roots unless the ledger has them so. Errors: REJECTED, NETWORK …
// Spec: P-36.
assay_status assay_watch_declare(assay_watch *watch, assay_error *err);

// Does everything that is due now; prints a line a vote. A duty that fails is told on standard
// error and tried again at the next step while its window is open.
// Errors: only when the duties cannot be had at all: NETWORK … Spec: P-56, P-57.
assay_status assay_watch_step(assay_watch *watch, assay_error *err);

#endif
