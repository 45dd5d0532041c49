// SPDX-License-Identifier: Apache-2.0
// NFC (F-31) against Hugging Face's tokenizers (tests/oracles/tokenizer.py).
#include "base/sha256.h"
#include "quant/tokenizer/nfc.h"
#include "tests/vectors.h"

static json_t *vectors;

static int group_open(void **state) {
    vectors = vectors_read("tokenizer.json");
    return 0;
}

static int group_close(void **state) {
    json_decref(vectors);
    return 0;
}

static size_t put_utf8(char *out, uint32_t code) {
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(leads[size] | code);
    return size;
}

static void every_code_point_matches(void **state) {
    static const char *const around[][2] = {
        {"", ""}, {"a\xCC\x81", "\xCC\xA3"}, {"a", "\xCC\xA8\xCC\x80\xE3\x82\x99"}};
    assay_sha256 sha;
    assay_hash hash;
    assay_sha256_init(&sha);
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xD800 && code < 0xE000) continue;
        for (int i = 0; i < 3; i++) {
            char text[32], *out;
            size_t size = strlen(around[i][0]), out_size;
            memcpy(text, around[i][0], size);
            size += put_utf8(text + size, code);
            memcpy(text + size, around[i][1], strlen(around[i][1]));
            size += strlen(around[i][1]);
            assert_int_equal(assay_nfc(&out, &out_size, text, size, NULL), ASSAY_OK);
            assay_sha256_update(&sha, out, out_size);
            assay_sha256_update(&sha, "", 1);
            free(out);
        }
    }
    assay_sha256_final(&sha, &hash);
    vectors_expect_sha256(vectors, "nfc_sha256", &hash);
}

static void recorded_texts_match(void **state) {
    json_t *pair;
    size_t index, changed = 0;
    json_array_foreach(json_object_get(vectors, "nfc"), index, pair) {
        const char *from = json_string_value(json_array_get(pair, 0));
        const char *to = json_string_value(json_array_get(pair, 1));
        size_t size = strlen(from) / 2, out_size;
        char *text = malloc(size), *out, hex[512];
        assert_int_equal(assay_hex_decode((uint8_t *)text, size, from, NULL), ASSAY_OK);
        assert_int_equal(assay_nfc(&out, &out_size, text, size, NULL), ASSAY_OK);
        assert_true(2 * out_size < sizeof hex);
        assay_hex_encode(hex, (uint8_t *)out, out_size);
        assert_string_equal(hex, to);
        changed += strcmp(from, to) != 0;
        free(text);
        free(out);
    }
    assert_true(index == 400 && changed > 100);
}

// Marks in falling order, all of which wait to be sorted.
static void many_marks_are_not_quadratic(void **state) {
    enum { MARKS = 1 << 19 };
    char *text = malloc(1 + 2 * MARKS), *out;
    size_t size;
    text[0] = 'q';
    for (size_t i = 0; i < MARKS; i++)
        memcpy(text + 1 + 2 * i, i < MARKS / 2 ? "\xCC\x81" : "\xCC\xA3", 2);
    assert_int_equal(assay_nfc(&out, &size, text, 1 + 2 * MARKS, NULL), ASSAY_OK);
    assert_int_equal(size, 1 + 2 * MARKS);
    assert_memory_equal(out + 1, "\xCC\xA3", 2);
    assert_memory_equal(out + size - 2, "\xCC\x81", 2);
    free(out);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_matches),
        cmocka_unit_test(recorded_texts_match),
        cmocka_unit_test(many_marks_are_not_quadratic),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
