// SPDX-License-Identifier: Apache-2.0
// Llama 3, Mistral, Qwen2 and Qwen3 from their folders to their logits (F-27, N-9, N-21, N-22,
// N-23), against the independent implementation of tests/oracles/families.py.
#include "base/sha256.h"
#include "kernels/quantise.h"
#include "tests/quant/family.h"
#include "tests/quant/single.h"

static json_t *recorded;

static int group_open(void **state) {
    recorded = vectors_read("families.json");
    return 0;
}

static int group_close(void **state) {
    json_decref(recorded);
    return 0;
}

static json_t *config_of(const char *name) {
    return family_config_find(recorded, name);
}

static void import_ok(assay_model *model, tiny *t, bool vocab_q4) {
    assay_hash root;
    assay_error err = {0};
    const assay_import_options options = {.vocab_q4 = vocab_q4};
    tiny_write(t);
    if (assay_model_import(&root, t->folder, t->out, &options, NULL, &err) != ASSAY_OK ||
        assay_model_open(model, t->out, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assert_memory_equal(&root, &model->root, sizeof root);
}

typedef struct {
    assay_sha256 logits;
    uint32_t best[64];
    uint32_t count;
    uint32_t vocab_size;
} record;

static void row_record(void *context, const assay_forward_row *row) {
    record *r = context;
    uint32_t best = 0;
    if (row->logits) {
        assay_sha256_update(&r->logits, row->logits, r->vocab_size * sizeof *row->logits);
        for (uint32_t i = 1; i < r->vocab_size; i++)
            best = row->logits[i] > row->logits[best] ? i : best;
    }
    r->best[r->count++] = row->logits ? best : row->id;
}

static void pass_run(record *r, const assay_engine *engine, const assay_adapter *adapter,
                     json_t *entry, uint32_t chunk, bool greedy) {
    uint32_t ids[64], count = (uint32_t)json_array_size(vectors_at(entry, "ids"));
    const assay_sampling sampling = {.top_p_ppm = ASSAY_SAMPLING_PPM};
    single s;
    assert_true(count && count <= 64);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = (uint32_t)json_integer_value(json_array_get(vectors_at(entry, "ids"), i));
    *r = (record){.vocab_size = engine->model->shape.vocab_size};
    assay_sha256_init(&r->logits);
    const assay_forward_hooks hooks = {
        .row = row_record, .sampling = greedy ? &sampling : NULL, .context = r};
    assert_int_equal(single_open(&s, engine, count, chunk, NULL), ASSAY_OK);
    single_reset(&s, adapter);
    assert_int_equal(single_feed(&s, ids, count, &hooks, NULL), ASSAY_OK);
    assert_int_equal(s.sequence.fault_position, ASSAY_NO_FAULT);
    assert_int_equal(r->count, count);
    single_close(&s);
}

// Every set that runs here, in chunks of 1, 7 and all: the recorded bits. Greedy: the same ids.
static void model_expect(json_t *entry, const assay_model *model, const assay_adapter *adapter) {
    static const uint32_t chunks[] = {1, 7, 64};
    const assay_kernels *const *sets;
    size_t set_count = assay_kernels_list(&sets);
    for (size_t i = 0; i < set_count; i++) {
        if (!sets[i]->available()) continue;
        const assay_engine engine = {model, sets[i], NULL};
        record all, greedy;
        for (int c = 0; c < 3; c++) {
            assay_hash hash;
            pass_run(&all, &engine, adapter, entry, chunks[c], false);
            assay_sha256_final(&all.logits, &hash);
            vectors_expect_sha256(entry, "logits_sha256", &hash);
        }
        pass_run(&greedy, &engine, adapter, entry, 7, true);
        assert_memory_equal(all.best, greedy.best, sizeof all.best);
    }
}

static void logits_have_the_recorded_bits(void **state) {
    json_t *entry;
    size_t index;
    json_array_foreach(vectors_at(recorded, "models"), index, entry) {
        tiny t;
        assay_model model;
        assay_hash root;
        json_t *config = vectors_at(entry, "config");
        family_open(&t, config);
        import_ok(&model, &t, json_is_true(vectors_at(entry, "vocab_q4")));
        if (json_is_true(vectors_at(entry, "adapted"))) {
            tiny a;
            assay_adapter adapter;
            family_adapter_open(&a, config);
            tiny_write(&a);
            assert_int_equal(assay_adapter_import(&root, a.folder, a.out, &model, NULL), ASSAY_OK);
            assert_int_equal(assay_adapter_open(&adapter, a.out, &model, NULL), ASSAY_OK);
            model_expect(entry, &model, &adapter);
            assay_adapter_close(&adapter);
            tiny_close(&a);
        } else {
            model_expect(entry, &model, NULL);
        }
        assay_model_close(&model);
        tiny_close(&t);
    }
    assert_int_equal(index, 8);
}

// The recordings differ from each other: each part of the arithmetic has its say.
static void recorded_logits_differ(void **state) {
    json_t *entries = vectors_at(recorded, "models"), *a, *b;
    size_t i, j;
    json_array_foreach(entries, i, a) json_array_foreach(entries, j, b) {
        const char *x = json_string_value(vectors_at(a, "logits_sha256"));
        const char *y = json_string_value(vectors_at(b, "logits_sha256"));
        if (i != j) assert_string_not_equal(x, y);
    }
}

// A row of q that passes 2^40 in its norm leaves zeros behind, which nothing later could notice.
static float query_overflow(const char *name, uint64_t index) {
    if (strstr(name, "layers.1.input_layernorm")) return 0x1p20f;
    if (strstr(name, "layers.1.self_attn.q_proj")) return index % 64 == 0 ? 0x1p20f : 0;
    return family_value(name, index);
}

static void a_head_norm_can_fault(void **state) {
    tiny t;
    assay_model model;
    single s;
    const uint32_t ids[3] = {1, 2, 3};
    family_open(&t, config_of("qwen3"));
    t.value = query_overflow;
    import_ok(&model, &t, false);
    const assay_engine engine = {&model, &assay_kernels_ref, NULL};
    assert_int_equal(single_open(&s, &engine, 3, 0, NULL), ASSAY_OK);
    single_reset(&s, NULL);
    assert_int_equal(single_feed(&s, ids, 3, NULL, NULL), ASSAY_OK);
    assert_int_not_equal(s.sequence.fault_position, ASSAY_NO_FAULT);
    single_close(&s);
    assay_model_close(&model);
    tiny_close(&t);
}

// Each replaces, adds or (value NULL) removes one member of a family's configuration.
static const struct {
    const char *family, *name, *value;
    assay_status status;
} configurations[] = {
    {"llama3", "model_type", "\"gemma2\"", ASSAY_UNSUPPORTED},
    {"llama3", "model_type", "\"qwen2\"", ASSAY_UNSUPPORTED}, // not its architecture
    {"llama3", "attention_bias", "true", ASSAY_UNSUPPORTED},
    {"llama3", "attention_bias", "0", ASSAY_FORMAT},
    {"llama3", "attention_bias", "null", ASSAY_OK},
    {"llama3", "num_key_value_heads", NULL, ASSAY_OK},
    {"llama3", "layer_types", "null", ASSAY_OK},
    {"llama3", "layer_types", "[\"full_attention\",\"full_attention\"]", ASSAY_OK},
    {"llama3", "layer_types", "[\"full_attention\"]", ASSAY_FORMAT},
    {"llama3", "layer_types", "\"full_attention\"", ASSAY_FORMAT},
    {"llama3", "layer_types", "[\"full_attention\",\"sliding_attention\"]", ASSAY_UNSUPPORTED},
    {"llama3", "layer_types", "[\"full_attention\",7]", ASSAY_UNSUPPORTED},
    {"mistral", "sliding_window", "null", ASSAY_OK},
    {"mistral", "sliding_window", "65", ASSAY_OK},
    {"mistral", "sliding_window", "63", ASSAY_UNSUPPORTED},
    {"mistral", "sliding_window", "-1", ASSAY_UNSUPPORTED},
    {"mistral", "sliding_window", "64.0", ASSAY_FORMAT},
    {"mistral", "sliding_window", NULL, ASSAY_OK}, // 4,096 in a context of 64
    {"mistral", "head_dim", NULL, ASSAY_OK},
    {"mistral", "num_key_value_heads", NULL, ASSAY_MISSING},
    {"qwen2", "use_sliding_window", "true", ASSAY_UNSUPPORTED},
    {"qwen2", "use_sliding_window", NULL, ASSAY_OK},
    {"qwen2", "use_mrope", "true", ASSAY_UNSUPPORTED},
    {"qwen2", "attention_bias", "true", ASSAY_OK},
    {"qwen2", "attention_bias", "false", ASSAY_UNSUPPORTED},
    {"qwen2", "num_key_value_heads", NULL, ASSAY_MISSING},
    {"qwen3", "attention_bias", "true", ASSAY_UNSUPPORTED},
    {"qwen3", "head_dim", NULL, ASSAY_MISSING},
    {"qwen3", "head_dim", "24", ASSAY_RANGE}, // 4 heads of 24 are no multiple of 64
    {"qwen3", "architectures", "[\"Qwen3MoeForCausalLM\"]", ASSAY_UNSUPPORTED},
    {"llama3", "rope_scaling", "null", ASSAY_OK},
    {"llama3", "rope_scaling", "{}", ASSAY_OK},
    {"llama3", "rope_scaling", "[]", ASSAY_FORMAT},
    {"llama3", "rope_scaling", "{\"factor\":2.0}", ASSAY_MISSING},
    {"llama3", "rope_scaling", "{\"type\":\"linear\"}", ASSAY_MISSING},
    {"llama3", "rope_scaling", "{\"type\":\"linear\",\"factor\":\"2\"}", ASSAY_FORMAT},
    {"llama3", "rope_scaling", "{\"type\":\"linear\",\"rope_type\":\"linear\",\"factor\":2}",
     ASSAY_OK},
    {"llama3", "rope_scaling", "{\"type\":\"linear\",\"rope_type\":\"default\",\"factor\":2}",
     ASSAY_DUPLICATE},
    {"llama3", "rope_scaling", "{\"type\":\"linear\",\"factor\":2,\"rope_theta\":1e4}",
     ASSAY_UNKNOWN},
    {"llama3", "rope_scaling", "{\"type\":\"linear\",\"factor\":2,\"mscale\":1}", ASSAY_UNKNOWN},
    {"llama3", "rope_scaling", "{\"type\":\"dynamic\",\"factor\":2}", ASSAY_UNSUPPORTED},
    {"llama3", "rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":4}", ASSAY_UNSUPPORTED},
    {"llama3", "rope_scaling", "{\"rope_type\":\"longrope\"}", ASSAY_UNSUPPORTED},
    {"llama3", "rope_scaling",
     "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,"
     "\"original_max_position_embeddings\":0}",
     ASSAY_RANGE},
    {"llama3", "rope_scaling",
     "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4}",
     ASSAY_MISSING},
    {"llama3", "rope_parameters", "{\"rope_type\":\"default\",\"rope_theta\":1e4}",
     ASSAY_DUPLICATE},
};

static void configurations_are_checked(void **state) {
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++) {
        json_t *config = json_deep_copy(config_of(configurations[i].family));
        const char *value = configurations[i].value;
        assay_hf_config read;
        assay_error err = {0};
        if (value)
            json_object_set_new(config, configurations[i].name,
                                json_loads(value, JSON_DECODE_ANY, NULL));
        else
            assert_int_equal(json_object_del(config, configurations[i].name), 0);
        assay_status status = assay_hf_config_read(&read, config, 0, &err);
        if (status != configurations[i].status)
            fail_msg("%s with %s %s: %s (%s), expected %s", configurations[i].family,
                     configurations[i].name, value ? value : "removed", assay_status_name(status),
                     err.text, assay_status_name(configurations[i].status));
        json_decref(config);
    }
    // Without its window a Mistral has the library's, which a longer context would feel.
    json_t *config = json_deep_copy(config_of("mistral"));
    assay_hf_config read;
    json_object_del(config, "sliding_window");
    json_object_set_new(config, "max_position_embeddings", json_integer(4096));
    assert_int_equal(assay_hf_config_read(&read, config, 0, NULL), ASSAY_OK);
    json_object_set_new(config, "max_position_embeddings", json_integer(4097));
    assert_int_equal(assay_hf_config_read(&read, config, 0, NULL), ASSAY_UNSUPPORTED);
    json_decref(config);
}

// F-10: what is stated is the limit of what is asked for, and a window is judged by what is.
static void a_shorter_context_may_be_asked_for(void **state) {
    static const struct {
        const char *family;
        uint32_t stated, context, got; // got 0: refused
        const char *word;
    } cases[] = {
        {"llama3", 262144, 0, 0, "context is 262144, limit 131072, --context"},
        {"llama3", 262144, 131073, 0, "context is 131073, limit 131072"},
        {"llama3", 262144, 131072, 131072, NULL},
        {"llama3", 262144, 1, 1, NULL},
        {"llama3", 64, 64, 64, NULL},
        {"llama3", 64, 65, 0, "--context is 65, the model's own is 64"},
        {"mistral", 32768, 0, 0, "sliding_window is 4096 in a context of 32768, --context"},
        {"mistral", 32768, 4097, 0, "sliding_window is 4096 in a context of 4097"},
        {"mistral", 32768, 4096, 4096, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *config = json_deep_copy(config_of(cases[i].family));
        assay_hf_config stated, read;
        assay_error err = {0};
        assert_int_equal(assay_hf_config_read(&stated, config, 0, NULL), ASSAY_OK);
        json_object_set_new(config, "max_position_embeddings", json_integer(cases[i].stated));
        if (json_object_get(config, "sliding_window"))
            json_object_set_new(config, "sliding_window", json_integer(4096));
        assay_status status = assay_hf_config_read(&read, config, cases[i].context, &err);
        json_decref(config);
        if ((status == ASSAY_OK) != (cases[i].got > 0) ||
            (cases[i].word && !strstr(err.text, cases[i].word)))
            fail_msg("case %zu: %s (%s)", i, assay_status_name(status), err.text);
        if (status != ASSAY_OK) continue;
        assert_int_equal(read.shape.context_size, cases[i].got);
        stated.shape.context_size = cases[i].got;
        assert_memory_equal(&read, &stated, sizeof read); // its own scaling too
    }
}

// N-22: rope_parameters says what rope_scaling and rope_theta say.
static void newer_files_say_the_same(void **state) {
    json_t *config = json_deep_copy(config_of("llama3"));
    assay_hf_config older, newer;
    assert_int_equal(assay_hf_config_read(&older, config, 0, NULL), ASSAY_OK);
    json_t *parameters = json_deep_copy(json_object_get(config, "rope_scaling"));
    json_object_set(parameters, "rope_theta", json_object_get(config, "rope_theta"));
    json_object_set_new(config, "rope_parameters", parameters);
    json_object_del(config, "rope_scaling");
    json_object_del(config, "rope_theta");
    assert_int_equal(assay_hf_config_read(&newer, config, 0, NULL), ASSAY_OK);
    assert_int_equal(newer.rope_scaling.type, ASSAY_ROPE_LLAMA3);
    assert_memory_equal(&older.rope_scaling, &newer.rope_scaling, sizeof newer.rope_scaling);
    assert_true(older.rope_theta == newer.rope_theta);
    json_decref(config);
}

// Against mpmath and Python's binary64 (tests/oracles/inv_freq.py): N-22.
static void frequencies_are_scaled(void **state) {
    json_t *root = vectors_read("inv_freq.json"), *row;
    size_t index;
    json_array_foreach(vectors_at(root, "scaled"), index, row) {
        uint32_t size = (uint32_t)json_integer_value(vectors_at(row, "head_size"));
        json_t *config = json_pack("{s:O,s:O}", "rope_theta", vectors_at(row, "theta"),
                                   "rope_scaling", vectors_at(row, "rope_scaling"));
        assay_rope_scaling scaling;
        double theta, out[128];
        assay_hash hash;
        assert_int_equal(assay_hf_rope_read(&theta, &scaling, config, NULL), ASSAY_OK);
        assert_int_equal(assay_inv_freq(out, size, theta, NULL), ASSAY_OK);
        assert_int_equal(assay_inv_freq_scale(out, size / 2, &scaling, NULL), ASSAY_OK);
        assay_sha256_of(&hash, out, size / 2 * sizeof *out);
        vectors_expect_sha256(row, "sha256", &hash);
        json_decref(config);
    }
    assert_int_equal(index, 6);
    json_decref(root);
}

static void scaling_is_bounded(void **state) {
    static const assay_rope_scaling bad[] = {
        {ASSAY_ROPE_LINEAR, 0.5, 0, 0, 0},      {ASSAY_ROPE_LINEAR, 0.0 / 0.0, 0, 0, 0},
        {ASSAY_ROPE_LINEAR, 0x1.1p20, 0, 0, 0}, {ASSAY_ROPE_LLAMA3, 8, 0, 4, 8192},
        {ASSAY_ROPE_LLAMA3, 8, 4, 4, 8192},     {ASSAY_ROPE_LLAMA3, 8, 1, 0x1.1p20, 8192},
        {ASSAY_ROPE_LLAMA3, 8, 1, 4, 0.5},      {ASSAY_ROPE_LLAMA3, 8, 1, 4, 1.0 / 0.0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double one = 1;
        assert_int_equal(assay_inv_freq_scale(&one, 1, &bad[i], NULL), ASSAY_RANGE);
        assert_true(one == 1);
    }
}

static void import_expect(tiny *t, const char *what, assay_status expected) {
    assay_hash root;
    assay_error err = {0};
    tiny_write(t);
    assay_status status = assay_model_import(&root, t->folder, t->out, NULL, NULL, &err);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(expected));
}

static void tensors_are_checked(void **state) {
    static const char *const changed[][2] = {
        {"qwen2", "model.layers.1.self_attn.q_proj.bias"},
        {"qwen2", "model.layers.0.self_attn.v_proj.bias"},
        {"qwen3", "model.layers.0.self_attn.q_norm.weight"},
        {"qwen3", "model.layers.1.self_attn.k_norm.weight"},
    };
    static const char *const added[][2] = {{"llama3", "model.layers.0.self_attn.q_proj"},
                                           {"mistral", "model.layers.1.mlp.up_proj"},
                                           {"qwen2", "model.layers.0.self_attn.o_proj"},
                                           {"qwen3", "model.layers.0.self_attn.q_proj"}};
    for (int i = 0; i < 4; i++) {
        tiny t;
        family_open(&t, config_of(changed[i][0]));
        tiny_find(&t, changed[i][1])->rows--;
        import_expect(&t, changed[i][1], ASSAY_MISMATCH);
        tiny_find(&t, changed[i][1])->rows = 0;
        import_expect(&t, changed[i][1], ASSAY_MISSING);
        tiny_close(&t);
        family_open(&t, config_of(added[i][0]));
        tiny_bias_add(&t, added[i][1], 64);
        import_expect(&t, added[i][1], ASSAY_UNKNOWN);
        tiny_close(&t);
    }
}

static float one_bias;
static float bad_bias(const char *name, uint64_t index) {
    return strstr(name, "layers.1.self_attn.v_proj.bias") && index == 3 ? one_bias
                                                                        : family_value(name, index);
}

static void biases_are_bounded(void **state) {
    static const struct {
        float value;
        assay_status status;
    } cases[] = {{0x1p20f, ASSAY_OK},
                 {-0x1.000002p20f, ASSAY_RANGE},
                 {0.0f / 0.0f, ASSAY_NONFINITE},
                 {-1.0f / 0.0f, ASSAY_NONFINITE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny t;
        family_open(&t, config_of("qwen2"));
        t.value = bad_bias;
        one_bias = cases[i].value;
        import_expect(&t, "a bias", cases[i].status);
        tiny_close(&t);
    }
}

// The head of a tied model once more, as some files have it.
static uint64_t odd_element;
static float copied_head(const char *name, uint64_t index) {
    bool head = strcmp(name, "lm_head.weight") == 0;
    float value = family_value(head ? "model.embed_tokens.weight" : name, index);
    return head && index == odd_element ? value + 0.0625f : value;
}

static void a_tied_head_may_be_there(void **state) {
    tiny t;
    family_open(&t, config_of("qwen2"));
    t.value = copied_head;
    odd_element = UINT64_MAX;
    tiny_tensor_add(&t, "lm_head", 2048, 64);
    assay_model with, without;
    import_ok(&with, &t, false);
    t.tensors[--t.count].rows = 0;
    import_ok(&without, &t, false);
    assert_memory_equal(&with.root, &without.root, sizeof with.root);
    assay_model_close(&with);
    assay_model_close(&without);
    tiny_tensor_add(&t, "lm_head", 2048, 64);
    odd_element = 2047 * 64 + 63;
    import_expect(&t, "another head", ASSAY_MISMATCH);
    t.tensors[t.count - 1].rows = 2047;
    import_expect(&t, "a shorter head", ASSAY_MISMATCH);
    tiny_close(&t);
}

// N-23: every row is the quantiser's, and nothing is kept as q8.
static void a_vocabulary_can_be_q4(void **state) {
    static const char *const names[] = {"qwen2", "qwen3"};
    for (int i = 0; i < 2; i++) {
        tiny t;
        assay_model model;
        family_open(&t, config_of(names[i]));
        import_ok(&model, &t, true);
        assert_true(model.shape.vocab_q4 && !model.embedding.q && !model.head.q);
        assert_int_equal(model.tied, i == 0);
        assert_int_equal(model.embedding_q4.codes == model.head_q4.codes, i == 0);
        for (uint32_t row = 0; row < 2048; row += 89) {
            float values[64], scale;
            uint8_t codes[32], ratio;
            for (uint32_t k = 0; k < 64; k++)
                values[k] =
                    family_value(i ? "lm_head.weight" : "model.embed_tokens.weight", row * 64 + k);
            assay_quantise_q4_ref(codes, &ratio, &scale, values, 64);
            assert_memory_equal(model.head_q4.codes + row * 32, codes, 32);
            assert_int_equal(model.head_q4.ratios[row], ratio);
            assert_true(model.head_q4.scales[row] == scale);
        }
        assay_model_close(&model);
        tiny_close(&t);
    }
}

// A canonical file in memory, to be changed.
typedef struct {
    uint8_t *data;
    size_t size;
} image;

static image image_make(const char *name, bool vocab_q4) {
    tiny t;
    assay_model model;
    image out;
    family_open(&t, config_of(name));
    import_ok(&model, &t, vocab_q4);
    assay_model_close(&model);
    assert_int_equal(assay_file_read(t.out, 1 << 24, &out.data, &out.size, NULL), ASSAY_OK);
    tiny_close(&t);
    return out;
}

static void bind_expect(const image *file, const char *what, assay_status expected) {
    assay_model model;
    assay_error err = {0};
    assay_status status = assay_model_bind(&model, file->data, file->size, &err);
    assay_model_close(&model);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(expected));
}

// Renames one tensor in the header; both names have one length.
static void rename_expect(const image *from, const char *old, const char *new,
                          assay_status expected) {
    char quoted[160];
    image copy = {malloc(from->size), from->size};
    memcpy(copy.data, from->data, from->size);
    snprintf(quoted, sizeof quoted, "\"%s\":", old);
    uint8_t *at = memmem(copy.data, copy.size, quoted, strlen(quoted));
    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(new));
    memcpy(at + 1, new, strlen(new));
    bind_expect(&copy, new, expected);
    free(copy.data);
}

static void value_expect(const image *from, const char *name, float value, assay_status expected) {
    assay_safetensors file;
    image copy = {malloc(from->size), from->size};
    memcpy(copy.data, from->data, from->size);
    assert_int_equal(assay_safetensors_open(&file, copy.data, copy.size, NULL), ASSAY_OK);
    const assay_tensor *tensor = assay_safetensors_find(&file, name);
    assert_non_null(tensor);
    memcpy(copy.data + (file.data - copy.data) + tensor->begin, &value, sizeof value);
    assay_safetensors_close(&file);
    bind_expect(&copy, name, expected);
    free(copy.data);
}

// F-5: what is optional is there for all layers or for none, and within its bounds.
static void canonical_files_are_checked(void **state) {
    image qwen2 = image_make("qwen2", false), qwen3 = image_make("qwen3", true);
    bind_expect(&qwen2, "qwen2", ASSAY_OK);
    rename_expect(&qwen2, "model.layers.0.self_attn.q_proj.bias",
                  "model.layers.0.self_attn.q_proj.bjas", ASSAY_UNKNOWN);
    rename_expect(&qwen2, "model.layers.1.self_attn.q_proj.bias",
                  "model.layers.1.self_attn.q_proj.bjas", ASSAY_MISSING);
    rename_expect(&qwen2, "model.layers.0.self_attn.v_proj.bias",
                  "model.layers.0.self_attn.o_proj.bias", ASSAY_MISSING);
    rename_expect(&qwen2, "model.layers.1.self_attn.k_proj.bias",
                  "model.layers.2.self_attn.k_proj.bias", ASSAY_MISSING);
    value_expect(&qwen2, "model.layers.1.self_attn.k_proj.bias", 0x1p20f, ASSAY_OK);
    value_expect(&qwen2, "model.layers.1.self_attn.k_proj.bias", 0x1.000002p20f, ASSAY_NONFINITE);
    value_expect(&qwen2, "model.layers.0.self_attn.q_proj.bias", 0.0f / 0.0f, ASSAY_NONFINITE);

    bind_expect(&qwen3, "qwen3", ASSAY_OK);
    rename_expect(&qwen3, "model.layers.0.self_attn.q_norm", "model.layers.0.self_attn.x_norm",
                  ASSAY_UNKNOWN);
    rename_expect(&qwen3, "model.layers.1.self_attn.k_norm", "model.layers.1.self_attn.x_norm",
                  ASSAY_MISSING);
    rename_expect(&qwen3, "model.embed_tokens.codes", "model.embed_tokens.kodes", ASSAY_MISSING);
    rename_expect(&qwen3, "lm_head.codes", "lm_head.kodes", ASSAY_UNKNOWN);
    rename_expect(&qwen3, "lm_head.ratios", "lm_head.ration", ASSAY_MISSING);
    value_expect(&qwen3, "model.layers.1.self_attn.q_norm", 1.0f / 0.0f, ASSAY_NONFINITE);
    value_expect(&qwen3, "model.embed_tokens.scales", -0.0f, ASSAY_CANONICAL);
    value_expect(&qwen3, "lm_head.scales", 0, ASSAY_CANONICAL);
    free(qwen2.data);
    free(qwen3.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_have_the_recorded_bits),
        cmocka_unit_test(recorded_logits_differ),
        cmocka_unit_test(a_head_norm_can_fault),
        cmocka_unit_test(configurations_are_checked),
        cmocka_unit_test(a_shorter_context_may_be_asked_for),
        cmocka_unit_test(newer_files_say_the_same),
        cmocka_unit_test(frequencies_are_scaled),
        cmocka_unit_test(scaling_is_bounded),
        cmocka_unit_test(tensors_are_checked),
        cmocka_unit_test(biases_are_bounded),
        cmocka_unit_test(a_tied_head_may_be_there),
        cmocka_unit_test(a_vocabulary_can_be_q4),
        cmocka_unit_test(canonical_files_are_checked),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
