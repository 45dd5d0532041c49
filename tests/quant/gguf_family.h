// SPDX-License-Identifier: Apache-2.0
// The models and adapters of family.h as GGUF files with the same numbers, as converters write
// them.
#ifndef ASSAY_TESTS_QUANT_GGUF_FAMILY_H
#define ASSAY_TESTS_QUANT_GGUF_FAMILY_H

#include "quant/inv_freq.h"
#include "tests/quant/family.h"
#include "tests/quant/gguf_write.h"

typedef struct {
    json_t *
        pairs; // key to value: integers as u32, reals as f32, null as a NaN, arrays of i32 or texts
    uint32_t paired;    // head size of rows in rotary pairs; 0: they lie as in the folder
    float divisors[64]; // of rope_freqs.weight
    uint32_t divisor_count, divisor_type; // count 0: no such tensor
} gguf_family;

static inline void gguf_family_set(gguf_family *g, const char *key, json_t *value) {
    char full[96];
    const char *name = json_string_value(json_object_get(g->pairs, "general.architecture"));
    snprintf(full, sizeof full, "%s.%s", name, key);
    json_object_set_new(g->pairs, full, value);
}

// As llama.cpp's converter computes them from a folder's configuration: in f32, an operation after
// the other. The powers of head sizes that are powers of two have exact exponents, so that the
// rounded inverse is what a good pow in f32 gives.
static inline void gguf_divisors_make(gguf_family *g, uint32_t head_size, double theta,
                                      float factor) {
    const float context = 8192, low = 1, high = 4;
    double inverse[64];
    g->divisor_count = head_size / 2;
    assert_true(g->divisor_count <= 64);
    assert_int_equal(assay_inv_freq(inverse, head_size, theta, NULL), ASSAY_OK);
    for (uint32_t i = 0; i < g->divisor_count; i++) {
        float frequency = 1.0f / (float)(1 / inverse[i]);
        float wavelength = 6.2831853f / frequency;
        float smooth = (context / wavelength - low) / (high - low);
        if (wavelength < context / high)
            g->divisors[i] = 1;
        else if (wavelength > context / low)
            g->divisors[i] = factor;
        else
            g->divisors[i] = 1 / ((1 - smooth) / factor + smooth);
    }
}

// What a converter says of a folder's configuration, which is borrowed.
static inline void gguf_family_open(gguf_family *g, const json_t *config) {
    static const char *const names[][2] = {
        {"num_hidden_layers", "block_count"},
        {"hidden_size", "embedding_length"},
        {"intermediate_size", "feed_forward_length"},
        {"max_position_embeddings", "context_length"},
        {"num_attention_heads", "attention.head_count"},
        {"num_key_value_heads", "attention.head_count_kv"},
        {"vocab_size", "vocab_size"},
        {"head_dim", "attention.key_length"},
        {"head_dim", "attention.value_length"},
    };
    assay_hf_config read;
    const char *type = json_string_value(json_object_get(config, "model_type"));
    if (strcmp(type, "mistral") == 0) type = "llama";
    assert_int_equal(assay_hf_config_read(&read, config, 0, NULL), ASSAY_OK);
    *g = (gguf_family){.pairs = json_pack("{s:s,s:s,s:s,s:s}", "general.architecture", type,
                                          "general.type", "model", "general.name", "tiny",
                                          "tokenizer.ggml.model", "gpt2")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(config, names[i][0]);
        if (value) gguf_family_set(g, names[i][1], json_incref(value));
    }
    gguf_family_set(g, "rope.dimension_count", json_integer(read.shape.head_size));
    gguf_family_set(g, "rope.freq_base", json_real(read.rope_theta));
    gguf_family_set(g, "attention.layer_norm_rms_epsilon", json_real(read.shape.eps));
    if (strcmp(type, "llama") == 0) g->paired = read.shape.head_size;
    if (read.rope_scaling.type == ASSAY_ROPE_LINEAR) {
        gguf_family_set(g, "rope.scaling.type", json_string("linear"));
        gguf_family_set(g, "rope.scaling.factor", json_real(read.rope_scaling.factor));
    } else if (read.rope_scaling.type == ASSAY_ROPE_LLAMA3) {
        gguf_divisors_make(g, read.shape.head_size, read.rope_theta,
                           (float)read.rope_scaling.factor);
    }
}

static inline void gguf_adapter_open(gguf_family *g, const json_t *config) {
    gguf_family_open(g, config);
    json_t *architecture = json_incref(json_object_get(g->pairs, "general.architecture"));
    json_decref(g->pairs);
    g->pairs = json_pack("{s:o,s:s,s:s,s:f}", "general.architecture", architecture, "general.type",
                         "adapter", "adapter.type", "lora", "adapter.lora.alpha", 8.0);
    g->divisor_count = 0;
}

static inline void gguf_family_close(gguf_family *g) {
    json_decref(g->pairs);
}

static inline void gguf_pair_json(gguf_out *out, const char *key, const json_t *value) {
    if (json_is_integer(value)) {
        gguf_pair_u32(out, key, (uint32_t)json_integer_value(value));
    } else if (json_is_string(value)) {
        gguf_pair_text(out, key, json_string_value(value));
    } else if (json_is_array(value)) {
        bool texts = json_is_string(json_array_get(value, 0));
        gguf_array(out, key, texts ? ASSAY_GGUF_TYPE_TEXT : ASSAY_GGUF_TYPE_I32,
                   json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            if (texts)
                gguf_text(out, json_string_value(json_array_get(value, i)));
            else
                gguf_u32(out, (uint32_t)json_integer_value(json_array_get(value, i)));
    } else {
        gguf_pair_f32(out, key,
                      json_is_null(value) ? __builtin_nanf("") : (float)json_number_value(value));
    }
}

// Of a name that is in no table what follows the layer stays as it is.
static inline void gguf_name_make(char *out, size_t size, const char *from) {
    static const char *const names[][2] = {
        {"model.embed_tokens", "token_embd"},
        {"model.norm", "output_norm"},
        {"lm_head", "output"},
        {"input_layernorm", "attn_norm"},
        {"post_attention_layernorm", "ffn_norm"},
        {"self_attn.q_proj", "attn_q"},
        {"self_attn.k_proj", "attn_k"},
        {"self_attn.v_proj", "attn_v"},
        {"self_attn.o_proj", "attn_output"},
        {"self_attn.q_norm", "attn_q_norm"},
        {"self_attn.k_norm", "attn_k_norm"},
        {"mlp.gate_proj", "ffn_gate"},
        {"mlp.up_proj", "ffn_up"},
        {"mlp.down_proj", "ffn_down"},
    };
    unsigned layer;
    int used = 0;
    size_t at = 0;
    if (strncmp(from, "base_model.model.", 17) == 0) from += 17;
    if (sscanf(from, "model.layers.%u.%n", &layer, &used) == 1 && used) {
        at = (size_t)snprintf(out, size, "blk.%u.", layer);
        from += used;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i][0]);
        if (strncmp(from, names[i][0], length) != 0 || from[length] != '.') continue;
        at += (size_t)snprintf(out + at, size - at, "%s", names[i][1]);
        from += length;
        break;
    }
    if (strncmp(from, ".lora_", 6) == 0) // "q_proj.lora_A.weight" is "attn_q.weight.lora_a"
        snprintf(out + at, size - at, ".weight.lora_%c", from[6] + ('a' - 'A'));
    else
        snprintf(out + at, size - at, "%s", from);
}

static inline void gguf_values_put(gguf_out *out, const gguf_family *g, const tiny *t,
                                   const tiny_tensor *tensor) {
    const char *name = tensor->name;
    uint32_t columns = tensor->columns ? tensor->columns : 1;
    bool rotated = (strstr(name, ".q_proj") || strstr(name, ".k_proj")) && !strstr(name, "lora_A");
    for (uint32_t row = 0; row < tensor->rows; row++) {
        uint32_t from = row;
        if (rotated && g->paired) {
            uint32_t within = row % g->paired;
            from = row - within + within % 2 * (g->paired / 2) + within / 2;
        }
        for (uint32_t column = 0; column < columns; column++) {
            float value = t->value(name, (uint64_t)from * columns + column);
            gguf_put(out, &value, sizeof value);
        }
    }
}

// Writes "model.gguf" into the folder, in the order of its tensors, in F32.
static inline void gguf_family_write(const gguf_family *g, const tiny *t) {
    gguf_out out;
    const char *key;
    json_t *value;
    uint64_t offset = 0;
    char name[200];
    gguf_start(&out);
    json_object_foreach(g->pairs, key, value) gguf_pair_json(&out, key, value);
    for (uint32_t i = 0; i < t->count; i++) {
        const tiny_tensor *tensor = &t->tensors[i];
        if (!tensor->rows) continue;
        gguf_name_make(name, sizeof name, tensor->name);
        gguf_tensor(&out, name, 0, tensor->rows, tensor->columns, offset);
        offset += (uint64_t)tensor->rows * (tensor->columns ? tensor->columns : 1) * sizeof(float);
        offset = (offset + 31) / 32 * 32;
    }
    if (g->divisor_count)
        gguf_tensor(&out, "rope_freqs.weight", g->divisor_type, g->divisor_count, 0, offset);
    gguf_data(&out, 32, 0);
    for (uint32_t i = 0; i < t->count; i++) {
        gguf_values_put(&out, g, t, &t->tensors[i]);
        gguf_data(&out, 32, 0); // the data part begins at a multiple too
    }
    gguf_put(&out, g->divisors, g->divisor_count * (g->divisor_type ? 2 : sizeof(float)));
    tiny_file_write(t, "model.gguf", out.data, out.size);
    free(out.data);
}

#endif
