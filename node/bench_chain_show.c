// SPDX-License-Identifier: Apache-2.0
#include "node/bench_chain_show.h"

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

json_t *assay_bench_chain_json(const assay_bench_chain_options *o,
                               const assay_bench_chain_result *r) {
    json_t *out = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I}", "processors", (json_int_t)assay_processor_count(), "threads",
        (json_int_t)o->threads, "runs", (json_int_t)o->runs, "accounts", (json_int_t)o->accounts,
        "block_transfers", (json_int_t)o->block_transfers, "samples", (json_int_t)o->samples);
    if (o->parts & ASSAY_BENCH_PART_CHECK)
        json_object_set_new(out, "check_tx", check_json(&r->check));
    if (o->parts & ASSAY_BENCH_PART_QUERY) json_object_set_new(out, "query", query_json(&r->query));
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

void assay_bench_chain_print(const assay_bench_chain_options *o,
                             const assay_bench_chain_result *r) {
    printf("machine    %9u processors, %llu threads, %llu runs\n", assay_processor_count(),
           (unsigned long long)o->threads, (unsigned long long)o->runs);
    if (o->parts & ASSAY_BENCH_PART_CHECK) check_print(&r->check);
    if (!(o->parts & ASSAY_BENCH_PART_QUERY)) return;
    printf("block      %9.1f ms  FinalizeBlock of %llu transfers\n", r->query.finalize_ms,
           (unsigned long long)o->block_transfers);
    way_print("ABCI Info", &r->query.abci);
    way_print("account", &r->query.http);
}
