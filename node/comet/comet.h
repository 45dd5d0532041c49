// SPDX-License-Identifier: Apache-2.0
// CometBFT's RPC as the engine's peer: transactions go in, their fates and blocks come out.
#ifndef ASSAY_NODE_COMET_COMET_H
#define ASSAY_NODE_COMET_COMET_H

#include <jansson.h>
#include <stdatomic.h>

#include "consensus/abci/engine.h"
#include "consensus/light/client.h"

enum { ASSAY_COMET_URL_MAX = 256 };

// Plain data, read-only once it is asked: any thread; but one alone where light_ms is set.
typedef struct {
    char url[ASSAY_COMET_URL_MAX]; // without a slash at its end
    const atomic_bool *stop;       // ends what is asked, within a second; NULL, as opened: nothing
    uint32_t light_ms;    // for all that a light client asks, from the first on; 0, as opened: any
    uint64_t light_until; // by assay_clock_ns; 0: not begun
} assay_comet;

// Takes an http or https URL; nothing is asked yet. Errors: USAGE. Spec: F-60.
assay_status assay_comet_open(assay_comet *comet, const char *url, assay_error *err);

// The peer's calls; as long as comet. Spec: F-60.
assay_abci_peer assay_comet_peer(const assay_comet *comet);

// GETs <url><path> and gives the answer's "result", of at most 64 MiB: from a node of one's own.
// Errors: NETWORK, TIMEOUT, STOPPED, CAPACITY, FORMAT; NOT_FOUND and others as CometBFT's error
// says. Lives: the caller releases *out. Spec: F-60.
assay_status assay_comet_get(json_t **out, const assay_comet *comet, const char *path,
                             assay_error *err);

// How many peers CometBFT has, within two seconds. Errors: as assay_comet_get; RANGE, MISSING.
// Spec: E-92.
assay_status assay_comet_peers(uint32_t *out, const assay_comet *comet, assay_error *err);

// A block to execute anew: no results, but the misbehaviour that came with it. Errors: as
// assay_comet_get, assay_comet_block_read, _rest_check and _misbehaviors_read. Lives: in the arena.
// Spec: E-93.
assay_status assay_comet_block_get(assay_block *out, const assay_misbehavior **misbehaviors,
                                   uint32_t *misbehavior_count, const assay_comet *comet,
                                   uint64_t height, assay_arena *arena, assay_error *err);

// A light client's source; nothing of its blocks is checked. TIMEOUT once light_ms are over. Lives:
// as long as comet. Spec: E-45, E-46.
assay_light_source assay_comet_light_source(const assay_comet *comet);

// Reads an answer to a transaction that was handed in: OK if it waits now, or did before. Errors:
// REJECTED (the application's code and sentence), BUSY (it takes none now), CAPACITY (the mempool
// is full), NETWORK, FORMAT. Pure. Spec: F-60.
assay_status assay_comet_submit_read(const void *data, size_t size, assay_error *err);

#endif
