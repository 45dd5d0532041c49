// SPDX-License-Identifier: Apache-2.0
// What the metadata of a GGUF model may say (F-23, F-24).
#include "quant/gguf_config.h"

#include "kernels/float.h"
#include "tests/quant/gguf_tiny.h"

enum {
    NONE = ASSAY_GGUF_TYPE_COUNT,
    U32 = ASSAY_GGUF_TYPE_U32,
    I32 = ASSAY_GGUF_TYPE_I32,
    U64 = ASSAY_GGUF_TYPE_U64,
    F32 = ASSAY_GGUF_TYPE_F32,
    TEXT = ASSAY_GGUF_TYPE_TEXT,
    VOCAB = 8
};

// The tiny model's metadata with a change, over an embedding.
static assay_status config_read(assay_hf_config *config, const gguf_meta *changed, bool head,
                                assay_error *err) {
    gguf_out out;
    assay_gguf file;
    gguf_start(&out);
    gguf_metas_write(&out, gguf_tiny_meta, GGUF_TINY_META, changed);
    gguf_tensor(&out, "token_embd.weight", 0, VOCAB, 64, 0);
    if (head) gguf_tensor(&out, "output.weight", 0, VOCAB, 64, VOCAB * 256);
    gguf_data(&out, 32, (head ? 2 : 1) * VOCAB * 256);
    assay_status status = assay_gguf_bind(&file, out.data, out.size, err);
    assert_int_equal(status, ASSAY_OK);
    status = assay_gguf_config_read(config, &file, err);
    assay_gguf_close(&file);
    free(out.data);
    return status;
}

static void a_configuration_is_read(void **state) {
    assay_hf_config config;
    assay_error err = {0};
    if (config_read(&config, NULL, false, &err) != ASSAY_OK) fail_msg("%s", err.text);
    const assay_model_shape *shape = &config.shape;
    assert_int_equal(shape->layer_count, 1);
    assert_int_equal(shape->width, 64);
    assert_int_equal(shape->head_count, 2);
    assert_int_equal(shape->kv_head_count, 1);
    assert_int_equal(shape->head_size, 32);
    assert_int_equal(shape->ff_width, 128);
    assert_int_equal(shape->vocab_size, VOCAB);
    assert_int_equal(shape->context_size, 16);
    assert_true(shape->eps == 1e-5f);
    assert_int_equal(shape->stop_count, 1);
    assert_int_equal(shape->stop_ids[0], 0);
    assert_true(config.rope_theta == 10000);
    assert_true(config.tied);
    assert_int_equal(config_read(&config, NULL, true, NULL), ASSAY_OK);
    assert_false(config.tied);
}

static void defaults_stand_in(void **state) {
    static const gguf_meta absent[] = {
        {"llama.rope.freq_base", NONE, 0, 0, NULL},
        {"llama.attention.head_count_kv", NONE, 0, 0, NULL},
        {"tokenizer.ggml.eos_token_id", NONE, 0, 0, NULL},
        {"llama.attention.key_length", U64, 64, 0, NULL},
        {"tokenizer.ggml.eot_token_id", U32, 7, 0, NULL},
    };
    assay_hf_config config;
    assert_int_equal(config_read(&config, &absent[0], false, NULL), ASSAY_OK);
    assert_true(config.rope_theta == 10000);
    assert_int_equal(config_read(&config, &absent[1], false, NULL), ASSAY_OK);
    assert_int_equal(config.shape.kv_head_count, 2);
    assert_int_equal(config_read(&config, &absent[2], false, NULL), ASSAY_OK);
    assert_int_equal(config.shape.stop_count, 0);
    assert_int_equal(config_read(&config, &absent[3], false, NULL), ASSAY_OK);
    assert_int_equal(config.shape.head_size, 64);
    assert_int_equal(config_read(&config, &absent[4], false, NULL), ASSAY_OK);
    assert_int_equal(config.shape.stop_count, 2);
    assert_int_equal(config.shape.stop_ids[0], 0);
    assert_int_equal(config.shape.stop_ids[1], 7);
}

// Ascending and each once, whichever key says them.
static void stop_ids_are_sorted(void **state) {
    gguf_out out;
    assay_gguf file;
    assay_hf_config config;
    gguf_start(&out);
    gguf_metas_write(&out, gguf_tiny_meta, GGUF_TINY_META - 1, NULL);
    gguf_pair_u32(&out, "tokenizer.ggml.eos_token_id", 7);
    gguf_pair_u32(&out, "tokenizer.ggml.eot_token_id", 2);
    gguf_pair_u32(&out, "tokenizer.ggml.eom_token_id", 7);
    gguf_tensor(&out, "token_embd.weight", 0, VOCAB, 64, 0);
    gguf_data(&out, 32, VOCAB * 256);
    assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
    assert_int_equal(assay_gguf_config_read(&config, &file, NULL), ASSAY_OK);
    assert_int_equal(config.shape.stop_count, 2);
    assert_int_equal(config.shape.stop_ids[0], 2);
    assert_int_equal(config.shape.stop_ids[1], 7);
    assay_gguf_close(&file);
    free(out.data);
}

static const struct {
    gguf_meta changed;
    assay_status status;
} changes[] = {
    {{"general.architecture", NONE, 0, 0, NULL}, ASSAY_MISSING},
    {{"general.architecture", U32, 1, 0, NULL}, ASSAY_FORMAT},
    {{"general.architecture", TEXT, 0, 0, "gemma3"}, ASSAY_UNSUPPORTED},
    {{"general.architecture", TEXT, 0, 0, "llam"}, ASSAY_UNSUPPORTED},
    {{"general.architecture", TEXT, 0, 0, "llama4"}, ASSAY_UNSUPPORTED},
    {{"general.type", TEXT, 0, 0, "model"}, ASSAY_OK},
    {{"general.type", TEXT, 0, 0, "adapter"}, ASSAY_UNSUPPORTED},
    {{"split.count", U32, 1, 0, NULL}, ASSAY_OK},
    {{"split.count", U32, 2, 0, NULL}, ASSAY_UNSUPPORTED},
    {{"llama.block_count", NONE, 0, 0, NULL}, ASSAY_MISSING},
    {{"llama.block_count", U32, 0, 0, NULL}, ASSAY_RANGE},
    {{"llama.block_count", U32, 257, 0, NULL}, ASSAY_RANGE}, // readers have had 512 places
    {{"llama.block_count", U32, UINT32_MAX, 0, NULL}, ASSAY_RANGE},
    {{"llama.block_count", U64, (uint64_t)1 << 32 | 1, 0, NULL}, ASSAY_RANGE},
    {{"llama.block_count", I32, UINT32_MAX, 0, NULL}, ASSAY_RANGE},
    {{"llama.block_count", I32, 1, 0, NULL}, ASSAY_OK},
    {{"llama.block_count", F32, 0, 1, NULL}, ASSAY_FORMAT},
    {{"llama.block_count", TEXT, 0, 0, "1"}, ASSAY_FORMAT},
    {{"llama.embedding_length", NONE, 0, 0, NULL}, ASSAY_MISSING},
    {{"llama.embedding_length", U32, 65, 0, NULL}, ASSAY_MISSING}, // a head's size
    {{"llama.embedding_length", U32, 96, 0, NULL}, ASSAY_RANGE},
    {{"llama.embedding_length", U32, 1 << 17, 0, NULL}, ASSAY_RANGE},
    {{"llama.feed_forward_length", NONE, 0, 0, NULL}, ASSAY_MISSING},
    {{"llama.feed_forward_length", U32, 100, 0, NULL}, ASSAY_RANGE},
    {{"llama.context_length", NONE, 0, 0, NULL}, ASSAY_MISSING},
    {{"llama.context_length", U32, 1 << 20, 0, NULL}, ASSAY_RANGE},
    {{"llama.attention.head_count", NONE, 0, 0, NULL}, ASSAY_MISSING},
    {{"llama.attention.head_count", U32, 0, 0, NULL}, ASSAY_RANGE},
    {{"llama.attention.head_count", U32, 3, 0, NULL}, ASSAY_MISSING},
    {{"llama.attention.head_count_kv", U32, 0, 0, NULL}, ASSAY_RANGE},
    {{"llama.attention.head_count_kv", U32, 3, 0, NULL}, ASSAY_RANGE},
    {{"llama.attention.key_length", U32, 32, 0, NULL}, ASSAY_OK},
    {{"llama.attention.key_length", U32, 33, 0, NULL}, ASSAY_RANGE},
    {{"llama.attention.value_length", U32, 32, 0, NULL}, ASSAY_OK},
    {{"llama.attention.value_length", U32, 64, 0, NULL}, ASSAY_MISMATCH},
    {{"llama.rope.dimension_count", U32, 32, 0, NULL}, ASSAY_OK},
    {{"llama.rope.dimension_count", U32, 16, 0, NULL}, ASSAY_MISMATCH},
    {{"llama.vocab_size", U32, VOCAB, 0, NULL}, ASSAY_OK},
    {{"llama.vocab_size", U32, VOCAB + 1, 0, NULL}, ASSAY_MISMATCH},
    {{"llama.attention.layer_norm_rms_epsilon", NONE, 0, 0, NULL}, ASSAY_MISSING},
    {{"llama.attention.layer_norm_rms_epsilon", F32, 0, 0, NULL}, ASSAY_RANGE},
    {{"llama.attention.layer_norm_rms_epsilon", F32, 0, 2, NULL}, ASSAY_RANGE},
    {{"llama.attention.layer_norm_rms_epsilon", F32, 0, __builtin_nanf(""), NULL}, ASSAY_RANGE},
    {{"llama.attention.layer_norm_rms_epsilon", U32, 1, 0, NULL}, ASSAY_FORMAT},
    {{"llama.rope.freq_base", F32, 0, 0.5f, NULL}, ASSAY_RANGE},
    {{"llama.rope.freq_base", F32, 0, 0x1p41f, NULL}, ASSAY_RANGE},
    {{"llama.rope.freq_base", F32, 0, __builtin_nanf(""), NULL}, ASSAY_RANGE},
    {{"llama.rope.freq_base", U32, 10000, 0, NULL}, ASSAY_FORMAT},
    {{"llama.rope.scaling.type", TEXT, 0, 0, "none"}, ASSAY_OK},
    {{"llama.rope.scaling.type", TEXT, 0, 0, "linear"}, ASSAY_MISSING},
    {{"llama.rope.scaling.type", TEXT, 0, 0, "yarn"}, ASSAY_UNSUPPORTED},
    {{"llama.rope.scaling.type", U32, 1, 0, NULL}, ASSAY_FORMAT},
    {{"llama.rope.scaling.factor", U32, 4, 0, NULL}, ASSAY_FORMAT},
    {{"llama.rope.scaling.original_context_length", U32, 4096, 0, NULL}, ASSAY_UNSUPPORTED},
    {{"llama.rope.scaling.attn_factor", F32, 0, 1, NULL}, ASSAY_UNSUPPORTED},
    {{"llama.rope.scale_linear", F32, 0, 4, NULL}, ASSAY_UNSUPPORTED},
    {{"llama.expert_count", U32, 0, 0, NULL}, ASSAY_OK},
    {{"llama.expert_count", U32, 8, 0, NULL}, ASSAY_UNSUPPORTED},
    {{"llama.attention.sliding_window", U32, 4096, 0, NULL}, ASSAY_UNSUPPORTED},
    {{"llama.attention.scale", F32, 0, 1, NULL}, ASSAY_UNSUPPORTED},
    {{"llama.logit_scale", F32, 0, 1, NULL}, ASSAY_UNSUPPORTED},
    {{"llama.tensor_data_layout", TEXT, 0, 0, "Meta AI original pth"}, ASSAY_OK},
    {{"llama", U32, 1, 0, NULL}, ASSAY_OK},
    {{"llamas.logit_scale", F32, 0, 1, NULL}, ASSAY_OK}, // another architecture's
    {{"quantize.imatrix.file", TEXT, 0, 0, "x"}, ASSAY_OK},
    {{"tokenizer.ggml.eos_token_id", U32, VOCAB - 1, 0, NULL}, ASSAY_OK},
    {{"tokenizer.ggml.eos_token_id", U32, VOCAB, 0, NULL}, ASSAY_RANGE},
    {{"tokenizer.ggml.eos_token_id", I32, UINT32_MAX, 0, NULL}, ASSAY_RANGE},
};

static void metadata_is_checked(void **state) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        assay_hf_config config;
        assay_error err = {0};
        assay_status status = config_read(&config, &changes[i].changed, false, &err);
        if (status != changes[i].status)
            fail_msg("%s, case %zu: %s (%s), expected %s", changes[i].changed.key, i,
                     assay_status_name(status), err.text, assay_status_name(changes[i].status));
    }
}

static void arrays_are_no_counts(void **state) {
    static const char *const keys[] = {"llama.attention.head_count", "llama.feed_forward_length",
                                       "llama.rope.freq_base", "general.architecture"};
    for (size_t skip = 0; skip < sizeof keys / sizeof *keys; skip++) {
        gguf_out out;
        assay_gguf file;
        assay_hf_config config;
        gguf_meta none = {keys[skip], NONE, 0, 0, NULL};
        gguf_start(&out);
        gguf_metas_write(&out, gguf_tiny_meta, GGUF_TINY_META, &none);
        gguf_array(&out, keys[skip], U32, 1);
        gguf_u32(&out, 2);
        gguf_tensor(&out, "token_embd.weight", 0, VOCAB, 64, 0);
        gguf_data(&out, 32, VOCAB * 256);
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assert_int_equal(assay_gguf_config_read(&config, &file, NULL), ASSAY_FORMAT);
        assay_gguf_close(&file);
        free(out.data);
    }
}

// The vocabulary is the embedding's.
static void an_embedding_is_needed(void **state) {
    static const struct {
        const char *name;
        uint64_t rows, columns;
        assay_status status;
    } cases[] = {
        {"token_embd.weight", 8, 64, ASSAY_OK},
        {"token_embd.weight", 512, 0, ASSAY_MISMATCH},
        {"token_embd.weight", (1 << 20) + 1, 1, ASSAY_MISMATCH},
        {"token_embd", 8, 64, ASSAY_MISSING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_out out;
        assay_gguf file;
        assay_hf_config config;
        gguf_start(&out);
        gguf_metas_write(&out, gguf_tiny_meta, GGUF_TINY_META, NULL);
        gguf_tensor(&out, cases[i].name, 0, cases[i].rows, cases[i].columns, 0);
        gguf_data(&out, 32, cases[i].rows * (cases[i].columns ? cases[i].columns : 1) * 4);
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assert_int_equal(assay_gguf_config_read(&config, &file, NULL), cases[i].status);
        assay_gguf_close(&file);
        free(out.data);
    }
}

// A linear factor counts, with its type or without.
static void linear_scaling_is_read(void **state) {
    static const struct {
        const char *type;
        float factor; // 0: no key
        assay_status status;
    } cases[] = {
        {"linear", 4, ASSAY_OK},         {NULL, 4, ASSAY_OK},
        {"linear", 0, ASSAY_MISSING},    {"none", 4, ASSAY_UNSUPPORTED},
        {"yarn", 4, ASSAY_UNSUPPORTED},  {"longrope", 0, ASSAY_UNSUPPORTED},
        {"linea", 4, ASSAY_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_out out;
        assay_gguf file;
        assay_hf_config config;
        gguf_start(&out);
        gguf_metas_write(&out, gguf_tiny_meta, GGUF_TINY_META, NULL);
        if (cases[i].type) gguf_pair_text(&out, "llama.rope.scaling.type", cases[i].type);
        if (cases[i].factor) gguf_pair_f32(&out, "llama.rope.scaling.factor", cases[i].factor);
        gguf_tensor(&out, "token_embd.weight", 0, VOCAB, 64, 0);
        gguf_data(&out, 32, VOCAB * 256);
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assert_int_equal(assay_gguf_config_read(&config, &file, NULL), cases[i].status);
        if (cases[i].status == ASSAY_OK) {
            assert_int_equal(config.rope_scaling.type, ASSAY_ROPE_LINEAR);
            assert_true(config.rope_scaling.factor == 4);
        }
        assay_gguf_close(&file);
        free(out.data);
    }
}

// The divisors of Llama 3's scaling for the tiny model's head of 32 over theta 10,000, as the
// converter's f32 has them: waves up to 2,048 positions long, up to 8,192, and longer.
static void divisors_make(float *out, float factor) {
    for (int i = 0; i < 16; i++)
        out[i] = i < 11 ? 1 : factor;
    // By mpmath; the waves are 3,533.3 and 6,283.2 positions long.
    out[11] = factor == 8 ? 1.9624499082565308f : 2.188084363937378f;
    out[12] = factor == 8 ? 4.681482791900635f : 7.730890274047852f;
}

static assay_status divisors_read(assay_hf_config *config, const float *divisors, uint32_t type,
                                  uint64_t count, bool linear, assay_error *err) {
    gguf_out out;
    assay_gguf file;
    gguf_start(&out);
    gguf_metas_write(&out, gguf_tiny_meta, GGUF_TINY_META, NULL);
    if (linear) gguf_pair_f32(&out, "llama.rope.scaling.factor", 2);
    gguf_tensor(&out, "token_embd.weight", 0, VOCAB, 64, 0);
    gguf_tensor(&out, "rope_freqs.weight", type, count, 0, VOCAB * 256);
    gguf_data(&out, 32, VOCAB * 256);
    gguf_put(&out, divisors, count * (type ? 2 : 4));
    assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
    uint64_t former = assay_float_enter();
    assay_status status = assay_gguf_config_read(config, &file, err);
    assay_float_leave(former);
    assay_gguf_close(&file);
    free(out.data);
    return status;
}

static void llama3_s_scaling_is_recognised(void **state) {
    float divisors[17] = {0};
    assay_hf_config config;
    assay_error err = {0};
    for (int i = 0; i < 2; i++) {
        float factor = i ? 32 : 8;
        divisors_make(divisors, factor);
        if (divisors_read(&config, divisors, 0, 16, false, &err) != ASSAY_OK)
            fail_msg("%s", err.text);
        assert_int_equal(config.rope_scaling.type, ASSAY_ROPE_LLAMA3);
        assert_true(config.rope_scaling.factor == factor);
        assert_true(config.rope_scaling.low_freq_factor == 1);
        assert_true(config.rope_scaling.high_freq_factor == 4);
        assert_true(config.rope_scaling.original_context == 8192);
    }
    for (int i = 0; i < 16; i++) {
        static const float spoilers[] = {1 + 0x1p-12f, 1 - 0x1p-12f, 0, -1};
        for (int j = 0; j < 4; j++) {
            divisors_make(divisors, 8);
            divisors[i] *= spoilers[j];
            assert_int_not_equal(divisors_read(&config, divisors, 0, 16, false, NULL), ASSAY_OK);
        }
        divisors_make(divisors, 8);
        divisors[i] = __builtin_nanf("");
        assert_int_not_equal(divisors_read(&config, divisors, 0, 16, false, NULL), ASSAY_OK);
    }
    divisors_make(divisors, 8);
    assert_int_equal(divisors_read(&config, divisors, 0, 15, false, NULL), ASSAY_MISMATCH);
    assert_int_equal(divisors_read(&config, divisors, 0, 17, false, NULL), ASSAY_MISMATCH);
    assert_int_equal(divisors_read(&config, divisors, 1, 16, false, NULL), ASSAY_MISMATCH); // F16
    assert_int_equal(divisors_read(&config, divisors, 0, 16, true, NULL), ASSAY_UNSUPPORTED);
}

static void families_are_told_apart(void **state) {
    static const struct {
        const char *name;
        bool paired, biases, head_norms;
    } cases[] = {{"llama", true, false, false},
                 {"qwen2", false, true, false},
                 {"qwen3", false, false, true}};
    for (size_t i = 0; i < 3; i++) {
        gguf_out out;
        assay_gguf file;
        assay_hf_config config;
        bool paired;
        gguf_start(&out);
        gguf_pair_text(&out, "general.architecture", cases[i].name);
        for (size_t j = 1; j < GGUF_TINY_META; j++) {
            gguf_meta meta = gguf_tiny_meta[j];
            char key[96];
            if (strncmp(meta.key, "llama.", 6) == 0) {
                snprintf(key, sizeof key, "%s%s", cases[i].name, meta.key + 5);
                meta.key = key;
            }
            gguf_meta_write(&out, &meta);
        }
        gguf_tensor(&out, "token_embd.weight", 0, VOCAB, 64, 0);
        gguf_data(&out, 32, VOCAB * 256);
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assert_int_equal(assay_gguf_config_read(&config, &file, NULL), ASSAY_OK);
        assert_int_equal(assay_gguf_paired(&paired, &file, NULL), ASSAY_OK);
        assert_int_equal(paired, cases[i].paired);
        assert_int_equal(config.shape.biases, cases[i].biases);
        assert_int_equal(config.shape.head_norms, cases[i].head_norms);
        assay_gguf_close(&file);
        free(out.data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_is_read), cmocka_unit_test(defaults_stand_in),
        cmocka_unit_test(stop_ids_are_sorted),     cmocka_unit_test(metadata_is_checked),
        cmocka_unit_test(arrays_are_no_counts),    cmocka_unit_test(an_embedding_is_needed),
        cmocka_unit_test(linear_scaling_is_read),  cmocka_unit_test(llama3_s_scaling_is_recognised),
        cmocka_unit_test(families_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
