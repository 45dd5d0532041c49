// SPDX-License-Identifier: Apache-2.0
#include "node/bench_chain.h"

#include "node/bench_stop.h"

enum { CHECK_PAIRS_A_RUN = 4 };

static const struct {
    const char *name;
    unsigned bit;
} parts[] = {{"check", ASSAY_BENCH_PART_CHECK}, {"query", ASSAY_BENCH_PART_QUERY}};

assay_status assay_bench_parts_parse(unsigned *out, const char *text, assay_error *err) {
    *out = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        unsigned bit = 0;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            if (strlen(parts[i].name) == length && memcmp(parts[i].name, at, length) == 0)
                bit = parts[i].bit;
        if (!bit)
            return ASSAY_FAIL(err, USAGE, "\"%.*s\" is no part of this bench",
                              (int)(length < 32 ? length : 32), at);
        *out |= bit;
        at += length;
        if (!*at) return ASSAY_OK;
    }
}

static assay_status inside_run(assay_bench_chain_result *out,
                               const assay_bench_chain_options *options, assay_error *err) {
    assay_bench_stage stage = {0};
    uint32_t runs = (uint32_t)options->runs;
    const assay_bench_stage_options own = {.folder = options->folder,
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

assay_status assay_bench_chain_run(assay_bench_chain_result *out,
                                   const assay_bench_chain_options *options, assay_error *err) {
    const unsigned inside = ASSAY_BENCH_PART_CHECK | ASSAY_BENCH_PART_QUERY;
    *out = (assay_bench_chain_result){0};
    if (options->parts & inside) ASSAY_TRY(inside_run(out, options, err));
    return ASSAY_OK;
}
