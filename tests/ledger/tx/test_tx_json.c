// SPDX-License-Identifier: Apache-2.0
// The JSON form of transactions, requests and receipts (P-16): back and forth, and what is refused.
#include "tests/ledger/cases.h"

#include "ledger/tx/reject.h"

// A good transfer, as a person would write it.
static const char transfer[] =
    "{\"kind\":\"transfer\",\"chain_id\":7,\"signer\":"
    "\"0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf\","
    "\"nonce\":1,\"to\":\"2b5ad5c4795c026514f8317c7a215e218dccd6cf\",\"amount\":\"1000000000\"}";

static json_t *parse(const char *text) {
    json_t *json = NULL;
    assay_error err = {0};
    if (assay_json_parse(&json, text, strlen(text), 1 << 20, "test", &err) != ASSAY_OK)
        fail_msg("%s: %s", text, err.text);
    return json;
}

static assay_status read_tx(assay_tx *tx, json_t *json, assay_arena *arena, assay_error *err) {
    assay_arena_init(arena, ASSAY_TX_ARENA_MAX);
    assay_status status = assay_tx_from_json(tx, NULL, json, arena, err);
    json_decref(json);
    return status;
}

// The transfer with one member replaced, added (value) or removed (NULL).
static void expect(assay_status status, uint32_t reject, const char *name, const char *value) {
    json_t *json = parse(transfer);
    assay_arena arena;
    assay_tx tx;
    assay_error err = {0};
    if (value)
        assert_int_equal(json_object_set_new(json, name, json_loads(value, JSON_DECODE_ANY, NULL)),
                         0);
    else
        assert_int_equal(json_object_del(json, name), 0);
    assay_status found = read_tx(&tx, json, &arena, &err);
    if (found != status || err.reject != reject)
        fail_msg("%s = %s: %s", name, value ? value : "nothing", err.text);
    assay_arena_close(&arena);
}

static void people_may_write_short(void **state) {
    assay_arena arena;
    assay_tx tx;
    assay_error err = {0};
    assert_int_equal(read_tx(&tx, parse(transfer), &arena, &err), ASSAY_OK);
    assert_int_equal(tx.kind, ASSAY_TX_TRANSFER);
    assert_int_equal(tx.chain_id, 7);
    assert_int_equal(tx.lane, 0);
    assert_int_equal(tx.body.transfer.amount, 1000000000);
    assert_memory_equal(&tx.principal, &tx.signer, sizeof tx.signer);
    assert_int_equal(tx.signature.bytes[64], 0);
    assay_arena_close(&arena);
}

static void members_are_checked(void **state) {
    expect(ASSAY_MISSING, 0, "kind", NULL);
    expect(ASSAY_UNKNOWN, 0, "kind", "\"transfers\"");
    expect(ASSAY_FORMAT, 0, "kind", "1");
    expect(ASSAY_MISSING, 0, "chain_id", NULL);
    expect(ASSAY_MISSING, 0, "signer", NULL);
    expect(ASSAY_MISSING, 0, "nonce", NULL);
    expect(ASSAY_MISSING, 0, "to", NULL);
    expect(ASSAY_MISSING, 0, "amount", NULL);
    expect(ASSAY_UNKNOWN, 0, "lane", "0");
    expect(ASSAY_UNKNOWN, 0, "Amount", "1");
    expect(ASSAY_UNKNOWN, 0, "role", "1");
    expect(ASSAY_FORMAT, 0, "amount", "-1");
    expect(ASSAY_FORMAT, 0, "amount", "1.5");
    expect(ASSAY_FORMAT, 0, "amount", "\"01\"");
    expect(ASSAY_FORMAT, 0, "amount", "\"18446744073709551616\"");
    expect(ASSAY_OK, 0, "amount", "\"18446744073709551615\"");
    expect(ASSAY_REJECTED, ASSAY_REJECT_TX_RANGE, "amount", "0");
    expect(ASSAY_FORMAT, 0, "to", "\"0x2b5ad5c4795c026514f8317c7a215e218dccd6\"");
    expect(ASSAY_FORMAT, 0, "to", "\"0x2b5ad5c4795c026514f8317c7a215e218dccd6cg\"");
    expect(ASSAY_FORMAT, 0, "signature", "\"0x00\"");
    expect(ASSAY_FORMAT, 0, "genesis", "\"0x00\"");
    expect(ASSAY_FORMAT, 0, "principal", "null");

    assay_arena arena;
    assay_tx tx;
    assay_error err = {0};
    assert_int_equal(read_tx(&tx, parse("[]"), &arena, &err), ASSAY_FORMAT);
}

static void every_kind_goes_back_and_forth(void **state) {
    cases all;
    cases_open(&all);
    for (size_t i = 0; i < cases_count(&all); i++) {
        assay_tx tx, back;
        assay_error err = {0};
        cases_tx(&all, i, &tx, NULL);
        json_t *json = assay_tx_to_json(&tx);
        assert_non_null(json);
        char *text = json_dumps(json, JSON_COMPACT);
        json_t *again = parse(text);
        if (assay_tx_from_json(&back, NULL, again, &all.arena, &err) != ASSAY_OK)
            fail_msg("%s: %s", text, err.text);
        size_t size, back_size;
        uint8_t *a = cases_encode(&tx, &size), *b = cases_encode(&back, &back_size);
        assert_int_equal(size, back_size);
        assert_memory_equal(a, b, size);
        json_decref(again);
        json_decref(json);
        free(text);
        free(a);
        free(b);
    }
    cases_close(&all);
}

// Removing any one required member of any kind is noticed, and so is one too many in a row.
static void no_member_is_optional_but_three(void **state) {
    cases all;
    cases_open(&all);
    for (unsigned kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++) {
        assay_tx tx, back;
        cases_tx_of(&all, (assay_tx_kind)kind, &tx);
        json_t *json = assay_tx_to_json(&tx), *value;
        const char *name;
        void *next;
        unsigned required = 0;
        json_object_foreach_safe(json, next, name, value) {
            assay_error err = {0};
            json_t *less = json_copy(json);
            json_object_del(less, name);
            assay_status status = assay_tx_from_json(&back, NULL, less, &all.arena, &err);
            bool optional = strcmp(name, "principal") == 0 || strcmp(name, "signature") == 0;
            assert_int_equal(status, optional ? ASSAY_OK : ASSAY_MISSING);
            required += !optional;
            json_decref(less);
            if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
                json_t *deep = json_deep_copy(json);
                json_t *row = json_array_get(json_object_get(deep, name), 0);
                json_object_set_new(row, "extra", json_integer(1));
                status = assay_tx_from_json(&back, NULL, deep, &all.arena, &err);
                assert_int_equal(status, ASSAY_UNKNOWN);
                json_decref(deep);
            }
        }
        assert_true(required >= 5);
        json_decref(json);
    }
    cases_close(&all);
}

static void expect_change(const assay_tx *tx, const char *name, json_t *value, assay_status status,
                          uint32_t reject) {
    assay_arena arena;
    assay_tx back;
    assay_error err = {0};
    json_t *json = assay_tx_to_json(tx);
    assert_int_equal(json_object_set_new(json, name, value), 0);
    assay_status found = read_tx(&back, json, &arena, &err);
    if (found != status || err.reject != reject) fail_msg("%s: %s", name, err.text);
    assay_arena_close(&arena);
}

static json_t *long_text(size_t size) {
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'a', size);
    text[size] = 0;
    json_t *value = json_string(text);
    free(text);
    return value;
}

static void values_keep_their_limits(void **state) {
    cases all;
    assay_tx tx;
    cases_open(&all);
    cases_tx_of(&all, ASSAY_TX_BOND, &tx);
    expect_change(&tx, "role", json_integer(256), ASSAY_RANGE, 0);
    expect_change(&tx, "role", json_integer(4), ASSAY_REJECTED, ASSAY_REJECT_TX_RANGE);
    cases_tx_of(&all, ASSAY_TX_REGISTER_MODEL, &tx);
    expect_change(&tx, "royalty_ppm", json_integer(4294967296), ASSAY_RANGE, 0);
    expect_change(&tx, "name", long_text(64), ASSAY_OK, 0);
    expect_change(&tx, "name", long_text(65), ASSAY_CAPACITY, 0);
    expect_change(&tx, "name", json_string("a\nb"), ASSAY_REJECTED, ASSAY_REJECT_TX_TEXT);
    expect_change(&tx, "name", json_integer(1), ASSAY_FORMAT, 0);
    cases_tx_of(&all, ASSAY_TX_POST_EVIDENCE, &tx);
    expect_change(&tx, "data", long_text(2 * 65536), ASSAY_OK, 0);
    expect_change(&tx, "data", long_text(2 * 65536 + 2), ASSAY_REJECTED, ASSAY_REJECT_TX_LENGTH);
    expect_change(&tx, "data", long_text(2 * 65536 + 4), ASSAY_CAPACITY, 0);
    expect_change(&tx, "data", long_text(3), ASSAY_FORMAT, 0);
    expect_change(&tx, "data", json_string("0x"), ASSAY_REJECTED, ASSAY_REJECT_TX_LENGTH);
    expect_change(&tx, "part", json_integer(65536), ASSAY_RANGE, 0);
    cases_tx_of(&all, ASSAY_TX_DECLARE_ROOTS, &tx);
    expect_change(&tx, "roots", json_pack("[s]", "0x00"), ASSAY_FORMAT, 0);
    expect_change(&tx, "roots", json_pack("[i]", 1), ASSAY_FORMAT, 0);
    expect_change(&tx, "roots", json_pack("{}"), ASSAY_FORMAT, 0);
    json_t *many = json_array();
    for (int i = 0; i < 257; i++)
        json_array_append_new(many, json_string("00"));
    expect_change(&tx, "roots", many, ASSAY_CAPACITY, 0);
    cases_close(&all);
}

static void weights_have_128_bits(void **state) {
    static const char *const good[] = {"0", "18446744073709551616",
                                       "340282366920938463463374607431768211455"};
    static const char *const bad[] = {"",
                                      "00",
                                      "-1",
                                      "1 ",
                                      "0x1",
                                      "340282366920938463463374607431768211456",
                                      "3402823669209384634633746074317682114550"};
    cases all;
    assay_tx tx;
    cases_open(&all);
    cases_tx_of(&all, ASSAY_TX_SUBMIT_BATCH, &tx);
    for (size_t i = 0; i < 3; i++) {
        assay_hash id = {{1}};
        json_t *row =
            json_pack("[{s:o,s:s}]", "dataset", assay_json_from_hash(&id), "weight", good[i]);
        expect_change(&tx, "datasets", json_incref(row), ASSAY_OK, 0);
        json_t *json = assay_tx_to_json(&tx), *back;
        json_object_set_new(json, "datasets", row);
        assay_tx read;
        assert_int_equal(assay_tx_from_json(&read, NULL, json, &all.arena, NULL), ASSAY_OK);
        back = assay_tx_to_json(&read);
        json_t *shown =
            json_object_get(json_array_get(json_object_get(back, "datasets"), 0), "weight");
        if (i == 0)
            assert_int_equal(json_integer_value(shown), 0);
        else
            assert_string_equal(json_string_value(shown), good[i]);
        json_decref(back);
        json_decref(json);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assay_hash id = {{1}};
        expect_change(
            &tx, "datasets",
            json_pack("[{s:o,s:s}]", "dataset", assay_json_from_hash(&id), "weight", bad[i]),
            ASSAY_FORMAT, 0);
    }
    cases_close(&all);
}

static void receipts_go_back_and_forth(void **state) {
    cases all;
    cases_open(&all);
    json_t *entry = json_array_get(json_object_get(all.root, "requests"), 0);
    assay_receipt receipt = {.output_count = 5,
                             .stop = ASSAY_RECEIPT_STOP_FAULT,
                             .fee = UINT64_MAX},
                  back;
    assay_error err = {0};
    assert_int_equal(
        assay_request_from_json(&receipt.request, json_object_get(entry, "json"), &err), ASSAY_OK);
    receipt.attribution_count = 2;
    receipt.attribution[1].dataset.bytes[0] = 9;
    receipt.attribution[0].ppm = 999999;
    receipt.attribution[1].ppm = 1;
    json_t *json = assay_receipt_to_json(&receipt);
    assert_int_equal(assay_receipt_from_json(&back, json, &err), ASSAY_OK);
    uint8_t a[ASSAY_RECEIPT_SIZE_MAX], b[ASSAY_RECEIPT_SIZE_MAX];
    size_t size = assay_receipt_encode(&receipt, a);
    assert_int_equal(assay_receipt_encode(&back, b), size);
    assert_memory_equal(a, b, size);

    json_object_set_new(json, "extra", json_null());
    assert_int_equal(assay_receipt_from_json(&back, json, &err), ASSAY_UNKNOWN);
    json_object_del(json, "extra");
    json_object_set_new(json, "stop", json_integer(3));
    assert_int_equal(assay_receipt_from_json(&back, json, &err), ASSAY_RANGE);
    json_object_set_new(json, "stop", json_integer(1));
    json_object_set_new(json_array_get(json_object_get(json, "attribution"), 0), "ppm",
                        json_integer(1));
    assert_int_equal(assay_receipt_from_json(&back, json, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_RECEIPT_ATTRIBUTION);
    json_object_set_new(json_object_get(json, "request"), "extra", json_null());
    assert_int_equal(assay_receipt_from_json(&back, json, &err), ASSAY_UNKNOWN);
    json_object_del(json, "request");
    assert_int_equal(assay_receipt_from_json(&back, json, &err), ASSAY_MISSING);
    json_decref(json);
    cases_close(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_may_write_short),
        cmocka_unit_test(members_are_checked),
        cmocka_unit_test(every_kind_goes_back_and_forth),
        cmocka_unit_test(no_member_is_optional_but_three),
        cmocka_unit_test(values_keep_their_limits),
        cmocka_unit_test(weights_have_128_bits),
        cmocka_unit_test(receipts_go_back_and_forth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
