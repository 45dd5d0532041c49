// SPDX-License-Identifier: Apache-2.0
// Which network addresses are no public ones: a stranger's URL must not reach them.
#ifndef ASSAY_NODE_HTTP_SPECIAL_ADDRESS_H
#define ASSAY_NODE_HTTP_SPECIAL_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

// Loopback, private, link-local, shared, multicast, documentation, translated and all else that
// RFC 6890's registries call special; any family but IPv4 and IPv6. Errors: none. Spec: F-41.
bool assay_sockaddr_special(const struct sockaddr *address);

#endif
