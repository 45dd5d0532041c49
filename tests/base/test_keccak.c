// SPDX-License-Identifier: Apache-2.0
// keccak-256 (P-1). Vectors: the Keccak team's ShortMsgKAT_256 (Len 0 and 8), the Solidity and
// Ethereum documentation's well-known hashes, and ethers 6.15.0 keccak256 for lengths 0 to 300.
#include <stdlib.h>

#include "base/hex.h"
#include "base/keccak.h"
#include "tests/test.h"

static void digest_expect(const void *data, size_t size, const char *expected) {
    assay_hash hash;
    char text[ASSAY_HEX_HASH_MAX];
    assay_keccak256_of(&hash, data, size);
    assay_hex_encode(text, hash.bytes, sizeof hash.bytes);
    assert_string_equal(text, expected);
}

static void published_hashes_hold(void **state) {
    digest_expect("", 0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    digest_expect("\xcc", 1, "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a");
    digest_expect("abc", 3, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    digest_expect("The quick brown fox jumps over the lazy dog", 43,
                  "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15");
    digest_expect("transfer(address,uint256)", 25,
                  "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b");
    uint8_t *many = malloc(1000000);
    assert_non_null(many);
    memset(many, 'a', 1000000);
    digest_expect(many, 1000000,
                  "fadae6b49f129bbb812be8407b7b2894f34aecf6dbd1f9b0f0c7e9853098fc96");
    free(many);
}

// The hash of the 301 hashes of messages m_n, |m_n| = n, m_n[i] = 7 i + n mod 256: every padding
// length, and messages of one, two and three blocks.
static void lengths_around_the_rate_agree_with_ethers(void **state) {
    uint8_t message[300], hashes[301 * ASSAY_HASH_SIZE];
    for (size_t size = 0; size <= 300; size++) {
        for (size_t i = 0; i < size; i++)
            message[i] = (uint8_t)(7 * i + size);
        assay_hash hash;
        assay_keccak256_of(&hash, message, size);
        memcpy(hashes + size * ASSAY_HASH_SIZE, hash.bytes, ASSAY_HASH_SIZE);
    }
    digest_expect(hashes, sizeof hashes,
                  "1c239d59092031520cb4dbaef3b475b9e8a5cd5c2d72c95ba96ca3f60a26c0ad");
}

static void parts_make_the_whole(void **state) {
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 11);
    for (size_t first = 0; first <= sizeof data; first++) {
        assay_hash whole, parts;
        assay_keccak keccak;
        assay_keccak256_of(&whole, data, sizeof data);
        assay_keccak_init(&keccak);
        assay_keccak_update(&keccak, data, first);
        assay_keccak_update(&keccak, NULL, 0);
        assay_keccak_update(&keccak, data + first, sizeof data - first);
        assay_keccak_final(&keccak, &parts);
        assert_true(assay_hash_equal(&whole, &parts));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_hashes_hold),
        cmocka_unit_test(lengths_around_the_rate_agree_with_ethers),
        cmocka_unit_test(parts_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
