// SPDX-License-Identifier: Apache-2.0
// P-45: the proposer's chain of hashes.
#include "consensus/hashchain.h"

#include "base/sha256.h"
#include "tests/consensus/cometbft.h"

// Every value proves itself by the next, from the seed to the tip, around the marks too.
static void test_links(void **state) {
    static const uint64_t lengths[] = {1, 2, 1023, 1024, 1025, 2048, 5000};
    assay_hash seed = {{1, 2, 3}}, hash, at;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assay_hashchain chain;
        must(assay_hashchain_open(&chain, &seed, lengths[i], err));
        assert_int_equal(chain.length, lengths[i]);
        hash = seed;
        for (uint64_t steps = 0; steps <= lengths[i]; steps++) {
            assay_hashchain_at(&at, &chain, steps);
            assert_memory_equal(&at, &hash, sizeof at);
            assay_sha256_of(&hash, hash.bytes, ASSAY_HASH_SIZE);
        }
        assay_hashchain_close(&chain);
    }
}

static void test_limits(void **state) {
    assay_hashchain chain;
    assay_hash seed = {{0}};
    assay_error why = {0};
    assert_int_equal(assay_hashchain_open(&chain, &seed, 0, &why), ASSAY_RANGE);
    assert_string_equal(why.text, "hash chain of 0, limits 1 to 67108864");
    assert_int_equal(
        assay_hashchain_open(&chain, &seed, (uint64_t)ASSAY_HASHCHAIN_LENGTH_MAX + 1, NULL),
        ASSAY_RANGE);
    assay_hashchain_close(&chain); // as failure left it
    assay_hashchain zero = {0};
    assay_hashchain_close(&zero);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
