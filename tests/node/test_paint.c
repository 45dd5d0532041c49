// SPDX-License-Identifier: Apache-2.0
// Strangers' text on a terminal.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/paint.h"
#include "tests/test.h"

enum { NONE = ASSAY_PAINT_NONE };

static void painted(const char *text, const uint8_t *colours, const char *want) {
    char *got = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&got, &size);
    assert_non_null(out);
    assay_paint_text(out, (const uint8_t *)text, strlen(text), colours);
    fclose(out);
    assert_string_equal(got, want);
    free(got);
}

static void text_cannot_steer_the_terminal(void **state) {
    painted("a\tb\nc", NULL, "a\tb\nc");
    painted("\033[2Jx\r\b\x7F", NULL, "?[2Jx???");
    painted("\xC2\x9B"
            "1m\xC2\xA0",
            NULL, "?1m\xC2\xA0"); // C1: a one-character escape
    painted("\xC3\xA9\xF0\x9F\x98\x80", NULL, "\xC3\xA9\xF0\x9F\x98\x80");
    painted("a\xFF\xC3", NULL, "a\xEF\xBF\xBD\xEF\xBF\xBD");
    painted("", NULL, "");
}

static void colours_keep_to_characters_and_lines(void **state) {
    painted("abc", (uint8_t[]){NONE, 0, NONE}, "a\033[30;48;5;222mb\033[0mc");
    painted("a\nb", (uint8_t[]){1, 1, 1}, "\033[30;48;5;117ma\033[0m\n\033[30;48;5;117mb\033[0m");
    painted("\xC3\xA9z", (uint8_t[]){8, 1, NONE}, "\033[30;48;5;222m\xC3\xA9\033[0mz");
    painted("ab", (uint8_t[]){0, 1}, "\033[30;48;5;222ma\033[30;48;5;117mb\033[0m");
}

static void labels_stay_on_their_line(void **state) {
    static const struct {
        const char *text;
        size_t width;
        uint8_t colour;
        const char *want;
    } cases[] = {
        {"a\nb\tc\033", 9, NONE, "a b c?"},
        {"\xC3\xA9\xC3\xA9\xC3\xA9", 2, NONE, "\xC3\xA9\xC3\xA9\xE2\x80\xA6"},
        {"ab", 2, 1, "\033[30;48;5;117mab\033[0m"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&got, &size);
        assert_non_null(out);
        assay_paint_label(out, (const uint8_t *)cases[i].text, strlen(cases[i].text),
                          cases[i].width, cases[i].colour);
        fclose(out);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_steer_the_terminal),
        cmocka_unit_test(colours_keep_to_characters_and_lines),
        cmocka_unit_test(labels_stay_on_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
