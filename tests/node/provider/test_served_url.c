// SPDX-License-Identifier: Apache-2.0
// A provider's own URL: what it may be, and whom it reaches. Rules F-41, F-55.

#include "tests/test.h"
#include <string.h>

#include "node/provider/served_url.h"

static void slashes_at_the_end_are_taken_off(void **state) {
    static const char *const cases[][2] = {
        {"http://a.example", "http://a.example"},
        {"https://a.example///", "https://a.example"},
        {"HTTPS://a.example:8443/under/a/path/", "HTTPS://a.example:8443/under/a/path"},
        {"http://[2606:4700::1]:80/", "http://[2606:4700::1]:80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64];
        assay_error err = {0};
        if (assay_served_url_read(out, sizeof out, cases[i][0], &err) != ASSAY_OK)
            fail_msg("%s: %s", cases[i][0], err.text);
        assert_string_equal(out, cases[i][1]);
    }
}

static void others_are_refused(void **state) {
    static const char *const cases[][2] = {
        {"", "does not begin"},
        {"/", "does not begin"},
        {"a.example:80", "does not begin"},
        {"ftp://a.example", "does not begin"},
        {"file:///srv/evidence", "does not begin"},
        {"http://", "does not begin"},
        {"http://:80", "is no URL"},
        {"http://a.example:port", "is no URL"},
        {"http://a.example/?", "is no URL"},
        {"http://a.example?x=1", "is no URL"},
        {"http://a.example/#top", "is no URL"},
        {"http://me:secret@a.example", "is no URL"},
        {"http://a example", "is no URL"},
        {"http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "limit 63"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64];
        assay_error err = {0};
        if (assay_served_url_read(out, sizeof out, cases[i][0], &err) != ASSAY_USAGE ||
            !strstr(err.text, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], err.text);
    }
}

static void private_hosts_are_known(void **state) {
    static const struct {
        const char *url;
        bool is;
    } cases[] = {{"http://127.0.0.1:26670", true}, {"http://0.0.0.0:26670", true},
                 {"https://10.1.2.3", true},       {"http://[::1]:80/x", true},
                 {"http://[fd00::1]", true},       {"http://localhost:80", true},
                 {"http://me.LocalHost.", true},   {"http://8.8.8.8", false},
                 {"http://[2606:4700::1]", false}, {"https://provider.example.org", false},
                 {"http://notlocalhost", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (assay_served_url_private(cases[i].url) != cases[i].is) fail_msg("%s", cases[i].url);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slashes_at_the_end_are_taken_off),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(private_hosts_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
