// SPDX-License-Identifier: Apache-2.0
#include "quant/container/nf4_tensor.h"

#include <stdio.h>

#include "kernels/nf4.h"

typedef struct {
    assay_nf4_tensor *out;
    const assay_shards *shards;
    bool *used;
    int name_size; // of the weight's name, at the head of the state's
    const char *name;
} binding;

static assay_status part_mark(binding *b, const assay_shard_tensor *part, assay_error *err) {
    bool *used = &b->used[part - b->shards->tensors];
    if (*used)
        return ASSAY_FAIL(err, DUPLICATE, "tensor \"%s\" belongs to two others",
                          part->tensor->name);
    *used = true;
    b->out->size += part->tensor->size;
    return ASSAY_OK;
}

static assay_status part_find(const assay_shard_tensor **out, binding *b, const char *part,
                              assay_error *err) {
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    // It fits: no part's name is longer than that of the state.
    snprintf(name, sizeof name, "%.*s%s", b->name_size, b->name, part);
    *out = assay_shards_find(b->shards, name);
    if (!*out) return ASSAY_FAIL(err, MISSING, "tensor \"%s\" is missing", name);
    return part_mark(b, *out, err);
}

// A part that must be `dtype` [count].
static assay_status part_check(const assay_shard_tensor *part, assay_dtype dtype, uint64_t count,
                               assay_error *err) {
    const assay_tensor *tensor = part->tensor;
    if (tensor->dtype != dtype)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" is %s, needs %s", tensor->name,
                          assay_dtype_name(tensor->dtype), assay_dtype_name(dtype));
    const assay_tensor wanted = {.rank = 1, .shape = {count}};
    return assay_safetensors_shape_check(tensor, &wanted, err);
}

// The codes are bytes, whatever the dtype that a checkpoint dressed them in (quant_storage).
static assay_status codes_check(const assay_shard_tensor *codes, const assay_nf4_state *state,
                                assay_error *err) {
    const assay_tensor *tensor = codes->tensor;
    uint64_t size = state->n * state->k / 2;
    if (tensor->dtype != ASSAY_DTYPE_U8 && tensor->dtype != ASSAY_DTYPE_BF16 &&
        tensor->dtype != ASSAY_DTYPE_F16 && tensor->dtype != ASSAY_DTYPE_F32)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" is %s, needs U8, BF16, F16 or F32",
                          tensor->name, assay_dtype_name(tensor->dtype));
    if (tensor->rank != 2 || tensor->shape[1] != 1 || tensor->size != size)
        return ASSAY_FAIL(err, MISMATCH,
                          "tensor \"%s\" has %llu bytes, its quant state needs %llu in one column",
                          tensor->name, (ull)tensor->size, (ull)size);
    return ASSAY_OK;
}

static assay_status codebook_check(binding *b, assay_error *err) {
    const assay_shard_tensor *map;
    ASSAY_TRY(part_find(&map, b, ".quant_map", err));
    ASSAY_TRY(part_check(map, ASSAY_DTYPE_F32, 16, err));
    if (memcmp(map->data, assay_nf4_levels, sizeof assay_nf4_levels) != 0)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" is not the NF4 codebook",
                          map->tensor->name);
    return ASSAY_OK;
}

static assay_status parts_bind(binding *b, assay_error *err) {
    assay_nf4_tensor *out = b->out;
    uint64_t blocks = out->state.n * out->state.k / ASSAY_NF4_BLOCK;
    uint64_t nested = (blocks + ASSAY_NF4_NESTED_BLOCK - 1) / ASSAY_NF4_NESTED_BLOCK;
    ASSAY_TRY(part_find(&out->codes, b, "", err));
    ASSAY_TRY(codes_check(out->codes, &out->state, err));
    ASSAY_TRY(codebook_check(b, err));
    ASSAY_TRY(part_find(&out->absmax, b, ".absmax", err));
    ASSAY_TRY(
        part_check(out->absmax, out->state.nested ? ASSAY_DTYPE_U8 : ASSAY_DTYPE_F32, blocks, err));
    if (!out->state.nested) return ASSAY_OK;
    ASSAY_TRY(part_find(&out->nested, b, ".nested_absmax", err));
    ASSAY_TRY(part_check(out->nested, ASSAY_DTYPE_F32, nested, err));
    ASSAY_TRY(part_find(&out->nested_map, b, ".nested_quant_map", err));
    return part_check(out->nested_map, ASSAY_DTYPE_F32, 256, err);
}

static assay_status state_bind(binding *b, const assay_shard_tensor *state, assay_error *err) {
    assay_error inner = {0};
    if (state->tensor->dtype != ASSAY_DTYPE_U8)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" is %s, needs U8", b->name,
                          assay_dtype_name(state->tensor->dtype));
    ASSAY_TRY(part_mark(b, state, err));
    assay_status status =
        assay_nf4_state_read(&b->out->state, state->data, state->tensor->size, &inner);
    if (status != ASSAY_OK)
        return assay_fail(err, status, 0, "tensor \"%s\": %s", b->name, inner.text);
    return ASSAY_OK;
}

assay_status assay_nf4_tensor_bind(assay_nf4_tensor *out, const assay_shards *shards, bool *used,
                                   const assay_shard_tensor *state, assay_error *err) {
    const char *name = state->tensor->name;
    size_t size = strlen(name) - strlen(ASSAY_NF4_STATE_SUFFIX);
    binding b = {out, shards, used, (int)size, name};
    *out = (assay_nf4_tensor){0};
    ASSAY_TRY(state_bind(&b, state, err));
    return parts_bind(&b, err);
}

static float f32_at(const uint8_t *data, uint64_t index) {
    float value;
    memcpy(&value, data + index * sizeof value, sizeof value);
    return value;
}

// Product and sum round each on their own, as bitsandbytes does it.
static float absmax_at(const assay_nf4_tensor *tensor, uint64_t index) {
    if (!tensor->state.nested) return f32_at(tensor->absmax->data, index);
    float product = f32_at(tensor->nested_map->data, tensor->absmax->data[index]) *
                    f32_at(tensor->nested->data, index / ASSAY_NF4_NESTED_BLOCK);
    return product + tensor->state.offset;
}

void assay_nf4_tensor_rows(uint8_t *codes, float *absmax, const assay_nf4_tensor *tensor,
                           uint64_t first, uint64_t count) {
    uint64_t k = tensor->state.k, bytes = count * k / 2, blocks = count * k / ASSAY_NF4_BLOCK;
    const uint8_t *from = tensor->codes->data + first * k / 2;
    for (uint64_t i = 0; i < bytes; i++)
        codes[i] = (uint8_t)(from[i] >> 4 | from[i] << 4);
    for (uint64_t i = 0; i < blocks; i++)
        absmax[i] = absmax_at(tensor, first * k / ASSAY_NF4_BLOCK + i);
}
