// SPDX-License-Identifier: Apache-2.0
// What GGUF calls the tensors that Hugging Face calls otherwise.
#ifndef ASSAY_QUANT_IMPORT_GGUF_NAMES_H
#define ASSAY_QUANT_IMPORT_GGUF_NAMES_H

#include "quant/container/safetensors.h"

typedef struct {
    char name[ASSAY_TENSOR_NAME_MAX + 1]; // e.g. "model.layers.0.self_attn.q_proj.weight"
    bool rotated;                         // its rows are those of queries' or keys' heads
} assay_gguf_named;

// Translates a name such as "blk.0.attn_q.weight". Errors: UNKNOWN. Spec: F-22.
assay_status assay_gguf_name_read(assay_gguf_named *out, const char *name, assay_error *err);

// Translates half of an adapter's pair, such as "blk.0.attn_q.weight.lora_a", to
// "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"; of the halves only lora_b has
// the rows of the base. Errors: UNKNOWN. Spec: F-25.
assay_status assay_gguf_lora_name_read(assay_gguf_named *out, const char *name, assay_error *err);

#endif
