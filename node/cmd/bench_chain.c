// SPDX-License-Identifier: Apache-2.0
// assay bench chain: the ledger behind CometBFT beside CometBFT's own example.

#include "base/file.h"
#include "node/bench/chain_show.h"
#include "node/cmd/commands.h"
#include "node/ending.h"

static const char details[] =
    "check    CheckTx as a connection's worker answers it, from a frame's bytes to those of the\n"
    "         answer, beside libsecp256k1's bare recovery of the same signature: processor time,\n"
    "         in turns. Then through a unix socket, both of its sides counted.\n"
    "query    99th percentile of queries that begin while a block is in FinalizeBlock on another\n"
    "         connection, beside that of queries while nothing happens: Info over ABCI, and an\n"
    "         account over the node's HTTP API. The block's signatures were checked before, as\n"
    "         those of a mempool are.\n"
    "receipts Receipts settled a second through batches, beside transfers: two chains in this\n"
    "process, without a consensus, make blocks in turns. Each block of the one has batches,\n"
    "and all commits and reveals of those before. Timed: CheckTx of each transaction,\n"
    "PrepareProposal, FinalizeBlock, Commit with fsync.\n"
    "transfers Signed transfers a second through CometBFT, beside its kvstore in its own process,\n"
    "and beside the same kvstore behind our socket, which shows what CometBFT's side of a\n"
    "socket costs. New networks take turns, with one genesis, one configuration and\n"
    "transactions of one size. defaults: CometBFT's timeout_commit of 1 s, and no more\n"
    "waiting than its mempool of 5,000 takes; saturated: blocks as fast as they come.\n"
    "Processor time is what a transfer takes on all nodes together: where all processors are\n"
    "busy, no more come through than it allows.\n"
    "Ratios are medians over the runs, then their least and most. Ctrl-C ends and tidies up.";

typedef struct {
    const char *parts, *comet, *nodes, *loads;
} words;

// Reads what the words say into the options; program [PATH_MAX] gets CometBFT's path.
static assay_status words_read(assay_bench_chain_options *o, char *program, const words *given,
                               const char **next, assay_error *err) {
    ASSAY_TRY(assay_bench_parts_parse(&o->parts, given->parts, err));
    ASSAY_TRY(assay_bench_nodes_parse(o->nodes, &o->network_count, given->nodes, err));
    ASSAY_TRY(assay_bench_loads_parse(&o->loads, given->loads, err));
    if (!(o->parts & ASSAY_BENCH_PART_TRANSFERS)) return ASSAY_OK;
    ASSAY_TRY(assay_bench_accounts_check(o, err));
    o->comet = program;
    *next = "testnet/comet installs CometBFT and prints the path for --comet";
    ASSAY_TRY(assay_bench_program_find(program, given->comet, err));
    *next = "assay bench chain --help";
    return ASSAY_OK;
}

int assay_cmd_bench_chain(assay_invocation *invocation) {
    words given = {"check,query,receipts,transfers", "cometbft", "1,4", "defaults,saturated"};
    char program[PATH_MAX];
    assay_bench_chain_options o = {.folder = assay_folder_temporary_parent("."),
                                   .runs = 5,
                                   .accounts = 100000,
                                   .block_transfers = 5000,
                                   .samples = 1000,
                                   .block_batches = ASSAY_BENCH_BATCHES_MAX,
                                   .batch_receipts = 8192,
                                   .seconds = 15,
                                   .connections = 4,
                                   .rate_max = 20000,
                                   .threads = assay_pool_thread_default()};
    const assay_option options[] = {
        {"parts", ASSAY_OPTION_TEXT, &given.parts, "LIST",
         "of check,query,receipts,transfers (all)", 0, 0, false},
        {"comet", ASSAY_OPTION_TEXT, &given.comet, "PROGRAM", "CometBFT (cometbft, in PATH)", 0, 0,
         false},
        {"nodes", ASSAY_OPTION_TEXT, &given.nodes, "LIST",
         "networks to measure, by their nodes (1,4)", 0, 0, false},
        {"loads", ASSAY_OPTION_TEXT, &given.loads, "LIST", "of defaults,saturated (both)", 0, 0,
         false},
        {"seconds", ASSAY_OPTION_U64, &o.seconds, "S", "that a load counts for (15)", 1, 3600,
         false},
        {"connections", ASSAY_OPTION_U64, &o.connections, "N", "of the load to each node (4)", 1,
         ASSAY_BENCH_CHAIN_CONNECTIONS_MAX, false},
        {"rate-max", ASSAY_OPTION_U64, &o.rate_max, "N",
         "transfers signed beforehand for each second (20000)", 1, 1000000, false},
        {"runs", ASSAY_OPTION_U64, &o.runs, "N", "interleaved runs (5)", 1,
         ASSAY_BENCH_CHAIN_RUNS_MAX, false},
        {"accounts", ASSAY_OPTION_U64, &o.accounts, "N", "accounts (100000)", 2,
         ASSAY_BENCH_CHAIN_ACCOUNTS_MAX, false},
        {"block-transfers", ASSAY_OPTION_U64, &o.block_transfers, "N",
         "transfers of a block in this process (5000)", 1, ASSAY_BENCH_CHAIN_TRANSFERS_MAX, false},
        {"samples", ASSAY_OPTION_U64, &o.samples, "N",
         "queries of a run, each way, idle and not (1000)", 100, ASSAY_BENCH_QUERY_SAMPLES_MAX,
         false},
        {"block-batches", ASSAY_OPTION_U64, &o.block_batches, "N", "batches of a block (64)", 1,
         ASSAY_BENCH_BATCHES_MAX, false},
        {"batch-receipts", ASSAY_OPTION_U64, &o.batch_receipts, "N", "receipts of a batch (8192)",
         10, ASSAY_BENCH_BATCH_RECEIPTS_MAX, false},
        {"threads", ASSAY_OPTION_U64, &o.threads, "N",
         "for signatures and hashes (processors but one)", 1, ASSAY_BENCH_CHAIN_THREADS_MAX, false},
        {"home", ASSAY_OPTION_TEXT, &o.folder, "DIR",
         "where to make a folder, removed afterwards (TMPDIR, or here)", 0, 0, false},
    };
    static assay_bench_chain_result result;
    assay_error err = {0};
    const char *next = "assay bench chain --help";
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    assay_status status = words_read(&o, program, &given, &next, &err);
    if (status == ASSAY_OK) status = assay_ending_listen(&err);
    if (status == ASSAY_OK) status = assay_bench_chain_run(&result, &o, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, next);
    if (invocation->json) return assay_command_print(assay_bench_chain_json(&o, &result));
    assay_bench_chain_print(&o, &result);
    return ASSAY_EXIT_OK;
}
