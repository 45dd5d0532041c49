// SPDX-License-Identifier: Apache-2.0
// Any JSON as config.json (F-10), as adapter_config.json (F-11), and as what may lie beside a
// tokenizer.json (F-8).
#include <stdlib.h>

#include "quant/import/hf_config.h"
#include "quant/import/hf_tokenizer.h"
#include "quant/import/peft_config.h"
#include "quant/layout.h"
#include "quant/tokenizer/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Of a tokenizer the check looks at these alone.
static void tokenizer_check(json_t *config) {
    static char special[] = "<s>", word[] = "caf\xC3\xA9";
    static assay_added added[] = {{.content = word}, {.content = special, .special = true}};
    static const assay_tokenizer tokenizers[] = {
        {.added = added, .added_count = 2, .nfc = true, .level_alone = true},
        {.added = added, .added_count = 2, .space = ASSAY_SPACE_ALWAYS, .space_early = true}};
    for (size_t i = 0; i < ASSAY_COUNT(tokenizers); i++) {
        json_t *own = json_deep_copy(config);
        assay_hf_tokenizer_config_check(&tokenizers[i], own,
                                        json_object_get(config, "special_tokens_map.json"),
                                        json_object_get(config, "added_tokens.json"), NULL);
        json_decref(own);
    }
}

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
    tokenizer_check(json);
    json_decref(json);
    return 0;
}
