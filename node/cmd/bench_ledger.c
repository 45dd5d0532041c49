// SPDX-License-Identifier: Apache-2.0
// assay bench ledger: what a block of transfers costs beside bare signature recovery.
#include <stdio.h>

#include "base/file.h"
#include "node/bench/ledger.h"
#include "node/cmd/commands.h"

static const char details[] =
    "Makes a chain with the solo engine. Each pair recovers the keys of a block's signatures with\n"
    "libsecp256k1 alone, then makes that block, on the same threads. A block's time has all that\n"
    "makes it durable: header, signatures, nonces, balances, state root, block log, commit, with\n"
    "fsync. Its transfers wait in the engine unchecked before, so that each signature is verified\n"
    "once and inside of that time; taking them in and signing are outside. Figures are medians.\n"
    "The folder's file system decides what fsync costs: choose one as the node will have.";

static int result_print(const assay_invocation *invocation,
                        const assay_bench_ledger_options *options,
                        const assay_bench_ledger_result *r) {
    double block_ms = 1000 * (double)options->block_transfers / r->transfers_per_s;
    double recover_ms = 1000 * (double)options->block_transfers / r->recoveries_per_s;
    double sync_ms = ASSAY_BENCH_SYNCS * r->fsync_ms;
    double limit = 1000 * (double)options->block_transfers / (recover_ms + sync_ms);
    if (invocation->json)
        return assay_command_print(json_pack(
            "{s:f,s:f,s:f,s:f,s:f,s:I,s:I,s:f,s:I,s:I,s:f,s:I,s:I,s:I}", "transfers_per_s",
            r->transfers_per_s, "recoveries_per_s", r->recoveries_per_s, "ratio_to_recovery",
            r->ratio, "ratio_min", r->ratio_min, "ratio_max", r->ratio_max, "threads",
            (json_int_t)options->threads, "accounts", (json_int_t)options->accounts, "fsync_ms_p50",
            r->fsync_ms, "pairs", (json_int_t)options->pairs, "block_transfers",
            (json_int_t)options->block_transfers, "limit_transfers_per_s", limit,
            "memory_bytes_first", (json_int_t)r->memory_bytes_first, "memory_bytes",
            (json_int_t)r->memory_bytes, "rss_bytes", (json_int_t)r->resident_bytes));
    printf("transfers  %9.0f /s  blocks of %llu in %.1f ms, %llu accounts, %llu threads\n",
           r->transfers_per_s, (ull)options->block_transfers, block_ms, (ull)options->accounts,
           (ull)options->threads);
    printf("recovery   %9.0f /s  libsecp256k1 alone, %.1f ms\n", r->recoveries_per_s, recover_ms);
    printf("ratio      %9.3f     median of %llu pairs, min %.3f, max %.3f\n", r->ratio,
           (ull)options->pairs, r->ratio_min, r->ratio_max);
    printf("limit      %9.0f /s  recovery and %d syncs of %.2f ms (p50 of one page here)\n", limit,
           ASSAY_BENCH_SYNCS, r->fsync_ms);
    printf("memory     %9.1f MB  after the first pair %.1f MB; with mapped files %.1f MB\n",
           (double)r->memory_bytes / 1e6, (double)r->memory_bytes_first / 1e6,
           (double)r->resident_bytes / 1e6);
    return ASSAY_EXIT_OK;
}

int assay_cmd_bench_ledger(assay_invocation *invocation) {
    assay_bench_ledger_options o = {.folder = assay_folder_temporary_parent("."),
                                    .accounts = 100000,
                                    .block_transfers = 5000,
                                    .pairs = 5,
                                    .threads = 2};
    const assay_option options[] = {
        {"accounts", ASSAY_OPTION_U64, &o.accounts, "N", "accounts (100000)", 2,
         ASSAY_BENCH_ACCOUNTS_MAX, false},
        {"block-transfers", ASSAY_OPTION_U64, &o.block_transfers, "N",
         "transfers of a block (5000)", 1, ASSAY_BENCH_TRANSFERS_MAX, false},
        {"pairs", ASSAY_OPTION_U64, &o.pairs, "N", "interleaved pairs (5)", 1,
         ASSAY_BENCH_PAIRS_MAX, false},
        {"threads", ASSAY_OPTION_U64, &o.threads, "N", "threads of both (2)", 1,
         ASSAY_BENCH_THREADS_MAX, false},
        {"home", ASSAY_OPTION_TEXT, &o.folder, "DIR",
         "where to make a folder, removed afterwards (TMPDIR, or here)", 0, 0, false},
    };
    assay_bench_ledger_result result;
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    if (assay_bench_ledger_run(&result, &o, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, "assay bench ledger --home DIR");
    return result_print(invocation, &o, &result);
}
