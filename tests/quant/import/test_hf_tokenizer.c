// SPDX-License-Identifier: Apache-2.0
// What tokenizer_config.json and its kin change (F-8), against transformers' AutoTokenizer
// (tests/oracles/tokenizer_config.py), and as a stranger may write them.
#include "quant/import/hf_tokenizer.h"

#include "quant/import/import.h"
#include "tests/quant/recorded.h"
#include "tests/quant/tiny.h"

static int group_open(void **state) {
    return recorded_open("tokenizer_config.json");
}

static void file_write(const tiny *t, const char *name, json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    tiny_file_write(t, name, text, strlen(text));
    free(text);
}

// A folder is refused where the library gives a text other ids than tokenizer.json, and only there.
static void folders_are_judged_as_the_library_reads_them(void **state) {
    json_t *item, *file;
    size_t index, refused = 0;
    const char *name, *last = "";
    assay_tokenizer *tokenizer = NULL;
    json_array_foreach(json_object_get(vectors, "cases"), index, item) {
        tiny t;
        assay_error err = {0};
        bool differs = json_is_true(json_object_get(item, "differs"));
        const char *kind = json_string_value(json_object_get(item, "tokenizer"));
        if (strcmp(kind, last) != 0) { // they are grouped
            assay_tokenizer_close(tokenizer);
            tokenizer = recorded_tokenizer(last = kind, NULL);
        }
        tiny_open(&t);
        json_object_foreach(json_object_get(item, "files"), name, file) file_write(&t, name, file);
        assay_status status = assay_hf_tokenizer_check(tokenizer, t.folder, &err);
        if (status != (differs ? ASSAY_UNSUPPORTED : ASSAY_OK))
            fail_msg("%s, %s: %s (%s)", kind, json_string_value(json_object_get(item, "what")),
                     assay_status_name(status), err.text);
        refused += differs;
        tiny_close(&t);
    }
    assay_tokenizer_close(tokenizer);
    assert_int_equal(index, 362);
    assert_int_equal(refused, 127);
}

#define CONFIG  "tokenizer_config.json"
#define SPECIAL "special_tokens_map.json"
#define ADDED   "added_tokens.json"

static const struct {
    const char *name, *text;
    assay_status status;
    const char *part; // of the sentence
} files[] = {
    {CONFIG, "{\"pad_token\":\"<pad>\"}", ASSAY_UNSUPPORTED,
     "pad_token adds \"<pad>\", which is no added token of tokenizer.json"},
    {CONFIG, "{\"added_tokens_decoder\":{\"0\":{\"content\":\"<|endoftext|>\",\"lstrip\":true}}}",
     ASSAY_UNSUPPORTED, "added_tokens_decoder gives \"<|endoftext|>\" lstrip"},
    {CONFIG, "{\"split_special_tokens\":true}", ASSAY_UNSUPPORTED, "split_special_tokens is true"},
    {CONFIG, "{\"add_prefix_space\":true}", ASSAY_UNSUPPORTED, "add_prefix_space is true"},
    {CONFIG, "{\"tokenizer_file\":\"/tmp/another.json\"}", ASSAY_UNSUPPORTED, "another.json"},
    {CONFIG, "{\"tokenizer_file\":null,\"new\":[{}]}", ASSAY_OK, NULL},
    {CONFIG, "{\"extra_special_tokens\":[\"<pad>\"]}", ASSAY_UNSUPPORTED, "extra_special_tokens"},
    {CONFIG, "[]", ASSAY_FORMAT, "tokenizer_config.json is not an object"},
    {CONFIG, "{", ASSAY_FORMAT, NULL},
    {CONFIG, "{\"a\":1,\"a\":1}", ASSAY_DUPLICATE, NULL},
    {CONFIG, "{\"eos_token\":7}", ASSAY_FORMAT, "eos_token"},
    {CONFIG, "{\"eos_token\":[]}", ASSAY_FORMAT, "eos_token"},
    {CONFIG, "{\"eos_token\":{}}", ASSAY_MISSING, "content"},
    {CONFIG, "{\"eos_token\":{\"content\":7}}", ASSAY_FORMAT, "content"},
    {CONFIG, "{\"additional_special_tokens\":\"<s>\"}", ASSAY_FORMAT, "additional_special_tokens"},
    {CONFIG, "{\"additional_special_tokens\":[7]}", ASSAY_FORMAT, "additional_special_tokens"},
    {CONFIG, "{\"extra_special_tokens\":{\"a\":true}}", ASSAY_FORMAT, "extra_special_tokens"},
    {CONFIG, "{\"added_tokens_decoder\":null}", ASSAY_FORMAT, "added_tokens_decoder"},
    {CONFIG, "{\"added_tokens_decoder\":{\"0\":7}}", ASSAY_FORMAT, "\"0\" is not an object"},
    {CONFIG, "{\"added_tokens_decoder\":{\"0\":{}}}", ASSAY_MISSING, "content"},
    {CONFIG, "{\"added_tokens_decoder\":{\"0\":{\"content\":\"<|endoftext|>\",\"lstrip\":1}}}",
     ASSAY_FORMAT, "lstrip"},
    {CONFIG, "{\"added_tokens_decoder\":{\"0\":{\"content\":\"<|endoftext|>\",\"special\":1}}}",
     ASSAY_FORMAT, "special"},
    {CONFIG, "{\"split_special_tokens\":1}", ASSAY_FORMAT, "split_special_tokens"},
    {SPECIAL, "[]", ASSAY_FORMAT, "special_tokens_map.json is not an object"},
    {SPECIAL, "{\"additional_special_tokens\":{\"a\":7}}", ASSAY_FORMAT, NULL},
    {ADDED, "[]", ASSAY_FORMAT, "added_tokens.json is not an object"},
    {ADDED, "{\"<pad>\":2048}", ASSAY_UNSUPPORTED, "added_tokens.json adds \"<pad>\""},
};

static assay_status import(const tiny *t, const assay_import_options *options, assay_error *err) {
    assay_hash root;
    return assay_model_import(&root, t->folder, t->out, options, NULL, err);
}

static void strangers_files_are_checked(void **state) {
    for (size_t i = 0; i < ASSAY_COUNT(files); i++) {
        tiny t;
        assay_error err = {0};
        tiny_open(&t);
        tiny_write(&t);
        tiny_file_write(&t, files[i].name, files[i].text, strlen(files[i].text));
        assay_status status = import(&t, NULL, &err);
        if (status != files[i].status || (files[i].part && !strstr(err.text, files[i].part)))
            fail_msg("%s: %s (%s)", files[i].text, assay_status_name(status), err.text);
        tiny_close(&t);
    }
}

// 1 MiB and 65,536 values and names.
static void sizes_are_bounded(void **state) {
    enum { MAX = 1 << 20 };
    tiny t;
    char *text = malloc(MAX + 1);
    tiny_open(&t);
    tiny_write(&t);
    memset(text, ' ', MAX + 1);
    memcpy(text, "{}", 2);
    tiny_file_write(&t, CONFIG, text, MAX);
    assert_int_equal(import(&t, NULL, NULL), ASSAY_OK);
    tiny_file_write(&t, CONFIG, text, MAX + 1);
    assert_int_equal(import(&t, NULL, NULL), ASSAY_CAPACITY);
    for (size_t more = 0; more < 2; more++) { // an object, a name, a list, and its items
        size_t at = 6, count = 65536 - 3 + more;
        memcpy(text, "{\"x\":[", at);
        for (size_t i = 0; i < count; i++)
            memcpy(text + at, i ? ",0" : " 0", 2), at += 2;
        memcpy(text + at, "]}", 2);
        tiny_file_write(&t, CONFIG, text, at + 2);
        assert_int_equal(import(&t, NULL, NULL), more ? ASSAY_CAPACITY : ASSAY_OK);
    }
    free(text);
    tiny_close(&t);
}

// What lies in the folder is of the folder's own tokenizer.
static void another_tokenizer_is_not_judged_by_it(void **state) {
    tiny t;
    const assay_import_options options = {.tokenizer =
                                              ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json"};
    tiny_open(&t);
    tiny_write(&t);
    tiny_file_write(&t, CONFIG, files[0].text, strlen(files[0].text));
    assert_int_equal(import(&t, NULL, NULL), ASSAY_UNSUPPORTED);
    assert_int_equal(import(&t, &options, NULL), ASSAY_OK);
    tiny_close(&t);
}

// Beside a decoder the older files do not count, whatever is in them.
static void older_files_beside_a_decoder_are_not_read(void **state) {
    tiny t;
    tiny_open(&t);
    tiny_write(&t);
    tiny_file_write(&t, SPECIAL, "{", 1);
    assert_int_equal(import(&t, NULL, NULL), ASSAY_FORMAT);
    tiny_file_write(&t, ADDED, "{", 1);
    tiny_file_write(&t, CONFIG, "{\"added_tokens_decoder\":{}}", 27);
    assert_int_equal(import(&t, NULL, NULL), ASSAY_OK);
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_judged_as_the_library_reads_them),
        cmocka_unit_test(strangers_files_are_checked),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(another_tokenizer_is_not_judged_by_it),
        cmocka_unit_test(older_files_beside_a_decoder_are_not_read),
    };
    return cmocka_run_group_tests(tests, group_open, recorded_close);
}
