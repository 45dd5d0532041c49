// SPDX-License-Identifier: Apache-2.0
// A chain to measure with: everybody's keys follow from their numbers, so nothing on it has worth.
#ifndef ASSAY_NODE_BENCH_GENESIS_H
#define ASSAY_NODE_BENCH_GENESIS_H

#include "ledger/genesis.h"
#include "node/bench/transfers.h"
#include "node/home/home.h"

enum {
    ASSAY_BENCH_CHAIN_ID = 1,
    ASSAY_BENCH_BALANCE_OPEN = 1000,
    ASSAY_BENCH_GENESIS_SECONDS = 1700000000,
};

// What validator `index` keeps to itself. Spec: P-45.
void assay_bench_secrets_make(assay_operator *out, uint32_t index, uint64_t beacon_length);

// A genesis in which each of the transfers' accounts has ASSAY_BENCH_BALANCE_OPEN, of `count`
// validators with these secrets and the least bond. Fills the transfers' domain. Errors: MEMORY,
// RANGE. Lives: the caller closes *out, after an error too. Spec: P-21.
assay_status assay_bench_genesis_make(assay_genesis *out, assay_bench_transfers *transfers,
                                      const assay_operator *secrets, uint32_t count,
                                      assay_error *err);

#endif
