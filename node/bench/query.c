// SPDX-License-Identifier: Apache-2.0
#include "node/bench/query.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hex.h"
#include "node/api/api.h"
#include "node/bench/abci.h"
#include "node/bench/stop.h"

enum { PAUSE_NS = 300000, URL_MAX = 256, LOOK_MS = 5, TIMEOUT_S = 10, FINALIZE_ROOM = 1 << 16 };
#define US 1e6

typedef enum { NOTHING, IDLE, BUSY, PHASE_COUNT } phase;
typedef enum { ABCI, HTTP, WAY_COUNT } way;

// The samples of a round, us.
typedef struct {
    double *values[PHASE_COUNT][WAY_COUNT]; // [room]
    atomic_uint counts[PHASE_COUNT][WAY_COUNT];
    uint32_t room;
} samples;

typedef struct {
    assay_bench_stage *stage;
    assay_api api;
    assay_chain_engine engine;
    assay_http_server *http;
    assay_bench_client consensus;
    assay_bytes *txs; // [transfers]
    samples taken;
    double *finalize_ms; // [finalize_room]
    uint32_t blocks, finalize_room;

    // The sampler's thread.
    pthread_t sampler;
    bool sampling;
    assay_bench_client query;
    assay_abci_buffer frames;
    CURL *curl;
    char url[URL_MAX];
    atomic_int phase;
    atomic_bool ends;
    assay_error problem; // of the sampler, read after it ended
    atomic_bool failed;
} bench;

// --- the sampler ---

static size_t body_ignore(char *data, size_t size, size_t count, void *context) {
    return size * count;
}

static assay_status http_ask(bench *b, assay_error *err) {
    long code = 0;
    CURLcode result = curl_easy_perform(b->curl);
    if (result != CURLE_OK)
        return ASSAY_FAIL(err, NETWORK, "%s: %s", b->url, curl_easy_strerror(result));
    curl_easy_getinfo(b->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code == 200) return ASSAY_OK;
    return ASSAY_FAIL(err, NETWORK, "%s answers %ld", b->url, code);
}

static assay_status sample_take(bench *b, way which, assay_error *err) {
    phase now = (phase)atomic_load(&b->phase);
    double start = assay_measure_seconds();
    if (which == HTTP)
        ASSAY_TRY(http_ask(b, err));
    else
        ASSAY_TRY(assay_bench_client_ask(&b->query, &b->frames, 2, err));
    double us = US * (assay_measure_seconds() - start);
    unsigned at = atomic_load(&b->taken.counts[now][which]);
    if (now == NOTHING || at >= b->taken.room) return ASSAY_OK;
    b->taken.values[now][which][at] = us;
    atomic_store(&b->taken.counts[now][which], at + 1);
    return ASSAY_OK;
}

static void *sampler_run(void *argument) {
    bench *b = argument;
    const struct timespec pause = {0, PAUSE_NS};
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; status == ASSAY_OK && !b->ends; i++) {
        status = sample_take(b, i % 2 ? HTTP : ABCI, &b->problem);
        nanosleep(&pause, NULL);
    }
    if (status != ASSAY_OK) b->failed = true;
    return NULL;
}

static bool samples_full(const bench *b, phase which) {
    return b->taken.counts[which][ABCI] >= b->taken.room &&
           b->taken.counts[which][HTTP] >= b->taken.room;
}

static assay_status go_on(const bench *b, assay_error *err) {
    if (b->failed) return assay_fail(err, b->problem.status, 0, "%s", b->problem.text);
    return assay_bench_go_on(err);
}

// --- the two phases ---

static assay_status idle_run(bench *b, assay_error *err) {
    b->phase = IDLE;
    while (!samples_full(b, IDLE)) {
        ASSAY_TRY(go_on(b, err));
        ASSAY_TRY(assay_bench_sleep(LOOK_MS, err));
    }
    b->phase = NOTHING;
    return ASSAY_OK;
}

static assay_status frames_ask(bench *b, assay_abci_buffer *frames, assay_error *err) {
    assay_status status = assay_bench_frame_empty(frames, ASSAY_ABCI_FLUSH, err);
    if (status == ASSAY_OK) status = assay_bench_client_ask(&b->consensus, frames, 2, err);
    assay_abci_buffer_close(frames);
    return status;
}

static assay_status block_run(bench *b, assay_error *err) {
    assay_abci_buffer finalize = {0}, commit = {0};
    assay_abci_block block;
    ASSAY_TRY(assay_bench_stage_sign(b->stage, b->txs, err));
    ASSAY_TRY(
        assay_bench_stage_propose(b->stage, &block, b->txs, b->stage->state.transfers.count, err));
    ASSAY_TRY(assay_bench_frame_finalize(&finalize, &block, err));
    double start = assay_measure_seconds();
    b->phase = BUSY;
    assay_status status = frames_ask(b, &finalize, err);
    b->phase = NOTHING;
    ASSAY_TRY(status);
    if (b->blocks < b->finalize_room)
        b->finalize_ms[b->blocks++] = 1000 * (assay_measure_seconds() - start);
    ASSAY_TRY(assay_bench_frame_empty(&commit, ASSAY_ABCI_COMMIT, err));
    return frames_ask(b, &commit, err);
}

static assay_status busy_run(bench *b, assay_error *err) {
    while (!samples_full(b, BUSY)) {
        ASSAY_TRY(go_on(b, err));
        ASSAY_TRY(block_run(b, err));
    }
    return ASSAY_OK;
}

// --- before and after ---

static assay_status room_make(bench *b, uint32_t room, assay_error *err) {
    b->taken.room = room;
    b->finalize_room = FINALIZE_ROOM;
    b->finalize_ms = calloc(b->finalize_room, sizeof *b->finalize_ms);
    b->txs = calloc(b->stage->state.transfers.count, sizeof *b->txs);
    bool lacks = !b->txs || !b->finalize_ms;
    for (int p = IDLE; p < PHASE_COUNT; p++)
        for (int w = 0; w < WAY_COUNT; w++) {
            b->taken.values[p][w] = calloc(room, sizeof(double));
            lacks |= !b->taken.values[p][w];
        }
    return lacks ? ASSAY_FAIL(err, MEMORY, "no memory for %u samples", room) : ASSAY_OK;
}

static assay_status http_open(bench *b, assay_error *err) {
    char account[2 * ASSAY_ADDRESS_SIZE + 3];
    b->engine = assay_abci_engine_calls(b->stage->engine);
    b->api = (assay_api){.app = b->stage->state.app,
                         .engine = &b->engine,
                         .genesis = &b->stage->state.genesis,
                         .engine_name = "abci",
                         .behind = true,
                         .slow = PTHREAD_MUTEX_INITIALIZER};
    const assay_http_options options = {.listen = "127.0.0.1:0",
                                        .body_max = 1 << 16,
                                        .connections_max = 8,
                                        .handle = assay_api_handle,
                                        .context = &b->api};
    ASSAY_TRY(assay_http_server_open(&b->http, &options, err));
    assay_hex_encode_0x(account, b->stage->state.transfers.accounts[0].address.bytes,
                        ASSAY_ADDRESS_SIZE);
    snprintf(b->url, sizeof b->url, "%s/v1/account/%s", assay_http_server_url(b->http), account);
    b->curl = curl_easy_init();
    if (!b->curl) return ASSAY_FAIL(err, MEMORY, "no memory for a connection");
    curl_easy_setopt(b->curl, CURLOPT_URL, b->url);
    curl_easy_setopt(b->curl, CURLOPT_WRITEFUNCTION, body_ignore);
    curl_easy_setopt(b->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(b->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(b->curl, CURLOPT_PROXY, "");
    return ASSAY_OK;
}

static assay_status bench_open(bench *b, uint32_t room, assay_error *err) {
    const char *address = assay_abci_server_address(b->stage->server);
    ASSAY_TRY(room_make(b, room, err));
    ASSAY_TRY(http_open(b, err));
    ASSAY_TRY(assay_bench_client_open(&b->query, address, err));
    ASSAY_TRY(assay_bench_client_open(&b->consensus, address, err));
    ASSAY_TRY(assay_bench_frame_empty(&b->frames, ASSAY_ABCI_INFO, err));
    ASSAY_TRY(assay_bench_frame_empty(&b->frames, ASSAY_ABCI_FLUSH, err));
    int code = pthread_create(&b->sampler, NULL, sampler_run, b);
    b->sampling = code == 0;
    return code ? assay_fail_errno(err, code, "cannot start a thread") : ASSAY_OK;
}

static void bench_close(bench *b) {
    b->ends = true;
    if (b->sampling) pthread_join(b->sampler, NULL);
    assay_bench_client_close(&b->query);
    assay_bench_client_close(&b->consensus);
    assay_abci_buffer_close(&b->frames);
    if (b->curl) curl_easy_cleanup(b->curl);
    atomic_store(&b->api.closing, true);
    assay_http_server_close(b->http);
    for (int p = IDLE; p < PHASE_COUNT; p++)
        for (int w = 0; w < WAY_COUNT; w++)
            free(b->taken.values[p][w]);
    free(b->finalize_ms);
    free(b->txs);
}

// --- figures ---

// Of each round, for the medians over all.
typedef struct {
    double idle_p50[ASSAY_BENCH_QUERY_ROUNDS_MAX], idle_p99[ASSAY_BENCH_QUERY_ROUNDS_MAX],
        busy_p50[ASSAY_BENCH_QUERY_ROUNDS_MAX], busy_p99[ASSAY_BENCH_QUERY_ROUNDS_MAX],
        ratio[ASSAY_BENCH_QUERY_ROUNDS_MAX];
} figures;

static void round_note(figures *f, bench *b, way which, uint32_t round) {
    double *idle = b->taken.values[IDLE][which], *busy = b->taken.values[BUSY][which];
    uint32_t room = b->taken.room;
    f->idle_p99[round] = assay_measure_percentile(idle, room, 99);
    f->idle_p50[round] = assay_measure_percentile(idle, room, 50);
    f->busy_p99[round] = assay_measure_percentile(busy, room, 99);
    f->busy_p50[round] = assay_measure_percentile(busy, room, 50);
    f->ratio[round] = f->busy_p99[round] / f->idle_p99[round];
}

static void way_fill(assay_bench_query_way *out, figures *f, uint32_t rounds) {
    out->ratio = assay_measure_spread(f->ratio, rounds);
    out->idle.p50 = assay_measure_median(f->idle_p50, rounds);
    out->idle.p99 = assay_measure_median(f->idle_p99, rounds);
    out->busy.p50 = assay_measure_median(f->busy_p50, rounds);
    out->busy.p99 = assay_measure_median(f->busy_p99, rounds);
}

static assay_status rounds_run(bench *b, figures *f, uint32_t rounds, assay_error *err) {
    ASSAY_TRY(block_run(b, err)); // makes files and caches
    b->blocks = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (int p = IDLE; p < PHASE_COUNT; p++)
            for (int w = 0; w < WAY_COUNT; w++)
                b->taken.counts[p][w] = 0;
        ASSAY_TRY(idle_run(b, err));
        ASSAY_TRY(busy_run(b, err));
        for (int w = 0; w < WAY_COUNT; w++)
            round_note(&f[w], b, (way)w, round);
    }
    return ASSAY_OK;
}

assay_status assay_bench_query_run(assay_bench_query_result *out, assay_bench_stage *stage,
                                   uint32_t rounds, uint32_t count, assay_error *err) {
    bench b = {.stage = stage, .query = {.fd = -1}, .consensus = {.fd = -1}};
    *out = (assay_bench_query_result){0};
    ASSAY_ASSERT(rounds > 0 && rounds <= ASSAY_BENCH_QUERY_ROUNDS_MAX);
    figures *f = calloc(WAY_COUNT, sizeof *f);
    assay_status status = ASSAY_OK;
    if (!f) status = ASSAY_FAIL(err, MEMORY, "no memory for %u rounds", rounds);
    if (status == ASSAY_OK) status = bench_open(&b, count, err);
    if (status == ASSAY_OK) status = rounds_run(&b, f, rounds, err);
    if (status == ASSAY_OK) {
        way_fill(&out->abci, &f[ABCI], rounds);
        way_fill(&out->http, &f[HTTP], rounds);
        out->finalize_ms = assay_measure_median(b.finalize_ms, b.blocks);
        out->blocks = b.blocks;
    }
    bench_close(&b);
    free(f);
    return status;
}
