// SPDX-License-Identifier: Apache-2.0
// An ABCI server on one socket. The loop's thread reads and writes all connections; each connection
// has a worker that answers its requests one after the other, so that a slow one delays no other.
#ifndef ASSAY_CONSENSUS_ABCI_SERVER_H
#define ASSAY_CONSENSUS_ABCI_SERVER_H

#include "consensus/abci/message.h"

typedef struct assay_abci_server assay_abci_server;

// A zeroed struct but for address and application gives the defaults.
typedef struct {
    const char *address; // "unix:///PATH" or "tcp://HOST:PORT" (port 0: any); borrowed for the call
    assay_abci_application application; // outlives the server
    uint32_t frame_max;                 // bytes of a request; 0: 32 MiB
    uint32_t connections_max;           // 0: 16; more are accepted and closed at once
} assay_abci_server_options;

// Listens and serves on threads of its own. A socket file that nobody listens on any more is
// replaced. Errors: USAGE (address), BUSY (in use), EXISTS (no socket), PERMISSION, IO, MEMORY.
// Lives: until close. Spec: E-1, E-6, E-7, E-8.
assay_status assay_abci_server_open(assay_abci_server **out,
                                    const assay_abci_server_options *options, assay_error *err);

// The address with the port it got. Lives: as the server.
const char *assay_abci_server_address(const assay_abci_server *server);

// Ends after the calls in progress; replies not yet sent are dropped. Spec: E-8.
void assay_abci_server_close(assay_abci_server *server);

// Why the last connection that failed did ("" if none), and how many are open. Any thread.
typedef struct {
    uint32_t connections;
    uint64_t requests; // answered
    uint64_t refused;  // frames or connections
    char problem[ASSAY_ERROR_TEXT_MAX];
} assay_abci_server_state;
void assay_abci_server_state_get(assay_abci_server *server, assay_abci_server_state *out);

#endif
