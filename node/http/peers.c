// SPDX-License-Identifier: Apache-2.0
#include "node/http/peers.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>

#include "base/sha256.h"

enum { IPV4_SIZE = 4, IPV6_NETWORK_SIZE = 8, LOOPBACK = 127 };

assay_status assay_http_peers_init(assay_http_peers *peers, assay_error *err) {
    memset(peers, 0, sizeof *peers);
    if (getrandom(peers->seed, sizeof peers->seed, 0) == (ssize_t)sizeof peers->seed)
        return ASSAY_OK;
    return ASSAY_FAIL(err, IO, "the system gives no random bytes");
}

// The bytes by which a peer is counted: an IPv4 address, or the /64 of an IPv6 one. Returns: how
// many, 0 for this machine.
static size_t peer_bytes(const uint8_t **out, const struct sockaddr *peer) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const struct in6_addr own = IN6ADDR_LOOPBACK_INIT;
    size_t size = IPV4_SIZE;
    if (peer->sa_family == AF_INET) {
        *out = (const uint8_t *)&((const struct sockaddr_in *)peer)->sin_addr;
    } else {
        *out = ((const struct sockaddr_in6 *)peer)->sin6_addr.s6_addr;
        if (memcmp(*out, &own, sizeof own) == 0) return 0;
        if (memcmp(*out, mapped, sizeof mapped) == 0)
            *out += sizeof mapped; // an IPv4 peer of an IPv6 socket
        else
            size = IPV6_NETWORK_SIZE;
    }
    return size == IPV4_SIZE && **out == LOOPBACK ? 0 : size;
}

static assay_http_peer_slot *slot_of(assay_http_peers *peers, const struct sockaddr *peer) {
    const uint8_t *bytes;
    uint8_t data[ASSAY_HTTP_PEER_SEED + IPV6_NETWORK_SIZE];
    assay_hash hash;
    size_t size = peer_bytes(&bytes, peer);
    if (size == 0) return &peers->own;
    memcpy(data, peers->seed, ASSAY_HTTP_PEER_SEED);
    memcpy(data + ASSAY_HTTP_PEER_SEED, bytes, size);
    assay_sha256_of(&hash, data, ASSAY_HTTP_PEER_SEED + size);
    return &peers->slots[assay_load_be32(hash.bytes) % ASSAY_HTTP_PEER_SLOTS];
}

bool assay_http_peers_take(assay_http_peers *peers, const struct sockaddr *peer, uint64_t second,
                           unsigned limit) {
    assay_http_peer_slot *slot = slot_of(peers, peer);
    if (slot->second != second) slot->count = 0;
    slot->second = second;
    if (slot->count >= limit) return false;
    slot->count++;
    return true;
}

assay_http_peer_slot *assay_http_peers_enter(assay_http_peers *peers, const struct sockaddr *peer,
                                             unsigned limit) {
    assay_http_peer_slot *slot = slot_of(peers, peer);
    if (slot != &peers->own && slot->open >= limit) return NULL;
    slot->open++;
    return slot;
}

void assay_http_peers_leave(assay_http_peer_slot *slot) {
    slot->open--;
}

bool assay_http_peers_hold(assay_http_peers *peers, assay_http_peer_slot *slot, size_t bytes,
                           size_t limit) {
    size_t share = limit / ASSAY_HTTP_PEER_SHARE, strangers = peers->held - peers->own.held;
    if (bytes > limit - peers->held) return false;
    if (slot != &peers->own && (slot->held + bytes > share || strangers + bytes > limit - share))
        return false;
    slot->held += bytes;
    peers->held += bytes;
    return true;
}

void assay_http_peers_release(assay_http_peers *peers, assay_http_peer_slot *slot, size_t bytes) {
    slot->held -= bytes;
    peers->held -= bytes;
}
