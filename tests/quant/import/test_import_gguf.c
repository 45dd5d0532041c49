// SPDX-License-Identifier: Apache-2.0
// GGUF files of models and adapters become the bytes that folders with the same numbers become, and
// what would change the result unseen is refused (F-22 to F-26).
#include "quant/import/gguf_names.h"
#include "quant/model.h"
#include "quant/tokenizer/tokenizer.h"
#include "tests/quant/gguf_family.h"

#define TOKENIZER ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json"
#define LLAMA3(factor)                                                                             \
    "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":" #factor ",\"low_freq_factor\":1.0,"   \
    "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192}"

static json_t *recorded;

static int group_open(void **state) {
    recorded = vectors_read("families.json");
    return 0;
}

static int group_close(void **state) {
    json_decref(recorded);
    return 0;
}

// A recorded configuration with some members replaced or added; the caller's.
static json_t *config_make(const char *family, const char *changes) {
    json_t *config = json_deep_copy(family_config_find(recorded, family));
    json_t *members = json_loads(changes, 0, NULL);
    assert_non_null(members);
    assert_int_equal(json_object_update(config, members), 0);
    json_decref(members);
    return config;
}

// A model's folder and what its GGUF file will say. Llama 3 has the scaling that files can say.
static void model_open(tiny *t, gguf_family *g, const char *family) {
    bool scaled = strcmp(family, "llama3") == 0;
    json_t *config = config_make(family, scaled ? "{" LLAMA3(8.0) "}" : "{}");
    family_open(t, config);
    gguf_family_open(g, config);
    json_decref(config);
}

static void model_close(tiny *t, gguf_family *g) {
    gguf_family_close(g);
    tiny_close(t);
}

// For tables of refusals, where family_value would take its time.
static float quick_value(const char *name, uint64_t index) {
    return (float)(index % 251) * 0x1p-10f;
}

// key to a value in JSON; NULL removes it.
static void pair_set(gguf_family *g, const char *key, const char *value) {
    if (value)
        json_object_set_new(g->pairs, key, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        assert_int_equal(json_object_del(g->pairs, key), 0);
}

typedef struct {
    assay_hash root;
    uint8_t *data;
    size_t size;
} imported;

static void imported_read(imported *out, const tiny *t, assay_status status,
                          const assay_error *err) {
    if (status != ASSAY_OK) fail_msg("%s", err->text);
    assert_int_equal(assay_file_read(t->out, 1 << 24, &out->data, &out->size, NULL), ASSAY_OK);
    unlink(t->out);
}

// From the folder itself or from its model.gguf.
static void import_with(imported *out, const tiny *t, const gguf_family *g,
                        assay_import_options options) {
    char path[160];
    assay_error err = {0};
    options.tokenizer = g ? TOKENIZER : NULL;
    if (g) gguf_family_write(g, t);
    tiny_path(path, sizeof path, t, "model.gguf");
    assay_status status =
        assay_model_import(&out->root, g ? path : t->folder, t->out, &options, NULL, &err);
    imported_read(out, t, status, &err);
}

static void model_import(imported *out, const tiny *t, const gguf_family *g, bool vocab_q4) {
    import_with(out, t, g, (assay_import_options){.vocab_q4 = vocab_q4});
}

static void same_expect(imported *a, imported *b, bool same) {
    assert_int_equal(memcmp(&a->root, &b->root, sizeof a->root) == 0, same);
    assert_int_equal(a->size == b->size && memcmp(a->data, b->data, a->size) == 0, same);
    free(a->data);
    free(b->data);
}

// The sizes of Llama 3.1 and 3.2 too.
static void files_give_the_bytes_of_folders(void **state) {
    static const char *const cases[][2] = {
        {"llama3", "{\"rope_scaling\":null}"},
        {"llama3", "{" LLAMA3(8.0) "}"},
        {"llama3", "{\"head_dim\":64,\"rope_theta\":500000.0," LLAMA3(32.0) "}"},
        {"llama3", "{\"head_dim\":128,\"rope_theta\":500000.0," LLAMA3(8.0) "}"},
        {"linear", "{}"},
        {"mistral", "{}"},
        {"qwen2", "{}"},
        {"qwen3", "{}"},
    };
    size_t size = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int vocab_q4 = 0; vocab_q4 < 2; vocab_q4++) {
            tiny t;
            gguf_family g;
            imported folder, file;
            json_t *config = config_make(cases[i][0], cases[i][1]);
            family_open(&t, config);
            gguf_family_open(&g, config);
            tiny_write(&t);
            model_import(&folder, &t, NULL, vocab_q4);
            model_import(&file, &t, &g, vocab_q4);
            assert_true(!vocab_q4 || file.size < size); // the choice is heeded
            size = file.size;
            same_expect(&folder, &file, true);
            model_close(&t, &g);
            json_decref(config);
        }
}

// F-10: a longer model of which the first positions are asked for gives the bytes of one that has
// no others.
static void a_shorter_context_gives_its_own_bytes(void **state) {
    static const char *const families[] = {"llama3", "qwen3"};
    const assay_import_options shorter = {.context_size = 64};
    for (size_t i = 0; i < ASSAY_COUNT(families); i++) {
        char key[64];
        tiny t;
        gguf_family g;
        imported plain, folder, file;
        model_open(&t, &g, families[i]);
        tiny_set(&t, "max_position_embeddings", "64");
        tiny_write(&t);
        model_import(&plain, &t, NULL, false);
        tiny_set(&t, "max_position_embeddings", "262144");
        tiny_write(&t);
        import_with(&folder, &t, NULL, shorter);
        snprintf(key, sizeof key, "%s.context_length", i ? "qwen3" : "llama");
        pair_set(&g, key, "262144");
        import_with(&file, &t, &g, shorter);
        assert_true(plain.size == file.size && memcmp(plain.data, file.data, file.size) == 0);
        free(plain.data);
        same_expect(&folder, &file, true);
        model_close(&t, &g);
    }
}

// F-23: ids in any order, an id twice, and a file that names fewer than the folder.
static void stop_ids_are_those_of_the_tokenizer(void **state) {
    static const struct {
        const char *folder, *eos, *eot, *eom;
        bool same;
    } cases[] = {
        {"7", "7", NULL, NULL, true},      {"[9,7]", "9", "7", NULL, true},
        {"[7,9]", "9", "9", "7", true},    {"[0,5,2047]", "5", "2047", "0", true},
        {"[7,9]", "9", NULL, NULL, false}, {"null", "7", NULL, NULL, false},
        {"7", NULL, NULL, NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny t;
        gguf_family g;
        imported folder, file;
        model_open(&t, &g, "qwen2");
        tiny_set(&t, "eos_token_id", cases[i].folder);
        if (cases[i].eos) pair_set(&g, "tokenizer.ggml.eos_token_id", cases[i].eos);
        if (cases[i].eot) pair_set(&g, "tokenizer.ggml.eot_token_id", cases[i].eot);
        if (cases[i].eom) pair_set(&g, "tokenizer.ggml.eom_token_id", cases[i].eom);
        tiny_write(&t);
        model_import(&folder, &t, NULL, false);
        model_import(&file, &t, &g, false);
        same_expect(&folder, &file, cases[i].same);
        model_close(&t, &g);
    }
}

// An import that must fail so, with this in its sentence, and leave the older file; or succeed.
static void result_expect(const tiny *t, const char *what, assay_status status,
                          const assay_error *err, assay_status expected, const char *word) {
    uint8_t *data;
    size_t size;
    if (status != expected || (word && !strstr(err->text, word)))
        fail_msg("%s: %s (%s), expected %s (%s)", what, assay_status_name(status), err->text,
                 assay_status_name(expected), word ? word : "");
    assert_int_equal(assay_file_read(t->out, 1 << 24, &data, &size, NULL), ASSAY_OK);
    assert_int_equal(size == 3, status != ASSAY_OK);
    free(data);
}

static void import_expect(const tiny *t, const gguf_family *g, const char *tokenizer,
                          const char *what, assay_status expected, const char *word) {
    char path[160];
    assay_hash root;
    assay_error err = {0};
    const assay_import_options options = {.tokenizer = tokenizer};
    gguf_family_write(g, t);
    tiny_file_write(t, "out.assay", "old", 3);
    tiny_path(path, sizeof path, t, "model.gguf");
    assay_status status = assay_model_import(&root, path, t->out, &options, NULL, &err);
    result_expect(t, what, status, &err, expected, word);
}

// Each replaces, adds or (value NULL) removes one pair.
typedef struct {
    const char *family, *key, *value;
    assay_status status;
    const char *word; // of the sentence
} changed_pair;

static const changed_pair model_pairs[] = {
    {"llama3", "general.architecture", "\"gemma2\"", ASSAY_UNSUPPORTED, "gemma2"},
    {"llama3", "general.architecture", "\"llam\"", ASSAY_UNSUPPORTED, "\"llam\""},
    {"llama3", "general.architecture", NULL, ASSAY_MISSING, "general.architecture"},
    {"llama3", "general.architecture", "7", ASSAY_FORMAT, "general.architecture"},
    {"llama3", "general.architecture", "\"qwen2\"", ASSAY_MISSING, "qwen2.block_count"},
    {"llama3", "general.type", "\"adapter\"", ASSAY_UNSUPPORTED, "adapter"},
    {"llama3", "general.type", NULL, ASSAY_OK, NULL},
    {"llama3", "general.alignment", "32", ASSAY_OK, NULL},
    {"llama3", "split.count", "0", ASSAY_OK, NULL},
    {"llama3", "split.count", "1", ASSAY_OK, NULL},
    {"llama3", "split.count", "2", ASSAY_UNSUPPORTED, "part of 2"},
    {"llama3", "split.count", "\"2\"", ASSAY_FORMAT, "split.count"},
    {"llama3", "qwen2.expert_count", "8", ASSAY_OK, NULL}, // another architecture's
    {"llama3", "llamas.expert_count", "8", ASSAY_OK, NULL},
    {"llama3", "llama.tensor_data_layout", "\"Meta AI original pth\"", ASSAY_OK, NULL},
    {"llama3", "llama.logit_scale", "0.5", ASSAY_UNSUPPORTED, "llama.logit_scale"},
    {"llama3", "llama.", "0", ASSAY_UNSUPPORTED, "llama."},
    {"llama3", "llama.attention.sliding_window", "0", ASSAY_OK, NULL},
    {"llama3", "llama.attention.sliding_window", "4096", ASSAY_UNSUPPORTED, "4096"},
    {"llama3", "llama.attention.sliding_window", "[0,0]", ASSAY_FORMAT, "sliding_window"},
    {"llama3", "llama.expert_count", "0", ASSAY_OK, NULL},
    {"llama3", "llama.expert_count", "8", ASSAY_UNSUPPORTED, "llama.expert_count is 8"},
    {"llama3", "llama.expert_used_count", "2", ASSAY_UNSUPPORTED, "expert_used_count"},
    {"llama3", "llama.block_count", NULL, ASSAY_MISSING, "block_count"},
    {"llama3", "llama.block_count", "0", ASSAY_RANGE, "block_count"},
    {"llama3", "llama.block_count", "257", ASSAY_RANGE, "257"},
    {"llama3", "llama.block_count", "2.0", ASSAY_FORMAT, "block_count"},
    {"llama3", "llama.block_count", "1", ASSAY_UNKNOWN, "model.layers.1."},
    {"llama3", "llama.block_count", "3", ASSAY_MISSING, "model.layers.2."},
    {"llama3", "llama.embedding_length", NULL, ASSAY_MISSING, "embedding_length"},
    {"llama3", "llama.embedding_length", "128", ASSAY_MISMATCH, "rope.dimension_count is 16"},
    {"mistral", "llama.embedding_length", "128", ASSAY_MISMATCH, "embed_tokens"},
    {"llama3", "llama.attention.head_count", NULL, ASSAY_MISSING, "head_count"},
    {"llama3", "llama.attention.head_count", "[4,4]", ASSAY_FORMAT, "head_count"},
    {"llama3", "llama.attention.head_count", "3", ASSAY_MISSING, "key_length"},
    {"llama3", "llama.attention.head_count_kv", NULL, ASSAY_MISMATCH, "k_proj"}, // as many as heads
    {"llama3", "llama.attention.head_count_kv", "3", ASSAY_RANGE, "3"},
    {"llama3", "llama.feed_forward_length", NULL, ASSAY_MISSING, "feed_forward_length"},
    {"llama3", "llama.feed_forward_length", "[128,128]", ASSAY_FORMAT, "feed_forward_length"},
    {"llama3", "llama.context_length", NULL, ASSAY_MISSING, "context_length"},
    {"llama3", "llama.context_length", "131073", ASSAY_RANGE, "limit 131072, --context"},
    {"llama3", "llama.attention.layer_norm_rms_epsilon", NULL, ASSAY_MISSING, "rms_epsilon"},
    {"llama3", "llama.attention.layer_norm_rms_epsilon", "1", ASSAY_FORMAT, "rms_epsilon"},
    {"llama3", "llama.attention.layer_norm_rms_epsilon", "null", ASSAY_RANGE, "eps"},
    {"llama3", "llama.attention.key_length", "16", ASSAY_OK, NULL},
    {"llama3", "llama.attention.key_length", "32", ASSAY_MISMATCH, "rope.dimension_count"},
    {"llama3", "llama.attention.value_length", "16", ASSAY_OK, NULL},
    {"llama3", "llama.attention.value_length", "32", ASSAY_MISMATCH, "value_length is 32"},
    {"llama3", "llama.rope.dimension_count", "8", ASSAY_MISMATCH, "dimension_count is 8"},
    {"llama3", "llama.rope.dimension_count", NULL, ASSAY_OK, NULL},
    {"llama3", "llama.vocab_size", "2047", ASSAY_MISMATCH, "vocab_size is 2047"},
    {"llama3", "llama.vocab_size", NULL, ASSAY_OK, NULL},
    {"llama3", "tokenizer.ggml.eos_token_id", "2048", ASSAY_RANGE, "eos_token_id"},
    {"llama3", "tokenizer.ggml.eom_token_id", "\"7\"", ASSAY_FORMAT, "eom_token_id"},
    {"qwen3", "qwen3.rope.freq_base", "0.5", ASSAY_RANGE, "freq_base"},
    {"qwen3", "qwen3.rope.freq_base", "null", ASSAY_RANGE, "freq_base"},
    {"qwen3", "qwen3.rope.freq_base", "10000", ASSAY_FORMAT, "freq_base"},
    {"qwen3", "qwen3.rope.scaling.type", "\"none\"", ASSAY_OK, NULL},
    {"qwen3", "qwen3.rope.scaling.type", "\"yarn\"", ASSAY_UNSUPPORTED, "yarn"},
    {"qwen3", "qwen3.rope.scaling.type", "\"linear\"", ASSAY_MISSING, "rope.scaling.factor"},
    {"qwen3", "qwen3.rope.scaling.type", "1", ASSAY_FORMAT, "rope.scaling.type"},
    {"qwen3", "qwen3.rope.scaling.factor", "4.0", ASSAY_MISSING, "rope.scaling.type"},
    {"qwen3", "qwen3.rope.scaling.original_context_length", "8192", ASSAY_UNSUPPORTED,
     "original_context_length"},
    {"qwen3", "qwen3.rope.scale_linear", "4.0", ASSAY_UNSUPPORTED, "scale_linear"},
    {"linear", "llama.rope.scaling.factor", "0.5", ASSAY_RANGE, "0.5"},
    {"linear", "llama.rope.scaling.factor", "null", ASSAY_RANGE, "factor"},
    {"linear", "llama.rope.scaling.factor", "3", ASSAY_FORMAT, "factor"},
    {"llama3", "llama.rope.scaling.type", "\"none\"", ASSAY_OK, NULL},
};

static void pairs_are_checked(void **state) {
    for (size_t i = 0; i < sizeof model_pairs / sizeof *model_pairs; i++) {
        const changed_pair *c = &model_pairs[i];
        tiny t;
        gguf_family g;
        model_open(&t, &g, c->family);
        t.value = quick_value;
        pair_set(&g, c->key, c->value);
        import_expect(&t, &g, TOKENIZER, c->key, c->status, c->word);
        model_close(&t, &g);
    }
}

// Element 0 is 1, 6 between, 7 the factor.
static const struct {
    uint32_t at;
    float times;
    uint32_t count, type;
    assay_status status;
    const char *word;
} divisors[] = {
    {0, 1 + 0x1p-17f, 8, 0, ASSAY_OK, NULL},
    {6, 1 - 0x1p-17f, 8, 0, ASSAY_OK, NULL},
    {0, 1 + 0x1p-15f, 8, 0, ASSAY_UNSUPPORTED, "element 0"},
    {5, 1 - 0x1p-15f, 8, 0, ASSAY_UNSUPPORTED, "element 5"},
    {6, 1 + 0x1p-14f, 8, 0, ASSAY_UNSUPPORTED, "element 6"},
    {3, -1, 8, 0, ASSAY_UNSUPPORTED, "element 3"},
    {3, 0, 8, 0, ASSAY_UNSUPPORTED, "element 3"},
    {7, 2, 8, 0, ASSAY_UNSUPPORTED, "element 6"}, // the factor of others
    {7, 0.0625f, 8, 0, ASSAY_RANGE, "0.5"},
    {7, __builtin_nanf(""), 8, 0, ASSAY_RANGE, "factor"},
    {2, __builtin_nanf(""), 8, 0, ASSAY_UNSUPPORTED, "element 2"},
    {2, __builtin_inff(), 8, 0, ASSAY_UNSUPPORTED, "element 2"},
    {0, 1, 7, 0, ASSAY_MISMATCH, "8 numbers"},
    {0, 1, 9, 0, ASSAY_MISMATCH, "8 numbers"},
    {0, 1, 16, 0, ASSAY_MISMATCH, "8 numbers"},
    {0, 1, 8, 1, ASSAY_MISMATCH, "F32"},
};

// F-24: what is accepted is llama3's, whatever the last bits were, and gives the folder's bytes.
static void divisors_are_recognised(void **state) {
    tiny t;
    gguf_family g;
    imported folder, file;
    model_open(&t, &g, "llama3");
    t.value = quick_value;
    assert_true(g.divisors[5] == 1 && g.divisors[6] > 1 && g.divisors[6] < 8);
    assert_true(g.divisor_count == 8 && g.divisors[7] == 8);
    tiny_write(&t);
    for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++) {
        gguf_family changed = g;
        char what[32];
        snprintf(what, sizeof what, "divisors %zu", i);
        changed.divisors[divisors[i].at] *= divisors[i].times;
        changed.divisor_count = divisors[i].count;
        changed.divisor_type = divisors[i].type;
        import_expect(&t, &changed, TOKENIZER, what, divisors[i].status, divisors[i].word);
        if (divisors[i].status != ASSAY_OK) continue;
        model_import(&folder, &t, NULL, false);
        model_import(&file, &t, &changed, false);
        same_expect(&folder, &file, true);
    }
    pair_set(&g, "llama.rope.scaling.type", "\"linear\"");
    pair_set(&g, "llama.rope.scaling.factor", "8.0");
    import_expect(&t, &g, TOKENIZER, "both scalings", ASSAY_UNSUPPORTED, "beside linear");
    model_close(&t, &g);
}

// F-26
static void a_tokenizer_is_needed(void **state) {
    tiny t;
    gguf_family g;
    imported own, named;
    char path[160];
    assay_hash root;
    assay_error err = {0};
    model_open(&t, &g, "qwen3");
    import_expect(&t, &g, NULL, "no tokenizer", ASSAY_MISSING, "tokenizer.ggml.tokens");
    import_expect(&t, &g, "/nonexistent", "no such tokenizer", ASSAY_NOT_FOUND, "/nonexistent");
    import_expect(&t, &g, t.folder, "a folder as tokenizer", ASSAY_IO, NULL);
    // It takes the place of the folder's.
    tiny_write(&t);
    model_import(&own, &t, NULL, false);
    tiny_file_write(&t, "tokenizer.json", "{}", 2);
    const assay_import_options options = {.tokenizer = TOKENIZER};
    assay_status status = assay_model_import(&named.root, t.folder, t.out, &options, NULL, &err);
    imported_read(&named, &t, status, &err);
    same_expect(&own, &named, true);
    // A file that does not begin so is no GGUF file, and no folder.
    tiny_file_write(&t, "model.gguf", "GGUE", 4);
    tiny_path(path, sizeof path, &t, "model.gguf");
    status = assay_model_import(&root, path, t.out, &options, NULL, NULL);
    assert_int_equal(status, ASSAY_FORMAT);
    status = assay_adapter_import(&root, path, t.out, NULL, NULL);
    assert_int_equal(status, ASSAY_FORMAT);
    model_close(&t, &g);
}

// F-35: a file's own tokenizer is the model's where no other is named.
static void a_file_brings_its_tokenizer(void **state) {
    static const uint32_t expected[] = {73, 439, 112, 45, 399, 297, 1534, 34};
    static const char text[] = "Hello, Watson!";
    tiny t;
    gguf_family g;
    imported file;
    json_t *json, *vocab, *id, *tokens = json_array(), *types = json_array();
    const char *token;
    assay_model model = {0};
    assay_tokenizer *tokenizer;
    uint32_t *ids;
    size_t count;
    char path[160];
    assay_error err = {0};
    model_open(&t, &g, "llama3");
    assert_int_equal(assay_json_read_many(&json, TOKENIZER, 1 << 20, SIZE_MAX, NULL), ASSAY_OK);
    vocab = json_object_get(json_object_get(json, "model"), "vocab");
    for (size_t i = 0; i < json_object_size(vocab); i++) {
        json_array_append_new(tokens, json_null());
        json_array_append_new(types, json_integer(1));
    }
    json_object_foreach(vocab, token, id)
        json_array_set_new(tokens, (size_t)json_integer_value(id), json_string(token));
    json_object_set_new(g.pairs, "tokenizer.ggml.tokens", tokens);
    json_object_set_new(g.pairs, "tokenizer.ggml.token_type", types);
    json_object_set(g.pairs, "tokenizer.ggml.merges",
                    json_object_get(json_object_get(json, "model"), "merges"));
    pair_set(&g, "tokenizer.ggml.pre", "\"gpt-2\"");
    gguf_family_write(&g, &t);
    tiny_path(path, sizeof path, &t, "model.gguf");
    assay_status status = assay_model_import(&file.root, path, t.out, NULL, NULL, &err);
    if (status != ASSAY_OK) fail_msg("%s", err.text);
    assert_int_equal(assay_model_open(&model, t.out, &err), ASSAY_OK);
    assert_int_equal(assay_tokenizer_open(&tokenizer, model.tokenizer.data, model.tokenizer.size,
                                          model.shape.vocab_size, &err),
                     ASSAY_OK);
    assert_int_equal(assay_tokenizer_encode(tokenizer, &ids, &count, text, sizeof text - 1, &err),
                     ASSAY_OK);
    assert_int_equal(count, 8);
    assert_memory_equal(ids, expected, sizeof expected);
    free(ids);
    assay_tokenizer_close(tokenizer);
    assay_model_close(&model);
    json_decref(json);
    model_close(&t, &g);
}

// F-22, and F-25's of adapters.
static void names_are_translated(void **state) {
    static const struct {
        const char *from, *to; // to NULL: refused
        bool lora, rotated;
    } cases[] = {
        {"output.weight", "lm_head.weight", false, false},
        {"blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight", false, true},
        {"blk.255.attn_k.bias", "model.layers.255.self_attn.k_proj.bias", false, true},
        {"blk.10.attn_k_norm.weight", "model.layers.10.self_attn.k_norm.weight", false, false},
        {"blk.00.attn_q.weight", NULL, false, false},
        {"blk.01.attn_q.weight", NULL, false, false},
        {"blk.256.attn_q.weight", NULL, false, false},
        {"blk.4294967296.attn_q.weight", NULL, false, false},
        {"blk.-1.attn_q.weight", NULL, false, false},
        {"blk..attn_q.weight", NULL, false, false},
        {"blk.0attn_q.weight", NULL, false, false},
        {"blk.0.", NULL, false, false},
        {"blk.0.attn_output.bias", NULL, false, false},
        {"blk.0.attn_q", NULL, false, false},
        {"blk.0.attn_qkv.weight", NULL, false, false},
        {"blk.0.ffn_gate_exps.weight", NULL, false, false},
        {"blk.0.token_embd.weight", NULL, false, false},
        {"output_norm.bias", NULL, false, false},
        {"model.norm.weight", NULL, false, false},
        {"blk.1.attn_q.weight.lora_a",
         "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight", true, false},
        {"blk.1.attn_q.weight.lora_b",
         "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight", true, true},
        {"blk.1.attn_q.weight.lora_c", NULL, true, false},
        {"blk.1.attn_q.bias.lora_a", NULL, true, false},
        {"blk.1.attn_q.weight", NULL, true, false},
        {"token_embd.weight.lora_a", NULL, true, false},
        {"blk.weight.lora_a", NULL, true, false},
        {".weight.lora_a", NULL, true, false},
        {"a", NULL, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_gguf_named named;
        assay_status status = (cases[i].lora ? assay_gguf_lora_name_read
                                             : assay_gguf_name_read)(&named, cases[i].from, NULL);
        if (status != (cases[i].to ? ASSAY_OK : ASSAY_UNKNOWN)) fail_msg("%s", cases[i].from);
        if (!cases[i].to) continue;
        assert_string_equal(named.name, cases[i].to);
        assert_int_equal(named.rotated, cases[i].rotated);
    }
}

static void tensors_are_checked(void **state) {
    tiny t;
    gguf_family g;
    model_open(&t, &g, "llama3");
    tiny_find(&t, "model.layers.1.self_attn.k_proj.weight")->rows = 24; // heads are of 16
    import_expect(&t, &g, TOKENIZER, "half a head", ASSAY_MISMATCH, "24 rows");
    tiny_find(&t, "model.layers.1.self_attn.k_proj.weight")->rows = 48;
    import_expect(&t, &g, TOKENIZER, "three heads", ASSAY_MISMATCH, "k_proj");
    tiny_find(&t, "model.layers.1.self_attn.k_proj.weight")->rows = 0;
    import_expect(&t, &g, TOKENIZER, "no k", ASSAY_MISSING, "k_proj");
    tiny_find(&t, "model.embed_tokens.weight")->rows = 0;
    import_expect(&t, &g, TOKENIZER, "no vocabulary", ASSAY_MISSING, "token_embd");
    model_close(&t, &g);
    model_open(&t, &g, "llama3");
    tiny_bias_add(&t, "model.layers.0.self_attn.q_proj", 64);
    import_expect(&t, &g, TOKENIZER, "a llama's bias", ASSAY_UNSUPPORTED, "attn_q.bias");
    model_close(&t, &g);
    model_open(&t, &g, "qwen3");
    tiny_tensor_add(&t, "model.layers.0.ffn_gate_inp", 8, 64);
    import_expect(&t, &g, TOKENIZER, "a router", ASSAY_UNKNOWN, "blk.0.ffn_gate_inp.weight");
    model_close(&t, &g);
}

// The imported base of an adapter; its folder goes at once, what is mapped stays.
static void base_open(assay_model *base, const json_t *config) {
    tiny t;
    assay_hash root;
    family_open(&t, config);
    tiny_write(&t);
    assert_int_equal(assay_model_import(&root, t.folder, t.out, NULL, NULL, NULL), ASSAY_OK);
    assert_int_equal(assay_model_open(base, t.out, NULL), ASSAY_OK);
    tiny_close(&t);
}

static void adapter_import(imported *out, const tiny *t, const gguf_family *g,
                           const assay_model *base) {
    char path[160];
    assay_error err = {0};
    if (g) gguf_family_write(g, t);
    tiny_path(path, sizeof path, t, "model.gguf");
    assay_status status =
        assay_adapter_import(&out->root, g ? path : t->folder, t->out, base, &err);
    imported_read(out, t, status, &err);
}

// F-25: the rank is a pair's own, and only files of llamas need a base.
static void adapters_give_the_bytes_of_folders(void **state) {
    static const char *const names[] = {"llama3", "mistral", "qwen2", "qwen3"};
    for (int i = 0; i < 4; i++) {
        tiny t;
        gguf_family g;
        assay_model base;
        imported folder, file;
        const json_t *config = family_config_find(recorded, names[i]);
        base_open(&base, config);
        family_adapter_open(&t, config);
        gguf_adapter_open(&g, config);
        tiny_set(&t, "lora_alpha", "-3.0");
        pair_set(&g, "adapter.lora.alpha", "-3.0");
        tiny_set(&t, "rank_pattern", "{\"layers.1.self_attn.q_proj\":3}");
        tiny_find(&t, "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight")->rows = 3;
        tiny_find(&t, "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight")->columns =
            3;
        tiny_write(&t);
        adapter_import(&folder, &t, NULL, &base);
        adapter_import(&file, &t, &g, &base);
        same_expect(&folder, &file, true);
        if (!g.paired) {
            adapter_import(&folder, &t, NULL, NULL);
            adapter_import(&file, &t, &g, NULL);
            same_expect(&folder, &file, true);
        }
        gguf_family_close(&g);
        tiny_close(&t);
        assay_model_close(&base);
    }
}

static void adapter_expect(const tiny *t, const gguf_family *g, const assay_model *base,
                           const char *what, assay_status expected, const char *word) {
    char path[160];
    assay_hash root;
    assay_error err = {0};
    gguf_family_write(g, t);
    tiny_file_write(t, "out.assay", "old", 3);
    tiny_path(path, sizeof path, t, "model.gguf");
    assay_status status = assay_adapter_import(&root, path, t->out, base, &err);
    result_expect(t, what, status, &err, expected, word);
}

static const changed_pair adapter_pairs[] = {
    {"qwen2", "general.type", NULL, ASSAY_MISSING, "general.type"},
    {"qwen2", "general.type", "\"model\"", ASSAY_UNSUPPORTED, "\"model\""},
    {"qwen2", "general.architecture", NULL, ASSAY_MISSING, "general.architecture"},
    {"qwen2", "general.architecture", "\"gemma2\"", ASSAY_UNSUPPORTED, "gemma2"},
    {"qwen2", "general.architecture", "\"llama\"", ASSAY_MISSING, "needs its base"},
    {"llama3", "general.name", "\"x\"", ASSAY_MISSING, "needs its base"},
    {"qwen2", "adapter.type", NULL, ASSAY_MISSING, "adapter.type"},
    {"qwen2", "adapter.type", "\"control_vector\"", ASSAY_UNSUPPORTED, "control_vector"},
    {"qwen2", "adapter.lora.alpha", NULL, ASSAY_MISSING, "adapter.lora.alpha"},
    {"qwen2", "adapter.lora.alpha", "8", ASSAY_FORMAT, "adapter.lora.alpha"},
    {"qwen2", "adapter.lora.alpha", "0.0", ASSAY_RANGE, "is 0"},
    {"qwen2", "adapter.lora.alpha", "-0.0", ASSAY_RANGE, "is -0"},
    {"qwen2", "adapter.lora.alpha", "null", ASSAY_NONFINITE, "not finite"},
    {"qwen2", "adapter.lora.alpha", "1048576.0", ASSAY_OK, NULL},
    {"qwen2", "adapter.lora.alpha", "-1048577.0", ASSAY_RANGE, "-1.04858e+06"},
    {"qwen2", "adapter.alora.invocation_tokens", "[1,2]", ASSAY_UNSUPPORTED, "adapter.alora"},
    {"qwen2", "adapter.lora.task_name", "\"x\"", ASSAY_UNSUPPORTED, "adapter.lora.task_name"},
    {"qwen2", "adapter.", "1", ASSAY_UNSUPPORTED, "adapter."},
    {"qwen2", "adapters.x", "1", ASSAY_OK, NULL},
};

static void adapter_pairs_are_checked(void **state) {
    for (size_t i = 0; i < sizeof adapter_pairs / sizeof *adapter_pairs; i++) {
        const changed_pair *c = &adapter_pairs[i];
        tiny t;
        gguf_family g;
        const json_t *config = family_config_find(recorded, c->family);
        family_adapter_open(&t, config);
        gguf_adapter_open(&g, config);
        t.value = quick_value;
        pair_set(&g, c->key, c->value);
        adapter_expect(&t, &g, NULL, c->key, c->status, c->word);
        gguf_family_close(&g);
        tiny_close(&t);
    }
}

// Each changes one tensor of layer 0; rows 0 leaves it out.
static void adapter_tensors_are_checked(void **state) {
    static const struct {
        const char *name;
        uint32_t rows, columns;
        assay_status status;
        const char *word;
    } cases[] = {
        {"self_attn.q_proj.lora_B", 0, 0, ASSAY_MISSING, "lora_B"},
        {"mlp.down_proj.lora_A", 0, 0, ASSAY_MISSING, "lora_A"},
        {"self_attn.v_proj.lora_A", 3, 64, ASSAY_MISMATCH, "rank 4"},
        {"self_attn.v_proj.lora_A", 4, 0, ASSAY_MISMATCH, "no matrix"},
        {"self_attn.v_proj.lora_A", 1025, 64, ASSAY_RANGE, "1025"},
        {"self_attn.q_proj.lora_A", 4, 128, ASSAY_MISMATCH, "q_proj"},
        {"self_attn.q_proj.lora_B", 128, 4, ASSAY_MISMATCH, "q_proj"},
        {"self_attn.q_proj.lora_B", 72, 4, ASSAY_MISMATCH, "72 rows"},
        {"self_attn.q_norm.lora_A", 4, 16, ASSAY_UNKNOWN, "q_norm"},
        {"attn_rot.lora_A", 4, 16, ASSAY_UNKNOWN, "attn_rot"},
    };
    const json_t *config = family_config_find(recorded, "llama3");
    assay_model base;
    base_open(&base, config);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny t;
        gguf_family g;
        char name[96];
        family_adapter_open(&t, config);
        gguf_adapter_open(&g, config);
        snprintf(name, sizeof name, "base_model.model.model.layers.0.%s", cases[i].name);
        if (cases[i].status == ASSAY_UNKNOWN) tiny_tensor_add(&t, name, 1, 1);
        snprintf(name + strlen(name), sizeof name - strlen(name), ".weight");
        tiny_find(&t, name)->rows = cases[i].rows;
        tiny_find(&t, name)->columns = cases[i].columns;
        adapter_expect(&t, &g, &base, cases[i].name, cases[i].status, cases[i].word);
        gguf_family_close(&g);
        tiny_close(&t);
    }
    assay_model_close(&base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_give_the_bytes_of_folders),
        cmocka_unit_test(a_shorter_context_gives_its_own_bytes),
        cmocka_unit_test(stop_ids_are_those_of_the_tokenizer),
        cmocka_unit_test(pairs_are_checked),
        cmocka_unit_test(divisors_are_recognised),
        cmocka_unit_test(a_tokenizer_is_needed),
        cmocka_unit_test(a_file_brings_its_tokenizer),
        cmocka_unit_test(names_are_translated),
        cmocka_unit_test(tensors_are_checked),
        cmocka_unit_test(adapters_give_the_bytes_of_folders),
        cmocka_unit_test(adapter_pairs_are_checked),
        cmocka_unit_test(adapter_tensors_are_checked),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
