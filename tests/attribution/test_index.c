// SPDX-License-Identifier: Apache-2.0
// The suffix array against plain search.
#include "tests/attribution/vectors.h"

#include <stdlib.h>

#include "attribution/index.h"

enum { LETTERS = 12 };

static int suffixes_compare(const uint32_t *tokens, uint32_t count, uint32_t a, uint32_t b) {
    for (; a < count && b < count; a++, b++)
        if (tokens[a] != tokens[b]) return tokens[a] < tokens[b] ? -1 : 1;
    return a == b ? 0 : a == count ? -1 : 1;
}

static assay_match match_slowly(const uint32_t *tokens, uint32_t count, const uint32_t *query,
                                uint32_t query_count) {
    assay_match best = {0, 0};
    for (uint32_t p = 0; p < count; p++) {
        uint32_t k = 0;
        while (k < query_count && p + k < count && tokens[p + k] == query[k])
            k++;
        bool less =
            k > 0 && k == best.length && suffixes_compare(tokens, count, p, best.position) < 0;
        if (k > best.length || less) best = (assay_match){p, k};
    }
    return best;
}

// One random sequence over few letters, so that much repeats, and a query half copied from it.
static void searches_compare(uint32_t *at, uint32_t first) {
    uint32_t tokens[120], query[40], letters = 1 + random_below(3, at, LETTERS - 1);
    uint32_t count = random_below(3, at, 120), query_count = random_below(3, at, 40), seen = 0;
    assay_index index;
    for (uint32_t i = 0; i < count; i++)
        tokens[i] = first + random_below(3, at, letters);
    uint32_t from = random_below(3, at, count + 1);
    for (uint32_t i = 0; i < query_count; i++)
        query[i] = from + i < count && random_below(3, at, 12) != 0
                       ? tokens[from + i]
                       : first + random_below(3, at, LETTERS + 1); // a letter past the vocabulary
    assert_int_equal(assay_index_open(&index, tokens, count, first + LETTERS, NULL), ASSAY_OK);
    assert_int_equal(index.token_count, count);
    for (uint32_t i = 1; i < count; i++)
        assert_true(suffixes_compare(tokens, count, index.order[i - 1], index.order[i]) < 0);
    for (uint32_t i = 0; i <= query_count; i++) {
        assay_match got = assay_index_match(&index, query + i, query_count - i);
        assay_match want = match_slowly(tokens, count, query + i, query_count - i);
        assert_int_equal(got.length, want.length);
        assert_int_equal(got.position, want.position);
    }
    for (uint32_t letter = 0; letter <= LETTERS; letter++) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < count; i++)
            sum += tokens[i] == first + letter;
        assert_int_equal(assay_index_occurrences(&index, first + letter), sum);
        seen += sum;
    }
    assert_int_equal(seen, count);
    assay_index_close(&index);
}

// Ids on both sides of each change of the encoding's width.
static void searches_equal_plain_search(void **state) {
    static const struct {
        uint32_t first, rounds;
    } widths[] = {{0, 600}, {250, 600}, {65530, 200}, {(1u << 24) - 6, 4}};
    uint32_t at = 0;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        for (uint32_t round = 0; round < widths[i].rounds; round++)
            searches_compare(&at, widths[i].first);
}

static void tokens_over_the_vocabulary_are_refused(void **state) {
    const uint32_t tokens[] = {0, 9, 10, UINT32_MAX};
    assay_index index;
    assay_error err = {0};
    assert_int_equal(assay_index_open(&index, tokens, 4, 10, &err), ASSAY_RANGE);
    assert_string_equal(err.text, "token 10 at 2, vocabulary 10");
    assert_null(index.tokens);
    assert_int_equal(assay_index_open(&index, tokens, 1, 0, NULL), ASSAY_RANGE);
    assert_int_equal(assay_index_open(&index, tokens, (size_t)INT32_MAX + 1, 10, NULL),
                     ASSAY_CAPACITY);
    assert_int_equal(assay_index_open(&index, tokens, 2, 10, NULL), ASSAY_OK);
    assert_int_equal(assay_index_occurrences(&index, UINT32_MAX), 0);
    assay_index_close(&index);
}

static void an_index_of_nothing_finds_nothing(void **state) {
    const uint32_t query[] = {0, 1};
    assay_index index;
    assert_int_equal(assay_index_open(&index, NULL, 0, 10, NULL), ASSAY_OK);
    assert_int_equal(assay_index_match(&index, query, 2).length, 0);
    assert_int_equal(assay_index_occurrences(&index, 0), 0);
    assay_index_close(&index);
    assay_index_close(&index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_equal_plain_search),
        cmocka_unit_test(tokens_over_the_vocabulary_are_refused),
        cmocka_unit_test(an_index_of_nothing_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
