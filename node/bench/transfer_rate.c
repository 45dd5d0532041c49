// SPDX-License-Identifier: Apache-2.0
#include "node/bench/transfer_rate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "node/bench/stop.h"

#define US 1e6
enum { BEACON_LENGTH = 1 << 16, RAMP_S = 3, TX_KINDS = 2 };

// CometBFT's own pause, with no more waiting than its own mempool of 5,000 would hold; and blocks
// as fast as they come. The mempools are larger: a block is seen before what is in it leaves them.
const assay_bench_load_kind assay_bench_loads[ASSAY_BENCH_LOAD_COUNT] = {
    [ASSAY_BENCH_DEFAULTS] = {"defaults", 1000, 4500},
    [ASSAY_BENCH_SATURATED] = {"saturated", 100, 10000},
};

// What all runs share: nothing that a run changes.
typedef struct {
    const assay_bench_rate_options *options;
    assay_pool *pool;
    assay_bench_transfers transfers;
    assay_operator secrets[ASSAY_BENCH_NODES_MAX];
    assay_genesis genesis;
    uint32_t count;
    uint8_t *txs[TX_KINDS]; // kvstore's and the ledger's, [count][ASSAY_BENCH_TX_SIZE]
} bench;

static assay_status bench_open(bench *b, assay_error *err) {
    const assay_bench_rate_options *o = b->options;
    const assay_bench_load_kind *load = &assay_bench_loads[o->load];
    // No more than a window comes into a block, and there is a pause between blocks.
    uint64_t rate = UINT64_C(1000) * load->window / load->pause_ms;
    if (rate > o->rate_max) rate = o->rate_max;
    b->count = (uint32_t)rate * (o->seconds + RAMP_S) + 2 * load->window;
    ASSAY_TRY(assay_pool_open(&b->pool, assay_processor_count(), err));
    ASSAY_TRY(assay_bench_transfers_open(&b->transfers, o->accounts, b->count, b->pool, err));
    // Each account's next transfer comes long after the one before: nodes need not agree on order.
    b->transfers.in_turn = true;
    for (uint32_t i = 0; i < o->nodes; i++)
        assay_bench_secrets_make(&b->secrets[i], i, BEACON_LENGTH);
    ASSAY_TRY(assay_bench_genesis_make(&b->genesis, &b->transfers, b->secrets, o->nodes, err));
    ASSAY_TRY(assay_bench_transfers_sign(&b->transfers, err));
    for (int i = 0; i < TX_KINDS; i++) {
        b->txs[i] = malloc((size_t)b->count * ASSAY_BENCH_TX_SIZE);
        if (!b->txs[i]) return ASSAY_FAIL(err, MEMORY, "no memory for %u transfers", b->count);
    }
    assay_bench_kvstore_txs(b->txs[0], b->count, ASSAY_BENCH_TX_SIZE);
    for (uint32_t i = 0; i < b->count; i++)
        memcpy(b->txs[1] + (size_t)i * ASSAY_BENCH_TX_SIZE, b->transfers.items[i].bytes,
               ASSAY_BENCH_TX_SIZE);
    return ASSAY_OK;
}

static void bench_close(bench *b) {
    for (int i = 0; i < TX_KINDS; i++)
        free(b->txs[i]);
    assay_genesis_close(&b->genesis);
    assay_bench_transfers_close(&b->transfers);
    assay_pool_close(b->pool);
}

static assay_status network_run(assay_bench_load_result *out, const bench *b, const char *folder,
                                assay_bench_application application, assay_error *err) {
    const assay_bench_rate_options *o = b->options;
    const assay_bench_load_kind *kind = &assay_bench_loads[o->load];
    bool ledger = application == ASSAY_BENCH_LEDGER;
    assay_bench_network network = {0};
    const assay_bench_network_options make = {
        .folder = folder,
        .comet = o->comet,
        .genesis = &b->genesis,
        .secrets = b->secrets,
        .nodes = o->nodes,
        .application = application,
        .pause_ms = kind->pause_ms,
    };
    const assay_bench_load_options load = {
        .txs = b->txs[ledger],
        .count = b->count,
        .size = ASSAY_BENCH_TX_SIZE,
        .connections = o->connections * o->nodes,
        .window = kind->window,
        .ramp_s = RAMP_S,
        .seconds = o->seconds,
        .first_free = ledger, // its proposer's beacon
    };
    assay_status status = assay_bench_network_open(&network, &make, err);
    if (status == ASSAY_OK) status = assay_bench_load_run(out, &network, &load, err);
    assay_bench_network_close(&network);
    if (status == ASSAY_OK && out->drained)
        status = ASSAY_FAIL(err, CAPACITY, "more than %u transactions a second: raise --rate-max",
                            o->rate_max);
    return status;
}

static assay_status application_run(assay_bench_load_result *out, const bench *b,
                                    assay_bench_application application, assay_error *err) {
    char folder[PATH_MAX];
    ASSAY_TRY(assay_folder_temporary(folder, sizeof folder, b->options->folder,
                                     "assay-bench-XXXXXX", err));
    assay_status status = network_run(out, b, folder, application, err);
    assay_folder_remove(folder);
    return status;
}

// Medians of a figure that a run has for each.
static double median_of(const assay_bench_load_result *results, uint32_t runs,
                        double (*figure)(const assay_bench_load_result *)) {
    double values[ASSAY_BENCH_RATE_RUNS_MAX];
    for (uint32_t i = 0; i < runs; i++)
        values[i] = figure(&results[i]);
    return assay_measure_median(values, runs);
}

static double block_ms(const assay_bench_load_result *r) {
    return r->block_ms;
}

static double block_txs(const assay_bench_load_result *r) {
    return (double)r->txs / (double)r->blocks;
}

static double comet_us(const assay_bench_load_result *r) {
    return US * r->time.comet / (double)r->txs;
}

static double app_us(const assay_bench_load_result *r) {
    return US * r->time.app / (double)r->txs;
}

static double load_us(const assay_bench_load_result *r) {
    return US * r->time.load / (double)r->txs;
}

static double busy(const assay_bench_load_result *r) {
    return (r->time.comet + r->time.app + r->time.load) / (r->seconds * assay_processor_count());
}

static void rate_fill(assay_bench_rate *out, const assay_bench_load_result *results,
                      uint32_t runs) {
    double values[ASSAY_BENCH_RATE_RUNS_MAX];
    out->block_ms = median_of(results, runs, block_ms);
    out->block_txs = median_of(results, runs, block_txs);
    out->comet_us = median_of(results, runs, comet_us);
    out->app_us = median_of(results, runs, app_us);
    out->load_us = median_of(results, runs, load_us);
    out->busy = median_of(results, runs, busy);
    for (uint32_t i = 0; i < runs; i++) {
        values[i] = results[i].per_s;
        out->refused += results[i].refused;
    }
    out->per_s = assay_measure_spread(values, runs);
}

typedef struct {
    assay_bench_load_result of[ASSAY_BENCH_APPLICATION_COUNT][ASSAY_BENCH_RATE_RUNS_MAX];
} results;

static void ratio_fill(assay_spread *out, const results *r, assay_bench_application application,
                       uint32_t runs) {
    double values[ASSAY_BENCH_RATE_RUNS_MAX];
    for (uint32_t i = 0; i < runs; i++)
        values[i] = r->of[application][i].per_s / r->of[ASSAY_BENCH_KVSTORE][i].per_s;
    *out = assay_measure_spread(values, runs);
}

static assay_status runs_run(results *r, const bench *b, assay_error *err) {
    static const char *const names[] = {"kvstore", "kvstore behind a socket", "ledger"};
    const assay_bench_rate_options *o = b->options;
    for (uint32_t run = 0; run < o->runs; run++)
        for (int i = 0; i < ASSAY_BENCH_APPLICATION_COUNT; i++) {
            assay_bench_load_result *result = &r->of[i][run];
            ASSAY_TRY(application_run(result, b, (assay_bench_application)i, err));
            assay_bench_say("transfers: %u node%s, %s, run %u of %u: %s %.0f/s", o->nodes,
                            o->nodes > 1 ? "s" : "", assay_bench_loads[o->load].name, run + 1,
                            o->runs, names[i], result->per_s);
        }
    return ASSAY_OK;
}

static void result_fill(assay_bench_rate_result *out, const results *r, uint32_t runs) {
    ratio_fill(&out->ratio, r, ASSAY_BENCH_LEDGER, runs);
    ratio_fill(&out->socket_ratio, r, ASSAY_BENCH_SOCKET, runs);
    for (int i = 0; i < ASSAY_BENCH_APPLICATION_COUNT; i++)
        rate_fill(&out->rates[i], r->of[i], runs);
}

assay_status assay_bench_rate_run(assay_bench_rate_result *out,
                                  const assay_bench_rate_options *options, assay_error *err) {
    bench b = {.options = options};
    results *r = calloc(1, sizeof *r);
    *out = (assay_bench_rate_result){.nodes = options->nodes, .load = options->load};
    ASSAY_ASSERT(options->runs >= 1 && options->runs <= ASSAY_BENCH_RATE_RUNS_MAX);
    assay_status status = r ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for the results");
    if (status == ASSAY_OK) status = bench_open(&b, err);
    if (status == ASSAY_OK) status = runs_run(r, &b, err);
    if (status == ASSAY_OK) result_fill(out, r, options->runs);
    bench_close(&b);
    free(r);
    return status;
}
