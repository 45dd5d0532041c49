// SPDX-License-Identifier: Apache-2.0
// The integer logarithm.
#include "tests/attribution/vectors.h"

#include <stdlib.h>

#include "attribution/surprise.h"

// The function only ever grows (normalising, squaring and cutting keep order), so it is right
// everywhere if it is right on both sides of each point where the true value changes. The vectors
// hold those points for 2^62 <= x < 2^63; a smaller power of two has them divided, rounded up.
static void logarithm_is_exact_at_every_change(void **state) {
    json_t *document;
    const json_t *list = vectors_open(&document, "thresholds");
    assert_int_equal(json_array_size(list), 255);
    for (uint32_t bits = 0; bits <= 36; bits++) {
        assert_int_equal(assay_log2_x256((uint64_t)1 << bits), bits * 256);
        if (bits > 0) assert_true(assay_log2_x256(((uint64_t)1 << bits) - 1) < bits * 256);
        for (uint32_t k = 1; k < 256; k++) {
            uint64_t top = strtoull(json_string_value(json_array_get(list, k - 1)), NULL, 10);
            uint64_t x = ((top - 1) >> (62 - bits)) + 1;
            assert_true(assay_log2_x256(x) >= bits * 256 + k);
            if (x > 1) assert_true(assay_log2_x256(x - 1) < bits * 256 + k);
        }
    }
    json_decref(document);
}

static void rare_tokens_surprise_more(void **state) {
    assert_int_equal(assay_surprise_of(1, 1), 0);
    assert_int_equal(assay_surprise_of(7, 7), 0);
    assert_int_equal(assay_surprise_of(1, 1024), 2560);
    assert_int_equal(assay_surprise_of(1, UINT64_C(1) << 36), 36 * 256);
    for (uint64_t count = 2; count <= 5000; count++)
        assert_true(assay_surprise_of(count, 5000) <= assay_surprise_of(count - 1, 5000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithm_is_exact_at_every_change),
        cmocka_unit_test(rare_tokens_surprise_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
