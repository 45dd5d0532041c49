// SPDX-License-Identifier: Apache-2.0
// The validators of a height in pages, as light clients ask for them (E-46).
#include <stdio.h>
#include <stdlib.h>

#include "node/api/api.h"
#include "tests/test.h"

enum { VALIDATORS = 250 };

static uint64_t height(void *self) {
    return 7;
}

static assay_status light_block(void *self, uint64_t at, json_t **out, assay_error *err) {
    json_t *list = json_array();
    for (int i = 0; i < VALIDATORS; i++)
        json_array_append_new(
            list, i % 2 ? json_pack("{s:i,s:s}", "voting_power", i, "proposer_priority", "-7")
                        : json_pack("{s:i}", "voting_power", i));
    *out = json_pack("{s:{s:{s:s}},s:o}", "signed_header", "header", "height", "7", "validators",
                     list);
    return ASSAY_OK;
}

static const assay_chain_engine engine = {.height = height, .light_block = light_block};
static assay_api api = {.engine = &engine, .slow = PTHREAD_MUTEX_INITIALIZER};

// Asks for a page by GET, or by JSON-RPC. NULL: not said.
static json_t *ask(bool post, const char *page, const char *per_page) {
    char body[256];
    int size = snprintf(body, sizeof body,
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"validators\",\"params\":"
                        "{\"height\":null,\"page\":%s,\"per_page\":%s}}",
                        page ? page : "null", per_page ? per_page : "null");
    assay_http_request request = {.method = "POST", .path = "/"};
    assay_http_reply reply = {0};
    if (post) {
        request.body = (assay_bytes){(const uint8_t *)body, (size_t)size};
    } else {
        request.method = "GET";
        request.path = "/validators";
        if (page) request.arguments[request.argument_count++] = (assay_http_pair){"page", page};
        if (per_page)
            request.arguments[request.argument_count++] = (assay_http_pair){"per_page", per_page};
    }
    assert_true(assay_api_light(&api, &request, &reply));
    json_t *answer = json_loadb((const char *)reply.body, reply.body_size, 0, NULL);
    assert_non_null(answer);
    free(reply.body);
    return answer;
}

static void validators_come_in_pages(void **state) {
    static const struct {
        const char *page, *per_page;
        size_t first, count;
    } cases[] = {
        {NULL, NULL, 0, 250},    {"1", NULL, 0, 250},  {"1", "100", 0, 100},
        {"3", "100", 200, 50},   {NULL, "30", 0, 30},  {"9", "30", 240, 10},
        {"2", "1000", 100, 100}, {"250", "1", 249, 1}, {"0", "0", 0, 250},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        bool post = i % 2;
        json_t *answer = ask(post, cases[i / 2].page, cases[i / 2].per_page);
        const json_t *result = json_object_get(answer, "result");
        const json_t *list = json_object_get(result, "validators");
        char count[24];
        snprintf(count, sizeof count, "%zu", cases[i / 2].count);
        assert_int_equal(json_array_size(list), cases[i / 2].count);
        assert_string_equal(json_string_value(json_object_get(result, "count")), count);
        assert_string_equal(json_string_value(json_object_get(result, "total")), "250");
        assert_int_equal(
            json_integer_value(json_object_get(json_array_get(list, 0), "voting_power")),
            cases[i / 2].first);
        const char *priority =
            json_string_value(json_object_get(json_array_get(list, 0), "proposer_priority"));
        assert_string_equal(priority, cases[i / 2].first % 2 ? "-7" : "0");
        json_decref(answer);
    }
}

static void pages_that_are_none_are_refused(void **state) {
    static const struct {
        const char *page, *per_page, *says;
    } cases[] = {
        {"4", "100", "page should be within [1, 3] range, given 4"},
        {"2", NULL, "page should be within [1, 1] range, given 2"},
        {"9223372036854775807", "9223372036854775807", "within [1, 3] range"},
        {"-1", NULL, "page"},
        {"1", "-1", "per_page"},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        json_t *answer = ask(i % 2, cases[i / 2].page, cases[i / 2].per_page);
        const json_t *error = json_object_get(answer, "error");
        const char *data = json_string_value(json_object_get(error, "data"));
        if (!data || !strstr(data, cases[i / 2].says)) fail_msg("%s", data ? data : "no error");
        json_decref(answer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validators_come_in_pages),
        cmocka_unit_test(pages_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
