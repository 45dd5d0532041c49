// SPDX-License-Identifier: Apache-2.0
// Requests and receipts: the wire written out by hand, limits, fees, order (P-11, P-12, P-13, P-14,
// P-15).
#include "tests/vectors.h"

#include "base/sha256.h"
#include "ledger/tx/reject.h"
#include "ledger/tx/request.h"

static assay_request request_make(void) {
    assay_request request = {.sequence = 0x0102030405060708,
                             .prompt_count = 10,
                             .max_tokens = 20,
                             .temperature_milli = 700,
                             .top_k = 40,
                             .top_p_ppm = 950000,
                             .seed = 0x1112131415161718,
                             .max_fee = 0x2122232425262728};
    memset(request.session.bytes, 0xa1, ASSAY_HASH_SIZE);
    memset(request.provider.bytes, 0xb2, ASSAY_ADDRESS_SIZE);
    memset(request.model.bytes, 0xc3, ASSAY_HASH_SIZE);
    memset(request.adapter.bytes, 0xd4, ASSAY_HASH_SIZE);
    memset(request.prompt_digest.bytes, 0xe5, ASSAY_HASH_SIZE);
    memset(request.signature.bytes, 0xf6, ASSAY_SIGNATURE_SIZE);
    return request;
}

static assay_receipt receipt_make(uint8_t rows) {
    assay_receipt receipt = {.request = request_make(),
                             .output_count = 3,
                             .stop = ASSAY_RECEIPT_STOP_LENGTH,
                             .attribution_count = rows,
                             .fee = 0x3132333435363738};
    memset(receipt.output_digest.bytes, 0x07, ASSAY_HASH_SIZE);
    memset(receipt.trace.bytes, 0x18, ASSAY_HASH_SIZE);
    for (uint8_t i = 0; i < rows; i++) {
        memset(receipt.attribution[i].dataset.bytes, i, ASSAY_HASH_SIZE);
        receipt.attribution[i].ppm = 1000000u / rows + (i == 0 ? 1000000u % rows : 0);
    }
    return receipt;
}

// Appends `count` times the byte pair `pair` to a hex text.
static void repeat(char *text, const char *pair, int count) {
    size_t size = strlen(text);
    for (int i = 0; i < count; i++, size += 2)
        memcpy(text + size, pair, 3);
}

static void add(char *text, const char *more) {
    memcpy(text + strlen(text), more, strlen(more) + 1);
}

static void request_text(char *text) {
    text[0] = 0;
    repeat(text, "a1", 32);
    add(text, "0102030405060708");
    repeat(text, "b2", 20);
    repeat(text, "c3", 32);
    repeat(text, "d4", 32);
    repeat(text, "e5", 32);
    add(text, "0000000a00000014000002bc00000028000e7ef0");
    add(text, "11121314151617182122232425262728");
    repeat(text, "00", 32);
    repeat(text, "f6", 65);
}

// Structs have padding: equal means equal bytes on the wire.
static void expect_equal_receipt(const assay_receipt *a, const assay_receipt *b) {
    uint8_t left[ASSAY_RECEIPT_SIZE_MAX], right[ASSAY_RECEIPT_SIZE_MAX];
    size_t size = assay_receipt_encode(a, left);
    assert_int_equal(assay_receipt_encode(b, right), size);
    assert_memory_equal(left, right, size);
}

static void requests_have_one_form(void **state) {
    uint8_t bytes[ASSAY_REQUEST_SIZE];
    char expected[2048], text[2048];
    assay_request request = request_make();
    assay_request_encode(&request, bytes);
    assay_hex_encode(text, bytes, ASSAY_REQUEST_SIZE);
    request_text(expected);
    assert_string_equal(text, expected);
}

static void receipts_have_one_form(void **state) {
    uint8_t bytes[ASSAY_RECEIPT_SIZE_MAX];
    char expected[4096], text[4096];
    assay_receipt receipt = receipt_make(2), back;
    size_t size = assay_receipt_encode(&receipt, bytes);
    request_text(expected);
    repeat(expected, "07", 32);
    add(expected, "0000000301");
    repeat(expected, "18", 32);
    add(expected, "02");
    repeat(expected, "00", 32);
    add(expected, "0007a120");
    repeat(expected, "01", 32);
    add(expected, "0007a1203132333435363738");
    assay_hex_encode(text, bytes, size);
    assert_string_equal(text, expected);
    assert_int_equal(assay_receipt_decode(&back, bytes, size, NULL), ASSAY_OK);
    expect_equal_receipt(&back, &receipt);
    assay_hash hash, sha;
    assay_receipt_hash(&hash, &receipt);
    assay_sha256_of(&sha, bytes, size);
    assert_memory_equal(&hash, &sha, sizeof hash);
}

static void receipts_of_every_length_round_trip(void **state) {
    for (uint8_t rows = 0; rows <= ASSAY_ATTRIBUTION_MAX; rows++) {
        uint8_t bytes[ASSAY_RECEIPT_SIZE_MAX + 1] = {0};
        assay_receipt receipt = receipt_make(rows), back;
        size_t size = assay_receipt_encode(&receipt, bytes);
        assert_int_equal(size, ASSAY_RECEIPT_SIZE_MIN + rows * ASSAY_ATTRIBUTION_SIZE);
        assert_int_equal(assay_receipt_decode(&back, bytes, size, NULL), ASSAY_OK);
        expect_equal_receipt(&back, &receipt);
        for (size_t cut = 0; cut <= size + 1; cut++) {
            if (cut == size) continue;
            assay_error err = {0};
            uint8_t *exact = malloc(cut ? cut : 1);
            assert_non_null(exact);
            memcpy(exact, bytes, cut);
            assert_int_equal(assay_receipt_decode(&back, exact, cut, &err), ASSAY_REJECTED);
            assert_int_equal(err.reject, ASSAY_REJECT_RECEIPT_FORM);
            free(exact);
        }
    }
}

static void expect_refused(assay_receipt *receipt, uint32_t reject) {
    uint8_t bytes[ASSAY_RECEIPT_SIZE_MAX];
    assay_receipt back;
    assay_error err = {0};
    size_t size = assay_receipt_encode(receipt, bytes);
    assert_int_equal(assay_receipt_decode(&back, bytes, size, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, reject);
}

static void attribution_ascends_and_adds_up(void **state) {
    assay_receipt receipt = receipt_make(3);
    receipt.attribution[2].dataset = receipt.attribution[1].dataset;
    expect_refused(&receipt, ASSAY_REJECT_RECEIPT_ATTRIBUTION);
    receipt.attribution[2].dataset = receipt.attribution[0].dataset;
    expect_refused(&receipt, ASSAY_REJECT_RECEIPT_ATTRIBUTION);
    receipt = receipt_make(3);
    receipt.attribution[0].ppm++;
    expect_refused(&receipt, ASSAY_REJECT_RECEIPT_ATTRIBUTION);
    receipt = receipt_make(2);
    receipt.attribution[0].ppm = 0;
    receipt.attribution[1].ppm = 1000000;
    expect_refused(&receipt, ASSAY_REJECT_RECEIPT_ATTRIBUTION);
    // A sum that is right modulo 2^32 only.
    receipt = receipt_make(3);
    receipt.attribution[0].ppm = receipt.attribution[1].ppm = UINT32_MAX;
    receipt.attribution[2].ppm = 1000002;
    expect_refused(&receipt, ASSAY_REJECT_RECEIPT_ATTRIBUTION);
    receipt = receipt_make(1);
    for (unsigned stop = 0; stop < 256; stop++) {
        receipt.stop = (uint8_t)stop;
        if (stop > 2) expect_refused(&receipt, ASSAY_REJECT_RECEIPT_RANGE);
    }
    receipt.stop = ASSAY_RECEIPT_STOP_FAULT;
    receipt.attribution_count = 33;
    assay_error err = {0};
    assert_int_equal(assay_receipt_check(&receipt, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_RECEIPT_RANGE);
}

#define EXPECT_REQUEST(field, value, wanted)                                                       \
    do {                                                                                           \
        assay_request request = request_make();                                                    \
        assay_error err = {0};                                                                     \
        request.field = (value);                                                                   \
        assert_int_equal(assay_request_check(&request, limit, &err), wanted);                      \
        if ((wanted) != ASSAY_OK) assert_int_equal(err.reject, ASSAY_REJECT_REQUEST_RANGE);        \
    } while (0)

static void requests_keep_their_limits(void **state) {
    uint64_t limit = UINT64_MAX;
    EXPECT_REQUEST(sequence, 0, ASSAY_REJECTED);
    EXPECT_REQUEST(sequence, UINT64_MAX, ASSAY_OK);
    EXPECT_REQUEST(prompt_count, 0, ASSAY_REJECTED);
    EXPECT_REQUEST(prompt_count, UINT32_MAX, ASSAY_OK);
    EXPECT_REQUEST(max_tokens, 0, ASSAY_REJECTED);
    EXPECT_REQUEST(max_tokens, UINT32_MAX, ASSAY_OK);
    EXPECT_REQUEST(temperature_milli, 0, ASSAY_OK);
    EXPECT_REQUEST(temperature_milli, 100000, ASSAY_OK);
    EXPECT_REQUEST(temperature_milli, 100001, ASSAY_REJECTED);
    EXPECT_REQUEST(top_k, 0, ASSAY_OK);
    EXPECT_REQUEST(top_k, UINT32_MAX, ASSAY_OK);
    EXPECT_REQUEST(top_p_ppm, 0, ASSAY_REJECTED);
    EXPECT_REQUEST(top_p_ppm, 1, ASSAY_OK);
    EXPECT_REQUEST(top_p_ppm, 1000000, ASSAY_OK);
    EXPECT_REQUEST(top_p_ppm, 1000001, ASSAY_REJECTED);
    EXPECT_REQUEST(max_fee, 0, ASSAY_OK);
    EXPECT_REQUEST(corpus.bytes[31], 1, ASSAY_REJECTED);
    limit = 30; // prompt 10, answer 20
    EXPECT_REQUEST(prompt_count, 10, ASSAY_OK);
    EXPECT_REQUEST(prompt_count, 11, ASSAY_REJECTED);
    EXPECT_REQUEST(max_tokens, UINT32_MAX, ASSAY_REJECTED);
}

static void fees_do_not_wrap(void **state) {
    uint64_t fee;
    assay_error err = {0};
    assert_int_equal(assay_fee_compute(&fee, 10, 3, 4, 5, NULL), ASSAY_OK);
    assert_int_equal(fee, 50);
    assert_int_equal(assay_fee_compute(&fee, 1, UINT64_MAX, 0, UINT64_MAX, NULL), ASSAY_OK);
    assert_true(fee == UINT64_MAX);
    assert_int_equal(assay_fee_compute(&fee, 1, UINT64_MAX, 1, 1, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_FEE_OVERFLOW);
    assert_int_equal(assay_fee_compute(&fee, 2, (uint64_t)1 << 63, 0, 0, &err), ASSAY_REJECTED);
    assert_int_equal(assay_fee_compute(&fee, UINT32_MAX, UINT64_MAX, UINT32_MAX, UINT64_MAX, &err),
                     ASSAY_REJECTED);
}

static void the_limit_covers_the_longest_answer(void **state) {
    assay_request request = request_make();
    assay_error err = {0};
    request.max_fee = 10 * 3 + 20 * 5;
    assert_int_equal(assay_request_fee_check(&request, 3, 5, NULL), ASSAY_OK);
    request.max_fee--;
    assert_int_equal(assay_request_fee_check(&request, 3, 5, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_REQUEST_FEE);
    assert_int_equal(assay_request_fee_check(&request, UINT64_MAX, 5, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_FEE_OVERFLOW);
}

// SHA-256 of 01000000 ff000000 00000100 (python3 hashlib).
static void ids_are_hashed_little_endian(void **state) {
    static const uint32_t ids[] = {1, 255, 65536};
    assay_hash digest;
    char text[2 * ASSAY_HASH_SIZE + 1];
    assay_ids_digest(&digest, ids, 3);
    assay_hex_encode(text, digest.bytes, ASSAY_HASH_SIZE);
    assert_string_equal(text, "ca233d536c6d4a6c055b58efd668f0bb8786f5bb06c8b89db494ce789b7750dd");
    assay_ids_digest(&digest, NULL, 0);
    assay_hex_encode(text, digest.bytes, ASSAY_HASH_SIZE);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void receipts_are_ordered_by_session_and_sequence(void **state) {
    assay_receipt a = receipt_make(0), b = a;
    assert_int_equal(assay_receipt_compare(&a, &b), 0);
    b.request.sequence++;
    assert_true(assay_receipt_compare(&a, &b) < 0 && assay_receipt_compare(&b, &a) > 0);
    b.request.session.bytes[0]--;
    assert_true(assay_receipt_compare(&a, &b) > 0 && assay_receipt_compare(&b, &a) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_have_one_form),
        cmocka_unit_test(receipts_have_one_form),
        cmocka_unit_test(receipts_of_every_length_round_trip),
        cmocka_unit_test(attribution_ascends_and_adds_up),
        cmocka_unit_test(requests_keep_their_limits),
        cmocka_unit_test(fees_do_not_wrap),
        cmocka_unit_test(the_limit_covers_the_longest_answer),
        cmocka_unit_test(ids_are_hashed_little_endian),
        cmocka_unit_test(receipts_are_ordered_by_session_and_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
