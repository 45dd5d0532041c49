// SPDX-License-Identifier: Apache-2.0
// Tokenizers in GGUF files (F-35): the tokenizer.json that transformers' converter makes of the
// same SentencePiece model (tests/oracles/tokenizer_spm.py), the ids of byte-level ones, and what
// is refused. With ASSAY_LLAMACPP_VOCABS, as tests/oracles/llamacpp_vocabs sets it,
// the ids of llama.cpp's own test too.
#include "base/file.h"
#include "quant/tokenizer/gguf.h"
#include "quant/tokenizer/split.h"
#include "quant/tokenizer/tokenizer.h"
#include "quant/tokenizer/vocab.h"
#include "tests/quant/gguf_write.h"
#include "tests/quant/largest.h"
#include "tests/quant/peak.h"
#include "tests/skip.h"

enum { VOCAB = 2100 };

static json_t *spm, *texts, *demo;

static int group_open(void **state) {
    assay_error err = {0};
    spm = vectors_read("tokenizer_spm.json");
    texts = vectors_read("tokenizer.json");
    if (assay_json_read_many(&demo, ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json", 1 << 20,
                             SIZE_MAX, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    return 0;
}

static int group_close(void **state) {
    json_decref(spm);
    json_decref(texts);
    json_decref(demo);
    return 0;
}

// The tokens of a vocabulary by their ids; the caller frees the list.
static const char **tokens_of(const json_t *json, size_t *count) {
    json_t *vocab = json_object_get(json_object_get(json, "model"), "vocab"), *id;
    const char *text;
    *count = json_object_size(vocab);
    const char **out = calloc(*count, sizeof *out);
    json_object_foreach(vocab, text, id) out[json_integer_value(id)] = text;
    return out;
}

// A change to a file that is written: a token's text, type or score, or whole pairs.
typedef struct {
    const char *model, *pre; // "" leaves the pair out
    const char *text;        // of token `at`
    int64_t at;              // -1: none
    int32_t type;            // of it; 0: as it was
    float score;             // of it
    int32_t shorter;         // the array with an item less: 1 types, 2 scores, 3 tokens
    int prefix;              // add_space_prefix: 0 none, 1 false, 2 true, 3 a number
    const char *merge;       // one more
} change;

static const change none = {.at = -1};

static void spm_write(gguf_out *out, const change *c) {
    size_t count;
    const char **tokens = tokens_of(json_object_get(spm, "tokenizer"), &count);
    json_t *scores = json_object_get(spm, "scores"), *types = json_object_get(spm, "types");
    // SentencePiece's numbers of types are llama.cpp's.
    gguf_start(out);
    if (!c->model || *c->model)
        gguf_pair_text(out, "tokenizer.ggml.model", c->model ? c->model : "llama");
    if (c->prefix == 3) gguf_pair_u32(out, "tokenizer.ggml.add_space_prefix", 1);
    if (c->prefix == 1 || c->prefix == 2) {
        uint8_t flag = c->prefix == 2;
        gguf_key(out, "tokenizer.ggml.add_space_prefix", ASSAY_GGUF_TYPE_BOOL);
        gguf_put(out, &flag, 1);
    }
    gguf_array(out, "tokenizer.ggml.tokens", ASSAY_GGUF_TYPE_TEXT, count - (c->shorter == 3));
    for (size_t i = 0; i < count - (c->shorter == 3); i++)
        gguf_text(out, (int64_t)i == c->at && c->text ? c->text : tokens[i]);
    gguf_array(out, "tokenizer.ggml.token_type", ASSAY_GGUF_TYPE_I32, count - (c->shorter == 1));
    for (size_t i = 0; i < count - (c->shorter == 1); i++)
        gguf_u32(out, (int64_t)i == c->at && c->type
                          ? (uint32_t)c->type
                          : (uint32_t)json_integer_value(json_array_get(types, i)));
    gguf_array(out, "tokenizer.ggml.scores", ASSAY_GGUF_TYPE_F32, count - (c->shorter == 2));
    for (size_t i = 0; i < count - (c->shorter == 2); i++) {
        float score = (float)json_real_value(json_array_get(scores, i));
        if ((int64_t)i == c->at && c->score != 0) score = c->score;
        gguf_put(out, &score, sizeof score);
    }
    gguf_data(out, 32, 0);
    free(tokens);
}

// The demo's vocabulary with its last token a control token.
static void demo_write(gguf_out *out, const change *c) {
    size_t count, index;
    const char **tokens = tokens_of(demo, &count);
    json_t *merges = json_object_get(json_object_get(demo, "model"), "merges"), *merge;
    gguf_start(out);
    gguf_pair_text(out, "tokenizer.ggml.model", "gpt2");
    if (!c->pre || *c->pre)
        gguf_pair_text(out, "tokenizer.ggml.pre", c->pre ? c->pre : "llama-bpe");
    gguf_array(out, "tokenizer.ggml.tokens", ASSAY_GGUF_TYPE_TEXT, count + 1);
    for (size_t i = 0; i < count; i++)
        gguf_text(out, (int64_t)i == c->at && c->text ? c->text : tokens[i]);
    gguf_text(out, "[PAD2048]");
    gguf_array(out, "tokenizer.ggml.token_type", ASSAY_GGUF_TYPE_I32, count + 1);
    for (size_t i = 0; i < count; i++)
        gguf_u32(out, (int64_t)i == c->at && c->type ? (uint32_t)c->type : i ? 1 : 3);
    gguf_u32(out, 5);
    gguf_array(out, "tokenizer.ggml.merges", ASSAY_GGUF_TYPE_TEXT,
               json_array_size(merges) + !!c->merge);
    json_array_foreach(merges, index, merge) gguf_text(out, json_string_value(merge));
    if (c->merge) gguf_text(out, c->merge);
    gguf_data(out, 32, 0);
    free(tokens);
}

// What the import does: the text, and whether it can be read.
static assay_status convert(char **json, assay_tokenizer **tokenizer, const gguf_out *out,
                            uint32_t vocab_size, assay_error *err) {
    assay_gguf file;
    size_t size;
    *tokenizer = NULL;
    *json = NULL;
    ASSAY_TRY(assay_gguf_bind(&file, out->data, out->size, err));
    assay_status status = assay_tokenizer_gguf(json, &size, &file, vocab_size, err);
    if (status == ASSAY_OK)
        status = assay_tokenizer_open(tokenizer, (uint8_t *)*json, size, vocab_size, err);
    assay_gguf_close(&file);
    return status;
}

static assay_tokenizer *tokenizer_of(gguf_out *out, json_t **json, uint32_t vocab_size) {
    assay_tokenizer *tokenizer;
    char *text;
    assay_error err = {0};
    if (convert(&text, &tokenizer, out, vocab_size, &err) != ASSAY_OK) fail_msg("%s", err.text);
    if (json) *json = json_loads(text, 0, NULL);
    free(text);
    free(out->data);
    return tokenizer;
}

static void sentencepiece_is_converted_alike(void **state) {
    json_t *base = json_object_get(spm, "tokenizer"), *json;
    gguf_out out;
    spm_write(&out, &none);
    assay_tokenizer *tokenizer = tokenizer_of(&out, &json, 1000);
    json_object_set_new(base, "post_processor", json_null()); // adds ids, which the file tells else
    assert_true(json_equal(json, base));
    assay_tokenizer_close(tokenizer);
    json_decref(json);

    change c = {.at = -1, .prefix = 1};
    spm_write(&out, &c);
    tokenizer = tokenizer_of(&out, &json, 1000);
    assert_false(assay_tokenizer_space_dropped(tokenizer));
    assert_false(json_equal(json, base));
    assay_tokenizer_close(tokenizer);
    json_decref(json);
    c.prefix = 2;
    spm_write(&out, &c);
    tokenizer = tokenizer_of(&out, &json, 1000);
    assert_true(json_equal(json, base));
    assay_tokenizer_close(tokenizer);
    json_decref(json);
}

static void ids_match(const assay_tokenizer *tokenizer, const char *variant) {
    json_t *expected = json_object_get(json_object_get(texts, "variants"), variant), *item;
    size_t index;
    json_array_foreach(json_object_get(texts, "texts"), index, item) {
        const char *hex = json_string_value(item);
        size_t size = strlen(hex) / 2, count;
        uint8_t *text = malloc(size + 1);
        uint32_t *ids;
        json_t *list = json_array_get(expected, index);
        assert_int_equal(assay_hex_decode(text, size, hex, NULL), ASSAY_OK);
        assert_int_equal(assay_tokenizer_encode(tokenizer, &ids, &count, (char *)text, size, NULL),
                         ASSAY_OK);
        assert_int_equal(count, json_array_size(list));
        for (size_t i = 0; i < count; i++)
            assert_int_equal(ids[i], json_integer_value(json_array_get(list, i)));
        free(ids);
        free(text);
    }
    assert_true(index > 100);
}

static void byte_level_ids_match(void **state) {
    static const struct {
        const char *pre, *variant;
    } known[] = {{"gpt-2", "base"}, {"qwen2", "qwen2"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        gguf_out out;
        change c = {.at = -1, .pre = known[i].pre};
        demo_write(&out, &c);
        assay_tokenizer *tokenizer = tokenizer_of(&out, NULL, VOCAB);
        ids_match(tokenizer, known[i].variant);
        assay_tokenizer_close(tokenizer);
    }
    gguf_out out;
    json_t *json, *model;
    demo_write(&out, &none);
    assay_tokenizer *tokenizer = tokenizer_of(&out, &json, VOCAB);
    model = json_object_get(json, "model");
    assert_true(json_is_true(json_object_get(model, "ignore_merges"))); // Llama 3's
    assert_int_equal(json_object_size(json_object_get(model, "vocab")), 2048);
    assert_int_equal(assay_tokenizer_added(tokenizer, "<|endoftext|>"), 0);
    json_decref(json);
    assay_tokenizer_close(tokenizer);
}

// ---- refused files --------------------------------------------------------------------------

static void expect(gguf_out *out, uint32_t vocab_size, assay_status expected, const char *what) {
    assay_tokenizer *tokenizer;
    char *json;
    assay_error err = {0};
    largest_begin();
    assay_status status = convert(&json, &tokenizer, out, vocab_size, &err);
    largest_end(out->size + vocab_size); // tables have a place for each of the model's ids
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(expected));
    assay_tokenizer_close(tokenizer);
    free(json);
    free(out->data);
}

static void pieces_are_checked(void **state) {
    static const struct {
        const char *what;
        change change;
        assay_status status;
    } cases[] = {
        {"as it is", {.at = -1}, ASSAY_OK},
        {"no model", {.at = -1, .model = ""}, ASSAY_MISSING},
        {"another model", {.at = -1, .model = "bert"}, ASSAY_UNSUPPORTED},
        {"type 0", {.at = 300, .type = -1}, ASSAY_RANGE},
        {"type 7", {.at = 300, .type = 7}, ASSAY_RANGE},
        {"types are fewer", {.at = -1, .shorter = 1}, ASSAY_MISMATCH},
        {"scores are fewer", {.at = -1, .shorter = 2}, ASSAY_MISMATCH},
        {"tokens are fewer", {.at = -1, .shorter = 3}, ASSAY_MISMATCH},
        {"no number", {.at = 300, .score = __builtin_nanf("")}, ASSAY_NONFINITE},
        {"infinite", {.at = 300, .score = __builtin_inff()}, ASSAY_NONFINITE},
        {"a token twice", {.at = 300, .text = "he"}, ASSAY_DUPLICATE},
        {"an empty token", {.at = 300, .text = ""}, ASSAY_RANGE},
        {"no UTF-8", {.at = 300, .text = "a\xC3"}, ASSAY_FORMAT},
        {"a byte that is none", {.at = 10, .text = "<0x-1>"}, ASSAY_FORMAT},
        {"a byte of another form", {.at = 10, .text = "<0x100>"}, ASSAY_FORMAT},
        {"a byte less", {.at = 10, .text = "xyzzy", .type = 1}, ASSAY_MISSING},
        {"a byte unused", {.at = 10, .type = 5}, ASSAY_MISSING},
        {"a prefix of a number", {.at = -1, .prefix = 3}, ASSAY_FORMAT},
    };
    gguf_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spm_write(&out, &cases[i].change);
        expect(&out, 1000, cases[i].status, cases[i].what);
    }
    spm_write(&out, &none);
    expect(&out, 999, ASSAY_MISMATCH, "more tokens than the model has");
    gguf_start(&out);
    gguf_pair_text(&out, "tokenizer.ggml.model", "llama");
    gguf_data(&out, 32, 0);
    expect(&out, 999, ASSAY_MISSING, "no tokens");
}

static void byte_level_files_are_checked(void **state) {
    static const struct {
        const char *what;
        change change;
        assay_status status;
    } cases[] = {
        {"as it is", {.at = -1}, ASSAY_OK},
        {"no split", {.at = -1, .pre = ""}, ASSAY_MISSING},
        {"another split", {.at = -1, .pre = "default"}, ASSAY_UNSUPPORTED},
        {"type 7", {.at = 300, .type = 7}, ASSAY_RANGE},
        {"a byte", {.at = 300, .type = 6}, ASSAY_FORMAT},
        {"a token twice", {.at = 300, .text = "a"}, ASSAY_DUPLICATE},
        {"no byte alphabet", {.at = 2047, .text = "a b"}, ASSAY_FORMAT},
        {"a merge of nothing", {.at = -1, .merge = "q zzz"}, ASSAY_MISSING},
        {"a merge twice", {.at = -1, .merge = "h e"}, ASSAY_DUPLICATE},
        {"a merge alone", {.at = -1, .merge = "he"}, ASSAY_FORMAT},
        {"a merge of no text", {.at = -1, .merge = "a \xC3"}, ASSAY_FORMAT},
    };
    gguf_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        demo_write(&out, &cases[i].change);
        expect(&out, VOCAB, cases[i].status, cases[i].what);
    }
}

// ---- small files of large tokenizers --------------------------------------------------------

// SentencePiece's with the bytes' tokens first, or byte-level: `count` tokens of type `type`, whose
// texts `text` makes, and merges of `merge_count` times the longest.
typedef struct {
    bool pieces;
    uint32_t count, type, merge_count;
    void (*text)(char *out, uint32_t i);
} bulk;

// "a", "aa", "aaa" …: each is made of two in as many ways as it has places.
static void row(char *out, uint32_t i) {
    memset(out, 'a', i + 1);
    out[i + 1] = 0;
}

// Of the longest, none made of others.
static void longest(char *out, uint32_t i) {
    memset(out, 'a', ASSAY_TOKEN_BYTES_MAX);
    out[ASSAY_TOKEN_BYTES_MAX] = 0;
    for (int digit = 0; digit < 4; digit++, i /= 16)
        out[digit] = "bcdefghijklmnopq"[i % 16];
}

static void brief(char *out, uint32_t i) {
    snprintf(out, 16, "t%u", i);
}

static void bulk_write(gguf_out *out, const bulk *b) {
    static char text[ASSAY_TOKEN_BYTES_MAX + 1];
    uint32_t bytes = b->pieces ? 256 : 0;
    gguf_start(out);
    gguf_pair_text(out, "tokenizer.ggml.model", b->pieces ? "llama" : "gpt2");
    gguf_pair_text(out, "tokenizer.ggml.pre", "gpt-2");
    gguf_array(out, "tokenizer.ggml.tokens", ASSAY_GGUF_TYPE_TEXT, bytes + b->count);
    for (uint32_t i = 0; i < bytes + b->count; i++) {
        if (i < bytes)
            snprintf(text, sizeof text, "<0x%02X>", i);
        else
            b->text(text, i - bytes);
        gguf_text(out, text);
    }
    gguf_array(out, "tokenizer.ggml.token_type", ASSAY_GGUF_TYPE_I32, bytes + b->count);
    for (uint32_t i = 0; i < bytes + b->count; i++)
        gguf_u32(out, i < bytes ? 6 : b->type);
    gguf_array(out, "tokenizer.ggml.scores", ASSAY_GGUF_TYPE_F32, bytes + b->count);
    gguf_zeros(out, 4 * (size_t)(bytes + b->count));
    gguf_array(out, "tokenizer.ggml.merges", ASSAY_GGUF_TYPE_TEXT, b->merge_count);
    for (uint32_t i = 0; i < b->merge_count; i++) {
        longest(text, i);
        gguf_text(out, text);
    }
    gguf_data(out, 32, 0);
}

// What would not be read is refused before it is made: a file of half a megabyte says merges of
// 270 MB. (F-8, F-35)
static void large_texts_are_never_made(void **state) {
    enum { GROWTH_KIB_MAX = 128 << 10 };
    static const struct {
        bulk bulk;
        const char *text;
    } cases[] = {
        {{true, 1024, 1, 0, row}, "bytes or more, limit 33554432"},
        {{true, 16, 1, 0, longest}, "squares of the tokens' sizes are 268"},
        {{false, 8200, 1, 0, longest}, "bytes or more, limit 33554432"},
        {{false, 1, 1, 8200, brief}, "bytes or more, limit 33554432"},
        {{true, 1025, 4, 0, brief}, "limit 1024"},
    };
    for (size_t i = 0; i < ASSAY_COUNT(cases); i++) {
        gguf_out out;
        assay_gguf file;
        assay_error err = {0};
        char *json;
        size_t size;
        bulk_write(&out, &cases[i].bulk);
        long before = peak_kib();
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assay_status status = assay_tokenizer_gguf(&json, &size, &file, 1 << 20, &err);
        assay_gguf_close(&file);
        free(json);
        free(out.data);
        if (status != ASSAY_CAPACITY || !strstr(err.text, cases[i].text))
            fail_msg("case %zu: %s (%s)", i, assay_status_name(status), err.text);
        assert_in_range(peak_kib() - before, 0, GROWTH_KIB_MAX);
    }
    gguf_out out;
    bulk b = {true, 1024, 4, 0, brief};
    bulk_write(&out, &b);
    expect(&out, 1 << 20, ASSAY_OK, "as many added tokens as there may be");
}

// ---- llama.cpp's own vectors ----------------------------------------------------------------

static void file_read(uint8_t **text, size_t *size, const char *folder, const char *name,
                      const char *end) {
    char path[512];
    assay_error err = {0};
    snprintf(path, sizeof path, "%s/ggml-vocab-%s.gguf%s", folder, name, end);
    if (assay_file_read(path, 64 << 20, text, size, &err) != ASSAY_OK) fail_msg("%s", err.text);
}

// Texts with a separator between them; a line of ids for each.
static size_t recorded_ids_match(const assay_tokenizer *tokenizer, const char *name, char *inputs,
                                 char *outputs) {
    static const char between[] = "\n__ggml_vocab_test__\n";
    size_t seen = 0;
    for (char *text = inputs, *line = outputs, *next; text && *line; text = next, seen++) {
        uint32_t *ids;
        size_t count;
        next = strstr(text, between);
        size_t size = next ? (size_t)(next - text) : strlen(text);
        if (next) next += sizeof between - 1;
        assert_int_equal(assay_tokenizer_encode(tokenizer, &ids, &count, text, size, NULL),
                         ASSAY_OK);
        bool same = true;
        for (size_t i = 0; i < count; i++)
            same = same && strtoul(line, &line, 10) == ids[i];
        if (!same || *line != '\n') fail_msg("%s: other ids for \"%.*s\"", name, (int)size, text);
        line++;
        free(ids);
    }
    return seen;
}

static void llamacpp_ids_match(void **state) {
    static const char *const names[] = {"llama-spm", "llama-bpe", "qwen2", "gpt-2"};
    const char *folder = getenv("ASSAY_LLAMACPP_VOCABS");
    if (!folder) skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gguf_out out = {0};
        uint8_t *inputs, *outputs;
        size_t size;
        file_read(&out.data, &out.size, folder, names[i], "");
        file_read(&inputs, &size, folder, names[i], ".inp");
        file_read(&outputs, &size, folder, names[i], ".out");
        assay_tokenizer *tokenizer = tokenizer_of(&out, NULL, 1 << 20);
        assert_true(recorded_ids_match(tokenizer, names[i], (char *)inputs, (char *)outputs) > 20);
        assay_tokenizer_close(tokenizer);
        free(outputs);
        free(inputs);
    }
}

// On its own, so that what it lacks is seen: `llamacpp` for the vectors of llama.cpp alone.
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentencepiece_is_converted_alike),
        cmocka_unit_test(byte_level_ids_match),
        cmocka_unit_test(pieces_are_checked),
        cmocka_unit_test(byte_level_files_are_checked),
        cmocka_unit_test(large_texts_are_never_made),
    };
    const struct CMUnitTest others[] = {cmocka_unit_test(llamacpp_ids_match)};
    if (argc < 2) return cmocka_run_group_tests(tests, group_open, group_close);
    if (!getenv("ASSAY_LLAMACPP_VOCABS"))
        return assay_test_skip(
            "ASSAY_LLAMACPP_VOCABS names no folder with llama.cpp's vocabularies");
    return cmocka_run_group_tests(others, NULL, NULL);
}
