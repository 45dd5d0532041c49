// SPDX-License-Identifier: Apache-2.0
#include "quant/source_safetensors.h"

#include <stdlib.h>

#include "quant/floats.h"
#include "quant/shards.h"

typedef struct {
    assay_source base;
    assay_shards shards;
} container;

static const assay_shard_tensor *floats_of(const assay_source *source,
                                           const assay_source_tensor *tensor) {
    return &((const container *)source)->shards.tensors[tensor->place];
}

static assay_status rows_read(float *out, const assay_source *source,
                              const assay_source_tensor *tensor, uint64_t first, uint64_t count,
                              assay_error *err) {
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

static void rows_drop(const assay_source *source, const assay_source_tensor *tensor, uint64_t first,
                      uint64_t count) {
    const assay_shard_tensor *from = floats_of(source, tensor);
    uint64_t size = assay_source_row_size(tensor) * assay_dtype_size(from->tensor->dtype);
    assay_mapping_drop(&((const container *)source)->shards.mappings[from->file],
                       from->data + first * size, count * size);
}

static void container_close(assay_source *source) {
    container *c = (container *)source;
    assay_shards_close(&c->shards);
    free(c->base.tensors);
    free(c);
}

static const assay_source_methods methods = {rows_read, NULL, rows_drop, container_close};

static assay_status tensors_list(container *c, assay_error *err) {
    c->base.tensors = calloc((size_t)c->shards.count + 1, sizeof *c->base.tensors);
    if (!c->base.tensors)
        return ASSAY_FAIL(err, MEMORY, "no memory for %u tensors", c->shards.count);
    for (uint32_t i = 0; i < c->shards.count; i++) {
        const assay_tensor *from = c->shards.tensors[i].tensor;
        assay_source_tensor *to = &c->base.tensors[c->base.count++];
        memcpy(to->name, from->name, sizeof to->name);
        memcpy(to->shape, from->shape, sizeof to->shape);
        to->rank = from->rank;
        to->size = from->size;
        to->place = i;
    }
    return assay_source_finish(&c->base, err);
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
