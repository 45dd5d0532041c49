// SPDX-License-Identifier: Apache-2.0
// An ABCI address becomes a listening socket.
#ifndef ASSAY_CONSENSUS_ABCI_LISTEN_H
#define ASSAY_CONSENSUS_ABCI_LISTEN_H

#include "consensus/abci/connection.h"

enum { ASSAY_ABCI_ADDRESS_MAX = 300 };

// Fills `socket` and listens; text gets the address with the port it got. A socket file that nobody
// listens on any more is replaced, any other file stays. Errors: USAGE, BUSY, EXISTS, PERMISSION,
// NETWORK, IO; a socket that was begun (type not 0) is then the caller's to close. Spec: E-1.
assay_status assay_abci_listen(assay_abci_socket *socket, uv_loop_t *loop, const char *address,
                               uv_connection_cb got, char text[ASSAY_ABCI_ADDRESS_MAX],
                               assay_error *err);

#endif
