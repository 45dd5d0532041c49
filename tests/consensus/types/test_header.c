// SPDX-License-Identifier: Apache-2.0
#include "consensus/types/header.h"
#include "tests/consensus/cometbft.h"

enum { HEADER_MAX = 1024 };

// C-3: hash and bytes of every header that CometBFT made, at the limits of its fields too.
static void test_cometbft(void **state) {
    json_t *root = cometbft_read();
    const json_t *list = vectors_at(root, "headers");
    assert_true(json_array_size(list) >= 40);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        assay_header header = header_of(one);
        assay_hash hash;
        uint8_t bytes[HEADER_MAX];
        assay_writer writer;
        assay_header_hash(&hash, &header);
        expect_hash(one, "hash", &hash);
        assay_writer_init(&writer, bytes, sizeof bytes);
        assay_header_protobuf(&writer, &header);
        assert_false(writer.failed);
        expect_hex(one, "proto", bytes, writer.size);
    }
    json_decref(root);
}

// C-5
static void test_validators_hash(void **state) {
    json_t *root = cometbft_read();
    const json_t *list = vectors_at(root, "validators");
    assert_int_equal(json_array_size(list), 6);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        uint8_t key[32];
        assay_hash hash;
        must(assay_json_hex(key, sizeof key, one, "key", err));
        assay_validator_leaf(&hash, key, number_at(one, "power"));
        expect_hash(one, "hash", &hash);
    }
    json_decref(root);
}

static assay_header sample(void) {
    json_t *root = cometbft_read();
    assay_header header = header_of(json_array_get(vectors_at(root, "headers"), 9));
    json_decref(root);
    return header;
}

static size_t header_bytes(uint8_t bytes[HEADER_MAX], const assay_header *header) {
    assay_writer writer;
    assay_writer_init(&writer, bytes, HEADER_MAX);
    assay_header_write(&writer, header);
    assert_false(writer.failed);
    return writer.size;
}

static assay_status header_parse(assay_header *header, const uint8_t *bytes, size_t size) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, bytes, size);
    assay_header_read(&cursor, header);
    return assay_cursor_finish(&cursor, "header", NULL);
}

// C-4: the form in our own files reads back, and nothing shorter or longer does.
static void test_own_form(void **state) {
    uint8_t bytes[HEADER_MAX];
    assay_header header = sample(), back;
    size_t size = header_bytes(bytes, &header);
    assert_int_equal(size, 4 + strlen(header.chain_id) + 8 + 12 + 68 + 8 * 32 + 20);
    assert_int_equal(header_parse(&back, bytes, size), ASSAY_OK);
    assert_memory_equal(&back, &header, sizeof header);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(header_parse(&back, bytes, i), ASSAY_TRUNCATED);
    assert_int_equal(header_parse(&back, bytes, size + 1), ASSAY_TRAILING);
}

// C-3, C-4: every bit of the form is under the hash, or is refused.
static void test_every_bit(void **state) {
    uint8_t bytes[HEADER_MAX];
    assay_header header = sample(), back;
    assay_hash hash, changed;
    for (int first = 0; first < 2; first++) {
        if (first) header.last_block = (assay_block_id){{{0}}, 0, {{0}}};
        size_t size = header_bytes(bytes, &header);
        assay_header_hash(&hash, &header);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (header_parse(&back, bytes, size) == ASSAY_OK) {
                assay_header_hash(&changed, &back);
                assert_memory_not_equal(&changed, &hash, sizeof hash);
            }
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

// C-4: names and times that no header has.
static void test_refused(void **state) {
    uint8_t bytes[HEADER_MAX];
    assay_header header = sample(), back;
    snprintf(header.chain_id, sizeof header.chain_id, "two words");
    size_t size = header_bytes(bytes, &header);
    assert_int_equal(header_parse(&back, bytes, size), ASSAY_TRUNCATED);
    header = sample();
    header.time.nanos = 1000000000;
    size = header_bytes(bytes, &header);
    assert_int_equal(header_parse(&back, bytes, size), ASSAY_TRUNCATED);
    header.time = (assay_time){ASSAY_TIME_SECONDS_MAX + 1, 0};
    size = header_bytes(bytes, &header);
    assert_int_equal(header_parse(&back, bytes, size), ASSAY_TRUNCATED);
    header.time.seconds--;
    size = header_bytes(bytes, &header);
    assert_int_equal(header_parse(&back, bytes, size), ASSAY_OK);
    bytes[3] = ASSAY_CHAIN_ID_MAX + 1;
    assert_int_equal(header_parse(&back, bytes, size), ASSAY_TRUNCATED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cometbft), cmocka_unit_test(test_validators_hash),
        cmocka_unit_test(test_own_form), cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
