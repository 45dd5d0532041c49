// SPDX-License-Identifier: Apache-2.0
// How much each peer of a server has asked in this second, how many connections it has and how much
// memory its requests' bodies take, in a fixed number of slots that peers share by a keyed hash of
// their address: nobody can choose with whom.
#ifndef ASSAY_NODE_HTTP_PEERS_H
#define ASSAY_NODE_HTTP_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/status.h"

enum {
    ASSAY_HTTP_PEER_SLOTS = 1024,
    ASSAY_HTTP_PEER_SEED = 16,
    ASSAY_HTTP_PEER_SHARE =
        4, // of what all may have, that one peer may, and is kept for this machine
};

typedef struct {
    uint64_t second;
    unsigned count; // requests in it
    unsigned open;  // connections
    size_t held;    // bytes of bodies
} assay_http_peer_slot;

// Owns nothing. One thread at a time.
typedef struct {
    uint8_t seed[ASSAY_HTTP_PEER_SEED];
    assay_http_peer_slot slots[ASSAY_HTTP_PEER_SLOTS];
    assay_http_peer_slot own; // this machine's: shared with nobody
    size_t held;              // of all
} assay_http_peers;

// Errors: IO (the system gives no random bytes). Spec: F-40.
assay_status assay_http_peers_init(assay_http_peers *peers, assay_error *err);

// Counts a request of a peer (AF_INET or AF_INET6) in this second. Returns: whether it is among the
// first `limit` of its slot. Spec: F-40.
bool assay_http_peers_take(assay_http_peers *peers, const struct sockaddr *peer, uint64_t second,
                           unsigned limit);

// Counts a connection of a peer (likewise). Returns: its slot, for leave; NULL if there are `limit`
// in it already. Connections of this machine have no limit of their own. Spec: F-40.
assay_http_peer_slot *assay_http_peers_enter(assay_http_peers *peers, const struct sockaddr *peer,
                                             unsigned limit);
void assay_http_peers_leave(assay_http_peer_slot *slot);

// Counts bytes of a body for the peer of a slot. Returns: whether there is room for them: a quarter
// of `limit` is one peer's, three quarters are all strangers', and all of it is this machine's.
// Spec: F-40.
bool assay_http_peers_hold(assay_http_peers *peers, assay_http_peer_slot *slot, size_t bytes,
                           size_t limit);
void assay_http_peers_release(assay_http_peers *peers, assay_http_peer_slot *slot, size_t bytes);

#endif
