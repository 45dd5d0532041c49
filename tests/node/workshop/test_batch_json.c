// SPDX-License-Identifier: Apache-2.0
// Batches as a client reads them from its node, the largest that there are: rule P-8, F-40.
#include "node/http/server.h"
#include "node/workshop/batch_json.h"
#include "tests/test.h"

// As many data set rows, of 48 bytes, as a transaction holds.
enum { ROWS = 21500 };

static json_t *document_make(bool payouts) {
    static const char zeros[] =
        "0x0000000000000000000000000000000000000000000000000000000000000000";
    json_t *rows = json_array(), *lines = json_array();
    for (int i = 0; i < ROWS; i++) {
        json_array_append_new(rows, json_pack("{s:s,s:i}", "dataset", zeros, "weight", i + 1));
        json_array_append_new(lines,
                              json_pack("{s:s,s:i,s:s,s:s,s:i,s:i}", "account",
                                        "0x0000000000000000000000000000000000000001", "role", 1,
                                        "reason", "data", "id", zeros, "nopen", i, "height", 9));
    }
    json_t *document =
        json_pack("{s:s,s:s,s:i,s:s,s:i,s:i,s:i,s:i,s:s,s:i,s:i,s:s,s:{s:[],s:[],s:o}}", "state",
                  "settled", "provider", "0x0000000000000000000000000000000000000001", "height", 7,
                  "root", zeros, "count", 1, "fee_total", ROWS, "receipt_bytes", 400,
                  "beacon_height", 8, "beacon", zeros, "sample_count", 1, "ended", 9, "uri",
                  "http://example.org", "tables", "sessions", "models", "datasets", rows);
    if (payouts) json_object_set(document, "payouts", lines);
    json_decref(lines);
    return document;
}

static void batch_handle(void *context, const assay_http_request *request,
                         assay_http_reply *reply) {
    const char *rows = assay_http_argument(request, "rows");
    assay_http_reply_json(reply, 200, document_make(!rows || strcmp(rows, "1") != 0));
}

// What was paid for a settled batch is not asked for: with it, nobody could read this one.
static void the_largest_settled_batch_is_read(void **state) {
    assay_http_server *server;
    assay_client client = {.testnet = true};
    assay_batch batch;
    assay_batch_tables tables;
    assay_arena arena;
    const assay_hash id = {{1}};
    const assay_http_options options = {
        .listen = "127.0.0.1:0", .body_max = 1024, .connections_max = 8, .handle = batch_handle};
    must(assay_http_server_open(&server, &options, err));
    snprintf(client.url, sizeof client.url, "%s", assay_http_server_url(server));
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    must(assay_batch_fetch(&batch, &tables, &client, &id, &arena, err));
    assert_int_equal(batch.state, ASSAY_BATCH_SETTLED);
    assert_int_equal(tables.datasets.count, ROWS);
    assert_int_equal(tables.datasets.items[ROWS - 1].weight, ROWS);
    assay_arena_close(&arena);
    assay_http_server_close(server);
}

static assay_status told(assay_batch_tables *tables, const json_t *document, assay_arena *arena,
                         assay_error *err) {
    assay_batch batch;
    return assay_batch_read(&batch, tables, document, arena, err);
}

// Weights are numbers or decimal strings (F-3); a row has its members and no others.
static void rows_are_read_by_their_schema(void **state) {
    assay_batch_tables tables;
    assay_arena arena;
    assay_error why = {0};
    json_t *document = document_make(false);
    json_t *rows = json_object_get(json_object_get(document, "tables"), "datasets");
    json_t *row = json_array_get(rows, 1);
    assay_arena_init(&arena, 2 * ASSAY_TX_ARENA_MAX);
    json_object_set_new(row, "weight", json_string("340282366920938463463374607431768211455"));
    must(told(&tables, document, &arena, err));
    assert_int_equal(tables.datasets.items[0].weight, 1);
    assert_true(tables.datasets.items[1].weight == ~(assay_u128)0);
    json_object_set_new(row, "wieght", json_integer(1));
    assert_int_equal(told(&tables, document, &arena, &why), ASSAY_UNKNOWN);
    assert_non_null(strstr(why.text, "wieght"));
    json_decref(document);
    assay_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_largest_settled_batch_is_read),
                                       cmocka_unit_test(rows_are_read_by_their_schema)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
