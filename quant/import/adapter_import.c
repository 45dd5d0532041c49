// SPDX-License-Identifier: Apache-2.0
#include "quant/import/adapter_import.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/float.h"
#include "quant/adapter.h"
#include "quant/import/gguf_config.h"
#include "quant/import/peft_config.h"
#include "quant/import/source_gguf.h"
#include "quant/import/source_safetensors.h"
#include "quant/import/weights.h"
#include "quant/layout.h"

enum { CONFIG_MAX = 1 << 20, CONFIG_VALUES_MAX = 1 << 16, MODULE_MAX = 64 };

// One targeted module: its tensors in the source, its shape and scale.
typedef struct {
    char module[MODULE_MAX];
    const assay_source_tensor *a, *b;
    float scale;
} pair;

typedef struct {
    json_t *json;
    assay_peft_config config;
    assay_gguf gguf;
    bool is_gguf; // of the configuration only alpha counts, and a module with tensors is targeted
    assay_source *source;
    bool *tensors_used; // [source->count]
    bool *targets_used; // [targets]
    pair *pairs;        // [pair_count]
    uint32_t pair_count;
    assay_tensor_list list;
    assay_canonical_writer writer;
} importer;

static assay_status folder_open(importer *im, const char *folder, assay_error *err) {
    char path[PATH_MAX];
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "adapter_config.json", err));
    ASSAY_TRY(assay_json_read_many(&im->json, path, CONFIG_MAX, CONFIG_VALUES_MAX, err));
    ASSAY_TRY(assay_peft_config_read(&im->config, im->json, err));
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "adapter_model.safetensors", err));
    return assay_source_safetensors_file(&im->source, path, err);
}

// How many rows a head has only the base knows.
static assay_status gguf_open(importer *im, const char *path, const assay_model *base,
                              assay_error *err) {
    bool paired;
    ASSAY_TRY(assay_gguf_open(&im->gguf, path, err));
    ASSAY_TRY(assay_gguf_lora_read(&im->config.alpha, &im->gguf, err));
    ASSAY_TRY(assay_gguf_paired(&paired, &im->gguf, err));
    if (paired && !base)
        return ASSAY_FAIL(err, MISSING,
                          "a GGUF adapter of a llama needs its base model: the rows "
                          "of its heads lie in pairs");
    return assay_source_gguf_open(&im->source, &im->gguf, ASSAY_GGUF_ADAPTER,
                                  paired ? base->shape.head_size : 0, err);
}

static assay_status source_open(importer *im, const char *path, const assay_model *base,
                                assay_error *err) {
    ASSAY_TRY(assay_source_is_gguf(&im->is_gguf, path, err));
    ASSAY_TRY(im->is_gguf ? gguf_open(im, path, base, err) : folder_open(im, path, err));
    im->tensors_used = calloc((size_t)im->source->count + 1, sizeof *im->tensors_used);
    im->targets_used = calloc(json_array_size(im->config.targets) + 1, sizeof *im->targets_used);
    im->pairs = calloc(ASSAY_MODEL_LAYERS_MAX * ASSAY_LINEAR_COUNT, sizeof *im->pairs);
    if (!im->tensors_used || !im->targets_used || !im->pairs)
        return ASSAY_FAIL(err, MEMORY, "no memory for %u tensors", im->source->count);
    return ASSAY_OK;
}

static const assay_source_tensor *half_find(importer *im, const char *module, char half) {
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    snprintf(name, sizeof name, "base_model.model.%s.lora_%c.weight", module, half);
    const assay_source_tensor *found = assay_source_find(im->source, name);
    if (found) im->tensors_used[found - im->source->tensors] = true;
    return found;
}

// Rank and scale: of a GGUF file the rank is that of A.
static assay_status scale_read(uint32_t *rank, pair *p, const importer *im, assay_error *err) {
    if (!im->is_gguf) return assay_peft_scale(rank, &p->scale, &im->config, p->module, err);
    if (p->a->shape[0] > ASSAY_LORA_RANK_MAX)
        return ASSAY_FAIL(err, RANGE, "%s has rank %llu, limit %d", p->module, (ull)p->a->shape[0],
                          ASSAY_LORA_RANK_MAX);
    *rank = (uint32_t)p->a->shape[0];
    p->scale = (float)(im->config.alpha / *rank);
    return ASSAY_OK;
}

// The sizes that A and B agree on; the rank that the configuration says.
static assay_status pair_check(pair *p, const importer *im, uint32_t layer, assay_linear linear,
                               const assay_model *base, assay_lora_shape *shape, assay_error *err) {
    uint32_t rank;
    ASSAY_TRY(scale_read(&rank, p, im, err));
    for (int i = 0; i < 2; i++) {
        const assay_source_tensor *half = i ? p->b : p->a;
        if (half->rank != 2 || half->shape[0] > UINT32_MAX || half->shape[1] > UINT32_MAX)
            return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" is no matrix", half->name);
        if (half->shape[i] != rank)
            return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" has rank %llu, %s %u", half->name,
                              (ull)half->shape[i],
                              im->is_gguf ? "its other half" : "the configuration", rank);
    }
    *shape = (assay_lora_shape){rank, (uint32_t)p->a->shape[1], (uint32_t)p->b->shape[0]};
    return assay_lora_shape_check(shape, layer, linear, base, err);
}

static assay_status module_read(importer *im, uint32_t layer, assay_linear linear,
                                const assay_model *base, assay_error *err) {
    pair *p = &im->pairs[im->pair_count];
    snprintf(p->module, sizeof p->module, "model.layers.%u.%s", layer, assay_linear_names[linear]);
    p->a = half_find(im, p->module, 'A');
    p->b = half_find(im, p->module, 'B');
    bool targeted =
        im->is_gguf ? p->a || p->b : assay_peft_targeted(&im->config, p->module, im->targets_used);
    if (!p->a && !p->b && !targeted) return ASSAY_OK;
    if (!targeted)
        return ASSAY_FAIL(err, UNKNOWN, "%s has tensors but is not in target_modules", p->module);
    if (!p->a || !p->b)
        return ASSAY_FAIL(err, MISSING, "%s is targeted but lora_%c is missing", p->module,
                          p->a ? 'B' : 'A');
    assay_lora_shape shape;
    ASSAY_TRY(pair_check(p, im, layer, linear, base, &shape, err));
    assay_adapter_tensors(&im->list, layer, linear, &shape);
    im->pair_count++;
    return ASSAY_OK;
}

// The number of layers is the base's, or what the highest tensor shows.
static uint32_t layers_count(const importer *im, const assay_model *base) {
    if (base) return base->shape.layer_count;
    uint32_t count = 0, layer;
    for (uint32_t i = 0; i < im->source->count; i++)
        if (sscanf(im->source->tensors[i].name, "base_model.model.model.layers.%3u.", &layer) ==
                1 &&
            layer < ASSAY_MODEL_LAYERS_MAX && layer >= count)
            count = layer + 1;
    return count;
}

static bool pattern_fits(const importer *im, const char *pattern) {
    for (uint32_t i = 0; i < im->pair_count; i++)
        if (assay_peft_fits(pattern, im->pairs[i].module)) return true;
    return false;
}

// One that fits nothing is misspelt, or an expression that PEFT reads otherwise: it would be passed
// over here and not where the adapter was trained.
static assay_status patterns_check(const importer *im, const json_t *patterns, const char *name,
                                   assay_error *err) {
    const char *pattern;
    const json_t *value;
    json_object_foreach((json_t *)patterns, pattern, value) {
        if (!pattern_fits(im, pattern))
            return ASSAY_FAIL(err, UNSUPPORTED, "%s \"%.64s\" fits no targeted linear", name,
                              pattern);
    }
    return ASSAY_OK;
}

static assay_status modules_read(importer *im, const assay_model *base, assay_error *err) {
    uint32_t layers = layers_count(im, base);
    for (uint32_t layer = 0; layer < layers; layer++)
        for (int i = 0; i < ASSAY_LINEAR_COUNT; i++)
            ASSAY_TRY(module_read(im, layer, (assay_linear)i, base, err));
    for (uint32_t i = 0; i < im->source->count; i++)
        if (!im->tensors_used[i])
            return ASSAY_FAIL(err, UNKNOWN, "tensor \"%s\" is no LoRA pair of a Llama layer",
                              im->source->tensors[i].name);
    for (size_t i = 0; i < json_array_size(im->config.targets); i++)
        if (!im->targets_used[i])
            return ASSAY_FAIL(err, UNSUPPORTED, "target \"%.64s\" is no linear of a layer",
                              json_string_value(json_array_get(im->config.targets, i)));
    if (im->pair_count == 0) return ASSAY_FAIL(err, MISSING, "adapter has no pair of any module");
    ASSAY_TRY(patterns_check(im, im->config.rank_pattern, "rank_pattern", err));
    return patterns_check(im, im->config.alpha_pattern, "alpha_pattern", err);
}

static assay_status pair_write(importer *im, const pair *p, assay_error *err) {
    assay_weights_target target = {.writer = &im->writer, .list = &im->list};
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    snprintf(name, sizeof name, "%s.lora_A", p->module);
    ASSAY_TRY(assay_weights_write_q8(&target, name, im->source, p->a, err));
    snprintf(name, sizeof name, "%s.lora_B", p->module);
    ASSAY_TRY(assay_weights_write_q8(&target, name, im->source, p->b, err));
    return assay_canonical_put(&im->writer,
                               assay_tensor_list_find(&im->list, p->module, ".lora_scale"), 0,
                               &p->scale, sizeof p->scale, err);
}

static assay_status file_write(importer *im, assay_hash *root, const char *path,
                               const assay_model *base, assay_error *err) {
    uint64_t data_size;
    assay_adapter adapter;
    ASSAY_TRY(assay_canonical_layout(&im->list, &data_size, err));
    ASSAY_TRY(assay_canonical_create(&im->writer, path, ASSAY_ADAPTER_FORMAT, &im->list, err));
    for (uint32_t i = 0; i < im->pair_count; i++)
        ASSAY_TRY(pair_write(im, &im->pairs[i], err));
    ASSAY_TRY(assay_adapter_open(&adapter, im->writer.temporary, base, err));
    *root = adapter.root;
    assay_adapter_close(&adapter);
    return assay_canonical_commit(&im->writer, path, err);
}

assay_status assay_adapter_import(assay_hash *root, const char *from, const char *path,
                                  const assay_model *base, assay_error *err) {
    importer im = {.writer.fd = -1};
    uint64_t former = assay_float_enter();
    assay_status status = source_open(&im, from, base, err);
    if (status == ASSAY_OK) status = modules_read(&im, base, err);
    if (status == ASSAY_OK) status = file_write(&im, root, path, base, err);
    assay_float_leave(former);
    assay_canonical_abort(&im.writer);
    assay_tensor_list_close(&im.list);
    assay_source_close(im.source);
    assay_gguf_close(&im.gguf);
    json_decref(im.json);
    free(im.tensors_used);
    free(im.targets_used);
    free(im.pairs);
    return status;
}
