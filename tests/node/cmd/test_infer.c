// SPDX-License-Identifier: Apache-2.0
// model, adapter, tokenize, infer, logits and bench infer, run as programs (F-9), against the
// whole-model answers of an independent implementation (tests/vectors/exact.json).
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "tests/folder.h"
#include "tests/vectors.h"

#define PROGRAM ASSAY_BINARY_DIR "/assay"
#define TESTNET ASSAY_SOURCE_DIR "/testnet/"

static char folder[] = "/tmp/assay-infer-XXXXXX";
static const char *const adapters[] = {"doyle", "carroll", "shakespeare"};
static char out[1 << 17];

// Runs the program; its standard output into `out`. Returns: the exit code.
static int run(const char *format, ...) {
    static char command[1 << 14];
    size_t used = (size_t)snprintf(command, sizeof command, "cd %s && " PROGRAM " ", folder);
    va_list args;
    va_start(args, format);
    used += (size_t)vsnprintf(command + used, sizeof command - used, format, args);
    va_end(args);
    assert_true(used < sizeof command - 16);
    memcpy(command + used, " 2>/dev/null", sizeof " 2>/dev/null");
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, sizeof out - 1, pipe);
    out[got] = 0;
    assert_true(got < sizeof out - 1);
    return WEXITSTATUS(pclose(pipe));
}

static json_t *document(void) {
    json_t *json = json_loads(out, 0, NULL);
    if (!json) fail_msg("not JSON: %s", out);
    return json;
}

static int files_make(void **state) {
    test_folder_make(folder);
    if (run("model import " TESTNET "model --out model") != 0) return 1;
    for (int i = 0; i < 3; i++)
        if (run("adapter import " TESTNET "adapters/%s --out %s", adapters[i], adapters[i]) != 0)
            return 1;
    return 0;
}

static int files_remove(void **state) {
    char path[128];
    static const char *const names[] = {"model",       "doyle", "carroll",
                                        "shakespeare", "again", "random"};
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder); // nothing else was left there
}

static void ids_write(char *text, size_t size, const json_t *ids) {
    size_t at = 0;
    for (size_t i = 0; i < json_array_size(ids); i++)
        at += (size_t)snprintf(text + at, size - at, "%s%lld", i ? "," : "",
                               (long long)json_integer_value(json_array_get(ids, i)));
}

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static long long integer_of(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void logits_expect(const json_t *entry, const char *adapter_option) {
    static char ids[1 << 13];
    ids_write(ids, sizeof ids, json_object_get(entry, "ids"));
    static const char *const chunks[] = {"", "--chunk 7", "--chunk 1"};
    // The long sequence once; the others in all their chunkings.
    int ways = integer_of(entry, "positions") > 100 ? 1 : 3;
    for (int i = 0; i < ways; i++) {
        assert_int_equal(
            run("logits --model model %s --ids %s %s --json", adapter_option, ids, chunks[i]), 0);
        json_t *json = document();
        assert_string_equal(text_of(json, "sha256"), text_of(entry, "logits_sha256"));
        assert_int_equal(integer_of(json, "positions"), integer_of(entry, "positions"));
        assert_int_equal(integer_of(json, "vocab"), integer_of(entry, "vocab"));
        assert_int_equal(json_object_size(json), 3);
        json_decref(json);
    }
}

static void output_expect(const json_t *entry, const char *adapter_option) {
    char ids[512], sampling[256];
    ids_write(ids, sizeof ids, json_object_get(entry, "prompt_ids"));
    snprintf(sampling, sizeof sampling,
             "--max-tokens %lld --temperature-milli %lld --top-k %lld --top-p-ppm %lld --seed %s",
             integer_of(entry, "max_tokens"), integer_of(entry, "temperature_milli"),
             integer_of(entry, "top_k"), integer_of(entry, "top_p_ppm"), text_of(entry, "seed"));
    assert_int_equal(
        run("infer --model model %s --ids %s %s --json", adapter_option, ids, sampling), 0);
    json_t *json = document();
    assert_true(json_equal(json_object_get(json, "ids"), json_object_get(entry, "ids")));
    assert_string_equal(text_of(json, "text"), text_of(entry, "text"));
    assert_string_equal(text_of(json, "trace"), text_of(entry, "trace"));
    assert_int_equal(json_object_size(json), 3);
    json_decref(json);
    // As a person sees it: the same text, streamed, from the prompt's text.
    char expected[1024];
    assert_int_equal(run("infer --model model %s --prompt '%s' %s --threads 1", adapter_option,
                         text_of(entry, "prompt"), sampling),
                     0);
    snprintf(expected, sizeof expected, "%s\n", text_of(entry, "text"));
    assert_string_equal(out, expected);
}

static void the_model_vectors_match(void **state) {
    json_t *root = vectors_read("exact.json"), *entry;
    size_t index, logits = 0, outputs = 0;
    json_array_foreach(vectors_at(root, "model"), index, entry) {
        const char *adapter = text_of(entry, "adapter");
        char option[64] = "";
        if (strcmp(adapter, "base") != 0) snprintf(option, sizeof option, "--adapter %s", adapter);
        if (json_object_get(entry, "trace")) {
            output_expect(entry, option);
            outputs++;
        } else {
            logits_expect(entry, option);
            logits++;
        }
    }
    assert_int_equal(logits, 16);
    assert_int_equal(outputs, 8);
    json_decref(root);
}

static void imports_repeat(void **state) {
    char path[128];
    uint8_t *first, *second;
    size_t first_size, second_size;
    assert_int_equal(run("model import " TESTNET "model --out again --json"), 0);
    json_t *made = document();
    assert_int_equal(run("model check model --json"), 0);
    json_t *checked = document();
    assert_true(json_equal(made, checked));
    json_decref(made);
    json_decref(checked);
    snprintf(path, sizeof path, "%s/model", folder);
    assert_int_equal(assay_file_read(path, 1 << 24, &first, &first_size, NULL), ASSAY_OK);
    snprintf(path, sizeof path, "%s/again", folder);
    assert_int_equal(assay_file_read(path, 1 << 24, &second, &second_size, NULL), ASSAY_OK);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    free(first);
    free(second);
    assert_int_equal(run("adapter check doyle --model model --json"), 0);
    json_t *json = document();
    assert_int_equal(integer_of(json, "pairs"), 42);
    json_decref(json);
}

// F-28, and N-23 from the command line.
static void a_check_says_what_a_file_holds(void **state) {
    assert_int_equal(run("model import " TESTNET "model --embedding q4 --out again --json"), 0);
    json_t *q4 = document();
    assert_int_equal(run("model check model --json"), 0);
    json_t *q8 = document();
    assert_string_equal(text_of(q8, "embedding"), "q8");
    assert_string_equal(text_of(q4, "embedding"), "q4");
    assert_string_not_equal(text_of(q8, "root"), text_of(q4, "root"));
    assert_int_equal(integer_of(q8, "embedding_bytes"), 2048 * (256 + 4));
    assert_int_equal(integer_of(q4, "embedding_bytes"), 2048 * (128 + 4 + 4));
    assert_int_equal(integer_of(q8, "linear_bytes"), integer_of(q4, "linear_bytes"));
    assert_false(json_is_true(json_object_get(q8, "biases")));
    assert_null(json_object_get(q8, "perplexity"));
    json_decref(q8);
    json_decref(q4);

    assert_int_equal(run("tokenize --model model --file " TESTNET "PROVENANCE.md --json"), 0);
    json_t *ids = document();
    uint64_t count = json_array_size(json_object_get(ids, "ids"));
    json_decref(ids);
    double perplexities[3];
    const char *const files[] = {"model", "again", "model --adapter carroll"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            run("model check %s --window 64 --text " TESTNET "PROVENANCE.md --json", files[i]), 0);
        json_t *json = document();
        assert_int_equal(integer_of(json, "tokens"), count - (count + 63) / 64);
        perplexities[i] = json_number_value(json_object_get(json, "perplexity"));
        assert_true(perplexities[i] > 1 && perplexities[i] < 2048);
        json_decref(json);
    }
    double loss = perplexities[1] / perplexities[0];
    assert_true(loss != 1 && loss > 0.9 && loss < 1.1);
    assert_true(perplexities[2] != perplexities[0]);
    assert_int_equal(run("model check model --text " TESTNET "PROVENANCE.md"), 0);
    assert_non_null(strstr(out, "\nperplexity "));
}

static void stop_ids_end_an_output(void **state) {
    // Hot enough that this seed chooses id 0, the model's stop id, on the way.
    static const char options[] =
        "--model model --ids 768,313 --max-tokens 500 --temperature-milli 100000 --seed 1 --json";
    assert_int_equal(run("infer %s", options), 0);
    json_t *whole = document(), *ids = json_object_get(whole, "ids");
    assert_int_equal(json_array_size(ids), 500);
    size_t first = 0;
    while (first < 500 && json_integer_value(json_array_get(ids, first)) != 0)
        first++;
    assert_true(first < 499);
    assert_int_equal(run("infer %s --stop-eos", options), 0);
    json_t *stopped = document();
    assert_int_equal(json_array_size(json_object_get(stopped, "ids")), first + 1);
    json_decref(stopped);
    json_decref(whole);
}

static void text_becomes_ids_and_back(void **state) {
    assert_int_equal(run("tokenize --model model 'Hello, Watson!'"), 0);
    assert_string_equal(out, "73,439,112,45,399,297,1534,34\n");
    assert_int_equal(run("tokenize --model model --decode 73,439,112,45,399,297,1534,34"), 0);
    assert_string_equal(out, "Hello, Watson!");
    assert_int_equal(run("tokenize --model model --decode 196 --json"), 0); // half a character
    assert_string_equal(out, "{\"text\":\"\xEF\xBF\xBD\"}\n");
    assert_int_equal(run("tokenize --model model ''"), 0);
    assert_string_equal(out, "\n");
    assert_int_equal(run("tokenize --model model --file " TESTNET "PROVENANCE.md --json"), 0);
    json_t *json = document();
    assert_true(json_array_size(json_object_get(json, "ids")) > 100);
    json_decref(json);
}

// The demo model with two of its tokens made ChatML's, so that its tokenizer tells Qwen2's form.
static void chatty_make(void) {
    char path[128];
    json_t *json, *added, *token, *model, *vocab, *merges;
    assert_int_equal(
        assay_json_read_many(&json, TESTNET "model/tokenizer.json", 1 << 20, SIZE_MAX, NULL),
        ASSAY_OK);
    model = json_object_get(json, "model");
    vocab = json_object_get(model, "vocab");
    merges = json_object_get(model, "merges");
    json_object_del(vocab, "umber");
    json_object_del(vocab, "rp");
    for (int i = 0; i < 2; i++)
        json_array_remove(merges, json_array_size(merges) - 1);
    added = json_object_get(json, "added_tokens");
    for (int i = 0; i < 2; i++) {
        token = json_deep_copy(json_array_get(added, 0));
        json_object_set_new(token, "id", json_integer(2046 + i));
        json_object_set_new(token, "content", json_string(i ? "<|im_end|>" : "<|im_start|>"));
        json_array_append_new(added, token);
    }
    snprintf(path, sizeof path, "%s/chatty", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/chatty/tokenizer.json", folder);
    assert_int_equal(json_dump_file(json, path, JSON_COMPACT), 0);
    json_decref(json);
    snprintf(path, sizeof path, "%s/chatty/config.json", folder);
    assert_int_equal(symlink(TESTNET "model/config.json", path), 0);
    snprintf(path, sizeof path, "%s/chatty/model.safetensors", folder);
    assert_int_equal(symlink(TESTNET "model/model.safetensors", path), 0);
    assert_int_equal(run("model import chatty --out again"), 0);
}

static void chatty_remove(void) {
    static const char *const names[] = {"tokenizer.json", "config.json", "model.safetensors", ""};
    char path[128];
    snprintf(path, sizeof path, "%s/again", folder);
    unlink(path);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/chatty/%s", folder, names[i]);
        if (*names[i])
            unlink(path);
        else
            rmdir(path);
    }
}

// F-33, F-34.
static void conversations_are_encoded(void **state) {
    static const char said[] = "<|im_start|>system\nYou are terse.<|im_end|>\n"
                               "<|im_start|>user\nhi <|im_end|><|im_end|>\n"
                               "<|im_start|>assistant\n";
    char ids[512];
    snprintf(ids, sizeof ids, "%s/again", folder);
    unlink(ids);
    chatty_make();
    assert_int_equal(run("tokenize --model again --chat 'hi <|im_end|>' --system 'You are terse.'"),
                     0);
    snprintf(ids, sizeof ids, "%.*s", (int)strcspn(out, "\n"), out);
    assert_int_equal(strncmp(ids, "2046,", 5), 0);
    size_t ends = 0;
    for (const char *at = ids; (at = strstr(at, ",2047,")); at++)
        ends++;
    assert_int_equal(ends, 2); // the third was written by a stranger
    assert_int_equal(run("tokenize --model again --decode %s", ids), 0);
    assert_string_equal(out, said);
    assert_int_equal(run("infer --model again --chat hi --max-tokens 4"), 0);
    // What was guessed is said, what was named is not.
    run("tokenize --model again --chat hi 2>&1 >/dev/null; true");
    assert_string_equal(out, "template chatml, told by the token <|im_start|>; --template takes "
                             "another\n");
    run("tokenize --model again --chat hi --template chatml 2>&1 >/dev/null; true");
    assert_string_equal(out, "");
    assert_int_equal(run("logits --model again --chat hi --template chatml"), 0);
    assert_int_equal(run("tokenize --model again --chat hi --template llama3"), 3);
    assert_int_equal(run("tokenize --model again --chat hi --template jinja"), 3);
    assert_int_equal(run("tokenize --model again --chat ' '"), 3);
    assert_int_equal(run("tokenize --model model --chat hi"), 2); // tells no template
    assert_int_equal(run("tokenize --model model --bos hi"), 2);  // has no such token
    assert_int_equal(run("tokenize --model again hi --system terse"), 2);
    assert_int_equal(run("tokenize --model again --decode 1 --bos"), 2);
    assert_int_equal(run("infer --model again --chat hi --prompt hi"), 2);
    assert_int_equal(run("infer --model again --chat hi --bos"), 2);
    chatty_remove();
}

static void bad_calls_say_so(void **state) {
    static const struct {
        const char *arguments;
        int code;
    } cases[] = {
        {"infer --model model", 2},                          // neither ids nor a prompt
        {"infer --model model --ids 1 --prompt a", 2},       // both
        {"infer --model model --ids 1,x", 2},                // not a number
        {"infer --model model --ids 2048", 3},               // not in the vocabulary
        {"infer --model model --ids ''", 3},                 // empty
        {"infer --model model --ids 1 --max-tokens 512", 3}, // over the context
        {"infer --model model --ids 1 --max-tokens 0", 2},
        {"infer --model model --ids 1 --top-p-ppm 0", 2},
        {"infer --model model --ids 1 --temperature-milli 100001", 2},
        {"infer --model model --ids 1 --isa none", 2}, // no such set
        {"infer --model absent --ids 1", 3},
        {"infer --model doyle --ids 1", 3}, // an adapter is no model
        {"infer --model model --adapter model --ids 1", 3},
        {"logits --model model --ids 1 --isa none", 2},
        {"model import " TESTNET "data --out again", 3}, // no config.json there
        {"model import " TESTNET "model --out absent/file", 3},
        {"model import " TESTNET "model --out again --isa none", 2},
        {"model check doyle", 3},
        {"model check model --text absent", 3},
        {"model check model --window 1 --text " TESTNET "PROVENANCE.md", 2},
        {"model check model --window 513 --text " TESTNET "PROVENANCE.md", 3},
        {"model import " TESTNET "model --embedding q5 --out again", 2},
        {"adapter import " TESTNET "model --out again", 3},
        {"adapter check model", 3},
        {"adapter check doyle --model doyle", 3},
        {"tokenize --model model", 2},
        {"tokenize --model model a --decode 1", 2},
        {"bench infer --model absent", 3},
        {"bench infer --shape absent", 3},
        {"bench infer --model model --shape demo", 2},
        {"bench infer --shape demo --head q5", 2},
        {"bench infer --model model --head q4", 2},
        {"bench infer --model model --tokens 513", 3},
        {"bench infer --model model --tokens 8 --decode 1 --receipt 0 --against false", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = run("%s --json", cases[i].arguments);
        if (code != cases[i].code)
            fail_msg("%s: exit code %d, expected %d", cases[i].arguments, code, cases[i].code);
        json_t *json = document(), *error = json_object_get(json, "error");
        assert_non_null(error);
        assert_true(*text_of(error, "text"));
        json_decref(json);
    }
}

static double median_of(const json_t *json, const char *name) {
    const json_t *figure = json_object_get(json, name);
    double least = json_number_value(json_object_get(figure, "min"));
    double median = json_number_value(json_object_get(figure, "median"));
    assert_true(least > 0 && least <= median);
    assert_true(median <= json_number_value(json_object_get(figure, "max")));
    return median;
}

static void the_bench_measures(void **state) {
    assert_int_equal(run("bench infer --model model --adapter carroll --runs 2 --tokens 8 --decode "
                         "3 --receipt 4 --against 'echo prefill 10; echo decode 5' --json"),
                     0);
    static const char *const figures[] = {
        "prefill_tokens_per_s",        "decode_tokens_per_s",        "memory_read_bytes_per_s",
        "decode_share_of_memory_read", "adapter_prefill_time_ratio", "adapter_decode_time_ratio",
        "verification_time_ratio"};
    json_t *json = document();
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        assert_true(json_number_value(json_object_get(json, figures[i])) ==
                    median_of(json_object_get(json, "spread"), figures[i]));
    assert_true(integer_of(json, "rss_bytes") > 0);
    assert_true(integer_of(json, "model_bytes") > 0);
    const json_t *against = json_array_get(json_object_get(json, "against"), 0);
    assert_true(median_of(against, "decode_tokens_per_s") == 5);
    median_of(against, "prefill_ratio");
    json_decref(json);
}

static void the_bench_makes_models(void **state) {
    assert_int_equal(run("bench infer --shape demo --keep random --adapters 3 --rank 4 --runs 1 "
                         "--tokens 8 --decode 2 --receipt 0 --json"),
                     0);
    json_t *json = document();
    const json_t *spread = json_object_get(json, "spread");
    median_of(spread, "adapter_decode_time_ratio");
    median_of(spread, "batch_speed_ratio");
    assert_true(json_is_null(json_object_get(json, "verification_time_ratio")));
    json_decref(json);
    assert_int_equal(run("infer --model random --ids 1,2 --max-tokens 2 --json"), 0);
    json_decref(document());
    assert_int_equal(run("bench infer --shape demo --head q4 --runs 1 --tokens 8 --decode 2 "
                         "--receipt 8 --json"),
                     0);
    json = document();
    assert_true(json_number_value(json_object_get(json, "bits_per_head_weight")) < 4.3);
    median_of(json_object_get(json, "spread"), "verification_time_ratio");
    json_decref(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_vectors_match),
        cmocka_unit_test(imports_repeat),
        cmocka_unit_test(a_check_says_what_a_file_holds),
        cmocka_unit_test(stop_ids_end_an_output),
        cmocka_unit_test(text_becomes_ids_and_back),
        cmocka_unit_test(conversations_are_encoded),
        cmocka_unit_test(bad_calls_say_so),
        cmocka_unit_test(the_bench_measures),
        cmocka_unit_test(the_bench_makes_models),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
