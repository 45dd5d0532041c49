// SPDX-License-Identifier: Apache-2.0
#include "node/bench/chain.h"

#include <stdio.h>

#include "node/bench/stop.h"
#include "node/options.h"

enum { CHECK_PAIRS_A_RUN = 4, RECEIPT_BLOCKS_A_RUN = 5 };

assay_status assay_bench_parts_parse(unsigned *out, const char *text, assay_error *err) {
    static const char *const names[] = {"check", "query", "transfers", "receipts"};
    return assay_names_parse(out, text, names, ASSAY_COUNT(names), "part", err);
}

assay_status assay_bench_loads_parse(unsigned *out, const char *text, assay_error *err) {
    const char *names[ASSAY_BENCH_LOAD_COUNT];
    for (int i = 0; i < ASSAY_BENCH_LOAD_COUNT; i++)
        names[i] = assay_bench_loads[i].name;
    return assay_names_parse(out, text, names, ASSAY_BENCH_LOAD_COUNT, "load", err);
}

assay_status assay_bench_nodes_parse(uint32_t out[ASSAY_BENCH_CHAIN_NETWORKS_MAX], uint32_t *count,
                                     const char *text, assay_error *err) {
    *count = 0;
    for (const char *at = text;; at++) {
        char word[12];
        uint64_t nodes;
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < 11 ? length : 11), at);
        ASSAY_TRY(assay_number_parse(&nodes, word, "nodes", 1, ASSAY_BENCH_NODES_MAX, err));
        if (*count == ASSAY_BENCH_CHAIN_NETWORKS_MAX)
            return ASSAY_FAIL(err, CAPACITY, "more than %d networks",
                              ASSAY_BENCH_CHAIN_NETWORKS_MAX);
        out[(*count)++] = (uint32_t)nodes;
        at += length;
        if (!*at) return ASSAY_OK;
    }
}

assay_status assay_bench_accounts_check(const assay_bench_chain_options *options,
                                        assay_error *err) {
    uint32_t nodes = 0, window = 0;
    for (uint32_t i = 0; i < options->network_count; i++)
        if (options->nodes[i] > nodes) nodes = options->nodes[i];
    for (int load = 0; load < ASSAY_BENCH_LOAD_COUNT; load++)
        if ((options->loads >> load & 1) && assay_bench_loads[load].window > window)
            window = assay_bench_loads[load].window;
    if (!(options->parts & ASSAY_BENCH_PART_TRANSFERS) || nodes < 2 ||
        options->accounts >= 2 * window)
        return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE,
                      "--accounts %llu is too few for %u nodes: at least %u, two for each of the "
                      "%u transfers that wait",
                      (ull)options->accounts, nodes, 2 * window, window);
}

static assay_status inside_run(assay_bench_chain_result *out,
                               const assay_bench_chain_options *options, assay_error *err) {
    assay_bench_stage stage = {0};
    uint32_t runs = (uint32_t)options->runs;
    const assay_bench_state_options own = {.folder = options->folder,
                                           .accounts = (uint32_t)options->accounts,
                                           .transfers = (uint32_t)options->block_transfers,
                                           .threads = (unsigned)options->threads};
    assay_status status = assay_bench_stage_open(&stage, &own, err);
    if (status == ASSAY_OK && (options->parts & ASSAY_BENCH_PART_QUERY)) {
        assay_bench_say("query: %u rounds", runs);
        status = assay_bench_query_run(&out->query, &stage, runs, (uint32_t)options->samples, err);
    }
    // Last, since what it checks comes into no block.
    if (status == ASSAY_OK && (options->parts & ASSAY_BENCH_PART_CHECK)) {
        assay_bench_say("check: %u pairs", runs * CHECK_PAIRS_A_RUN);
        status = assay_bench_check_run(&out->check, &stage, runs * CHECK_PAIRS_A_RUN, err);
    }
    assay_bench_stage_close(&stage);
    return status;
}

static assay_status receipts_run(assay_bench_chain_result *out, const assay_bench_chain_options *o,
                                 assay_error *err) {
    const assay_bench_receipts_options own = {.folder = o->folder,
                                              .runs = (uint32_t)o->runs,
                                              .run_blocks = RECEIPT_BLOCKS_A_RUN,
                                              .block_transfers = (uint32_t)o->block_transfers,
                                              .block_batches = (uint32_t)o->block_batches,
                                              .batch_receipts = (uint32_t)o->batch_receipts,
                                              .accounts = (uint32_t)o->accounts,
                                              .threads = (unsigned)o->threads};
    assay_bench_say("receipts: %u runs", own.runs);
    return assay_bench_receipts_run(&out->receipts, &own, err);
}

static assay_status network_run(assay_bench_rate_result *out, const assay_bench_chain_options *o,
                                uint32_t nodes, assay_bench_load load, assay_error *err) {
    const assay_bench_rate_options own = {.folder = o->folder,
                                          .comet = o->comet,
                                          .nodes = nodes,
                                          .runs = (uint32_t)o->runs,
                                          .accounts = (uint32_t)o->accounts,
                                          .connections = (uint32_t)o->connections,
                                          .load = load,
                                          .seconds = (uint32_t)o->seconds,
                                          .rate_max = (uint32_t)o->rate_max};
    return assay_bench_rate_run(out, &own, err);
}

static assay_status networks_run(assay_bench_chain_result *out, const assay_bench_chain_options *o,
                                 assay_error *err) {
    for (uint32_t i = 0; i < o->network_count; i++)
        for (int load = 0; load < ASSAY_BENCH_LOAD_COUNT; load++)
            if (o->loads >> load & 1)
                ASSAY_TRY(network_run(&out->rates[out->rate_count++], o, o->nodes[i],
                                      (assay_bench_load)load, err));
    return ASSAY_OK;
}

assay_status assay_bench_chain_run(assay_bench_chain_result *out,
                                   const assay_bench_chain_options *options, assay_error *err) {
    const unsigned inside = ASSAY_BENCH_PART_CHECK | ASSAY_BENCH_PART_QUERY;
    *out = (assay_bench_chain_result){0};
    if (options->parts & inside) ASSAY_TRY(inside_run(out, options, err));
    if (options->parts & ASSAY_BENCH_PART_RECEIPTS) ASSAY_TRY(receipts_run(out, options, err));
    if (options->parts & ASSAY_BENCH_PART_TRANSFERS) ASSAY_TRY(networks_run(out, options, err));
    return ASSAY_OK;
}
