// SPDX-License-Identifier: Apache-2.0
#include "quant/hf_config.h"

#include <stdlib.h>

#include "quant/bnb_config.h"
#include "quant/layout.h"

// Members that take part in the result.
static const char *const read_names[] = {
    "model_type",          "architectures",           "hidden_act",
    "hidden_size",         "intermediate_size",       "num_hidden_layers",
    "num_attention_heads", "num_key_value_heads",     "head_dim",
    "vocab_size",          "max_position_embeddings", "rms_norm_eps",
    "rope_theta",          "rope_parameters",         "tie_word_embeddings",
    "eos_token_id",        "quantization_config",     NULL};

// Members that would change the result unless they are absent, null or false.
static const char *const neutral_names[] = {"attention_bias",
                                            "mlp_bias",
                                            "rope_scaling",
                                            "rope_interleaved",
                                            "sliding_window",
                                            "use_sliding_window",
                                            "layer_types",
                                            "attn_logit_softcapping",
                                            "final_logit_softcapping",
                                            "is_encoder_decoder",
                                            "add_cross_attention",
                                            "cross_attention_hidden_size",
                                            "tie_encoder_decoder",
                                            "pruned_heads",
                                            NULL};

// Members of training, of other programs, or of ids that this arithmetic does not use.
static const char *const ignored_names[] = {"_name_or_path",
                                            "_attn_implementation_autoset",
                                            "attention_dropout",
                                            "bos_token_id",
                                            "dtype",
                                            "initializer_range",
                                            "is_llama_config",
                                            "output_attentions",
                                            "output_hidden_states",
                                            "pad_token_id",
                                            "pretraining_tp",
                                            "return_dict",
                                            "torch_dtype",
                                            "transformers_version",
                                            "unsloth_fixed",
                                            "unsloth_version",
                                            "use_cache",
                                            NULL};

bool assay_name_listed(const char *name, const char *const *list) {
    for (; *list; list++)
        if (strcmp(name, *list) == 0) return true;
    return false;
}

static bool is_neutral(const json_t *value) {
    bool empty = (json_is_object(value) && json_object_size(value) == 0) ||
                 (json_is_array(value) && json_array_size(value) == 0);
    return json_is_null(value) || json_is_false(value) || empty;
}

assay_status assay_config_names_check(const json_t *config, const char *const *read,
                                      const char *const *neutral, const char *const *ignored,
                                      assay_error *err) {
    const char *name;
    json_t *value;
    if (!json_is_object(config)) return ASSAY_FAIL(err, FORMAT, "config is not an object");
    json_object_foreach((json_t *)config, name, value) {
        if (assay_name_listed(name, neutral)) {
            if (!is_neutral(value))
                return ASSAY_FAIL(err, UNSUPPORTED, "config sets \"%s\", which changes the result",
                                  name);
        } else if (!assay_name_listed(name, read) && !assay_name_listed(name, ignored)) {
            return ASSAY_FAIL(err, UNKNOWN, "config has an unknown member \"%.64s\"", name);
        }
    }
    return ASSAY_OK;
}

// A text member that may be absent but not differ.
static assay_status text_check(const json_t *config, const char *name, const char *wanted,
                               bool required, assay_error *err) {
    const char *text;
    if (!required && !json_object_get(config, name)) return ASSAY_OK;
    ASSAY_TRY(assay_json_text(&text, config, name, 64, err));
    if (strcmp(text, wanted) != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "%s is \"%s\", only \"%s\" is supported", name, text,
                          wanted);
    return ASSAY_OK;
}

static assay_status architecture_check(const json_t *config, assay_error *err) {
    const json_t *list = json_object_get(config, "architectures");
    if (!list || json_is_null(list)) return ASSAY_OK;
    const char *name = json_string_value(json_array_get(list, 0));
    if (json_array_size(list) != 1 || !name || strcmp(name, "LlamaForCausalLM") != 0)
        return ASSAY_FAIL(err, UNSUPPORTED,
                          "architectures is not [\"LlamaForCausalLM\"] but names %s",
                          name ? name : "none");
    return ASSAY_OK;
}

static assay_status count_read(uint32_t *out, const json_t *config, const char *name,
                               uint32_t fallback, assay_error *err) {
    uint64_t value;
    *out = fallback;
    const json_t *member = json_object_get(config, name);
    if (fallback && (!member || json_is_null(member))) return ASSAY_OK;
    ASSAY_TRY(assay_json_u64(&value, config, name, 1, UINT32_MAX, err));
    *out = (uint32_t)value;
    return ASSAY_OK;
}

static assay_status number_read(double *out, const json_t *object, const char *name,
                                assay_error *err) {
    const json_t *value = json_object_get(object, name);
    if (!value) return ASSAY_FAIL(err, MISSING, "%s is missing", name);
    if (!json_is_number(value)) return ASSAY_FAIL(err, FORMAT, "%s is not a number", name);
    *out = json_number_value(value);
    return ASSAY_OK;
}

// rope_theta stands by itself or, in newer files, within rope_parameters; Llama's default is 10^4.
static assay_status theta_read(double *out, const json_t *config, assay_error *err) {
    static const char *const names[] = {"rope_type", "rope_theta", NULL};
    const json_t *parameters = json_object_get(config, "rope_parameters");
    *out = 10000;
    if (!parameters || json_is_null(parameters))
        return json_object_get(config, "rope_theta") ? number_read(out, config, "rope_theta", err)
                                                     : ASSAY_OK;
    if (json_object_get(config, "rope_theta"))
        return ASSAY_FAIL(err, DUPLICATE, "config has both rope_theta and rope_parameters");
    ASSAY_TRY(assay_json_names(parameters, names, "rope_parameters", err));
    ASSAY_TRY(text_check(parameters, "rope_type", "default", true, err));
    return number_read(out, parameters, "rope_theta", err);
}

static int id_compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

// eos_token_id is one id, a list, or null; kept sorted and unique.
static assay_status stops_read(assay_model_shape *shape, const json_t *config, assay_error *err) {
    const json_t *ids = json_object_get(config, "eos_token_id");
    size_t count = json_is_array(ids) ? json_array_size(ids) : 1;
    shape->stop_count = 0;
    if (!ids || json_is_null(ids)) return ASSAY_OK;
    if (count > ASSAY_MODEL_STOPS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "eos_token_id has %zu ids, limit %d", count,
                          ASSAY_MODEL_STOPS_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_is_array(ids) ? json_array_get(ids, i) : ids;
        json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || value >= shape->vocab_size)
            return ASSAY_FAIL(err, RANGE, "eos_token_id is not an id below %u", shape->vocab_size);
        shape->stop_ids[shape->stop_count++] = (uint32_t)value;
    }
    qsort(shape->stop_ids, shape->stop_count, sizeof shape->stop_ids[0], id_compare);
    uint32_t unique = 0;
    for (uint32_t i = 0; i < shape->stop_count; i++)
        if (i == 0 || shape->stop_ids[i] != shape->stop_ids[unique - 1])
            shape->stop_ids[unique++] = shape->stop_ids[i];
    shape->stop_count = unique;
    return ASSAY_OK;
}

static assay_status shape_read(assay_model_shape *shape, const json_t *config, assay_error *err) {
    double eps;
    *shape = (assay_model_shape){0};
    ASSAY_TRY(count_read(&shape->layer_count, config, "num_hidden_layers", 0, err));
    ASSAY_TRY(count_read(&shape->width, config, "hidden_size", 0, err));
    ASSAY_TRY(count_read(&shape->head_count, config, "num_attention_heads", 0, err));
    ASSAY_TRY(
        count_read(&shape->kv_head_count, config, "num_key_value_heads", shape->head_count, err));
    uint32_t share = shape->width % shape->head_count ? 0 : shape->width / shape->head_count;
    ASSAY_TRY(count_read(&shape->head_size, config, "head_dim", share, err));
    ASSAY_TRY(count_read(&shape->ff_width, config, "intermediate_size", 0, err));
    ASSAY_TRY(count_read(&shape->vocab_size, config, "vocab_size", 0, err));
    ASSAY_TRY(count_read(&shape->context_size, config, "max_position_embeddings", 0, err));
    ASSAY_TRY(number_read(&eps, config, "rms_norm_eps", err));
    if (!(eps >= 0x1p-40 && eps <= 1))
        return ASSAY_FAIL(err, RANGE, "rms_norm_eps is %g, limits 2^-40 to 1", eps);
    shape->eps = (float)eps;
    ASSAY_TRY(stops_read(shape, config, err));
    return assay_model_shape_check(shape, err);
}

assay_status assay_hf_config_read(assay_hf_config *out, const json_t *config, assay_error *err) {
    *out = (assay_hf_config){0};
    ASSAY_TRY(assay_config_names_check(config, read_names, neutral_names, ignored_names, err));
    ASSAY_TRY(text_check(config, "model_type", "llama", true, err));
    ASSAY_TRY(text_check(config, "hidden_act", "silu", false, err));
    ASSAY_TRY(architecture_check(config, err));
    ASSAY_TRY(assay_bnb_config_read(&out->nf4, config, err));
    ASSAY_TRY(shape_read(&out->shape, config, err));
    ASSAY_TRY(theta_read(&out->rope_theta, config, err));
    if (!(out->rope_theta >= 1 && out->rope_theta <= 0x1p40))
        return ASSAY_FAIL(err, RANGE, "rope_theta is %g, limits 1 to 2^40", out->rope_theta);
    const json_t *tied = json_object_get(config, "tie_word_embeddings");
    if (tied && !json_is_boolean(tied))
        return ASSAY_FAIL(err, FORMAT, "tie_word_embeddings is neither true nor false");
    out->tied = json_is_true(tied);
    return ASSAY_OK;
}
