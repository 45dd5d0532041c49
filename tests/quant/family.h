// SPDX-License-Identifier: Apache-2.0
// Small models of each family as Hugging Face folders. Their numbers are a function of names and
// indices alone, which tests/oracles/fixtures.py computes too: no weights are kept in the tree.
#ifndef ASSAY_TESTS_QUANT_FAMILY_H
#define ASSAY_TESTS_QUANT_FAMILY_H

#include "quant/import/adapter_import.h"
#include "quant/import/hf_config.h"
#include "quant/import/import.h"
#include "tests/quant/tiny.h"

// Element `index` of a tensor: uniform in -1 .. 1 in steps of 2^-23, times a width by its name.
static inline float family_value(const char *name, uint64_t index) {
    uint64_t z = 14695981039346656037u; // FNV-1a of the name, then SplitMix64
    for (const char *at = name; *at; at++)
        z = (z ^ (uint8_t)*at) * 1099511628211u;
    z += (index + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    float value = (float)((int32_t)(z >> 40) - (1 << 23)) * 0x1p-23f;
    if (strstr(name, "norm")) return 1.0f + value * 0.25f;
    // Wide enough that a token's logits follow from its context, and not from itself alone.
    return value * (strstr(name, ".bias") ? 0.5f : 0.25f);
}

// A configuration of tests/vectors/families.json, borrowed from it.
static inline json_t *family_config_find(json_t *recorded, const char *name) {
    json_t *row;
    size_t index;
    json_array_foreach(vectors_at(recorded, "models"), index, row) {
        if (strcmp(json_string_value(vectors_at(row, "name")), name) == 0)
            return vectors_at(row, "config");
    }
    fail_msg("no model %s", name);
    return NULL;
}

static inline void family_tensors_add(tiny *t, const assay_hf_config *config) {
    const assay_model_shape *shape = &config->shape;
    char name[128];
    tiny_tensor_add(t, "model.embed_tokens", shape->vocab_size, shape->width);
    if (!config->tied) tiny_tensor_add(t, "lm_head", shape->vocab_size, shape->width);
    tiny_tensor_add(t, "model.norm", shape->width, 0);
    for (uint32_t layer = 0; layer < shape->layer_count; layer++) {
        snprintf(name, sizeof name, "model.layers.%u.input_layernorm", layer);
        tiny_tensor_add(t, name, shape->width, 0);
        snprintf(name, sizeof name, "model.layers.%u.post_attention_layernorm", layer);
        tiny_tensor_add(t, name, shape->width, 0);
        for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
            uint32_t n, k;
            assay_linear_shape(&n, &k, shape, (assay_linear)i);
            snprintf(name, sizeof name, "model.layers.%u.%s", layer, assay_linear_names[i]);
            tiny_tensor_add(t, name, n, k);
            if (shape->biases && i <= ASSAY_LINEAR_V) tiny_bias_add(t, name, n);
        }
        for (int i = 0; shape->head_norms && i < 2; i++) {
            snprintf(name, sizeof name, "model.layers.%u.self_attn.%c_norm", layer, "qk"[i]);
            tiny_tensor_add(t, name, shape->head_size, 0);
        }
    }
}

// The folder of a configuration. config is borrowed.
static inline void family_open(tiny *t, const json_t *config) {
    assay_hf_config read;
    assay_error err = {0};
    char *text = json_dumps(config, JSON_COMPACT);
    tiny_start(t, "config.json", "model.safetensors", text);
    free(text);
    if (assay_hf_config_read(&read, config, 0, &err) != ASSAY_OK) fail_msg("%s", err.text);
    t->dtype = ASSAY_DTYPE_F32;
    t->value = family_value;
    family_tensors_add(t, &read);
}

// The folder of an adapter of rank 4 on q_proj, v_proj and down_proj of every layer.
static inline void family_adapter_open(tiny *t, const json_t *config) {
    static const assay_linear linears[] = {ASSAY_LINEAR_Q, ASSAY_LINEAR_V, ASSAY_LINEAR_DOWN};
    assay_hf_config read;
    assert_int_equal(assay_hf_config_read(&read, config, 0, NULL), ASSAY_OK);
    tiny_start(t, "adapter_config.json", "adapter_model.safetensors",
               "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":8,"
               "\"target_modules\":[\"q_proj\",\"v_proj\",\"down_proj\"]}");
    t->dtype = ASSAY_DTYPE_F32;
    t->value = family_value;
    for (uint32_t layer = 0; layer < read.shape.layer_count; layer++)
        for (int i = 0; i < 3; i++) {
            uint32_t n, k;
            char module[64];
            assay_linear_shape(&n, &k, &read.shape, linears[i]);
            snprintf(module, sizeof module, "model.layers.%u.%s", layer,
                     assay_linear_names[linears[i]]);
            tiny_pair_add(t, module, 4, k, n);
        }
}

#endif
