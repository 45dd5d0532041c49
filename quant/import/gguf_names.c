// SPDX-License-Identifier: Apache-2.0
#include "quant/import/gguf_names.h"

#include <stdio.h>

#include "quant/model.h"

typedef struct {
    const char *from, *to;
    bool rotated;
} translation;

static const translation outer[] = {
    {"token_embd.weight", "model.embed_tokens.weight", false},
    {"output_norm.weight", "model.norm.weight", false},
    {"output.weight", "lm_head.weight", false},
};

// Below "blk.N." and "model.layers.N.".
static const translation inner[] = {
    {"attn_norm.weight", "input_layernorm.weight", false},
    {"ffn_norm.weight", "post_attention_layernorm.weight", false},
    {"attn_q.weight", "self_attn.q_proj.weight", true},
    {"attn_k.weight", "self_attn.k_proj.weight", true},
    {"attn_v.weight", "self_attn.v_proj.weight", false},
    {"attn_output.weight", "self_attn.o_proj.weight", false},
    {"attn_q.bias", "self_attn.q_proj.bias", true},
    {"attn_k.bias", "self_attn.k_proj.bias", true},
    {"attn_v.bias", "self_attn.v_proj.bias", false},
    {"attn_q_norm.weight", "self_attn.q_norm.weight", false},
    {"attn_k_norm.weight", "self_attn.k_norm.weight", false},
    {"ffn_gate.weight", "mlp.gate_proj.weight", false},
    {"ffn_up.weight", "mlp.up_proj.weight", false},
    {"ffn_down.weight", "mlp.down_proj.weight", false},
};

static const translation *translation_find(const translation *list, size_t count,
                                           const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].from, name) == 0) return &list[i];
    return NULL;
}

// "blk.N.": N without leading zeros, so that a tensor has one name. Returns: what follows, or NULL.
static const char *layer_read(uint32_t *layer, const char *name) {
    static const char start[] = "blk.";
    if (strncmp(name, start, sizeof start - 1) != 0) return NULL;
    const char *at = name + sizeof start - 1, *first = at;
    *layer = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        *layer = *layer * 10 + (uint32_t)(*at - '0');
        if (*layer >= ASSAY_MODEL_LAYERS_MAX || (*first == '0' && at > first)) return NULL;
    }
    return at > first && *at == '.' ? at + 1 : NULL;
}

assay_status assay_gguf_name_read(assay_gguf_named *out, const char *name, assay_error *err) {
    uint32_t layer;
    const translation *found = translation_find(outer, ASSAY_COUNT(outer), name);
    const char *part = layer_read(&layer, name);
    if (found) {
        snprintf(out->name, sizeof out->name, "%s", found->to);
    } else if (part && (found = translation_find(inner, ASSAY_COUNT(inner), part))) {
        snprintf(out->name, sizeof out->name, "model.layers.%u.%s", layer, found->to);
    } else {
        return ASSAY_FAIL(err, UNKNOWN, "tensor \"%s\" has no place in such a model", name);
    }
    out->rotated = found->rotated;
    return ASSAY_OK;
}

assay_status assay_gguf_lora_name_read(assay_gguf_named *out, const char *name, assay_error *err) {
    static const char half[] = ".weight.lora_a";
    enum { HALF = sizeof half - 1, SUFFIX = sizeof ".lora_a" - 1 };
    char base[ASSAY_TENSOR_NAME_MAX + 1];
    size_t size = strlen(name);
    assay_gguf_named inner_name;
    char which = size > HALF ? name[size - 1] : 0;
    if ((which != 'a' && which != 'b') || strncmp(name + size - HALF, half, HALF - 1) != 0 ||
        strncmp(name, "blk.", 4) != 0)
        return ASSAY_FAIL(err, UNKNOWN, "tensor \"%s\" is no LoRA pair of a layer", name);
    snprintf(base, sizeof base, "%.*s", (int)(size - SUFFIX), name);
    ASSAY_TRY(assay_gguf_name_read(&inner_name, base, err));
    size_t module = strlen(inner_name.name) - (sizeof ".weight" - 1);
    int needed = snprintf(out->name, sizeof out->name, "base_model.model.%.*s.lora_%c.weight",
                          (int)module, inner_name.name, which == 'a' ? 'A' : 'B');
    ASSAY_ASSERT(needed > 0 && (size_t)needed < sizeof out->name); // no translation is so long
    out->rotated = inner_name.rotated && which == 'b';
    return ASSAY_OK;
}
