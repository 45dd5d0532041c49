// SPDX-License-Identifier: Apache-2.0
// SentencePiece's BPE with byte fallback (F-30) against Hugging Face's tokenizers
// (tests/oracles/tokenizer_spm.py), and hostile files of that kind.
#include "base/file.h"
#include "base/sha256.h"
#include "quant/tokenizer/tokenizer.h"
#include "tests/vectors.h"

enum { VOCAB = 1100 };

static json_t *vectors, *base_json;
static assay_tokenizer *base;

static assay_status json_open(assay_tokenizer **out, const json_t *json, assay_error *err) {
    char *text = json_dumps(json, JSON_COMPACT);
    assay_status status = assay_tokenizer_open(out, (uint8_t *)text, strlen(text), VOCAB, err);
    free(text);
    return status;
}

static assay_tokenizer *tokenizer_of(const json_t *json) {
    assay_tokenizer *out;
    assay_error err = {0};
    if (json_open(&out, json, &err) != ASSAY_OK) fail_msg("%s", err.text);
    return out;
}

static int group_open(void **state) {
    vectors = vectors_read("tokenizer_spm.json");
    base_json = json_object_get(vectors, "tokenizer");
    base = tokenizer_of(base_json);
    return 0;
}

static int group_close(void **state) {
    assay_tokenizer_close(base);
    json_decref(vectors);
    return 0;
}

// As changed() of the script.
static json_t *changed(json_t *change) {
    json_t *out = json_deep_copy(base_json), *value, *entry;
    json_t *model = json_object_get(out, "model");
    const char *name;
    size_t index;
    json_object_foreach(change, name, value) {
        if (strcmp(name, "model") == 0)
            json_object_update(model, value);
        else if (strcmp(name, "vocab") == 0)
            json_object_update(json_object_get(model, "vocab"), value);
        else if (strcmp(name, "merges_first") != 0)
            json_object_set(out, name, value);
        else
            json_array_foreach(value, index, entry)
                json_array_insert(json_object_get(model, "merges"), index, entry);
    }
    return out;
}

static uint8_t *text_at(size_t index, size_t *size) {
    const char *hex = json_string_value(json_array_get(json_object_get(vectors, "texts"), index));
    *size = strlen(hex) / 2;
    uint8_t *text = malloc(*size + 1); // exactly sized for the sanitizer
    assert_int_equal(assay_hex_decode(text, *size, hex, NULL), ASSAY_OK);
    return text;
}

static void expect_ids(const assay_tokenizer *tokenizer, const uint8_t *text, size_t size,
                       const json_t *expected, const char *what) {
    uint32_t *ids;
    size_t count;
    assay_error err = {0};
    if (assay_tokenizer_encode(tokenizer, &ids, &count, (const char *)text, size, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    bool same = count == json_array_size(expected);
    for (size_t i = 0; same && i < count; i++)
        same = ids[i] == json_integer_value(json_array_get(expected, i));
    if (!same) fail_msg("%s: other ids for \"%.*s\"", what, (int)size, text);
    free(ids);
}

static void variants_match(void **state) {
    json_t *variant, *ids;
    const char *name;
    size_t index, seen = 0;
    json_object_foreach(json_object_get(vectors, "variants"), name, variant) {
        json_t *json = changed(json_object_get(variant, "change"));
        assay_tokenizer *tokenizer = tokenizer_of(json);
        json_array_foreach(json_object_get(variant, "ids"), index, ids) {
            size_t size;
            uint8_t *text = text_at(index, &size);
            expect_ids(tokenizer, text, size, ids, name);
            free(text);
        }
        assert_true(index > 100);
        seen++;
        assay_tokenizer_close(tokenizer);
        json_decref(json);
    }
    assert_int_equal(seen, 9);
}

static void data_sets_match(void **state) {
    const char *name;
    json_t *expected;
    json_object_foreach(json_object_get(vectors, "files"), name, expected) {
        char path[512];
        uint8_t *text;
        uint32_t *ids;
        size_t size, count;
        assay_hash hash;
        snprintf(path, sizeof path, "%s/testnet/data/%s.txt", ASSAY_SOURCE_DIR, name);
        assert_int_equal(assay_file_read(path, 1 << 24, &text, &size, NULL), ASSAY_OK);
        assert_int_equal(assay_tokenizer_encode(base, &ids, &count, (char *)text, size, NULL),
                         ASSAY_OK);
        assert_int_equal(count, json_integer_value(json_object_get(expected, "count")));
        assay_sha256_of(&hash, ids, count * sizeof *ids);
        vectors_expect_sha256(expected, "sha256", &hash);
        free(ids);
        free(text);
    }
}

// Where the library's text has no U+FFFD, which it puts for each byte and we for each part.
static void decoding_matches(void **state) {
    json_t *list =
        json_object_get(json_object_get(json_object_get(vectors, "variants"), "legacy"), "ids");
    json_t *item;
    size_t index, compared = 0;
    assert_true(assay_tokenizer_space_dropped(base));
    json_array_foreach(json_object_get(vectors, "decoded"), index, item) {
        json_t *ids_json = json_array_get(list, index);
        size_t expected_size = json_string_length(item) / 2;
        char *expected = calloc(1, expected_size + 1);
        assert_int_equal(
            assay_hex_decode((uint8_t *)expected, expected_size, json_string_value(item), NULL),
            ASSAY_OK);
        size_t count = json_array_size(ids_json), size;
        uint32_t *ids = malloc((count + 1) * sizeof *ids);
        uint8_t *bytes;
        for (size_t i = 0; i < count; i++)
            ids[i] = (uint32_t)json_integer_value(json_array_get(ids_json, i));
        assert_int_equal(assay_tokenizer_decode(base, &bytes, &size, ids, count, NULL), ASSAY_OK);
        size_t dropped = size && bytes[0] == ' ';
        if (!memmem(expected, expected_size, "\xEF\xBF\xBD", 3)) {
            assert_int_equal(size - dropped, expected_size);
            assert_memory_equal(bytes + dropped, expected, size - dropped);
            compared++;
        }
        free(bytes);
        free(expected);
        free(ids);
    }
    assert_true(compared > 60);
}

// F-32: added tokens are spelled, and no merge makes one even where the file has it.
static void plain_text_makes_no_special_id(void **state) {
    static const char *const texts[] = {"<s>", "</s>", "a<s>b</s>", "<unk>", " <s> <|user|>"};
    json_t *json = json_deep_copy(base_json), *model = json_object_get(json, "model");
    json_t *merges = json_object_get(model, "merges"), *vocab = json_object_get(model, "vocab");
    json_object_set_new(vocab, "<s", json_integer(1000));
    json_object_set_new(vocab, "<", json_integer(1001));
    json_object_set_new(vocab, ">", json_integer(1002));
    json_array_insert_new(merges, 0, json_loads("[\"<\",\"s\"]", 0, NULL));
    json_array_insert_new(merges, 1, json_loads("[\"<s\",\">\"]", 0, NULL));
    assay_tokenizer *tokenizer = tokenizer_of(json);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        uint32_t *ids;
        uint8_t *back;
        size_t count, size;
        assert_int_equal(assay_tokenizer_encode_plain(tokenizer, &ids, &count, texts[t],
                                                      strlen(texts[t]), true, NULL),
                         ASSAY_OK);
        for (size_t i = 0; i < count; i++)
            assert_true(ids[i] > 3);
        assert_int_equal(assay_tokenizer_decode(tokenizer, &back, &size, ids, count, NULL),
                         ASSAY_OK);
        assert_int_equal(size, strlen(texts[t]) + 1);
        assert_memory_equal(back + 1, texts[t], size - 1);
        free(back);
        free(ids);
    }
    assay_tokenizer_close(tokenizer);
    json_decref(json);
}

// A text is one piece only where it has no spaces.
static void long_texts_are_cut(void **state) {
    enum { SIZE = 9 << 20 };
    char *text = malloc(SIZE);
    uint32_t *ids;
    size_t count;
    for (size_t i = 0; i < SIZE; i++)
        text[i] = "the cat "[i % 8];
    assert_int_equal(assay_tokenizer_encode(base, &ids, &count, text, SIZE, NULL), ASSAY_OK);
    assert_true(count > SIZE / 8);
    free(ids);
    memset(text, 'a', SIZE);
    assert_int_equal(assay_tokenizer_encode(base, &ids, &count, text, SIZE, NULL), ASSAY_CAPACITY);
    assert_int_equal(assay_tokenizer_encode(base, &ids, &count, text, 1 << 20, NULL), ASSAY_OK);
    free(ids);
    free(text);
}

// ---- refused files --------------------------------------------------------------------------

static void expect(const json_t *json, const char *what, assay_status expected) {
    assay_tokenizer *out;
    assay_error err = {0};
    assay_status status = json_open(&out, json, &err);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(expected));
    assay_tokenizer_close(out);
}

// Sets a member of the file, or of its model or vocabulary, to a value (NULL removes it).
static void change_expect(const char *object, const char *name, const char *value,
                          assay_status expected) {
    json_t *json = json_deep_copy(base_json), *at = json, *model = json_object_get(json, "model");
    if (strcmp(object, "model") == 0) at = model;
    if (strcmp(object, "vocab") == 0) at = json_object_get(model, "vocab");
    if (value)
        json_object_set_new(at, name, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(at, name);
    expect(json, name, expected);
    json_decref(json);
}

#define MARK "\xE2\x96\x81"
#define METASPACE(scheme, split)                                                                   \
    "{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\",\"prepend_scheme\":\"" scheme            \
    "\",\"split\":" split "}"

static void steps_are_a_closed_list(void **state) {
    change_expect("", "normalizer", "null", ASSAY_UNSUPPORTED);
    change_expect("", "normalizer", "{\"type\":\"NFC\"}", ASSAY_UNSUPPORTED);
    change_expect("", "normalizer", "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}",
                  ASSAY_UNSUPPORTED);
    change_expect("", "pre_tokenizer", METASPACE("first", "false"), ASSAY_UNSUPPORTED);
    change_expect("", "decoder", "{\"type\":\"Sequence\",\"decoders\":[]}", ASSAY_UNSUPPORTED);
    change_expect("", "decoder", "{\"type\":\"ByteLevel\"}", ASSAY_UNSUPPORTED);
    change_expect("model", "byte_fallback", "false", ASSAY_UNSUPPORTED);
    change_expect("model", "byte_fallback", NULL, ASSAY_UNSUPPORTED);
    json_t *json = json_deep_copy(base_json);
    json_object_set_new(json, "normalizer", json_null());
    json_object_set_new(json, "pre_tokenizer", json_loads(METASPACE("first", "true"), 0, NULL));
    expect(json, "split", ASSAY_UNSUPPORTED);
    json_object_set_new(json, "pre_tokenizer",
                        json_loads(METASPACE("sometimes", "false"), 0, NULL));
    expect(json, "scheme", ASSAY_UNSUPPORTED);
    json_object_set_new(json, "pre_tokenizer", json_loads(METASPACE("first", "false"), 0, NULL));
    expect(json, "first", ASSAY_OK);
    json_decref(json);
}

static void bytes_are_checked(void **state) {
    change_expect("vocab", "<0x41>", NULL, ASSAY_MISSING);
    change_expect("vocab", "<0xFF>", NULL, ASSAY_MISSING);
    change_expect("vocab", "<0x-1>", "1000", ASSAY_FORMAT);
    change_expect("vocab", "<0x+1>", "1000", ASSAY_FORMAT);
    change_expect("vocab", "<0xff>", "1000", ASSAY_FORMAT);
    change_expect("vocab", "<0xG0>", "1000", ASSAY_FORMAT);
    change_expect("vocab", "<0x100>", "1000", ASSAY_OK); // text
    change_expect("vocab", "<0x41>", "1099", ASSAY_OK);
    change_expect("vocab", "<0x41>", "1100", ASSAY_RANGE);
}

#define ADDED(id, content, special)                                                                \
    "[{\"id\":" id ",\"content\":\"" content "\",\"single_word\":false,\"lstrip\":false,"          \
    "\"rstrip\":false,\"normalized\":false,\"special\":" special "}]"

static void merges_and_special_tokens_are_checked(void **state) {
    change_expect("model", "merges", "[[\"q\",\"zzz\"]]", ASSAY_MISSING);
    change_expect("model", "merges", "[[\"q\",\"q\"]]", ASSAY_MISSING); // makes no token
    change_expect("model", "merges", "[[\"h\",\"e\"],[\"h\",\"e\"]]", ASSAY_DUPLICATE);
    change_expect("model", "merges", "[[\"\",\"he\"]]", ASSAY_MISSING); // a cycle of one
    change_expect("model", "merges", "[[\"h\",\"e\"]]", ASSAY_OK);
    change_expect("vocab", "he", NULL, ASSAY_MISSING);
    change_expect("", "added_tokens", ADDED("1000", "a", "true"), ASSAY_MISMATCH);
    change_expect("", "added_tokens", ADDED("1000", "\xC3\xA6", "true"), ASSAY_UNSUPPORTED);
    change_expect("", "added_tokens", ADDED("1000", "\xC3\xA6", "false"), ASSAY_OK);
    change_expect("", "added_tokens", ADDED("68", "<0x40>", "true"), ASSAY_UNSUPPORTED);
    change_expect("", "added_tokens", ADDED("68", "<0x40>", "false"), ASSAY_OK);
}

// F-8: in text that is normalized first, U+4F60 has a mark before it and is not found as an added
// token; merging does not make it either. The ids are those of tokenizers 0.21.1.
static void merging_makes_no_token_outside_the_vocabulary(void **state) {
    json_t *json = json_deep_copy(base_json);
    json_array_append_new(json_object_get(json, "added_tokens"),
                          json_pack("{s:i,s:s,s:b,s:b}", "id", 1000, "content", "\xE4\xBD\xA0",
                                    "normalized", 1, "special", 0));
    assay_tokenizer *tokenizer = tokenizer_of(json);
    json_t *ids = json_pack("[i,i,i,i]", 262, 232, 193, 164);
    expect_ids(tokenizer, (const uint8_t *)"a\xE4\xBD\xA0", 4, ids, "outside");
    json_decref(ids);
    assay_tokenizer_close(tokenizer);
    json_decref(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_makes_no_token_outside_the_vocabulary),
        cmocka_unit_test(variants_match),
        cmocka_unit_test(data_sets_match),
        cmocka_unit_test(decoding_matches),
        cmocka_unit_test(plain_text_makes_no_special_id),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(steps_are_a_closed_list),
        cmocka_unit_test(bytes_are_checked),
        cmocka_unit_test(merges_and_special_tokens_are_checked),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
