// SPDX-License-Identifier: Apache-2.0
// Prometheus's text format, byte for byte (F-71), and durations in buckets (F-72).
#include <stdlib.h>

#include "node/workshop/meter.h"
#include "tests/test.h"

static void expect_text(const assay_metrics *m, const char *text) {
    assert_int_equal(fflush(m->stream), 0);
    assert_int_equal(m->size, strlen(text));
    assert_memory_equal(m->text, text, m->size);
}

static void samples_and_their_heads(void **state) {
    assay_metrics m = {0};
    assay_metrics_put(&m, "assay_a", ASSAY_METRIC_GAUGE, "One.", UINT64_MAX);
    assay_metrics_begin(&m, "assay_b_total", ASSAY_METRIC_COUNTER, "Two.");
    assay_metrics_add(&m, "assay_b_total", "kind", "x", 0);
    assay_metrics_add(&m, "assay_b_total", "kind", "y", 7);
    assay_metrics_put_ns(&m, "assay_c_seconds", ASSAY_METRIC_GAUGE, "Three.", 12000000034);
    expect_text(&m, "# HELP assay_a One.\n# TYPE assay_a gauge\nassay_a 18446744073709551615\n"
                    "# HELP assay_b_total Two.\n# TYPE assay_b_total counter\n"
                    "assay_b_total{kind=\"x\"} 0\nassay_b_total{kind=\"y\"} 7\n"
                    "# HELP assay_c_seconds Three.\n# TYPE assay_c_seconds gauge\n"
                    "assay_c_seconds 12.000000034\n");
    assay_metrics_close(&m);
}

// A chain's name is a stranger's text: it ends neither its label nor its line.
static void label_values_are_escaped(void **state) {
    assay_metrics m = {0};
    const char *const pairs[] = {"one", "a\"} 5\nassay_x 6", "two", "back\\slash"};
    assay_metrics_info(&m, "assay_info", "Names.", pairs, 4);
    expect_text(&m, "# HELP assay_info Names.\n# TYPE assay_info gauge\n"
                    "assay_info{one=\"a\\\"} 5\\nassay_x 6\",two=\"back\\\\slash\"} 1\n");
    assay_metrics_close(&m);
}

static void durations_fall_into_their_buckets(void **state) {
    assay_metrics m = {0};
    assay_timing timing = {0};
    assay_timing_add(&timing, 10000000);     // just in the first
    assay_timing_add(&timing, 10000001);     // just not
    assay_timing_add(&timing, 300000000000); // in none but the last
    assay_metrics_timing(&m, "assay_t_seconds", "Times.", &timing);
    expect_text(&m, "# HELP assay_t_seconds Times.\n# TYPE assay_t_seconds histogram\n"
                    "assay_t_seconds_bucket{le=\"0.01\"} 1\nassay_t_seconds_bucket{le=\"0.03\"} 2\n"
                    "assay_t_seconds_bucket{le=\"0.10\"} 2\nassay_t_seconds_bucket{le=\"0.30\"} 2\n"
                    "assay_t_seconds_bucket{le=\"1.00\"} 2\nassay_t_seconds_bucket{le=\"3.00\"} 2\n"
                    "assay_t_seconds_bucket{le=\"10.00\"} 2\n"
                    "assay_t_seconds_bucket{le=\"30.00\"} 2\n"
                    "assay_t_seconds_bucket{le=\"100.00\"} 2\n"
                    "assay_t_seconds_bucket{le=\"+Inf\"} 3\nassay_t_seconds_sum 300.020000001\n"
                    "assay_t_seconds_count 3\n");
    assay_metrics_close(&m);
}

static void replies_have_their_type(void **state) {
    assay_metrics m = {0};
    assay_http_reply reply = {0};
    assay_metrics_put(&m, "assay_a", ASSAY_METRIC_GAUGE, "One.", 1);
    assay_metrics_reply(&m, &reply);
    assert_null(m.text);
    assert_int_equal(reply.code, 200);
    assert_string_equal(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
    const char *text = "# HELP assay_a One.\n# TYPE assay_a gauge\nassay_a 1\n";
    assert_int_equal(reply.body_size, strlen(text));
    assert_memory_equal(reply.body, text, reply.body_size);
    free(reply.body);
    assay_metrics_reply(&m, &reply); // of nothing
    assert_int_equal(reply.code, 500);
    free(reply.body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_and_their_heads),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(durations_fall_into_their_buckets),
        cmocka_unit_test(replies_have_their_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
