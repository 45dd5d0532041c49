// SPDX-License-Identifier: Apache-2.0
#include "quant/import/hf_config.h"

#include "quant/import/bnb_config.h"
#include "quant/layout.h"

// Members that take part in the result.
static const char *const read_names[] = {"model_type",
                                         "architectures",
                                         "hidden_act",
                                         "hidden_size",
                                         "intermediate_size",
                                         "num_hidden_layers",
                                         "num_attention_heads",
                                         "num_key_value_heads",
                                         "head_dim",
                                         "vocab_size",
                                         "max_position_embeddings",
                                         "rms_norm_eps",
                                         "rope_theta",
                                         "rope_parameters",
                                         "rope_scaling",
                                         "attention_bias",
                                         "sliding_window",
                                         "layer_types",
                                         "tie_word_embeddings",
                                         "eos_token_id",
                                         "quantization_config",
                                         NULL};

// Members that would change the result unless they are absent, null or false.
static const char *const neutral_names[] = {"mlp_bias",
                                            "rope_interleaved",
                                            "use_mrope",
                                            "use_sliding_window",
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
                                            "max_window_layers",
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

// What the architectures that this arithmetic computes differ in.
typedef struct {
    const char *model_type;
    const char *architecture;
    bool biases;          // of q, k and v
    bool head_norms;      // of q and k
    bool heads_stated;    // the library's defaults for kv heads are another model's
    bool head_size_fixed; // the library's default for head_dim is not width / heads
    bool window_gated;    // use_sliding_window says whether sliding_window counts
    uint32_t window;      // where sliding_window is absent; 0: none
    uint32_t stop;        // where eos_token_id is absent; 0: none
} family;

static const family families[] = {
    {.model_type = "llama", .architecture = "LlamaForCausalLM", .stop = 2},
    {.model_type = "mistral",
     .architecture = "MistralForCausalLM",
     .heads_stated = true,
     .window = 4096,
     .stop = 2},
    {.model_type = "qwen2",
     .architecture = "Qwen2ForCausalLM",
     .biases = true,
     .heads_stated = true,
     .window_gated = true},
    {.model_type = "qwen3",
     .architecture = "Qwen3ForCausalLM",
     .head_norms = true,
     .heads_stated = true,
     .head_size_fixed = true,
     .window_gated = true},
};

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

static assay_status family_find(const family **out, const json_t *config, assay_error *err) {
    const char *name;
    ASSAY_TRY(assay_json_text(&name, config, "model_type", 64, err));
    for (size_t i = 0; i < ASSAY_COUNT(families); i++)
        if (strcmp(families[i].model_type, name) == 0) {
            *out = &families[i];
            return ASSAY_OK;
        }
    return ASSAY_FAIL(err, UNSUPPORTED,
                      "model_type is \"%s\", only llama, mistral, qwen2 and qwen3 are supported",
                      name);
}

static assay_status activation_check(const json_t *config, assay_error *err) {
    const char *name;
    if (!json_object_get(config, "hidden_act")) return ASSAY_OK;
    ASSAY_TRY(assay_json_text(&name, config, "hidden_act", 64, err));
    if (strcmp(name, "silu") != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "hidden_act is \"%s\", only \"silu\" is supported",
                          name);
    return ASSAY_OK;
}

static assay_status architecture_check(const json_t *config, const family *of, assay_error *err) {
    const json_t *list = json_object_get(config, "architectures");
    if (!list || json_is_null(list)) return ASSAY_OK;
    const char *name = json_string_value(json_array_get(list, 0));
    if (json_array_size(list) != 1 || !name || strcmp(name, of->architecture) != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "architectures is not [\"%s\"] but names %.64s",
                          of->architecture, name ? name : "none");
    return ASSAY_OK;
}

// The biases of these families are fixed; a configuration may repeat that, not change it.
static assay_status bias_check(const json_t *config, const family *of, assay_error *err) {
    const json_t *value = json_object_get(config, "attention_bias");
    if (!value || json_is_null(value)) return ASSAY_OK;
    if (!json_is_boolean(value))
        return ASSAY_FAIL(err, FORMAT, "attention_bias is neither true nor false");
    if (json_is_true(value) != of->biases)
        return ASSAY_FAIL(err, UNSUPPORTED, "attention_bias is %s, which is not %s's",
                          of->biases ? "false" : "true", of->model_type);
    return ASSAY_OK;
}

// A window as long as the context hides nothing; the only mask is t <= position (N-13).
static assay_status window_check(const json_t *config, const family *of, uint32_t context_size,
                                 assay_error *err) {
    const json_t *value = json_object_get(config, "sliding_window");
    json_int_t window = value ? json_integer_value(value) : of->window;
    if (of->window_gated || json_is_null(value) || (!value && !of->window)) return ASSAY_OK;
    if (value && !json_is_integer(value))
        return ASSAY_FAIL(err, FORMAT, "sliding_window is neither an integer nor null");
    if (window < context_size)
        return ASSAY_FAIL(err, UNSUPPORTED,
                          "sliding_window is %lld in a context of %u, --context sets a shorter one",
                          (long long)window, context_size);
    return ASSAY_OK;
}

static assay_status layer_types_check(const json_t *config, uint32_t layer_count,
                                      assay_error *err) {
    const json_t *list = json_object_get(config, "layer_types");
    if (!list || json_is_null(list)) return ASSAY_OK;
    if (!json_is_array(list) || json_array_size(list) != layer_count)
        return ASSAY_FAIL(err, FORMAT, "layer_types is no list of %u types", layer_count);
    for (uint32_t i = 0; i < layer_count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || strcmp(name, "full_attention") != 0)
            return ASSAY_FAIL(err, UNSUPPORTED,
                              "layer %u is of type %.64s, only full_attention is supported", i,
                              name ? name : "none");
    }
    return ASSAY_OK;
}

assay_status assay_context_choose(uint32_t *out, uint32_t stated, uint32_t context,
                                  assay_error *err) {
    *out = context ? context : stated;
    if (context > stated)
        return ASSAY_FAIL(err, RANGE, "--context is %u, the model's own is %u", context, stated);
    if (*out > ASSAY_MODEL_CONTEXT_MAX)
        return ASSAY_FAIL(err, RANGE, "context is %u, limit %d, --context sets a shorter one", *out,
                          ASSAY_MODEL_CONTEXT_MAX);
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

void assay_stop_add(assay_model_shape *shape, uint32_t id) {
    uint32_t at = shape->stop_count;
    for (uint32_t i = 0; i < shape->stop_count; i++)
        if (shape->stop_ids[i] == id) return;
    for (; at && shape->stop_ids[at - 1] > id; at--)
        shape->stop_ids[at] = shape->stop_ids[at - 1];
    shape->stop_ids[at] = id;
    shape->stop_count++;
}

// eos_token_id is one id, a list, or null.
static assay_status stops_read(assay_model_shape *shape, const json_t *ids, assay_error *err) {
    size_t count = json_is_array(ids) ? json_array_size(ids) : 1;
    shape->stop_count = 0;
    if (json_is_null(ids)) return ASSAY_OK;
    if (count > ASSAY_MODEL_STOPS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "eos_token_id has %zu ids, limit %d", count,
                          ASSAY_MODEL_STOPS_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_is_array(ids) ? json_array_get(ids, i) : ids;
        json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || value >= shape->vocab_size)
            return ASSAY_FAIL(err, RANGE, "eos_token_id is not an id below %u", shape->vocab_size);
        assay_stop_add(shape, (uint32_t)value);
    }
    return ASSAY_OK;
}

// The library's configurations of some families have a stop id of their own.
static assay_status stops_choose(assay_model_shape *shape, const json_t *config, const family *of,
                                 assay_error *err) {
    const json_t *ids = json_object_get(config, "eos_token_id");
    if (ids) return stops_read(shape, ids, err);
    if (of->stop && of->stop < shape->vocab_size) assay_stop_add(shape, of->stop);
    return ASSAY_OK;
}

assay_status assay_hf_generation_read(assay_model_shape *shape, const json_t *generation,
                                      assay_error *err) {
    const json_t *ids = json_object_get(generation, "eos_token_id");
    if (!json_is_object(generation))
        return ASSAY_FAIL(err, FORMAT, "generation_config.json is not an object");
    return ids && !json_is_null(ids) ? stops_read(shape, ids, err) : ASSAY_OK;
}

static assay_status shape_read(assay_model_shape *shape, const json_t *config, const family *of,
                               uint32_t context, assay_error *err) {
    double eps;
    uint32_t stated;
    *shape = (assay_model_shape){.biases = of->biases, .head_norms = of->head_norms};
    ASSAY_TRY(count_read(&shape->layer_count, config, "num_hidden_layers", 0, err));
    ASSAY_TRY(count_read(&shape->width, config, "hidden_size", 0, err));
    ASSAY_TRY(count_read(&shape->head_count, config, "num_attention_heads", 0, err));
    ASSAY_TRY(count_read(&shape->kv_head_count, config, "num_key_value_heads",
                         of->heads_stated ? 0 : shape->head_count, err));
    uint32_t share = shape->width % shape->head_count ? 0 : shape->width / shape->head_count;
    ASSAY_TRY(
        count_read(&shape->head_size, config, "head_dim", of->head_size_fixed ? 0 : share, err));
    ASSAY_TRY(count_read(&shape->ff_width, config, "intermediate_size", 0, err));
    ASSAY_TRY(count_read(&shape->vocab_size, config, "vocab_size", 0, err));
    ASSAY_TRY(count_read(&stated, config, "max_position_embeddings", 0, err));
    ASSAY_TRY(assay_context_choose(&shape->context_size, stated, context, err));
    ASSAY_TRY(assay_hf_number_read(&eps, config, "rms_norm_eps", err));
    if (!(eps >= 0x1p-40 && eps <= 1))
        return ASSAY_FAIL(err, RANGE, "rms_norm_eps is %g, limits 2^-40 to 1", eps);
    shape->eps = (float)eps;
    ASSAY_TRY(stops_choose(shape, config, of, err));
    ASSAY_TRY(assay_model_shape_check(shape, err));
    ASSAY_TRY(window_check(config, of, shape->context_size, err));
    return layer_types_check(config, shape->layer_count, err);
}

assay_status assay_hf_config_read(assay_hf_config *out, const json_t *config, uint32_t context,
                                  assay_error *err) {
    const family *of;
    *out = (assay_hf_config){0};
    ASSAY_TRY(assay_config_names_check(config, read_names, neutral_names, ignored_names, err));
    ASSAY_TRY(family_find(&of, config, err));
    ASSAY_TRY(activation_check(config, err));
    ASSAY_TRY(architecture_check(config, of, err));
    ASSAY_TRY(bias_check(config, of, err));
    ASSAY_TRY(assay_bnb_config_read(&out->nf4, config, err));
    ASSAY_TRY(shape_read(&out->shape, config, of, context, err));
    ASSAY_TRY(assay_hf_rope_read(&out->rope_theta, &out->rope_scaling, config, err));
    const json_t *tied = json_object_get(config, "tie_word_embeddings");
    if (tied && !json_is_boolean(tied))
        return ASSAY_FAIL(err, FORMAT, "tie_word_embeddings is neither true nor false");
    out->tied = json_is_true(tied);
    return ASSAY_OK;
}
