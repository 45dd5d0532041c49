// SPDX-License-Identifier: Apache-2.0
#include "node/bench/stage.h"

#include <stdio.h>

enum { ARENA_MAX = 256 << 20 };

static assay_status server_open(assay_bench_stage *stage, assay_error *err) {
    char address[PATH_MAX + 16];
    assay_bench_state *state = &stage->state;
    ASSAY_TRY(assay_comet_open(&stage->comet, "http://127.0.0.1:1", err));
    const assay_abci_engine_options engine = {.application =
                                                  assay_ledger_application_calls(&state->ledger),
                                              .peer = assay_comet_peer(&stage->comet),
                                              .chain_id = state->chain_id};
    ASSAY_TRY(assay_abci_engine_open(&stage->engine, &engine, err));
    stage->abci = assay_abci_engine_application(stage->engine);
    snprintf(address, sizeof address, "unix://%s/abci", state->folder);
    const assay_abci_server_options server = {.address = address, .application = stage->abci};
    return assay_abci_server_open(&stage->server, &server, err);
}

assay_status assay_bench_stage_open(assay_bench_stage *stage,
                                    const assay_bench_state_options *options, assay_error *err) {
    memset(stage, 0, sizeof *stage);
    assay_arena_init(&stage->arena, ARENA_MAX);
    ASSAY_TRY(assay_bench_state_open(&stage->state, options, err));
    ASSAY_TRY(assay_app_init_chain(stage->state.app, err));
    assay_ed25519_address(&stage->proposer, stage->state.genesis.validators[0].ed25519);
    return server_open(stage, err);
}

void assay_bench_stage_close(assay_bench_stage *stage) {
    assay_abci_server_close(stage->server);
    assay_abci_engine_close(stage->engine);
    assay_bench_state_close(&stage->state);
    assay_arena_close(&stage->arena);
    memset(stage, 0, sizeof *stage);
}

assay_status assay_bench_stage_sign(assay_bench_stage *stage, assay_bytes *txs, assay_error *err) {
    assay_bench_transfers *transfers = &stage->state.transfers;
    ASSAY_TRY(assay_bench_transfers_sign(transfers, err));
    for (uint32_t i = 0; i < transfers->count; i++)
        txs[i] = (assay_bytes){transfers->items[i].bytes, ASSAY_BENCH_TX_SIZE};
    return ASSAY_OK;
}

static assay_status call(assay_bench_stage *stage, const assay_abci_request *request,
                         assay_abci_reply *reply, assay_error *err) {
    *reply = (assay_abci_reply){.kind = request->kind};
    return stage->abci.call(stage->abci.self, request, reply, &stage->arena, err);
}

assay_status assay_bench_stage_propose(assay_bench_stage *stage, assay_abci_block *out,
                                       const assay_bytes *txs, uint32_t count, assay_error *err) {
    assay_abci_request request = {.kind = ASSAY_ABCI_PREPARE_PROPOSAL};
    assay_abci_reply reply;
    assay_app_info info;
    assay_app_info_get(stage->state.app, &info);
    assay_arena_reset(&stage->arena);
    *out = (assay_abci_block){
        .txs = txs,
        .tx_count = count,
        .height = (int64_t)info.height + 1,
        .time = {ASSAY_BENCH_GENESIS_SECONDS + 1 + (int64_t)info.height, 0},
        .proposer = {stage->proposer.bytes, ASSAY_ADDRESS_SIZE},
    };
    request.block = *out;
    ASSAY_TRY(call(stage, &request, &reply, err));
    if (reply.txs.count != count + 1)
        return ASSAY_FAIL(err, MISMATCH, "a proposal of %u transactions and a beacon has %u", count,
                          reply.txs.count);
    out->txs = reply.txs.txs;
    out->tx_count = reply.txs.count;
    return ASSAY_OK;
}

assay_status assay_bench_stage_execute(assay_bench_stage *stage, const assay_abci_block *block,
                                       assay_error *err) {
    assay_abci_request request = {.kind = ASSAY_ABCI_FINALIZE_BLOCK}, commit = {0};
    assay_abci_reply reply;
    request.block = *block;
    ASSAY_TRY(call(stage, &request, &reply, err));
    for (uint32_t i = 0; i < reply.finalize.result_count; i++) {
        const assay_abci_result *result = &reply.finalize.results[i];
        if (result->code)
            return ASSAY_FAIL(err, MISMATCH, "transaction %u is refused: %.*s", i,
                              (int)result->log.size, (const char *)result->log.data);
    }
    commit.kind = ASSAY_ABCI_COMMIT;
    return call(stage, &commit, &reply, err);
}
