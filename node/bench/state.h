// SPDX-License-Identifier: Apache-2.0
// The state of a chain of one validator in a temporary folder; the engine is the measurement's.
#ifndef ASSAY_NODE_BENCH_STATE_H
#define ASSAY_NODE_BENCH_STATE_H

#include <limits.h>

#include "consensus/ledger_application.h"
#include "node/bench/genesis.h"

typedef struct {
    const char *folder; // where a temporary folder is made, and removed afterwards
    uint32_t accounts;  // >= 2
    uint32_t transfers; // signed at once
    unsigned threads;   // for signatures and hashes
} assay_bench_state_options;

// A zeroed struct is safe to close. One thread.
typedef struct {
    assay_ledger_application ledger; // first: the calls' self is the state
    char folder[PATH_MAX];
    assay_pool *pool;
    assay_bench_transfers transfers;
    assay_operator secrets;
    assay_beacon_chains beacon;
    assay_genesis genesis;
    assay_app *app;
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];
} assay_bench_state;

// Opens everything; the genesis is not taken yet. Errors: those of making a chain. Spec: E-20.
// Lives: until close, which removes the folder; after an error too.
assay_status assay_bench_state_open(assay_bench_state *state,
                                    const assay_bench_state_options *options, assay_error *err);
void assay_bench_state_close(assay_bench_state *state);

#endif
