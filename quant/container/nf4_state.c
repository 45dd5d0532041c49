// SPDX-License-Identifier: Apache-2.0
#include "quant/container/nf4_state.h"

#include "base/json.h"

static assay_status text_check(const json_t *state, const char *name, const char *const *allowed,
                               assay_error *err) {
    const char *text;
    ASSAY_TRY(assay_json_text(&text, state, name, 64, err));
    for (; *allowed; allowed++)
        if (strcmp(text, *allowed) == 0) return ASSAY_OK;
    return ASSAY_FAIL(err, UNSUPPORTED, "%s \"%s\" is not supported", name, text);
}

static assay_status size_check(const json_t *state, const char *name, uint64_t wanted,
                               assay_error *err) {
    uint64_t value;
    ASSAY_TRY(assay_json_u64(&value, state, name, 0, UINT32_MAX, err));
    if (value != wanted)
        return ASSAY_FAIL(err, UNSUPPORTED, "%s is %llu, only %llu is supported", name, (ull)value,
                          (ull)wanted);
    return ASSAY_OK;
}

static assay_status shape_read(assay_nf4_state *out, const json_t *state, assay_error *err) {
    const json_t *shape;
    uint64_t *const sizes[] = {&out->n, &out->k};
    ASSAY_TRY(assay_json_array(&shape, state, "shape", 2, err));
    if (json_array_size(shape) != 2)
        return ASSAY_FAIL(err, UNSUPPORTED, "shape has %zu dimensions, only 2 are supported",
                          json_array_size(shape));
    for (size_t i = 0; i < 2; i++) {
        const json_t *size = json_array_get(shape, i);
        json_int_t value = json_integer_value(size);
        if (!json_is_integer(size) || value < 1 || value > UINT32_MAX)
            return ASSAY_FAIL(err, RANGE, "shape holds something else than 1 to 2^32-1");
        *sizes[i] = (uint64_t)value;
    }
    if (out->k % ASSAY_NF4_BLOCK)
        return ASSAY_FAIL(err, RANGE, "rows of %llu elements, not a multiple of %d", (ull)out->k,
                          ASSAY_NF4_BLOCK);
    return ASSAY_OK;
}

// The offset is written as the binary64 that its f32 is, so that this rounding is exact for what
// bitsandbytes writes.
static assay_status nested_read(assay_nf4_state *out, const json_t *state, assay_error *err) {
    static const char *const dtypes[] = {"float32", NULL};
    out->nested = true;
    ASSAY_TRY(size_check(state, "nested_blocksize", ASSAY_NF4_NESTED_BLOCK, err));
    ASSAY_TRY(text_check(state, "nested_dtype", dtypes, err));
    const json_t *offset = json_object_get(state, "nested_offset");
    if (!offset) return ASSAY_FAIL(err, MISSING, "nested_offset is missing");
    if (!json_is_number(offset)) return ASSAY_FAIL(err, FORMAT, "nested_offset is not a number");
    out->offset = (float)json_number_value(offset);
    if (!__builtin_isfinite(out->offset))
        return ASSAY_FAIL(err, NONFINITE, "nested_offset is not finite as f32");
    return ASSAY_OK;
}

static assay_status members_read(assay_nf4_state *out, const json_t *state, assay_error *err) {
    static const char *const plain[] = {"quant_type", "blocksize", "dtype", "shape", NULL};
    static const char *const nested[] = {
        "quant_type",       "blocksize",    "dtype",         "shape",
        "nested_blocksize", "nested_dtype", "nested_offset", NULL};
    static const char *const types[] = {"nf4", NULL};
    static const char *const dtypes[] = {"bfloat16", "float16", "float32", NULL};
    bool twice = json_object_get(state, "nested_blocksize") != NULL;
    ASSAY_TRY(assay_json_names(state, twice ? nested : plain, "quant state", err));
    ASSAY_TRY(text_check(state, "quant_type", types, err));
    ASSAY_TRY(size_check(state, "blocksize", ASSAY_NF4_BLOCK, err));
    ASSAY_TRY(text_check(state, "dtype", dtypes, err));
    ASSAY_TRY(shape_read(out, state, err));
    return twice ? nested_read(out, state, err) : ASSAY_OK;
}

assay_status assay_nf4_state_read(assay_nf4_state *out, const uint8_t *data, size_t size,
                                  assay_error *err) {
    json_t *state;
    *out = (assay_nf4_state){0};
    ASSAY_TRY(assay_json_parse(&state, data, size, ASSAY_NF4_STATE_MAX, "quant state", err));
    assay_status status = members_read(out, state, err);
    json_decref(state);
    return status;
}
