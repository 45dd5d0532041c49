// SPDX-License-Identifier: Apache-2.0
// The replay half of an audit: a node's block log, CometBFT's blocks, or the one and then the other
// where a chain was moved, from the genesis on through the same state machine into a fresh state,
// compared with what the blocks and the node's own state say.
#ifndef ASSAY_NODE_AUDIT_AUDIT_H
#define ASSAY_NODE_AUDIT_AUDIT_H

#include "consensus/tip.h"
#include "ledger/app.h"
#include "ledger/ledger.h"
#include "node/comet/comet.h"
#include "node/home/home.h"

// A zeroed struct is safe to close.
typedef struct {
    assay_home home; // the audited one, read only
    assay_pool *pool;
    assay_app *app; // the fresh state, after as many blocks as `tip` says
    assay_tip tip;  // of the replayed log; its height: of all that was replayed
    bool behind;    // CometBFT has the blocks, or those after the log
    assay_comet comet;
    // The last commit of the home's own state when the audit began; not committed: it has none.
    assay_store_tip recorded;
    assay_totals totals; // added up over all records
} assay_audit;

typedef struct {
    const char *home;   // of the node, which may be running
    const char *folder; // empty, for the fresh state
    const char *comet;  // URL of CometBFT's RPC; NULL: the home's, if its engine is abci
    uint64_t threads;
} assay_audit_options;

// Reads the home and makes the state of the genesis. Errors: as assay_home_open and
// assay_app_open. Lives: until close.
assay_status assay_audit_open(assay_audit *audit, const assay_audit_options *options,
                              assay_error *err);
void assay_audit_close(assay_audit *audit);

// Checks that the home's state is what its root says, replays all blocks that are in the log and in
// CometBFT's store now, compares the two where they meet, and adds up all money: after each of the
// first blocks, then now and then, and at the end. Statuses from
// TRUNCATED on are findings about the home, lower ones keep the audit from its work. Errors:
// CORRUPT (damaged log or state, or a log that ends before the state), MISMATCH (the state differs
// from the replay, or the supply equation fails), and as assay_replay_block, assay_blocklog_open,
// assay_totals_scan. Spec: F-50, E-93.
assay_status assay_audit_replay(assay_audit *audit, assay_error *err);

#endif
