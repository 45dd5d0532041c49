// SPDX-License-Identifier: Apache-2.0
// A Hugging Face folder small enough to import hundreds of times, and ways to spoil it.
#ifndef ASSAY_TESTS_QUANT_TINY_H
#define ASSAY_TESTS_QUANT_TINY_H

#include <unistd.h>

#include "base/file.h"
#include "quant/layout.h"
#include "tests/folder.h"
#include "tests/vectors.h"

enum { TINY_TENSORS_MAX = 48 };

// A source tensor; rows 0 leaves it out.
typedef struct {
    char name[160];
    uint32_t rows, columns; // columns 0: rank 1
} tiny_tensor;

typedef struct {
    char folder[64];
    char out[96];
    const char *config_name, *weights_name;
    json_t *config;
    tiny_tensor tensors[TINY_TENSORS_MAX];
    uint32_t count;
    assay_dtype dtype;
    uint64_t spoiled; // element of the whole data that gets `bits`
    uint32_t bits;
    uint64_t size; // elements of the whole data, set by tiny_write
    float (*value)(const char *name, uint64_t index); // of F32 tensors; NULL: drawn
} tiny;

static inline void tiny_tensor_add(tiny *t, const char *name, uint32_t rows, uint32_t columns) {
    tiny_tensor *tensor = &t->tensors[t->count++];
    snprintf(tensor->name, sizeof tensor->name, "%s.weight", name);
    tensor->rows = rows;
    tensor->columns = columns;
}

static inline void tiny_bias_add(tiny *t, const char *name, uint32_t rows) {
    tiny_tensor_add(t, name, rows, 0);
    snprintf(t->tensors[t->count - 1].name, sizeof t->tensors[0].name, "%s.bias", name);
}

static inline tiny_tensor *tiny_find(tiny *t, const char *name) {
    for (uint32_t i = 0; i < t->count; i++)
        if (strcmp(t->tensors[i].name, name) == 0) return &t->tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static inline void tiny_start(tiny *t, const char *config_name, const char *weights_name,
                              const char *config) {
    *t = (tiny){.folder = "/tmp/assay_tiny_XXXXXX",
                .config_name = config_name,
                .weights_name = weights_name,
                .dtype = ASSAY_DTYPE_BF16,
                .spoiled = UINT64_MAX};
    test_folder_make(t->folder);
    snprintf(t->out, sizeof t->out, "%s/out.assay", t->folder);
    t->config = json_loads(config, 0, NULL);
    assert_non_null(t->config);
}

// One layer, width 64, two heads over one key-value head, the demo's vocabulary.
static inline void tiny_open(tiny *t) {
    tiny_start(t, "config.json", "model.safetensors",
               "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\","
               "\"hidden_size\":64,\"intermediate_size\":128,\"num_hidden_layers\":1,"
               "\"num_attention_heads\":2,\"num_key_value_heads\":1,\"head_dim\":32,"
               "\"vocab_size\":2048,\"max_position_embeddings\":16,\"rms_norm_eps\":1e-05,"
               "\"rope_theta\":10000.0,\"rope_scaling\":null,\"hidden_act\":\"silu\","
               "\"tie_word_embeddings\":true,\"attention_bias\":false,\"mlp_bias\":false,"
               "\"bos_token_id\":0,\"eos_token_id\":0,\"torch_dtype\":\"bfloat16\"}");
    tiny_tensor_add(t, "model.embed_tokens", 2048, 64);
    tiny_tensor_add(t, "model.layers.0.input_layernorm", 64, 0);
    tiny_tensor_add(t, "model.layers.0.post_attention_layernorm", 64, 0);
    tiny_tensor_add(t, "model.layers.0.self_attn.q_proj", 64, 64);
    tiny_tensor_add(t, "model.layers.0.self_attn.k_proj", 32, 64);
    tiny_tensor_add(t, "model.layers.0.self_attn.v_proj", 32, 64);
    tiny_tensor_add(t, "model.layers.0.self_attn.o_proj", 64, 64);
    tiny_tensor_add(t, "model.layers.0.mlp.gate_proj", 128, 64);
    tiny_tensor_add(t, "model.layers.0.mlp.up_proj", 128, 64);
    tiny_tensor_add(t, "model.layers.0.mlp.down_proj", 64, 128);
    tiny_tensor_add(t, "model.norm", 64, 0);
}

static inline void tiny_pair_add(tiny *t, const char *module, uint32_t rank, uint32_t k,
                                 uint32_t n) {
    char name[128];
    snprintf(name, sizeof name, "base_model.model.%s.lora_A", module);
    tiny_tensor_add(t, name, rank, k);
    snprintf(name, sizeof name, "base_model.model.%s.lora_B", module);
    tiny_tensor_add(t, name, n, rank);
}

// Rank 4 on two linears of two layers.
static inline void tiny_adapter_open(tiny *t) {
    tiny_start(t, "adapter_config.json", "adapter_model.safetensors",
               "{\"peft_type\":\"LORA\",\"task_type\":\"CAUSAL_LM\",\"r\":4,"
               "\"lora_alpha\":8,\"lora_dropout\":0.1,\"bias\":\"none\",\"use_rslora\":false,"
               "\"use_dora\":false,\"fan_in_fan_out\":false,\"inference_mode\":true,"
               "\"target_modules\":[\"q_proj\",\"mlp.down_proj\"]}");
    for (int layer = 0; layer < 2; layer++) {
        char module[64];
        snprintf(module, sizeof module, "model.layers.%d.self_attn.q_proj", layer);
        tiny_pair_add(t, module, 4, 64, 64);
        snprintf(module, sizeof module, "model.layers.%d.mlp.down_proj", layer);
        tiny_pair_add(t, module, 4, 128, 64);
    }
}

static inline void tiny_set(tiny *t, const char *name, const char *json) {
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    json_object_set_new(t->config, name, value);
}

static inline void tiny_path(char *out, size_t size, const tiny *t, const char *name) {
    snprintf(out, size, "%s/%s", t->folder, name);
}

// Without the fsyncs of assay_file_replace, which hundreds of folders would wait for.
static inline void tiny_file_write(const tiny *t, const char *name, const void *data, size_t size) {
    char path[160];
    tiny_path(path, sizeof path, t, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void tiny_values_fill(uint8_t *data, const tiny *t) {
    for (uint32_t i = 0; i < t->count; i++) {
        const tiny_tensor *tensor = &t->tensors[i];
        uint64_t count = (uint64_t)tensor->rows * (tensor->columns ? tensor->columns : 1);
        for (uint64_t e = 0; e < count; e++, data += sizeof(float)) {
            float value = t->value(tensor->name, e);
            memcpy(data, &value, sizeof value);
        }
    }
}

static inline void tiny_draws_fill(uint8_t *file, const tiny *t) {
    size_t at = 0, element = assay_dtype_size(t->dtype);
    uint64_t random = 88172645463325252u;
    for (uint64_t i = 0; i < t->size; i++, at += element) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        // Values of magnitude 2^-7 to 2^-4 that every one of the three formats holds exactly.
        uint32_t bits =
            (uint32_t)(random >> 63) << 31 | (0x3c000000 + ((uint32_t)random & 0x1ff0000));
        if (t->dtype == ASSAY_DTYPE_F16)
            bits = (bits >> 31 << 15 | (((bits >> 13) & 0x3ffff) - (112 << 10))) << 16;
        if (i == t->spoiled) bits = t->bits;
        if (element == 2) bits >>= 16;
        for (size_t byte = 0; byte < element; byte++)
            file[at + byte] = (uint8_t)((uint64_t)bits >> 8 * byte);
    }
}

static inline void tiny_weights_write(tiny *t) {
    size_t room = 1 << 16, at = 8, element = assay_dtype_size(t->dtype);
    uint64_t begin = 0;
    uint8_t *file = malloc(room);
    at += (size_t)snprintf((char *)file + at, room - at, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (uint32_t i = 0; i < t->count; i++) {
        const tiny_tensor *tensor = &t->tensors[i];
        if (!tensor->rows) continue;
        uint64_t columns = tensor->columns ? tensor->columns : 1, size = tensor->rows * columns;
        char shape[48];
        snprintf(shape, sizeof shape, tensor->columns ? "%u,%u" : "%u", tensor->rows,
                 tensor->columns);
        at += (size_t)snprintf((char *)file + at, room - at,
                               ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%llu,"
                               "%llu]}",
                               tensor->name, assay_dtype_name(t->dtype), shape,
                               (ull)(begin * element), (ull)((begin + size) * element));
        begin += size;
    }
    file[at++] = '}';
    assay_store_le64(file, at - 8);
    t->size = begin;
    file = realloc(file, at + begin * element);
    if (t->value)
        tiny_values_fill(file + at, t);
    else
        tiny_draws_fill(file + at, t);
    tiny_file_write(t, t->weights_name, file, at + begin * element);
    free(file);
}

// Writes the whole folder.
static inline void tiny_write(tiny *t) {
    char *text = json_dumps(t->config, JSON_COMPACT), path[256];
    tiny_file_write(t, t->config_name, text, strlen(text));
    free(text);
    uint8_t *data;
    size_t size;
    snprintf(path, sizeof path, "%s/testnet/model/tokenizer.json", ASSAY_SOURCE_DIR);
    assert_int_equal(assay_file_read(path, 1 << 20, &data, &size, NULL), ASSAY_OK);
    tiny_file_write(t, "tokenizer.json", data, size);
    free(data);
    tiny_weights_write(t);
}

static inline void tiny_close(tiny *t) {
    static const char *const names[] = {"config.json",
                                        "tokenizer.json",
                                        "model.safetensors",
                                        "out.assay",
                                        "adapter_config.json",
                                        "adapter_model.safetensors",
                                        "model.gguf",
                                        "generation_config.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "added_tokens.json"};
    char path[160];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tiny_path(path, sizeof path, t, names[i]);
        unlink(path);
    }
    json_decref(t->config);
    // Also says that no temporary file was left behind.
    assert_int_equal(rmdir(t->folder), 0);
}

#endif
