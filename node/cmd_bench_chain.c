// SPDX-License-Identifier: Apache-2.0
// assay bench chain: the ledger behind CometBFT beside CometBFT's own example.
#include <stdlib.h>

#include "node/bench_chain_show.h"
#include "node/bench_stop.h"
#include "node/commands.h"

static const char details[] =
    "check    CheckTx as a connection's worker answers it, from a frame's bytes to those of the\n"
    "         answer, beside libsecp256k1's bare recovery of the same signature: processor time,\n"
    "         in turns. Then through a unix socket, both of its sides counted.\n"
    "query    99th percentile of queries that begin while a block is in FinalizeBlock on another\n"
    "         connection, beside that of queries while nothing happens: Info over ABCI, and an\n"
    "         account over the node's HTTP API. The block's signatures were checked before, as\n"
    "         those of a mempool are.\n"
    "Ratios are medians over the runs, then their least and most. Ctrl-C ends and tidies up.";

int assay_cmd_bench_chain(assay_invocation *invocation) {
    const char *temporary = getenv("TMPDIR");
    const char *parts = NULL;
    assay_bench_chain_options o = {.parts = ASSAY_BENCH_PART_ALL,
                                   .folder = temporary && *temporary ? temporary : ".",
                                   .runs = 5,
                                   .accounts = 100000,
                                   .block_transfers = 5000,
                                   .samples = 1000,
                                   .threads = assay_processor_count()};
    const assay_option options[] = {
        {"parts", ASSAY_OPTION_TEXT, &parts, "LIST", "of check,query (all)", 0, 0, false},
        {"runs", ASSAY_OPTION_U64, &o.runs, "N", "interleaved runs (5)", 1,
         ASSAY_BENCH_CHAIN_RUNS_MAX, false},
        {"accounts", ASSAY_OPTION_U64, &o.accounts, "N", "accounts (100000)", 2,
         ASSAY_BENCH_CHAIN_ACCOUNTS_MAX, false},
        {"block-transfers", ASSAY_OPTION_U64, &o.block_transfers, "N",
         "transfers of a block in this process (5000)", 1, ASSAY_BENCH_CHAIN_TRANSFERS_MAX, false},
        {"samples", ASSAY_OPTION_U64, &o.samples, "N",
         "queries of a run, each way, idle and not (1000)", 100, ASSAY_BENCH_QUERY_SAMPLES_MAX,
         false},
        {"threads", ASSAY_OPTION_U64, &o.threads, "N", "for signatures and hashes (all processors)",
         1, ASSAY_BENCH_CHAIN_THREADS_MAX, false},
        {"home", ASSAY_OPTION_TEXT, &o.folder, "DIR",
         "where to make a folder, removed afterwards (TMPDIR, or here)", 0, 0, false},
    };
    static assay_bench_chain_result result;
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, sizeof options / sizeof *options, details, &code))
        return code;
    assay_bench_stop_prepare();
    assay_status status = parts ? assay_bench_parts_parse(&o.parts, parts, &err) : ASSAY_OK;
    if (status == ASSAY_OK) status = assay_bench_chain_run(&result, &o, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, "assay bench chain --help");
    if (invocation->json) return assay_command_print(assay_bench_chain_json(&o, &result));
    assay_bench_chain_print(&o, &result);
    return ASSAY_EXIT_OK;
}
