// SPDX-License-Identifier: Apache-2.0
// The log's lines about what an ABCI server refused, few however much that is.
#ifndef ASSAY_NODE_HOME_REFUSALS_H
#define ASSAY_NODE_HOME_REFUSALS_H

#include "consensus/abci/server.h"

// A zeroed struct has told nothing.
typedef struct {
    uint64_t told;    // of the server's count
    uint32_t lines;   // told, less one for each minute since
    uint64_t less_ms; // when it was last made less
} assay_refusals;

// Logs why the server last refused a frame or a connection, and how many since the line before:
// eight times at once, then once a minute. To be called each second or so, by one thread.
// Spec: E-8.
void assay_refusals_tell(assay_refusals *refusals, assay_abci_server *server);

#endif
