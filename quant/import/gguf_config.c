// SPDX-License-Identifier: Apache-2.0
#include "quant/import/gguf_config.h"

#include <stdio.h>

#include "quant/import/gguf_rope.h"
#include "quant/layout.h"

// Keys below the architecture's name that take part in the result.
static const char *const read_keys[] = {"attention.head_count",
                                        "attention.head_count_kv",
                                        "attention.key_length",
                                        "attention.layer_norm_rms_epsilon",
                                        "attention.value_length",
                                        "block_count",
                                        "context_length",
                                        "embedding_length",
                                        "feed_forward_length",
                                        "rope.dimension_count",
                                        "rope.freq_base",
                                        "rope.scaling.factor",
                                        "rope.scaling.type",
                                        "vocab_size",
                                        NULL};

// Keys that would change the result unless they are 0.
static const char *const neutral_keys[] = {"attention.sliding_window", "expert_count",
                                           "expert_used_count", NULL};

// What older converters say of where the weights came from.
static const char *const ignored_keys[] = {"tensor_data_layout", NULL};

typedef struct {
    const char *architecture;
    bool paired;     // rows of queries and keys lie in rotary pairs
    bool biases;     // of q, k and v
    bool head_norms; // N-21
} family;

// Mistral's files say llama.
static const family families[] = {
    {.architecture = "llama", .paired = true},
    {.architecture = "qwen2", .biases = true},
    {.architecture = "qwen3", .head_norms = true},
};

// A key of the architecture; the text lives until the next one.
typedef struct {
    const assay_gguf *file;
    const family *of;
    char key[64];
} reader;

static const char *key_of(reader *r, const char *name) {
    snprintf(r->key, sizeof r->key, "%s.%s", r->of->architecture, name);
    return r->key;
}

static assay_status family_find(const family **out, const assay_gguf *file, assay_error *err) {
    assay_bytes name;
    ASSAY_TRY(assay_gguf_text(&name, file, "general.architecture", err));
    for (size_t i = 0; i < ASSAY_COUNT(families); i++)
        if (assay_gguf_text_is(name, families[i].architecture)) {
            *out = &families[i];
            return ASSAY_OK;
        }
    return ASSAY_FAIL(err, UNSUPPORTED,
                      "architecture is \"%.*s\", known are llama, qwen2 and qwen3",
                      (int)(name.size < 64 ? name.size : 64), name.data);
}

assay_status assay_gguf_paired(bool *out, const assay_gguf *file, assay_error *err) {
    const family *of;
    ASSAY_TRY(family_find(&of, file, err));
    *out = of->paired;
    return ASSAY_OK;
}

static assay_status text_check(const assay_gguf *file, const char *key, const char *wanted,
                               assay_error *err) {
    assay_bytes text;
    ASSAY_TRY(assay_gguf_text(&text, file, key, err));
    if (!assay_gguf_text_is(text, wanted))
        return ASSAY_FAIL(err, UNSUPPORTED, "%s is \"%.*s\", not \"%s\"", key,
                          (int)(text.size < 64 ? text.size : 64), text.data, wanted);
    return ASSAY_OK;
}

// Files of models before there were other contents have no general.type.
static assay_status content_check(const assay_gguf *file, assay_error *err) {
    uint64_t parts;
    if (assay_gguf_find(file, "general.type"))
        ASSAY_TRY(text_check(file, "general.type", "model", err));
    if (!assay_gguf_find(file, "split.count")) return ASSAY_OK;
    ASSAY_TRY(assay_gguf_u64(&parts, file, "split.count", 0, UINT16_MAX, err));
    if (parts > 1)
        return ASSAY_FAIL(err, UNSUPPORTED, "file is one part of %llu, only whole ones are read",
                          (ull)parts);
    return ASSAY_OK;
}

static assay_status keys_check(const reader *r, assay_error *err) {
    size_t prefix = strlen(r->of->architecture);
    for (uint32_t i = 0; i < r->file->pair_count; i++) {
        assay_bytes key = r->file->pairs[i].key;
        char name[ASSAY_GGUF_KEY_MAX + 1];
        uint64_t zero;
        if (key.size <= prefix || memcmp(key.data, r->of->architecture, prefix) != 0 ||
            key.data[prefix] != '.')
            continue;
        memcpy(name, key.data, key.size);
        name[key.size] = 0;
        const char *part = name + prefix + 1;
        if (assay_name_listed(part, read_keys) || assay_name_listed(part, ignored_keys)) continue;
        if (!assay_name_listed(part, neutral_keys))
            return ASSAY_FAIL(err, UNSUPPORTED, "key %s may change the result and is not known",
                              name);
        ASSAY_TRY(assay_gguf_u64(&zero, r->file, name, 0, UINT64_MAX, err));
        if (zero)
            return ASSAY_FAIL(err, UNSUPPORTED, "%s is %llu, which changes the result", name,
                              (ull)zero);
    }
    return ASSAY_OK;
}

// fallback 0: needed.
static assay_status count_read(uint32_t *out, reader *r, const char *name, uint32_t fallback,
                               assay_error *err) {
    uint64_t value = fallback;
    const char *key = key_of(r, name);
    if (!fallback || assay_gguf_find(r->file, key))
        ASSAY_TRY(assay_gguf_u64(&value, r->file, key, 1, UINT32_MAX, err));
    *out = (uint32_t)value;
    return ASSAY_OK;
}

// A count that a file may repeat, and not otherwise.
static assay_status count_check(reader *r, const char *name, uint32_t wanted, assay_error *err) {
    uint32_t value;
    ASSAY_TRY(count_read(&value, r, name, wanted, err));
    if (value != wanted)
        return ASSAY_FAIL(err, MISMATCH, "%s is %u, the model's is %u", r->key, value, wanted);
    return ASSAY_OK;
}

// The ends of a text, of a turn and of a message: each ends an output.
static assay_status stops_read(assay_model_shape *shape, const assay_gguf *file, assay_error *err) {
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    for (int i = 0; i < 3; i++) {
        uint64_t id;
        if (!assay_gguf_find(file, keys[i])) continue;
        ASSAY_TRY(assay_gguf_u64(&id, file, keys[i], 0, shape->vocab_size - 1, err));
        assay_stop_add(shape, (uint32_t)id);
    }
    return ASSAY_OK;
}

static assay_status vocab_read(uint32_t *out, reader *r, assay_error *err) {
    const assay_gguf_tensor *embedding = assay_gguf_tensor_find(r->file, "token_embd.weight");
    if (!embedding) return ASSAY_FAIL(err, MISSING, "tensor \"token_embd.weight\" is missing");
    if (embedding->rank != 2 || embedding->dims[1] > ASSAY_MODEL_VOCAB_MAX)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"token_embd.weight\" is no matrix of at most %d",
                          ASSAY_MODEL_VOCAB_MAX);
    *out = (uint32_t)embedding->dims[1];
    return count_check(r, "vocab_size", *out, err);
}

static assay_status shape_read(assay_model_shape *shape, reader *r, uint32_t context,
                               assay_error *err) {
    uint32_t stated;
    ASSAY_TRY(count_read(&shape->layer_count, r, "block_count", 0, err));
    ASSAY_TRY(count_read(&shape->width, r, "embedding_length", 0, err));
    ASSAY_TRY(count_read(&shape->head_count, r, "attention.head_count", 0, err));
    ASSAY_TRY(
        count_read(&shape->kv_head_count, r, "attention.head_count_kv", shape->head_count, err));
    uint32_t share = shape->width % shape->head_count ? 0 : shape->width / shape->head_count;
    ASSAY_TRY(count_read(&shape->head_size, r, "attention.key_length", share, err));
    ASSAY_TRY(count_check(r, "attention.value_length", shape->head_size, err));
    ASSAY_TRY(count_check(r, "rope.dimension_count", shape->head_size, err));
    ASSAY_TRY(count_read(&shape->ff_width, r, "feed_forward_length", 0, err));
    ASSAY_TRY(count_read(&stated, r, "context_length", 0, err));
    ASSAY_TRY(assay_context_choose(&shape->context_size, stated, context, err));
    ASSAY_TRY(vocab_read(&shape->vocab_size, r, err));
    const char *key = key_of(r, "attention.layer_norm_rms_epsilon");
    ASSAY_TRY(assay_gguf_f32(&shape->eps, r->file, key, err));
    ASSAY_TRY(stops_read(shape, r->file, err));
    return assay_model_shape_check(shape, err);
}

assay_status assay_gguf_config_read(assay_hf_config *out, const assay_gguf *file, uint32_t context,
                                    assay_error *err) {
    reader r = {.file = file};
    *out = (assay_hf_config){0};
    ASSAY_TRY(content_check(file, err));
    ASSAY_TRY(family_find(&r.of, file, err));
    ASSAY_TRY(keys_check(&r, err));
    ASSAY_TRY(shape_read(&out->shape, &r, context, err));
    ASSAY_TRY(assay_gguf_rope_read(&out->rope_theta, &out->rope_scaling, file, r.of->architecture,
                                   out->shape.head_size, err));
    out->shape.biases = r.of->biases;
    out->shape.head_norms = r.of->head_norms;
    out->tied = !assay_gguf_tensor_find(file, "output.weight");
    return ASSAY_OK;
}

assay_status assay_gguf_lora_read(double *alpha, const assay_gguf *file, assay_error *err) {
    static const char start[] = "adapter.";
    static const char *const keys[] = {"adapter.type", "adapter.lora.alpha", NULL};
    float value;
    ASSAY_TRY(text_check(file, "general.type", "adapter", err));
    ASSAY_TRY(text_check(file, "adapter.type", "lora", err));
    ASSAY_TRY(assay_gguf_f32(&value, file, "adapter.lora.alpha", err));
    if (!__builtin_isfinite(value))
        return ASSAY_FAIL(err, NONFINITE, "adapter.lora.alpha is not finite");
    if (value == 0 || !assay_weight_legal(value))
        return ASSAY_FAIL(err, RANGE, "adapter.lora.alpha is %g, which is 0 or over 2^20",
                          (double)value);
    for (uint32_t i = 0; i < file->pair_count; i++) {
        assay_bytes key = file->pairs[i].key;
        if (key.size < sizeof start - 1 || memcmp(key.data, start, sizeof start - 1) != 0) continue;
        if (!assay_gguf_text_is(key, keys[0]) && !assay_gguf_text_is(key, keys[1]))
            return ASSAY_FAIL(err, UNSUPPORTED, "key %.*s may change the result and is not known",
                              (int)key.size, key.data);
    }
    *alpha = value;
    return ASSAY_OK;
}
