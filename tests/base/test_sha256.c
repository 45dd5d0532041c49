// SPDX-License-Identifier: Apache-2.0
// Vectors: FIPS 180-4 examples, as published by NIST (SHA256.pdf, SHA2_Additional.pdf).
#include <stdlib.h>

#include "base/hex.h"
#include "base/sha256.h"
#include "tests/test.h"

static void digest_expect(const void *data, size_t size, const char *expected) {
    assay_hash hash;
    char text[ASSAY_HEX_HASH_MAX];
    assay_sha256_of(&hash, data, size);
    assay_hex_encode(text, hash.bytes, sizeof hash.bytes);
    assert_string_equal(text, expected);
}

static void nist_examples_hold(void **state) {
    digest_expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    digest_expect(two, 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    uint8_t one = 0xbd;
    digest_expect(&one, 1, "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b");
    uint8_t four[] = {0xc9, 0x8c, 0x8e, 0x55};
    digest_expect(four, 4, "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504");
}

static void nist_long_messages_hold(void **state) {
    uint8_t *zeros = calloc(1, 1000000);
    assert_non_null(zeros);
    digest_expect(zeros, 55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7");
    digest_expect(zeros, 56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb");
    digest_expect(zeros, 64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
    digest_expect(zeros, 1000000,
                  "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025");
    memset(zeros, 'a', 1000000);
    digest_expect(zeros, 1000000,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(zeros);
}

static void parts_make_the_whole(void **state) {
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t size = 0; size <= sizeof data; size += 13) {
        assay_hash whole, parts;
        assay_sha256_of(&whole, data, size);
        for (size_t first = 0; first <= size; first += 5) {
            assay_sha256 sha;
            assay_sha256_init(&sha);
            assay_sha256_update(&sha, data, first);
            assay_sha256_update(&sha, data + first, size - first);
            assay_sha256_final(&sha, &parts);
            assert_true(assay_hash_equal(&whole, &parts));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nist_examples_hold),
        cmocka_unit_test(nist_long_messages_hold),
        cmocka_unit_test(parts_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
