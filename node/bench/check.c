// SPDX-License-Identifier: Apache-2.0
#include "node/bench/check.h"

#include <stdlib.h>

#include "consensus/abci/connection.h"
#include "consensus/abci/wire.h"
#include "node/bench/abci.h"
#include "node/bench/stop.h"

enum { PART = 50, WARM = 1 };
#define US 1e6

// Processor seconds of one pair, of all its transfers.
typedef struct {
    double recover, check, socket_recover, socket;
} pair;

typedef struct {
    assay_bench_stage *stage;
    assay_bench_client client;
    assay_abci_buffer frames; // of the transfers at hand
    size_t *ends;             // [count] where each one's ends
    assay_abci_buffer answers;
    assay_arena arena;
} bench;

static assay_status transfers_make(bench *b, assay_error *err) {
    assay_bench_transfers *transfers = &b->stage->state.transfers;
    ASSAY_TRY(assay_bench_transfers_sign(transfers, err));
    assay_abci_buffer_reset(&b->frames);
    for (uint32_t i = 0; i < transfers->count; i++) {
        const assay_bytes tx = {transfers->items[i].bytes, ASSAY_BENCH_TX_SIZE};
        ASSAY_TRY(assay_bench_frame_check(&b->frames, tx, err));
        b->ends[i] = b->frames.size;
    }
    return ASSAY_OK;
}

static assay_status recover(double *seconds, const bench *b, uint32_t first, uint32_t end,
                            assay_error *err) {
    double start = assay_measure_thread_seconds();
    for (uint32_t i = first; i < end; i++)
        if (!assay_bench_transfer_recover(&b->stage->state.transfers.items[i]))
            return ASSAY_FAIL(err, MISMATCH, "signature %u gives no key", i);
    *seconds += assay_measure_thread_seconds() - start;
    return ASSAY_OK;
}

// One frame as a connection's worker answers it.
static assay_status frame_answer(bench *b, assay_bytes frame, assay_error *err) {
    const assay_abci_application *abci = &b->stage->abci;
    assay_abci_request request;
    assay_arena_reset(&b->arena);
    ASSAY_TRY(assay_abci_request_read(&request, frame, &b->arena, err));
    assay_abci_reply reply = {.kind = request.kind};
    ASSAY_TRY(abci->call(abci->self, &request, &reply, &b->arena, err));
    if (reply.check_tx.code)
        return ASSAY_FAIL(err, MISMATCH, "a transfer is refused: %.*s",
                          (int)reply.check_tx.log.size, (const char *)reply.check_tx.log.data);
    return assay_abci_reply_write(&b->answers, &reply, &b->arena, err);
}

static assay_status check(double *seconds, bench *b, uint32_t first, uint32_t end,
                          assay_error *err) {
    assay_abci_frames frames;
    assay_bytes frame;
    size_t from = first ? b->ends[first - 1] : 0;
    double start = assay_measure_thread_seconds();
    assay_abci_buffer_reset(&b->answers);
    assay_abci_frames_init(&frames, 1 << 20);
    assay_status status =
        assay_abci_frames_add(&frames, b->frames.data + from, b->ends[end - 1] - from, err);
    for (uint32_t i = first; i < end && status == ASSAY_OK; i++) {
        status = assay_abci_frames_next(&frames, &frame, err);
        if (status == ASSAY_OK) status = frame_answer(b, frame, err);
    }
    assay_abci_frames_close(&frames);
    *seconds += assay_measure_thread_seconds() - start;
    return status;
}

static assay_status pair_run(pair *out, bench *b, assay_error *err) {
    uint32_t count = b->stage->state.transfers.count;
    *out = (pair){0};
    ASSAY_TRY(transfers_make(b, err));
    for (uint32_t first = 0; first < count; first += PART) {
        uint32_t end = count - first < PART ? count : first + PART;
        ASSAY_TRY(recover(&out->recover, b, first, end, err));
        ASSAY_TRY(check(&out->check, b, first, end, err));
    }
    ASSAY_TRY(transfers_make(b, err));
    ASSAY_TRY(assay_bench_frame_empty(&b->frames, ASSAY_ABCI_FLUSH, err));
    ASSAY_TRY(recover(&out->socket_recover, b, 0, count, err));
    double start = assay_measure_process_seconds();
    ASSAY_TRY(assay_bench_client_ask(&b->client, &b->frames, count + 1, err));
    out->socket = assay_measure_process_seconds() - start;
    return ASSAY_OK;
}

static void result_fill(assay_bench_check_result *out, const pair *pairs, double *values,
                        uint32_t count, uint32_t transfers) {
#define EACH(expression)                                                                           \
    for (uint32_t i = 0; i < count; i++)                                                           \
    values[i] = (expression)
    EACH(pairs[i].check / pairs[i].recover);
    out->ratio = assay_measure_spread(values, count);
    EACH(pairs[i].socket / pairs[i].socket_recover);
    out->socket_ratio = assay_measure_spread(values, count);
    EACH(US * pairs[i].recover / transfers);
    out->recover_us = assay_measure_median(values, count);
    EACH(US * pairs[i].check / transfers);
    out->check_us = assay_measure_median(values, count);
    EACH(US * pairs[i].socket / transfers);
    out->socket_us = assay_measure_median(values, count);
#undef EACH
}

static assay_status pairs_run(assay_bench_check_result *out, bench *b, uint32_t pairs,
                              assay_error *err) {
    uint32_t transfers = b->stage->state.transfers.count;
    pair times[ASSAY_BENCH_CHECK_PAIRS_MAX];
    double values[ASSAY_BENCH_CHECK_PAIRS_MAX];
    ASSAY_TRY(
        assay_bench_client_open(&b->client, assay_abci_server_address(b->stage->server), err));
    b->ends = calloc(transfers, sizeof *b->ends);
    if (!b->ends) return ASSAY_FAIL(err, MEMORY, "no memory for %u frames", transfers);
    for (uint32_t i = 0; i < pairs + WARM; i++) {
        ASSAY_TRY(assay_bench_go_on(err));
        ASSAY_TRY(pair_run(&times[i < WARM ? 0 : i - WARM], b, err));
    }
    result_fill(out, times, values, pairs, transfers);
    return ASSAY_OK;
}

assay_status assay_bench_check_run(assay_bench_check_result *out, assay_bench_stage *stage,
                                   uint32_t pairs, assay_error *err) {
    bench b = {.stage = stage, .client = {.fd = -1}};
    *out = (assay_bench_check_result){0};
    ASSAY_ASSERT(pairs > 0 && pairs <= ASSAY_BENCH_CHECK_PAIRS_MAX);
    assay_arena_init(&b.arena, ASSAY_ABCI_ARENA_MAX);
    assay_status status = pairs_run(out, &b, pairs, err);
    assay_bench_client_close(&b.client);
    assay_abci_buffer_close(&b.frames);
    assay_abci_buffer_close(&b.answers);
    assay_arena_close(&b.arena);
    free(b.ends);
    return status;
}
