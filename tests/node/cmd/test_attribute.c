// SPDX-License-Identifier: Apache-2.0
// assay attribute and assay dataset inspect, run as programs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "quant/import/import.h"
#include "quant/tokenizer/tokenizer.h"
#include "tests/folder.h"
#include "tests/test.h"

#define PROGRAM ASSAY_BINARY_DIR "/assay"
#define DATA    ASSAY_SOURCE_DIR "/testnet/data/"

static char folder[] = "/tmp/assay-attribute-XXXXXX";
static char model[64], text[64], broken[64];

static int files_make(void **state) {
    assay_hash root;
    uint8_t *data;
    size_t size;
    test_folder_make(folder);
    snprintf(model, sizeof model, "%s/model", folder);
    snprintf(text, sizeof text, "%s/text", folder);
    snprintf(broken, sizeof broken, "%s/broken", folder);
    if (assay_model_import(&root, ASSAY_SOURCE_DIR "/testnet/model", model, NULL, NULL, NULL) ||
        assay_file_read(DATA "carroll.txt", 1 << 30, &data, &size, NULL))
        return 1;
    int bad = assay_file_replace(text, data + 30000, 600, 0600, NULL) ||
              assay_file_replace(broken, "ab\xFFz", 4, 0600, NULL);
    free(data);
    return bad;
}

// Runs the program; its standard output into out[size], zero-terminated. Returns: the exit code.
static int run(char *out, size_t size, const char *format, ...) {
    char command[1024] = PROGRAM " ";
    size_t used = strlen(command);
    va_list args;
    va_start(args, format);
    vsnprintf(command + used, sizeof command - used - 16, format, args);
    va_end(args);
    memcpy(command + strlen(command), " 2>/dev/null", sizeof " 2>/dev/null");
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, size - 1, pipe);
    out[got] = 0;
    assert_true(got < size - 1);
    return WEXITSTATUS(pclose(pipe));
}

static json_int_t integer(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void an_excerpt_follows_its_data_set(void **state) {
    static char out[1 << 16];
    assert_int_equal(run(out, sizeof out,
                         "attribute --model %s --text %s --dataset doyle=" DATA
                         "doyle.txt --dataset carroll=" DATA "carroll.txt --json",
                         model, text),
                     0);
    json_t *document;
    assert_int_equal(assay_json_parse(&document, out, strlen(out), sizeof out, "output", NULL),
                     ASSAY_OK);
    const json_t *datasets = json_object_get(document, "datasets");
    const json_t *spans = json_object_get(document, "spans"), *span;
    json_int_t owned = 0, weight = 0;
    size_t i;
    assert_int_equal(json_array_size(datasets), 2);
    assert_true(integer(json_array_get(datasets, 1), "weight_ppm") > 900000);
    for (i = 0; i < 2; i++) {
        owned += integer(json_array_get(datasets, i), "owned_tokens");
        weight += integer(json_array_get(datasets, i), "weight_ppm");
    }
    assert_int_equal(weight, 1000000);
    assert_int_equal(owned, integer(document, "owned_tokens"));
    assert_true(json_array_size(spans) > 0);
    json_array_foreach(spans, i, span) owned -= integer(span, "length");
    assert_int_equal(owned, 0);
    json_decref(document);
}

// Ids say what a receipt holds: tokens 1000 to 1039 of carroll.txt, of which the prompt has the
// last six.
static void ids_are_taken_as_they_are(void **state) {
    static char out[1 << 16], ids[1024];
    assay_mapping file;
    uint8_t *json;
    size_t size, count, used = 0;
    assay_tokenizer *tokenizer;
    uint32_t *tokens;
    assert_int_equal(assay_file_read(ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json", 1 << 24,
                                     &json, &size, NULL),
                     ASSAY_OK);
    assert_int_equal(assay_tokenizer_open(&tokenizer, json, size, 2048, NULL), ASSAY_OK);
    assert_int_equal(assay_mapping_open(&file, DATA "carroll.txt", 1 << 30, NULL), ASSAY_OK);
    assert_int_equal(
        assay_tokenizer_encode(tokenizer, &tokens, &count, (const char *)file.data, 10000, NULL),
        ASSAY_OK);
    for (size_t i = 1000; i < 1040; i++)
        used += (size_t)snprintf(ids + used, sizeof ids - used, ",%u", tokens[i]);
    assert_int_equal(run(out, sizeof out,
                         "attribute --model %s --ids %s --prompt-ids %u,%u,%u,%u,%u,%u --dataset "
                         "carroll=" DATA "carroll.txt --json",
                         model, ids + 1, tokens[1034], tokens[1035], tokens[1036], tokens[1037],
                         tokens[1038], tokens[1039]),
                     0);
    json_t *document;
    assert_int_equal(assay_json_parse(&document, out, strlen(out), sizeof out, "output", NULL),
                     ASSAY_OK);
    const json_t *span = json_array_get(json_object_get(document, "spans"), 0);
    assert_int_equal(integer(document, "tokens"), 40);
    assert_int_equal(integer(document, "echo_tokens"), 6);
    assert_int_equal(integer(document, "owned_tokens"), 34);
    assert_int_equal(integer(span, "position"), 1000);
    assert_int_equal(integer(span, "length"), 34);
    json_decref(document);
    free(tokens);
    free(json);
    assay_tokenizer_close(tokenizer);
    assay_mapping_close(&file);
}

static void colours_follow_the_data_sets(void **state) {
    static char out[1 << 16];
    const char *options = "attribute --model %s --text %s --dataset carroll=" DATA "carroll.txt";
    assert_int_equal(run(out, sizeof out, options, model, text), 0);
    assert_null(strchr(out, '\033'));
    assert_non_null(strstr(out, "carroll"));
    assert_int_equal(setenv("CLICOLOR_FORCE", "1", 1), 0);
    assert_int_equal(run(out, sizeof out, options, model, text), 0);
    assert_non_null(strstr(out, "\033[30;48;5;222m"));
    unsetenv("CLICOLOR_FORCE");
}

static void bad_arguments_are_refused(void **state) {
    static char out[1 << 16];
    static const struct {
        const char *dataset;
        int code;
    } cases[] = {
        {"a=" DATA "carroll.txt --ids 1,2", 2}, // the text twice
        {"a=" DATA "carroll.txt --prompt x --prompt-ids 1", 2},
        {"a=" DATA "carroll.txt --prompt-ids 2048", 3},
        {"carroll", 2},                                               // no file
        {"=" DATA "carroll.txt", 2},                                  // no name
        {"x=/nowhere/at/all", 3},                                     // no such file
        {"a=" DATA "carroll.txt --dataset b=" DATA "carroll.txt", 3}, // the same one twice
        {"a=" DATA "carroll.txt --span-tokens-min 0", 2},             // out of range
        {"a=" DATA "carroll.txt --prompt $(printf 'a\\377b')", 3},    // no UTF-8
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(run(out, sizeof out, "attribute --model %s --text %s --dataset %s", model,
                             text, cases[i].dataset),
                         cases[i].code);
    assert_int_equal(run(out, sizeof out, "attribute --model %s --text %s", model, text), 2);
    assert_int_equal(
        run(out, sizeof out, "attribute --model %s --text %s --dataset a=%s", model, text, broken),
        3);
}

static void inspection_names_what_is_registered(void **state) {
    static char out[4096];
    assert_int_equal(run(out, sizeof out, "dataset inspect " DATA "carroll.txt --json"), 0);
    // Recorded by tests/oracles/attribution.py.
    assert_string_equal(
        out, "{\"root\":\"0xe30d5bf7e1c4d307fbef8d453f820f1e752e01bb6311cd039744be007c4c806b\","
             "\"chunk_count\":77,\"byte_count\":303627}\n");
    assert_int_equal(run(out, sizeof out, "dataset inspect %s", broken), 3);
    assert_int_equal(run(out, sizeof out, "dataset inspect /dev/null"), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_excerpt_follows_its_data_set),
        cmocka_unit_test(ids_are_taken_as_they_are),
        cmocka_unit_test(colours_follow_the_data_sets),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(inspection_names_what_is_registered),
    };
    return cmocka_run_group_tests(tests, files_make, NULL);
}
