// SPDX-License-Identifier: Apache-2.0
#include "node/bench/state.h"

#include "base/file.h"

// Blocks a second for a day; the hash chain takes 10 ms. What is measured waits without a block
// that would make room for more.
enum { BEACON_LENGTH = 1 << 17, WAITING_MAX = 1 << 30 };

assay_status assay_bench_state_open(assay_bench_state *state,
                                    const assay_bench_state_options *options, assay_error *err) {
    char path[PATH_MAX];
    assay_app_options app = {.waiting_max = WAITING_MAX};
    memset(state, 0, sizeof *state);
    ASSAY_TRY(assay_folder_temporary(state->folder, sizeof state->folder, options->folder,
                                     "assay-bench-XXXXXX", err));
    ASSAY_TRY(assay_pool_open(&state->pool, options->threads, err));
    ASSAY_TRY(assay_bench_transfers_open(&state->transfers, options->accounts, options->transfers,
                                         state->pool, err));
    assay_bench_secrets_make(&state->secrets, 0, BEACON_LENGTH);
    ASSAY_TRY(assay_beacon_chains_open(&state->beacon, state->secrets.ed25519_seed,
                                       &state->secrets.beacon_seed, BEACON_LENGTH, err));
    ASSAY_TRY(
        assay_bench_genesis_make(&state->genesis, &state->transfers, &state->secrets, 1, err));
    assay_chain_name(state->chain_id, &state->genesis);
    ASSAY_TRY(assay_path_join(path, sizeof path, state->folder, "state", err));
    app.pool = state->pool;
    ASSAY_TRY(assay_app_open(&state->app, path, &state->genesis, &app, err));
    state->ledger = (assay_ledger_application){.app = state->app, .chains = &state->beacon};
    return ASSAY_OK;
}

void assay_bench_state_close(assay_bench_state *state) {
    assay_app_close(state->app);
    assay_genesis_close(&state->genesis);
    assay_beacon_chains_close(&state->beacon);
    assay_bench_transfers_close(&state->transfers);
    assay_pool_close(state->pool);
    if (state->folder[0]) assay_folder_remove(state->folder);
    memset(state, 0, sizeof *state);
}
