// SPDX-License-Identifier: Apache-2.0
#include "quant/import/source_safetensors.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/nf4.h"
#include "quant/container/floats.h"
#include "quant/container/nf4_tensor.h"

// A tensor's place is in shards.tensors, that of an NF4 one in nf4.
typedef struct {
    assay_source base;
    assay_shards shards;
    assay_nf4_tensor *nf4; // [nf4_count]
    uint32_t nf4_count;
} container;

static const assay_shard_tensor *floats_of(const assay_source *source,
                                           const assay_source_tensor *tensor) {
    return &((const container *)source)->shards.tensors[tensor->place];
}

static const assay_nf4_tensor *nf4_of(const assay_source *source,
                                      const assay_source_tensor *tensor) {
    return &((const container *)source)->nf4[tensor->place];
}

static assay_status nf4_rows_read(uint8_t *codes, float *absmax, const assay_source *source,
                                  const assay_source_tensor *tensor, uint64_t first, uint64_t count,
                                  assay_error *err) {
    assay_nf4_tensor_rows(codes, absmax, nf4_of(source, tensor), first, count);
    return ASSAY_OK;
}

// The numbers that bitsandbytes makes of them in f32.
static assay_status nf4_expand(float *out, const assay_source *source,
                               const assay_source_tensor *tensor, uint64_t first, uint64_t count,
                               assay_error *err) {
    uint64_t elements = count * tensor->shape[1];
    uint8_t *codes = malloc(elements / 2);
    float *absmax = malloc(elements / ASSAY_NF4_BLOCK * sizeof *absmax);
    assay_status status = ASSAY_OK;
    if (!codes || !absmax)
        status = ASSAY_FAIL(err, MEMORY, "no memory for rows of \"%s\"", tensor->name);
    else
        status = assay_source_nf4_rows(codes, absmax, source, tensor, first, count, err);
    for (uint64_t i = 0; status == ASSAY_OK && i < elements; i++)
        out[i] =
            assay_nf4_levels[codes[i / 2] >> (i % 2 ? 4 : 0) & 15] * absmax[i / ASSAY_NF4_BLOCK];
    free(codes);
    free(absmax);
    return status;
}

static assay_status rows_read(float *out, const assay_source *source,
                              const assay_source_tensor *tensor, uint64_t first, uint64_t count,
                              assay_error *err) {
    if (tensor->kind == ASSAY_SOURCE_NF4) return nf4_expand(out, source, tensor, first, count, err);
    const assay_shard_tensor *from = floats_of(source, tensor);
    uint64_t size = assay_source_row_size(tensor), elements = count * size;
    const uint8_t *at = from->data + first * size * assay_dtype_size(from->tensor->dtype);
    switch (from->tensor->dtype) {
    case ASSAY_DTYPE_F32:
        assay_floats_from_f32(out, at, elements);
        return ASSAY_OK;
    case ASSAY_DTYPE_F16:
        assay_floats_from_f16(out, at, elements);
        return ASSAY_OK;
    case ASSAY_DTYPE_BF16:
        assay_floats_from_bf16(out, at, elements);
        return ASSAY_OK;
    default:
        return ASSAY_FAIL(err, UNSUPPORTED, "tensor \"%s\" is %s, not BF16, F16 or F32",
                          tensor->name, assay_dtype_name(from->tensor->dtype));
    }
}

static void range_drop(const assay_source *source, const assay_shard_tensor *from, uint64_t begin,
                       uint64_t size) {
    assay_mapping_drop(&((const container *)source)->shards.mappings[from->file],
                       from->data + begin, size);
}

static void rows_drop(const assay_source *source, const assay_source_tensor *tensor, uint64_t first,
                      uint64_t count) {
    uint64_t size = assay_source_row_size(tensor);
    if (tensor->kind == ASSAY_SOURCE_NF4) {
        const assay_nf4_tensor *nf4 = nf4_of(source, tensor);
        uint64_t absmax = size / ASSAY_NF4_BLOCK * assay_dtype_size(nf4->absmax->tensor->dtype);
        range_drop(source, nf4->codes, first * size / 2, count * size / 2);
        range_drop(source, nf4->absmax, first * absmax, count * absmax);
        return;
    }
    const assay_shard_tensor *from = floats_of(source, tensor);
    size *= assay_dtype_size(from->tensor->dtype);
    range_drop(source, from, first * size, count * size);
}

static void container_close(assay_source *source) {
    container *c = (container *)source;
    assay_shards_close(&c->shards);
    free(c->base.tensors);
    free(c->nf4);
    free(c);
}

static const assay_source_methods methods = {rows_read, nf4_rows_read, rows_drop, container_close};

// What a tensor's name says about a quantisation: NULL, or the rest from ".quant_state." on.
static const char *state_suffix(const char *name) {
    return strstr(name, ".quant_state.");
}

static assay_status nf4_bind(container *c, bool *used, const assay_shard_tensor *state,
                             assay_error *err) {
    const char *name = state->tensor->name, *suffix = state_suffix(name);
    if (strcmp(suffix, ASSAY_NF4_STATE_SUFFIX) != 0) {
        char other[ASSAY_TENSOR_NAME_MAX + sizeof ASSAY_NF4_STATE_SUFFIX];
        snprintf(other, sizeof other, "%.*s%s", (int)(suffix - name), name, ASSAY_NF4_STATE_SUFFIX);
        if (assay_shards_find(&c->shards, other))
            return ASSAY_FAIL(err, DUPLICATE, "tensor \"%s\": a second quant state", name);
        return ASSAY_FAIL(err, UNSUPPORTED, "tensor \"%s\": only nf4 is supported", name);
    }
    assay_nf4_tensor *nf4 = &c->nf4[c->nf4_count];
    ASSAY_TRY(assay_nf4_tensor_bind(nf4, &c->shards, used, state, err));
    assay_source_tensor *to = &c->base.tensors[c->base.count++];
    memcpy(to->name, nf4->codes->tensor->name, sizeof to->name);
    to->rank = 2;
    to->shape[0] = nf4->state.n;
    to->shape[1] = nf4->state.k;
    to->kind = ASSAY_SOURCE_NF4;
    to->size = nf4->size;
    to->place = c->nf4_count++;
    return ASSAY_OK;
}

static void floats_add(container *c, uint32_t place) {
    const assay_tensor *from = c->shards.tensors[place].tensor;
    assay_source_tensor *to = &c->base.tensors[c->base.count++];
    memcpy(to->name, from->name, sizeof to->name);
    memcpy(to->shape, from->shape, sizeof to->shape);
    to->rank = from->rank;
    to->size = from->size;
    to->place = place;
}

static assay_status tensors_fill(container *c, bool *used, assay_error *err) {
    for (uint32_t i = 0; i < c->shards.count; i++)
        if (state_suffix(c->shards.tensors[i].tensor->name))
            ASSAY_TRY(nf4_bind(c, used, &c->shards.tensors[i], err));
    for (uint32_t i = 0; i < c->shards.count; i++)
        if (!used[i]) floats_add(c, i);
    return assay_source_finish(&c->base, err);
}

static assay_status tensors_list(container *c, assay_error *err) {
    size_t room = (size_t)c->shards.count + 1, states = 1;
    for (uint32_t i = 0; i < c->shards.count; i++)
        states += state_suffix(c->shards.tensors[i].tensor->name) != NULL;
    bool *used = calloc(room, sizeof *used);
    c->base.tensors = calloc(room, sizeof *c->base.tensors);
    c->nf4 = calloc(states, sizeof *c->nf4);
    assay_status status = ASSAY_OK;
    if (!used || !c->base.tensors || !c->nf4)
        status = ASSAY_FAIL(err, MEMORY, "no memory for %u tensors", c->shards.count);
    else
        status = tensors_fill(c, used, err);
    free(used);
    return status;
}

static assay_status container_open(assay_source **out, const char *path,
                                   assay_status (*shards_open)(assay_shards *, const char *,
                                                               assay_error *),
                                   assay_error *err) {
    *out = NULL;
    container *c = calloc(1, sizeof *c);
    if (!c) return ASSAY_FAIL(err, MEMORY, "no memory for a container");
    c->base.methods = &methods;
    assay_status status = shards_open(&c->shards, path, err);
    if (status == ASSAY_OK) status = tensors_list(c, err);
    if (status == ASSAY_OK)
        *out = &c->base;
    else
        container_close(&c->base);
    return status;
}

assay_status assay_source_safetensors_file(assay_source **out, const char *path, assay_error *err) {
    return container_open(out, path, assay_shards_open_file, err);
}

assay_status assay_source_safetensors_folder(assay_source **out, const char *folder,
                                             assay_error *err) {
    return container_open(out, folder, assay_shards_open, err);
}
