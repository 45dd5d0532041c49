// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/json_expect.h"

assay_status assay_expect_flag_read(bool *out, const json_t *object, const char *name,
                                    bool fallback, assay_error *err) {
    const json_t *value = json_object_get(object, name);
    *out = value ? json_is_true(value) : fallback;
    if (value && !json_is_boolean(value))
        return ASSAY_FAIL(err, FORMAT, "%s is neither true nor false", name);
    return ASSAY_OK;
}

assay_status assay_expect_flag(const json_t *object, const char *name, bool wanted, bool fallback,
                               assay_error *err) {
    bool value;
    ASSAY_TRY(assay_expect_flag_read(&value, object, name, fallback, err));
    if (value != wanted)
        return ASSAY_FAIL(err, UNSUPPORTED, "%s is %s, only %s is supported", name,
                          value ? "true" : "false", wanted ? "true" : "false");
    return ASSAY_OK;
}

assay_status assay_expect_text(const json_t *object, const char *name, const char *wanted,
                               assay_error *err) {
    const char *text;
    ASSAY_TRY(assay_json_text(&text, object, name, 1024, err));
    if (strcmp(text, wanted) != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "%s is \"%.64s\", only \"%.64s\" is supported", name,
                          text, wanted);
    return ASSAY_OK;
}

assay_status assay_expect_nothing(const json_t *object, const char *name, assay_error *err) {
    const json_t *value = json_object_get(object, name);
    bool empty = json_is_string(value) && json_string_length(value) == 0;
    if (value && !json_is_null(value) && !empty)
        return ASSAY_FAIL(err, UNSUPPORTED, "\"%s\" is set, which changes the result", name);
    return ASSAY_OK;
}
