// SPDX-License-Identifier: Apache-2.0
// JSON from strangers (F-3).
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/test.h"

static assay_status parse(const char *text) {
    json_t *value = NULL;
    assay_error err = {0};
    assay_status status = assay_json_parse(&value, text, strlen(text), 1 << 20, "text", &err);
    assert_int_equal(err.status, status);
    assert_true((status == ASSAY_OK) == (value != NULL));
    json_decref(value);
    return status;
}

static json_t *object_of(const char *text) {
    json_t *value;
    assert_int_equal(assay_json_parse(&value, text, strlen(text), 1 << 20, "text", NULL), ASSAY_OK);
    return value;
}

static void ill_formed_text_is_refused(void **state) {
    const char *bad[] = {"",
                         " ",
                         "{",
                         "}",
                         "{\"a\"}",
                         "{\"a\":}",
                         "[1,]",
                         "{a:1}",
                         "['a']",
                         "[01]",
                         "[1e400]",
                         "[+1]",
                         "[NaN]",
                         "[Infinity]",
                         "[1.]",
                         "[.5]",
                         "[\"\t\"]",
                         "[\"\\x\"]",
                         "\"text\"",
                         "17",
                         "null",
                         "[\"\xff\"]",
                         "[\"\\ud800\"]",
                         "[\"\\u0000\"]",
                         "\xef\xbb\xbf[]",
                         "[99999999999999999999]",
                         "// c\n[]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(bad[i]) != ASSAY_FORMAT) fail_msg("accepted: %s", bad[i]);
    const char nul[] = {'[', '1', 0, ']'};
    json_t *value;
    assert_int_equal(assay_json_parse(&value, nul, sizeof nul, 100, "text", NULL), ASSAY_FORMAT);
    assert_int_equal(assay_json_parse(&value, NULL, 0, 100, "text", NULL), ASSAY_FORMAT);
}

static void text_after_the_end_is_refused(void **state) {
    assert_int_equal(parse("[] "), ASSAY_OK);
    assert_int_equal(parse("[]\n"), ASSAY_OK);
    assert_int_equal(parse("[] []"), ASSAY_TRAILING);
    assert_int_equal(parse("{}x"), ASSAY_TRAILING);
}

static void duplicate_names_are_refused_escaped_or_not(void **state) {
    assert_int_equal(parse("{\"a\":1,\"b\":2}"), ASSAY_OK);
    assert_int_equal(parse("{\"a\":1,\"a\":2}"), ASSAY_DUPLICATE);
    assert_int_equal(parse("{\"a\":1,\"\\u0061\":2}"), ASSAY_DUPLICATE);
    assert_int_equal(parse("[{\"x\":{\"\\u00e9\":1,\"\xc3\xa9\":1}}]"), ASSAY_DUPLICATE);
}

static char *nested(char open, char close, size_t depth) {
    char *text = malloc(2 * depth + 1);
    assert_non_null(text);
    memset(text, open, depth);
    memset(text + depth, close, depth);
    text[2 * depth] = 0;
    return text;
}

static void depth_is_bounded_before_the_parser_runs(void **state) {
    static const struct {
        size_t depth;
        assay_status status;
    } cases[] = {{ASSAY_JSON_DEPTH_MAX, ASSAY_OK},
                 {ASSAY_JSON_DEPTH_MAX + 1, ASSAY_DEPTH},
                 {10000, ASSAY_DEPTH},
                 {500000, ASSAY_DEPTH}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = nested('[', ']', cases[i].depth);
        assert_int_equal(parse(text), cases[i].status);
        text[cases[i].depth] = 0; // unclosed
        if (cases[i].depth > ASSAY_JSON_DEPTH_MAX) assert_int_equal(parse(text), ASSAY_DEPTH);
        free(text);
    }
    // Brackets in texts, and behind escaped quotes, nest nothing.
    assert_int_equal(parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]"), ASSAY_OK);
    assert_int_equal(parse("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"]"), ASSAY_OK);
    // An escaped backslash ends before the quote: these do nest.
    char *deep = nested('[', ']', 40);
    char text[128];
    snprintf(text, sizeof text, "[\"\\\\\",%s]", deep);
    assert_int_equal(parse(text), ASSAY_DEPTH);
    free(deep);
}

static void size_is_bounded(void **state) {
    json_t *value;
    assay_error err = {0};
    assert_int_equal(assay_json_parse(&value, "[1]", 3, 3, "text", NULL), ASSAY_OK);
    json_decref(value);
    assert_int_equal(assay_json_parse(&value, "[1]", 3, 2, "text", &err), ASSAY_CAPACITY);
    assert_string_equal(err.text, "text has 3 bytes, limit 2");
}

// Before the parser runs: a value costs it up to 250 bytes, and two of a text.
static void values_and_names_are_counted_before_the_parser_runs(void **state) {
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {
        {"{}", 1},
        {"[]", 1},
        {" [ { } , {\t}\n] ", 3},
        {"[[],[[]]]", 4},
        {"[1,-2,3.5e+7,true,null,\"\"]", 7},
        {"{\"a\":1,\"b\":[2],\"c\":{\"d\":\"x\"}}", 10},
        {"[\"{}[],:1 \\\" 2\",\"\\\\\",1]", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *value;
        const char *text = cases[i].text;
        size_t size = strlen(text), count = cases[i].count;
        if (assay_json_parse_many(&value, text, size, size, count, "text", NULL) != ASSAY_OK)
            fail_msg("%s has more than %zu values", text, count);
        json_decref(value);
        if (assay_json_parse_many(&value, text, size, size, count - 1, "text", NULL) !=
            ASSAY_CAPACITY)
            fail_msg("%s has fewer than %zu values", text, count);
        assert_null(value);
    }
}

// "[{},{},…]" of `count` objects.
static char *objects(size_t count) {
    char *text = malloc(3 * count + 2), *at = text;
    assert_non_null(text);
    for (size_t i = 0; i < count; i++, at += 3)
        memcpy(at, i ? ",{}" : "[{}", 3);
    memcpy(at, "]", 2);
    return text;
}

static void a_text_of_many_values_is_refused_by_number(void **state) {
    assay_error err = {0};
    json_t *value;
    char *text = objects(ASSAY_JSON_VALUES_MAX - 1);
    assert_int_equal(parse(text), ASSAY_OK);
    free(text);
    text = objects(ASSAY_JSON_VALUES_MAX);
    assert_int_equal(parse(text), ASSAY_CAPACITY);
    free(text);
    // What would take more than a gigabyte. Nothing of it is asked for: it is not even whole.
    text = objects(16 << 20);
    size_t size = 3 * ((size_t)16 << 20);
    assert_int_equal(assay_json_parse(&value, text, size, size, "text", &err), ASSAY_CAPACITY);
    assert_string_equal(err.text, "text has 16777217 values and names, limit 4096");
    free(text);
}

static void numbers_keep_all_64_bits(void **state) {
    static const struct {
        const char *text;
        assay_status status;
        uint64_t value;
    } cases[] = {
        {"{\"n\":0}", ASSAY_OK, 0},
        {"{\"n\":9007199254740993}", ASSAY_OK, 9007199254740993},
        {"{\"n\":9223372036854775807}", ASSAY_OK, INT64_MAX},
        {"{\"n\":\"18446744073709551615\"}", ASSAY_OK, UINT64_MAX},
        {"{\"n\":\"0\"}", ASSAY_OK, 0},
        {"{\"n\":\"18446744073709551616\"}", ASSAY_FORMAT, 0},
        {"{\"n\":\"99999999999999999999999\"}", ASSAY_FORMAT, 0},
        {"{\"n\":-1}", ASSAY_FORMAT, 0},
        {"{\"n\":1.0}", ASSAY_FORMAT, 0},
        {"{\"n\":1e3}", ASSAY_FORMAT, 0},
        {"{\"n\":\"\"}", ASSAY_FORMAT, 0},
        {"{\"n\":\"01\"}", ASSAY_FORMAT, 0},
        {"{\"n\":\"+1\"}", ASSAY_FORMAT, 0},
        {"{\"n\":\" 1\"}", ASSAY_FORMAT, 0},
        {"{\"n\":\"1 \"}", ASSAY_FORMAT, 0},
        {"{\"n\":\"0x1\"}", ASSAY_FORMAT, 0},
        {"{\"n\":null}", ASSAY_FORMAT, 0},
        {"{\"n\":true}", ASSAY_FORMAT, 0},
        {"{\"m\":1}", ASSAY_MISSING, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *object = object_of(cases[i].text);
        uint64_t value;
        assay_status status = assay_json_u64(&value, object, "n", 0, UINT64_MAX, NULL);
        if (status != cases[i].status) fail_msg("%s gives %d", cases[i].text, status);
        if (status == ASSAY_OK) assert_true(value == cases[i].value);
        json_decref(object);
    }
}

static void numbers_of_128_bits_are_read_as_those_of_64(void **state) {
    static const struct {
        const char *text;
        assay_status status;
        assay_u128 value;
    } cases[] = {
        {"{\"n\":7}", ASSAY_OK, 7},
        {"{\"n\":\"340282366920938463463374607431768211455\"}", ASSAY_OK, (assay_u128)-1},
        {"{\"n\":\"340282366920938463463374607431768211456\"}", ASSAY_FORMAT, 0},
        {"{\"n\":\"007\"}", ASSAY_FORMAT, 0},
        {"{\"n\":-1}", ASSAY_FORMAT, 0},
        {"{\"m\":1}", ASSAY_MISSING, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *object = object_of(cases[i].text);
        assay_u128 value;
        assay_status status = assay_json_u128(&value, object, "n", NULL);
        if (status != cases[i].status) fail_msg("%s gives %d", cases[i].text, status);
        if (status == ASSAY_OK) assert_true(value == cases[i].value);
        json_decref(object);
    }
}

static void ranges_name_value_and_limits(void **state) {
    json_t *object = object_of("{\"n\":7}");
    uint64_t value;
    assay_error err = {0};
    assert_int_equal(assay_json_u64(&value, object, "n", 7, 7, &err), ASSAY_OK);
    assert_int_equal(assay_json_u64(&value, object, "n", 8, 9, &err), ASSAY_RANGE);
    assert_string_equal(err.text, "n is 7, limits 8 to 9");
    assert_int_equal(assay_json_u64(&value, object, "n", 0, 6, &err), ASSAY_RANGE);
    json_decref(object);
}

static void members_are_checked_by_type_and_limit(void **state) {
    json_t *object = object_of("{\"t\":\"abc\",\"a\":[1,2],\"o\":{\"x\":1},\"h\":\"0x0aff\","
                               "\"z\":\"zz\"}");
    const char *text;
    const json_t *value;
    uint8_t two[2];
    assay_hash hash;
    assay_address address;
    assert_int_equal(assay_json_text(&text, object, "t", 3, NULL), ASSAY_OK);
    assert_string_equal(text, "abc");
    assert_int_equal(assay_json_text(&text, object, "t", 2, NULL), ASSAY_CAPACITY);
    assert_int_equal(assay_json_text(&text, object, "a", 3, NULL), ASSAY_FORMAT);
    assert_int_equal(assay_json_array(&value, object, "a", 2, NULL), ASSAY_OK);
    assert_int_equal(assay_json_array(&value, object, "a", 1, NULL), ASSAY_CAPACITY);
    assert_int_equal(assay_json_array(&value, object, "o", 2, NULL), ASSAY_FORMAT);
    assert_int_equal(assay_json_object(&value, object, "o", NULL), ASSAY_OK);
    assert_int_equal(assay_json_object(&value, object, "a", NULL), ASSAY_FORMAT);
    assert_int_equal(assay_json_object(&value, object, "none", NULL), ASSAY_MISSING);
    assert_int_equal(assay_json_hex(two, 2, object, "h", NULL), ASSAY_OK);
    assert_memory_equal(two, "\x0a\xff", 2);
    assert_int_equal(assay_json_hex(two, 1, object, "h", NULL), ASSAY_CAPACITY);
    assert_int_equal(assay_json_hex(two, 1, object, "z", NULL), ASSAY_FORMAT);
    assert_int_equal(assay_json_hash(&hash, object, "h", NULL), ASSAY_FORMAT);
    assert_int_equal(assay_json_address(&address, object, "h", NULL), ASSAY_FORMAT);
    // What is no object has no members.
    assert_int_equal(assay_json_text(&text, json_object_get(object, "a"), "t", 3, NULL),
                     ASSAY_MISSING);
    json_decref(object);
}

static void unknown_names_are_refused_by_name(void **state) {
    static const char *const names[] = {"a", "b", NULL};
    assay_error err = {0};
    json_t *known = object_of("{\"b\":1}"), *other = object_of("{\"a\":1,\"c\":2}"),
           *list = object_of("[]");
    assert_int_equal(assay_json_names(known, names, "row", NULL), ASSAY_OK);
    assert_int_equal(assay_json_names(other, names, "row", &err), ASSAY_UNKNOWN);
    assert_string_equal(err.text, "row has an unknown member \"c\"");
    assert_int_equal(assay_json_names(list, names, "row", NULL), ASSAY_FORMAT);
    json_decref(known);
    json_decref(other);
    json_decref(list);
}

static void written_values_read_back(void **state) {
    static const uint64_t values[] = {
        0, 1, ((uint64_t)1 << 53) - 1, (uint64_t)1 << 53, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        json_t *object = json_pack("{s:o}", "n", assay_json_from_u64(values[i]));
        uint64_t back;
        // JavaScript's numbers end at 2^53: from there on the value is a text.
        assert_int_equal(json_is_string(json_object_get(object, "n")), values[i] >> 53 != 0);
        assert_int_equal(assay_json_u64(&back, object, "n", 0, UINT64_MAX, NULL), ASSAY_OK);
        assert_true(back == values[i]);
        json_decref(object);
    }
    assay_hash hash, hash_back;
    assay_address address, address_back;
    memset(&hash, 0xc3, sizeof hash);
    memset(&address, 0x3c, sizeof address);
    json_t *object = json_pack("{s:o,s:o}", "h", assay_json_from_hash(&hash), "a",
                               assay_json_from_address(&address));
    assert_int_equal(assay_json_hash(&hash_back, object, "h", NULL), ASSAY_OK);
    assert_int_equal(assay_json_address(&address_back, object, "a", NULL), ASSAY_OK);
    assert_true(assay_hash_equal(&hash, &hash_back));
    assert_true(assay_address_equal(&address, &address_back));
    json_decref(object);
}

static void files_are_read_with_their_limit(void **state) {
    char path[] = "assay_test_json_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{\"n\":1}", 7), 7);
    close(fd);
    json_t *object;
    assert_int_equal(assay_json_read(&object, path, 7, NULL), ASSAY_OK);
    json_decref(object);
    assert_int_equal(assay_json_read(&object, path, 6, NULL), ASSAY_CAPACITY);
    assert_null(object);
    unlink(path);
    assert_int_equal(assay_json_read(&object, path, 7, NULL), ASSAY_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ill_formed_text_is_refused),
        cmocka_unit_test(text_after_the_end_is_refused),
        cmocka_unit_test(duplicate_names_are_refused_escaped_or_not),
        cmocka_unit_test(depth_is_bounded_before_the_parser_runs),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(values_and_names_are_counted_before_the_parser_runs),
        cmocka_unit_test(a_text_of_many_values_is_refused_by_number),
        cmocka_unit_test(numbers_keep_all_64_bits),
        cmocka_unit_test(numbers_of_128_bits_are_read_as_those_of_64),
        cmocka_unit_test(ranges_name_value_and_limits),
        cmocka_unit_test(members_are_checked_by_type_and_limit),
        cmocka_unit_test(unknown_names_are_refused_by_name),
        cmocka_unit_test(written_values_read_back),
        cmocka_unit_test(files_are_read_with_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
