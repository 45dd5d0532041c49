// SPDX-License-Identifier: Apache-2.0
#include "quant/import/hf_rope.h"

#include <string.h>

enum { CONTEXT_MAX = 1 << 20 };

assay_status assay_hf_number_read(double *out, const json_t *object, const char *name,
                                  assay_error *err) {
    const json_t *value = json_object_get(object, name);
    if (!value) return ASSAY_FAIL(err, MISSING, "%s is missing", name);
    if (!json_is_number(value)) return ASSAY_FAIL(err, FORMAT, "%s is not a number", name);
    *out = json_number_value(value);
    return ASSAY_OK;
}

// A member that is there and says something.
static const json_t *given(const json_t *config, const char *name) {
    const json_t *value = json_object_get(config, name);
    bool empty = json_is_object(value) && json_object_size(value) == 0;
    return json_is_null(value) || empty ? NULL : value;
}

// Files of different years call it rope_type or type, and some say both.
static assay_status type_read(assay_rope_type *out, const json_t *object, assay_error *err) {
    static const char *const names[] = {"default", "linear", "llama3"};
    const char *newer = NULL, *older = NULL;
    if (json_object_get(object, "rope_type"))
        ASSAY_TRY(assay_json_text(&newer, object, "rope_type", 64, err));
    if (json_object_get(object, "type"))
        ASSAY_TRY(assay_json_text(&older, object, "type", 64, err));
    if (!newer && !older) return ASSAY_FAIL(err, MISSING, "rope_type is missing");
    if (newer && older && strcmp(newer, older) != 0)
        return ASSAY_FAIL(err, DUPLICATE, "rope_type is \"%s\" and type is \"%s\"", newer, older);
    const char *name = newer ? newer : older;
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (assay_rope_type)i;
            return ASSAY_OK;
        }
    return ASSAY_FAIL(err, UNSUPPORTED,
                      "rope_type is \"%s\", only default, linear and llama3 are supported", name);
}

static assay_status scaling_read(assay_rope_scaling *out, const json_t *object, const char *what,
                                 assay_error *err) {
    static const char *const names[][8] = {
        {"rope_type", "type", "rope_theta", NULL},
        {"rope_type", "type", "rope_theta", "factor", NULL},
        {"rope_type", "type", "rope_theta", "factor", "low_freq_factor", "high_freq_factor",
         "original_max_position_embeddings", NULL},
    };
    if (!json_is_object(object)) return ASSAY_FAIL(err, FORMAT, "%s is not an object", what);
    ASSAY_TRY(type_read(&out->type, object, err));
    ASSAY_TRY(assay_json_names(object, names[out->type], what, err));
    if (out->type == ASSAY_ROPE_DEFAULT) return ASSAY_OK;
    ASSAY_TRY(assay_hf_number_read(&out->factor, object, "factor", err));
    if (out->type == ASSAY_ROPE_LINEAR) return ASSAY_OK;
    uint64_t context;
    ASSAY_TRY(assay_hf_number_read(&out->low_freq_factor, object, "low_freq_factor", err));
    ASSAY_TRY(assay_hf_number_read(&out->high_freq_factor, object, "high_freq_factor", err));
    ASSAY_TRY(
        assay_json_u64(&context, object, "original_max_position_embeddings", 1, CONTEXT_MAX, err));
    out->original_context = (double)context;
    return ASSAY_OK;
}

assay_status assay_hf_rope_read(double *theta, assay_rope_scaling *scaling, const json_t *config,
                                assay_error *err) {
    const json_t *parameters = given(config, "rope_parameters");
    const json_t *older = given(config, "rope_scaling");
    *theta = 10000;
    *scaling = (assay_rope_scaling){0};
    if (parameters && (older || json_object_get(config, "rope_theta")))
        return ASSAY_FAIL(err, DUPLICATE, "config has rope_parameters and %s",
                          older ? "rope_scaling" : "rope_theta");
    if (older && json_object_get(older, "rope_theta"))
        return ASSAY_FAIL(err, UNKNOWN, "rope_scaling has an unknown member \"rope_theta\"");
    if (parameters) ASSAY_TRY(scaling_read(scaling, parameters, "rope_parameters", err));
    if (older) ASSAY_TRY(scaling_read(scaling, older, "rope_scaling", err));
    if (parameters || json_object_get(config, "rope_theta"))
        ASSAY_TRY(assay_hf_number_read(theta, parameters ? parameters : config, "rope_theta", err));
    if (!(*theta >= 1 && *theta <= 0x1p40))
        return ASSAY_FAIL(err, RANGE, "rope_theta is %g, limits 1 to 2^40", *theta);
    return ASSAY_OK;
}
