// SPDX-License-Identifier: Apache-2.0
// Token ids on the command line (F-9).
#include <stdlib.h>
#include <string.h>

#include "node/inference/ids.h"
#include "quant/model.h"
#include "tests/test.h"

static void ids_are_read_in_order(void **state) {
    uint32_t *ids;
    size_t count;
    assert_int_equal(assay_ids_parse(&ids, &count, "7,0,2047,0012", 2048, NULL), ASSAY_OK);
    assert_int_equal(count, 4);
    assert_memory_equal(ids, ((uint32_t[]){7, 0, 2047, 12}), 16);
    free(ids);
    assert_int_equal(assay_ids_parse(&ids, &count, "", 2048, NULL), ASSAY_OK);
    assert_int_equal(count, 0);
    free(ids);
}

static void other_texts_are_refused(void **state) {
    static const struct {
        const char *text;
        assay_status status;
        const char *sentence;
    } cases[] = {
        {",", ASSAY_USAGE, "ids have \",\" at place 0, wanted 1,2,3"},
        {"1,", ASSAY_USAGE, "ids have \"\" at place 1, wanted 1,2,3"},
        {"1,,2", ASSAY_USAGE, "ids have \",2\" at place 1, wanted 1,2,3"},
        {"1, 2", ASSAY_USAGE, "ids have \" 2\" at place 1, wanted 1,2,3"},
        {"1 2", ASSAY_USAGE, "ids have \" 2\" behind place 0, wanted 1,2,3"},
        {"-1", ASSAY_USAGE, "ids have \"-1\" at place 0, wanted 1,2,3"},
        {"1,2x", ASSAY_USAGE, "ids have \"x\" behind place 1, wanted 1,2,3"},
        {"5,2048", ASSAY_RANGE, "id 2048 at place 1, vocabulary 2048"},
        {"4294967296", ASSAY_RANGE, "id 4294967296 at place 0, vocabulary 2048"},
        {"18446744073709551617", ASSAY_RANGE,
         "id 18446744073709551617 at place 0, vocabulary 2048"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t *ids;
        size_t count;
        assay_error err = {0};
        assert_int_equal(assay_ids_parse(&ids, &count, cases[i].text, 2048, &err), cases[i].status);
        assert_string_equal(err.text, cases[i].sentence);
        assert_null(ids);
        assert_int_equal(count, 0);
    }
}

static void the_count_is_bounded(void **state) {
    size_t size = 2 * ((size_t)ASSAY_MODEL_CONTEXT_MAX + 1);
    char *text = malloc(size);
    uint32_t *ids;
    size_t count;
    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = i % 2 ? ',' : '1';
    text[size - 1] = 0;
    assert_int_equal(assay_ids_parse(&ids, &count, text, 2048, NULL), ASSAY_CAPACITY);
    assert_int_equal(assay_ids_parse(&ids, &count, text + 2, 2048, NULL), ASSAY_OK);
    assert_int_equal(count, ASSAY_MODEL_CONTEXT_MAX);
    free(ids);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_read_in_order),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(the_count_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
