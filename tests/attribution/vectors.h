// SPDX-License-Identifier: Apache-2.0
// tests/vectors/attribution.json, made by tests/oracles/attribution.py, and a small random source.
#ifndef ASSAY_TESTS_ATTRIBUTION_VECTORS_H
#define ASSAY_TESTS_ATTRIBUTION_VECTORS_H

#include "base/json.h"
#include "base/philox.h"
#include "tests/test.h"

// One list of the vectors, never empty. Lives: the caller releases *document.
static inline const json_t *vectors_open(json_t **document, const char *name) {
    const json_t *list = NULL;
    assert_int_equal(assay_json_read_many(document,
                                          ASSAY_SOURCE_DIR "/tests/vectors/attribution.json",
                                          1 << 20, SIZE_MAX, NULL),
                     ASSAY_OK);
    assert_int_equal(assay_json_array(&list, *document, name, 1 << 20, NULL), ASSAY_OK);
    assert_true(json_array_size(list) > 0);
    return list;
}

// Numbers that repeat from run to run: word `*at` of stream `seed`.
static inline uint32_t random_below(uint32_t seed, uint32_t *at, uint32_t limit) {
    uint32_t out[4], counter[4] = {(*at)++, 0, 0, 0}, key[2] = {seed, 0};
    assay_philox4x32(out, counter, key);
    return out[0] % limit;
}

#endif
