// SPDX-License-Identifier: Apache-2.0
// Any JSON as config.json (F-10) and as adapter_config.json (F-11).
#include <stdlib.h>

#include "quant/import/hf_config.h"
#include "quant/import/peft_config.h"
#include "quant/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *json;
    assay_hf_config model;
    assay_peft_config adapter;
    if (assay_json_parse(&json, data, size, 1 << 16, "config", NULL) != ASSAY_OK) return 0;
    if (assay_hf_config_read(&model, json, 0, NULL) == ASSAY_OK &&
        assay_model_shape_check(&model.shape, NULL) != ASSAY_OK)
        abort();
    if (assay_peft_config_read(&adapter, json, NULL) == ASSAY_OK) {
        uint32_t rank;
        float scale;
        assay_status status =
            assay_peft_scale(&rank, &scale, &adapter, "model.layers.0.self_attn.q_proj", NULL);
        if (status == ASSAY_OK && !assay_weight_legal(scale)) abort();
        if (rank < 1 || rank > ASSAY_LORA_RANK_MAX) abort();
    }
    json_decref(json);
    return 0;
}
