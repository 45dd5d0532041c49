// SPDX-License-Identifier: Apache-2.0
#include "quant/adapter.h"

#include <stdio.h>
#include <stdlib.h>

#include "quant/layout.h"

#define ADAPTER_FILE_MAX ((uint64_t)1 << 36)

typedef assay_lora_shape layer_shapes[ASSAY_LINEAR_COUNT];

static void module_name(char *out, size_t size, uint32_t layer, int linear) {
    snprintf(out, size, "model.layers.%u.%s", layer, assay_linear_names[linear]);
}

void assay_adapter_tensors(assay_tensor_list *list, uint32_t layer, assay_linear linear,
                           const assay_lora_shape *shape) {
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    module_name(name, sizeof name, layer, linear);
    assay_tensor_list_add(list, ASSAY_DTYPE_I8, shape->rank, shape->k, "%s.lora_A.q", name);
    assay_tensor_list_add(list, ASSAY_DTYPE_F32, shape->rank, 0, "%s.lora_A.scales", name);
    assay_tensor_list_add(list, ASSAY_DTYPE_I8, shape->n, shape->rank, "%s.lora_B.q", name);
    assay_tensor_list_add(list, ASSAY_DTYPE_F32, shape->n, 0, "%s.lora_B.scales", name);
    assay_tensor_list_add(list, ASSAY_DTYPE_F32, 1, 0, "%s.lora_scale", name);
}

assay_status assay_lora_shape_check(const assay_lora_shape *shape, uint32_t layer,
                                    assay_linear linear, const assay_model *base,
                                    assay_error *err) {
    uint32_t n, k;
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    module_name(name, sizeof name, layer, linear);
    if (shape->rank == 0 || shape->rank > ASSAY_LORA_RANK_MAX)
        return ASSAY_FAIL(err, RANGE, "%s has rank %u, limits 1 to %d", name, shape->rank,
                          ASSAY_LORA_RANK_MAX);
    if (shape->k == 0 || shape->k > ASSAY_MODEL_WIDTH_MAX || shape->n == 0 ||
        shape->n > ASSAY_MODEL_WIDTH_MAX)
        return ASSAY_FAIL(err, RANGE, "%s is %u by %u, limits 1 to %d", name, shape->n, shape->k,
                          ASSAY_MODEL_WIDTH_MAX);
    if (!base) return ASSAY_OK;
    if (layer >= base->shape.layer_count)
        return ASSAY_FAIL(err, MISMATCH, "%s in a base model of %u layers", name,
                          base->shape.layer_count);
    assay_linear_shape(&n, &k, &base->shape, linear);
    if (n != shape->n || k != shape->k)
        return ASSAY_FAIL(err, MISMATCH, "%s is %u by %u, in the base model %u by %u", name,
                          shape->n, shape->k, n, k);
    return ASSAY_OK;
}

static uint32_t dimension(const assay_tensor *tensor, uint32_t index) {
    if (!tensor || tensor->rank != 2 || tensor->shape[index] > UINT32_MAX) return 0;
    return (uint32_t)tensor->shape[index];
}

// Reads a pair's sizes from its two matrices; a file without A of this module has rank 0 here.
static assay_status shape_read(assay_lora_shape *out, const assay_safetensors *file, uint32_t layer,
                               int linear, const assay_model *base, assay_error *err) {
    char module[ASSAY_TENSOR_NAME_MAX + 1 - 16], name[ASSAY_TENSOR_NAME_MAX + 1];
    module_name(module, sizeof module, layer, linear);
    snprintf(name, sizeof name, "%s.lora_A.q", module);
    const assay_tensor *a = assay_safetensors_find(file, name);
    *out = (assay_lora_shape){0};
    if (!a) return ASSAY_OK;
    snprintf(name, sizeof name, "%s.lora_B.q", module);
    const assay_tensor *b = assay_safetensors_find(file, name);
    if (!b) return ASSAY_FAIL(err, MISSING, "tensor \"%s\" is missing", name);
    *out = (assay_lora_shape){dimension(a, 0), dimension(a, 1), dimension(b, 0)};
    return assay_lora_shape_check(out, layer, (assay_linear)linear, base, err);
}

// Finds every pair of the file and lists its tensors.
static assay_status shapes_read(layer_shapes *shapes, uint32_t *layer_count,
                                assay_tensor_list *list, const assay_safetensors *file,
                                const assay_model *base, assay_error *err) {
    *layer_count = 0;
    for (uint32_t layer = 0; layer < ASSAY_MODEL_LAYERS_MAX; layer++)
        for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
            assay_lora_shape *shape = &shapes[layer][i];
            ASSAY_TRY(shape_read(shape, file, layer, i, base, err));
            if (shape->rank == 0) continue;
            assay_adapter_tensors(list, layer, (assay_linear)i, shape);
            *layer_count = layer + 1;
        }
    if (*layer_count == 0) return ASSAY_FAIL(err, MISSING, "adapter has no pair of any module");
    if (base) *layer_count = base->shape.layer_count;
    return ASSAY_OK;
}

static assay_status pair_bind(assay_lora *lora, const assay_lora_shape *shape,
                              const assay_safetensors *file, const char *module, assay_error *err) {
    *lora = (assay_lora){
        .a = {shape->rank, shape->k, assay_tensor_data(file, "%s.lora_A.q", module),
              assay_tensor_data(file, "%s.lora_A.scales", module)},
        .b = {shape->n, shape->rank, assay_tensor_data(file, "%s.lora_B.q", module),
              assay_tensor_data(file, "%s.lora_B.scales", module)},
        .scale = *(const float *)assay_tensor_data(file, "%s.lora_scale", module),
    };
    if (!assay_weight_legal(lora->scale))
        return ASSAY_FAIL(err, NONFINITE, "%s: scale is not finite and at most 2^20", module);
    ASSAY_TRY(assay_q8_check(&lora->a, module, err));
    return assay_q8_check(&lora->b, module, err);
}

static assay_status file_bind(assay_adapter *adapter, const assay_safetensors *file,
                              layer_shapes *shapes, assay_tensor_list *list, const uint8_t *data,
                              size_t size, const assay_model *base, assay_error *err) {
    uint64_t data_size;
    char module[ASSAY_TENSOR_NAME_MAX + 1 - 16];
    ASSAY_TRY(assay_canonical_format_check(file, ASSAY_ADAPTER_FORMAT, err));
    ASSAY_TRY(shapes_read(shapes, &adapter->layer_count, list, file, base, err));
    ASSAY_TRY(assay_canonical_layout(list, &data_size, err));
    ASSAY_TRY(assay_canonical_check(file, data, size, ASSAY_ADAPTER_FORMAT, list, err));
    adapter->layers = calloc(adapter->layer_count, sizeof *adapter->layers);
    if (!adapter->layers)
        return ASSAY_FAIL(err, MEMORY, "no memory for %u layers", adapter->layer_count);
    for (uint32_t layer = 0; layer < adapter->layer_count; layer++)
        for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
            if (shapes[layer][i].rank == 0) continue;
            module_name(module, sizeof module, layer, i);
            ASSAY_TRY(pair_bind(&adapter->layers[layer][i], &shapes[layer][i], file, module, err));
        }
    return assay_canonical_root(&adapter->root, ASSAY_ADAPTER_FORMAT, list, file->data, NULL, err);
}

assay_status assay_adapter_bind(assay_adapter *adapter, const uint8_t *data, size_t size,
                                const assay_model *base, assay_error *err) {
    assay_safetensors file;
    assay_tensor_list list = {0};
    *adapter = (assay_adapter){0};
    ASSAY_TRY(assay_safetensors_open(&file, data, size, err));
    layer_shapes *shapes = calloc(ASSAY_MODEL_LAYERS_MAX, sizeof *shapes);
    assay_status status =
        shapes ? file_bind(adapter, &file, shapes, &list, data, size, base, err)
               : ASSAY_FAIL(err, MEMORY, "no memory for %d layers", ASSAY_MODEL_LAYERS_MAX);
    free(shapes);
    assay_tensor_list_close(&list);
    assay_safetensors_close(&file);
    if (status != ASSAY_OK) assay_adapter_close(adapter);
    return status;
}

assay_status assay_adapter_open(assay_adapter *adapter, const char *path, const assay_model *base,
                                assay_error *err) {
    assay_mapping mapping;
    *adapter = (assay_adapter){0};
    ASSAY_TRY(assay_mapping_open(&mapping, path, ADAPTER_FILE_MAX, err));
    assay_status status = assay_fail_in(
        err, assay_adapter_bind(adapter, mapping.data, mapping.size, base, err), path);
    adapter->file = mapping;
    if (status == ASSAY_OK) status = assay_mapping_unchanged(&mapping, path, err);
    if (status != ASSAY_OK) assay_adapter_close(adapter);
    return status;
}

void assay_adapter_close(assay_adapter *adapter) {
    free(adapter->layers);
    assay_mapping_close(&adapter->file);
    *adapter = (assay_adapter){0};
}

assay_status assay_adapter_unchanged(const assay_adapter *adapter, assay_error *err) {
    return assay_mapping_unchanged(&adapter->file, "the adapter's file", err);
}
