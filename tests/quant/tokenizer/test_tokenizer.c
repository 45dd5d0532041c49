// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE (F-8) against Hugging Face's tokenizers (tests/oracles/tokenizer.py) and against
// tests/vectors/exact.json; hostile tokenizer.json files.
#include "base/file.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "quant/tokenizer/split.h"
#include "quant/tokenizer/tokenizer.h"
#include "tests/quant/largest.h"
#include "tests/vectors.h"

static json_t *demo_json, *vectors;
static assay_tokenizer *demo;

static assay_tokenizer *tokenizer_of(json_t *json, uint32_t vocab_size) {
    char *text = json_dumps(json, JSON_COMPACT);
    assay_tokenizer *out;
    assay_error err = {0};
    if (assay_tokenizer_open(&out, (uint8_t *)text, strlen(text), vocab_size, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    free(text);
    return out;
}

static int group_open(void **state) {
    assay_error err = {0};
    if (assay_json_read_many(&demo_json, ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json", 1 << 20,
                             SIZE_MAX, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    vectors = vectors_read("tokenizer.json");
    demo = tokenizer_of(demo_json, 2048);
    return 0;
}

static int group_close(void **state) {
    assay_tokenizer_close(demo);
    json_decref(demo_json);
    json_decref(vectors);
    return 0;
}

static void expect_ids(const assay_tokenizer *tokenizer, const char *text, size_t size,
                       const json_t *expected, const char *what) {
    uint32_t *ids;
    size_t count;
    assay_error err = {0};
    if (assay_tokenizer_encode(tokenizer, &ids, &count, text, size, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    bool same = count == json_array_size(expected);
    for (size_t i = 0; same && i < count; i++)
        same = ids[i] == json_integer_value(json_array_get(expected, i));
    if (!same) fail_msg("%s: other ids for \"%.*s\"", what, (int)size, text);
    free(ids);
}

static void exact_vectors_match(void **state) {
    json_t *exact = vectors_read("exact.json"), *item;
    size_t index;
    json_array_foreach(vectors_at(exact, "tokenizer"), index, item) {
        const char *text = json_string_value(json_object_get(item, "text"));
        expect_ids(demo, text, strlen(text), json_object_get(item, "ids"), "exact");
    }
    assert_true(index > 5);
    json_decref(exact);
}

static void texts_match(const char *variant, const char *texts, const assay_tokenizer *tokenizer) {
    json_t *list = json_object_get(vectors, texts), *item;
    json_t *expected = json_object_get(json_object_get(vectors, "variants"), variant);
    size_t index;
    assert_int_equal(json_array_size(list), json_array_size(expected));
    assert_true(json_array_size(list) > 30);
    json_array_foreach(list, index, item) {
        const char *hex = json_string_value(item);
        size_t size = strlen(hex) / 2;
        uint8_t *text = malloc(size + 1); // exactly sized for the sanitizer
        assert_int_equal(assay_hex_decode(text, size, hex, NULL), ASSAY_OK);
        expect_ids(tokenizer, (char *)text, size, json_array_get(expected, index), variant);
        free(text);
    }
}

static void recorded_texts_match(void **state) {
    texts_match("base", "texts", demo);
}

// The same vocabulary read another way: pieces that are tokens, another split, more added tokens.
static void variants_match(void **state) {
    json_t *json = json_deep_copy(demo_json);
    json_t *model = json_object_get(json, "model"), *merges = json_object_get(model, "merges");
    json_object_set_new(model, "ignore_merges", json_true());
    while (json_array_size(merges) > 1000) // so that some tokens are not merges of others
        json_array_remove(merges, json_array_size(merges) - 1);
    assay_tokenizer *tokenizer = tokenizer_of(json, 2048);
    texts_match("ignore_merges", "texts", tokenizer);
    assay_tokenizer_close(tokenizer);
    json_decref(json);

    json = json_deep_copy(demo_json);
    json_object_set(json, "pre_tokenizer", json_object_get(vectors, "llama3_pre_tokenizer"));
    tokenizer = tokenizer_of(json, 2048);
    texts_match("llama3", "texts", tokenizer);
    assay_tokenizer_close(tokenizer);
    json_decref(json);

    json = json_deep_copy(demo_json);
    json_object_set(json, "pre_tokenizer", json_object_get(vectors, "qwen2_pre_tokenizer"));
    json_object_set_new(json, "normalizer", json_loads("{\"type\":\"NFC\"}", 0, NULL));
    tokenizer = tokenizer_of(json, 2048);
    texts_match("qwen2", "texts", tokenizer);
    assay_tokenizer_close(tokenizer);
    json_decref(json);

    json = json_deep_copy(demo_json);
    json_object_set(json, "added_tokens", json_object_get(vectors, "normalized_tokens"));
    json_object_set_new(json, "normalizer", json_loads("{\"type\":\"NFC\"}", 0, NULL));
    tokenizer = tokenizer_of(json, 2051);
    texts_match("normalized", "added_texts", tokenizer);
    assay_tokenizer_close(tokenizer);
    json_decref(json);

    json = json_deep_copy(demo_json);
    json_object_set(json, "added_tokens", json_object_get(vectors, "added_tokens"));
    tokenizer = tokenizer_of(json, 2053);
    texts_match("added", "added_texts", tokenizer);
    assay_tokenizer_close(tokenizer);
    json_decref(json);
}

static void data_sets_match(void **state) {
    const char *name;
    json_t *expected;
    json_object_foreach(json_object_get(vectors, "files"), name, expected) {
        char path[512];
        uint8_t *text, *back;
        uint32_t *ids;
        size_t size, count, back_size;
        assay_hash hash;
        assay_error err = {0};
        snprintf(path, sizeof path, "%s/testnet/data/%s.txt", ASSAY_SOURCE_DIR, name);
        assert_int_equal(assay_file_read(path, 1 << 24, &text, &size, &err), ASSAY_OK);
        assert_int_equal(assay_tokenizer_encode(demo, &ids, &count, (char *)text, size, &err),
                         ASSAY_OK);
        assert_int_equal(count, json_integer_value(json_object_get(expected, "count")));
        assay_sha256_of(&hash, ids, count * sizeof *ids);
        vectors_expect_sha256(expected, "sha256", &hash);
        assert_int_equal(assay_tokenizer_decode(demo, &back, &back_size, ids, count, &err),
                         ASSAY_OK);
        assert_int_equal(back_size, size);
        assert_memory_equal(back, text, size);
        free(back);
        free(ids);
        free(text);
    }
}

static size_t put_utf8(char *out, uint32_t code) {
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(leads[size] | code);
    return size;
}

// Every code point stands in the class that Hugging Face's split puts it in.
static void classes_match(void **state) {
    assay_split *split;
    assay_split_run *run;
    assay_error err = {0};
    assay_sha256 sha;
    assay_hash hash;
    assert_int_equal(assay_split_open(&split, ASSAY_SPLIT_GPT2, &err), ASSAY_OK);
    assert_int_equal(assay_split_run_open(&run, split, &err), ASSAY_OK);
    assay_sha256_init(&sha);
    for (uint32_t code = 0; code < 0x110000; code++) {
        char text[8], class = 'S';
        if (code >= 0xD800 && code < 0xE000) continue;
        size_t size = 1 + put_utf8(text + 1, code);
        for (int i = 0; class == 'S' && i < 3; i++) {
            size_t end;
            text[0] = "a1!"[i];
            assert_int_equal(assay_split_next(run, &end, text, size, 0, &err), ASSAY_OK);
            if (end == size) class = "LNO"[i];
        }
        assay_sha256_update(&sha, &class, 1);
    }
    assay_sha256_final(&sha, &hash);
    vectors_expect_sha256(vectors, "classes_sha256", &hash);
    assay_split_run_close(run);
    assay_split_close(split);
}

static void decoding_matches(void **state) {
    json_t *item;
    size_t index;
    json_array_foreach(json_object_get(vectors, "decode"), index, item) {
        json_t *list = json_object_get(item, "ids");
        uint32_t ids[64];
        size_t count = json_array_size(list), size;
        char *text;
        assay_error err = {0};
        assert_true(count <= 64);
        for (size_t i = 0; i < count; i++)
            ids[i] = (uint32_t)json_integer_value(json_array_get(list, i));
        assert_int_equal(assay_tokenizer_text(demo, &text, &size, ids, count, &err), ASSAY_OK);
        assert_string_equal(text, json_string_value(json_object_get(item, "text")));
        assert_int_equal(size, strlen(text));
        free(text);
    }
    uint32_t beyond = 2048;
    char *text;
    size_t size;
    assert_int_equal(assay_tokenizer_text(demo, &text, &size, &beyond, 1, NULL), ASSAY_RANGE);
    // Ids of the model without a token have no text.
    assay_tokenizer *wide = tokenizer_of(demo_json, 2100);
    assert_int_equal(assay_tokenizer_text(wide, &text, &size, &beyond, 1, NULL), ASSAY_OK);
    assert_int_equal(size, 0);
    free(text);
    assay_tokenizer_close(wide);
}

// Whole and byte by byte, as a stream delivers it.
static void ill_formed_text_is_repaired(void **state) {
    json_t *item;
    size_t index;
    json_array_foreach(json_object_get(vectors, "repair"), index, item) {
        const char *expected = json_string_value(json_object_get(item, "text"));
        size_t size, used, written = 0, at = 0;
        uint8_t *data = vectors_bytes(item, "hex", &size);
        char out[64];
        out[assay_utf8_repair(out, data, size, true, &used)] = 0;
        assert_int_equal(used, size);
        assert_string_equal(out, expected);
        for (size_t end = 1; end <= size; end++) {
            written += assay_utf8_repair(out + written, data + at, end - at, end == size, &used);
            at += used;
        }
        out[written] = 0;
        assert_string_equal(out, expected);
        free(data);
    }
}

static void text_must_be_utf8(void **state) {
    static const char *const bad[] = {"\x80", "a\xC3", "a\xED\xA0\x80", "\xC0\x80",
                                      "\xF4\x90\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t *ids;
        size_t count;
        assay_error err = {0};
        assert_int_equal(assay_tokenizer_encode(demo, &ids, &count, bad[i], strlen(bad[i]), &err),
                         ASSAY_FORMAT);
        assert_null(ids);
    }
}

// Work grows with the text and little more, whatever its form.
static void long_words_are_not_quadratic(void **state) {
    enum { SIZE = 1 << 20 };
    static const char *const patterns[] = {"a", " ", "ab", "the", "\n ", "!", "\xe4\xbd\xa0"};
    char *text = malloc(SIZE);
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        size_t period = strlen(patterns[p]), size = SIZE / period * period, count, back_size;
        uint32_t *ids;
        uint8_t *back;
        for (size_t i = 0; i < size; i++)
            text[i] = patterns[p][i % period];
        assert_int_equal(assay_tokenizer_encode(demo, &ids, &count, text, size, NULL), ASSAY_OK);
        assert_int_equal(assay_tokenizer_decode(demo, &back, &back_size, ids, count, NULL),
                         ASSAY_OK);
        assert_int_equal(back_size, size);
        assert_memory_equal(back, text, size);
        free(ids);
        free(back);
    }
    free(text);
}

static void words_are_bounded(void **state) {
    size_t size = (4 << 20) + 1, count;
    char *text = malloc(size);
    uint32_t *ids;
    memset(text, 'a', size);
    assert_int_equal(assay_tokenizer_encode(demo, &ids, &count, text, size, NULL), ASSAY_CAPACITY);
    assert_null(ids);
    free(text);
}

// ---- refused files --------------------------------------------------------------------------

// Sets the member at a path such as "model.merges.0" (removes it for NULL) in a copy of the demo's
// file, and expects a status.
static void change_expect(const char *path, const char *value, assay_status expected) {
    json_t *json = json_deep_copy(demo_json), *at = json;
    char part[128];
    const char *rest = path;
    for (;;) {
        size_t size = strcspn(rest, "/");
        snprintf(part, sizeof part, "%.*s", (int)size, rest);
        if (!rest[size]) break;
        at = json_is_array(at) ? json_array_get(at, (size_t)strtoul(part, NULL, 10))
                               : json_object_get(at, part);
        assert_non_null(at);
        rest += size + 1;
    }
    json_t *new = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    if (json_is_array(at))
        json_array_set_new(at, (size_t)strtoul(part, NULL, 10), new);
    else if (new)
        json_object_set_new(at, part, new);
    else
        json_object_del(at, part);
    char *text = json_dumps(json, JSON_COMPACT);
    assay_tokenizer *out;
    assay_error err = {0};
    largest_begin();
    assay_status status = assay_tokenizer_open(&out, (uint8_t *)text, strlen(text), 2048, &err);
    largest_end(strlen(text) + 2048); // tables have a place for each of the model's ids
    if (status != expected)
        fail_msg("%s = %s: %s (%s), expected %s", path, value ? value : "(none)",
                 assay_status_name(status), err.text, assay_status_name(expected));
    assert_true((status == ASSAY_OK) == (out != NULL));
    assay_tokenizer_close(out);
    free(text);
    json_decref(json);
}

static void features_are_refused_by_name(void **state) {
    change_expect("version", "\"2.0\"", ASSAY_UNSUPPORTED);
    change_expect("version", NULL, ASSAY_MISSING);
    change_expect("surprise", "1", ASSAY_UNKNOWN);
    change_expect("truncation", "{\"max_length\":4}", ASSAY_UNSUPPORTED);
    change_expect("padding", "{}", ASSAY_UNSUPPORTED);
    change_expect("normalizer", "{\"type\":\"NFC\"}", ASSAY_OK);
    change_expect("normalizer", "{\"type\":\"NFKC\"}", ASSAY_UNSUPPORTED);
    change_expect("post_processor", "{\"type\":\"TemplateProcessing\"}", ASSAY_OK);
    change_expect("decoder", "null", ASSAY_FORMAT);
    change_expect("decoder/type", "\"Metaspace\"", ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer", "null", ASSAY_FORMAT);
    change_expect("pre_tokenizer/type", "\"Whitespace\"", ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer/add_prefix_space", "true", ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer/add_prefix_space", NULL, ASSAY_UNSUPPORTED); // its default
    change_expect("pre_tokenizer/use_regex", "false", ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer/use_regex", "1", ASSAY_FORMAT);
    change_expect("pre_tokenizer/surprise", "1", ASSAY_UNKNOWN);
    change_expect("model/type", "\"WordPiece\"", ASSAY_UNSUPPORTED);
    change_expect("model/surprise", "1", ASSAY_UNKNOWN);
    change_expect("model/dropout", "0.1", ASSAY_UNSUPPORTED);
    change_expect("model/continuing_subword_prefix", "\"##\"", ASSAY_UNSUPPORTED);
    change_expect("model/end_of_word_suffix", "\"</w>\"", ASSAY_UNSUPPORTED);
    change_expect("model/byte_fallback", "true", ASSAY_UNSUPPORTED);
    change_expect("model/unk_token", "\"<|endoftext|>\"", ASSAY_OK);
}

// No pattern of a stranger's is ever run.
static void splits_are_a_closed_list(void **state) {
#define SPLIT(regex, behavior, invert)                                                             \
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"        \
    "\"" regex "\"},\"behavior\":\"" behavior "\",\"invert\":" invert "},{\"type\":\"ByteLevel\"," \
    "\"add_prefix_space\":false,\"use_regex\":false}]}"
#define GPT2                                                                                       \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| "                                            \
    "?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)|\\\\s+"
    change_expect("pre_tokenizer", SPLIT(GPT2, "Isolated", "false"), ASSAY_OK);
    change_expect("pre_tokenizer", SPLIT("(a+)+$", "Isolated", "false"), ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer", SPLIT("(", "Isolated", "false"), ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer", SPLIT(GPT2, "Removed", "false"), ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer", SPLIT(GPT2, "Isolated", "true"), ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[]}",
                  ASSAY_UNSUPPORTED);
    change_expect("pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[1,2]}", ASSAY_FORMAT);
}

static void vocabularies_are_checked(void **state) {
    change_expect("model/vocab", "[]", ASSAY_FORMAT);
    change_expect("model/vocab", "{}", ASSAY_MISSING);
    change_expect("model/vocab/rp", "2048", ASSAY_RANGE);
    change_expect("model/vocab/rp", "-1", ASSAY_RANGE);
    change_expect("model/vocab/rp", "4294967296", ASSAY_RANGE);
    change_expect("model/vocab/rp", "1.0", ASSAY_RANGE);
    change_expect("model/vocab/rp", "\"7\"", ASSAY_RANGE);
    change_expect("model/vocab/rp", "2046", ASSAY_DUPLICATE);   // two tokens, one id
    change_expect("model/vocab/rp", NULL, ASSAY_MISSING);       // a merge makes it
    change_expect("model/vocab/\xC4\x80", NULL, ASSAY_MISSING); // the zero byte
    change_expect("model/vocab/two words", "2047", ASSAY_FORMAT);
    change_expect("model/vocab/\xE4\xBD\xA0", "2047", ASSAY_FORMAT);
    change_expect("model/vocab/\xC6\x80", "2047", ASSAY_FORMAT); // past the alphabet
    change_expect("model/vocab/", "2047", ASSAY_RANGE);          // empty
}

static void merges_are_checked(void **state) {
    change_expect("model/merges", "7", ASSAY_FORMAT);
    change_expect("model/merges/0", "7", ASSAY_FORMAT);
    change_expect("model/merges/0", "\"ab\"", ASSAY_FORMAT);
    change_expect("model/merges/0", "\"a b c\"", ASSAY_MISSING);
    change_expect("model/merges/0", "\"a \"", ASSAY_MISSING);
    change_expect("model/merges/0", "\" a\"", ASSAY_MISSING);
    change_expect("model/merges/0", "\"q zz\"", ASSAY_MISSING);
    change_expect("model/merges/0", "\"q z\"", ASSAY_MISSING);   // makes no token
    change_expect("model/merges/0", "\"h e\"", ASSAY_DUPLICATE); // is there already
    change_expect("model/merges/0", "[\"\xC4\xA0\",\"t\"]", ASSAY_OK);
    change_expect("model/merges/0", "[\"a\"]", ASSAY_FORMAT);
    change_expect("model/merges/0", "[\"a\",1]", ASSAY_FORMAT);
}

static void added_tokens_are_checked(void **state) {
    change_expect("added_tokens", "7", ASSAY_FORMAT);
    change_expect("added_tokens/0", "7", ASSAY_FORMAT);
    change_expect("added_tokens/0/id", "2048", ASSAY_RANGE);
    change_expect("added_tokens/0/id", "7", ASSAY_MISMATCH);
    change_expect("added_tokens/0/content", "\"\"", ASSAY_RANGE);
    change_expect("added_tokens/0/content", "\"<new>\"", ASSAY_MISMATCH); // 2048 is next
    change_expect("added_tokens/0/lstrip", "true", ASSAY_UNSUPPORTED);
    change_expect("added_tokens/0/rstrip", "true", ASSAY_UNSUPPORTED);
    change_expect("added_tokens/0/single_word", "true", ASSAY_UNSUPPORTED);
    change_expect("added_tokens/0/normalized", "true", ASSAY_OK);
    change_expect("added_tokens/0/surprise", "1", ASSAY_UNKNOWN);
    change_expect("added_tokens",
                  "[{\"id\":0,\"content\":\"x\",\"special\":true},"
                  "{\"id\":1,\"content\":\"x\",\"special\":true}]",
                  ASSAY_DUPLICATE);
}

// Opens the demo with one added token more, of `size` spaces. Returns: what opening said.
static assay_status spaces_open(size_t size, assay_error *err) {
    char *content = malloc(size + 1);
    memset(content, ' ', size);
    content[size] = 0;
    json_t *json = json_deep_copy(demo_json);
    json_array_append_new(json_object_get(json, "added_tokens"),
                          json_pack("{s:i,s:s}", "id", 2048, "content", content));
    char *text = json_dumps(json, JSON_COMPACT);
    assay_tokenizer *out;
    assay_status status =
        assay_tokenizer_open(&out, (const uint8_t *)text, strlen(text), 2049, err);
    assay_tokenizer_close(out);
    free(text);
    json_decref(json);
    free(content);
    return status;
}

// F-8: in a text of spaces every place is compared with all of it.
static void added_tokens_are_short(void **state) {
    assay_error err = {0};
    assert_int_equal(spaces_open(256, &err), ASSAY_OK);
    assert_int_equal(spaces_open(257, &err), ASSAY_CAPACITY);
    assert_string_equal(err.text, "content has 257 bytes, limit 256");
}

// The demo with its first `count` tokens and the merges that make them, and "<past>" at that id
// unless it is 0.
static json_t *demo_cut(uint32_t count, uint32_t past) {
    json_t *json = json_deep_copy(demo_json), *model = json_object_get(json, "model"), *id;
    json_t *vocab = json_object_get(model, "vocab"), *merges = json_object_get(model, "merges");
    const char *text;
    void *next;
    json_object_foreach_safe(vocab, next, text, id) if (json_integer_value(id) >= count)
        json_object_del(vocab, text);
    while (json_array_size(merges) > count - 257) // a token each, behind one special and 256 bytes
        json_array_remove(merges, json_array_size(merges) - 1);
    if (past) json_object_set_new(vocab, "<past>", json_integer(past));
    return json;
}

// The demo's first 2,038 tokens, and a vocabulary with a token past its count: tokenizers 0.21.1
// encodes the added tokens as `given`, whatever ids are stated.
static void added_tokens_follow_the_vocabulary(void **state) {
    static const struct {
        uint32_t past; // id of "<past>" in the vocabulary; 0: it has none
        struct {
            const char *content;
            uint32_t stated, given;
        } added[3];
    } cases[] = {
        {0, {{"<|im_start|>", 2038, 2038}, {"<|im_end|>", 2039, 2039}}},
        {0, {{"<|im_start|>", 2040, 2038}, {"<|im_end|>", 2045, 2039}}},
        {0, {{"<|im_start|>", 2038, 2038}, {"<|im_end|>", 2045, 2039}}},
        {0, {{"<|im_end|>", 2039, 2038}, {"<|im_start|>", 2038, 2039}}},
        {2046, {{"<a>", 2039, 2039}, {"<past>", 2046, 2046}, {"<b>", 2047, 2047}}},
        {2046, {{"<past>", 2046, 2046}, {"<a>", 2047, 2047}}},
        {2046, {{"<a>", 2039, 2039}, {"<past>", 2046, 2046}, {"<b>", 2040, 2047}}},
    };
    for (size_t i = 0; i < ASSAY_COUNT(cases); i++) {
        json_t *json = demo_cut(2038, cases[i].past), *list = json_object_get(json, "added_tokens");
        char wanted[128] = "";
        for (int a = 0; a < 3 && cases[i].added[a].content; a++) {
            uint32_t stated = cases[i].added[a].stated, given = cases[i].added[a].given;
            const char *content = cases[i].added[a].content;
            json_array_append_new(list, json_pack("{s:i,s:s,s:b,s:b}", "id", (int)stated, "content",
                                                  content, "special", 1, "normalized", 0));
            if (stated != given && !*wanted)
                snprintf(wanted, sizeof wanted, "added token \"%s\" is %u, the library makes it %u",
                         content, stated, given);
        }
        assay_tokenizer *out;
        assay_error err = {0};
        char *text = json_dumps(json, JSON_COMPACT);
        assay_status status =
            assay_tokenizer_open(&out, (const uint8_t *)text, strlen(text), 2048, &err);
        assert_int_equal(status, *wanted ? ASSAY_MISMATCH : ASSAY_OK);
        if (*wanted) assert_string_equal(err.text, wanted);
        for (int a = 0; !*wanted && a < 3 && cases[i].added[a].content; a++)
            assert_int_equal(assay_tokenizer_added(out, cases[i].added[a].content),
                             cases[i].added[a].given);
        assay_tokenizer_close(out);
        free(text);
        json_decref(json);
    }
}

static void text_that_is_no_tokenizer(void **state) {
    assay_tokenizer *out;
    char *deep = calloc(1, 10001);
    memset(deep, '[', 10000);
    assert_int_equal(assay_tokenizer_open(&out, (uint8_t *)deep, 10000, 8, NULL), ASSAY_DEPTH);
    free(deep);
    assert_int_equal(assay_tokenizer_open(&out, (const uint8_t *)"", 0, 8, NULL), ASSAY_FORMAT);
    assert_int_equal(assay_tokenizer_open(&out, (const uint8_t *)"[]", 2, 8, NULL), ASSAY_FORMAT);
    assert_int_equal(assay_tokenizer_open(&out, (const uint8_t *)"{}", 2, 8, NULL), ASSAY_MISSING);
    assert_int_equal(assay_tokenizer_open(&out, (const uint8_t *)"{}", 2, 0, NULL), ASSAY_RANGE);
    assert_int_equal(assay_tokenizer_open(&out, (const uint8_t *)"{\"a\":1,\"a\":1}", 13, 8, NULL),
                     ASSAY_DUPLICATE);
    assert_null(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_vectors_match),
        cmocka_unit_test(recorded_texts_match),
        cmocka_unit_test(variants_match),
        cmocka_unit_test(data_sets_match),
        cmocka_unit_test(classes_match),
        cmocka_unit_test(decoding_matches),
        cmocka_unit_test(ill_formed_text_is_repaired),
        cmocka_unit_test(text_must_be_utf8),
        cmocka_unit_test(long_words_are_not_quadratic),
        cmocka_unit_test(words_are_bounded),
        cmocka_unit_test(features_are_refused_by_name),
        cmocka_unit_test(splits_are_a_closed_list),
        cmocka_unit_test(vocabularies_are_checked),
        cmocka_unit_test(merges_are_checked),
        cmocka_unit_test(added_tokens_are_checked),
        cmocka_unit_test(added_tokens_are_short),
        cmocka_unit_test(added_tokens_follow_the_vocabulary),
        cmocka_unit_test(text_that_is_no_tokenizer),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
