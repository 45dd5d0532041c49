// SPDX-License-Identifier: Apache-2.0
// CometBFT's RPC as the engine's peer: transactions go in, their fates and blocks come out.
#ifndef ASSAY_NODE_COMET_H
#define ASSAY_NODE_COMET_H

#include <jansson.h>

#include "consensus/abci/engine.h"

enum { ASSAY_COMET_URL_MAX = 256 };

// Plain data, read-only after open: any thread.
typedef struct {
    char url[ASSAY_COMET_URL_MAX]; // without a slash at its end
} assay_comet;

// Takes http://HOST:PORT; nothing is asked yet. Errors: USAGE. Spec: F-60.
assay_status assay_comet_open(assay_comet *comet, const char *url, assay_error *err);

// The peer's calls; as long as comet. Spec: F-60.
assay_abci_peer assay_comet_peer(const assay_comet *comet);

// GETs <url><path> and gives the answer's "result". Errors: NETWORK, TIMEOUT, CAPACITY, FORMAT;
// NOT_FOUND and others as CometBFT's error says. Lives: the caller releases *out. Spec: F-60.
assay_status assay_comet_get(json_t **out, const assay_comet *comet, const char *path,
                             assay_error *err);

// Reads an answer to a transaction that was handed in: OK if it waits now, or did before. Errors:
// REJECTED (the application's code and sentence), CAPACITY (the mempool is full), NETWORK, FORMAT.
// Pure. Spec: F-60.
assay_status assay_comet_submit_read(const void *data, size_t size, assay_error *err);

// Reads the answer to /tx: a committed transaction's fate. Errors: FORMAT, RANGE, CAPACITY,
// MISSING. Pure. Spec: F-60.
assay_status assay_comet_fate_read(assay_tx_fate *out, const json_t *result, assay_error *err);

#endif
