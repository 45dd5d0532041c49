// SPDX-License-Identifier: Apache-2.0
// Option tables (F-9).

#include "tests/test.h"
#include <string.h>

#include "node/options.h"

typedef struct {
    bool flag;
    const char *text, *first, *second;
    uint64_t number;
    assay_option_texts texts;
} targets;

static assay_status parse(targets *out, assay_error *err, const char *const *words) {
    *out = (targets){.text = "default", .number = 7};
    const assay_option table[] = {
        {"flag", ASSAY_OPTION_FLAG, &out->flag, NULL, "a flag", 0, 0, false},
        {"text", ASSAY_OPTION_TEXT, &out->text, "T", "a text", 0, 0, false},
        {"number", ASSAY_OPTION_U64, &out->number, "N", "a number", 2, 10, false},
        {"list", ASSAY_OPTION_TEXTS, &out->texts, "T", "texts", 0, 0, false},
        {"", ASSAY_OPTION_TEXT, &out->first, "FIRST", "one", 0, 0, true},
        {"", ASSAY_OPTION_TEXT, &out->second, "SECOND", "two", 0, 0, false},
    };
    int count = 0;
    while (words[count])
        count++;
    uint64_t given;
    return assay_options_parse(&given, table, sizeof table / sizeof table[0], count, (char **)words,
                               err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void all_forms_are_understood(void **state) {
    targets t;
    assay_error err = {0};
    assert_int_equal(parse(&t, &err, WORDS("a")), ASSAY_OK);
    assert_string_equal(t.first, "a");
    assert_null(t.second);
    assert_false(t.flag);
    assert_string_equal(t.text, "default");
    assert_int_equal(t.number, 7);
    assert_int_equal(parse(&t, &err,
                           WORDS("--flag", "a", "--text", "--odd", "--number=10", "b", "--list",
                                 "x", "--list=y=z")),
                     ASSAY_OK);
    assert_true(t.flag);
    assert_string_equal(t.text, "--odd"); // a value is a value, whatever it looks like
    assert_int_equal(t.number, 10);
    assert_string_equal(t.second, "b");
    assert_int_equal(t.texts.count, 2);
    assert_string_equal(t.texts.items[0], "x");
    assert_string_equal(t.texts.items[1], "y=z");
    assert_int_equal(parse(&t, &err, WORDS("--text=", "--", "--flag", "-x")), ASSAY_OK);
    assert_string_equal(t.text, "");
    assert_string_equal(t.first, "--flag"); // behind --, nothing is an option
    assert_string_equal(t.second, "-x");
    assert_false(t.flag);
}

static void wrong_usage_is_named(void **state) {
    static const struct {
        const char *words[6];
        assay_status status;
        const char *part;
    } cases[] = {
        {{"--flag"}, ASSAY_USAGE, "FIRST is missing"},
        {{"a", "b", "c"}, ASSAY_USAGE, "unknown argument \"c\""},
        {{"a", "--unknown"}, ASSAY_USAGE, "unknown argument \"--unknown\""},
        {{"a", "--fla"}, ASSAY_USAGE, "unknown argument \"--fla\""},
        {{"a", "--=x"}, ASSAY_USAGE, "unknown argument \"--=x\""},
        {{"a", "--flag=1"}, ASSAY_USAGE, "--flag takes no value"},
        {{"a", "--flag", "--flag"}, ASSAY_USAGE, "--flag is given twice"},
        {{"a", "--text"}, ASSAY_USAGE, "--text needs a value"},
        {{"a", "--text", "x", "--text=y"}, ASSAY_USAGE, "--text is given twice"},
        {{"a", "--number", ""}, ASSAY_USAGE, "number is \"\", no number"},
        {{"a", "--number", "0x9"}, ASSAY_USAGE, "number is \"0x9\", no number"},
        {{"a", "--number", "-1"}, ASSAY_USAGE, "number is \"-1\", no number"},
        {{"a", "--number", "9 "}, ASSAY_USAGE, "number is \"9 \", no number"},
        {{"a", "--number", "1"}, ASSAY_USAGE, "number is 1, limits 2 to 10"},
        {{"a", "--number", "11"}, ASSAY_USAGE, "number is 11, limits 2 to 10"},
        {{"a", "--number", "18446744073709551616"}, ASSAY_USAGE, "18446744073709551616, limits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        targets t;
        assay_error err = {0};
        assay_status status = parse(&t, &err, cases[i].words);
        if (status != cases[i].status || !strstr(err.text, cases[i].part))
            fail_msg("case %zu: %s \"%s\"", i, assay_status_name(status), err.text);
    }
}

static void lists_are_bounded(void **state) {
    const char *words[ASSAY_OPTION_TEXTS_MAX + 3] = {"a"};
    targets t;
    for (int i = 1; i <= ASSAY_OPTION_TEXTS_MAX; i++)
        words[i] = "--list=x";
    assert_int_equal(parse(&t, NULL, words), ASSAY_OK);
    assert_int_equal(t.texts.count, ASSAY_OPTION_TEXTS_MAX);
    words[ASSAY_OPTION_TEXTS_MAX + 1] = "--list=y";
    assert_int_equal(parse(&t, NULL, words), ASSAY_USAGE);
}

static void numbers_reach_their_limits(void **state) {
    uint64_t value;
    assert_int_equal(assay_number_parse(&value, "18446744073709551615", "n", 0, UINT64_MAX, NULL),
                     ASSAY_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(assay_number_parse(&value, "007", "n", 0, 7, NULL), ASSAY_OK);
    assert_int_equal(value, 7);
}

// F-9: the refusal says what there is.
static void names_are_found_whole(void **state) {
    static const char *const names[] = {"none", "sampled", "all"};
    assay_error err = {0};
    uint32_t out;
    assert_int_equal(assay_name_parse(&out, "all", names, 3, "rerun", NULL), ASSAY_OK);
    assert_int_equal(out, 2);
    assert_int_equal(assay_name_parse(&out, "al", names, 3, "rerun", &err), ASSAY_USAGE);
    assert_string_equal(err.text, "rerun \"al\", known are none, sampled, all");
    assert_int_equal(assay_names_parse(&out, "all,none", names, 3, "rerun", NULL), ASSAY_OK);
    assert_int_equal(out, 1 << 2 | 1 << 0);
    static const char *const bad[] = {"", "all,", ",all", "all,,none", "all none", "allnone"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(assay_names_parse(&out, bad[i], names, 3, "rerun", NULL), ASSAY_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_are_understood), cmocka_unit_test(wrong_usage_is_named),
        cmocka_unit_test(lists_are_bounded),        cmocka_unit_test(numbers_reach_their_limits),
        cmocka_unit_test(names_are_found_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
