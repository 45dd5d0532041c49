// SPDX-License-Identifier: Apache-2.0
// The division of the data share.
#include "tests/attribution/vectors.h"

#include <stdlib.h>

#include "attribution/shares.h"

static void divisions_equal_the_oracles(void **state) {
    json_t *document, *vector;
    const json_t *list = vectors_open(&document, "divisions");
    size_t i;
    json_array_foreach(list, i, vector) {
        uint64_t weights[ASSAY_SPAN_SOURCES_MAX] = {0};
        uint32_t parts[ASSAY_SPAN_SOURCES_MAX];
        const json_t *texts = json_object_get(vector, "weights");
        uint32_t count = (uint32_t)json_array_size(texts);
        for (uint32_t k = 0; k < count; k++)
            weights[k] = strtoull(json_string_value(json_array_get(texts, k)), NULL, 10);
        assay_shares_divide(parts, (uint32_t)json_integer_value(json_object_get(vector, "total")),
                            weights, count);
        for (uint32_t k = 0; k < count; k++)
            assert_int_equal(
                parts[k], json_integer_value(json_array_get(json_object_get(vector, "parts"), k)));
    }
    json_decref(document);
}

// Sources named by one byte each, in the order given.
static void sources_name(assay_span_source *sources, const char *names, const uint32_t *lineage) {
    for (size_t i = 0; names[i]; i++)
        sources[i] = (assay_span_source){.id = {{(uint8_t)names[i]}}, .lineage_ppm = lineage[i]};
}

static void shares_expect(const char *names, const uint32_t *lineage, const uint64_t *credits,
                          const char *ids, const uint32_t *weights) {
    assay_span_source sources[ASSAY_SPAN_SOURCES_MAX];
    assay_shares shares;
    sources_name(sources, names, lineage);
    assert_int_equal(assay_shares_make(&shares, sources, (uint32_t)strlen(names), credits, NULL),
                     ASSAY_OK);
    assert_int_equal(shares.count, strlen(ids));
    for (uint32_t i = 0; i < shares.count; i++) {
        assert_int_equal(shares.items[i].dataset.bytes[0], ids[i]);
        assert_int_equal(shares.items[i].weight_ppm, weights[i]);
    }
}

static void halves_go_where_they_are_claimed(void **state) {
    // Both halves: 500,000 to c, and 500,000 in three with the odd two to the lowest ids.
    shares_expect("cab", (uint32_t[]){333333, 333333, 333333}, (uint64_t[]){77, 0, 0}, "abc",
                  (uint32_t[]){166667, 166667, 666666});
    // Nothing matched: all by lineage.
    shares_expect("cab", (uint32_t[]){1000000, 0, 1000000}, (uint64_t[]){0, 0, 0}, "bc",
                  (uint32_t[]){500000, 500000});
    // Nothing declared: all by credit.
    shares_expect("ba", (uint32_t[]){0, 0}, (uint64_t[]){3, 1}, "ab", (uint32_t[]){250000, 750000});
    // Neither, and no candidates at all: an empty table.
    shares_expect("ba", (uint32_t[]){0, 0}, (uint64_t[]){0, 0}, "", NULL);
    shares_expect("", NULL, NULL, "", NULL);
    // A share that rounds to nothing is not listed.
    shares_expect("ab", (uint32_t[]){1000000, 0}, (uint64_t[]){UINT64_MAX, 1}, "a",
                  (uint32_t[]){1000000});
}

static void shares_add_up_and_ignore_the_order(void **state) {
    uint32_t at = 0;
    for (uint32_t round = 0; round < 2000; round++) {
        assay_span_source sources[ASSAY_SPAN_SOURCES_MAX] = {0}, swapped[ASSAY_SPAN_SOURCES_MAX];
        uint64_t credits[ASSAY_SPAN_SOURCES_MAX], swapped_credits[ASSAY_SPAN_SOURCES_MAX];
        assay_shares shares, again;
        uint32_t count = 1 + random_below(4, &at, ASSAY_SPAN_SOURCES_MAX), sum = 0;
        bool some = false;
        for (uint32_t i = 0; i < count; i++) {
            sources[i].id.bytes[31] = (uint8_t)(i * 37);
            sources[i].lineage_ppm = random_below(4, &at, 3) ? random_below(4, &at, 1000001) : 0;
            credits[i] = random_below(4, &at, 2) ? random_below(4, &at, 1u << 31) : 0;
            some = some || credits[i] || sources[i].lineage_ppm;
        }
        for (uint32_t i = 0; i < count; i++) {
            swapped[i] = sources[count - 1 - i];
            swapped_credits[i] = credits[count - 1 - i];
        }
        memset(&shares, 0, sizeof shares);
        memset(&again, 0, sizeof again);
        assert_int_equal(assay_shares_make(&shares, sources, count, credits, NULL), ASSAY_OK);
        assert_int_equal(assay_shares_make(&again, swapped, count, swapped_credits, NULL),
                         ASSAY_OK);
        assert_memory_equal(&shares, &again, sizeof shares);
        for (uint32_t i = 0; i < shares.count; i++) {
            assert_true(shares.items[i].weight_ppm > 0);
            if (i > 0)
                assert_true(memcmp(shares.items[i - 1].dataset.bytes, shares.items[i].dataset.bytes,
                                   ASSAY_HASH_SIZE) < 0);
            sum += shares.items[i].weight_ppm;
        }
        assert_int_equal(sum, some ? ASSAY_SHARES_TOTAL : 0);
    }
}

static void bad_sources_are_refused(void **state) {
    assay_span_source sources[ASSAY_SPAN_SOURCES_MAX + 1] = {0};
    uint64_t credits[ASSAY_SPAN_SOURCES_MAX + 1] = {0};
    assay_shares shares;
    assay_error err = {0};
    assert_int_equal(assay_shares_make(&shares, sources, 33, credits, &err), ASSAY_CAPACITY);
    assert_string_equal(err.text, "33 sources, limit 32");
    assert_int_equal(assay_shares_make(&shares, sources, 2, credits, &err), ASSAY_DUPLICATE);
    assert_string_equal(err.text, "source 1 is source 0 again");
    sources[0].lineage_ppm = 1000001;
    assert_int_equal(assay_shares_make(&shares, sources, 1, credits, &err), ASSAY_RANGE);
    assert_string_equal(err.text, "lineage weight 1000001 ppm, limit 1000000");
    assert_int_equal(shares.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(divisions_equal_the_oracles),
        cmocka_unit_test(halves_go_where_they_are_claimed),
        cmocka_unit_test(shares_add_up_and_ignore_the_order),
        cmocka_unit_test(bad_sources_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
