// SPDX-License-Identifier: Apache-2.0
#include "quant/import/bnb_config.h"

#include "quant/import/hf_config.h"

static const char *const read_names[] = {"quant_method", "load_in_4bit", "_load_in_4bit",
                                         "bnb_4bit_quant_type", NULL};

static const char *const neutral_names[] = {"load_in_8bit", "_load_in_8bit", NULL};

// How other programs compute with the numbers, and what the tensors themselves say.
static const char *const ignored_names[] = {
    "bnb_4bit_compute_dtype",    "bnb_4bit_quant_storage",
    "bnb_4bit_use_double_quant", "llm_int8_enable_fp32_cpu_offload",
    "llm_int8_has_fp16_weight",  "llm_int8_skip_modules",
    "llm_int8_threshold",        NULL};

// An absent member has the value that bitsandbytes gives it.
static assay_status text_check(const json_t *quantization, const char *name, const char *fallback,
                               const char *wanted, assay_error *err) {
    const char *text = fallback;
    if (json_object_get(quantization, name))
        ASSAY_TRY(assay_json_text(&text, quantization, name, 64, err));
    if (strcmp(text, wanted) != 0)
        return ASSAY_FAIL(err, UNSUPPORTED,
                          "quantization_config: %s is \"%s\", only \"%s\" is supported", name, text,
                          wanted);
    return ASSAY_OK;
}

assay_status assay_bnb_config_read(bool *nf4, const json_t *config, assay_error *err) {
    const json_t *quantization = json_object_get(config, "quantization_config");
    bool empty = json_is_object(quantization) && json_object_size(quantization) == 0;
    *nf4 = false;
    if (!quantization || json_is_null(quantization) || empty) return ASSAY_OK;
    if (!json_is_object(quantization))
        return ASSAY_FAIL(err, FORMAT, "quantization_config is not an object");
    ASSAY_TRY(text_check(quantization, "quant_method", "bitsandbytes", "bitsandbytes", err));
    ASSAY_TRY(
        assay_config_names_check(quantization, read_names, neutral_names, ignored_names, err));
    if (!json_is_true(json_object_get(quantization, "load_in_4bit")) &&
        !json_is_true(json_object_get(quantization, "_load_in_4bit")))
        return ASSAY_FAIL(err, UNSUPPORTED, "quantization_config: load_in_4bit is not true");
    ASSAY_TRY(text_check(quantization, "bnb_4bit_quant_type", "fp4", "nf4", err));
    *nf4 = true;
    return ASSAY_OK;
}
