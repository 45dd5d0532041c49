// SPDX-License-Identifier: Apache-2.0
#include "node/http/special_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/bytes.h"

// The IPv4 special-purpose registry, and multicast and what lies above it: prefix, mask bits.
static bool four_special(uint32_t address) {
    static const struct {
        uint32_t prefix;
        int bits;
    } blocks[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
                  {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
                  {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24},
                  {0xcb007100, 24}, {0xe0000000, 3}};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if ((address ^ blocks[i].prefix) >> (32 - blocks[i].bits) == 0) return true;
    return false;
}

bool assay_sockaddr_special(const struct sockaddr *address) {
    if (address->sa_family == AF_INET)
        return four_special(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family != AF_INET6) return true;
    const uint8_t *six = ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(six, mapped, sizeof mapped) == 0) return four_special(assay_load_be32(six + 12));
    // Global unicast is 2000::/3; of it, the protocol, documentation and 6to4 blocks are not.
    if (six[0] >> 5 != 1) return true;
    if (six[0] == 0x20 && six[1] == 0x01 && six[2] < 2) return true;
    if (six[0] == 0x20 && six[1] == 0x01 && six[2] == 0x0d && six[3] == 0xb8) return true;
    if (six[0] == 0x3f && six[1] == 0xff && six[2] < 0x10) return true;
    return six[0] == 0x20 && six[1] == 0x02;
}
