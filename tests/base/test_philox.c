// SPDX-License-Identifier: Apache-2.0
// Vectors: Random123 1.14, tests/kat_vectors, the three lines "philox4x32 10".

#include "base/philox.h"
#include "tests/test.h"

typedef struct {
    uint32_t counter[4];
    uint32_t key[2];
    uint32_t out[4];
} vector;

static const vector vectors[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void random123_vectors_hold(void **state) {
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t out[4];
        assay_philox4x32(out, vectors[i].counter, vectors[i].key);
        assert_memory_equal(out, vectors[i].out, sizeof out);
    }
}

static void output_may_be_the_counter(void **state) {
    uint32_t words[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    assay_philox4x32(words, words, vectors[2].key);
    assert_memory_equal(words, vectors[2].out, sizeof words);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random123_vectors_hold),
        cmocka_unit_test(output_may_be_the_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
