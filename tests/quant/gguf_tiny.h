// SPDX-License-Identifier: Apache-2.0
// GGUF files with the numbers of a tiny folder: the other way round than they are read.
#ifndef ASSAY_TESTS_QUANT_GGUF_TINY_H
#define ASSAY_TESTS_QUANT_GGUF_TINY_H

#include "quant/source_safetensors.h"
#include "tests/quant/gguf_write.h"
#include "tests/quant/tiny.h"

enum { GGUF_TINY_HEAD = 32 }; // of tiny_open's model

// A pair of metadata: U32 value, F32 number or TEXT text; ASSAY_GGUF_TYPE_COUNT leaves the key out.
typedef struct {
    const char *key;
    uint32_t type;
    uint64_t value;
    float number;
    const char *text;
} gguf_meta;

static const gguf_meta gguf_tiny_meta[] = {
    {"general.architecture", ASSAY_GGUF_TYPE_TEXT, 0, 0, "llama"},
    {"general.name", ASSAY_GGUF_TYPE_TEXT, 0, 0, "tiny"},
    {"llama.block_count", ASSAY_GGUF_TYPE_U32, 1, 0, NULL},
    {"llama.embedding_length", ASSAY_GGUF_TYPE_U32, 64, 0, NULL},
    {"llama.feed_forward_length", ASSAY_GGUF_TYPE_U32, 128, 0, NULL},
    {"llama.context_length", ASSAY_GGUF_TYPE_U32, 16, 0, NULL},
    {"llama.attention.head_count", ASSAY_GGUF_TYPE_U32, 2, 0, NULL},
    {"llama.attention.head_count_kv", ASSAY_GGUF_TYPE_U32, 1, 0, NULL},
    {"llama.attention.layer_norm_rms_epsilon", ASSAY_GGUF_TYPE_F32, 0, 1e-5f, NULL},
    {"llama.rope.freq_base", ASSAY_GGUF_TYPE_F32, 0, 10000, NULL},
    {"tokenizer.ggml.eos_token_id", ASSAY_GGUF_TYPE_U32, 0, 0, NULL},
};
enum { GGUF_TINY_META = sizeof gguf_tiny_meta / sizeof *gguf_tiny_meta };

static const gguf_meta gguf_tiny_adapter_meta[] = {
    {"general.architecture", ASSAY_GGUF_TYPE_TEXT, 0, 0, "llama"},
    {"general.type", ASSAY_GGUF_TYPE_TEXT, 0, 0, "adapter"},
    {"adapter.type", ASSAY_GGUF_TYPE_TEXT, 0, 0, "lora"},
    {"adapter.lora.alpha", ASSAY_GGUF_TYPE_F32, 0, 8, NULL},
};
enum { GGUF_TINY_ADAPTER_META = sizeof gguf_tiny_adapter_meta / sizeof *gguf_tiny_adapter_meta };

static inline void gguf_meta_write(gguf_out *out, const gguf_meta *meta) {
    if (meta->type == ASSAY_GGUF_TYPE_COUNT) return;
    gguf_key(out, meta->key, meta->type);
    if (meta->type == ASSAY_GGUF_TYPE_TEXT)
        gguf_text(out, meta->text);
    else if (meta->type == ASSAY_GGUF_TYPE_F32)
        gguf_put(out, &meta->number, sizeof meta->number);
    else if (meta->type == ASSAY_GGUF_TYPE_U64)
        gguf_u64(out, meta->value);
    else
        gguf_u32(out, (uint32_t)meta->value);
}

// The list, with `changed` (or NULL) in place of what has its key, or at the end.
static inline void gguf_metas_write(gguf_out *out, const gguf_meta *list, size_t count,
                                    const gguf_meta *changed) {
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        bool other = changed && strcmp(changed->key, list[i].key) == 0;
        gguf_meta_write(out, other ? changed : &list[i]);
        found = found || other;
    }
    if (changed && !found) gguf_meta_write(out, changed);
}

// Names of the folder's tensors and of the file's.
typedef struct {
    const char *from, *to;
    bool rotated;
} gguf_renamed;

static const gguf_renamed gguf_tiny_names[] = {
    {"model.embed_tokens.weight", "token_embd.weight", false},
    {"model.layers.0.input_layernorm.weight", "blk.0.attn_norm.weight", false},
    {"model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight", false},
    {"model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight", true},
    {"model.layers.0.self_attn.k_proj.weight", "blk.0.attn_k.weight", true},
    {"model.layers.0.self_attn.v_proj.weight", "blk.0.attn_v.weight", false},
    {"model.layers.0.self_attn.o_proj.weight", "blk.0.attn_output.weight", false},
    {"model.layers.0.mlp.gate_proj.weight", "blk.0.ffn_gate.weight", false},
    {"model.layers.0.mlp.up_proj.weight", "blk.0.ffn_up.weight", false},
    {"model.layers.0.mlp.down_proj.weight", "blk.0.ffn_down.weight", false},
    {"model.norm.weight", "output_norm.weight", false},
};
enum { GGUF_TINY_NAMES = sizeof gguf_tiny_names / sizeof *gguf_tiny_names };

static const gguf_renamed gguf_tiny_adapter_names[] = {
    {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", "blk.0.attn_q.weight.lora_a",
     false},
    {"base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", "blk.0.attn_q.weight.lora_b",
     true},
    {"base_model.model.model.layers.0.mlp.down_proj.lora_A.weight", "blk.0.ffn_down.weight.lora_a",
     false},
    {"base_model.model.model.layers.0.mlp.down_proj.lora_B.weight", "blk.0.ffn_down.weight.lora_b",
     false},
};
enum { GGUF_TINY_ADAPTER_NAMES = sizeof gguf_tiny_adapter_names / sizeof *gguf_tiny_adapter_names };

// The tensors of a list as F32, those whose `to` is `without` (or NULL) left out; entries, then
// data. Row h * head + j + s * head / 2 of the folder becomes row h * head + 2 * j + s of the file.
static inline void gguf_tensors_write(gguf_out *out, const assay_source *source,
                                      const gguf_renamed *names, size_t count,
                                      const char *without) {
    uint64_t offset = 0;
    assay_error err = {0};
    for (size_t i = 0; i < count; i++) {
        if (without && strcmp(names[i].to, without) == 0) continue;
        const assay_source_tensor *tensor = assay_source_find(source, names[i].from);
        assert_non_null(tensor);
        gguf_tensor(out, names[i].to, 0, tensor->shape[0], tensor->rank == 2 ? tensor->shape[1] : 0,
                    offset);
        uint64_t size = assay_source_row_count(tensor) * assay_source_row_size(tensor) * 4;
        offset += (size + 31) / 32 * 32;
    }
    gguf_data(out, 32, 0);
    for (size_t i = 0; i < count; i++) {
        if (without && strcmp(names[i].to, without) == 0) continue;
        const assay_source_tensor *tensor = assay_source_find(source, names[i].from);
        uint64_t rows = assay_source_row_count(tensor), k = assay_source_row_size(tensor);
        float *values = malloc(rows * k * sizeof *values);
        if (assay_source_rows(values, source, tensor, 0, rows, &err) != ASSAY_OK)
            fail_msg("%s", err.text);
        for (uint64_t at = 0; at < rows; at++) {
            uint64_t from = at;
            if (names[i].rotated) {
                uint64_t head = at / GGUF_TINY_HEAD, j = at % GGUF_TINY_HEAD / 2, s = at % 2;
                from = head * GGUF_TINY_HEAD + s * (GGUF_TINY_HEAD / 2) + j;
            }
            gguf_put(out, values + from * k, k * sizeof *values);
        }
        gguf_data(out, 32, 0);
        free(values);
    }
}

// Writes and releases `out` as `<folder>/file.gguf`; the caller unlinks it.
static inline void gguf_save(gguf_out *out, const tiny *t, char *path, size_t size) {
    tiny_path(path, size, t, "file.gguf");
    tiny_file_write(t, "file.gguf", out->data, out->size);
    free(out->data);
    *out = (gguf_out){0};
}

#endif
