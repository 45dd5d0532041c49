// SPDX-License-Identifier: Apache-2.0
#include "quant/import/peft_config.h"

#include "quant/import/hf_config.h"
#include "quant/model.h"

enum { TARGETS_MAX = 4096, PATTERNS_MAX = 4096 };

static const char *const read_names[] = {
    "peft_type",     "task_type",      "r",    "lora_alpha",        "use_rslora", "rank_pattern",
    "alpha_pattern", "target_modules", "bias", "init_lora_weights", NULL};

// Members that would change the result unless they are absent, null, false or empty.
static const char *const neutral_names[] = {"use_dora",
                                            "use_qalora",
                                            "use_bdlora",
                                            "lora_bias",
                                            "fan_in_fan_out",
                                            "modules_to_save",
                                            "layer_replication",
                                            "layers_to_transform",
                                            "layers_pattern",
                                            "exclude_modules",
                                            "trainable_token_indices",
                                            "target_parameters",
                                            "alora_invocation_tokens",
                                            "megatron_config",
                                            "arrow_config",
                                            "corda_config",
                                            "eva_config",
                                            "loftq_config",
                                            "lora_ga_config",
                                            "velora_config",
                                            "ensure_weight_tying",
                                            NULL};

// Members of training and of bookkeeping.
static const char *const ignored_names[] = {
    "auto_mapping", "base_model_name_or_path", "inference_mode", "lora_dropout",   "megatron_core",
    "peft_version", "qalora_group_size",       "revision",       "runtime_config", NULL};

// Text that must be one of a NULL-terminated list; null where `optional`.
static assay_status text_check(const json_t *config, const char *name, const char *const *allowed,
                               bool optional, assay_error *err) {
    const json_t *value = json_object_get(config, name);
    if (optional && (!value || json_is_null(value))) return ASSAY_OK;
    const char *text;
    ASSAY_TRY(assay_json_text(&text, config, name, 64, err));
    if (!assay_name_listed(text, allowed))
        return ASSAY_FAIL(err, UNSUPPORTED, "%s is \"%s\", which is not plain LoRA", name, text);
    return ASSAY_OK;
}

// PiSSA, OLoRA, LoftQ and the like start from a changed base, which the adapter is then for.
static assay_status start_check(const json_t *config, assay_error *err) {
    static const char *const allowed[] = {"gaussian", NULL};
    const json_t *value = json_object_get(config, "init_lora_weights");
    if (json_is_boolean(value)) return ASSAY_OK;
    return text_check(config, "init_lora_weights", allowed, true, err);
}

static assay_status rank_check(json_int_t rank, const char *name, assay_error *err) {
    if (rank < 1 || rank > ASSAY_LORA_RANK_MAX)
        return ASSAY_FAIL(err, RANGE, "%s is %lld, limits 1 to %d", name, (long long)rank,
                          ASSAY_LORA_RANK_MAX);
    return ASSAY_OK;
}

// Patterns are regular expressions in PEFT. Those of these characters alone that fit a linear as
// they are fit exactly the linears that end so, at a dot, which is all that is supported. A dot
// fits any character there, so that "q.proj" is q_proj: it fits no linear here, and is refused
// (F-11).
static bool plain(const char *pattern) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    return *pattern && pattern[strspn(pattern, allowed)] == 0;
}

static assay_status patterns_read(const json_t **out, const json_t *config, const char *name,
                                  bool ranks, assay_error *err) {
    const json_t *patterns = json_object_get(config, name);
    const char *pattern;
    json_t *value;
    *out = NULL;
    if (!patterns || json_is_null(patterns)) return ASSAY_OK;
    ASSAY_TRY(assay_json_object(&patterns, config, name, err));
    if (json_object_size(patterns) > PATTERNS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%s has %zu entries, limit %d", name,
                          json_object_size(patterns), PATTERNS_MAX);
    json_object_foreach((json_t *)patterns, pattern, value) {
        if (!plain(pattern))
            return ASSAY_FAIL(err, UNSUPPORTED, "%s \"%.64s\" is not a plain ending of a name",
                              name, pattern);
        if (!json_is_number(value) || (ranks && !json_is_integer(value)))
            return ASSAY_FAIL(err, FORMAT, "%s \"%.64s\" is not a number", name, pattern);
        if (ranks) ASSAY_TRY(rank_check(json_integer_value(value), name, err));
    }
    *out = patterns;
    return ASSAY_OK;
}

static assay_status targets_read(const json_t **out, const json_t *config, assay_error *err) {
    const json_t *targets = json_object_get(config, "target_modules");
    const char *text = json_string_value(targets);
    *out = NULL;
    if (text && strcmp(text, "all-linear") == 0) return ASSAY_OK;
    if (text) return ASSAY_FAIL(err, UNSUPPORTED, "target_modules is the pattern \"%.64s\"", text);
    ASSAY_TRY(assay_json_array(&targets, config, "target_modules", TARGETS_MAX, err));
    for (size_t i = 0; i < json_array_size(targets); i++)
        if (!json_is_string(json_array_get(targets, i)))
            return ASSAY_FAIL(err, FORMAT, "target_modules entry %zu is not a text", i);
    *out = targets;
    return ASSAY_OK;
}

assay_status assay_peft_config_read(assay_peft_config *out, const json_t *config,
                                    assay_error *err) {
    static const char *const types[] = {"LORA", NULL}, *const tasks[] = {"CAUSAL_LM", NULL},
                             *const biases[] = {"none", NULL};
    *out = (assay_peft_config){.rank = 8, .alpha = 8}; // PEFT's defaults
    ASSAY_TRY(assay_config_names_check(config, read_names, neutral_names, ignored_names, err));
    ASSAY_TRY(text_check(config, "peft_type", types, false, err));
    ASSAY_TRY(text_check(config, "task_type", tasks, true, err));
    ASSAY_TRY(text_check(config, "bias", biases, true, err));
    ASSAY_TRY(start_check(config, err));
    const json_t *rank = json_object_get(config, "r"),
                 *alpha = json_object_get(config, "lora_alpha"),
                 *stabilised = json_object_get(config, "use_rslora");
    if (rank) {
        if (!json_is_integer(rank)) return ASSAY_FAIL(err, FORMAT, "r is not a whole number");
        ASSAY_TRY(rank_check(json_integer_value(rank), "r", err));
        out->rank = (uint32_t)json_integer_value(rank);
    }
    if (alpha) {
        if (!json_is_number(alpha)) return ASSAY_FAIL(err, FORMAT, "lora_alpha is not a number");
        out->alpha = json_number_value(alpha);
    }
    if (stabilised && !json_is_boolean(stabilised))
        return ASSAY_FAIL(err, FORMAT, "use_rslora is neither true nor false");
    out->rank_stabilised = json_is_true(stabilised);
    ASSAY_TRY(patterns_read(&out->rank_pattern, config, "rank_pattern", true, err));
    ASSAY_TRY(patterns_read(&out->alpha_pattern, config, "alpha_pattern", false, err));
    return targets_read(&out->targets, config, err);
}

bool assay_peft_fits(const char *ending, const char *module) {
    size_t size = strlen(module), ending_size = strlen(ending);
    if (ending_size > size || strcmp(module + size - ending_size, ending) != 0) return false;
    return size == ending_size || module[size - ending_size - 1] == '.';
}

bool assay_peft_targeted(const assay_peft_config *config, const char *module, bool *used) {
    bool targeted = !config->targets;
    for (size_t i = 0; i < json_array_size(config->targets); i++) {
        if (!assay_peft_fits(json_string_value(json_array_get(config->targets, i)), module))
            continue;
        targeted = true;
        if (used) used[i] = true;
    }
    return targeted;
}

static const json_t *pattern_find(const json_t *patterns, const char *module) {
    const char *pattern;
    json_t *value;
    json_object_foreach((json_t *)patterns, pattern, value) {
        if (assay_peft_fits(pattern, module)) return value;
    }
    return NULL;
}

assay_status assay_peft_scale(uint32_t *rank, float *scale, const assay_peft_config *config,
                              const char *module, assay_error *err) {
    const json_t *own_rank = pattern_find(config->rank_pattern, module);
    const json_t *own_alpha = pattern_find(config->alpha_pattern, module);
    *rank = own_rank ? (uint32_t)json_integer_value(own_rank) : config->rank;
    double alpha = own_alpha ? json_number_value(own_alpha) : config->alpha;
    // Two binary64 operations, each correctly rounded, then once to f32 (F-11).
    double divisor = config->rank_stabilised ? __builtin_sqrt((double)*rank) : (double)*rank;
    *scale = (float)(alpha / divisor);
    if (!(*scale >= -0x1p20f && *scale <= 0x1p20f))
        return ASSAY_FAIL(err, RANGE, "scale is %g, limits -2^20 to 2^20", *scale);
    return ASSAY_OK;
}
