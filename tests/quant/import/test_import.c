// SPDX-License-Identifier: Apache-2.0
// Hugging Face folders to canonical files (F-10), against the answers of an independent
// implementation (tests/vectors/exact.json).
#include "base/sha256.h"
#include "kernels/float.h"
#include "quant/import/adapter_import.h"
#include "quant/import/hf_config.h"
#include "quant/import/import.h"
#include "quant/inv_freq.h"
#include "tests/quant/tiny.h"

static char demo_path[] = "/tmp/assay_import_XXXXXX";
static assay_model demo;

static void progress_watch(void *context, uint64_t done, uint64_t total) {
    uint64_t *last = context;
    assert_true(done > *last && done <= total);
    *last = done == total ? UINT64_MAX - 1 : done;
}

static int demo_open(void **state) {
    assay_error err = {0};
    assay_hash root;
    uint64_t last = 0;
    close(mkstemp(demo_path));
    const assay_import_options options = {.progress = progress_watch, .context = &last};
    if (assay_model_import(&root, ASSAY_SOURCE_DIR "/testnet/model", demo_path, &options, NULL,
                           &err) != ASSAY_OK ||
        assay_model_open(&demo, demo_path, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assert_int_equal(last, UINT64_MAX - 1);
    assert_memory_equal(&root, &demo.root, sizeof root);
    return 0;
}

static int demo_close(void **state) {
    assay_model_close(&demo);
    return unlink(demo_path);
}

static void expect_sha256(json_t *vectors, const char *name, const char *member, const void *data,
                          size_t size) {
    assay_hash hash;
    assay_sha256_of(&hash, data, size);
    vectors_expect_sha256(json_object_get(vectors, name), member, &hash);
}

static void q4_matches(json_t *vectors, const char *name, const assay_q4 *q4) {
    size_t count = (size_t)q4->n * q4->k;
    uint8_t *codes = malloc(count);
    for (size_t i = 0; i < count; i++)
        codes[i] = q4->codes[i / 2] >> (i % 2 ? 4 : 0) & 15;
    expect_sha256(vectors, name, "codes_sha256", codes, count);
    expect_sha256(vectors, name, "ratios_sha256", q4->ratios, count / 64);
    expect_sha256(vectors, name, "scales_sha256", q4->scales, q4->n * sizeof(float));
    free(codes);
}

static void demo_matches_the_vectors(void **state) {
    json_t *root = vectors_read("exact.json"), *vectors = vectors_at(root, "import");
    q4_matches(vectors, "model.layers.0.self_attn.q_proj", &demo.layers[0].linears[ASSAY_LINEAR_Q]);
    q4_matches(vectors, "model.layers.3.mlp.down_proj", &demo.layers[3].linears[ASSAY_LINEAR_DOWN]);
    const assay_q8 *embedding = &demo.embedding;
    expect_sha256(vectors, "model.embed_tokens", "q_sha256", embedding->q,
                  (size_t)embedding->n * embedding->k);
    expect_sha256(vectors, "model.embed_tokens", "scales_sha256", embedding->scales,
                  embedding->n * sizeof(float));
    size_t size, count = 512 * 16 * sizeof(float);
    double *inv_freq = vectors_bytes(vectors, "rope.inv_freq_f64", &size);
    assert_int_equal(size, 16 * sizeof(double));
    assert_memory_equal(inv_freq, demo.inv_freq, size);
    free(inv_freq);
    expect_sha256(vectors, "rope", "cos_f32_sha256", demo.rope_cos, count);
    expect_sha256(vectors, "rope", "sin_f32_sha256", demo.rope_sin, count);
    json_decref(root);
}

static void demo_has_the_configuration_s_shape(void **state) {
    const assay_model_shape *shape = &demo.shape;
    assert_int_equal(shape->layer_count, 6);
    assert_int_equal(shape->width, 256);
    assert_int_equal(shape->head_count, 8);
    assert_int_equal(shape->kv_head_count, 4);
    assert_int_equal(shape->head_size, 32);
    assert_int_equal(shape->ff_width, 704);
    assert_int_equal(shape->vocab_size, 2048);
    assert_int_equal(shape->context_size, 512);
    assert_true(shape->eps == 1e-5f);
    assert_int_equal(shape->stop_count, 1);
    assert_int_equal(shape->stop_ids[0], 0);
    assert_ptr_equal(demo.head.q, demo.embedding.q);
    uint8_t *text;
    size_t size;
    assert_int_equal(assay_file_read(ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json", 1 << 20,
                                     &text, &size, NULL),
                     ASSAY_OK);
    assert_int_equal(size, demo.tokenizer.size);
    assert_memory_equal(text, demo.tokenizer.data, size);
    free(text);
}

static void import_is_deterministic(void **state) {
    tiny t;
    assay_hash first, second;
    assay_error err = {0};
    uint8_t *a, *b;
    size_t a_size, b_size;
    tiny_open(&t);
    tiny_write(&t);
    assert_int_equal(assay_model_import(&first, t.folder, t.out, NULL, NULL, &err), ASSAY_OK);
    assert_int_equal(assay_file_read(t.out, 1 << 24, &a, &a_size, &err), ASSAY_OK);
    assert_int_equal(assay_model_import(&second, t.folder, t.out, NULL, NULL, &err), ASSAY_OK);
    assert_int_equal(assay_file_read(t.out, 1 << 24, &b, &b_size, &err), ASSAY_OK);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    assert_memory_equal(&first, &second, sizeof first);
    free(b);
    // The same numbers in another float format are the same model.
    static const assay_dtype dtypes[] = {ASSAY_DTYPE_F32, ASSAY_DTYPE_F16};
    for (int i = 0; i < 2; i++) {
        t.dtype = dtypes[i];
        tiny_write(&t);
        assert_int_equal(assay_model_import(&second, t.folder, t.out, NULL, NULL, &err), ASSAY_OK);
        assert_memory_equal(&first, &second, sizeof first);
    }
    free(a);
    tiny_close(&t);
}

// Flush to zero and round towards zero, as the control register of each architecture says it.
#if defined(__x86_64__)
static const uint64_t hostile = 0xFFC0;
#else
static const uint64_t hostile = 3 << 22 | 1 << 24;
#endif

// N-2: what a library left in the floating-point environment changes no byte, and stays.
static void float_environment_is_our_own(void **state) {
    char path[] = "/tmp/assay_import_XXXXXX";
    assay_hash root = {0};
    assay_model model;
    close(mkstemp(path));
    uint64_t former = assay_float_enter();
    assay_float_leave(hostile);
    assay_status imported =
        assay_model_import(&root, ASSAY_SOURCE_DIR "/testnet/model", path, NULL, NULL, NULL);
    assay_status opened = assay_model_open(&model, path, NULL);
    uint64_t after = assay_float_enter();
    assay_float_leave(former);
    assert_int_equal(imported, ASSAY_OK);
    assert_int_equal(opened, ASSAY_OK);
    assert_int_equal(after & hostile, hostile);
    assert_memory_equal(&root, &demo.root, sizeof root);
    assay_model_close(&model);
    unlink(path);
}

// Imports and expects a status; on failure the folder keeps its older file and nothing else.
static void import_expect(tiny *t, const char *what, assay_status expected) {
    assay_hash root;
    assay_error err = {0};
    tiny_write(t);
    tiny_file_write(t, "out.assay", "old", 3);
    assay_status status = assay_model_import(&root, t->folder, t->out, NULL, NULL, &err);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(expected));
    uint8_t *data;
    size_t size;
    assert_int_equal(assay_file_read(t->out, 1 << 24, &data, &size, NULL), ASSAY_OK);
    assert_int_equal(size == 3, status != ASSAY_OK);
    free(data);
}

// Each replaces or adds one member of the tiny configuration.
static const struct {
    const char *name, *value;
    assay_status status;
} configurations[] = {
    {"model_type", "\"mistral\"", ASSAY_UNSUPPORTED},
    {"model_type", "7", ASSAY_FORMAT},
    {"architectures", "[\"LlamaForSequenceClassification\"]", ASSAY_UNSUPPORTED},
    {"architectures", "[]", ASSAY_UNSUPPORTED},
    {"hidden_act", "\"gelu\"", ASSAY_UNSUPPORTED},
    {"attention_bias", "true", ASSAY_UNSUPPORTED},
    {"mlp_bias", "true", ASSAY_UNSUPPORTED},
    {"rope_scaling", "{\"rope_type\":\"dynamic\"}", ASSAY_UNSUPPORTED},
    {"sliding_window", "15", ASSAY_UNSUPPORTED}, // in a context of 16
    {"sliding_window", "16", ASSAY_OK},
    {"quantization_config", "{\"load_in_4bit\":true}", ASSAY_UNSUPPORTED},
    {"attn_logit_softcapping", "50.0", ASSAY_UNSUPPORTED},
    {"query_pre_attn_scalar", "1", ASSAY_UNKNOWN},
    {"partial_rotary_factor", "0.5", ASSAY_UNKNOWN},
    {"hidden_size", "96", ASSAY_RANGE},
    {"hidden_size", "128", ASSAY_MISMATCH},
    {"hidden_size", "65600", ASSAY_RANGE},
    {"hidden_size", "\"many\"", ASSAY_FORMAT},
    {"hidden_size", "64.0", ASSAY_FORMAT},
    {"hidden_size", "-64", ASSAY_FORMAT},
    {"intermediate_size", "100", ASSAY_RANGE},
    {"intermediate_size", "192", ASSAY_MISMATCH},
    {"num_hidden_layers", "0", ASSAY_RANGE},
    {"num_hidden_layers", "257", ASSAY_RANGE},
    {"num_hidden_layers", "2", ASSAY_MISSING},
    {"num_attention_heads", "3", ASSAY_RANGE},
    {"num_attention_heads", "4", ASSAY_MISMATCH},
    {"num_attention_heads", "4294967295", ASSAY_RANGE},
    {"num_key_value_heads", "3", ASSAY_RANGE},
    {"num_key_value_heads", "2", ASSAY_MISMATCH},
    {"head_dim", "31", ASSAY_RANGE},
    {"head_dim", "512", ASSAY_RANGE},
    {"head_dim", "null", ASSAY_OK},
    {"vocab_size", "2049", ASSAY_MISMATCH},
    {"vocab_size", "2047", ASSAY_RANGE}, // the tokenizer has an id 2047
    {"vocab_size", "1048577", ASSAY_RANGE},
    {"max_position_embeddings", "0", ASSAY_RANGE},
    {"max_position_embeddings", "131073", ASSAY_RANGE},
    {"rms_norm_eps", "0.0", ASSAY_RANGE},
    {"rms_norm_eps", "1e-13", ASSAY_RANGE},
    {"rms_norm_eps", "1.0000001", ASSAY_RANGE},
    {"rms_norm_eps", "\"1e-5\"", ASSAY_FORMAT},
    {"rms_norm_eps", "1", ASSAY_OK},
    {"rope_theta", "0.5", ASSAY_RANGE},
    {"rope_theta", "1e13", ASSAY_RANGE},
    {"rope_theta", "null", ASSAY_FORMAT},
    {"rope_theta", "500000", ASSAY_OK},
    {"rope_parameters", "{\"rope_type\":\"default\",\"rope_theta\":1e4}", ASSAY_DUPLICATE},
    {"tie_word_embeddings", "false", ASSAY_MISSING},
    {"tie_word_embeddings", "1", ASSAY_FORMAT},
    {"eos_token_id", "2048", ASSAY_RANGE},
    {"eos_token_id", "[0,-1]", ASSAY_RANGE},
    {"eos_token_id", "\"0\"", ASSAY_RANGE},
    {"eos_token_id", "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]", ASSAY_CAPACITY},
    {"eos_token_id", "null", ASSAY_OK},
    {"use_cache", "true", ASSAY_OK},
    {"transformers_version", "\"4.46.0\"", ASSAY_OK},
};

static void configuration_is_checked(void **state) {
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++) {
        tiny t;
        tiny_open(&t);
        tiny_set(&t, configurations[i].name, configurations[i].value);
        import_expect(&t, configurations[i].name, configurations[i].status);
        tiny_close(&t);
    }
    static const char *const needed[] = {
        "model_type",          "hidden_size", "intermediate_size",       "num_hidden_layers",
        "num_attention_heads", "vocab_size",  "max_position_embeddings", "rms_norm_eps",
        "tie_word_embeddings" /* then an own head is needed */};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        tiny t;
        tiny_open(&t);
        json_object_del(t.config, needed[i]);
        import_expect(&t, needed[i], ASSAY_MISSING);
        tiny_close(&t);
    }
}

// Defaults of the Llama family stand in for absent members.
static void configuration_defaults(void **state) {
    tiny t;
    assay_hf_config config;
    assay_error err = {0};
    tiny_open(&t);
    tiny_set(&t, "eos_token_id", "[7,3,7,0]");
    json_object_del(t.config, "num_key_value_heads");
    json_object_del(t.config, "head_dim");
    json_object_del(t.config, "rope_theta");
    json_object_del(t.config, "tie_word_embeddings");
    assert_int_equal(assay_hf_config_read(&config, t.config, 0, &err), ASSAY_OK);
    assert_int_equal(config.shape.kv_head_count, 2);
    assert_int_equal(config.shape.head_size, 32);
    assert_true(config.rope_theta == 10000);
    assert_false(config.tied);
    static const uint32_t stops[] = {0, 3, 7};
    assert_int_equal(config.shape.stop_count, 3);
    assert_memory_equal(config.shape.stop_ids, stops, sizeof stops);
    tiny_set(&t, "rope_parameters", "{\"rope_type\":\"default\",\"rope_theta\":500000.0}");
    assert_int_equal(assay_hf_config_read(&config, t.config, 0, &err), ASSAY_OK);
    assert_true(config.rope_theta == 500000);
    tiny_set(&t, "rope_parameters", "{\"rope_type\":\"llama3\",\"rope_theta\":500000.0}");
    assert_int_equal(assay_hf_config_read(&config, t.config, 0, NULL), ASSAY_MISSING);
    tiny_set(&t, "rope_parameters", "{\"rope_type\":\"default\",\"factor\":8.0}");
    assert_int_equal(assay_hf_config_read(&config, t.config, 0, NULL), ASSAY_UNKNOWN);
    tiny_close(&t);
}

static void stops_expect(const assay_model_shape *shape, const char *what, const char *wanted) {
    json_t *ids = json_loads(wanted, 0, NULL);
    bool same = json_array_size(ids) == shape->stop_count;
    for (uint32_t i = 0; same && i < shape->stop_count; i++)
        same = json_integer_value(json_array_get(ids, i)) == shape->stop_ids[i];
    json_decref(ids);
    if (!same) fail_msg("%s: stop ids are not %s", what, wanted);
}

// LlamaConfig().eos_token_id and MistralConfig's are 2 (transformers 4.51), Qwen's are None.
static void stop_ids_default_as_the_library_s(void **state) {
    static const struct {
        const char *model_type, *architecture, *wanted;
    } cases[] = {
        {"llama", "[\"LlamaForCausalLM\"]", "[2]"},
        {"mistral", "[\"MistralForCausalLM\"]", "[2]"},
        {"qwen2", "[\"Qwen2ForCausalLM\"]", "[]"},
        {"qwen3", "[\"Qwen3ForCausalLM\"]", "[]"},
    };
    for (size_t i = 0; i < ASSAY_COUNT(cases); i++) {
        tiny t;
        assay_hf_config config;
        tiny_open(&t);
        json_object_set_new(t.config, "model_type", json_string(cases[i].model_type));
        tiny_set(&t, "architectures", cases[i].architecture);
        json_object_del(t.config, "attention_bias");
        json_object_del(t.config, "eos_token_id");
        assert_int_equal(assay_hf_config_read(&config, t.config, 0, NULL), ASSAY_OK);
        stops_expect(&config.shape, cases[i].model_type, cases[i].wanted);
        tiny_set(&t, "eos_token_id", "null");
        assert_int_equal(assay_hf_config_read(&config, t.config, 0, NULL), ASSAY_OK);
        stops_expect(&config.shape, cases[i].model_type, "[]");
        tiny_close(&t);
    }
}

// config.json names id 0.
static void generation_config_has_the_stop_ids(void **state) {
    static const struct {
        const char *text;
        assay_status status;
        const char *wanted;
    } cases[] = {
        {"{\"eos_token_id\":9}", ASSAY_OK, "[9]"},
        {"{\"eos_token_id\":[9,3,9],\"temperature\":0.6,\"new\":{}}", ASSAY_OK, "[3,9]"},
        {"{\"eos_token_id\":[]}", ASSAY_OK, "[]"},
        {"{\"eos_token_id\":null}", ASSAY_OK, "[0]"},
        {"{\"bos_token_id\":1}", ASSAY_OK, "[0]"},
        {"{\"eos_token_id\":2048}", ASSAY_RANGE, NULL},
        {"{\"eos_token_id\":[1,-1]}", ASSAY_RANGE, NULL},
        {"{\"eos_token_id\":\"2\"}", ASSAY_RANGE, NULL},
        {"{\"eos_token_id\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}", ASSAY_CAPACITY, NULL},
        {"[2]", ASSAY_FORMAT, NULL},
        {"{\"eos_token_id\":2", ASSAY_FORMAT, NULL},
    };
    for (size_t i = 0; i < ASSAY_COUNT(cases); i++) {
        tiny t;
        assay_model model;
        tiny_open(&t);
        tiny_file_write(&t, "generation_config.json", cases[i].text, strlen(cases[i].text));
        import_expect(&t, cases[i].text, cases[i].status);
        if (cases[i].status == ASSAY_OK) {
            assert_int_equal(assay_model_open(&model, t.out, NULL), ASSAY_OK);
            stops_expect(&model.shape, cases[i].text, cases[i].wanted);
            assay_model_close(&model);
        }
        tiny_close(&t);
    }
}

static void tensors_are_checked(void **state) {
    tiny t;
    tiny_open(&t);
    uint32_t count = t.count;
    tiny_close(&t);
    for (uint32_t i = 0; i < count; i++) {
        tiny_open(&t);
        t.tensors[i].rows--;
        import_expect(&t, t.tensors[i].name, ASSAY_MISMATCH);
        t.tensors[i].rows = 0;
        import_expect(&t, t.tensors[i].name, ASSAY_MISSING);
        tiny_close(&t);
    }
    tiny_open(&t);
    tiny_find(&t, "model.norm.weight")->columns = 1;
    import_expect(&t, "a norm of rank 2", ASSAY_MISMATCH);
    tiny_close(&t);
    static const char *const extra[] = {
        "model.layers.1.input_layernorm", "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.self_attn.q_norm", "model.layers.00.self_attn.q_proj"};
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        tiny_open(&t);
        tiny_tensor_add(&t, extra[i], 64, 0);
        import_expect(&t, extra[i], ASSAY_UNKNOWN);
        tiny_close(&t);
    }
    tiny_open(&t);
    tiny_tensor_add(&t, "", 16, 0);
    snprintf(t.tensors[t.count - 1].name, sizeof t.tensors[0].name,
             "model.layers.0.self_attn.rotary_emb.inv_freq");
    import_expect(&t, "redundant frequencies", ASSAY_OK);
    t.dtype = ASSAY_DTYPE_F64;
    import_expect(&t, "F64 weights", ASSAY_UNSUPPORTED);
    tiny_close(&t);
}

static void values_are_checked(void **state) {
    static const struct {
        assay_dtype dtype;
        uint32_t bits;
        assay_status status;
    } cases[] = {
        {ASSAY_DTYPE_F32, 0x7fc00000, ASSAY_NONFINITE},
        {ASSAY_DTYPE_F32, 0x7f800001, ASSAY_NONFINITE},
        {ASSAY_DTYPE_F32, 0xff800000, ASSAY_NONFINITE},
        {ASSAY_DTYPE_F32, 0x49800000, ASSAY_OK},
        {ASSAY_DTYPE_F32, 0x49800001, ASSAY_RANGE},
        {ASSAY_DTYPE_F32, 0xff7fffff, ASSAY_RANGE},
        {ASSAY_DTYPE_F32, 0x00000001, ASSAY_OK},
        {ASSAY_DTYPE_F32, 0x80000000, ASSAY_OK},
        {ASSAY_DTYPE_BF16, 0x7fc00000, ASSAY_NONFINITE},
        {ASSAY_DTYPE_BF16, 0x49810000, ASSAY_RANGE},
        {ASSAY_DTYPE_F16, 0x7e000000, ASSAY_NONFINITE},
        {ASSAY_DTYPE_F16, 0xfc000000, ASSAY_NONFINITE},
        {ASSAY_DTYPE_F16, 0x7bff0000, ASSAY_OK},
        {ASSAY_DTYPE_F16, 0x00010000, ASSAY_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny t;
        tiny_open(&t);
        t.dtype = cases[i].dtype;
        t.bits = cases[i].bits;
        t.spoiled = 2048 * 64 + 5; // in a norm
        import_expect(&t, "norm", cases[i].status);
        t.spoiled = t.size - 65; // the last element of the last linear
        import_expect(&t, "linear", cases[i].status);
        t.spoiled = 0;
        import_expect(&t, "embedding", cases[i].status);
        tiny_close(&t);
    }
}

static void files_are_needed(void **state) {
    static const char *const names[] = {"config.json", "tokenizer.json", "model.safetensors"};
    for (int i = 0; i < 3; i++) {
        tiny t;
        char path[160];
        assay_hash root;
        tiny_open(&t);
        tiny_write(&t);
        tiny_path(path, sizeof path, &t, names[i]);
        truncate(path, 100);
        assay_status status = assay_model_import(&root, t.folder, t.out, NULL, NULL, NULL);
        assert_true(status == ASSAY_FORMAT || status == ASSAY_TRUNCATED);
        unlink(path);
        assert_int_equal(assay_model_import(&root, t.folder, t.out, NULL, NULL, NULL),
                         ASSAY_NOT_FOUND);
        tiny_close(&t);
    }
}

// F-26: what is wrong is told of the path that was given, and of the file in a folder.
static void what_is_no_model_is_named(void **state) {
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\n";
    tiny t;
    char path[160];
    assay_hash root;
    assay_error err = {0};
    tiny_open(&t);
    tiny_write(&t);
    tiny_path(path, sizeof path, &t, "model.safetensors");
    assert_int_equal(assay_model_import(&root, path, t.out, NULL, NULL, &err), ASSAY_FORMAT);
    assert_non_null(strstr(err.text, "/model.safetensors is neither a folder nor a GGUF file"));
    assert_int_equal(assay_adapter_import(&root, path, t.out, NULL, &err), ASSAY_FORMAT);
    assert_non_null(strstr(err.text, "/model.safetensors is neither a folder nor a GGUF file"));
    tiny_file_write(&t, "model.safetensors", pointer, sizeof pointer - 1);
    assert_int_equal(assay_model_import(&root, t.folder, t.out, NULL, NULL, &err), ASSAY_CAPACITY);
    assert_non_null(strstr(err.text, "/model.safetensors: header of 2336927755350992246 bytes"));
    tiny_close(&t);
}

// Against mpmath (tests/oracles/inv_freq.py): N-10.
static void frequencies_are_correctly_rounded(void **state) {
    double out[128];
    assay_error err = {0};
    json_t *root = vectors_read("inv_freq.json"), *row;
    size_t index;
    json_array_foreach(vectors_at(root, "rows"), index, row) {
        uint32_t size = (uint32_t)json_integer_value(json_object_get(row, "head_size"));
        double theta = json_number_value(json_object_get(row, "theta"));
        assay_hash hash;
        assert_int_equal(assay_inv_freq(out, size, theta, &err), ASSAY_OK);
        assay_sha256_of(&hash, out, size / 2 * sizeof *out);
        vectors_expect_sha256(row, "sha256", &hash);
    }
    assert_int_equal(index, 120);
    json_decref(root);
    assert_int_equal(assay_inv_freq(out, 32, 0.999, NULL), ASSAY_RANGE);
    assert_int_equal(assay_inv_freq(out, 32, 0x1.1p40, NULL), ASSAY_RANGE);
    assert_int_equal(assay_inv_freq(out, 32, 0.0 / 0.0, NULL), ASSAY_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demo_matches_the_vectors),
        cmocka_unit_test(demo_has_the_configuration_s_shape),
        cmocka_unit_test(import_is_deterministic),
        cmocka_unit_test(float_environment_is_our_own),
        cmocka_unit_test(configuration_is_checked),
        cmocka_unit_test(configuration_defaults),
        cmocka_unit_test(stop_ids_default_as_the_library_s),
        cmocka_unit_test(generation_config_has_the_stop_ids),
        cmocka_unit_test(tensors_are_checked),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(files_are_needed),
        cmocka_unit_test(what_is_no_model_is_named),
        cmocka_unit_test(frequencies_are_correctly_rounded),
    };
    return cmocka_run_group_tests(tests, demo_open, demo_close);
}
