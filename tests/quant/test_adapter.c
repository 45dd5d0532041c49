// SPDX-License-Identifier: Apache-2.0
// PEFT folders to canonical adapter files (F-7, F-11).
#include "kernels/quantise.h"
#include "quant/import/adapter_import.h"
#include "quant/import/import.h"
#include "quant/import/peft_config.h"
#include "tests/quant/tiny.h"

static char base_path[] = "/tmp/assay_base_XXXXXX";
static assay_model base;

static int base_open(void **state) {
    assay_error err = {0};
    assay_hash root;
    close(mkstemp(base_path));
    if (assay_model_import(&root, ASSAY_SOURCE_DIR "/testnet/model", base_path, NULL, NULL, &err) !=
            ASSAY_OK ||
        assay_model_open(&base, base_path, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    return 0;
}

static int base_close(void **state) {
    assay_model_close(&base);
    return unlink(base_path);
}

// Every row of a source matrix, quantised here again, is the row of the operand.
static void matrix_matches(const assay_q8 *q8, const assay_safetensors *file, const char *name) {
    const assay_tensor *tensor = assay_safetensors_find(file, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->shape[0], q8->n);
    assert_int_equal(tensor->shape[1], q8->k);
    const float *source = (const float *)(file->data + tensor->begin);
    int8_t *q = malloc(q8->k);
    for (uint32_t row = 0; row < q8->n; row++) {
        float scale;
        assert_true(assay_quantise_q8_ref(q, &scale, source + (size_t)row * q8->k, q8->k));
        assert_memory_equal(q, q8->q + (size_t)row * q8->k, q8->k);
        assert_true(scale == q8->scales[row]);
    }
    free(q);
}

static void demo_adapters_import(void **state) {
    static const char *const names[] = {"doyle", "carroll", "shakespeare"};
    assay_hash roots[3];
    for (int i = 0; i < 3; i++) {
        char folder[512], path[600], out[] = "/tmp/assay_adapter_XXXXXX";
        assay_adapter adapter;
        assay_mapping mapping;
        assay_safetensors file;
        assay_error err = {0};
        close(mkstemp(out));
        snprintf(folder, sizeof folder, "%s/testnet/adapters/%s", ASSAY_SOURCE_DIR, names[i]);
        snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
        if (assay_adapter_import(&roots[i], folder, out, &base, &err) != ASSAY_OK)
            fail_msg("%s", err.text);
        assert_int_equal(assay_adapter_open(&adapter, out, &base, &err), ASSAY_OK);
        assert_int_equal(adapter.layer_count, 6);
        assert_memory_equal(&adapter.root, &roots[i], sizeof roots[i]);
        assert_true(!i || memcmp(&roots[0], &roots[i], sizeof roots[0]) != 0);
        assert_int_equal(assay_mapping_open(&mapping, path, 1 << 24, &err), ASSAY_OK);
        assert_int_equal(assay_safetensors_open(&file, mapping.data, mapping.size, &err), ASSAY_OK);
        for (uint32_t layer = 0; layer < 6; layer++)
            for (int linear = 0; linear < ASSAY_LINEAR_COUNT; linear++) {
                const assay_lora *lora = &adapter.layers[layer][linear];
                assert_true(lora->scale == 2.0f);
                for (int half = 0; half < 2; half++) {
                    char name[128];
                    snprintf(name, sizeof name,
                             "base_model.model.model.layers.%u.%s.lora_%c.weight", layer,
                             assay_linear_names[linear], "AB"[half]);
                    matrix_matches(half ? &lora->b : &lora->a, &file, name);
                }
            }
        assay_safetensors_close(&file);
        assay_mapping_close(&mapping);
        assay_adapter_close(&adapter);
        unlink(out);
    }
}

static void import_expect(tiny *t, const assay_model *model, const char *what,
                          assay_status expected) {
    assay_hash root;
    assay_error err = {0};
    tiny_write(t);
    tiny_file_write(t, "out.assay", "old", 3);
    assay_status status = assay_adapter_import(&root, t->folder, t->out, model, &err);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(expected));
    uint8_t *data;
    size_t size;
    assert_int_equal(assay_file_read(t->out, 1 << 24, &data, &size, NULL), ASSAY_OK);
    assert_int_equal(size == 3, status != ASSAY_OK);
    free(data);
}

static void import_is_deterministic(void **state) {
    tiny t;
    assay_hash first, second;
    assay_error err = {0};
    static const assay_dtype dtypes[] = {ASSAY_DTYPE_BF16, ASSAY_DTYPE_F32, ASSAY_DTYPE_F16};
    tiny_adapter_open(&t);
    for (int i = 0; i < 3; i++) {
        t.dtype = dtypes[i];
        tiny_write(&t);
        assert_int_equal(assay_adapter_import(&second, t.folder, t.out, NULL, &err), ASSAY_OK);
        if (i == 0) first = second;
        assert_memory_equal(&first, &second, sizeof first);
    }
    assay_adapter adapter;
    assert_int_equal(assay_adapter_open(&adapter, t.out, NULL, &err), ASSAY_OK);
    assert_int_equal(adapter.layer_count, 2);
    assert_int_equal(adapter.layers[1][ASSAY_LINEAR_Q].a.n, 4);
    assert_int_equal(adapter.layers[1][ASSAY_LINEAR_K].a.n, 0);
    assay_adapter_close(&adapter);
    assert_int_equal(assay_adapter_open(&adapter, t.out, &base, NULL), ASSAY_MISMATCH);
    tiny_close(&t);
}

// Each replaces or adds one member of the tiny configuration.
static const struct {
    const char *name, *value;
    assay_status status;
} configurations[] = {
    {"peft_type", "\"LOHA\"", ASSAY_UNSUPPORTED},
    {"task_type", "\"SEQ_CLS\"", ASSAY_UNSUPPORTED},
    {"task_type", "null", ASSAY_OK},
    {"bias", "\"all\"", ASSAY_UNSUPPORTED},
    {"bias", "\"lora_only\"", ASSAY_UNSUPPORTED},
    {"use_dora", "true", ASSAY_UNSUPPORTED},
    {"use_qalora", "true", ASSAY_UNSUPPORTED},
    {"lora_bias", "true", ASSAY_UNSUPPORTED},
    {"fan_in_fan_out", "true", ASSAY_UNSUPPORTED},
    {"modules_to_save", "[\"lm_head\"]", ASSAY_UNSUPPORTED},
    {"modules_to_save", "[]", ASSAY_OK},
    {"layer_replication", "[[0,2],[1,3]]", ASSAY_UNSUPPORTED},
    {"layers_to_transform", "[0]", ASSAY_UNSUPPORTED},
    {"trainable_token_indices", "[1]", ASSAY_UNSUPPORTED},
    {"target_parameters", "[\"x\"]", ASSAY_UNSUPPORTED},
    {"alora_invocation_tokens", "[1]", ASSAY_UNSUPPORTED},
    {"megatron_config", "{\"a\":1}", ASSAY_UNSUPPORTED},
    {"exclude_modules", "\"k_proj\"", ASSAY_UNSUPPORTED},
    {"loftq_config", "{\"loftq_bits\":4}", ASSAY_UNSUPPORTED},
    {"loftq_config", "{}", ASSAY_OK},
    {"init_lora_weights", "\"pissa\"", ASSAY_UNSUPPORTED},
    {"init_lora_weights", "\"gaussian\"", ASSAY_OK},
    {"init_lora_weights", "true", ASSAY_OK},
    {"surprise", "null", ASSAY_UNKNOWN},
    {"r", "0", ASSAY_RANGE},
    {"r", "1025", ASSAY_RANGE},
    {"r", "4.0", ASSAY_FORMAT},
    {"r", "8", ASSAY_MISMATCH},
    {"lora_alpha", "\"8\"", ASSAY_FORMAT},
    {"lora_alpha", "1e300", ASSAY_RANGE},
    {"lora_alpha", "4194304", ASSAY_OK}, // its scale, over r = 4, is 2^20
    {"lora_alpha", "-4194305", ASSAY_RANGE},
    {"lora_alpha", "0.5", ASSAY_OK},
    {"use_rslora", "1", ASSAY_FORMAT},
    {"use_rslora", "true", ASSAY_OK},
    {"target_modules", "\".*q_proj\"", ASSAY_UNSUPPORTED},
    {"target_modules", "\"all-linear\"", ASSAY_MISSING},
    {"target_modules", "[\"q_proj\"]", ASSAY_UNKNOWN},
    {"target_modules", "[\"q_proj\",\"down_proj\",\"k_proj\"]", ASSAY_MISSING},
    {"target_modules", "[\"q_proj\",\"down_proj\",\"lm_head\"]", ASSAY_UNSUPPORTED},
    {"target_modules", "[\"q_proj\",\"down_proj\",\"proj\"]", ASSAY_UNSUPPORTED},
    {"target_modules", "[\"q_proj\",\"model.layers.0.mlp.down_proj\"]", ASSAY_UNKNOWN},
    {"target_modules", "[\"q_proj\",\"layers.0.mlp.down_proj\",\"layers.1.mlp.down_proj\"]",
     ASSAY_OK},
    {"target_modules", "[1]", ASSAY_FORMAT},
    {"target_modules", "null", ASSAY_FORMAT},
    {"rank_pattern", "{\"q_proj\":8}", ASSAY_MISMATCH},
    {"rank_pattern", "{\"q_proj\":4}", ASSAY_OK},
    {"rank_pattern", "{\"q_proj\":4.0}", ASSAY_FORMAT},
    {"rank_pattern", "{\"q_proj\":0}", ASSAY_RANGE},
    {"rank_pattern", "{\".*q_proj\":4}", ASSAY_UNSUPPORTED},
    {"rank_pattern", "[]", ASSAY_FORMAT},
    {"alpha_pattern", "{\"^q_proj\":4}", ASSAY_UNSUPPORTED},
    {"alpha_pattern", "{\"q_proj\":\"4\"}", ASSAY_FORMAT},
    {"alpha_pattern", "{\"q_proj\":-4194304}", ASSAY_OK},
    {"alpha_pattern", "{\"q_proj\":4194305}", ASSAY_RANGE},
    {"alpha_pattern", "{\"q_proj\":2,\"self_attn.q_proj\":4}", ASSAY_OK},
    {"alpha_pattern", "{\"layers.1.self_attn.q_proj\":4}", ASSAY_OK},
};

// F-11: what fits no targeted linear is named. To PEFT "q.proj" is q_proj.
static const struct {
    const char *patterns, *named;
} unfit[] = {
    {"{\"q.proj\":4}", "\"q.proj\""},
    {"{\"q_porj\":4}", "\"q_porj\""},
    {"{\"q_proj\":4,\"self.attn.q_proj\":4}", "\"self.attn.q_proj\""},
    {"{\"proj\":4}", "\"proj\""},
    {"{\"attn.q_proj\":4}", "\"attn.q_proj\""},
    {"{\"layers.2.self_attn.q_proj\":4}", "\"layers.2.self_attn.q_proj\""}, // there are two
    {"{\"k_proj\":4}", "\"k_proj\""}, // a linear that is not targeted
    {"{\".q_proj\":4}", "\".q_proj\""},
};

static void unfit_patterns_are_refused_by_name(void **state) {
    static const char *const names[] = {"rank_pattern", "alpha_pattern"};
    for (size_t i = 0; i < 2 * sizeof unfit / sizeof *unfit; i++) {
        const char *name = names[i % 2];
        char wanted[128];
        assay_error err = {0};
        assay_hash root;
        tiny t;
        tiny_adapter_open(&t);
        tiny_set(&t, name, unfit[i / 2].patterns);
        tiny_write(&t);
        snprintf(wanted, sizeof wanted, "%s %s fits no targeted linear", name, unfit[i / 2].named);
        assert_int_equal(assay_adapter_import(&root, t.folder, t.out, NULL, &err),
                         ASSAY_UNSUPPORTED);
        assert_string_equal(err.text, wanted);
        tiny_close(&t);
    }
}

static void configuration_is_checked(void **state) {
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++) {
        tiny t;
        tiny_adapter_open(&t);
        tiny_set(&t, configurations[i].name, configurations[i].value);
        import_expect(&t, NULL, configurations[i].value, configurations[i].status);
        tiny_close(&t);
    }
    tiny t;
    tiny_adapter_open(&t);
    json_object_del(t.config, "peft_type");
    import_expect(&t, NULL, "no peft_type", ASSAY_MISSING);
    tiny_close(&t);
}

static float scale_of(const char *json, const char *module) {
    assay_peft_config config;
    assay_error err = {0};
    uint32_t rank;
    float scale;
    json_t *parsed = json_loads(json, 0, NULL);
    if (assay_peft_config_read(&config, parsed, &err) != ASSAY_OK) fail_msg("%s", err.text);
    assert_int_equal(assay_peft_scale(&rank, &scale, &config, module, &err), ASSAY_OK);
    json_decref(parsed);
    return scale;
}

static void scales_follow_the_patterns(void **state) {
#define PEFT "\"peft_type\":\"LORA\",\"target_modules\":\"all-linear\""
    static const char q[] = "model.layers.0.self_attn.q_proj";
    assert_true(scale_of("{" PEFT "}", q) == 1);
    assert_true(scale_of("{" PEFT ",\"r\":3,\"lora_alpha\":1}", q) == (float)(1.0 / 3.0));
    // 16 / sqrt(8) = 5.65685424949238..., by hand.
    assert_true(scale_of("{" PEFT ",\"r\":8,\"lora_alpha\":16,\"use_rslora\":true}", q) ==
                5.656854249492381f);
    static const char patterns[] =
        "{" PEFT ",\"r\":8,\"lora_alpha\":16,"
        "\"rank_pattern\":{\"layers.0.self_attn.q_proj\":4,\"q_proj\":2},"
        "\"alpha_pattern\":{\"self_attn.q_proj\":32}}";
    assert_true(scale_of(patterns, q) == 8);                                  // 32 / 4
    assert_true(scale_of(patterns, "model.layers.1.self_attn.q_proj") == 16); // 32 / 2
    assert_true(scale_of(patterns, "model.layers.1.self_attn.k_proj") == 2);  // 16 / 8
    assert_true(scale_of(patterns, "model.layers.1.self_attn.xq_proj") == 2); // no dot before
}

static void tensors_are_checked(void **state) {
    tiny t;
    tiny_adapter_open(&t);
    uint32_t count = t.count;
    tiny_close(&t);
    for (uint32_t i = 0; i < count; i++) {
        tiny_adapter_open(&t);
        t.tensors[i].rows--; // A: another rank; B: another width, which only the base can tell
        import_expect(&t, NULL, t.tensors[i].name, i % 2 ? ASSAY_OK : ASSAY_MISMATCH);
        t.tensors[i].rows = 0;
        import_expect(&t, NULL, t.tensors[i].name, ASSAY_MISSING);
        tiny_close(&t);
    }
    static const char *const extra[] = {
        "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector",
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default",
        "base_model.model.model.layers.00.self_attn.q_proj.lora_A",
        "base_model.model.model.embed_tokens.lora_embedding_A",
        "base_model.model.model.layers.256.self_attn.q_proj.lora_A",
        "base_model.model.lm_head.lora_A",
        "model.layers.0.self_attn.q_proj.lora_A"};
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        tiny_adapter_open(&t);
        tiny_tensor_add(&t, extra[i], 4, 64);
        import_expect(&t, NULL, extra[i], ASSAY_UNKNOWN);
        tiny_close(&t);
    }
    tiny_adapter_open(&t);
    t.tensors[0].columns = 0;
    import_expect(&t, NULL, "A of rank 1", ASSAY_MISMATCH);
    t.count = 0;
    import_expect(&t, NULL, "no tensors", ASSAY_UNSUPPORTED);
    tiny_close(&t);
}

static void the_base_decides_the_shapes(void **state) {
    tiny t;
    tiny_adapter_open(&t);
    import_expect(&t, &base, "another model's adapter", ASSAY_MISMATCH);
    for (uint32_t i = 0; i < t.count; i++) {
        bool down = strstr(t.tensors[i].name, "down_proj") != NULL;
        if (i % 2)
            t.tensors[i].rows = 256;
        else
            t.tensors[i].columns = down ? 704 : 256;
    }
    import_expect(&t, &base, "two of six layers", ASSAY_MISSING);
    tiny_set(&t, "target_modules",
             "[\"layers.0.self_attn.q_proj\",\"layers.1.self_attn.q_proj\","
             "\"layers.0.mlp.down_proj\",\"layers.1.mlp.down_proj\"]");
    import_expect(&t, &base, "two layers, named", ASSAY_OK);
    t.tensors[1].rows = 255;
    import_expect(&t, &base, "B of another width", ASSAY_MISMATCH);
    tiny_close(&t);
}

static void values_are_checked(void **state) {
    static const struct {
        uint32_t bits;
        assay_status status;
    } cases[] = {{0x7fc00000, ASSAY_NONFINITE},
                 {0xff800000, ASSAY_NONFINITE},
                 {0x49800001, ASSAY_RANGE},
                 {0x49800000, ASSAY_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny t;
        tiny_adapter_open(&t);
        t.dtype = ASSAY_DTYPE_F32;
        t.bits = cases[i].bits;
        t.spoiled = 3;
        import_expect(&t, NULL, "in A", cases[i].status);
        t.spoiled = t.size - 1;
        import_expect(&t, NULL, "in B", cases[i].status);
        tiny_close(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demo_adapters_import),
        cmocka_unit_test(import_is_deterministic),
        cmocka_unit_test(configuration_is_checked),
        cmocka_unit_test(unfit_patterns_are_refused_by_name),
        cmocka_unit_test(scales_follow_the_patterns),
        cmocka_unit_test(tensors_are_checked),
        cmocka_unit_test(the_base_decides_the_shapes),
        cmocka_unit_test(values_are_checked),
    };
    return cmocka_run_group_tests(tests, base_open, base_close);
}
