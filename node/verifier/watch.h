// SPDX-License-Identifier: Apache-2.0
// A validator at work: asks the node for its duties, reruns, commits, reveals.
//   duty commit → verdict found by the docket → verdict_commit → kept
//   duty reveal → the kept verdict (read again after a restart, or found again) → it opens the
//                 commitment → verdict_reveal
// The salt of a vote follows from the key and the case, so that a vote without its file is opened
// all the same, by a rerun; a window to reveal may be too short for many of them. The loop itself
// never waits for a stranger: reveals go first, then commits by deadline, in one row; only then is
// the node asked about what is new.
#ifndef ASSAY_NODE_VERIFIER_WATCH_H
#define ASSAY_NODE_VERIFIER_WATCH_H

#include "node/verifier/docket.h"
#include "node/verifier/vote_file.h"
#include "node/wallet/wallet.h"

enum {
    ASSAY_WATCH_KEPT_MAX = ASSAY_VOTES_KEPT_MAX,
    ASSAY_WATCH_AGAIN_BLOCKS = 4, // a vote still due so long after it was sent is sent again
};

// How a validator cheats; only on chains whose genesis says testnet.
typedef enum {
    ASSAY_VALIDATOR_HONEST,
    ASSAY_VALIDATOR_COPY,   // never reruns: says "match" like the others, with a probe of its own
    ASSAY_VALIDATOR_SILENT, // commits and never reveals
    ASSAY_VALIDATOR_LIE,    // reruns, and votes the opposite of what it found
} assay_validator_manner;

// A verdict found. committed, revealed: height of the last look that sent it so, 0: never.
typedef struct {
    assay_vote_record record;
    uint64_t committed;
    uint64_t revealed;
    bool lost;   // the commitment is another's, and cannot be opened
    bool stored; // in the file, where there is one
} assay_watch_vote;

// Opened once, closed once. A zeroed struct is safe to close.
typedef struct {
    assay_docket *docket;
    assay_wallet *wallet;       // borrowed
    const assay_client *client; // the checker's, which asks and is stopped
    uint64_t hurry;             // blocks before a commit's deadline at which fetching is given up
    assay_meter *meter;         // the workshop's
    assay_validator_manner manner;
    bool json;               // lines as JSON
    assay_watch_vote *votes; // ring [ASSAY_WATCH_KEPT_MAX]
    uint64_t vote_count;
    assay_vote_file file;
} assay_watch;

typedef struct {
    const assay_checker *checker; // borrowed
    assay_wallet *wallet;         // borrowed, open
    uint64_t commit_blocks;       // of the genesis
    assay_validator_manner manner;
    bool json;
    const char *votes_path; // NULL: votes are in memory only
} assay_watch_options;

// Errors: MEMORY, those of assay_vote_file_open. Lives: until close. Spec: F-49.
assay_status assay_watch_open(assay_watch *watch, const assay_watch_options *options,
                              assay_error *err);
void assay_watch_close(assay_watch *watch);

// Sends every vote that is due and found, and asks the docket for the rest; prints a line a vote. A
// duty that fails is told on standard error and tried again while its window is open.
// Errors: only when the duties cannot be had at all: NETWORK … Spec: P-56, P-57, F-49.
assay_status assay_watch_step(assay_watch *watch, assay_error *err);

#endif
