// SPDX-License-Identifier: Apache-2.0
// scrypt against RFC 7914's vectors, and against libcrypto's (F-42).

#include "tests/test.h"
#include <openssl/evp.h>
#include <string.h>

#include "base/hex.h"
#include "node/wallet/scrypt.h"

static assay_bytes bytes_of(const char *text) {
    return (assay_bytes){(const uint8_t *)text, strlen(text)};
}

// RFC 7914, section 12; its fourth vector needs 1 GiB.
static void published_vectors(void **state) {
    static const struct {
        const char *password, *salt;
        assay_scrypt_costs costs;
        const char *key;
    } cases[] = {
        {"",
         "",
         {16, 1, 1},
         "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
         "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
        {"password",
         "NaCl",
         {1024, 8, 16},
         "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
         "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
        {"pleaseletmein",
         "SodiumChloride",
         {16384, 8, 1},
         "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
         "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[64], expected[64];
        assert_int_equal(assay_scrypt(out, 64, bytes_of(cases[i].password), bytes_of(cases[i].salt),
                                      &cases[i].costs, NULL),
                         ASSAY_OK);
        assert_int_equal(assay_hex_decode(expected, 64, cases[i].key, NULL), ASSAY_OK);
        assert_memory_equal(out, expected, 64);
    }
}

static void same_as_libcrypto(void **state) {
    for (uint32_t r = 1; r <= 5; r += 2)
        for (uint32_t p = 1; p <= 4; p++)
            for (uint64_t n = 2; n <= 512; n *= 4) {
                uint8_t out[40], expected[40];
                assay_scrypt_costs costs = {n, r, p};
                assert_int_equal(
                    assay_scrypt(out, 40, bytes_of("secret"), bytes_of("salty"), &costs, NULL),
                    ASSAY_OK);
                assert_int_equal(EVP_PBE_scrypt("secret", 6, (const uint8_t *)"salty", 5, n, r, p,
                                                1 << 26, expected, 40),
                                 1);
                assert_memory_equal(out, expected, 40);
            }
}

static void impossible_costs_are_refused(void **state) {
    static const struct {
        assay_scrypt_costs costs;
        assay_status status;
    } cases[] = {
        {{0, 8, 1}, ASSAY_RANGE},
        {{1, 8, 1}, ASSAY_RANGE},
        {{1000, 8, 1}, ASSAY_RANGE},
        {{16, 0, 1}, ASSAY_RANGE},
        {{16, 8, 0}, ASSAY_RANGE},
        {{UINT64_C(1) << 63, 8, 1}, ASSAY_CAPACITY},
        {{16, UINT32_MAX, 1}, ASSAY_CAPACITY},
        {{16, 1, UINT32_MAX}, ASSAY_CAPACITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[32];
        assert_int_equal(assay_scrypt(out, 32, bytes_of("a"), bytes_of("b"), &cases[i].costs, NULL),
                         cases[i].status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(same_as_libcrypto),
        cmocka_unit_test(impossible_costs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
