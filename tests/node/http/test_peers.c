// SPDX-License-Identifier: Apache-2.0
// F-40: the requests a second of each peer, its connections and bodies, and whose they are counted
// with.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/http/peers.h"
#include "tests/test.h"

enum { LIMIT = 3 };

static assay_http_peers *peers_new(void) {
    assay_http_peers *peers = malloc(sizeof *peers);
    assert_non_null(peers);
    assert_int_equal(assay_http_peers_init(peers, NULL), ASSAY_OK);
    return peers;
}

static struct sockaddr_storage named(const char *address) {
    struct sockaddr_storage peer = {.ss_family = AF_INET};
    if (inet_pton(AF_INET, address, &((struct sockaddr_in *)&peer)->sin_addr) == 1) return peer;
    peer.ss_family = AF_INET6;
    assert_int_equal(inet_pton(AF_INET6, address, &((struct sockaddr_in6 *)&peer)->sin6_addr), 1);
    return peer;
}

static bool take(assay_http_peers *peers, const char *address, uint64_t second) {
    struct sockaddr_storage peer = named(address);
    return assay_http_peers_take(peers, (struct sockaddr *)&peer, second, LIMIT);
}

static assay_http_peer_slot *enter(assay_http_peers *peers, const char *address) {
    struct sockaddr_storage peer = named(address);
    return assay_http_peers_enter(peers, (struct sockaddr *)&peer, LIMIT);
}

// Addresses of one peer, by which form it comes and with how many of them.
static void one_peer_is_counted_once(void **state) {
    static const char *const same[][3] = {
        {"203.0.113.9", "203.0.113.9", "::ffff:203.0.113.9"},
        {"2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::9"},
        {"127.0.0.1", "127.9.8.7", "::1"},
        {"::ffff:127.0.0.1", "::1", "127.0.0.1"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assay_http_peers *peers = peers_new();
        for (int j = 0; j < LIMIT; j++)
            assert_true(take(peers, same[i][j], 7));
        for (int j = 0; j < LIMIT; j++)
            assert_false(take(peers, same[i][j], 7));
        assert_true(take(peers, same[i][0], 8)); // another second
        free(peers);
    }
}

enum { OTHERS = 65536, FOUND_MAX = 256 }; // 64 of them share a slot, more or less

// Takes all that is left to a peer, and lists who of the others has nothing left then.
static uint32_t found_with(assay_http_peers *peers, const char *address,
                           uint16_t found[FOUND_MAX]) {
    uint32_t count = 0;
    char other[16];
    while (take(peers, address, 7)) {
    }
    assay_http_peers *copy = malloc(sizeof *copy);
    assert_non_null(copy);
    for (unsigned i = 0; i < OTHERS; i++) {
        snprintf(other, sizeof other, "198.51.%u.%u", i / 256, i % 256);
        *copy = *peers;
        if (!take(copy, other, 7) && count < FOUND_MAX) found[count++] = (uint16_t)i;
    }
    free(copy);
    return count;
}

// Who shares a slot with a peer on one server does not on the next, so that nobody can know it.
static void nobody_chooses_a_slot(void **state) {
    uint16_t one[FOUND_MAX], other[FOUND_MAX];
    assay_http_peers *a = peers_new(), *b = peers_new();
    uint32_t one_count = found_with(a, "203.0.113.9", one), both = 0;
    uint32_t other_count = found_with(b, "203.0.113.9", other);
    assert_in_range(one_count, 1, FOUND_MAX - 1);
    assert_in_range(other_count, 1, FOUND_MAX - 1);
    for (uint32_t i = 0; i < one_count; i++)
        for (uint32_t j = 0; j < other_count; j++)
            both += one[i] == other[j];
    assert_true(4 * both < one_count); // one in a thousand is likely
    free(a);
    free(b);
}

// This machine's own processes share theirs with no stranger, whatever these have asked for.
static void own_requests_are_nobodys(void **state) {
    assay_http_peers *peers = peers_new();
    uint16_t found[FOUND_MAX];
    char other[16];
    assert_int_equal(found_with(peers, "127.0.0.1", found), 0);
    free(peers);
    peers = peers_new();
    for (unsigned i = 0; i < 65536; i++) {
        snprintf(other, sizeof other, "198.51.%u.%u", i / 256, i % 256);
        take(peers, other, 7);
    }
    for (int i = 0; i < LIMIT; i++)
        assert_true(take(peers, "127.0.0.1", 7));
    assert_false(take(peers, "192.0.2.1", 7)); // every slot is full
    free(peers);
}

// What a peer asks in a second does not change what it holds.
static void connections_are_counted_until_they_end(void **state) {
    assay_http_peers *peers = peers_new();
    assay_http_peer_slot *slot = NULL;
    for (int i = 0; i < LIMIT; i++) {
        assert_non_null(slot = enter(peers, "203.0.113.9"));
        assert_true(take(peers, "203.0.113.9", (uint64_t)i));
    }
    assert_null(enter(peers, "::ffff:203.0.113.9"));
    assay_http_peers_leave(slot);
    assert_ptr_equal(enter(peers, "203.0.113.9"), slot);
    assert_null(enter(peers, "203.0.113.9"));
    for (int i = 0; i < 2 * LIMIT; i++)
        assert_non_null(enter(peers, i % 2 ? "::1" : "127.0.0.1"));
    free(peers);
}

// A quarter of all for one, three for strangers; the last one is this machine's, which may have
// all.
static void bodies_are_counted_until_they_end(void **state) {
    assay_http_peers *peers = peers_new();
    assay_http_peer_slot *slots[4], *own = enter(peers, "127.0.0.1");
    char stranger[32];
    int count = 0;
    for (int i = 0; i < 256 && count < 4; i++) { // until four have a slot each
        bool same = false;
        snprintf(stranger, sizeof stranger, "203.0.113.%d", i);
        slots[count] = enter(peers, stranger);
        for (int j = 0; j < count; j++)
            same = same || slots[j] == slots[count];
        count += slots[count] && !same;
    }
    assert_int_equal(count, 4);
    for (int i = 0; i < 3; i++) {
        assert_true(assay_http_peers_hold(peers, slots[i], 25, 100));
        assert_false(assay_http_peers_hold(peers, slots[i], 1, 100));
    }
    assert_false(assay_http_peers_hold(peers, slots[3], 1, 100));
    assert_true(assay_http_peers_hold(peers, own, 25, 100));
    assert_false(assay_http_peers_hold(peers, own, 1, 100));
    assay_http_peers_release(peers, slots[0], 25);
    assert_true(assay_http_peers_hold(peers, own, 25, 100));
    assert_false(assay_http_peers_hold(peers, slots[0], 1, 100));
    assay_http_peers_release(peers, own, 50);
    assert_true(assay_http_peers_hold(peers, slots[0], 25, 100));
    free(peers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_counted_until_they_end),
        cmocka_unit_test(bodies_are_counted_until_they_end),
        cmocka_unit_test(one_peer_is_counted_once),
        cmocka_unit_test(nobody_chooses_a_slot),
        cmocka_unit_test(own_requests_are_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
