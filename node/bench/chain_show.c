// SPDX-License-Identifier: Apache-2.0
#include "node/bench/chain_show.h"

#include <stdio.h>

static json_t *spread_json(const assay_spread *spread) {
    return json_pack("{s:f,s:f,s:f}", "median", spread->median, "min", spread->min, "max",
                     spread->max);
}

static json_t *check_json(const assay_bench_check_result *r) {
    return json_pack("{s:f,s:f,s:f,s:o,s:o}", "recovery_us", r->recover_us, "check_tx_us",
                     r->check_us, "socket_us", r->socket_us, "ratio", spread_json(&r->ratio),
                     "socket_ratio", spread_json(&r->socket_ratio));
}

static json_t *way_json(const assay_bench_query_way *way) {
    return json_pack("{s:f,s:f,s:f,s:f,s:o}", "idle_p50_us", way->idle.p50, "idle_p99_us",
                     way->idle.p99, "busy_p50_us", way->busy.p50, "busy_p99_us", way->busy.p99,
                     "p99_ratio", spread_json(&way->ratio));
}

static json_t *query_json(const assay_bench_query_result *r) {
    return json_pack("{s:o,s:o,s:f,s:I}", "abci", way_json(&r->abci), "http", way_json(&r->http),
                     "finalize_block_ms_p50", r->finalize_ms, "blocks", (json_int_t)r->blocks);
}

static json_t *receipts_json(const assay_bench_chain_options *o,
                             const assay_bench_receipts_result *r) {
    return json_pack("{s:f,s:f,s:f,s:o,s:I,s:I,s:f,s:f,s:f,s:f,s:I}", "receipts_per_s",
                     r->receipts_per_s, "batches_per_s", r->batches_per_s, "transfers_per_s",
                     r->transfers_per_s, "ratio", spread_json(&r->ratio), "block_batches",
                     (json_int_t)o->block_batches, "batch_receipts", (json_int_t)o->batch_receipts,
                     "batch_txs", r->batch_txs, "batch_block_ms", r->batch_block_ms,
                     "transfer_block_ms", r->transfer_block_ms, "fsync_ms_p50", r->fsync_ms,
                     "settled", (json_int_t)r->settled);
}

static json_t *rate_json(const assay_bench_rate *r) {
    return json_pack("{s:o,s:f,s:f,s:I,s:f,s:f,s:f,s:f}", "per_s", spread_json(&r->per_s),
                     "block_ms", r->block_ms, "block_txs", r->block_txs, "refused",
                     (json_int_t)r->refused, "comet_us", r->comet_us, "app_us", r->app_us,
                     "load_us", r->load_us, "busy", r->busy);
}

static json_t *rates_json(const assay_bench_chain_result *r) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->rate_count; i++) {
        const assay_bench_rate_result *rate = &r->rates[i];
        const assay_bench_load_kind *load = &assay_bench_loads[rate->load];
        json_array_append_new(
            list,
            json_pack("{s:I,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "nodes", (json_int_t)rate->nodes,
                      "load", load->name, "timeout_commit_ms", (json_int_t)load->pause_ms, "window",
                      (json_int_t)load->window, "kvstore",
                      rate_json(&rate->rates[ASSAY_BENCH_KVSTORE]), "kvstore_socket",
                      rate_json(&rate->rates[ASSAY_BENCH_SOCKET]), "ledger",
                      rate_json(&rate->rates[ASSAY_BENCH_LEDGER]), "ratio",
                      spread_json(&rate->ratio), "socket_ratio", spread_json(&rate->socket_ratio)));
    }
    return list;
}

json_t *assay_bench_chain_json(const assay_bench_chain_options *o,
                               const assay_bench_chain_result *r) {
    json_t *out = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I}", "processors", (json_int_t)assay_processor_count(), "threads",
        (json_int_t)o->threads, "runs", (json_int_t)o->runs, "accounts", (json_int_t)o->accounts,
        "block_transfers", (json_int_t)o->block_transfers, "samples", (json_int_t)o->samples);
    if (o->parts & ASSAY_BENCH_PART_CHECK)
        json_object_set_new(out, "check_tx", check_json(&r->check));
    if (o->parts & ASSAY_BENCH_PART_QUERY) json_object_set_new(out, "query", query_json(&r->query));
    if (o->parts & ASSAY_BENCH_PART_RECEIPTS)
        json_object_set_new(out, "receipts", receipts_json(o, &r->receipts));
    if (o->parts & ASSAY_BENCH_PART_TRANSFERS) json_object_set_new(out, "transfers", rates_json(r));
    return out;
}

static void spread_print(const assay_spread *spread, const char *of) {
    printf("%.3f x %s (%.3f to %.3f)\n", spread->median, of, spread->min, spread->max);
}

static void check_print(const assay_bench_check_result *r) {
    printf("recovery   %9.1f us  libsecp256k1 alone, a processor's time\n", r->recover_us);
    printf("CheckTx    %9.1f us  ", r->check_us);
    spread_print(&r->ratio, "recovery");
    printf("  socket   %9.1f us  ", r->socket_us);
    spread_print(&r->socket_ratio, "recovery, both sides of it");
}

static void way_print(const char *name, const assay_bench_query_way *way) {
    printf("%-10s %9.0f us  p99 while idle, p50 %.0f\n", name, way->idle.p99, way->idle.p50);
    printf("  in block %9.0f us  p99, p50 %.0f; p99 ", way->busy.p99, way->busy.p50);
    spread_print(&way->ratio, "idle");
}

static void receipts_print(const assay_bench_chain_options *o,
                           const assay_bench_receipts_result *r) {
    printf("transfers  %9.0f /s  without a consensus, blocks of %llu in %.1f ms\n",
           r->transfers_per_s, (ull)o->block_transfers, r->transfer_block_ms);
    printf("receipts   %9.0f /s  %.0f batches of %llu, %.0f transactions each, blocks of %llu in "
           "%.1f ms\n",
           r->receipts_per_s, r->batches_per_s, (ull)o->batch_receipts, r->batch_txs,
           (ull)o->block_batches, r->batch_block_ms);
    printf("  multiple %9.0f x  transfers, min %.0f, max %.0f; a sync takes %.2f ms\n",
           r->ratio.median, r->ratio.min, r->ratio.max, r->fsync_ms);
}

static void rate_print(const assay_bench_rate_result *r) {
    static const char *const names[] = {"kvstore", "  socket", "  ledger"};
    const assay_bench_load_kind *load = &assay_bench_loads[r->load];
    printf("%u node%s, %s: timeout_commit %u ms, at most %u transactions wait\n", r->nodes,
           r->nodes > 1 ? "s" : "", load->name, load->pause_ms, load->window);
    for (int i = 0; i < ASSAY_BENCH_APPLICATION_COUNT; i++) {
        const assay_bench_rate *rate = &r->rates[i];
        printf("%-10s %9.0f /s  blocks of %.0f in %.0f ms%s", names[i], rate->per_s.median,
               rate->block_txs, rate->block_ms, i == ASSAY_BENCH_KVSTORE ? "\n" : ", ");
        if (i == ASSAY_BENCH_SOCKET) spread_print(&r->socket_ratio, "kvstore");
        if (i == ASSAY_BENCH_LEDGER) spread_print(&r->ratio, "kvstore");
        printf("%23s processor time each: CometBFT %.0f us, application %.0f, load %.0f; %.0f %% "
               "of all\n",
               "", rate->comet_us, rate->app_us, rate->load_us, 100 * rate->busy);
    }
}

void assay_bench_chain_print(const assay_bench_chain_options *o,
                             const assay_bench_chain_result *r) {
    printf("machine    %9u processors, %llu threads, %llu runs\n", assay_processor_count(),
           (ull)o->threads, (ull)o->runs);
    if (o->parts & ASSAY_BENCH_PART_CHECK) check_print(&r->check);
    if (o->parts & ASSAY_BENCH_PART_QUERY) {
        printf("block      %9.1f ms  FinalizeBlock of %llu transfers\n", r->query.finalize_ms,
               (ull)o->block_transfers);
        way_print("ABCI Info", &r->query.abci);
        way_print("account", &r->query.http);
    }
    if (o->parts & ASSAY_BENCH_PART_RECEIPTS) receipts_print(o, &r->receipts);
    for (uint32_t i = 0; i < r->rate_count; i++)
        rate_print(&r->rates[i]);
}
