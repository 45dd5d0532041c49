// SPDX-License-Identifier: Apache-2.0
// How much JSON a request may be: counted before it is parsed (F-3, F-40).
#include <stdlib.h>

#include "node/api/call.h"
#include "node/provider/request_body.h"
#include "tests/test.h"

// `open`, `count` empty objects and `close`: three bytes of text, some 230 of memory each.
static assay_bytes bomb_make(const char *open, size_t count, const char *close) {
    size_t head = strlen(open), tail = strlen(close);
    char *text = malloc(head + 3 * count + tail);
    assert_non_null(text);
    memcpy(text, open, head);
    for (size_t i = 0; i < count; i++)
        memcpy(text + head + 3 * i, i ? ",{}" : " {}", 3);
    memcpy(text + head + 3 * count, close, tail);
    return (assay_bytes){(const uint8_t *)text, head + 3 * count + tail};
}

static void what_costs_more_than_it_can_need_is_refused_unread(void **state) {
    assay_arena arena;
    assay_api_txs txs;
    assay_request_body request;
    assay_error err = {0};
    assay_bytes body = bomb_make("{\"txs\":[", ASSAY_API_VALUES_MAX - 2, "]}");
    assay_arena_init(&arena, 1 << 20);
    assert_int_equal(assay_api_txs_read(&txs, &body, &arena, &err), ASSAY_CAPACITY);
    assert_string_equal(err.text, "request has 65537 values and names, limit 65536");
    free((void *)body.data);
    // One less is parsed, and then has too many entries.
    body = bomb_make("{\"txs\":[", ASSAY_API_VALUES_MAX - 3, "]}");
    assert_int_equal(assay_api_txs_read(&txs, &body, &arena, &err), ASSAY_CAPACITY);
    assert_string_equal(err.text, "txs has 65533 entries, limit 1000");
    free((void *)body.data);
    assay_arena_close(&arena);
    body = bomb_make("{\"prompt_ids\":[", 1 << 12, "]}");
    assert_int_equal(assay_request_body_read(&request, body.data, body.size, 512, &err),
                     ASSAY_CAPACITY);
    assert_string_equal(err.text, "body has 4099 values and names, limit 576");
    assay_request_body_close(&request);
    free((void *)body.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_costs_more_than_it_can_need_is_refused_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
