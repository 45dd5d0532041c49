// SPDX-License-Identifier: Apache-2.0
// The addresses a stranger's URL must not reach (F-41): both ends of each block of the IANA
// special-purpose registries, and their public neighbours.

#include "tests/test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "node/http/special_address.h"

static bool special(const char *text) {
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;
    if (strchr(text, ':')) {
        six->sin6_family = AF_INET6;
        if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1) fail_msg("%s", text);
    } else {
        four->sin_family = AF_INET;
        if (inet_pton(AF_INET, text, &four->sin_addr) != 1) fail_msg("%s", text);
    }
    return assay_sockaddr_special((const struct sockaddr *)&storage);
}

static void special_ones_are_known(void **state) {
    static const char *const list[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.255",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:1ff:ffff::",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (!special(list[i])) fail_msg("%s counts as public", list[i]);
}

static void public_ones_are_let_through(void **state) {
    static const char *const list[] = {
        "1.0.0.0",        "1.1.1.1",         "9.255.255.255", "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",    "126.255.255.255", "128.0.0.0",     "169.253.255.255", "169.255.0.0",
        "172.15.255.255", "172.32.0.0",      "192.0.1.0",     "192.0.3.0",       "192.88.98.255",
        "192.88.100.0",   "192.167.255.255", "192.169.0.0",   "198.17.255.255",  "198.20.0.0",
        "198.51.99.255",  "198.51.101.0",    "203.0.112.255", "203.0.114.0",     "223.255.255.255",
        "2000::1",        "2001:200::1",     "2001:db7::1",   "2001:db9::1",     "2003::1",
        "2606:4700::1",   "3ffe::1",         "3fff:1000::1",  "::ffff:8.8.8.8",
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (special(list[i])) fail_msg("%s counts as special", list[i]);
}

static void other_families_are_special(void **state) {
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_true(assay_sockaddr_special(&other));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_ones_are_known),
        cmocka_unit_test(public_ones_are_let_through),
        cmocka_unit_test(other_families_are_special),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
