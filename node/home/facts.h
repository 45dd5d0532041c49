// SPDX-License-Identifier: Apache-2.0
// What only an engine of several nodes knows, but for the uptime.
#ifndef ASSAY_NODE_HOME_FACTS_H
#define ASSAY_NODE_HOME_FACTS_H

#include <stdbool.h>
#include <stdint.h>

// Counted since the start but where said.
typedef struct {
    uint32_t kept;   // now
    uint64_t newest; // height, 0: none
    uint64_t made, skipped, failed;
    uint64_t making_ns;
    uint64_t served;           // chunks, to peers
    uint64_t applied, refused; // chunks, from peers
    uint64_t offers_refused;   // snapshots, of peers
    uint64_t restoring_ns;
} assay_snapshot_facts;

typedef struct {
    uint64_t uptime; // seconds since the engine was opened
    bool knows_connections;
    bool knows_rounds;
    bool knows_peers;
    bool knows_snapshots;
    uint64_t round;  // of the last commit, 0: the first
    uint64_t rounds; // of all blocks since the start, each one's first too
    uint32_t peers;
    uint32_t connections; // to the ABCI socket; 0: no engine is there
    assay_snapshot_facts snapshots;
} assay_engine_facts;

#endif
