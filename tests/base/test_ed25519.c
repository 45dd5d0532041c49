// SPDX-License-Identifier: Apache-2.0
// C-2. Source of the vectors: RFC 8032, section 7.1.
#include "tests/consensus/cometbft.h"
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

// Memory that runs out after so many allocations.
static unsigned allocations_left = UINT_MAX;

static void *meagre_malloc(size_t size) {
    return allocations_left && allocations_left-- ? malloc(size) : NULL;
}

static void *meagre_realloc(void *memory, size_t size) {
    return allocations_left && allocations_left-- ? realloc(memory, size) : NULL;
}

#define malloc  meagre_malloc
#define realloc meagre_realloc
#include "base/ed25519.c"
#undef malloc
#undef realloc

static const struct {
    const char *seed, *key, *message, *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "b"
     "bd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e"
     "0"
     "303dca179c138ac17ad9bef1177331a704"},
};

typedef struct {
    uint8_t seed[32], key[32], message[64], signature[64];
    size_t size;
} vector;

static vector vector_get(size_t i) {
    vector v;
    v.size = strlen(vectors[i].message) / 2;
    must(assay_hex_decode(v.seed, 32, vectors[i].seed, err));
    must(assay_hex_decode(v.key, 32, vectors[i].key, err));
    must(assay_hex_decode(v.message, v.size, vectors[i].message, err));
    must(assay_hex_decode(v.signature, 64, vectors[i].signature, err));
    return v;
}

static void test_rfc8032(void **state) {
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        vector v = vector_get(i);
        uint8_t key[32], signature[64];
        must(assay_ed25519_public(key, v.seed, err));
        assert_memory_equal(key, v.key, 32);
        must(assay_ed25519_sign(signature, v.seed, v.message, v.size, err));
        assert_memory_equal(signature, v.signature, 64);
        must(assay_ed25519_check(v.key, v.signature, v.message, v.size, err));
    }
}

// Not one bit of key, signature or message can differ.
static void test_every_bit(void **state) {
    vector v = vector_get(3);
    uint8_t *const parts[] = {v.key, v.signature, v.message};
    const size_t sizes[] = {32, 64, v.size};
    for (int part = 0; part < 3; part++)
        for (size_t bit = 0; bit < 8 * sizes[part]; bit++) {
            assay_error error = {0};
            parts[part][bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(assay_ed25519_check(v.key, v.signature, v.message, v.size, &error),
                             ASSAY_SIGNATURE);
            parts[part][bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
}

// s + the group's order signs the same equation and is refused: one signature, one encoding.
static void test_malleable(void **state) {
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    vector v = vector_get(2);
    unsigned carry = 0;
    for (int i = 0; i < 32; i++) {
        carry += v.signature[32 + i] + order[i];
        v.signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(assay_ed25519_check(v.key, v.signature, v.message, v.size, NULL),
                     ASSAY_SIGNATURE);
}

// Without memory libcrypto says of a good signature that it is wrong, at some of its allocations.
static void test_no_memory_is_no_verdict(void **state) {
    vector v = vector_get(2);
    unsigned ended = 0, status = 0;
    for (unsigned left = 0; left == ended; left++) {
        pid_t child = fork();
        if (child == 0) {
            allocations_left = left;
            _exit((int)assay_ed25519_check(v.key, v.signature, v.message, v.size, NULL));
        }
        assert_true(child > 0 && waitpid(child, (int *)&status, 0) == child);
        ended += WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    }
    assert_true(ended >= 3);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == ASSAY_OK); // enough
}

// A validator's address, as CometBFT derives it.
static void test_address(void **state) {
    json_t *root = cometbft_read();
    const json_t *list = vectors_at(root, "validators");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        uint8_t key[32];
        assay_address address, expected;
        must(assay_json_hex(key, sizeof key, one, "key", err));
        must(assay_json_address(&expected, one, "address", err));
        assay_ed25519_address(&address, key);
        assert_memory_equal(&address, &expected, sizeof address);
    }
    assert_int_equal(json_array_size(list), 6);
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc8032),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_malleable),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_no_memory_is_no_verdict),
    };
    assay_ed25519_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
